"""How long something is tried again: until a deadline, with waits drawn at random that grow."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

WAIT_MIN_S, WAIT_MAX_S = 0.005, 0.25


def _jitter(ceiling_s: float) -> float:
    """Draw a wait at random, so that those who collided do not meet again."""
    return random.uniform(0, ceiling_s)  # noqa: S311, jitter, not a secret


@dataclass(frozen=True, slots=True)
class Patience:
    """A bound in seconds, and the clock, sleep and randomness to keep it with."""

    deadline_s: float = 10.0
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[float], float] = _jitter

    def begin(self) -> "Trying":
        """Start the clock of one call."""
        return Trying(self)


class Trying:
    """One call that may be tried again; `again` waits, or says that the time is up."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._until = patience.monotonic() + patience.deadline_s
        self._tries = 0

    def again(self) -> bool:
        """Wait a little and say yes, or say no: another try would begin after the deadline."""
        self._tries += 1
        ceiling_s = min(WAIT_MAX_S, WAIT_MIN_S * 2**self._tries)
        wait_s = self._patience.jitter(ceiling_s)
        if self._patience.monotonic() + wait_s >= self._until:
            return False
        self._patience.sleep(wait_s)
        return True
