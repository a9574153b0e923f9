"""What a price of a book is, in the words of a price list; and where amounts are rounded."""

from collections.abc import Iterable
from decimal import Decimal

from contracts.values import Percent
from services.pricer.domain.asks.trace import say, say_number
from services.pricer.domain.books.book import RoundingPolicy
from services.pricer.domain.books.price_models import (
    Block,
    BlockStep,
    CostPlus,
    Derived,
    Mode,
    Package,
    PackageTier,
    PackageTiers,
    PercentOfTotal,
    PerUnit,
    PriceModel,
    PricePoint,
    Tier,
    Tiered,
)
from services.pricer.domain.books.rules import RoundingPoint

# A sentence names so many steps of a ladder, and says how many more there are.
STEPS_TOLD = 6
MODES: dict[Mode, str] = {
    "half_up": "half up",
    "half_even": "half to even",
    "up": "up",
    "down": "down",
}
BASES = {"list": "list price", "regular": "regular price", "net": "net price"}
WHOLE = {"up": "count whole", "down": "are free", "half_up": "count whole from a half on"}


def price_words(price: PriceModel, currency: str, unit: str = "unit") -> str:
    """Say what a quantity costs by a price model."""
    match price:
        case PerUnit():
            return f"{say(price.amount, currency)} per {unit}"
        case Tiered():
            how = "all units at the tier reached"
            if price.mode == "graduated":
                how = "each unit at its own tier"
            return f"{ladder_words(map(_tier, price.tiers))} {currency} per {unit}, {how}"
        case Block():
            return f"{ladder_words(map(_block, price.blocks))} {currency} for the line"
        case Package():
            free = f", the first {say_number(price.free_units)} free" if price.free_units else ""
            return (
                f"{say(price.amount, currency)} per package of {say_number(price.size)} {unit}, "
                f"started packages {WHOLE[price.rounding]}{free}"
            )
        case PackageTiers():
            how = "in each tier" if price.mode == "graduated" else "all at the tier reached"
            return f"{ladder_words(map(_package, price.tiers))}, {currency} per package, {how}"
    return _relative(price, currency)


def _relative(price: CostPlus | PercentOfTotal | Derived, currency: str) -> str:
    """Say a price that follows another amount."""
    match price:
        case CostPlus(markup_on_cost=markup, margin_on_price=margin):
            said = "cost"
            if markup is not None:
                said = f"cost and {say_number(markup.root)} % on it"
            elif margin is not None:
                said = f"cost and a margin of {say_number(margin.root)} % of the price"
            return said + limit_words(price.floor, None, currency)
        case PercentOfTotal():
            what = ", ".join((*price.skus, *price.categories)) or "all other lines"
            basis = BASES.get(price.basis, "final price")
            said = f"{say_number(price.percent.root)} % of the {basis} of {what}"
            where = f" in the {price.within}"
            return said + where + limit_words(price.minimum, price.maximum, currency)
    return f"as in the parent book{derived_words(price.percent_off, price.round)}"


def derived_words(percent: Percent | None, point: PricePoint | None) -> str:
    """Say what becomes of a price of the parent book, as the end of a sentence."""
    less = f", {percent_words(percent.root)}" if percent is not None else ""
    to = f", {point_words(point.multiple, point.mode, point.add)}" if point is not None else ""
    return less + to


def _tier(tier: Tier) -> tuple[Decimal | None, str]:
    flat = f" and {say_number(tier.flat)} once" if tier.flat else ""
    return tier.up_to, f"{plain(tier.unit)}{flat}"


def _block(step: BlockStep) -> tuple[Decimal | None, str]:
    if step.overage_unit is None:
        return step.up_to, plain(step.amount)
    above = "" if step.overage_above is None else f" above {say_number(step.overage_above)}"
    return step.up_to, f"{plain(step.amount)} and {plain(step.overage_unit)} a unit{above}"


def _package(tier: PackageTier) -> tuple[Decimal | None, str]:
    return tier.up_to, f"{plain(tier.amount)} for {say_number(tier.size)}"


def ladder_words(steps: Iterable[tuple[Decimal | None, str]]) -> str:
    """Say a price for each range of quantities; of a long ladder the first steps."""
    whole = list(steps)
    told = [
        f"above: {it}"
        if bound is None and len(whole) > 1
        else f"to {say_number(bound)}: {it}"
        if bound is not None
        else it
        for bound, it in whole[:STEPS_TOLD]
    ]
    more = len(whole) - STEPS_TOLD
    return "; ".join(told) + (f"; and {more} more steps" if more > 0 else "")


def percent_words(percent: Decimal) -> str:
    """Say a percentage off, or a surcharge.

    >>> percent_words(Decimal("5.0")), percent_words(Decimal("-2"))
    ('5 % off', '2 % surcharge')
    """
    if percent < 0:
        return f"{say_number(-percent)} % surcharge"
    return f"{say_number(percent)} % off" if percent else "nothing off"


# ---- rounding


def rounding_words(policy: RoundingPolicy) -> list[tuple[str, str]]:
    """Say each named rounding point, in the order they come."""
    line = policy.line
    told = [
        ("List price", rounded_words(policy.list)),
        ("Unit price", rounded_words(policy.unit)),
        ("Line", MODES[line] if isinstance(line, str) else rounded_words(line)),
        ("Unit prices are", f"of the {policy.per.replace('_', ' ')}"),
    ]
    cash = [(f"Paid in {it.currency}", point_words(it.multiple, it.mode)) for it in policy.cash]
    return told + cash


def rounded_words(point: RoundingPoint) -> str:
    """Say where and how an amount is rounded."""
    if point.multiple is not None:
        return point_words(point.multiple, point.mode)
    if point.scale == "exact":
        return "not rounded"
    scale = {"minor": "minor units", 1: "1 decimal"}.get(point.scale, f"{point.scale} decimals")
    return f"{scale}, {MODES[point.mode]}"


def point_words(multiple: Decimal, mode: Mode, add: Decimal | None = None) -> str:
    """Say a price point: a multiple, and what is added to it."""
    less = ""
    if add:
        less = f", {'less' if add < 0 else 'and'} {plain(abs(add))}"
    return f"to a multiple of {plain(multiple)}, {MODES[mode]}{less}"


def limit_words(least: Decimal | None, most: Decimal | None, currency: str) -> str:
    """Say the least and the most of an amount, as the end of a sentence."""
    told = [
        f", {say(amount, currency)} at {word}"
        for word, amount in (("least", least), ("most", most))
        if amount is not None
    ]
    return "".join(told)


def plain(amount: Decimal) -> str:
    """Write an amount as the book does, without its currency."""
    return f"{amount:f}"
