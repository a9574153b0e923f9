"""How a quote begins, over each bus: by webhook, by CloudEvent at the door, by a seller's hand."""

import json
from hashlib import sha256
from itertools import pairwise

import pytest

from quotewright.laptop import CRM
from tests.e2e.facts import UNTOUCHED
from tests.e2e.place import Json, Place, asked, deal_of, event, items_of

DOOR = "quotewright.crm.inbound"
BINARY = "application/json"
STRUCTURED = "application/cloudevents+json"
AMERICAS = {
    "selling_unit": "americas-direct",
    "currency": "USD",
    "account": {"id": "acct-002", "name": "Example Wireless", "tier": "silver", "region": "NAM"},
}


def cloud_event(told: Json, mode: str) -> tuple[dict[str, str], bytes]:
    """Return headers and bytes of an event as a CRM writes them to Kafka."""
    attributes = {
        "specversion": "1.0",
        "id": told["id"],
        "source": f"crm://{CRM}",
        "type": f"quotewright.crm.{told['type']}",
    }
    if mode == STRUCTURED:
        return {"content-type": mode}, json.dumps({**attributes, "data": told}).encode()
    headers = {f"ce_{name}": text for name, text in attributes.items()}
    return {"content-type": mode, **headers}, json.dumps(told).encode()


def test_an_opportunity_by_webhook_becomes_a_presented_quote_untouched(place: Place) -> None:
    record = place.opens("city_macro")
    told = place.told(record, "Presented")
    assert place.facts(told["number"]) == UNTOUCHED
    pdf = place.seller.ask("GET", f"/documents/{told['document_sha256']}").content
    assert pdf.startswith(b"%PDF-")
    assert sha256(pdf).hexdigest() == told["document_sha256"]


@pytest.mark.parametrize("mode", [BINARY, STRUCTURED])
def test_an_opportunity_at_the_door_topic_becomes_a_presented_quote_untouched(
    place: Place, mode: str
) -> None:
    record = f"door-{mode.rpartition('/')[2].replace('+', '-')}"
    told = event("opportunity.opened", record, opportunity=asked(record, "street_micro"))
    headers, value = cloud_event(told, mode)
    for _ in range(2):  # a CRM may say it twice
        place.produce(DOOR, record, headers, value)
    number = place.told(record, "Presented")["number"]
    assert place.facts(number) == UNTOUCHED
    deal = place.seller.get(f"/quotes/deals/{deal_of(record)}")
    assert [each["number"] for each in deal["quotes"]] == [number]


def test_every_hop_names_its_cause_and_the_deal_is_the_correlation(place: Place) -> None:
    record = place.opens("street_micro")
    hops = place.history(place.told(record, "Presented")["number"])
    ids = [hop["id"] for hop in hops]
    assert hops[0]["causation"] is None
    assert {hop["causation"] for hop in hops[1:]} < set(ids)
    assert all(ids.index(hop["causation"]) < number for number, hop in enumerate(hops) if number)
    assert all(before["time"] <= after["time"] for before, after in pairwise(hops))
    correlations = place.sql(
        "SELECT DISTINCT correlation FROM crm_projector.fact_log WHERE deal_id = %s",
        (deal_of(record),),
    )
    assert correlations == [(str(deal_of(record)),)]


def test_a_seller_drafts_two_different_items_answers_submits_and_presents(place: Place) -> None:
    record = place.opens(None, **AMERICAS)
    site, hop = items_of("rural_lte")
    drafted = place.drafts(record)
    number = drafted["number"]
    assert drafted["status"] == "draft"

    # The guided dialogue: what is possible after the first answer, and why the rest is not.
    micro = [{"attribute": "station_type", "value": "micro", "source": "user"}]
    judged = place.seller.post("/configurator/products/base_station/options", {"decisions": micro})
    shut = [
        option
        for attribute in judged["attributes"]
        for option in attribute["options"]
        if not option["selectable"]
    ]
    assert shut
    assert all(option["reason"] and option["rules"] for option in shut)

    place.edits(number, [site, hop], submit=False)
    priced = place.reaches(number, "priced")["current"]
    assert {line["item_id"] for line in priced["offer"]["lines"]} == {"rural-site", "rural-hop"}
    assert priced["offer"]["totals"]["currency"] == "USD"
    place.seller.post(f"/quotes/{number}/submit")
    place.reaches(number, "ready")
    assert place.told(record, "Approved", waits_for="presentation")["who_can_move_it"] == "seller"
    place.seller.post(f"/quotes/{number}/present")
    assert place.told(record, "Presented")["presented_revision"] == 1
    assert place.facts(number).count("QuotePresented") == 1
