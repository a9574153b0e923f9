"""The store of one service in PostgreSQL.

Reads streams, commits works in one short transaction each.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, cast

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from contracts.envelope import Registry
from infra.postgres import PgConnection, reachable
from infra.recorder import FactApplication, PostgresRecorder, row_to_stored
from infra.rows import (
    FENCED,
    CommandRepeated,
    Fenced,
    LostRace,
    Progress,
    advance,
    must_last,
    only_facts,
    write_rows,
)
from infra.work import Body, Recorded, Work

# A quote's facts weigh about a megabyte as objects; this many streams are a service's working set.
RECENT_STREAMS = 128


class PostgresStore:
    """A `Desk` on PostgreSQL that also commits."""

    def __init__(self, source: str, pool: ConnectionPool[PgConnection], registry: Registry) -> None:
        self.source = source
        self.pool = pool
        self.recorder = PostgresRecorder(pool)
        self.application = FactApplication(self.recorder, registry)
        self._recent = Recent(RECENT_STREAMS)

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
            try:
                self._commit(connection, works, progress)
            except psycopg.DatabaseError as fault:
                raise _told(fault) from fault
        self._remember(works)

    def _commit(
        self, connection: PgConnection, works: Sequence[Work], progress: Progress | None
    ) -> None:
        lightly = not any(map(must_last, works)) and not (progress and progress.parked)
        if progress is not None and lightly and all(map(only_facts, works)):
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
        self.recorder.write(connection, stored, commands)

    def _remember(self, works: Sequence[Work]) -> None:
        """Keep what was just written beside what was read before, so that nobody reads it again."""
        for work in works:
            for recorded in work.facts:
                stream, version = recorded.meta.stream, recorded.meta.stream_version
                known = self._recent.get(stream)
                if len(known) == version - 1:
                    self._recent.put(stream, (*known, recorded))


def _told(fault: psycopg.DatabaseError) -> Exception:
    """Say in our words which rule of the tables a commit broke; anything else stays as it is."""
    if fault.sqlstate == FENCED:
        return Fenced("another process consumes this partition")
    if isinstance(fault, psycopg.errors.UniqueViolation):
        if fault.diag.constraint_name == "events_command":
            return CommandRepeated("this command has been carried out before")
        if fault.diag.constraint_name == "events_stream":
            return LostRace("somebody else was faster on this stream")
    return fault


class Recent:
    """The facts of streams read or written lately, bounded; thread-safe.

    Only whole prefixes are kept (versions 1 to n), so a stream's later facts can be asked for.
    """

    def __init__(self, streams_max: int) -> None:
        self._max = streams_max
        self._streams: OrderedDict[str, tuple[Recorded, ...]] = OrderedDict()
        self._guard = threading.Lock()

    def get(self, stream: str) -> tuple[Recorded, ...]:
        """Return the prefix kept of a stream; empty if there is none."""
        with self._guard:
            return self._streams.get(stream, ())

    def put(self, stream: str, facts: tuple[Recorded, ...]) -> None:
        """Keep a prefix unless a longer one is kept; the stream not used for longest goes."""
        with self._guard:
            if len(facts) >= len(self._streams.get(stream, ())) and facts:
                self._streams[stream] = facts
                self._streams.move_to_end(stream)
            while len(self._streams) > self._max:
                self._streams.popitem(last=False)
