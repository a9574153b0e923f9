"""The lag of a consumer in seconds: 0 when idle, exact with a record in hand, growing without a bus."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from infra.bus import Slice
from infra.metrics import Meter
from infra.watching import FRESH_S, Watched
from infra.wire import Arrived
from tests.conftest import Clock


class Line:
    """A source that gives what the test puts in, on a clock that the test moves."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.began = clock.now
        self.answers = True
        self.is_ours = True
        self.pieces: list[Slice] = []
        self.ended: float | None = 0.0

    def monotonic(self) -> float:
        return (self.clock.now - self.began).total_seconds()

    def poll(self, limit: int, timeout_s: float) -> Slice | None:
        if self.pieces:
            return self.pieces.pop(0)
        if self.answers:
            self.ended = self.monotonic()
        return None

    def put(self, *ages_s: float, headers: tuple[tuple[str, bytes], ...] | None = None) -> None:
        """Let records of these ages be read next."""
        records = tuple(
            Arrived(n, b"deal", headers if headers is not None else self._told(age), b"{}")
            for n, age in enumerate(ages_s)
        )
        self.pieces.append(Slice("facts", 0, 0, len(records), records))

    def _told(self, age_s: float) -> tuple[tuple[str, bytes], ...]:
        time = self.clock.now - timedelta(seconds=age_s)
        return (("ce_id", b"x/1"), ("ce_time", time.isoformat().encode()))

    def rewind(self, piece: Slice) -> None:
        self.pieces.insert(0, piece)

    def disown(self, partition: int) -> None: ...

    def pause(self, partition: int) -> None: ...

    def resume(self, partition: int) -> None: ...

    def lag(self) -> int:
        return sum(len(each.records) for each in self.pieces)

    def ended_at(self) -> float | None:
        return self.ended if self.is_ours else None

    def close(self) -> None: ...


@pytest.fixture
def line(clock: Clock) -> Line:
    return Line(clock)


@pytest.fixture
def meter() -> Meter:
    return Meter()


Watching = Callable[..., Watched]


@pytest.fixture
def watch(line: Line, clock: Clock, meter: Meter) -> Watching:
    def watch_(*, ours: bool = True) -> Watched:
        hearing = meter.hearing("thing", "facts")
        return Watched(line, hearing, clock, ours=ours, monotonic=line.monotonic)

    return watch_


def value(registry: CollectorRegistry, name: str) -> float | None:
    labels = {"service": "thing", "topic": "facts"}
    return registry.get_sample_value(f"quotewright_consumer_{name}", labels)


def test_an_idle_consumer_is_not_behind_however_long_nothing_comes(
    line: Line, clock: Clock, watch: Watching
) -> None:
    watched = watch()
    for _ in range(100):
        clock.advance(seconds=0.5)
        watched.poll(10, 0)
        assert watched.lag_s() == 0


def test_a_record_in_hand_is_as_old_as_it_says(line: Line, clock: Clock, watch: Watching) -> None:
    watched = watch()
    watched.poll(10, 0)
    line.put(40.0, 5.0)
    watched.poll(10, 0)
    assert watched.lag_s() == 40
    assert watched.in_hand() == 2
    clock.advance(seconds=7)
    assert watched.lag_s() == 47
    watched.poll(10, 0)
    assert (watched.lag_s(), watched.in_hand()) == (0, 0)


def test_the_lag_grows_while_the_bus_does_not_answer(
    line: Line, clock: Clock, watch: Watching
) -> None:
    watched = watch()
    watched.poll(10, 0)
    line.answers = False
    lags = []
    for _ in range(12):
        clock.advance(seconds=1)
        watched.poll(10, 0)
        lags.append(watched.lag_s())
    assert lags == [0, 0, 0, *range(int(FRESH_S) + 1, 13)]
    line.answers = True
    watched.poll(10, 0)
    assert watched.lag_s() == 0


def test_without_a_bus_the_lag_counts_from_what_was_handled_last(
    line: Line, clock: Clock, watch: Watching
) -> None:
    watched = watch()
    watched.poll(10, 0)
    clock.advance(minutes=5)
    line.put(2.0)
    watched.poll(10, 0)
    line.answers = False
    watched.poll(10, 0)
    clock.advance(seconds=10)
    assert watched.lag_s() == 12


def test_a_consumer_that_stands_by_is_not_behind(line: Line, clock: Clock, watch: Watching) -> None:
    watched = watch()
    line.is_ours = False
    clock.advance(hours=1)
    assert not watched.is_active()
    assert watched.lag_s() == 0


@pytest.mark.parametrize("told", [b"yesterday", b"0001-01-01T00:00:00+00:00", b"\xff", b""])
def test_what_a_foreign_system_says_of_its_time_is_not_believed(
    line: Line, clock: Clock, watch: Watching, told: bytes
) -> None:
    watched = watch(ours=False)
    line.put(0.0, headers=(("ce_time", told),))
    watched.poll(10, 0)
    clock.advance(seconds=3)
    assert watched.lag_s() == 3


@pytest.mark.parametrize("told", [b"yesterday", b"\xff", b"2026-03-02T09:00:00"])
def test_a_fact_without_a_time_is_as_old_as_we_have_had_it(
    line: Line, clock: Clock, watch: Watching, told: bytes
) -> None:
    watched = watch()
    line.put(0.0, headers=(("ce_time", told),))
    watched.poll(10, 0)
    clock.advance(seconds=4)
    assert watched.lag_s() == 4


def test_a_batch_put_back_counts_as_a_retry_and_is_no_longer_in_hand(
    line: Line, clock: Clock, watch: Watching, meter: Meter
) -> None:
    watched = watch()
    line.put(0.0, 0.0, 0.0)
    piece = watched.poll(10, 0)
    assert piece is not None
    clock.advance(seconds=2)
    watched.rewind(piece)
    assert watched.in_hand() == 0
    assert watched.poll(10, 0) == piece
    watched.disown(0)
    assert value(meter.registry, "retries_total") == 1
    assert value(meter.registry, "fenced_total") == 1
    assert value(meter.registry, "batch_records_sum") == 6
    assert value(meter.registry, "handling_duration_seconds_sum") == 2
