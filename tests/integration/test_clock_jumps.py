"""A clock that jumps ahead or back by hours loses no effect and doubles none."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.envelope import Registry
from contracts.quote import QuoteWithdrawn
from infra.ledger import PostgresLedger
from infra.memory import MemoryStore
from infra.outbox import PostgresOutbox, Setback
from infra.rows import write_rows
from infra.seen import PostgresSeen
from infra.timers import Timers
from infra.work import Cause, Delivery, Reminder, Work
from tests.conftest import Clock

DEAL = UUID(int=7)
STREAM = f"thing.quote/{DEAL}"
FACT = QuoteWithdrawn(deal_id=DEAL, quote_id=DEAL, reason="test", withdrawn_by="u-1")


class Leads:
    def holds(self, job: str) -> bool:
        return True


class Shop:
    """A store with a timer whose handler appends one fact; it can be told to fail."""

    def __init__(self, store: Any, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.broken = False
        self.timers = Timers(store, Leads(), {"look": self.look}, clock, lambda _: None)

    def look(self, reminder: Reminder, work: Work) -> None:
        if self.broken:
            raise RuntimeError("for this test")
        work.append(STREAM, FACT)

    def remind(self, **after: float) -> None:
        work = Work(self.store, Cause(f"ask/{self.clock()}", self.clock(), "user/u-1"))
        work.remind(Reminder("k", "look", self.clock() + timedelta(**after), DEAL))
        self.store.commit([work])

    def effects(self) -> list[datetime]:
        return [each.meta.time for each in self.store.read(STREAM)]


@pytest.fixture(params=["memory", "postgres"])
def shop(request: pytest.FixtureRequest, clock: Clock) -> Shop:
    if request.param == "memory":
        return Shop(MemoryStore("thing", Registry([QuoteWithdrawn])), clock)
    pool = request.getfixturevalue("open_service")("thing")
    return Shop(PostgresLedger("thing", pool, Registry([QuoteWithdrawn])), clock)


def test_a_reminder_fires_once_though_its_time_comes_twice(shop: Shop, clock: Clock) -> None:
    shop.remind(hours=1)
    clock.advance(hours=5)
    assert shop.timers.step() == 1
    clock.advance(hours=-5)
    assert shop.timers.step() == 0
    clock.advance(hours=2)
    assert shop.timers.step() == 0
    assert len(shop.effects()) == 1


def test_a_reminder_waits_for_a_clock_that_went_back_and_fires_then(
    shop: Shop, clock: Clock
) -> None:
    shop.remind(hours=1)
    clock.advance(hours=-3)
    assert shop.timers.step() == 0
    clock.advance(hours=4)
    assert shop.timers.step() == 1
    assert len(shop.effects()) == 1


def test_a_reminder_that_failed_under_a_clock_ahead_is_tried_when_the_clock_is_right_again(
    shop: Shop, clock: Clock
) -> None:
    shop.remind(hours=1)
    clock.advance(hours=9)
    shop.broken = True
    assert shop.timers.step() == 0
    shop.broken = False
    clock.advance(hours=-7)  # an hour after the reminder's time, seven before its put-off one
    assert shop.timers.step() == 1
    assert shop.timers.step() == 0
    assert len(shop.effects()) == 1


def test_a_reminder_for_a_far_day_is_not_taken_for_one_that_was_put_off(
    shop: Shop, clock: Clock
) -> None:
    shop.remind(minutes=1)
    shop.broken = True
    clock.advance(minutes=2)
    assert shop.timers.step() == 0
    shop.broken = False
    shop.remind(days=30)  # the same key: it replaces the one that failed
    assert shop.timers.step() == 0
    clock.advance(days=31)
    assert shop.timers.step() == 1


def test_facts_stand_in_the_order_they_were_decided_whatever_their_times_say(
    shop: Shop, clock: Clock
) -> None:
    times = []
    for number, hours in enumerate((0, 6, -12)):
        clock.advance(hours=hours)
        times.append(clock())
        work = Work(shop.store, Cause(f"c/{number}", clock(), "user/u-1"))
        work.append(STREAM, FACT)
        shop.store.commit([work])

    assert shop.effects() == times
    assert [each.meta.stream_version for each in shop.store.read(STREAM)] == [1, 2, 3]
    assert times[2] < times[0]


# ---- deliveries and signings


@pytest.fixture
def pool(open_service: Callable[..., Any]) -> Any:
    return open_service("thing")


def test_a_delivery_put_off_by_a_clock_ahead_goes_out_when_the_clock_is_right_again(
    pool: Any, clock: Clock
) -> None:
    outbox = PostgresOutbox(pool)
    nobody: Any = None
    work = Work(nobody, Cause("c", clock(), "service/thing"))
    work.deliver(Delivery("deal/1", "crm", "deal.changed", {"state": "priced"}, DEAL))
    with pool.connection() as connection, connection.transaction():
        write_rows(connection, work)
    (first,) = outbox.due(clock(), 10, [], [])

    clock.advance(hours=9)
    outbox.retry(
        "deal/1", first.generation, Setback("away", clock() + timedelta(minutes=1), stuck=False)
    )
    assert outbox.due(clock(), 10, [], []) == []
    clock.advance(hours=-9)
    (again,) = outbox.due(clock(), 10, [], [])
    # The same message: a receiver that took it after all drops the double by its webhook-id.
    assert (again.key, again.generation, again.created_at) == (
        first.key, first.generation, first.created_at,
    )  # fmt: skip
    outbox.done(again.key, again.generation)
    assert outbox.due(clock() + timedelta(days=1), 10, [], []) == []


def test_a_signing_taken_once_is_not_forgotten_by_a_clock_that_ran_ahead(pool: Any) -> None:
    now = datetime.now(UTC)
    ahead = now + timedelta(hours=9)
    assert PostgresSeen(pool).claim("a", now)
    assert PostgresSeen(pool).claim("b", ahead)  # sweeps what is old, by its clock

    assert not PostgresSeen(pool).claim("a", now + timedelta(seconds=5))
