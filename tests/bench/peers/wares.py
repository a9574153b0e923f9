"""One assortment, said twice: as a price book of ours, and as a price list of Tryton.

100 parts in five categories. A category has quantity breaks, some parts have breaks of their own
in their place, and the customer's tier gets a further percentage by category. Tryton takes the
first line of its list that fits, and rounds the unit price to four decimals and the amount of a
line to the cent, both to even; the book has the same roundings.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from services.pricer.domain.asks.ask import PriceAsk

CURRENCY = "EUR"
DAY = date(2026, 11, 28)
PARTS = [(f"P-{place}", f"C-{place % 5}", Decimal(100 + 37 * place) / 100) for place in range(100)]
# From how many units on, which percentage is off.
Breaks = Mapping[int, Decimal]
BY_CATEGORY: Mapping[str, Breaks] = {
    f"C-{place}": {10: Decimal(2 + place), 50: Decimal(5 + place), 100: Decimal("8.5") + place}
    for place in range(5)
}
BY_PART: Mapping[str, Breaks] = {
    f"P-{place}": {5: Decimal(4), 25: Decimal("7.25"), 100: Decimal(12)}
    for place in range(0, 96, 12)
}
OF_TIER: Mapping[str, Decimal] = {
    "C-0": Decimal(3), "C-1": Decimal("4.5"), "C-2": Decimal(5), "C-3": Decimal(6),
    "C-4": Decimal(10),
}  # fmt: skip
PARTS_OF_ITEM = 10

Lines = Sequence[tuple[str, int]]


def lines_of(size: int, seed: int) -> list[tuple[str, int]]:
    """Return a basket: so many lines, whose quantities fall below, on and above the breaks."""
    return [(PARTS[place % len(PARTS)][0], (place * 7 + seed * 13) % 120 + 1)
            for place in range(size)]  # fmt: skip


# ---- ours


def ask_of(lines: Lines) -> PriceAsk:
    """Return the ask for a basket: ten parts to an item, one of each item."""
    items = [
        {"item_id": f"item-{start}", "product": "bench", "quantity": "1",
         "bill_of_materials": [
             {"sku": sku, "name": sku, "quantity": str(quantity)}
             for sku, quantity in lines[start : start + PARTS_OF_ITEM]
         ]}
        for start in range(0, len(lines), PARTS_OF_ITEM)
    ]  # fmt: skip
    return PriceAsk.model_validate(
        {"items": items, "account_id": "bench", "customer_tier": "gold", "region": "EMEA",
         "currency": CURRENCY, "day": DAY}
    )  # fmt: skip


def book() -> dict[str, Any]:
    """Return the price book, as it is written."""
    point = {"scale": 4, "mode": "half_even"}
    return {
        "id": "peers",
        "version": 1,
        "name": "Peers",
        "status": "published",
        "effective": {"first": "2000-01-01"},
        "currency": CURRENCY,
        "currencies": [CURRENCY],
        "tiers": ["gold"],
        "regions": ["EMEA"],
        "rounding": {"list": point, "unit": point, "line": "half_even"},
        "categories": [{"id": each, "name": each, "discountable": True} for each in BY_CATEGORY],
        "entries": [
            {"sku": sku, "category": category, "charge": "one_time", "unit": "piece",
             "price": {"model": "per_unit", "amount": str(amount)}, "cost": str(amount / 2)}
            for sku, category, amount in PARTS
        ],
        "groups": [{"id": "quantity", "stage": "volume", "select": "most_specific"},
                   {"id": "tier", "stage": "segment", "select": "most_specific"}],
        "rules": [*_break_rules("categories", BY_CATEGORY), *_break_rules("skus", BY_PART),
                  *_tier_rules()],
    }  # fmt: skip


def no_rates() -> dict[str, Any]:
    """Return a table of no exchange rates."""
    return {"id": "fx", "version": 1, "status": "published", "effective": {"first": "2000-01-01"},
            "source": "bench", "pairs": []}  # fmt: skip


def _break_rules(named: str, breaks: Mapping[str, Breaks]) -> Iterator[dict[str, Any]]:
    for name, each in breaks.items():
        bounds = [*[first - 1 for first in each], None]
        steps = [{"up_to": up_to, "percent": str(percent)}
                 for up_to, percent in zip(bounds, [Decimal(0), *each.values()], strict=True)]  # fmt: skip
        yield {
            "id": f"quantity-{name}", "version": 1, "name": f"Quantity break {name}",
            "group": "quantity", "when": {named: [name]},
            "effect": {"kind": "quantity_breaks", "mode": "range", "counted": "line",
                       "breaks": steps},
        }  # fmt: skip


def _tier_rules() -> Iterator[dict[str, Any]]:
    for category, percent in OF_TIER.items():
        yield {
            "id": f"tier-{category}", "version": 1, "name": f"Customer tier gold {category}",
            "group": "tier", "when": {"categories": [category], "tiers": ["gold"]},
            "effect": {"kind": "percent_off", "percent": str(percent)},
        }  # fmt: skip


# ---- Tryton's


def tryton_wares() -> dict[str, Any]:
    """Return what the worker makes a shop of."""
    return {
        "currency": CURRENCY,
        "parts": [{"sku": sku, "category": category, "list_price": str(amount)}
                  for sku, category, amount in PARTS],
        "price_list": price_list(),
    }  # fmt: skip


def price_list() -> list[dict[str, Any]]:
    """Return the lines of the price list: parts before categories, large quantities first."""
    category_of = {sku: category for sku, category, _ in PARTS}
    lines = [
        _line(at_least, percent, category_of[sku], sku=sku)
        for sku, breaks in BY_PART.items()
        for at_least, percent in _downwards(breaks)
    ]
    return lines + [
        _line(at_least, percent, category, category=category)
        for category, breaks in BY_CATEGORY.items()
        for at_least, percent in _downwards(breaks)
    ]


def _downwards(breaks: Breaks) -> list[tuple[int | None, Decimal]]:
    return [*sorted(breaks.items(), reverse=True), (None, Decimal(0))]


def _line(at_least: int | None, percent: Decimal, tier_of: str, **scope: str) -> dict[str, Any]:
    stays = [f"{1 - each / 100}" for each in (percent, OF_TIER[tier_of]) if each]
    formula = " * ".join(["unit_price", *stays])
    return {"sku": None, "category": None, "at_least": at_least, "formula": formula} | scope
