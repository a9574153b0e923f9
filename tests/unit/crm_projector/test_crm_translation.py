"""What a CRM's events become: the translation table, echoes, stale events, what is missing."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope import Fact
from contracts.values import Money
from services.crm_projector.domain.inbound import (
    AmountWithoutCurrency,
    GivenDetails,
    InboundEvent,
    UnknownOpportunity,
    translate,
)
from services.crm_projector.domain.opportunity import OpportunityState, evolve

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ALL: dict[str, Any] = {
    "name": "Forty sites, phase 1",
    "account_id": "acc-1",
    "account_name": "Example Telecom",
    "customer_tier": "gold",
    "region": "emea",
    "currency": "EUR",
    "selling_unit": "nordic",
    "owner_id": "seller-1",
    "stage": "Qualification",
    "amount": "250000.00",
}


def event(kind: str, minute: int = 0, client: str | None = None, **given_: Any) -> InboundEvent:
    return InboundEvent(
        source="crm://example",
        event_id=f"e-{kind}-{minute}",
        kind=f"opportunity.{kind}",
        occurred_at=T0 + timedelta(minutes=minute),
        record_id="OPP-1",
        given=GivenDetails(**given_),
        reason="price" if kind == "lost" else None,
        client=client,
    )


def after(*events: InboundEvent) -> tuple[OpportunityState, list[Fact]]:
    state, last = OpportunityState(), []
    for each in events:
        last = translate(each, state)
        for fact in last:
            state = evolve(state, fact, T0 + timedelta(days=1))
    return state, last


def names(facts: list[Fact]) -> list[str]:
    return [type(each).__name__ for each in facts]


OPENED = event("opened", **ALL)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([OPENED], ["OpportunityOpened"]),
        ([OPENED, OPENED], []),
        ([OPENED, event("updated", 1, **ALL)], []),
        ([OPENED, event("updated", 1, owner_id="seller-2")], ["OpportunityDetailsChanged"]),
        ([OPENED, event("opened", 1, owner_id="seller-2")], ["OpportunityDetailsChanged"]),
        ([OPENED, event("stage_changed", 1, stage="Proposal")], ["OpportunityStageChanged"]),
        (
            [OPENED, event("updated", 1, stage="Proposal", region="apac")],
            ["OpportunityStageChanged", "OpportunityDetailsChanged"],
        ),
        ([OPENED, event("won", 1, stage="Closed Won")], ["OpportunityWon"]),
        (
            [OPENED, event("won", 1, amount="240000.00")],
            ["OpportunityDetailsChanged", "OpportunityWon"],
        ),
        ([OPENED, event("won", 1), event("won", 2)], []),
        ([OPENED, event("won", 1), event("stage_changed", 2, stage="Closed Won")], []),
        ([OPENED, event("lost", 1)], ["OpportunityLost"]),
        ([OPENED, event("lost", 1), event("won", 2)], ["OpportunityReopened", "OpportunityWon"]),
        ([OPENED, event("lost", 1), event("reopened", 2)], ["OpportunityReopened"]),
        ([OPENED, event("reopened", 1)], []),
        ([event("won", **ALL)], ["OpportunityOpened", "OpportunityWon"]),
        ([event("updated", **ALL)], ["OpportunityOpened"]),
    ],
)
def test_an_event_becomes_the_facts_that_it_adds(
    events: list[InboundEvent], expected: list[str]
) -> None:
    assert names(after(*events)[1]) == expected


def test_a_stage_that_moves_with_details_is_told_first_and_stands_in_the_details() -> None:
    _, (moved, changed) = after(OPENED, event("updated", 1, stage="Proposal", region="apac"))
    assert (moved.from_stage, moved.to_stage) == ("Qualification", "Proposal")
    assert (changed.details.stage, changed.changed) == ("Proposal", ("region",))


def test_segment_channel_and_partner_are_told_and_emptied() -> None:
    told = {"segment": "carrier", "channel": "distributor", "partner": "example-trading"}
    state, (changed,) = after(OPENED, event("updated", 1, **told))
    assert changed.changed == ("segment", "channel", "partner")
    _, (emptied,) = after(OPENED, event("updated", 1, **told), event("updated", 2, partner=None))
    assert (emptied.details.segment, emptied.details.partner) == ("carrier", None)
    assert state.details is not None
    assert state.details.partner == "example-trading"


def test_a_reopened_opportunity_stands_in_the_stage_it_was_told() -> None:
    state, _ = after(OPENED, event("lost", 1), event("reopened", 2, stage="Negotiation"))
    assert state.details is not None
    assert (state.outcome, state.lost_reason, state.details.stage) == ("open", None, "Negotiation")


def test_a_lost_opportunity_keeps_the_reason_and_its_last_open_stage() -> None:
    state, _ = after(OPENED, event("lost", 1, stage="Closed Lost"))
    assert state.details is not None
    assert (state.outcome, state.lost_reason, state.details.stage) == (
        "lost",
        "price",
        "Qualification",
    )


def test_an_unknown_opportunity_told_in_part_is_refused_with_what_is_missing() -> None:
    with pytest.raises(UnknownOpportunity) as refused:
        translate(event("stage_changed", stage="Proposal", owner_id="seller-1"), OpportunityState())
    assert refused.value.facts == {
        "record_id": "OPP-1",
        "missing": [
            "name",
            "account_id",
            "account_name",
            "customer_tier",
            "region",
            "currency",
            "selling_unit",
        ],
    }


def test_an_older_event_than_the_last_applied_is_ignored() -> None:
    newer = event("updated", 5, owner_id="seller-5")
    assert after(OPENED, newer, event("updated", 4, owner_id="seller-4"))[1] == []


def test_an_event_of_the_same_moment_is_applied() -> None:
    state, facts = after(
        OPENED, event("updated", 5, owner_id="seller-5"), event("updated", 5, region="apac")
    )
    assert names(facts) == ["OpportunityDetailsChanged"]
    assert state.details is not None
    assert (state.details.owner_id, state.details.region) == ("seller-5", "apac")


def test_our_own_write_back_coming_home_changes_nothing() -> None:
    assert after(OPENED, event("updated", 1, client="quotewright", owner_id="seller-9"))[1] == []


def test_a_null_empties_what_may_be_empty_and_leaves_the_rest() -> None:
    dated = event("updated", 1, expected_close=date(2026, 6, 30))
    state, _ = after(
        OPENED, dated, event("updated", 2, expected_close=None, amount=None, name=None)
    )
    assert state.details is not None
    assert (state.details.expected_close, state.details.amount) == (None, None)
    assert state.details.name == "Forty sites, phase 1"


def test_an_amount_is_money_of_the_currency_told_with_it() -> None:
    state, _ = after(OPENED, event("updated", 1, currency="SEK", amount="2800000"))
    assert state.details is not None
    assert state.details.amount == Money.of("2800000.00", "SEK")


def test_a_new_currency_without_its_amount_is_refused() -> None:
    with pytest.raises(AmountWithoutCurrency) as refused:
        after(OPENED, event("updated", 1, currency="SEK"))
    assert refused.value.facts["field"] == "opportunity.amount"


KINDS = ["opened", "updated", "stage_changed", "won", "lost", "reopened"]
EVENTS = st.lists(
    st.builds(
        lambda kind, minute, stage, owner: event(
            kind, minute, **{**ALL, "stage": stage, "owner_id": owner}
        ),
        st.sampled_from(KINDS),
        st.integers(0, 20),
        st.sampled_from(["Qualification", "Proposal", "Negotiation"]),
        st.sampled_from(["seller-1", "seller-2"]),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(EVENTS)
def test_an_event_that_comes_twice_adds_nothing_the_second_time(events: list[InboundEvent]) -> None:
    state = OpportunityState()
    for each in events:
        for fact in translate(each, state):
            state = evolve(state, fact, T0)
        assert translate(each, state) == []


@settings(max_examples=150, deadline=None)
@given(EVENTS)
def test_facts_tell_a_possible_story(events: list[InboundEvent]) -> None:
    """Opened once and first; only an open opportunity ends; only a closed one is reopened."""
    state, told = OpportunityState(), []
    for each in events:
        for fact in translate(each, state):
            name = type(fact).__name__
            assert (name == "OpportunityOpened") == (not told)
            if name in ("OpportunityWon", "OpportunityLost", "OpportunityStageChanged"):
                assert state.outcome == "open"
            if name == "OpportunityReopened":
                assert state.outcome in ("won", "lost")
            told.append(fact)
            state = evolve(state, fact, T0)
