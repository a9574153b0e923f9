"""The delivery table as the sender sees it: what is due, what was taken, what must be tried again.

Rows are written by the store with the facts they tell of. A newer message under the same key raises
the row's generation; whatever was found out about an older generation then no longer touches the
row.
"""

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from infra.postgres import PgConnection, reachable
from infra.work import Delivery

# No retry is set later than this; one that lies later was set by a clock that has gone back since.
RETRY_MAX = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A message that should go out now; `attempts` counts the failed ones of this generation."""

    key: str
    target: str
    event_type: str
    body: Mapping[str, Any]
    deal_id: UUID
    generation: int
    attempts: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Setback:
    """A failed attempt: why, when to try again; `stuck` waits for a person or a newer message."""

    error: str
    due_at: datetime
    stuck: bool


class Outbox(Protocol):
    """Where the sender finds deliveries and notes what became of them."""

    def due(
        self, now: datetime, limit: int, busy_keys: Collection[str], full_targets: Collection[str]
    ) -> list[DueDelivery]:
        """Return deliveries due by now or fresh, oldest first, without those keys and targets."""
        ...

    def done(self, key: str, generation: int) -> None:
        """Drop the delivery, unless a newer message has taken its place."""
        ...

    def retry(self, key: str, generation: int, setback: Setback) -> None:
        """Note a failed attempt, unless a newer message has taken its place."""
        ...


class PostgresOutbox:
    """The outbox in the service's own schema."""

    def __init__(self, pool: ConnectionPool[PgConnection]) -> None:
        self._pool = pool

    def due(
        self, now: datetime, limit: int, busy_keys: Collection[str], full_targets: Collection[str]
    ) -> list[DueDelivery]:
        """Return deliveries due by now.   Raises: Unavailable."""
        with reachable(), self._pool.connection() as connection:
            rows = (
                connection.cursor(row_factory=dict_row)
                .execute(
                    "SELECT key, target, event_type, body, deal_id, generation, attempts,"
                    " created_at"
                    # A fresh row bears the database's time, which may run ahead of ours.
                    " FROM deliveries WHERE state = 'due'"
                    " AND (due_at <= %s OR due_at > %s OR attempts = 0)"
                    " AND key <> ALL(%s) AND target <> ALL(%s) ORDER BY due_at, key LIMIT %s",
                    (now, now + RETRY_MAX, list(busy_keys), list(full_targets), limit),
                )
                .fetchall()
            )
        return [DueDelivery(**row) for row in rows]

    def done(self, key: str, generation: int) -> None:
        """Drop the delivery and remember its generation.   Raises: Unavailable."""
        with reachable(), self._pool.connection() as connection:
            # One statement: the row goes and its generation is remembered, or neither.
            connection.execute(
                "WITH taken AS (DELETE FROM deliveries WHERE key = %s AND generation = %s"
                " RETURNING key, generation)"
                " INSERT INTO delivered (key, generation) SELECT key, generation FROM taken"
                " ON CONFLICT (key) DO UPDATE SET generation = excluded.generation,"
                " taken_at = clock_timestamp()",
                (key, generation),
            )

    def retry(self, key: str, generation: int, setback: Setback) -> None:
        """Note a failed attempt.   Raises: Unavailable."""
        state = "stuck" if setback.stuck else "due"
        with reachable(), self._pool.connection() as connection:
            connection.execute(
                "UPDATE deliveries SET attempts = attempts + 1, due_at = %s, last_error = %s,"
                " state = %s WHERE key = %s AND generation = %s",
                (setback.due_at, setback.error, state, key, generation),
            )


@dataclass(frozen=True, slots=True)
class _Row:
    due: DueDelivery
    due_at: datetime
    last_error: str | None = None
    stuck: bool = False


class MemoryOutbox:
    """The outbox in a dict, for tests and the memory bus; thread-safe."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}
        self._delivered: dict[str, int] = {}
        self._lock = threading.Lock()

    def put(self, delivery: Delivery, now: datetime) -> None:
        """Write a delivery as the store does: the newest message per key."""
        with self._lock:
            row = self._rows.get(delivery.key)
            last = row.due.generation if row else self._delivered.get(delivery.key, 0)
            due = DueDelivery(
                delivery.key,
                delivery.target,
                delivery.event_type,
                dict(delivery.body),
                delivery.deal_id,
                last + 1,
                0,
                row.due.created_at if row else now,
            )
            self._rows[delivery.key] = _Row(due, now)

    def due(
        self, now: datetime, limit: int, busy_keys: Collection[str], full_targets: Collection[str]
    ) -> list[DueDelivery]:
        """Return deliveries due by now."""
        with self._lock:
            found = [
                row
                for row in self._rows.values()
                if not row.stuck
                and (not now < row.due_at <= now + RETRY_MAX or not row.due.attempts)
                and row.due.key not in busy_keys
                and row.due.target not in full_targets
            ]
        found.sort(key=lambda row: (row.due_at, row.due.key))
        return [row.due for row in found[:limit]]

    def done(self, key: str, generation: int) -> None:
        """Drop the delivery and remember its generation."""
        with self._lock:
            row = self._rows.get(key)
            if row and row.due.generation == generation:
                del self._rows[key]
                self._delivered[key] = generation

    def retry(self, key: str, generation: int, setback: Setback) -> None:
        """Note a failed attempt."""
        with self._lock:
            row = self._rows.get(key)
            if row and row.due.generation == generation:
                due = replace(row.due, attempts=row.due.attempts + 1)
                self._rows[key] = _Row(due, setback.due_at, setback.error, setback.stuck)

    def stuck(self) -> dict[str, str]:
        """Return the keys that wait for a person, with their last error."""
        with self._lock:
            return {key: row.last_error or "" for key, row in self._rows.items() if row.stuck}
