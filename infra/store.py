"""The store of one service in PostgreSQL.

Reads streams, commits works in one short transaction each.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from contracts.envelope import Registry
from infra.appending import Command, CommandWriter
from infra.coalescing import Coalescer
from infra.postgres import PgConnection, reachable
from infra.recent import Recent
from infra.recorder import FactApplication, PostgresRecorder, StoredFact, row_to_stored
from infra.rows import UNMOVED, Progress, advance, must_last, only_facts, told, write_rows
from infra.work import Body, Recorded, Work

# A quote's facts weigh about a megabyte as objects; this many streams are a service's working set.
RECENT_STREAMS = 128
# With one, the disk idles while rows are made ready; with more, batches become small. Measured with
# 16 threads on two busy cores: 1, 2, 4, 6, 8 make 0.4, 0.5, 0.75, 0.75, 0.65 of raw INSERTs.
LEADERS_MAX = 4


class PostgresStore:
    """A `Desk` on PostgreSQL that also commits."""

    def __init__(self, source: str, pool: ConnectionPool[PgConnection], registry: Registry) -> None:
        self.source = source
        self.pool = pool
        self.recorder = PostgresRecorder(pool)
        self.application = FactApplication(self.recorder, registry)
        self._recent = Recent(RECENT_STREAMS)
        self.commands = CommandWriter(pool, self.recorder)
        self._coalescer = Coalescer(self.commands.together, leaders_of(pool))

    def read_with(self, registry: Registry) -> None:
        """Read facts by this registry from now on.

        A service's parts know it only after the store exists.
        """
        self.application = FactApplication(self.recorder, registry)

    # ---- reading

    def read(self, stream: str) -> Sequence[Recorded]:
        """Return all facts of a stream in order.

        Facts never change, so those read before are kept and only later ones are asked for.
        """
        known = self._recent.get(stream)
        with reachable():
            later = self.application.events.get(stream, gt=len(known) if known else None)
            facts = (*known, *cast("list[Recorded]", list(later)))
        self._recent.put(stream, facts)
        return facts

    def kept(self, stream: str) -> Sequence[Recorded]:
        """Return what is in memory of a stream: its first facts, perhaps not the newest."""
        return self._recent.get(stream)

    def by_command(self, command_id: str) -> tuple[tuple[Recorded, ...], str | None]:
        """Return the facts recorded under a command id, and the hash of the request."""
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

    def query_together(
        self, *asked: tuple[str, Mapping[str, Any]]
    ) -> tuple[list[dict[str, Any]], ...]:
        """Read by several statements in one snapshot and one round trip."""
        with reachable(), self.pool.connection() as connection:
            with connection.pipeline(), connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                cursors = [
                    connection.cursor(row_factory=dict_row).execute(statement, params)
                    for statement, params in asked
                ]
            return tuple(cursor.fetchall() for cursor in cursors)

    # ---- writing

    def commit(self, works: Sequence[Work], progress: Progress | None = None) -> None:
        """Write all works and the progress, or nothing.

        Raises: LostRace, CommandRepeated, Fenced; Unavailable, if the database does not answer.
        """
        with reachable(), self.pool.connection() as connection:
            try:
                self._commit(connection, works, progress)
            except psycopg.DatabaseError as fault:
                raise told(fault) from fault
        self._remember(works)

    def _commit(
        self, connection: PgConnection, works: Sequence[Work], progress: Progress | None
    ) -> None:
        lightly = not any(map(must_last, works)) and not (progress and progress.parked)
        only_progress = progress is not None and not progress.stands_on
        if progress is not None and only_progress and lightly and all(map(only_facts, works)):
            advance(connection, progress, lightly=True)
            return
        if progress is None and len(works) == 1 and only_facts(works[0]):
            self._facts(connection, works)
            return
        # One round trip for the whole transaction; its errors come up at the end.
        with connection.pipeline(), connection.transaction():
            self._facts(connection, works)
            for work in works:
                write_rows(connection, work)
            if progress is not None:
                advance(connection, progress, lightly=lightly)

    def _facts(self, connection: PgConnection, works: Sequence[Work]) -> None:
        rows = [row for work in works for row in self._rows(work)]
        keys = [
            (work.cause.command_id, ordinal) for work in works for ordinal in range(len(work.facts))
        ]
        if rows:
            self.recorder.write(connection, rows, keys)

    def _rows(self, work: Work) -> list[StoredFact]:
        rows = [
            cast("StoredFact", self.application.mapper.to_stored_event(cast("Any", recorded)))
            for recorded in work.facts
        ]
        if work.cause.request_sha256:
            for row in rows:
                cast("Any", row).meta["request"] = work.cause.request_sha256
        return rows

    # ---- writing commands

    def carry_out(self, work: Work, stands_on: Mapping[str, int]) -> None:
        """Write a command; those that wait at the same moment are written by one statement.

        `stands_on` has the version of every stream that the decision read: if one has grown, the
        race is lost. Raises: LostRace, CommandRepeated; Unavailable, and then it may be written.
        """
        if not work.facts:
            if stands_on and not only_facts(work):
                # Last, so that it comes after the wait for whoever is writing the same rows.
                work.sql(UNMOVED, (list(stands_on), list(stands_on.values())))
            self.commit([work])
            return
        command = self.command(work, stands_on)
        if only_facts(work):
            self._coalescer.commit(command)
        else:
            self.commands.alone(command)
        self._remember([work])

    def command(self, work: Work, stands_on: Mapping[str, int]) -> Command:
        """Make a work ready to be written: its facts become rows."""
        return Command(work, self._rows(work), stands_on)

    def _remember(self, works: Sequence[Work]) -> None:
        """Keep what was just written beside what was read before, so that nobody reads it again."""
        for work in works:
            for recorded in work.facts:
                stream, version = recorded.meta.stream, recorded.meta.stream_version
                known = self._recent.get(stream)
                if len(known) == version - 1:
                    self._recent.put(stream, (*known, recorded))


def leaders_of(pool: ConnectionPool[PgConnection]) -> int:
    """Return how many threads may write commands at once, leaving connections to everybody else."""
    return max(1, min(LEADERS_MAX, pool.max_size - 2))
