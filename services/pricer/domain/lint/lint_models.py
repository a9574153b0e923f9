"""Lint of price models: bounds without gaps and overlaps, sane amounts, and price cliffs."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, Decimal
from itertools import pairwise

from contracts.values import EXACT, Percent
from services.pricer.domain.asks.rounding import ROUNDS, quantized
from services.pricer.domain.asks.sizes import AMOUNT_MAX
from services.pricer.domain.asks.trace import say_number
from services.pricer.domain.books.price_models import (
    Block,
    CostPlus,
    Derived,
    Package,
    PackageTiers,
    PercentOfTotal,
    PerUnit,
    PriceModel,
    Tiered,
)
from services.pricer.domain.lint.lint_known import Found

AMOUNT_DECIMALS = 6
PERCENT_DECIMALS = 10
MARKUP_MAX = 10_000
ONE = Decimal(1)


def amount_faults(place: str, amount: Decimal) -> Iterable[Found]:
    """Find an amount that is no price: zero, negative, absurd, or finer than Money holds."""
    if amount <= 0:
        yield place, f"is {say_plain(amount)}; give an amount above zero"
    elif amount >= AMOUNT_MAX or decimals(amount) > AMOUNT_DECIMALS:
        text = f"give an amount below {AMOUNT_MAX:f} with at most {AMOUNT_DECIMALS} decimals"
        yield place, text


def fee_faults(place: str, what: str, amount: Decimal | None) -> Iterable[Found]:
    """Find a fee or a bound that is negative or absurd; zero is none."""
    if amount is not None and (
        amount < 0 or amount >= AMOUNT_MAX or decimals(amount) > AMOUNT_DECIMALS
    ):
        text = f"{what} lies from 0 to below {AMOUNT_MAX:f} with at most {AMOUNT_DECIMALS} decimals"
        yield place, f"{text}; change it"


def say_plain(amount: Decimal) -> str:
    """Write a number as it is, unless it would be endless."""
    return f"{amount:f}" if -40 < amount.adjusted() < 40 else "absurd"


def decimals(number: Decimal) -> int:
    """Return how many decimal places a finite number is written with."""
    exponent = number.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def bounds(
    place: str, what: str, up_to: Sequence[Decimal | None], *, may_end: bool = False
) -> Iterable[Found]:
    """Find gaps and overlaps: bounds rise strictly from above zero, and only the last is open."""
    closed = [each for each in up_to[:-1] if each is not None]
    if len(closed) < len(up_to) - 1:
        yield place, f"{what} after an open one are never reached; give each an up_to"
    if up_to[-1] is not None:
        if not may_end:
            text = f"{what} end at {up_to[-1]}, nothing covers more; make the last up_to null"
            yield place, text
        closed.append(up_to[-1])
    if closed and closed[0] <= 0:
        yield place, f"the first up_to is {closed[0]}; begin above zero"
    for lower, upper in pairwise(closed):
        if upper <= lower:
            yield place, f"{what} overlap: up_to {upper} follows {lower}; let them rise"


def lint_price(place: str, price: PriceModel) -> Iterable[Found]:
    """Find what is wrong with a price model by itself."""
    match price:
        case PerUnit(amount=amount):
            yield from amount_faults(place, amount)
        case Tiered():
            yield from _tiered(place, price)
        case Block():
            yield from bounds(place, "blocks", [each.up_to for each in price.blocks], may_end=True)
            for block in price.blocks:
                yield from fee_faults(place, "the amount of a block", block.amount)
                if block.overage_unit is not None:
                    yield from amount_faults(place, block.overage_unit)
                elif block.overage_above is not None:
                    yield place, "gives overage_above without overage_unit; add it, or drop both"
        case Package():
            yield from _package(place, price.size, price.amount)
            yield from fee_faults(place, "free_units", price.free_units)
        case PackageTiers():
            yield from bounds(place, "tiers", [each.up_to for each in price.tiers])
            for tier in price.tiers:
                yield from _package(place, tier.size, tier.amount)
        case CostPlus():
            yield from _cost_plus(place, price)
        case PercentOfTotal():
            yield from _percent_of_total(place, price)
        case Derived(percent_off=percent) if percent is not None:
            yield from _percent_off(place, percent)


def _tiered(place: str, price: Tiered) -> Iterable[Found]:
    yield from bounds(place, "tiers", [tier.up_to for tier in price.tiers])
    for tier in price.tiers:
        if price.has_flat_fees and not tier.unit:
            yield from fee_faults(place, "flat", tier.flat)
        else:
            yield from amount_faults(place, tier.unit)
            yield from fee_faults(place, "flat", tier.flat)
    if price.has_flat_fees:
        return
    for lower, upper in pairwise(price.tiers):
        if upper.unit > lower.unit:
            text = f"the tier above {lower.up_to} costs more than the one below; lower its unit"
            yield place, text


def _package(place: str, size: Decimal, amount: Decimal) -> Iterable[Found]:
    if size <= 0 or decimals(size) > AMOUNT_DECIMALS or size >= AMOUNT_MAX:
        yield place, f"a package of {say_plain(size)} is none; give a size above zero"
    yield from amount_faults(place, amount)


def _cost_plus(place: str, price: CostPlus) -> Iterable[Found]:
    given = [each for each in (price.markup_on_cost, price.margin_on_price) if each is not None]
    if len(given) != 1:
        yield place, "give exactly one of markup_on_cost and margin_on_price"
    if any(each.root < 0 or decimals(each.root) > PERCENT_DECIMALS for each in given):
        yield place, "the percentage is negative or too fine; give 0 or more"
    if price.markup_on_cost is not None and price.markup_on_cost > Percent(MARKUP_MAX):
        yield place, f"the markup is absurd; give 0 to {MARKUP_MAX} percent"
    if price.margin_on_price is not None and price.margin_on_price >= Percent(100):
        yield place, "a margin on the price stays below 100; did you mean markup_on_cost?"
    if price.floor is not None:
        yield from amount_faults(place, price.floor)


def _percent_of_total(place: str, price: PercentOfTotal) -> Iterable[Found]:
    percent = price.percent.root
    if not 0 < percent <= 1000 or decimals(percent) > PERCENT_DECIMALS:
        yield place, f"{price.percent} is out of range; give more than 0, up to 1000"
    yield from fee_faults(place, "minimum", price.minimum)
    yield from fee_faults(place, "maximum", price.maximum)
    if price.minimum is not None and price.maximum is not None and price.minimum > price.maximum:
        yield place, "its minimum is above its maximum; swap them"


def _percent_off(place: str, percent: Percent) -> Iterable[Found]:
    if not -1000 <= percent.root < 100 or decimals(percent.root) > PERCENT_DECIMALS:
        yield place, f"{percent} is out of range; give -1000 to below 100"


# ---- cliffs: one more unit makes the whole cheaper


def cliffs(place: str, price: PriceModel) -> Iterable[Found]:
    """Find where buying one unit more costs less altogether, so that nobody buys the one fewer."""
    if isinstance(price, Tiered) and price.mode == "volume":
        for lower, upper in pairwise(price.tiers):
            if lower.up_to is None:
                return
            more = EXACT.add(lower.up_to, ONE)
            before = EXACT.add(EXACT.multiply(lower.up_to, lower.unit), lower.flat or Decimal(0))
            after = EXACT.add(EXACT.multiply(more, upper.unit), upper.flat or Decimal(0))
            if after < before:
                least = EXACT.subtract(before, upper.flat or Decimal(0))
                unit = quantized(ROUNDS.divide(least, more), AMOUNT_DECIMALS, ROUND_CEILING)
                text = f"{_units(more)} cost {_said(after)}, less than {_units(lower.up_to)} for"
                text += f" {_said(before)}; make the mode graduated, or the unit of that tier at"
                yield place, f"{text} least {say_number(unit)}"
    if isinstance(price, Block):
        for low, high in pairwise(price.blocks):
            if high.amount < low.amount:
                text = f"the block above {low.up_to} costs {_said(high.amount)}, less than"
                yield place, f"{text} {_said(low.amount)} for fewer units; raise it"


def break_cliffs(
    place: str, breaks: Sequence[tuple[Decimal | None, Percent | None]]
) -> Iterable[Found]:
    """Find the same in a discount schedule by ranges, whatever the list price is."""
    for (lower, less), (_, more) in pairwise(breaks):
        if lower is None or less is None or more is None or less.root > 100 or more.root > 100:
            continue
        before = EXACT.multiply(lower, EXACT.subtract(ONE, less.fraction))
        units = EXACT.add(lower, ONE)
        after = EXACT.multiply(units, EXACT.subtract(ONE, more.fraction))
        if after < before:
            text = f"{_units(units)} at {more} off cost less than {_units(lower)} at {less} off;"
            yield place, f"{text} put a break between, or use the mode slab"


def _units(number: Decimal) -> str:
    return f"{say_number(number)} unit{'' if number == 1 else 's'}"


def _said(amount: Decimal) -> str:
    return say_number(amount)
