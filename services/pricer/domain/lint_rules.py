"""Lint of adjustment rules: references, effects, and ties that leave a price to luck."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import combinations, pairwise

from contracts.values import Percent, Period
from services.pricer.domain.book import (
    AmountOff,
    PercentOff,
    PriceBook,
    QuantityBreaks,
    Rule,
    UnitPrice,
)
from services.pricer.domain.compiled import covers
from services.pricer.domain.matching import rank

PERCENT_DECIMALS = 4
AMOUNT_MAX = Decimal(10) ** 12
AMOUNT_DECIMALS = 6
Found = tuple[str, str]
"""Place and message of a finding."""


def lint_rules(book: PriceBook) -> list[Found]:
    """Return what must change about groups and rules."""
    found: list[Found] = []
    stages = {each.id: each.stage for each in book.groups}
    for rule in book.rules:
        found.extend(_references(rule, book))
        found.extend(_effect(rule))
        stage = stages.get(rule.group)
        if (stage == "contracted_price") != bool(rule.when.accounts):
            text = "rules for accounts stand in a group of the stage contracted_price, no others do"
            found.append((f"rules.{rule.id}", f"{text}; move it, or name its accounts"))
        if isinstance(rule.effect, UnitPrice) and stage != "contracted_price":
            text = "a price for each unit is for contracts; use percent_off or amount_off"
            found.append((f"rules.{rule.id}", text))
    found.extend(_ties(book))
    return found


def _references(rule: Rule, book: PriceBook) -> Iterable[Found]:
    place = f"rules.{rule.id}"
    skus = {each.sku for each in book.entries}
    categories = {each.id for each in book.categories}
    when = rule.when
    for kind, named, known in (
        ("group", (rule.group,), {each.id for each in book.groups}),
        ("sku", when.skus + when.alongside_skus, skus),
        ("category", when.categories + when.alongside_categories, categories),
        ("tier", when.tiers, set(book.tiers)),
        ("region", when.regions, set(book.regions)),
    ):
        for name in named:
            if name not in known:
                yield place, f"{kind} {name} is not in this book; correct it or add it"
    period = when.effective
    if period and period.last is not None and period.last < period.first:
        yield place, "ends before it begins; swap first and last"


def _effect(rule: Rule) -> Iterable[Found]:
    place = f"rules.{rule.id}"
    match rule.effect:
        case PercentOff(percent=percent):
            yield from _percent(place, percent, Decimal(-100))
        case AmountOff(amount=amount) | UnitPrice(amount=amount):
            yield from amount_faults(place, amount)
        case QuantityBreaks(breaks=breaks):
            yield from bounds(place, "breaks", [each.up_to for each in breaks])
            for each in breaks:
                if (each.percent is None) == (each.amount is None):
                    yield place, "give each break exactly one of percent and amount"
                if each.percent is not None:
                    yield from _percent(place, each.percent, Decimal(0))
            percents = [each.percent for each in breaks if each.percent is not None]
            for place_of, (less, more) in enumerate(pairwise(percents)):
                lower = breaks[place_of]
                if more < less:
                    text = f"more than {lower.up_to} gets less off than fewer; let the percent rise"
                    yield place, text


def _percent(place: str, percent: Percent, least: Decimal) -> Iterable[Found]:
    if decimals(percent.root) > PERCENT_DECIMALS or not least <= percent.root <= 100:
        text = f"{percent} is out of range; give {least} to 100"
        yield place, f"{text} with at most {PERCENT_DECIMALS} decimals"


def amount_faults(place: str, amount: Decimal) -> Iterable[Found]:
    """Find an amount that is no price: zero, negative, absurd, or finer than Money holds."""
    if amount <= 0:
        yield place, f"is {amount}; give an amount above zero"
    elif amount >= AMOUNT_MAX or decimals(amount) > AMOUNT_DECIMALS:
        text = f"give an amount below {AMOUNT_MAX:f} with at most {AMOUNT_DECIMALS} decimals"
        yield place, text


def decimals(number: Decimal) -> int:
    """Return how many decimal places a finite number is written with."""
    exponent = number.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def bounds(place: str, what: str, up_to: Sequence[Decimal | None]) -> Iterable[Found]:
    """Find gaps and overlaps: bounds rise strictly from above zero, and only the last is open."""
    closed = [each for each in up_to[:-1] if each is not None]
    if len(closed) < len(up_to) - 1:
        yield place, f"{what} after an open one are never reached; give each an up_to"
    if up_to[-1] is not None:
        yield place, f"{what} end at {up_to[-1]}, nothing covers more; make the last up_to null"
        closed.append(up_to[-1])
    if closed and closed[0] <= 0:
        yield place, f"the first up_to is {closed[0]}; begin above zero"
    for lower, upper in pairwise(closed):
        if upper <= lower:
            yield place, f"{what} overlap: up_to {upper} follows {lower}; let them rise"


# ---- ties


def _ties(book: PriceBook) -> Iterable[Found]:
    """Find rules of one exclusive group that can both match a line with the same rank."""
    for group in book.groups:
        if group.select != "most_specific":
            continue
        ranked: dict[tuple[int, ...], list[Rule]] = {}
        for rule in book.rules:
            if rule.group == group.id:
                ranked.setdefault(rank(rule), []).append(rule)
        for rules in ranked.values():
            for left, right in combinations(rules, 2):
                if _overlap(left, right, book):
                    text = f"ties with {right.id} in group {group.id}; give one a higher priority"
                    yield f"rules.{left.id}", f"{text} or a narrower condition"


def _overlap(left: Rule, right: Rule, book: PriceBook) -> bool:
    for one, other in (
        (left.when.tiers, right.when.tiers),
        (left.when.regions, right.when.regions),
        (left.when.accounts, right.when.accounts),
    ):
        if one and other and not set(one) & set(other):
            return False
    if not _same_days(left.when.effective, right.when.effective):
        return False
    return any(
        covers(left.when.skus, left.when.categories, entry)
        and covers(right.when.skus, right.when.categories, entry)
        for entry in book.entries
    )


def _same_days(left: Period | None, right: Period | None) -> bool:
    if left is None or right is None:
        return True
    return (left.last is None or right.first <= left.last) and (
        right.last is None or left.first <= right.last
    )
