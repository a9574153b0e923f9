"""The pricer's engine with its full trace: baskets of 10, 100 and 1000 lines, and a book that grows.

The small book has 1,000 parts and 50 rules, the large one 1,000,000 and 50,000; the same basket is
priced from both in turn. Times are those of the whole answer, trace as canonical JSON included.
"""

import resource
from collections.abc import Callable
from datetime import date
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from contracts.values import Quantity
from infra.collecting import SetAside
from services.pricer import books
from services.pricer.domain.asks.ask import PriceAsk, Priced
from services.pricer.domain.books.book import read_book, read_fx
from services.pricer.domain.books.compiled import CompiledBook, compile_book
from services.pricer.domain.prices.pricing import price
from tests.bench.options import timed
from tests.bench.report import Row, median

CATALOG = Path(__file__).resolve().parents[2] / "catalogs" / "telecom"
DAY = date(2026, 11, 28)
LIMITS = {10: (1, 0.2), 100: (8, 1.5), 1000: (100, 20)}
# A small basket is priced so often in a row, as a service prices them; a median needs many.
SMALLER = {10: 20, 100: 4, 1000: 1}
SMALL, LARGE = (1_000, 50), (1_000_000, 50_000)


def measured(rounds: int) -> list[Row]:
    """Measure in process; nothing is written."""
    shelf = books.load(CATALOG)
    book, fx = shelf.book(None, DAY), shelf.fx(None, DAY)
    skus = [each.sku for each in book.book.entries]
    times: dict[int, list[float]] = {size: [] for size in LIMITS}
    set_aside = SetAside()  # as every process of the house does
    set_aside.begin()
    quantities = cycle(range(1, 1000))  # nothing is priced twice
    for _ in range(max(rounds, 1) * 5):
        for size, found in times.items():
            for _ in range(SMALLER[size]):
                ask = basket(skus, size, quantity=next(quantities))
                found.append(_took(partial(price, ask, book, fx)))
    set_aside.end()
    rows = [
        Row(f"price with full trace, {size} lines, p50", median(times[size]), "ms", "lower",
            "value", "", None, *limits)
        for size, limits in LIMITS.items()
    ]  # fmt: skip
    rate = 1000 / (median(times[1000]) / 1000)
    rows.append(
        Row("traced lines in a second, one core", rate, "1/s", "higher", "value", "", None,
            15_000, 50_000)
    )  # fmt: skip
    return [*rows, *_growth(max(rounds, 1) * 20)]


def _growth(times: int) -> list[Row]:
    fx = read_fx(
        {
            "id": "fx", "version": 1, "status": "published", "effective": {"first": "2000-01-01"},
            "source": "bench", "pairs": [],
        }
    )  # fmt: skip
    small, _ = timed(partial(_book, *SMALL))
    before = _rss()
    large, load_ms = timed(partial(_book, *LARGE))
    ask = basket([f"P-{place}" for place in range(10)], 10)
    found: dict[str, list[float]] = {"small": [], "large": []}
    set_aside = SetAside()
    set_aside.begin()
    for _ in range(times):
        found["small"].append(_took(partial(price, ask, small, fx)))
        found["large"].append(_took(partial(price, ask, large, fx)))
    set_aside.end()
    reference = "ms, book of 1,000 parts and 50 rules"
    return [
        Row("10 lines, book of 1,000,000 parts and 50,000 rules, p50", median(found["large"]), "ms",
            "lower", "ratio", reference, median(found["small"]), 1.5, 1.2),
        Row("loading that book", load_ms / 1000, "s", "lower", "value", "", None, None, None),
        Row("memory of that book", _rss() - before, "MiB", "lower", "value", "", None, None, None),
    ]  # fmt: skip


def _took(priced: Callable[[], object]) -> float:
    found, took = timed(priced)
    assert isinstance(found, Priced)
    return took


def _rss() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def basket(skus: list[str], size: int, *, quantity: int = 3, day: date = DAY) -> PriceAsk:
    """Return a basket: ten parts to an item, gold tier, a discount on the quote."""
    parts = [
        {
            "sku": skus[place % len(skus)],
            "name": "Part",
            "quantity": Quantity(quantity),
            "option": "bench",
        }
        for place in range(size)
    ]
    items = [
        {"item_id": f"item-{start}", "product": "bench", "quantity": "2",
         "bill_of_materials": parts[start : start + 10]}
        for start in range(0, size, 10)
    ]  # fmt: skip
    return PriceAsk.model_validate(
        {
            "items": items,
            "account_id": "bench",
            "customer_tier": "gold",
            "region": "EMEA",
            "currency": "EUR",
            "discounts": [{"percent": "5", "rationale": "bench"}],
            "day": day,
        }
    )


def _book(parts: int, rules: int) -> CompiledBook:
    """Make a book whose rules each cover one part, for one tier, by quantity."""
    return compile_book(read_book(_document(parts, rules)))


def _document(parts: int, rules: int) -> dict[str, Any]:
    point = {"scale": "minor", "mode": "half_up"}
    return {
        "id": "bench",
        "version": 1,
        "name": "Bench",
        "status": "published",
        "effective": {"first": "2000-01-01"},
        "currency": "EUR",
        "currencies": ["EUR"],
        "tiers": ["gold"],
        "regions": ["EMEA"],
        "rounding": {"list": point, "unit": point, "line": "half_up"},
        "categories": [{"id": "all", "name": "All", "discountable": True}],
        "entries": [
            {"sku": f"P-{place}", "category": "all", "charge": "one_time", "unit": "piece",
             "price": {"model": "per_unit", "amount": f"{100 + place % 900}.00"}, "cost": "50.00"}
            for place in range(parts)
        ],
        "groups": [{"id": "quantity", "stage": "volume", "select": "most_specific"}],
        "rules": [
            {"id": f"R-{place}", "version": 1, "name": f"Rule {place}", "group": "quantity",
             "when": {"skus": [f"P-{place}"], "tiers": ["gold"]},
             "effect": {"kind": "percent_off", "percent": "3"}}
            for place in range(rules)
        ],
    }  # fmt: skip
