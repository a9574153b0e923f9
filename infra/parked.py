"""Parked records in PostgreSQL: for who operates, and for the consumer that tries them again."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from contracts.envelope import NewerVersion
from infra.keeping import Waiting
from infra.parking import Behind, Missing, code_of, reason_of
from infra.postgres import reachable
from infra.rows import (
    CONSUMED_AGAIN,
    NOT_PARKED,
    UNMOVED,
    UNPARKED,
    Discarded,
    Fenced,
    NotParkedNow,
    Parked,
)
from infra.store import PostgresStore
from infra.wire import unpack_headers
from infra.work import Work

PARKED = "id, topic, partition, offset_, key, headers, value, reason, code, attempts, parked_at"
NEWER = [NewerVersion.code, Missing.code, Behind.code]


class PostgresParked(PostgresStore):
    """The store of one service, with the records that it could not handle."""

    # ---- for who operates

    def parked(self, limit: int = 200, after: int = 0, key: bytes | None = None) -> list[Parked]:
        """Return the parked records of a deal or of all, oldest first, from a number on."""
        where = "WHERE id > %s AND (%s::bytea IS NULL OR key = %s) ORDER BY id LIMIT %s"
        return self._parked(where, (after, key, key, limit))

    def parked_one(self, parked_id: int) -> Parked | None:
        """Return one parked record."""
        found = self._parked("WHERE id = %s", (parked_id,))
        return found[0] if found else None

    def parked_count(self) -> dict[str, int]:
        """Count parked records, their deals, and the records that are marked for a retry."""
        (row,) = self.query(
            "SELECT count(*) AS records, count(DISTINCT key) AS deals,"
            " count(*) FILTER (WHERE retry) AS retrying FROM parked"
        )
        return {name: int(value) for name, value in row.items()}

    def ask_retry(self, parked_id: int | None, *, without_missing: bool = False) -> int:
        """Mark the whole deal of a record (None: every deal) for a retry.

        `without_missing` lets it go on over facts that have not come. Returns how many records.
        """
        with reachable(), self.pool.connection() as connection:
            return connection.execute(
                "UPDATE parked SET retry = true, begun = 0,"
                " follows = CASE WHEN %s AND follows > 0 THEN 0 ELSE follows END"
                " WHERE %s::bigint IS NULL OR key = (SELECT key FROM parked WHERE id = %s)",
                (without_missing, parked_id, parked_id),
            ).rowcount

    def discard(self, parked_id: int, by: str, why: str) -> bool:
        """Give a record up: keep it raw, with who and why, and let nothing wait for it.

        What waits for it waits for what it waits for. False, if nothing is parked under the number
        (any more).
        """
        with reachable(), self.pool.connection() as connection, connection.transaction():
            connection.execute("SELECT hold_deal(key) FROM parked WHERE id = %s", (parked_id,))
            connection.execute(
                "UPDATE parked SET follows = gone.follows FROM parked AS gone WHERE gone.id = %s"
                " AND parked.key = gone.key AND parked.stream = gone.stream"
                " AND parked.follows = gone.version AND gone.follows IS NOT NULL",
                (parked_id,),
            )
            moved = connection.execute(
                f"WITH gone AS (DELETE FROM parked WHERE id = %s"  # noqa: S608, own constants
                f" RETURNING {PARKED}, stream, version)"
                " INSERT INTO discarded (id, topic, partition, offset_, key, headers, value,"
                " reason, code, attempts, parked_at, stream, version, discarded_by, why)"
                " SELECT id, topic, partition, offset_, key, headers, value,"
                " reason, code, attempts, parked_at, stream, version, %s, %s FROM gone",
                (parked_id, by, why),
            )
        return moved.rowcount == 1

    def discarded(self, limit: int, before: int | None = None) -> list[Discarded]:
        """Return what was given up, newest first."""
        rows = self.query(
            f"SELECT {PARKED}, 0 AS begun, NULL AS stream, NULL AS version, NULL AS follows,"  # noqa: S608, own constants
            " discarded_by, why, discarded_at FROM discarded"
            " WHERE %s::bigint IS NULL OR id < %s ORDER BY id DESC LIMIT %s",
            (before, before, limit),
        )
        return [
            Discarded(row["id"], _one(row), row["discarded_by"], row["why"], row["discarded_at"])
            for row in rows
        ]

    # ---- for who consumes

    def waiting(self, topic: str, partition: int) -> Waiting:
        """Return the keys of a partition that have parked records."""
        with reachable(), self.pool.connection() as connection:
            rows = connection.execute(
                "SELECT key, array_agg(DISTINCT stream) FILTER (WHERE follows IS NOT NULL)"
                " FROM parked WHERE topic = %s AND partition = %s GROUP BY key",
                (topic, partition),
            ).fetchall()
        return {bytes(key): set(streams or ()) for key, streams in rows}

    def retry_newer(self, topic: str, partition: int) -> int:
        """Mark the deals that wait for nothing but a newer release; returns how many rows."""
        with reachable(), self.pool.connection() as connection:
            return connection.execute(
                "UPDATE parked SET retry = true WHERE topic = %s AND partition = %s AND key IN ("
                " SELECT key FROM parked WHERE topic = %s AND partition = %s GROUP BY key"
                " HAVING bool_or(code = %s) AND bool_and(code = ANY(%s)))",
                (topic, partition, topic, partition, NewerVersion.code, NEWER),
            ).rowcount

    def retries(self, topic: str, partition: int, limit: int) -> list[Parked]:
        """Return the partition's next records that are marked for a retry, in order."""
        where = (
            "WHERE retry AND topic = %s AND partition = %s"
            " ORDER BY COALESCE(place, id), version, id LIMIT %s"
        )
        return self._parked(where, (topic, partition, limit))

    def begin_retry(self, parked: Sequence[Parked], count: int = 1) -> None:
        """Count that a retry begins; not flushed to disk, as `attempt`."""
        with reachable(), self.pool.connection() as connection:
            connection.execute(
                "UPDATE parked SET begun = begun + %s"
                " FROM (SELECT set_config('synchronous_commit', 'off', true)) AS lightly"
                " WHERE id = ANY(%s)",
                (count, [each.id for each in parked]),
            )

    def unpark(
        self,
        parked: Sequence[Parked],
        works: Sequence[Work],
        epoch: int,
        stands_on: Mapping[str, int] | None = None,
        inbox: Mapping[str, int] | None = None,
    ) -> None:
        """Write the works and drop the records, together; see `Ledger.unpark`."""
        place = parked[0].topic, parked[0].partition, epoch
        which = [each.key for each in parked], [each.id for each in parked]
        works[-1].sql(UNPARKED, (*place, *which))
        if inbox:
            streams = sorted(inbox)
            works[-1].sql(CONSUMED_AGAIN, (streams, [inbox[each] for each in streams]))
        if stands_on:  # last: a row that somebody else holds was waited for by then
            works[-1].sql(UNMOVED, (list(stands_on), list(stands_on.values())))
        try:
            self.commit(works)
        except psycopg.DatabaseError as fault:
            if fault.sqlstate == NOT_PARKED:
                raise NotParkedNow("the record was discarded while it was tried again") from None
            raise

    def still_parked(self, parked: Parked, epoch: int, fault: Exception) -> None:
        """Keep the reason and stop retrying the deal until somebody asks again."""
        with reachable(), self.pool.connection() as connection, connection.transaction():
            ours = connection.execute(
                "SELECT FROM positions"
                " WHERE topic = %s AND partition = %s AND epoch = %s FOR SHARE",
                (parked.topic, parked.partition, epoch),
            )
            if not ours.rowcount:
                raise Fenced("another process consumes this partition")
            connection.execute(
                "UPDATE parked SET retry = false WHERE key = %s AND retry", (parked.key,)
            )
            connection.execute(
                "UPDATE parked SET attempts = attempts + 1, begun = 0, reason = %s, code = %s"
                " WHERE id = %s",
                (reason_of(fault), code_of(fault), parked.id),
            )

    def _parked(self, rest: str, params: tuple[object, ...]) -> list[Parked]:
        columns = f"{PARKED}, begun, stream, version, follows"
        rows = self.query(f"SELECT {columns} FROM parked {rest}", params)  # noqa: S608, own constants
        return [_one(row) for row in rows]


def _one(row: Mapping[str, Any]) -> Parked:
    return Parked(
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
        begun=row["begun"],
        stream=row["stream"],
        version=row["version"],
        follows=row["follows"],
    )
