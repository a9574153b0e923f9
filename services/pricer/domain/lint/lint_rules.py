"""Lint of adjustment rules: references, effects, and rules that never apply."""

from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise

from contracts.charges import CHOICE, MONTHS
from contracts.values import Percent, Period
from services.pricer.domain.books.rules import (
    AmountOff,
    Condition,
    FreeGoods,
    LineLimits,
    MarginFloor,
    Markup,
    PercentOff,
    QuantityBreaks,
    RoundTo,
    Rule,
    SetPrice,
    UnitPrice,
)
from services.pricer.domain.lint.lint_known import Found, Known
from services.pricer.domain.lint.lint_models import (
    amount_faults,
    bounds,
    break_cliffs,
    decimals,
    fee_faults,
    lint_price,
    say_plain,
)

PERCENT_DECIMALS = 4


def lint_rules(known: Known) -> list[Found]:
    """Return what must change about groups and rules."""
    found: list[Found] = []
    stages = {each.id: each.stage for each in known.book.groups}
    names = names_of(known)
    for rule in known.book.rules:
        place = f"rules.{rule.id}"
        if rule.group not in stages:
            found.append((place, f"group {rule.group} is not in this book; correct it or add it"))
        found.extend(references(place, rule.when, names))
        found.extend(never(place, rule.when))
        found.extend(_effect(rule, names))
        stage = stages.get(rule.group)
        if (stage == "contracted_price") != bool(rule.when.accounts):
            text = "rules for accounts stand in a group of the stage contracted_price, no others do"
            found.append((place, f"{text}; move it, or name its accounts"))
        if isinstance(rule.effect, UnitPrice) and stage != "contracted_price":
            text = "a price for each unit is for contracts; use percent_off or amount_off"
            found.append((place, text))
        if stage == "header_discount":
            found.extend(_of_quote(place, rule))
        if stage == "off_invoice" and isinstance(rule.effect, FreeGoods):
            text = "free goods are lines of the quote; move it to a group of the stage promotion"
            found.append((place, text))
    return found


def _of_quote(place: str, rule: Rule) -> Iterable[Found]:
    """Find what a discount on the whole quote can not do, or would be counted otherwise than said.

    It takes a share of what all its lines come to: there is no line whose quantity could count.
    """
    if not isinstance(rule.effect, PercentOff | AmountOff):
        text = "a rule of header_discount takes percent_off or amount_off off its lines together"
        yield place, f"{text}; use one of them, or move it to a stage of single lines"
    for name in ("quantity", "amount"):
        held = getattr(rule.when, name)
        if held and held.counted in {"line", "item"}:
            text = f"the {name} of a rule of header_discount is that of all its lines"
            yield place, f"{text}; say counted: quote, or move it to a stage of single lines"


def lint_reach(known: Known) -> Iterable[Found]:
    """Find rules that are in vain: no part, or no day, on which they could apply.   Raises: Spent.

    These, and cliffs of schedules, are for whoever publishes the book to judge.
    """
    for rail in known.book.guardrails:
        named = rail.skus or rail.categories
        if named and not known.inherits and not known.covers_any(rail.skus, rail.categories):
            text = "covers no part of this book, so it holds nothing; correct it or drop it"
            yield f"guardrails.{rail.id}", text
    charges = {each.charge for each in known.book.entries}
    for rule in known.book.rules:
        place, when = f"rules.{rule.id}", rule.when
        for charge in when.charges:
            if charge in MONTHS and charge not in charges and not known.inherits:
                yield place, f"no part of this book is charged {charge}; correct it or drop it"
        named = when.skus or when.categories
        if named and not known.inherits and not known.covers_any(when.skus, when.categories):
            yield place, "covers no part of this book, so it never applies; correct it or drop it"
        if when.effective is not None and not _meets(when.effective, known.book.effective):
            text = "is in force on no day on which the book is; correct its days or drop it"
            yield place, text
        effect = rule.effect
        if isinstance(effect, QuantityBreaks) and effect.mode == "range":
            yield from break_cliffs(place, [(it.up_to, it.percent) for it in effect.breaks])
        elif isinstance(effect, QuantityBreaks) and effect.counted != "line":
            yield place, "slabs are counted on the line only; the quote's quantity is not used"


def _meets(one: Period, other: Period) -> bool:
    return (one.last is None or other.first <= one.last) and (
        other.last is None or one.first <= other.last
    )


# ---- references

Names = dict[str, set[str]]


def names_of(known: Known) -> Names:
    """Return what a book knows, by kind."""
    book = known.book
    return {
        # Parts of the parent are known to the parent.
        "sku": set() if known.inherits else set(known.by_sku),
        "category": {each.id for each in book.categories},
        "tier": set(book.tiers),
        "region": set(book.regions),
        "segment": set(book.segments),
        "channel": set(book.channels),
        "currency": set(book.currencies) | {book.currency},
        "charge": set(MONTHS),
    }


def references(place: str, when: Condition, names: Names) -> Iterable[Found]:
    """Find names that the book does not know."""
    for kind, named in (
        ("sku", when.skus + when.alongside_skus + tuple(each.sku for each in when.together)),
        ("category", when.categories + when.alongside_categories),
        ("tier", when.tiers),
        ("region", when.regions),
        ("segment", when.segments),
        ("channel", when.channels),
        ("currency", when.currencies),
        ("charge", when.charges),
    ):
        if kind == "sku" and not names["sku"]:
            continue
        for name in named:
            if name in names[kind]:
                continue
            text = "is not in this book; correct it or add it"
            if kind == "charge":
                text = f"is none; give {CHOICE}"
            yield place, f"{kind} {name} {text}"


def never(place: str, when: Condition) -> Iterable[Found]:
    """Find ranges that nothing lies in."""
    period = when.effective
    if period and period.last is not None and period.last < period.first:
        yield place, "ends before it begins; swap first and last"
    between = when.between
    if between and between.first and between.last:
        if (between.first.tzinfo is None) != (between.last.tzinfo is None):
            yield place, "gives one moment with a zone and one without; write both alike"
        elif between.last < between.first:
            yield place, "ends before it begins; swap first and last of between"
    for name in ("quantity", "amount"):
        held = getattr(when, name)
        least, most = (held.at_least, held.up_to) if held else (None, None)
        if least is not None and most is not None and least > most:
            yield place, f"asks for a {name} from {least} up to {most}; swap them"


# ---- effects


def _effect(rule: Rule, names: Names) -> Iterable[Found]:
    place, effect = f"rules.{rule.id}", rule.effect
    match effect:
        case PercentOff(percent=percent):
            yield from _percent(place, percent, Decimal(-100), Decimal(100))
        case AmountOff(amount=amount):
            yield from amount_faults(place, abs(amount))
        case UnitPrice(amount=amount):
            yield from amount_faults(place, amount)
        case SetPrice(price=price):
            yield from lint_price(f"{place}.effect.price", price)
        case Markup(percent=percent):
            yield from _percent(place, percent, Decimal(0), Decimal(10_000))
        case MarginFloor(margin_on_price=margin):
            if not Percent(0) <= margin < Percent(100):
                yield place, "a margin on the price lies from 0 to below 100; change it"
        case RoundTo(multiple=multiple):
            yield from amount_faults(place, multiple)
        case LineLimits(minimum=least, maximum=most):
            yield from fee_faults(place, "minimum", least)
            yield from fee_faults(place, "maximum", most)
            if least is not None and most is not None and least > most:
                yield place, "its minimum is above its maximum; swap them"
        case FreeGoods():
            yield from _free_goods(place, effect, names)
        case QuantityBreaks():
            yield from _breaks(place, effect)


def _free_goods(place: str, effect: FreeGoods, names: Names) -> Iterable[Found]:
    for name in ("per", "quantity"):
        given = getattr(effect, name)
        if given <= 0 or decimals(given) > 3 or given.adjusted() > 9:
            yield place, f"{name} is {say_plain(given)}; give a quantity above zero"
    if effect.sku is not None and names["sku"] and effect.sku not in names["sku"]:
        yield place, f"sku {effect.sku} is not in this book; correct it or add it"


def _breaks(place: str, effect: QuantityBreaks) -> Iterable[Found]:
    breaks = effect.breaks
    yield from bounds(place, "breaks", [each.up_to for each in breaks])
    for each in breaks:
        if (each.percent is None) == (each.amount is None):
            yield place, "give each break exactly one of percent and amount"
        if each.percent is not None:
            yield from _percent(place, each.percent, Decimal(0), Decimal(100))
        yield from fee_faults(place, "an amount off", each.amount)
    for lower, upper in pairwise(breaks):
        ways = (
            (lower.percent and lower.percent.root, upper.percent and upper.percent.root, "percent"),
            (lower.amount, upper.amount, "amount"),
        )
        for less, more, what in ways:
            if isinstance(less, Decimal) and isinstance(more, Decimal) and more < less:
                text = f"more than {lower.up_to} gets less off than fewer; let the {what} rise"
                yield place, text


def _percent(place: str, percent: Percent, least: Decimal, most: Decimal) -> Iterable[Found]:
    if decimals(percent.root) > PERCENT_DECIMALS or not least <= percent.root <= most:
        text = f"{percent} is out of range; give {least} to {most}"
        yield place, f"{text} with at most {PERCENT_DECIMALS} decimals"
