"""A reminder's effects fit what is committed when they are, also while somebody else decides."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from contracts.envelope import Registry
from contracts.quote import QuoteWithdrawn
from infra.ledger import PostgresLedger
from infra.memory import MemoryStore
from infra.timers import Timers
from infra.work import Cause, Delivery, Reminder, Work
from tests.conftest import Clock
from tests.integration.test_clock_jumps import DEAL, FACT, STREAM, Leads


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> Any:
    registry = Registry([QuoteWithdrawn])
    if request.param == "memory":
        return MemoryStore("thing", registry)
    return PostgresLedger("thing", request.getfixturevalue("open_service")("thing"), registry)


def test_a_reminder_that_only_tells_somebody_is_decided_again_when_its_stream_has_grown(
    store: Any, clock: Clock
) -> None:
    """A case is decided while its deadline passes: the approvers are not told that it is open."""
    seen: list[int] = []

    def decided() -> None:
        theirs = Work(store, Cause("decide", clock(), "user/u-1"))
        theirs.append(STREAM, FACT)
        store.commit([theirs])

    def overdue(reminder: Reminder, work: Work) -> None:
        seen.append(len(work.read(STREAM)))
        if not seen[-1]:
            work.deliver(Delivery("k", "somebody", "overdue", {}, reminder.deal_id))
            decided()

    timers = Timers(store, Leads(), {"look": overdue}, clock, lambda _: None)
    asked = Work(store, Cause("ask", clock(), "user/u-1"))
    asked.remind(Reminder("k", "look", clock(), DEAL))
    store.commit([asked])
    assert [timers.step(), timers.step(), timers.step()] == [0, 1, 0]
    assert seen == [0, 1]
    assert delivered(store) == 0


def test_a_reminder_that_another_process_carried_out_and_set_anew_is_kept(
    store: Any, clock: Clock
) -> None:
    """Two processes for a moment both lead; the first sets the next reminder under the same key."""
    due, later = clock(), clock() + timedelta(days=1)

    def again(reminder: Reminder, work: Work) -> None:
        work.append(STREAM, FACT)
        if not store.read(STREAM):
            theirs = Work(store, work.cause)
            theirs.append(STREAM, FACT)
            theirs.remind(replace(reminder, due_at=later))
            store.commit([theirs])

    timers = Timers(store, Leads(), {"look": again}, clock, lambda _: None)
    asked = Work(store, Cause("ask", due, "user/u-1"))
    asked.remind(Reminder("k", "look", due, DEAL))
    store.commit([asked])
    for _ in range(3):
        timers.step()
    assert len(store.read(STREAM)) == 1
    assert [each.due_at for each, _ in store.due_reminders(later, 10)] == [later]


def test_a_reminder_that_another_process_carried_out_is_dropped(store: Any, clock: Clock) -> None:
    reminder = Reminder("k", "look", clock(), DEAL)
    asked = Work(store, Cause("ask", clock(), "user/u-1"))
    asked.remind(reminder)
    store.commit([asked])
    store.is_done(reminder)
    assert store.due_reminders(clock(), 10) == []


def test_a_reminder_without_facts_is_carried_out_once_though_a_frozen_leader_wakes_up(
    store: Any, clock: Clock
) -> None:
    """Found by a reviewer: both told the outside system, each with a message of its own."""
    told: list[str] = []

    def tell(reminder: Reminder, work: Work) -> None:
        work.deliver(Delivery("k", "somebody", "overdue", {}, reminder.deal_id))

    def successor(works: Any) -> None:
        told.extend("by the successor" for work in works if work.deliveries)

    def tell_late(reminder: Reminder, work: Work) -> None:
        tell(reminder, work)
        assert Timers(store, Leads(), {"look": tell}, clock, successor).step() == 1

    frozen = Timers(
        store, Leads(), {"look": tell_late}, clock, lambda _: told.append("by the frozen one")
    )
    remind(store, clock.now)
    frozen.step()
    assert told == ["by the successor"]
    assert store.due_reminders(clock.now, 10) == []


@pytest.mark.parametrize("fails", [False, True], ids=["carried out", "failed"])
def test_a_reminder_that_is_set_anew_while_it_is_carried_out_keeps_its_new_time(
    store: Any, clock: Clock, fails: bool
) -> None:
    """Found by a reviewer: it was dropped, or moved to a few seconds from now."""
    later = clock.now + timedelta(days=30)

    def set_anew(reminder: Reminder, work: Work) -> None:
        del reminder
        remind(store, later, "anew")
        if fails:
            raise KeyError
        work.deliver(Delivery("k", "somebody", "overdue", {}, DEAL))

    remind(store, clock.now)
    Timers(store, Leads(), {"look": set_anew}, clock, lambda _: None).step()
    assert [(each.due_at, failed) for each, failed in store.due_reminders(later, 10)] == [
        (later, 0)
    ]
    assert delivered(store) == 0


def remind(store: Any, due_at: datetime, command_id: str = "ask") -> None:
    asked = Work(store, Cause(command_id, due_at, "user/u-1"))
    asked.remind(Reminder("k", "look", due_at, DEAL))
    store.commit([asked])


def delivered(store: Any) -> int:
    if isinstance(store, MemoryStore):
        return len(store.deliveries)
    (row,) = store.query("SELECT count(*) AS n FROM deliveries")
    return int(row["n"])
