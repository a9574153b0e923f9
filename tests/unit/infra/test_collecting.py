"""What survives a full collection is set aside, and found again once an hour if nobody holds it."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from infra.collecting import ALL_S, SetAside


class Ring:
    """An object that holds itself, so only the collector can free it."""

    def __init__(self) -> None:
        self.myself = self


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def aside(clock: Clock) -> Iterator[SetAside]:
    found = SetAside(clock)
    yield found
    found.end()


def test_what_survives_a_full_collection_is_not_walked_again(aside: SetAside) -> None:
    aside.begin()
    kept = [Ring() for _ in range(1000)]
    before = gc.get_freeze_count()
    gc.collect()
    assert gc.get_freeze_count() - before >= len(kept)
    assert not any(isinstance(each, Ring) for each in gc.get_objects())


def test_a_dropped_ring_is_found_within_the_hour(aside: SetAside, clock: Clock) -> None:
    ring = Ring()
    seen = weakref.ref(ring)
    aside.begin()
    del ring
    gc.collect()
    assert seen() is not None, "it was set aside"

    clock.at = ALL_S
    gc.collect()
    assert seen() is None


def test_after_the_end_everything_is_walked_as_ever(aside: SetAside) -> None:
    aside.begin()
    aside.begin()
    aside.end()
    aside.end()
    assert aside.heard not in gc.callbacks
    gc.collect()
    assert gc.get_freeze_count() == 0
