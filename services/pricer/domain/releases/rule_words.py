"""What a rule does and when, what a guardrail holds: in the words of a price list."""

from decimal import Decimal

from contracts.charges import say_charge
from contracts.values import Period, Value
from services.pricer.domain.asks.trace import say, say_number
from services.pricer.domain.books.book import Entry, FxPair, Guardrail, Rule
from services.pricer.domain.books.rules import (
    AmountOff,
    AmountRange,
    Break,
    Condition,
    Effect,
    FreeGoods,
    LineLimits,
    MarginFloor,
    Markup,
    Moments,
    PercentOff,
    QuantityBreaks,
    QuantityRange,
    RoundingPoint,
    SetPrice,
    UnitPrice,
)
from services.pricer.domain.releases.price_words import (
    ladder_words,
    limit_words,
    percent_words,
    plain,
    point_words,
    price_words,
    rounded_words,
)

COUNTED = {"line": "", "item": ", counted over the item", "quote": ", counted over the quote"}
BELOW = {"clamp": "is lifted to it", "approval": "needs approval", "reject": "is refused"}


def brief(each: Value, currency: str) -> str:
    """Say what an entry costs, a rule does, a guardrail holds or a rate is.

    `currency` is the book's, for amounts without one of their own.
    """
    match each:
        case Entry():
            return price_words(each.price, each.currency or currency, each.unit)
        case Rule():
            return effect_words(each.effect, each.currency or currency)
        case Guardrail():
            return floor_words(each, currency)
        case FxPair():
            return f"1 {each.base} is {say_number(each.rate)} {each.quote}"
    return ""


# ---- effects


def effect_words(effect: Effect, currency: str) -> str:
    """Say what a rule does."""
    match effect:
        case PercentOff():
            return percent_words(effect.percent.root) + _rounded(effect.round)
        case AmountOff():
            way = "off" if effect.amount >= 0 else "more for"
            return f"{say(abs(effect.amount), currency)} {way} {_each(effect.per)}"
        case UnitPrice():
            return f"{say(effect.amount, currency)} per unit"
        case SetPrice():
            return price_words(effect.price, currency)
        case Markup():
            on = "the cost" if effect.on == "cost" else "the running price"
            return f"{say_number(effect.percent.root)} % on {on}"
        case MarginFloor():
            return f"a margin of {say_number(effect.margin_on_price.root)} % of the price at least"
        case LineLimits():
            said = limit_words(effect.minimum, effect.maximum, currency)
            return f"the line{said.replace(',', '', 1)}"
        case FreeGoods():
            return _gift(effect)
        case QuantityBreaks():
            slab = ", each unit at its own break" if effect.mode == "slab" else ""
            steps = ladder_words(_break(each, currency) for each in effect.breaks)
            return f"{steps}{COUNTED[effect.counted]}{slab}"
    return point_words(effect.multiple, effect.mode, effect.add)


def _break(step: Break, currency: str) -> tuple[Decimal | None, str]:
    if step.percent is not None:
        return step.up_to, percent_words(step.percent.root)
    amount = step.amount or Decimal()
    return step.up_to, f"{say(amount, currency)} off each unit" if amount else "nothing off"


def _gift(effect: FreeGoods) -> str:
    what = effect.sku or "the same part"
    most = "" if effect.at_most is None else f", {say_number(effect.at_most)} at most"
    often = "for every" if effect.repeat else "once, for"
    return (
        f"{often} {say_number(effect.per)} units {say_number(effect.quantity)} of {what} "
        f"for nothing{most}"
    )


def _each(per: str) -> str:
    return "each unit" if per == "unit" else "the line"


# ---- conditions


def condition_words(when: Condition) -> str:
    """Say when a rule applies."""
    lists = (
        ("parts", when.skus),
        ("categories", when.categories),
        ("customer tiers", when.tiers),
        ("segments", when.segments),
        ("regions", when.regions),
        ("channels", when.channels),
        ("partners", when.partners),
        ("accounts", when.accounts),
        ("products", when.products),
        ("charges", [say_charge(each).lower() for each in when.charges]),
        ("quotes in", when.currencies),
    )
    said = [f"{name} {', '.join(members)}" for name, members in lists if members]
    beside = (*when.alongside_skus, *when.alongside_categories)
    if beside:
        said.append(f"beside {' or '.join(beside)} in the same item")
    if when.together:
        said.append(
            "with " + " and ".join(f"{plain(it.at_least)} {it.sku}" for it in when.together)
        )
    said += [f"{each.name} {' or '.join(each.values)}" for each in when.attributes]
    said += [it for it in map(_range, (when.quantity, when.amount)) if it]
    if when.effective is not None:
        said.append(period_words(when.effective))
    if when.between is not None:
        said.append(_moments(when.between))
    return "; ".join(said) or "always"


def period_words(period: Period) -> str:
    """Say from when until when."""
    return f"from {period.first}" + (f" to {period.last}" if period.last else "")


def _moments(between: Moments) -> str:
    first = f"from {between.first:%Y-%m-%d %H:%M} " if between.first else ""
    return first + (f"to {between.last:%Y-%m-%d %H:%M}" if between.last else "on")


def _range(wanted: QuantityRange | AmountRange | None) -> str:
    if wanted is None:
        return ""
    unit = f" {wanted.currency}" if isinstance(wanted, AmountRange) and wanted.currency else ""
    ends = [
        f"{word} {plain(end)}{unit}"
        for word, end in (("from", wanted.at_least), ("to", wanted.up_to))
        if end is not None
    ]
    what = "quantity" if isinstance(wanted, QuantityRange) else "amount"
    return f"{what} of the {wanted.counted.replace('_', ' ')} {' '.join(ends)}".strip()


def _rounded(point: RoundingPoint | None) -> str:
    return "" if point is None else f", rounded to {rounded_words(point)}"


# ---- floors


def floor_words(rail: Guardrail, currency: str) -> str:
    """Say what a guardrail holds, and what happens below."""
    if rail.margin_on_price is not None:
        floor = f"a margin of {say_number(rail.margin_on_price.root)} % of the price"
    else:
        floor = f"{say(rail.price or Decimal(), currency)} per unit"
    return f"at least {floor}; what is below {BELOW[rail.action]}"


def covered_words(rail: Guardrail) -> str:
    """Say what a guardrail covers."""
    said = ", ".join((*rail.skus, *rail.categories)) or "everything"
    return said if rail.when is None else f"{said}; {condition_words(rail.when)}"
