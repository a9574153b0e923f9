"""Past asks on the telecom catalogue: many quotes as a year of them would look, drawn from a seed."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from services.pricer import books
from services.pricer.domain.asks.ask import PriceAsk, Priced
from services.pricer.domain.prices.pricing import price
from services.pricer.domain.what_ifs.trial import Figures, Past, Versions, figures_of_answer
from tests.unit.pricer.basket import a_discount

CATALOG = Path(__file__).parents[3] / "catalogs" / "telecom"
FIRST_DAY = date(2026, 1, 5)
BOOK, FX = ("telecom-list", 1), ("fx-eur", 1)
TIERS = ("standard", "silver", "gold")
REGIONS = ("EMEA", "NAM", "LATAM", "APAC")
CURRENCIES = ("EUR", "EUR", "EUR", "USD", "GBP", "JPY")


@cache
def shelf() -> books.Shelf:
    return books.load(CATALOG)


def an_item(chance: random.Random, skus: list[str], number: int, lines: int) -> dict[str, Any]:
    return {
        "item_id": f"i{number}",
        "product": chance.choice(("base_station", "radio_site", "microwave_link")),
        "quantity": str(chance.choice((1, 2, 3, 5, 8, 12, 20, 40))),
        "bill_of_materials": [
            {
                "sku": sku,
                "name": sku,
                "quantity": str(chance.choice((1, 1, 2, 3, 6))),
                "option": "x",
            }
            for sku in chance.sample(skus, lines)
        ],
    }


def an_ask(chance: random.Random, skus: list[str], lines: int = 10) -> PriceAsk:
    """One to three items; a third of the asks have discounts on items, a sixth one on the quote."""
    count = chance.choice((1, 1, 2, 3))
    items = [an_item(chance, skus, n, max(1, lines // count)) for n in range(count)]
    discounts = []
    if chance.random() < 0.35:
        discounts.append(a_discount(chance.choice(("2", "5", "7.5", "12")), "i0"))
    if chance.random() < 0.15:
        discounts.append(a_discount(chance.choice(("1", "3", "6"))))
    tree = {
        "items": items,
        "account_id": f"acct-{chance.randrange(400)}",
        "customer_tier": chance.choice(TIERS),
        "region": chance.choice(REGIONS),
        "currency": chance.choice(CURRENCIES),
        "discounts": discounts,
        "day": (FIRST_DAY + timedelta(days=chance.randrange(300))).isoformat(),
    }
    return PriceAsk.model_validate(tree)


def content(ask: PriceAsk) -> bytes:
    return ask.model_dump_json(exclude_defaults=True).encode()


def past(quote: str, ask: PriceAsk, known: Figures | None = None) -> Past:
    """The ask as it was answered with the first book; `known` is what it came to."""
    found = shelf()
    fx = next(iter(found.tables))
    return Past(
        quote=quote,
        revision=1,
        selling_unit=None,
        day=ask.day.isoformat(),
        account_id=ask.account_id,
        tier=ask.customer_tier,
        region=ask.region,
        currency=ask.currency,
        products=tuple(sorted({each.product for each in ask.items})),
        skus=tuple(sorted({p.sku for each in ask.items for p in each.bill_of_materials})),
        content=content(ask),
        book=BOOK,
        fx=fx,
        answered=known or answered(ask),
    )


def answered(ask: PriceAsk) -> Figures:
    found = price(ask, shelf().compiled[BOOK], next(iter(shelf().tables.values())))
    assert isinstance(found, Priced), found
    return figures_of_answer(ask, found)


def history(count: int, seed: int = 1, lines: int = 10) -> Iterator[Past]:
    """So many past asks; each has about so many lines."""
    chance = random.Random(seed)
    skus = sorted(shelf().compiled[BOOK].offers)
    for number in range(count):
        yield past(f"Q-{number + 1001}", an_ask(chance, skus, lines))


def versions(candidate: Any = None, **more: Any) -> Versions:
    found = shelf()
    tables = {key: found.tables[key] for key in found.tables}
    compiled = {key: found.compiled[key] for key in found.compiled}
    return Versions(compiled, tables, candidate or compiled[BOOK], **more)
