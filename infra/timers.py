"""Timers: calls handlers when their reminders fall due, one leader per service.

Each effect once.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from contracts.errors import Unavailable
from infra.postgres import Leadership
from infra.rows import CommandRepeated, LostRace
from infra.store import PostgresStore
from infra.work import Cause, Reminder, ReminderHandler, Work

log = structlog.get_logger()
BATCH = 100
RETRY_MAX = timedelta(hours=1)


class Timers:
    """Runs the due reminders of one service."""

    def __init__(
        self,
        store: PostgresStore,
        leadership: Leadership,
        handlers: Mapping[str, ReminderHandler],
        clock: Callable[[], datetime],
        committed: Callable[[Sequence[Work]], None],
    ) -> None:
        self._store = store
        self._leadership = leadership
        self._handlers = handlers
        self._clock = clock
        self._committed = committed

    def step(self) -> int:
        """Run what is due now, if we lead; returns how many reminders were carried out."""
        if not self._leadership.holds("timers"):
            return 0
        now = self._clock()
        rows = self._store.query(
            "SELECT key, kind, due_at, deal_id, body, attempts FROM reminders"
            " WHERE due_at <= %s ORDER BY due_at LIMIT %s",
            (now, BATCH),
        )
        done = 0
        for row in rows:
            reminder = Reminder(row["key"], row["kind"], row["due_at"], row["deal_id"], row["body"])
            done += self._run(reminder, now, row["attempts"])
        return done

    def _run(self, reminder: Reminder, now: datetime, attempts: int) -> int:
        cause = Cause(
            command_id=f"reminder/{reminder.key}/{reminder.due_at.isoformat()}",
            now=now,
            actor=f"service/{self._store.source}",
        )
        work = Work(self._store, cause)
        try:
            self._handlers[reminder.kind](reminder, work)
            work.forget(reminder.key)
            work.batch.decided()
            self._store.commit([work])
            work.batch.committed()
            self._committed([work])
        except CommandRepeated:
            finished = Work(self._store, cause)
            finished.forget(reminder.key)
            self._store.commit([finished])
        except (LostRace, Unavailable):
            return 0
        except Exception:  # one bad reminder must not keep the others from their time
            log.exception("reminder_failed", kind=reminder.kind, key=reminder.key)
            self._postpone(reminder, now, attempts)
            return 0
        return 1

    def _postpone(self, reminder: Reminder, now: datetime, attempts: int) -> None:
        wait = min(RETRY_MAX, timedelta(seconds=2 ** min(attempts, 12)))
        work = Work(
            self._store, Cause(f"postpone/{reminder.key}/{attempts}", now, "service/timers")
        )
        work.sql(
            ("UPDATE reminders SET attempts = attempts + 1, due_at = %s WHERE key = %s"),
            (now + wait, reminder.key),
        )
        self._store.commit([work])
