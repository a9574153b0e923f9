"""The walk on the memory doubles: six services by their handlers, no database, no broker."""

from pathlib import Path
from typing import Any

import pytest

from quotewright.playing import opportunity
from services.approvals import handlers as approvals
from services.approvals.domain.case import Decision
from services.quotes.handlers.customers import AcceptOffer, accept_offer
from tests.unit.house.memory_house import MemoryHouse


@pytest.fixture
def house(clock: Any) -> MemoryHouse:
    return MemoryHouse(clock)


def accept(house: MemoryHouse) -> None:
    offer = house.of("QuotePresented")[-1]
    yes = AcceptOffer(offer.quote_id, offer.revision, "A. Example", offer.document_sha256, "nonce")
    house.run("quotes", "accept", lambda work: accept_offer(work, yes, house.units), "anonymous")
    house.settle()


def test_an_opportunity_with_requirements_runs_to_the_order(house: MemoryHouse) -> None:
    house.crm_says("opportunity.opened", opportunity("006-1", "city_macro"), "e1")
    house.settle()
    accept(house)
    assert house.facts() == [
        "OpportunityOpened",
        "DealOpened",
        "QuoteAdded",
        "QuoteDrafted",
        "ConfigurationRequested",
        "ConfigurationValidated",
        "PricingRequested",
        "QuotePriced",
        "RevisionPriced",
        "RevisionSubmitted",
        "ApprovalNotRequired",
        "RevisionApproved",
        "DocumentRequested",
        "QuoteDocumentRendered",
        "DocumentAttached",
        "QuotePresented",
        "DealClosed",
        "QuoteAccepted",
        "OrderPlaced",
    ]
    assert house.parked == []


def test_a_discount_above_authority_waits_for_the_approver(house: MemoryHouse) -> None:
    discount = [{"percent": "15", "rationale": "Reference customer"}]
    house.crm_says(
        "opportunity.opened", opportunity("006-1", "rural_lte", discounts=discount), "e1"
    )
    house.settle()
    (asked,) = house.of("DiscountApprovalRequested")
    assert "QuotePresented" not in house.facts()
    approver = asked.steps[0].approvers[0]
    decision = Decision(
        content_key=asked.content_key,
        approver=approver,
        verdict="approve",
        reason="Strategic",
        at=house.clock(),
    )
    house.run(
        "approvals",
        "callback/1",
        lambda work: approvals.decision_made(work, asked.case_id, decision, house.authority),
        "system/approvals",
    )
    house.settle()
    (approved,) = house.of("RevisionApproved")
    assert [each.by for each in approved.grants] == [approver]
    assert house.facts()[-1] == "QuotePresented"


def test_the_same_event_of_the_crm_twice_is_one_quote(house: MemoryHouse) -> None:
    for _ in range(2):
        house.crm_says("opportunity.opened", opportunity("006-1", "city_macro"), "e1")
        house.settle()
    assert house.facts().count("QuotePresented") == 1


def test_every_record_delivered_three_times_changes_nothing(house: MemoryHouse) -> None:
    produce = house.bus.produce
    house.bus.produce = lambda topic, records: produce(topic, [*records, *records, *records])  # type: ignore[method-assign]
    house.crm_says("opportunity.opened", opportunity("006-1", "city_macro"), "e1")
    house.settle()
    once = dict.fromkeys(house.facts())
    assert {name: house.facts().count(name) for name in once} == dict.fromkeys(once, 3)
    assert "AnswerIgnored" not in once
    assert house.parked == []


@pytest.mark.parametrize(
    ("example", "net"),
    [
        ("cooling_water", "67052.64"),
        ("methanol_transfer", "104079.18"),
        ("caustic_offshore", "56963.28"),
    ],
)
def test_the_same_house_sells_pumps(clock: Any, example: str, net: str) -> None:
    """Nothing in the six services is of radio stations: another catalogue, another trade."""
    catalog = Path(__file__).resolve().parents[3] / "catalogs" / "industrial"
    house = MemoryHouse(clock, catalog)
    house.crm_says("opportunity.opened", opportunity("006-1", example, catalog), "e1")
    house.settle()
    accept(house)
    assert house.facts()[-3:] == ["DealClosed", "QuoteAccepted", "OrderPlaced"]
    assert house.parked == []
    (priced,) = house.of("QuotePriced")
    assert (priced.book.id, str(priced.totals.net.amount)) == ("industrial-list", net)
    (rendered,) = house.of("QuoteDocumentRendered")
    assert rendered.language == "en"
