"""What the CRM hears of us: the newest state, in order, though it refuses; and never a cost."""

import io
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from pypdf import PdfReader

from tests.e2e.facts import ABOVE
from tests.e2e.place import Json, Place, deal_of, until

SECRET = re.compile(r"margin|cost|internal|floor", re.IGNORECASE)


def names_of(told: Any) -> Iterator[str]:
    """Give every member name of a JSON value, at any depth."""
    if isinstance(told, dict):
        for name, value in told.items():
            yield name
            yield from names_of(value)
    elif isinstance(told, list):
        for each in told:
            yield from names_of(each)


def secrets_of(place: Place, number: str) -> list[str]:
    """Return the figures that nobody outside may see, as digits."""
    internal = place.admin.get(f"/quotes/{number}")["current"]["internal"]
    amounts = [internal["cost"]["amount"], internal["margin"]["amount"]]
    amounts += [each["margin"]["amount"] for each in internal["lines"]]
    return [digits(each) for each in amounts if len(digits(each)) >= 6]


def digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def figures(text: str) -> set[str]:
    """Return the amounts of a text, as digits, whatever separates their thousands."""
    return {digits(each) for each in re.findall(r"\d[\d.,' \u00a0\u202f]*\d", text)}


def test_the_crm_hears_each_resting_state_once_and_never_goes_back(embedded: Place) -> None:
    record = embedded.opens("rural_lte", discounts=ABOVE)
    number = embedded.told(record, "PendingApproval", who_can_move_it="approver")["number"]
    embedded.decides(embedded.asked_to_approve(number), "approve", "Margin holds.")
    embedded.accepts(embedded.told(record, "Presented"))
    embedded.told(record, "Ordered")

    tellings = embedded.tellings(record)
    assert {each["client"] for each in tellings} == {"quotewright"}
    assert all(one["sequence"] < two["sequence"] for one, two in pairwise(tellings))
    order = ["Draft", "Configured", "Priced", "PendingApproval", "Approved", "Presented", "Ordered"]
    statuses = [each["status"] for each in tellings]
    assert statuses == sorted(statuses, key=order.index)
    assert tellings[-1]["waits_for"] is None


def test_a_crm_that_refuses_hears_the_newest_state_later(embedded: Place) -> None:
    embedded.stage.crm.refusing = 3
    record = embedded.opens("city_macro")
    presented = embedded.told(record, "Presented")
    embedded.stage.crm.refusing = 2
    embedded.accepts(presented)
    ordered = embedded.told(record, "Ordered")  # nothing newer follows: only a retry brings it
    assert embedded.stage.crm.refusing == 0
    tellings = embedded.tellings(record)
    assert tellings[-1]["sequence"] == ordered["sequence"]
    assert all(one["sequence"] < two["sequence"] for one, two in pairwise(tellings))
    left = "SELECT count(*) FROM crm_projector.deliveries WHERE deal_id = %s"
    # The CRM has it a moment before our sender learns so and drops the row.
    until(lambda: embedded.sql(left, (deal_of(record),)) == [(0,)], "nothing is left to deliver")


def test_the_echo_of_our_own_write_back_changes_nothing(embedded: Place) -> None:
    record = embedded.opens("street_micro")
    number = embedded.told(record, "Presented")["number"]
    before = embedded.facts(number)
    other = {"id": record, "amount": "5", "stage": "Quoted"}
    echo = embedded.says("opportunity.updated", record, opportunity=other, client="quotewright")
    assert echo.json() == {"events": [{"deal_id": str(deal_of(record)), "facts": []}]}
    real = embedded.says("opportunity.updated", record, opportunity=other, client="a person")
    assert real.json()["events"][0]["facts"] == [
        "OpportunityStageChanged",
        "OpportunityDetailsChanged",
    ]
    embedded.heard_of(number, "DealDetailsChanged")
    assert [each for each in embedded.facts(number) if each not in before] == [
        "OpportunityStageChanged",
        "OpportunityDetailsChanged",
        "DealDetailsChanged",
    ]


@pytest.fixture(scope="module")
def shown(embedded: Place) -> Json:
    """A presented quote and everything that leaves the house about it."""
    record = embedded.opens("city_macro")
    told = embedded.told(record, "Presented")
    link = embedded.link(told["number"], 1)
    pdf = embedded.customer.ask("GET", f"{link}/document").content
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]
    return {
        "number": told["number"],
        "write-backs": embedded.tellings(record),
        "offer": embedded.customer.get(link),
        "seller's view": embedded.quote(told["number"]),
        "seller's read view": embedded.seller.get(f"/crm/quotes/{told['number']}"),
        "document": "\n".join(pages),
    }


@pytest.mark.parametrize(
    "place_of_it", ["write-backs", "offer", "seller's view", "seller's read view"]
)
def test_no_cost_or_margin_is_named_or_figured(
    embedded: Place, shown: Json, place_of_it: str
) -> None:
    told = shown[place_of_it]
    assert [name for name in names_of(told) if SECRET.search(name)] == []
    assert figures(str(told)).isdisjoint(secrets_of(embedded, shown["number"]))


def test_the_document_holds_prices_and_no_cost_or_margin(embedded: Place, shown: Json) -> None:
    text = shown["document"]
    net = digits(shown["offer"]["totals"]["net"]["amount"])
    assert net in figures(text)
    assert figures(text).isdisjoint(secrets_of(embedded, shown["number"]))
    assert "DRAFT" not in text
    assert re.search(r"\b(margin|cost price)\b", text, re.IGNORECASE) is None
