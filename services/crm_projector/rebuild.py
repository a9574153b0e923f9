"""Build the next generation of the read tables beside the current one, and swap them.

A chore of the service: fold every deal -> catch up with the live path -> let the live path feed
both -> compare -> swap in one transaction. Each step is one short transaction that also saves how
far it is, so a killed process goes on from there. Nobody outside is told: write-backs come from
the live path alone.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from contracts.envelope import Registry
from contracts.errors import Unavailable
from infra.postgres import PgConnection, reachable
from services.crm_projector import differences, generations
from services.crm_projector.refolding import DEAL, FACTS_OF, NEXT_FACTS, Record, Refolded, refolded
from services.crm_projector.switching import READERS_WAIT_MS, switch

log = structlog.get_logger("crm_projector.rebuild")

FACTS_PAGE = 5000
# What is still to fold while the live path waits for the end of it: a few milliseconds' worth.
LAST_FACTS_MAX = 300
FIRST = UUID(int=0)

UNFINISHED = """
SELECT number, stage, facts_until, deals_until, report FROM generation
WHERE stage NOT IN ('current', 'previous') ORDER BY stage = 'retired', number LIMIT 1
"""
SETTLED = "SELECT coalesce(max(seq), 0) FROM fact_log"
TOUCHED = """
SELECT DISTINCT deal_id FROM fact_log
WHERE seq > %(since)s AND seq <= %(until)s AND NOT held ORDER BY deal_id
"""
# A step is saved only on top of the one that it went on from.
SAVE_STEP = """
UPDATE generation SET stage = %(to)s, facts_until = %(facts)s, deals_until = %(deals)s,
    report = report || %(report)s, trouble = NULL
WHERE number = %(number)s AND stage = %(stage)s AND facts_until = %(facts_before)s
  AND deals_until IS NOT DISTINCT FROM %(deals_before)s
"""
TROUBLE = "UPDATE generation SET trouble = %s WHERE number = %s"


class Rebuilding:
    """Carries out the rebuild that somebody has started, if there is one."""

    def __init__(self, pool: ConnectionPool[PgConnection], registry: Registry) -> None:
        self._pool = pool
        self._registry = registry

    def step(self) -> int:
        """Do the next bit of the rebuild; returns 0 when there is nothing to do, or it must wait.

        Raises: Unavailable, if another process does the same.
        """
        with reachable(), self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            job = cursor.execute(UNFINISHED).fetchone()
            if job is None:
                return 0
            try:
                return self._step(connection, job)
            except psycopg.errors.LockNotAvailable:
                why = f"readers hold the tables for more than {READERS_WAIT_MS} ms; waiting"
                connection.execute(TROUBLE, (why, job["number"]))
                return 0
            except psycopg.OperationalError:
                raise
            except Exception as fault:
                connection.execute(TROUBLE, (f"{type(fault).__name__}, see the log", job["number"]))
                raise

    def _step(self, connection: PgConnection, job: dict[str, Any]) -> int:
        match job["stage"]:
            case "folding":
                self._fold(connection, job)
            case "catching_up":
                self._catch_up(connection, job)
            case "comparing":
                self._compare(connection, job)
            case _:
                _drop(connection, job["number"])
        return 1

    # ---- folding: every deal, in the order of ids, as of the moment of the start

    def _fold(self, connection: PgConnection, job: dict[str, Any]) -> None:
        after = job["deals_until"] or FIRST
        asked = {"after": after, "until": job["facts_until"], "limit": FACTS_PAGE}
        records: Sequence[Record] = connection.execute(NEXT_FACTS, asked, binary=True).fetchall()
        is_last = len(records) < FACTS_PAGE
        if not is_last:
            records = self._whole_deals(connection, job, records)
        done = list(refolded(self._registry, records))
        to = {"stage": "catching_up", "deals": None} if is_last else {"deals": done[-1].deal_id}
        with connection.transaction():
            _write(connection, job["number"], done, {})
            _save_step(connection, job, _counted(job, done), **to)

    @staticmethod
    def _whole_deals(
        connection: PgConnection, job: dict[str, Any], records: Sequence[Record]
    ) -> Sequence[Record]:
        """Leave out the last deal, which may be cut; if it is the only one, read all of it."""
        last = records[-1][DEAL]
        whole = [record for record in records if record[DEAL] != last]
        if whole:
            return whole
        asked = {"deals": [last], "until": job["facts_until"]}
        return connection.execute(FACTS_OF, asked, binary=True).fetchall()

    # ---- catching up: the deals that got facts since, each anew

    def _catch_up(self, connection: PgConnection, job: dict[str, Any]) -> None:
        since, until = job["facts_until"], _settled(connection)
        if until - since <= LAST_FACTS_MAX:
            self._join(connection, job)
            return
        until = min(until, since + FACTS_PAGE)
        done = self._touched(connection, since, until)
        with connection.transaction():
            _write(connection, job["number"], done, _revisions(connection, job["number"], done))
            _save_step(connection, job, {}, facts=until)

    def _join(self, connection: PgConnection, job: dict[str, Any]) -> None:
        """Fold the last facts while the live path waits; from here on it feeds this one too."""
        with connection.transaction():
            connection.execute("SELECT stop_the_feeding()")
            (until,) = connection.execute(SETTLED).fetchone() or (0,)
            if until - job["facts_until"] > 2 * LAST_FACTS_MAX:
                return
            done = self._touched(connection, job["facts_until"], until)
            _write(connection, job["number"], done, _revisions(connection, job["number"], done))
            (held,) = connection.execute("SELECT count(*) FROM fact_log WHERE held").fetchone() or (
                0,
            )
            _save_step(connection, job, {"held": held}, stage="comparing", facts=until)
            connection.execute("UPDATE feeding SET epoch = epoch + 1")
        log.info("generation_caught_up", generation=job["number"])

    def _touched(self, connection: PgConnection, since: int, until: int) -> list[Refolded]:
        asked: dict[str, Any] = {"since": since, "until": until}
        deals = [row[0] for row in connection.execute(TOUCHED, asked)]
        asked["deals"] = deals
        records = connection.execute(FACTS_OF, asked, binary=True).fetchall()
        return list(refolded(self._registry, records))

    # ---- comparing, then the swap

    @staticmethod
    def _compare(connection: PgConnection, job: dict[str, Any]) -> None:
        report = job["report"]
        if report.get("is_compared"):
            switch(connection, job["number"])
            return
        old = report["beside"]
        page = differences.compare(connection, old, job["number"], job["deals_until"] or FIRST)
        counts = {
            name: report.get(name, 0) + sum(each.only == only for each in page.differences)
            for name, only in (("differ", None), ("only_old", "old"), ("only_new", "new"))
        }
        examples = [*report.get("examples", []), *(e.model_dump() for e in page.differences)]
        more = {
            **counts,
            "compared": report.get("compared", 0) + page.deals,
            "examples": examples[: differences.EXAMPLES_MAX],
            "is_compared": page.next is None,
        }
        with connection.transaction():
            _save_step(connection, job, more, deals=page.next or job["deals_until"])


def _settled(connection: PgConnection) -> int:
    """Return the last seq; no transaction that may still write an earlier one is left."""
    with connection.transaction():
        connection.execute("SELECT stop_the_feeding()")
        (until,) = connection.execute(SETTLED).fetchone() or (0,)
    return int(until)


def _revisions(connection: PgConnection, number: int, done: Sequence[Refolded]) -> dict[UUID, int]:
    deals = [each.deal_id for each in done]
    rows = connection.execute(generations.states_of(number), {"deals": deals})
    return {row[0]: row[1] for row in rows}


def _write(
    connection: PgConnection, number: int, done: Sequence[Refolded], revisions: dict[UUID, int]
) -> None:
    savings = [each.saving(revisions.get(each.deal_id, 0)) for each in done]
    params = generations.saved([each for each in savings if each is not None])
    connection.execute(generations.save(number), params)


def _counted(job: dict[str, Any], done: Sequence[Refolded]) -> dict[str, Any]:
    """Return the report's counts with these deals added."""
    more = {
        "deals": len(done),
        "facts": sum(each.facts for each in done),
        "unreadable": sum(each.unreadable for each in done),
    }
    return {name: job["report"].get(name, 0) + n for name, n in more.items()}


def _save_step(
    connection: PgConnection, job: dict[str, Any], report: dict[str, Any], **to: Any
) -> None:
    saved = connection.execute(
        SAVE_STEP,
        {
            "number": job["number"],
            "stage": job["stage"],
            "to": to.get("stage", job["stage"]),
            "facts": to.get("facts", job["facts_until"]),
            "facts_before": job["facts_until"],
            "deals": to.get("deals"),
            "deals_before": job["deals_until"],
            "report": Jsonb(report),
        },
    )
    if saved.rowcount != 1:
        raise Unavailable("another process goes on with this rebuild, or it was given up")


def _drop(connection: PgConnection, number: int) -> None:
    """Drop a retired generation: nobody feeds or reads it any more."""
    with connection.transaction():
        connection.execute(f"SET LOCAL lock_timeout = {READERS_WAIT_MS}")
        connection.execute("SELECT drop_generation(%s)", (number,))
        connection.execute("DELETE FROM generation WHERE number = %s", (number,))
    log.info("generation_dropped", generation=number)
