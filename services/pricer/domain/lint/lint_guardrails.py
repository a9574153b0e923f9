"""Lint of guardrails: what they name, what they can look at, and floors above list prices."""

from collections.abc import Iterable
from decimal import Decimal

from contracts.values import EXACT, Percent
from services.pricer.domain.books.book import Entry, Guardrail
from services.pricer.domain.books.price_models import CostPlus, PerUnit, Tiered
from services.pricer.domain.books.rules import Condition
from services.pricer.domain.lint.lint_known import Found, Known
from services.pricer.domain.lint.lint_models import AMOUNT_DECIMALS, amount_faults
from services.pricer.domain.lint.lint_rules import Names, names_of, never, references
from services.pricer.domain.waterfall.charging import price_for_margin

# What a condition may ask of single lines: a floor of the whole quote has none.
OF_LINES = (
    "charges",
    "products",
    "attributes",
    "alongside_skus",
    "alongside_categories",
    "together",
    "quantity",
    "amount",
)


def lint_guardrails(known: Known) -> Iterable[Found]:
    """Find floors that are none, that name what is not there, or stand above a list price.

    Raises: Spent.
    """
    names = names_of(known)
    for rail in known.book.guardrails:
        place = f"guardrails.{rail.id}"
        yield from _named(place, rail, names)
        faults = list(_is_floor(place, rail))
        yield from faults
        if faults or rail.scope == "quote":
            continue
        for entry in known.covered(rail.skus, rail.categories):
            if entry.cost is not None and entry.currency in {None, known.book.currency}:
                yield from _above_floor(place, entry, _floor(rail, entry.cost))


def _named(place: str, rail: Guardrail, names: Names) -> Iterable[Found]:
    """Find parts, customers and days of a guardrail that the book does not know."""
    yield from references(place, Condition(skus=rail.skus, categories=rail.categories), names)
    when = rail.when
    if when is None:
        return
    yield from references(place, when, names)
    yield from never(place, when)
    if when.skus or when.categories:
        text = "names parts in its condition, where they narrow nothing"
        yield place, f"{text}; give them as skus and categories of the guardrail itself"
    if rail.scope == "quote" and (named := [each for each in OF_LINES if getattr(when, each)]):
        text = f"a floor of the whole quote can not hang on {', '.join(named)} of lines"
        yield place, f"{text}; drop that, or make it a floor of lines"


def _is_floor(place: str, rail: Guardrail) -> Iterable[Found]:
    """Find what makes a guardrail no floor."""
    margin = rail.margin_on_price
    if (margin is None) == (rail.price is None):
        yield place, "give exactly one of margin_on_price and price"
    elif margin is not None and not Percent(0) <= margin < Percent(100):
        yield place, "a margin on the price lies from 0 to below 100; change it"
    elif rail.scope == "quote" and (
        rail.price is not None or rail.action == "clamp" or rail.skus or rail.categories
    ):
        yield place, "a floor of the whole quote is a margin with the action approval, no scope"
    elif rail.price is not None:
        yield from amount_faults(place, rail.price)


def _floor(rail: Guardrail, cost: Decimal) -> Decimal:
    if rail.margin_on_price is not None:
        return price_for_margin(cost, rail.margin_on_price, AMOUNT_DECIMALS)
    return rail.price or Decimal(0)


def _above_floor(place: str, entry: Entry, floor: Decimal) -> Iterable[Found]:
    price = entry.price
    lowest: Decimal | None = None
    if isinstance(price, PerUnit):
        lowest = price.amount
    elif isinstance(price, Tiered) and not price.has_flat_fees:
        lowest = min(tier.unit for tier in price.tiers)
    elif isinstance(price, CostPlus) and entry.cost is not None:
        if price.markup_on_cost is not None:
            lowest = EXACT.add(entry.cost, price.markup_on_cost.of(entry.cost))
        elif price.margin_on_price is not None:
            lowest = price_for_margin(entry.cost, price.margin_on_price, AMOUNT_DECIMALS)
        if lowest is not None and price.floor is not None:
            lowest = max(lowest, price.floor)
    if lowest is not None and lowest < floor:
        text = f"{entry.sku} is listed at {lowest}, below this floor; raise its price"
        yield place, f"{text} or lower the floor"
