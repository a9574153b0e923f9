"""Small price books and baskets to price: one builder per noun."""

from typing import Any

from contracts.pricing import LineProblem
from services.pricer.domain.asks.ask import PriceAsk, Priced
from services.pricer.domain.books.book import FxTable, PriceBook, read_book, read_fx
from services.pricer.domain.books.compiled import compile_book
from services.pricer.domain.prices.pricing import Unpriced, price

HALF_UP = {"scale": "minor", "mode": "half_up"}


def an_entry(sku: str, amount: str, cost: str | None = None, **more: Any) -> dict[str, Any]:
    entry = {
        "sku": sku,
        "category": "hardware",
        "charge": "one_time",
        "unit": "pcs",
        "price": {"model": "per_unit", "amount": amount},
        "cost": cost or "1.00",
    }
    return entry | more


def the_document(**changes: Any) -> dict[str, Any]:
    """The base-station book of the shared cases, in USD: no rule, no guardrail."""
    document: dict[str, Any] = {
        "id": "bts",
        "version": 1,
        "name": "Base station cases",
        "status": "published",
        "effective": {"first": "2026-01-01"},
        "currency": "USD",
        "currencies": ["USD", "EUR", "JPY", "BHD"],
        "tiers": ["standard", "gold"],
        "regions": ["EMEA", "LATAM"],
        "rounding": {"list": HALF_UP, "unit": HALF_UP, "line": "half_up"},
        "categories": [
            {"id": "hardware", "name": "Hardware", "discountable": True},
            {"id": "support", "name": "Support", "discountable": True},
            {"id": "works", "name": "Third-party works", "discountable": False},
        ],
        "entries": [
            an_entry("MACRO", "42000", "27300"),
            an_entry("RRU", "3150.00", "1890"),
            an_entry("ANT", "1249.99", "700"),
            an_entry("CAB", "18.75", "9"),
            an_entry("SUP", "1200", "500", category="support", charge="yearly"),
            an_entry(
                "CIVIL",
                "0",
                "8000",
                category="works",
                price={"model": "cost_plus", "markup_on_cost": "18"},
            ),
        ],
        "groups": [
            {"id": "contract", "stage": "contracted_price", "select": "most_specific"},
            {"id": "quantity", "stage": "volume", "select": "most_specific"},
            {"id": "region", "stage": "segment", "select": "most_specific"},
            {"id": "tier", "stage": "segment", "select": "most_specific"},
            {"id": "bundle", "stage": "bundle", "select": "best_for_customer"},
        ],
    }
    return document | changes


def the_fx(**rates: str) -> FxTable:
    pairs = [
        {"base": "USD", "quote": name, "rate": rate}
        for name, rate in (rates or {"EUR": "0.92", "JPY": "150.25", "BHD": "0.376"}).items()
    ]
    return read_fx(
        {
            "id": "fx",
            "version": 1,
            "status": "published",
            "effective": {"first": "2026-01-01"},
            "source": "made up",
            "pairs": pairs,
        }
    )


def a_book(**changes: Any) -> PriceBook:
    return read_book(the_document(**changes))


def a_rule(name: str, group: str, effect: dict[str, Any], **more: Any) -> dict[str, Any]:
    condition = more.pop("when", {})
    return {
        "id": name,
        "version": 1,
        "name": f"Rule {name}",
        "group": group,
        "when": condition,
        "effect": effect,
    } | more


def percent_off(percent: str) -> dict[str, Any]:
    return {"kind": "percent_off", "percent": percent}


def breaks(*steps: tuple[str | None, str], counted: str = "line") -> dict[str, Any]:
    return {
        "kind": "quantity_breaks",
        "mode": "range",
        "counted": counted,
        "breaks": [{"up_to": up_to, "percent": percent} for up_to, percent in steps],
    }


def an_item(*parts: tuple[str, str], item_id: str = "i1", quantity: str = "1") -> dict[str, Any]:
    return {
        "item_id": item_id,
        "product": "macro-site",
        "quantity": quantity,
        "bill_of_materials": [
            {"sku": sku, "name": f"Part {sku}", "quantity": each, "option": "base"}
            for sku, each in parts
        ],
    }


def an_ask(*items: dict[str, Any], **changes: Any) -> PriceAsk:
    tree: dict[str, Any] = {
        "items": list(items),
        "account_id": "acct-1",
        "customer_tier": "standard",
        "region": "EMEA",
        "currency": "USD",
        "discounts": [],
        "day": "2026-03-01",
    }
    return PriceAsk.model_validate(tree | changes)


def a_discount(percent: str, item_id: str | None = None) -> dict[str, Any]:
    return {"percent": percent, "rationale": "a large network", "item_id": item_id}


def pricing(ask: PriceAsk, book: PriceBook | None = None, fx: FxTable | None = None) -> Priced:
    found = price(ask, compile_book(book or a_book()), fx or the_fx())
    assert isinstance(found, Priced), found
    return found


def problems(
    ask: PriceAsk, book: PriceBook | None = None, fx: FxTable | None = None
) -> tuple[LineProblem, ...]:
    found = price(ask, compile_book(book or a_book()), fx or the_fx())
    assert isinstance(found, Unpriced), found
    return found.problems


def nets(found: Priced) -> list[str]:
    return [str(line.net_total) for line in found.lines]
