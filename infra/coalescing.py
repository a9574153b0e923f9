"""Commands that wait at the same moment are written together: one flush to the disk for many.

No timer and no thread of its own: who comes while few write, writes; who comes meanwhile waits, and
one of the waiting then writes for all of them. A lone command therefore waits for nobody.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from contracts.errors import Unavailable

BATCH_MAX = 64
# Longer than a statement of the leader may take, with a new connection before it.
LEADER_LATE_S = 60.0

C = TypeVar("C")


class _Place(Generic[C]):
    """One command in the queue; its lock is held until it is written or has to lead."""

    __slots__ = ("command", "done", "fault", "lock")

    def __init__(self, command: C) -> None:
        self.command = command
        self.done = False
        self.fault: Exception | None = None
        self.lock = threading.Lock()
        self.lock.acquire()


class Coalescer(Generic[C]):
    """A queue before `write`, which takes many commands and says for each what became of it.

    `write` returns None or an error per command; what it raises is the outcome of all. At most
    `leaders_max` threads write at once: while one waits for the disk, the next gets its rows ready.
    """

    def __init__(
        self, write: Callable[[Sequence[C]], Sequence[Exception | None]], leaders_max: int = 1
    ) -> None:
        self._write = write
        self._leaders_max = leaders_max
        self._guard = threading.Lock()
        self._waiting: deque[_Place[C]] = deque()
        self._leaders = 0

    def commit(self, command: C) -> None:
        """Write a command, alone or with others; blocks until it is decided.

        Raises: the command's own error, or what `write` raised; Unavailable, if who writes for us
        does not come back (then the outcome is not known).
        """
        place = _Place(command)
        with self._guard:
            leads = self._leaders < self._leaders_max
            if leads:
                self._leaders += 1
            else:
                self._waiting.append(place)
        if not leads:
            self._wait(place)
        if not place.done:
            self._lead(place)
        if place.fault is not None:
            raise place.fault

    def waiting(self) -> int:
        """Return how many commands wait for the one that is being written."""
        with self._guard:
            return len(self._waiting)

    def _wait(self, place: _Place[C]) -> None:
        if place.lock.acquire(timeout=LEADER_LATE_S):
            return
        with self._guard:
            if place in self._waiting:
                self._waiting.remove(place)
            elif place.lock.acquire(blocking=False):
                return  # decided, or chosen to lead, at the last moment
        raise Unavailable("the command was not written in time; ask again")

    def _lead(self, place: _Place[C]) -> None:
        """Write ours and all that wait; then somebody else leads."""
        batch = [place]
        with self._guard:
            while self._waiting and len(batch) < BATCH_MAX:
                batch.append(self._waiting.popleft())
        outcomes: Sequence[Exception | None] = ()
        try:
            outcomes = self._write([each.command for each in batch])
        except Exception as fault:  # every waiting caller has to hear of it
            outcomes = [fault] * len(batch)
        finally:
            self._hand_over()
            for each, outcome in zip(batch, outcomes or _unknown(batch), strict=True):
                each.fault = outcome
                each.done = True
                each.lock.release()

    def _hand_over(self) -> None:
        """Let the first of those who came meanwhile lead."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().lock.release()
            else:
                self._leaders -= 1


def _unknown(batch: Sequence[object]) -> list[Exception | None]:
    """The leader was interrupted, so nobody knows whether anything was written."""
    return [Unavailable("the command was interrupted; ask again") for _ in batch]
