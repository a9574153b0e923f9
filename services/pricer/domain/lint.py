"""Lint of a price book before it is used: each finding names the place and says what to change."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from contracts.values import EXACT, Percent, Period
from services.pricer.domain.book import (
    CostPlus,
    Entry,
    FxTable,
    PerUnit,
    PriceBook,
    Tiered,
)
from services.pricer.domain.charging import price_for_margin
from services.pricer.domain.compiled import covers
from services.pricer.domain.lint_rules import (
    AMOUNT_DECIMALS,
    AMOUNT_MAX,
    Found,
    amount_faults,
    bounds,
    decimals,
    lint_rules,
)

RATE_DECIMALS = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to change: where, and what to do about it."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Part:
    """What the part master says about one part."""

    sku: str
    unit: str
    charge: str


def lint_book(
    book: PriceBook, parts: Mapping[str, Part], tables: Sequence[FxTable]
) -> list[Finding]:
    """Return everything that must change before the book may price; a sound book has nothing."""
    # First what stands alone; what follows computes with it.
    found = [
        *_once(book),
        *_period("effective", book.effective),
        *(each for entry in book.entries for each in _entry(entry, book)),
    ]
    if not found:
        found = [
            *_parts(book, parts),
            *_found(lint_rules(book)),
            *_guardrails(book),
            *_fx(book, tables),
        ]
    return sorted(set(found), key=str)


def lint_fx(table: FxTable) -> list[Finding]:
    """Return everything that must change before the FX table may be used."""
    found = _period("effective", table.effective)
    pairs = Counter((pair.base, pair.quote) for pair in table.pairs)
    for pair in table.pairs:
        place = f"pairs {pair.base}/{pair.quote}"
        if pairs[pair.base, pair.quote] > 1:
            found.append(Finding(place, "stands twice; keep one"))
        if pair.base == pair.quote:
            found.append(Finding(place, "names one currency twice; drop it"))
        if not 0 < pair.rate < AMOUNT_MAX or decimals(pair.rate) > RATE_DECIMALS:
            text = f"give a rate above zero with at most {RATE_DECIMALS} decimals"
            found.append(Finding(place, text))
    return found


def _once(book: PriceBook) -> list[Finding]:
    found = []
    for kind, ids in (
        ("entries", [each.sku for each in book.entries]),
        ("categories", [each.id for each in book.categories]),
        ("groups", [each.id for each in book.groups]),
        ("rules", [each.id for each in book.rules]),
        ("guardrails", [each.id for each in book.guardrails]),
    ):
        for name, count in Counter(ids).items():
            if count > 1:
                found.append(Finding(f"{kind}.{name}", f"stands {count} times; keep one"))
    return found


def _period(place: str, period: Period) -> list[Finding]:
    if period.last is not None and period.last < period.first:
        return [Finding(place, "ends before it begins; swap first and last")]
    return []


def _found(found: Iterable[Found]) -> Iterable[Finding]:
    return (Finding(*each) for each in found)


# ---- entries


def _entry(entry: Entry, book: PriceBook) -> Iterable[Finding]:
    place = f"entries.{entry.sku}"
    if entry.category not in {each.id for each in book.categories}:
        yield Finding(place, f"category {entry.category} is not declared; add it to categories")
    if entry.cost is None:
        yield Finding(place, "has no cost, which margins, cost-plus and guardrails need; add one")
    else:
        yield from _found(amount_faults(f"{place}.cost", entry.cost))
    match entry.price:
        case PerUnit(amount=amount):
            yield from _found(amount_faults(f"{place}.price", amount))
        case Tiered() as price:
            yield from _tiers(f"{place}.price", price)
        case CostPlus() as price:
            yield from _cost_plus(f"{place}.price", price)


def _tiers(place: str, price: Tiered) -> Iterable[Finding]:
    yield from _found(bounds(place, "tiers", [tier.up_to for tier in price.tiers]))
    for tier in price.tiers:
        yield from _found(amount_faults(place, tier.unit))
    for lower, upper in pairwise(price.tiers):
        if upper.unit > lower.unit:
            text = f"the tier above {lower.up_to} costs more than the one below; lower its unit"
            yield Finding(place, text)


def _cost_plus(place: str, price: CostPlus) -> Iterable[Finding]:
    given = [each for each in (price.markup_on_cost, price.margin_on_price) if each is not None]
    if len(given) != 1:
        yield Finding(place, "give exactly one of markup_on_cost and margin_on_price")
    if any(each.root < 0 or decimals(each.root) > RATE_DECIMALS for each in given):
        yield Finding(place, "the percentage is negative or too fine; give 0 or more")
    if price.margin_on_price is not None and price.margin_on_price >= Percent(100):
        yield Finding(place, "a margin on the price stays below 100; did you mean markup_on_cost?")


def _parts(book: PriceBook, parts: Mapping[str, Part]) -> Iterable[Finding]:
    known = {entry.sku: entry for entry in book.entries}
    for sku in sorted(set(parts) - set(known)):
        yield Finding(f"entries.{sku}", "the part master has this part; add an entry for it")
    for sku, entry in known.items():
        part = parts.get(sku)
        if part is None:
            yield Finding(f"entries.{sku}", "the part master has no such part; drop it or add it")
        elif (part.unit, part.charge) != (entry.unit, entry.charge):
            text = f"is sold per {entry.unit}, {entry.charge}; the part master says"
            yield Finding(f"entries.{sku}", f"{text} {part.unit}, {part.charge}: make them agree")


# ---- guardrails and FX


def _guardrails(book: PriceBook) -> Iterable[Finding]:
    for rail in book.guardrails:
        place = f"guardrails.{rail.id}"
        if (rail.margin_on_price is None) == (rail.price is None):
            yield Finding(place, "give exactly one of margin_on_price and price")
            continue
        margin = rail.margin_on_price
        if margin is not None and not Percent(0) <= margin < Percent(100):
            yield Finding(place, "a margin on the price lies from 0 to below 100; change it")
            continue
        if rail.price is not None:
            yield from _found(amount_faults(place, rail.price))
        if rail.scope == "quote":
            if rail.price is not None or rail.action == "clamp" or rail.skus or rail.categories:
                text = "a floor of the whole quote is a margin with the action approval, no scope"
                yield Finding(place, text)
            continue
        for entry in book.entries:
            if covers(rail.skus, rail.categories, entry) and entry.cost is not None:
                floor = rail.price
                if margin is not None:
                    floor = price_for_margin(entry.cost, margin, AMOUNT_DECIMALS)
                yield from _above_floor(place, entry, floor or Decimal(0))


def _above_floor(place: str, entry: Entry, floor: Decimal) -> Iterable[Finding]:
    price = entry.price
    lowest: Decimal | None = None
    if isinstance(price, PerUnit):
        lowest = price.amount
    elif isinstance(price, Tiered):
        lowest = min(tier.unit for tier in price.tiers)
    elif not isinstance(price, CostPlus) or entry.cost is None:
        return
    elif price.markup_on_cost is not None:
        lowest = EXACT.add(entry.cost, price.markup_on_cost.of(entry.cost))
    elif price.margin_on_price is not None:
        lowest = price_for_margin(entry.cost, price.margin_on_price, AMOUNT_DECIMALS)
    if lowest is not None and lowest < floor:
        text = f"{entry.sku} is listed at {lowest}, below this floor; raise its price"
        yield Finding(place, f"{text} or lower the floor")


def _fx(book: PriceBook, tables: Sequence[FxTable]) -> Iterable[Finding]:
    for currency in book.currencies:
        if currency == book.currency:
            continue
        for table in tables:
            if table.status == "published" and not table.rate(book.currency, currency):
                text = f"FX table {table.id} version {table.version} has no rate"
                text += f" {book.currency}/{currency}; add it or drop the currency"
                yield Finding(f"currencies.{currency}", text)
        if not tables:
            yield Finding(f"currencies.{currency}", "there is no FX table at all; publish one")
