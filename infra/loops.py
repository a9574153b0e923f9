"""Supervised loops: each runs one job of a service on its own thread and never dies of a fault."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from contracts.errors import Unavailable
from infra.bus import Bell

log = structlog.get_logger("infra.loops")
BACKOFF_MIN_S, BACKOFF_MAX_S = 0.05, 5.0
POLL_MIN_S = 0.025
STALE_S = 60.0


@dataclass(frozen=True, slots=True)
class Job:
    """What a loop does: `step` returns how much it did.

    Nothing to do means wait for the bell or poll.

    A step that waits by itself (a consumer's poll) says so by `waits_itself`.
    """

    name: str
    step: Callable[[], int]
    bell: Bell
    waits_itself: bool = False
    idle_max_s: float = 0.25


class Loop:
    """Calls a job's step until told to stop.

    Waits on the bell when idle, backs off when it fails.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._stopping = threading.Event()
        self._failures = 0
        self._reason = ""
        self._alive_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=job.name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the loop to end after its current step; returns at once."""
        self._stopping.set()
        self._job.bell.ring()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; False if the step has not come back in time."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def pause(self, seconds: float) -> None:
        """Wait inside a step, ending early when told to stop."""
        self._stopping.wait(seconds)

    @property
    def name(self) -> str:
        """The job's name."""
        return self._job.name

    @property
    def trouble(self) -> str | None:
        """Say what is wrong: a step that fails again and again, or does not come back."""
        if self._failures > 3:
            return f"{self._job.name} fails: {self._reason}"
        if time.monotonic() - self._alive_at > STALE_S:
            return f"{self._job.name} does not come back"
        return None

    def _run(self) -> None:
        idle_s = POLL_MIN_S
        while not self._stopping.is_set():
            seen = self._job.bell.count()
            done = self._step()
            self._alive_at = time.monotonic()
            if done or self._job.waits_itself:
                idle_s = POLL_MIN_S
                continue
            self._job.bell.wait(seen, idle_s)
            idle_s = min(idle_s * 2, self._job.idle_max_s)

    def _step(self) -> int:
        try:
            done = self._job.step()
        except Unavailable as fault:
            self._back_off(fault.message)
            return 0
        except (
            Exception
        ) as fault:  # a loop outlives every fault: the next step starts from what is stored
            log.exception("loop_failed", job=self._job.name)
            self._back_off(type(fault).__name__)
            return 0
        self._failures = 0
        return done

    def _back_off(self, reason: str) -> None:
        self._failures += 1
        self._reason = reason
        ceiling = min(BACKOFF_MAX_S, BACKOFF_MIN_S * 2 ** min(self._failures, 10))
        wait_s = random.uniform(0, ceiling)  # noqa: S311, jitter
        if not self._stopping.is_set():
            log.warning("loop_waits", job=self._job.name, reason=reason, wait_s=round(wait_s, 3))
        self._stopping.wait(wait_s)
