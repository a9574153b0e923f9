"""What must be right about an ask before any line is priced; each problem says what to do."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from contracts.pricing import DiscountAsk, LineProblem
from services.pricer.domain.ask import PriceAsk, problem
from services.pricer.domain.basket import BasketLine
from services.pricer.domain.book import FxTable
from services.pricer.domain.compiled import CompiledBook

# The rest of the codes needs somebody who keeps the price book.
SELLERS_CODES = frozenset(
    f"pricer.{code}"
    for code in (
        "unknown_tier",
        "unknown_region",
        "unknown_segment",
        "unknown_channel",
        "unknown_currency",
        "unit_unknown",
        "below_floor",
        "no_basis",
        "discount_range",
        "discount_scale",
        "discount_unknown_item",
        "discount_twice",
        "not_discountable",
        "item_twice",
        "empty_item",
        "quantity",
        "retired_pin",
        "unknown_pin",
        "pin_mismatch",
        "pin_not_effective",
    )
)
DISCOUNT_DECIMALS = 4


def check(
    ask: PriceAsk, book: CompiledBook, fx: FxTable, lines: Sequence[BasketLine]
) -> list[LineProblem]:
    """Return every problem of the ask as a whole, in a fixed order."""
    return [
        *_known("tier", "customer_tier", ask.customer_tier, book.book.tiers),
        *_known("region", "region", ask.region, book.book.regions),
        *_known("segment", "segment", ask.segment, book.book.segments),
        *_known("channel", "channel", ask.channel, book.book.channels),
        *_currency(ask, book, fx),
        *_items(ask),
        *_discounts(ask, lines),
    ]


def sellers_alone(problems: Iterable[LineProblem]) -> bool:
    """Say whether a seller can mend all of it without the keeper of the price book."""
    return all(each.code in SELLERS_CODES for each in problems)


def _known(kind: str, field: str, value: str | None, known: Sequence[str]) -> list[LineProblem]:
    """Look a word up; one that is not said, or of which the book names none, is no problem."""
    if value is None or value in known or (kind in {"segment", "channel"} and not known):
        return []
    text = f"{field} {value!r} is not in the price book; use one of {', '.join(known)}"
    return [problem(f"unknown_{kind}", text, field)]


def _currency(ask: PriceAsk, book: CompiledBook, fx: FxTable) -> list[LineProblem]:
    known = book.book.currencies
    found = _known("currency", "currency", ask.currency, known)
    base = book.book.currency
    if found or ask.currency == base or fx.rate(base, ask.currency):
        return found
    text = f"FX table {fx.id} version {fx.version} has no rate from {base} to {ask.currency}"
    return [problem("no_rate", f"{text}; publish one that has", "currency")]


def _items(ask: PriceAsk) -> list[LineProblem]:
    seen: set[str] = set()
    found = []
    for item in ask.items:
        if item.item_id in seen:
            text = f"the item id {item.item_id} stands twice; give each item its own"
            found.append(problem("item_twice", text, f"items.{item.item_id}"))
        seen.add(item.item_id)
    return found


def _discounts(ask: PriceAsk, lines: Sequence[BasketLine]) -> list[LineProblem]:
    items = {each.item_id for each in ask.items}
    seen: set[str | None] = set()
    found = []
    for place, discount in enumerate(ask.discounts):
        field = f"discounts.{place}"
        wrong = _discount(discount, items, lines)
        if discount.item_id in seen:
            target = discount.item_id or "the quote"
            wrong = "discount_twice", f"{target} is discounted twice; ask for one percentage"
        seen.add(discount.item_id)
        if wrong:
            found.append(problem(wrong[0], wrong[1], field))
    return found


def _discount(
    discount: DiscountAsk, items: set[str], lines: Sequence[BasketLine]
) -> tuple[str, str] | None:
    percent = discount.percent.root
    exponent = percent.as_tuple().exponent
    if not Decimal(0) <= percent <= Decimal(100):
        return "discount_range", f"a discount of {percent} % is impossible; give 0 to 100"
    if isinstance(exponent, int) and -exponent > DISCOUNT_DECIMALS:
        return "discount_scale", f"give the discount with at most {DISCOUNT_DECIMALS} decimals"
    if discount.item_id is not None and discount.item_id not in items:
        text = f"there is no item {discount.item_id}; discount one of {', '.join(sorted(items))}"
        return "discount_unknown_item", text
    reached = [each for each in lines if discount.item_id in (None, each.item_id)]
    if percent and reached and not any(each.discountable for each in reached):
        target = f"item {discount.item_id}" if discount.item_id else "the quote"
        return "not_discountable", f"no part of {target} is sold with discounts; drop this one"
    return None
