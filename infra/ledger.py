"""What a consumer keeps in PostgreSQL: positions with epochs, stream versions, parked records."""

from collections.abc import Collection, Mapping, Sequence

from infra.keeping import Claimed
from infra.postgres import reachable
from infra.rows import Parked
from infra.store import PostgresStore
from infra.wire import unpack_headers
from infra.work import Work

PARKED = "id, topic, partition, offset_, key, headers, value, reason, code, attempts, parked_at"


class PostgresLedger(PostgresStore):
    """The store of one service, with what its consumers keep."""

    def claim(self, topic: str, partition: int, *, clean: bool = False) -> Claimed:
        """Raise the partition's epoch, so that an earlier owner's commit fails from now on."""
        with reachable(), self.pool.connection() as connection:
            row = connection.execute(
                "INSERT INTO positions (topic, partition, epoch) VALUES (%s, %s, 1)"
                " ON CONFLICT (topic, partition) DO UPDATE SET epoch = positions.epoch + 1,"
                " attempts = CASE WHEN %s THEN 0 ELSE positions.attempts END"
                " RETURNING position, epoch, attempts",
                (topic, partition, clean),
            ).fetchone()
        return Claimed(*row) if row else Claimed(0, 0, 0)

    def attempt(self, topic: str, partition: int, epoch: int) -> int:
        """Count one more attempt; not flushed to disk.

        Since losing a count only costs one more try.
        """
        with reachable(), self.pool.connection() as connection:
            row = connection.execute(
                "UPDATE positions SET attempts = attempts + 1"
                " FROM (SELECT set_config('synchronous_commit', 'off', true)) AS lightly"
                " WHERE topic = %s AND partition = %s AND epoch = %s RETURNING attempts",
                (topic, partition, epoch),
                prepare=True,
            ).fetchone()
        return int(row[0]) if row else 1

    def versions(self, streams: Collection[str]) -> Mapping[str, int]:
        """Return the last consumed version of the streams that have one."""
        with reachable(), self.pool.connection() as connection:
            rows = connection.execute(
                "SELECT stream, version FROM inbox WHERE stream = ANY(%s)",
                (list(streams),),
                prepare=True,
            ).fetchall()
        return {row[0]: row[1] for row in rows}

    def waiting_keys(self, topic: str, partition: int) -> set[bytes]:
        """Return the keys of a partition that have parked records."""
        with reachable(), self.pool.connection() as connection:
            rows = connection.execute(
                "SELECT DISTINCT key FROM parked WHERE topic = %s AND partition = %s",
                (topic, partition),
            ).fetchall()
        return {bytes(row[0]) for row in rows}

    # ---- parked records

    def parked(self, limit: int = 200) -> list[Parked]:
        """Return the parked records, oldest first."""
        return self._parked("ORDER BY id LIMIT %s", (limit,))

    def parked_one(self, parked_id: int) -> Parked | None:
        """Return one parked record."""
        found = self._parked("WHERE id = %s", (parked_id,))
        return found[0] if found else None

    def ask_retry(self, parked_id: int | None) -> int:
        """Mark the whole deal of a record (None: every deal) for a retry.

        Returns how many records.
        """
        with reachable(), self.pool.connection() as connection:
            return connection.execute(
                "UPDATE parked SET retry = true WHERE %s::bigint IS NULL"
                " OR key = (SELECT key FROM parked WHERE id = %s)",
                (parked_id, parked_id),
            ).rowcount

    def retries(self, topic: str, partitions: Collection[int]) -> Sequence[Parked]:
        """Return the records of these partitions that are marked for a retry, in order."""
        where = "WHERE retry AND topic = %s AND partition = ANY(%s) ORDER BY id LIMIT 500"
        return self._parked(where, (topic, list(partitions)))

    def unpark(self, parked: Parked, work: Work) -> None:
        """Write the work and drop the record, together.

        The rest of its deal is retried too, also what was parked behind it after somebody asked.
        """
        work.sql("DELETE FROM parked WHERE id = %s", (parked.id,))
        work.sql("UPDATE parked SET retry = true WHERE key = %s", (parked.key,))
        self.commit([work])

    def still_parked(self, parked: Parked, fault: str) -> None:
        """Keep the reason and stop retrying the deal until somebody asks again."""
        with reachable(), self.pool.connection() as connection, connection.transaction():
            connection.execute("UPDATE parked SET retry = false WHERE key = %s", (parked.key,))
            connection.execute(
                "UPDATE parked SET attempts = attempts + 1, reason = %s WHERE id = %s",
                (fault, parked.id),
            )

    def _parked(self, rest: str, params: tuple[object, ...]) -> list[Parked]:
        rows = self.query(f"SELECT {PARKED} FROM parked {rest}", params)  # noqa: S608, own constants
        return [
            Parked(
                id=row["id"],
                topic=row["topic"],
                partition=row["partition"],
                offset=row["offset_"],
                key=bytes(row["key"]),
                headers=unpack_headers(row["headers"]),
                value=bytes(row["value"]),
                reason=row["reason"],
                code=row["code"],
                attempts=row["attempts"],
                parked_at=row["parked_at"],
            )
            for row in rows
        ]
