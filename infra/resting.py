"""When a partition may go on after something it needs was not available.

Capped exponential backoff with full jitter, each partition by itself: the others go on.
"""

import random
from collections.abc import Callable

Jitter = Callable[[float], float]
"""Chooses a wait between nothing and the longest, in seconds."""

BACKOFF_MIN_S, BACKOFF_MAX_S = 0.05, 5.0
DOUBLINGS_MAX = 10


def full_jitter(longest_s: float) -> float:
    """Choose any wait up to the longest, so that those who failed together do not return so."""
    return random.uniform(0, longest_s)  # noqa: S311, not a secret


class Rests:
    """Which partitions rest, and until when."""

    def __init__(self, now: Callable[[], float], jitter: Jitter) -> None:
        """Start with none; `now` is a monotonic clock in seconds."""
        self._now = now
        self._jitter = jitter
        self._failures: dict[int, int] = {}
        self._until: dict[int, float] = {}

    def rest(self, partition: int) -> float:
        """Let the partition rest once more, longer each time in a row; returns the seconds."""
        failures = self._failures[partition] = self._failures.get(partition, 0) + 1
        longest_s = min(BACKOFF_MAX_S, BACKOFF_MIN_S * 2 ** min(failures, DOUBLINGS_MAX))
        wait_s = self._jitter(longest_s)
        self._until[partition] = self._now() + wait_s
        return wait_s

    def rested(self) -> list[int]:
        """Return, once, the partitions whose rest is over."""
        now = self._now()
        over = [partition for partition, until in self._until.items() if until <= now]
        for partition in over:
            del self._until[partition]
        return over

    def resting(self, partition: int) -> bool:
        """Say whether the partition's rest lasts."""
        return self._until.get(partition, 0.0) > self._now()

    def worked(self, partition: int) -> None:
        """Forget the failures: the partition moved."""
        self._failures.pop(partition, None)

    def at_most(self, timeout_s: float) -> float:
        """Shorten a wait so that it ends when the next rest does."""
        if not self._until:
            return timeout_s
        return max(0.0, min(timeout_s, min(self._until.values()) - self._now()))
