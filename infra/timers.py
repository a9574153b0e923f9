"""Timers: call handlers when reminders fall due; one leader per service, each effect once."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from contracts.errors import Unavailable
from infra.rows import CommandRepeated, LostRace
from infra.view import RememberingDesk, View
from infra.work import Cause, Reminder, ReminderHandler, Work

log = structlog.get_logger()
BATCH = 100
# No failed reminder is put off longer; one that lies later was put off by a clock that went back.
RETRY_MAX = timedelta(hours=1)


class Agenda(RememberingDesk, Protocol):
    """A store that knows which of its reminders are due."""

    def carry_out(self, work: Work, stands_on: Mapping[str, int]) -> None:
        """Write a work, or nothing, if a stream has grown past the version it was decided on.

        Raises: LostRace, CommandRepeated.
        """
        ...

    def due_reminders(self, now: datetime, limit: int) -> Sequence[tuple[Reminder, int]]:
        """Return the reminders due by now, the longest due first, with their failed attempts."""
        ...

    def postpone(self, reminder: Reminder, due_at: datetime) -> None:
        """Count a failed attempt at a reminder and let it fall due later, if it is as read."""
        ...

    def is_done(self, reminder: Reminder) -> None:
        """Drop a reminder that somebody else has carried out, unless it was set anew since."""
        ...


class Leads(Protocol):
    """Says whether this process leads a job of the service."""

    def holds(self, job: str) -> bool:
        """Say whether we lead the job now; takes the lead, if nobody has it."""
        ...


class Timers:
    """Runs the due reminders of one service."""

    def __init__(
        self,
        store: Agenda,
        leadership: Leads,
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
        done = 0
        for reminder, attempts in self._store.due_reminders(now, BATCH):
            done += self._run(reminder, now, attempts)
        return done

    def _run(self, reminder: Reminder, now: datetime, attempts: int) -> int:
        cause = Cause(
            command_id=f"reminder/{reminder.key}/{reminder.due_at.isoformat()}",
            now=now,
            actor=f"service/{self._store.source}",
        )
        view = View(self._store, fresh=True)
        work = Work(view, cause)
        try:
            self._handlers[reminder.kind](reminder, work)
            work.fires(reminder)
            work.batch.decided()
            # It may write rows alone, which no version of a stream guards.
            self._store.carry_out(work, view.stands_on)
            work.batch.committed()
            self._committed([work])
        except CommandRepeated:
            self._store.is_done(reminder)
        except (LostRace, Unavailable):
            return 0
        except Exception:  # one bad reminder must not keep the others from their time
            log.exception("reminder_failed", kind=reminder.kind, key=reminder.key)
            self._postpone(reminder, now, attempts)
            return 0
        return 1

    def _postpone(self, reminder: Reminder, now: datetime, attempts: int) -> None:
        wait = min(RETRY_MAX, timedelta(seconds=2 ** min(attempts, 12)))
        self._store.postpone(reminder, now + wait)
