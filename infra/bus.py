"""The bus: how facts travel; a port.

Above this module nothing knows which bus it is. Delivery is at least once and in order per key;
whoever consumes keeps its own position with its effects, so an effect happens once.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from contracts.envelope import Sealed
from infra.wire import Arrived


@dataclass(frozen=True, slots=True)
class Slice:
    """Records of one partition in order: from `start` on, `after` is the next offset to read.

    Offsets between may be missing (other topics, rolled-back numbers); nothing of ours is lost by
    that.
    """

    topic: str
    partition: int
    start: int
    after: int
    records: tuple[Arrived, ...]


Claim = Callable[[int], int]
"""Called when a partition becomes ours: fences earlier owners, returns the next offset to read."""


class Source(Protocol):
    """One consumer's view of one topic."""

    def poll(self, limit: int, timeout_s: float) -> Slice | None:
        """Return the next records of one partition; waits at most the timeout.

        The next poll continues after them, whether or not anybody saved that they were handled.
        """
        ...

    def rewind(self, piece: Slice) -> None:
        """Make the next poll of that partition start at the piece's first record again."""
        ...

    def disown(self, partition: int) -> None:
        """Forget a partition that another process consumes by now; it may be claimed anew."""
        ...

    def pause(self, partition: int) -> None:
        """Give no records of the partition until it is resumed; the others go on."""
        ...

    def resume(self, partition: int) -> None:
        """Give records of the partition again, from where it stood."""
        ...

    def lag(self) -> int:
        """Return how many records of our partitions are not polled yet."""
        ...

    def ended_at(self) -> float | None:
        """Return when the bus last said that everything of ours is polled, by `time.monotonic`.

        Before the first time it is when we began; None while nothing of the topic is ours.
        """
        ...

    def close(self) -> None:
        """Leave; safe to repeat."""
        ...


class Bus(Protocol):
    """Where facts are published and heard."""

    def produce(self, topic: str, records: Sequence[Sealed]) -> None:
        """Append records in order; returns when every one is acknowledged.

        Raises: Unavailable; then any part of them may have been appended, and producing again is
        right.
        """
        ...

    def source(self, group: str, topic: str, claim: Claim) -> Source:
        """Return a source for one consumer group of a topic."""
        ...

    def after(self, topic: str, positions: Mapping[int, int]) -> Iterator[tuple[int, Arrived]]:
        """Give what the topic holds from these positions to its end now: partition and record.

        A partition without a position is given wholly.   Raises: Unavailable, LogShorter.
        """
        ...

    def close(self) -> None:
        """Release connections; safe to repeat."""
        ...


class Bell:
    """Wakes the waiting threads of this process right after a commit; polling stays the truth."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rung = 0

    def ring(self) -> None:
        """Wake everybody who waits."""
        with self._condition:
            self._rung += 1
            self._condition.notify_all()

    def count(self) -> int:
        """Return how often it rang; pass it to `wait`.

        So that no ring between look and wait is missed.
        """
        with self._condition:
            return self._rung

    def wait(self, seen: int, timeout_s: float) -> None:
        """Wait until it has rung since `seen`, at most the timeout."""
        with self._condition:
            self._condition.wait_for(lambda: self._rung != seen, timeout_s)
