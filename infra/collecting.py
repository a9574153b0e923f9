"""Keeps the garbage collector from walking over what lives as long as the process does.

A house keeps much in memory: modules, schemas, templates, the streams of its last deals. A full
collection walks all of it and stops every thread meanwhile, for some tenths of a second. So what
has survived one full collection is set aside and not walked again; reference counts still free it.
Rings of objects that are dropped after that are found when everything is walked, once an hour.
"""

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

OLDEST = 2
ALL_S = 3600.0


@contextmanager
def waiting() -> Iterator[None]:
    """Let the collector wait while much is made that stays: it would walk all of it for nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class SetAside:
    """Sets aside what survives a full collection; told by the collector of each one."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """Count the hour by `now`, in seconds."""
        self._now = now
        self._walked_all = now()

    def begin(self) -> None:
        """Set aside what there is, and from now on what survives; safe to repeat."""
        gc.freeze()
        if self.heard not in gc.callbacks:
            gc.callbacks.append(self.heard)

    def end(self) -> None:
        """Leave everything to the collector again; safe to repeat."""
        if self.heard in gc.callbacks:
            gc.callbacks.remove(self.heard)
            gc.unfreeze()

    def heard(self, phase: str, info: Mapping[str, Any]) -> None:
        """Take word of a collection that starts or stops, as `gc.callbacks` gives it."""
        if info["generation"] != OLDEST:
            return
        if phase == "stop":
            gc.freeze()
        elif self._now() - self._walked_all >= ALL_S:
            self._walked_all = self._now()
            gc.unfreeze()
