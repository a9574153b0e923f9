"""Who is sold to, and by whom: what the CRM says of it reaches the price and the opportunity's page."""

from collections.abc import Iterator
from html import unescape
from re import sub

import pytest

from contracts import places
from tests.e2e.one_book import published
from tests.e2e.place import Place, deal_of

SOLD_BY = {"segment": "utilities", "channel": "resale", "partner": "P-7"}


@pytest.fixture
def place(embedded: Place) -> Iterator[Place]:
    """The house with one rule more, published for as long as the test lasts."""
    when = {f"{name}s": [told] for name, told in SOLD_BY.items()}
    rule = {"id": "utilities", "version": 1, "name": "Utilities by resellers", "group": "sold-by"}
    more = {
        "segments": ["utilities"],
        "channels": ["resale"],
        "groups": [{"id": "sold-by", "stage": "segment", "select": "all"}],
        "rules": [{**rule, "when": when, "effect": {"kind": "percent_off", "percent": "12"}}],
    }
    with published(embedded, more):
        yield embedded


def rules_of(place: Place, number: str) -> set[str]:
    """Return the rules that decided a price of the quote."""
    trace = place.admin.get(f"/pricer/traces/{place.quote(number)['current']['trace_sha256']}")
    return {step["rule"] for line in trace["lines"] for step in line["steps"]}


def page_of(place: Place, record: str) -> str:
    """Return the words of an opportunity's page."""
    path = places.opportunity(deal_of(record))
    answer = place.seller.ask("GET", path, accept="text/html")
    assert answer.status_code == 200
    return " ".join(unescape(sub(r"<[^>]+>", " ", answer.text)).split())


def test_segment_channel_and_partner_of_the_crm_lead_to_the_price_of_their_rule(
    place: Place,
) -> None:
    bare, sold = place.opens("street_micro"), place.opens("street_micro", **SOLD_BY)
    usual = place.told(bare, "Presented")
    told = place.told(sold, "Presented")
    assert "utilities" not in rules_of(place, usual["number"])
    assert "utilities" in rules_of(place, told["number"])
    assert float(told["net"]["amount"]) < float(usual["net"]["amount"])

    row = place.seller.get(f"/crm/opportunities/{deal_of(sold)}")
    assert {name: row[name] for name in SOLD_BY} == SOLD_BY
    assert "Segment utilities Channel resale Partner P-7" in page_of(place, sold)
    assert "Segment" not in page_of(place, bare)
