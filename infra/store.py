"""The store of one service in PostgreSQL.

Reads streams, commits works in one short transaction each.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from eventsourcing.persistence import IntegrityError
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from contracts.envelope import Registry
from infra.postgres import PgConnection, reachable
from infra.recorder import FactApplication, PostgresRecorder, row_to_stored
from infra.rows import (
    CommandRepeated,
    LostRace,
    Progress,
    advance,
    must_last,
    only_facts,
    write_rows,
)
from infra.work import Body, Recorded, Work


class PostgresStore:
    """A `Desk` on PostgreSQL that also commits."""

    def __init__(self, source: str, pool: ConnectionPool[PgConnection], registry: Registry) -> None:
        self.source = source
        self.pool = pool
        self.recorder = PostgresRecorder(pool)
        self.application = FactApplication(self.recorder, registry)

    def read_with(self, registry: Registry) -> None:
        """Read facts by this registry from now on.

        A service's parts know it only after the store exists.
        """
        self.application = FactApplication(self.recorder, registry)

    # ---- reading

    def read(self, stream: str) -> Sequence[Recorded]:
        """Return all facts of a stream in order."""
        with reachable():
            return cast("list[Recorded]", list(self.application.events.get(stream)))

    def by_command(self, command_id: str) -> tuple[tuple[Recorded, ...], str | None]:
        """Return the facts recorded under a command id.

        And the hash of the request that gave it.
        """
        with reachable(), self.pool.connection() as connection:
            rows = connection.execute(
                "SELECT position, stream, version, topic, state, deal_id, meta FROM events"
                " WHERE command_id = %s ORDER BY ordinal",
                (command_id,),
                prepare=True,
            ).fetchall()
        mapper = self.application.mapper
        facts = tuple(cast("Recorded", mapper.to_domain_event(row_to_stored(row))) for row in rows)
        return facts, (rows[0][6] or {}).get("request") if rows else None

    def body(self, digest: str) -> Body | None:
        """Return a kept body by its hash."""
        with reachable(), self.pool.connection() as connection:
            row = connection.execute(
                "SELECT sha256, media_type, content FROM bodies WHERE sha256 = %s",
                (digest,),
            ).fetchone()
        return Body(row[0], row[1], bytes(row[2])) if row else None

    def find(self, name: str) -> str | None:
        """Return the stream that bears a name."""
        with reachable(), self.pool.connection() as connection:
            row = connection.execute("SELECT stream FROM names WHERE name = %s", (name,)).fetchone()
        return row[0] if row else None

    def next_number(self, series: str) -> int:
        """Return the next number of a series, at once and for good."""
        with reachable(), self.pool.connection() as connection:
            row = connection.execute(
                "INSERT INTO numbers VALUES (%s, 1)"
                " ON CONFLICT (series) DO UPDATE SET last = numbers.last + 1 RETURNING last",
                (series,),
            ).fetchone()
        return int(row[0]) if row else 0

    def query(
        self, statement: str, params: Mapping[str, Any] | Sequence[Any] = ()
    ) -> list[dict[str, Any]]:
        """Read rows of the service's own schema as dicts."""
        with reachable(), self.pool.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            return cursor.execute(statement, params or None).fetchall()

    # ---- writing

    def commit(self, works: Sequence[Work], progress: Progress | None = None) -> None:
        """Write all works and the progress, or nothing.

        Raises: LostRace, CommandRepeated, Fenced; Unavailable, if the database does not answer.
        """
        with reachable(), self.pool.connection() as connection:
            if progress is None and len(works) == 1 and only_facts(works[0]):
                self._facts(connection, works)
                return
            with connection.transaction():
                if not any(map(must_last, works)) and not (progress and progress.parked):
                    # Losing this commit in a crash loses nothing: the batch is read and skipped
                    # again.
                    connection.execute("SET LOCAL synchronous_commit = off")
                self._facts(connection, works)
                for work in works:
                    write_rows(connection, work)
                if progress is not None:
                    advance(connection, progress)

    def _facts(self, connection: PgConnection, works: Sequence[Work]) -> None:
        facts = [
            (recorded, work, ordinal)
            for work in works
            for ordinal, recorded in enumerate(work.facts)
        ]
        if not facts:
            return
        stored = []
        for recorded, work, _ in facts:
            row = self.application.mapper.to_stored_event(cast("Any", recorded))
            if work.cause.request_sha256:
                cast("Any", row).meta["request"] = work.cause.request_sha256
            stored.append(row)
        commands = [(work.cause.command_id, ordinal) for _, work, ordinal in facts]
        try:
            self.recorder.insert_events(stored, connection=connection, commands=commands)
        except IntegrityError as fault:
            if "events_command" in str(fault):
                raise CommandRepeated("this command has been carried out before") from None
            raise LostRace("somebody else was faster on this stream") from None
