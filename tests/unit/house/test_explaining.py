"""What `explain` says of a price to those who may see costs, and to those who may not."""

import json

from quotewright.explaining import report
from services.pricer.domain.asks.trace import shown
from tests.unit.pricer.basket import a_book, a_rule, an_ask, an_item, percent_off, pricing


def explained(view: str) -> list[str]:
    """Explain a radio and a yearly support with a rebate of 2 %, over two years."""
    groups = [{"id": "after", "stage": "off_invoice", "select": "all"}]
    book = a_book(groups=groups, rules=[a_rule("rebate", "after", percent_off("2"))])
    ask = an_ask(an_item(("RRU", "1"), ("SUP", "1")), terms=[{"months": 24}])
    found = pricing(ask, book)
    totals = found.totals.model_dump(mode="json")
    current = {"revision": 1, "offer": {"totals": totals}, "approval": None, "returned": None}
    quote = {"number": "Q-1", "status": "draft", "current": current}
    prices = shown(json.loads(found.trace), view)
    return list(
        report({"quote": quote, "prices": prices, "cases": [], "policy": {}}, skipped=False)
    )


def test_insiders_read_margin_and_pocket_price_and_what_leads_to_it():
    """3150 and 1200, of which costs are 1890 and 500; 2 % of 4350 is 87."""
    told = explained("internal")
    assert told[2:5] == [
        "over 24 months: total contract value 5,550.00 USD, annual contract value 1,200.00 USD",
        "cost 2,390.00 USD, margin 1,960.00 USD (45.06 %)",
        "pocket price 4,263.00 USD, pocket margin 1,873.00 USD (43.94 %)",
    ]
    assert "        -63.00  after the invoice: Rule rebate: 2 % off." in told
    assert "        -24.00  after the invoice: Rule rebate: 2 % off." in told


def test_sellers_do_not_read_them():
    told = " ".join(explained("seller"))
    assert "annual contract value" in told
    assert not [word for word in ("cost", "margin", "pocket", "invoice", "rebate") if word in told]
