"""What must be right about an ask before any line is priced; each problem says what to do."""

from collections.abc import Iterable, Sequence

from contracts.pricing import LineProblem
from services.pricer.domain.asks import asked
from services.pricer.domain.asks.ask import PriceAsk, problem
from services.pricer.domain.asks.basket import BasketLine
from services.pricer.domain.books.book import FxTable
from services.pricer.domain.books.compiled import CompiledBook

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
        "discount_absurd",
        "discount_scale",
        "discount_unknown_item",
        "discount_twice",
        "discount_currency",
        "discount_unknown_part",
        "discount_exceeds",
        "discount_several_charges",
        "term_unknown_item",
        "term_missing",
        "term_periods",
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
        *asked.discounts(ask, lines, book.book.rounding),
        *asked.terms(ask),
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
