"""How one running service stands: its consumers, its relay, what is parked, stuck or overdue.

The same figures for people (`quotewright status`), probes and Prometheus. A look costs one
statement and is kept for a second, so nobody who asks often burdens the database.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from contracts.errors import Unavailable
from infra.postgres import LOOK_S, PgConnection, reachable
from infra.web import allow

KEPT_S = 1.0
LOOK = """
SELECT relay.position AS relay_position,
    COALESCE((SELECT max(position) FROM events), 0) AS newest_position,
    COALESCE((SELECT EXTRACT(EPOCH FROM clock_timestamp() - recorded_at) FROM events
        WHERE position > relay.position ORDER BY position LIMIT 1), 0)::float AS relay_lag_s,
    waiting.*, outgoing.*, reminded.*,
    (SELECT array_agg(name ORDER BY name) FROM migrations) AS migrations
FROM relay,
    (SELECT count(*) AS parked_records, count(DISTINCT key) AS parked_deals,
        COALESCE(EXTRACT(EPOCH FROM clock_timestamp() - min(parked_at)), 0)::float AS parked_age_s
        FROM parked) AS waiting,
    (SELECT count(*) FILTER (WHERE state = 'due') AS deliveries_due,
        count(*) FILTER (WHERE state = 'stuck') AS deliveries_stuck,
        COALESCE(EXTRACT(EPOCH FROM clock_timestamp() - min(created_at)), 0)::float
            AS deliveries_age_s
        FROM deliveries) AS outgoing,
    (SELECT count(*) AS reminders_overdue,
        COALESCE(EXTRACT(EPOCH FROM %(now)s - min(due_at)), 0)::float AS reminders_age_s
        FROM reminders WHERE due_at <= %(now)s) AS reminded
"""


@dataclass(frozen=True, slots=True)
class Tables:
    """What a service's tables say; ages in seconds are of the oldest, 0 when there is none."""

    relay_position: int
    newest_position: int
    relay_lag_s: float
    parked_records: int
    parked_deals: int
    parked_age_s: float
    deliveries_due: int
    deliveries_stuck: int
    deliveries_age_s: float
    reminders_overdue: int
    reminders_age_s: float
    migrations: Sequence[str]

    @property
    def relay_lag(self) -> int:
        """How many numbers the table is ahead of what is published."""
        return max(0, self.newest_position - self.relay_position)


class TablesReader:
    """Looks into a service's tables, at most once a second; thread-safe."""

    def __init__(self, pool: ConnectionPool[PgConnection], clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._clock = clock
        self._guard = threading.Lock()
        self._seen: tuple[float, Tables] | None = None

    def look(self) -> Tables:
        """Return what the tables say now, or said within the last second.   Raises: Unavailable."""
        with self._guard:
            if self._seen is None or time.monotonic() - self._seen[0] > KEPT_S:
                self._seen = (time.monotonic(), self._look())
            return self._seen[1]

    def unpublished_for_s(self) -> float:
        """Return how long facts may have waited for the relay, when the tables can not say it.

        The oldest that waited at the last look still does, and what has come since is younger.
        """
        if self._seen is None:
            return 0.0
        at, tables = self._seen
        return tables.relay_lag_s + time.monotonic() - at

    def _look(self) -> Tables:
        with reachable(), self._pool.connection(LOOK_S) as connection:
            cursor = connection.cursor(row_factory=dict_row)
            row = cursor.execute(LOOK, {"now": self._clock()}, prepare=True).fetchone()
        if row is None:
            raise Unavailable("the relay's position is missing; run the migrations")
        return Tables(**{**row, "migrations": row["migrations"] or ()})


@dataclass(frozen=True, slots=True)
class Hearing:
    """One consumer: whether this process consumes the topic, and how far it is behind."""

    topic: str
    active: bool
    lag: int | None
    lag_s: float


@dataclass(frozen=True, slots=True)
class Status:
    """How one service of this process stands; `tables` is None if the database does not answer."""

    service: str
    version: str
    bus: str
    ready: bool
    reasons: Sequence[str]
    consumers: Sequence[Hearing]
    relay_leads: bool
    relay_lag_s: float
    tables: Tables | None
    migrations_missing: Sequence[str]
    connections: Mapping[str, int]
    loops: Mapping[str, bool]

    def lag(self) -> dict[str, int]:
        """Return the lag in facts of relay and consumers, by name."""
        lags = {f"{self.service}.{each.topic}": each.lag for each in self.consumers}
        relay = None if self.tables is None else self.tables.relay_lag
        told = {f"{self.service}.relay": relay, **lags}
        return {name: lag for name, lag in told.items() if lag is not None}

    def as_json(self) -> dict[str, Any]:
        """Return the same for a program."""
        shown = {each.name: getattr(self, each.name) for each in fields(self)}
        shown["consumers"] = [asdict(each) for each in self.consumers]
        shown["tables"] = None if self.tables is None else asdict(self.tables)
        return shown


def status_routes(prefix: str, status: Callable[[], Status]) -> APIRouter:
    """Return the operator's look at one service."""
    router = APIRouter(prefix=f"{prefix}/admin", tags=["operations"])

    @router.get("/status", dependencies=[Depends(allow("admin"))])
    def status_of_service() -> dict[str, Any]:
        """Say how the service stands: lag, relay, parked, deliveries, reminders, migrations."""
        return status().as_json()

    return router
