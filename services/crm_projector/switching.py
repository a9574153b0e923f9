"""Which generation people read: start the next one, swap, swap back, give one up."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import psycopg
import structlog
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from contracts.errors import Conflict, Refused, Unavailable
from contracts.values import Value
from infra.postgres import PgConnection, reachable

log = structlog.get_logger("crm_projector.switching")
READERS_WAIT_MS = 200
TRIES_S = 10.0

GENERATIONS = """
SELECT number, stage, facts_until, report, trouble, started_at, swapped_at FROM generation
WHERE stage <> 'retired' ORDER BY number
"""
BUILDING = """
SELECT number, started_at FROM generation WHERE stage IN ('folding', 'catching_up', 'comparing')
"""
MARK = "UPDATE generation SET stage = %(to)s WHERE stage = ANY(%(stages)s)"
NEXT_EPOCH = "UPDATE feeding SET epoch = epoch + 1"
START = """
INSERT INTO generation (number, stage, facts_until, report)
SELECT %(number)s, 'folding', coalesce(max(seq), 0), %(report)s || jsonb_build_object(
    'facts_total', coalesce(max(seq), 0),
    'beside', (SELECT number FROM generation WHERE stage = 'current'))
FROM fact_log
"""


class RebuildRuns(Conflict):
    """A rebuild runs already; there is one at a time."""

    code = "crm.rebuild_runs"


class NoSuchGeneration(Refused):
    """There is no generation for what was asked."""

    code = "crm.no_such_generation"


class Generation(Value):
    """One generation: how far it is while it is built, and what was found when it was compared."""

    number: int
    stage: str
    facts_until: int
    report: dict[str, Any]
    trouble: str | None
    started_at: datetime
    swapped_at: datetime | None


class Generations:
    """What an administrator does to generations; each is one short transaction."""

    def __init__(self, pool: ConnectionPool[PgConnection]) -> None:
        self._pool = pool

    def all(self) -> list[Generation]:
        """Return the generations that exist, in the order in which they were started."""
        with reachable(), self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            return [Generation.model_validate(row) for row in cursor.execute(GENERATIONS)]

    def start(self) -> int:
        """Start the next generation, to be built by the chore; the previous one is dropped.

        Returns its number.   Raises: RebuildRuns.
        """
        with reachable(), self._pool.connection() as connection, connection.transaction():
            row = connection.execute("SELECT nextval('generation_number')").fetchone()
            number = int(row[0]) if row else 0
            connection.execute("SELECT create_generation(%s)", (number,))
            connection.execute("SELECT stop_the_feeding()")
            _refuse_while_building(connection)
            connection.execute(MARK, {"stages": ["previous"], "to": "retired"})
            connection.execute(NEXT_EPOCH)
            counts = dict.fromkeys(("deals", "facts", "unreadable", "compared"), 0)
            connection.execute(START, {"number": number, "report": Jsonb(counts)})
        log.info("rebuild_started", generation=number)
        return number

    def roll_back(self) -> int:
        """Let people read the previous generation again; the present one becomes the previous.

        Returns its number. Raises: NoSuchGeneration; Unavailable, if readers hold the tables.
        """
        with reachable(), self._pool.connection() as connection:
            row = connection.execute(
                "SELECT number FROM generation WHERE stage = 'previous'"
            ).fetchone()
            if row is None:
                raise NoSuchGeneration(
                    "there is no previous generation to go back to; it was retired, or a rebuild"
                    " was started since"
                )
            _patiently(lambda: switch(connection, row[0]))
            return int(row[0])

    def retire(self) -> int:
        """Feed the previous generation no more and drop it.   Raises: NoSuchGeneration."""
        return self._end(["previous"], "there is no previous generation to retire")

    def give_up(self) -> int:
        """End the rebuild that runs and drop what it made.   Raises: NoSuchGeneration."""
        stages = ["folding", "catching_up", "comparing"]
        return self._end(stages, "no rebuild runs that could be given up")

    def _end(self, stages: list[str], none: str) -> int:
        with reachable(), self._pool.connection() as connection, connection.transaction():
            connection.execute("SELECT stop_the_feeding()")
            row = connection.execute(
                f"{MARK} RETURNING number", {"stages": stages, "to": "retired"}
            ).fetchone()
            if row is None:
                raise NoSuchGeneration(none)
            connection.execute(NEXT_EPOCH)
        log.info("generation_retired", generation=row[0])
        return int(row[0])


def switch(connection: PgConnection, number: int) -> None:
    """Let people read this generation, and feed the present one as the previous; one transaction.

    Readers see the old rows or the new ones, never both: the views are replaced under locks that
    wait for whoever reads them now, for a moment only.
    Raises: psycopg's LockNotAvailable, if they read for longer; nothing has changed then.
    """
    with connection.transaction():
        connection.execute(f"SET LOCAL lock_timeout = {READERS_WAIT_MS}")
        connection.execute("SELECT stop_the_feeding()")
        connection.execute("SELECT point_views_at(%s)", (number,))
        connection.execute(MARK, {"stages": ["previous"], "to": "stepping"})
        connection.execute(MARK, {"stages": ["current"], "to": "previous"})
        done = connection.execute(
            "UPDATE generation SET stage = 'current', trouble = NULL,"
            " swapped_at = clock_timestamp() WHERE number = %s AND stage = ANY(%s)",
            (number, ["comparing", "stepping"]),
        )
        if done.rowcount != 1:
            raise Unavailable("another process has changed the generations; look again")
        connection.execute(NEXT_EPOCH)
    log.info("generation_swapped_in", generation=number)


def _refuse_while_building(connection: PgConnection) -> None:
    row = connection.execute(BUILDING).fetchone()
    if row is not None:
        raise RebuildRuns(
            f"generation {row[0]} is being built since {row[1]:%Y-%m-%d %H:%M} UTC; watch it, or"
            " give it up first",
            generation=row[0],
        )


def _patiently(act: Callable[[], None]) -> None:
    until = time.monotonic() + TRIES_S
    while True:
        try:
            act()
        except psycopg.errors.LockNotAvailable:
            if time.monotonic() > until:
                raise Unavailable("readers hold the tables; try again in a moment") from None
        else:
            return
