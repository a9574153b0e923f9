"""What every outbox and every memory of signings promises; here in memory, on PostgreSQL elsewhere."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from infra.outbox import DueDelivery, MemoryOutbox, Outbox, Setback
from infra.seen import KEEP, MemorySeen
from infra.webhooks import SeenSignatures
from infra.work import Delivery

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DEAL = UUID("00000000-0000-4000-8000-000000000001")
Put = Callable[[Delivery], None]


def message(key: str, state: str = "priced", target: str = "crm") -> Delivery:
    return Delivery(key, target, "deal.changed", {"state": state, "ü": ["1.10", None]}, DEAL)


class OutboxPromises:
    """The cases; a subclass gives `outbox` and `put`."""

    def due(self, outbox: Outbox, now: datetime = NOW) -> list[DueDelivery]:
        return outbox.due(now, 10, [], [])

    def states(self, outbox: Outbox, now: datetime = NOW) -> dict[str, object]:
        return {each.key: each.body["state"] for each in self.due(outbox, now)}

    def test_a_fresh_message_is_due_at_once(self, outbox: Outbox, put: Put) -> None:
        put(message("deal/1"))
        (due,) = self.due(outbox)
        assert (due.key, due.target, due.event_type, due.deal_id) == (
            "deal/1",
            "crm",
            "deal.changed",
            DEAL,
        )
        assert (due.body, due.generation, due.attempts) == (
            {"state": "priced", "ü": ["1.10", None]},
            1,
            0,
        )

    def test_a_fresh_message_is_due_though_our_clock_is_behind(
        self, outbox: Outbox, put: Put
    ) -> None:
        put(message("deal/1"))
        assert self.states(outbox, datetime(2020, 1, 1, tzinfo=UTC)) == {"deal/1": "priced"}

    def test_a_taken_message_is_gone(self, outbox: Outbox, put: Put) -> None:
        put(message("deal/1"))
        outbox.done("deal/1", 1)
        assert self.due(outbox) == []

    def test_the_newest_message_of_a_key_stands(self, outbox: Outbox, put: Put) -> None:
        put(message("deal/1", "priced"))
        put(message("deal/1", "approved"))
        (due,) = self.due(outbox)
        assert (due.body["state"], due.generation) == ("approved", 2)

    def test_a_newer_message_outlives_the_end_of_an_older(self, outbox: Outbox, put: Put) -> None:
        put(message("deal/1", "priced"))
        put(message("deal/1", "approved"))
        outbox.done("deal/1", 1)
        outbox.retry("deal/1", 1, Setback("late", NOW + timedelta(days=1), stuck=True))
        assert [(each.body["state"], each.attempts) for each in self.due(outbox)] == [
            ("approved", 0)
        ]

    def test_generations_go_on_after_a_message_was_taken(self, outbox: Outbox, put: Put) -> None:
        for state in ("priced", "approved"):
            put(message("deal/1", state))
            (due,) = self.due(outbox)
            outbox.done("deal/1", due.generation)
        assert due.generation == 2

    def test_a_failed_message_waits_its_time(self, outbox: Outbox, put: Put) -> None:
        put(message("deal/1"))
        outbox.retry("deal/1", 1, Setback("503", NOW + timedelta(seconds=8), stuck=False))
        assert self.due(outbox, NOW + timedelta(seconds=7)) == []
        (due,) = self.due(outbox, NOW + timedelta(seconds=8))
        assert due.attempts == 1

    def test_a_stuck_message_is_not_sent_until_a_newer_comes(
        self, outbox: Outbox, put: Put
    ) -> None:
        put(message("deal/1", "priced"))
        outbox.retry("deal/1", 1, Setback("410", NOW, stuck=True))
        assert self.due(outbox, NOW + timedelta(days=9)) == []
        put(message("deal/1", "approved"))
        (due,) = self.due(outbox)
        assert (due.body["state"], due.attempts) == ("approved", 0)

    def test_busy_keys_and_full_targets_are_left_out(self, outbox: Outbox, put: Put) -> None:
        put(message("deal/1"))
        put(message("deal/2"))
        put(message("case/1", target="approvals"))
        found = outbox.due(NOW, 10, ["deal/1"], ["approvals"])
        assert [each.key for each in found] == ["deal/2"]

    def test_no_more_are_given_than_asked_for_the_longest_waiting_first(
        self, outbox: Outbox, put: Put
    ) -> None:
        for number in (1, 2, 3):
            put(message(f"deal/{number}"))
            outbox.retry(
                f"deal/{number}", 1, Setback("503", NOW - timedelta(seconds=number), stuck=False)
            )
        assert [each.key for each in outbox.due(NOW, 2, [], [])] == ["deal/3", "deal/2"]


class SeenPromises:
    """The cases; a subclass gives `seen`."""

    def test_a_signing_is_claimed_once(self, seen: SeenSignatures) -> None:
        assert [seen.claim("a", NOW), seen.claim("a", NOW), seen.claim("b", NOW)] == [
            True,
            False,
            True,
        ]

    def test_a_released_signing_can_be_claimed_again(self, seen: SeenSignatures) -> None:
        seen.claim("a", NOW)
        seen.release("a")
        assert seen.claim("a", NOW)

    def test_an_old_signing_is_forgotten_when_it_no_longer_verifies(
        self, seen: SeenSignatures
    ) -> None:
        seen.claim("a", NOW)
        assert not seen.claim("a", NOW + KEEP - timedelta(seconds=1))
        seen.claim("b", NOW + KEEP + timedelta(minutes=2))
        assert seen.claim("a", NOW + KEEP + timedelta(minutes=2))


class TestMemoryOutbox(OutboxPromises):
    @pytest.fixture
    def outbox(self) -> MemoryOutbox:
        return MemoryOutbox()

    @pytest.fixture
    def put(self, outbox: MemoryOutbox) -> Put:
        return lambda delivery: outbox.put(delivery, NOW)


class TestMemorySeen(SeenPromises):
    @pytest.fixture
    def seen(self) -> MemorySeen:
        return MemorySeen()
