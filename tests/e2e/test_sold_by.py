"""Who is sold to, and by whom: what the CRM says of it reaches the price and the opportunity's page."""

from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from re import sub
from typing import Any

import pytest

from contracts import places
from quotewright.book_files import plain
from quotewright.laptop import ROOT
from tests.e2e.place import Place, deal_of

TELECOM = ROOT / "catalogs" / "telecom" / "price_books" / "telecom-list-2.yaml"
VERSION = 21
SOLD_BY = {"segment": "utilities", "channel": "resale", "partner": "P-7"}


@pytest.fixture
def place(embedded: Place) -> Iterator[Place]:
    """The house with one rule more, published for as long as the test lasts."""
    tree: dict[str, Any] = plain(TELECOM)
    when = {f"{name}s": [told] for name, told in SOLD_BY.items()}
    rule = {"id": "utilities", "version": 1, "name": "Utilities by resellers", "group": "sold-by"}
    tree |= {
        "version": VERSION,
        "status": "draft",
        "effective": {"first": datetime.now(UTC).date().isoformat(), "last": None},
        "segments": ["utilities"],
        "channels": ["resale"],
        "groups": [*tree["groups"], {"id": "sold-by", "stage": "segment", "select": "all"}],
        "rules": [
            *tree["rules"],
            {**rule, "when": when, "effect": {"kind": "percent_off", "percent": "12"}},
        ],
    }
    tree.pop("sha256", None)
    path = f"/pricer/books/{tree['id']}/{VERSION}"
    manager = embedded.person("manager")
    seen = {"sha256": manager.put(path, tree)["sha256"], "reason": "a test of segments"}
    manager.post(f"{path}/publish", seen)
    yield embedded
    manager.post(f"{path}/retire", seen)


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
