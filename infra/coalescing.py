"""Commands that wait at the same moment are written together: one flush to the disk for many.

No timer and no thread of its own: who comes while nobody writes, writes; who comes meanwhile waits,
and one of the waiting then writes for all of them. A lone command therefore waits for nobody.
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

    `write` returns None or an error per command; what it raises is the outcome of all.
    """

    def __init__(self, write: Callable[[Sequence[C]], Sequence[Exception | None]]) -> None:
        self._write = write
        self._guard = threading.Lock()
        self._waiting: deque[_Place[C]] = deque()
        self._led = False

    def commit(self, command: C) -> None:
        """Write a command, alone or with others; blocks until it is decided.

        Raises: the command's own error, or what `write` raised; Unavailable, if who writes for us
        does not come back (then the outcome is not known).
        """
        place = _Place(command)
        with self._guard:
            self._waiting.append(place)
            leads, self._led = not self._led, True
        if not leads:
            self._wait(place)
        if not place.done:
            self._lead()
        if place.fault is not None:
            raise place.fault

    def waiting(self) -> int:
        """Return how many commands wait for the one that is being written."""
        with self._guard:
            return len(self._waiting)

    def _wait(self, place: _Place[C]) -> None:
        if not place.lock.acquire(timeout=LEADER_LATE_S):
            with self._guard:
                # Chosen at the last moment: then it must lead, or nobody would ever again.
                if not place.lock.acquire(blocking=False):
                    if place in self._waiting:
                        self._waiting.remove(place)
                    raise Unavailable("the command was not written in time; ask again")

    def _lead(self) -> None:
        """Write the first of the queue, ours among them; then somebody else leads."""
        with self._guard:
            batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
        outcomes: Sequence[Exception | None] = ()
        try:
            outcomes = self._write([each.command for each in batch])
        except Exception as fault:  # every waiting caller has to hear of it
            outcomes = [fault] * len(batch)
        finally:
            self._hand_over()
            for place, outcome in zip(batch, outcomes or _unknown(batch), strict=True):
                place.fault = outcome
                place.done = True
                place.lock.release()

    def _hand_over(self) -> None:
        """Let the first of those who came meanwhile lead."""
        with self._guard:
            if self._waiting:
                self._waiting[0].lock.release()
            else:
                self._led = False


def _unknown(batch: Sequence[object]) -> list[Exception | None]:
    """The leader was interrupted, so nobody knows whether anything was written."""
    return [Unavailable("the command was interrupted; ask again") for _ in batch]
