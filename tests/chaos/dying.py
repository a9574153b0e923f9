"""Lets the process of a load service kill itself at a marked point of its relay.

Nothing of this stands in the product: the bus and the connections of this one process are wrapped.
"""

import os
import signal
from collections.abc import Callable, Sequence
from functools import cache
from itertools import count
from typing import Any

from contracts.envelope import Sealed
from infra.postgres import PgConnection
from infra.running import Service

VARIABLE = "CHAOS_DIES_AT"
POINTS = ("after_read", "half_produced", "all_acknowledged", "before_position", "after_position")
BATCHES_BEFORE = 5
SAVES = "UPDATE relay SET position"


def die() -> None:
    """End as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


@cache
def freeze_once() -> None:
    """Stand still, as a machine that does not answer any more, until somebody wakes us up."""
    os.kill(os.getpid(), signal.SIGSTOP)


def arrange(service: Service, point: str, topic: str) -> None:
    """Die at the point, at the first batch of several facts after a few others.   Raises: KeyError."""
    if point not in POINTS:
        raise KeyError(point)
    batches = count()
    produce: Callable[[str, Sequence[Sealed]], None] = service.bus.produce
    doomed = False

    def producing(where: str, records: Sequence[Sealed]) -> None:
        nonlocal doomed
        if where != topic or next(batches) < BATCHES_BEFORE or len(records) < 2:
            produce(where, records)
            return
        if point == "after_read":
            die()
        if point == "half_produced":
            produce(where, records[: len(records) // 2])
            die()
        produce(where, records)
        if point == "all_acknowledged":
            die()
        doomed = True

    service.bus.produce = producing  # type: ignore[method-assign]
    execute = PgConnection.execute

    def executing(self: PgConnection, query: Any, *args: Any, **more: Any) -> Any:
        saving = doomed and str(query).startswith(SAVES)
        if saving and point == "before_position":
            die()
        done = execute(self, query, *args, **more)
        if saving and point == "after_position":
            die()
        return done

    PgConnection.execute = executing  # type: ignore[method-assign]
