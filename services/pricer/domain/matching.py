"""Which rules of a stacking group apply to a line, and why the others do not."""

from collections.abc import Callable
from decimal import Decimal

from contracts.values import EXACT
from services.pricer.domain.ask import BasketLine, PriceAsk
from services.pricer.domain.book import (
    AmountOff,
    Condition,
    Effect,
    PercentOff,
    QuantityBreaks,
    Rule,
    StackingGroup,
    UnitPrice,
)
from services.pricer.domain.compiled import covers
from services.pricer.domain.scene import Scene
from services.pricer.domain.trace import Skipped, say, say_number

Change = PercentOff | AmountOff | UnitPrice
Match = tuple[Rule, Change, str]
"""A rule that applies, its effect with the quantity resolved, and the effect in words."""


class RuleConflict(Exception):
    """Two rules tie and the book does not say which wins; its lint should have refused it."""

    def __init__(self, line: BasketLine, left: Rule, right: Rule) -> None:
        super().__init__(f"{left.id} and {right.id} tie for {line.place}")
        self.line = line
        self.rules = (left.id, right.id)


def select(
    group: StackingGroup,
    line: BasketLine,
    scene: Scene,
    amount_after: Callable[[Change], Decimal],
) -> tuple[list[Match], list[Skipped]]:
    """Return the rules that apply in turn, and the skipped ones.

    `amount_after` tells what the line would come to, for a group that takes the best for the
    customer. Raises: RuleConflict.
    """
    matches: list[Match] = []
    skipped: list[Skipped] = []
    for rule in scene.book.candidates(group, line.entry):
        why = why_not(rule.when, line, scene)
        found = None if why else resolve(rule, line, scene)
        if isinstance(found, tuple):
            matches.append((rule, *found))
        elif (why or found) and not rule.when.accounts:
            # A price contracted with somebody else is not to be seen, even as a skipped rule.
            skipped.append(Skipped(group.stage, rule.id, rule.version, str(why or found)))
    if group.select == "all" or len(matches) < 2:
        return matches, skipped
    if group.select == "best_for_customer":
        # min() keeps the first of equals, and candidates come in a fixed order.
        winner = min(matches, key=lambda match: amount_after(match[1]))
        reason = "is better for the customer"
    else:
        winner = _most_specific(matches, line)
        reason = "is more specific or has a higher priority"
    for rule, _, _ in matches:
        if rule.id != winner[0].id:
            text = f"{winner[0].name} ({winner[0].id}) {reason}"
            skipped.append(Skipped(group.stage, rule.id, rule.version, text))
    return [winner], skipped


def rank(rule: Rule) -> tuple[int, int, int, int]:
    """Order rules: who (account, then tier and region), what (part, category), dated, priority."""
    when = rule.when
    who = 4 * bool(when.accounts) + bool(when.tiers) + bool(when.regions)
    what = 2 if when.skus else 1 if when.categories else 0
    return who, what, int(when.effective is not None), rule.priority


def _most_specific(matches: list[Match], line: BasketLine) -> Match:
    ordered = sorted(matches, key=lambda match: rank(match[0]), reverse=True)
    if rank(ordered[0][0]) == rank(ordered[1][0]):
        raise RuleConflict(line, ordered[0][0], ordered[1][0])
    return ordered[0]


def elsewhere(when: Condition, ask: PriceAsk) -> str | None:
    """Say why the condition is for another customer, region or day; None if it is not."""
    if when.accounts and ask.account_id not in when.accounts:
        return "contracted with another account"
    if when.tiers and ask.customer_tier not in when.tiers:
        return f"is for tier {', '.join(when.tiers)}; the customer's is {ask.customer_tier}"
    if when.regions and ask.region not in when.regions:
        return f"is for region {', '.join(when.regions)}; the quote's is {ask.region}"
    if when.effective and not when.effective.holds(ask.day):
        return f"is not in force on {ask.day.isoformat()}"
    return None


def why_not(when: Condition, line: BasketLine, scene: Scene) -> str | None:
    """Say why the condition does not hold for the line; None if it does."""
    if away := elsewhere(when, scene.ask):
        return away
    alongside = when.alongside_skus + when.alongside_categories
    if alongside and not any(
        covers(when.alongside_skus, when.alongside_categories, each)
        for each in scene.companions(line)
    ):
        return f"needs {' or '.join(alongside)} in the same item"
    return None


def resolve(rule: Rule, line: BasketLine, scene: Scene) -> tuple[Change, str] | str:
    """Return the change that a rule makes and its words, or why its quantity does not reach."""
    effect = rule.effect
    if not isinstance(effect, QuantityBreaks):
        return effect, words(effect, scene)
    counted = line.quantity
    if effect.counted == "quote":
        counted = scene.counted(rule.when.skus, rule.when.categories)
    for each in effect.breaks:
        if each.up_to is None or counted <= each.up_to:
            break
    change = PercentOff(kind="percent_off", percent=each.percent)
    where = "over the quote" if effect.counted == "quote" else "on the line"
    if not each.percent.root:
        return f"quantity {say_number(counted)} {where} reaches no break"
    return change, f"quantity {say_number(counted)} {where}, {words(change, scene)}"


def words(effect: Effect, scene: Scene) -> str:
    """Say an effect in words."""
    match effect:
        case PercentOff(percent=percent) if percent.root < 0:
            return f"{say_number(EXACT.minus(percent.root))} % surcharge"
        case PercentOff(percent=percent):
            return f"{say_number(percent.root)} % off"
        case AmountOff(amount=amount):
            return f"{say(scene.money(amount), scene.currency)} off each unit"
        case UnitPrice(amount=amount):
            return f"{say(scene.money(amount), scene.currency)} for each unit"
        case _:
            return "by quantity"
