"""Which rules of a stacking group apply to a line, and why the others do not."""

from decimal import Decimal

from contracts.values import EXACT, Percent
from services.pricer.domain.asks.basket import BasketLine
from services.pricer.domain.asks.scene import Scene
from services.pricer.domain.asks.trace import Skipped, say_number
from services.pricer.domain.books.rules import (
    AmountOff,
    FreeGoods,
    QuantityBreaks,
    Rule,
    StackingGroup,
)
from services.pricer.domain.waterfall.effects import Change, SlabOff, words
from services.pricer.domain.waterfall.plans import Match, Open, Outcome, PlannedGroup, Schedule
from services.pricer.domain.waterfall.running import Price, Running

NO_UNIT = "percentages by slab work on a unit price; this line has an amount"


class RuleConflict(Exception):
    """Two rules tie and the book does not say which wins; its lint should have refused it."""

    def __init__(self, line: BasketLine, left: Rule, right: Rule) -> None:
        super().__init__(f"{left.id} and {right.id} tie for {line.place}")
        self.line = line
        self.rules = (left.id, right.id)


def select(planned: PlannedGroup, run: Running, scene: Scene, base: Price | None) -> Outcome:
    """Return the rules that apply to a line, where the plan of its part leaves that open.

    Percentages are of `base`, where they are added up.   Raises: RuleConflict; NoCost; NoRate.
    """
    group, rules = planned.group, planned.rules
    matches: list[Match] = []
    skipped: list[Skipped] = []
    for each in rules:
        if not isinstance(each, Open):
            skipped.append(each)
            continue
        rule, ask, said = each
        why = ask(rule.when, run.line, scene) if ask else None
        if why is None:
            found = said if type(said) is tuple else resolve(each, run, scene)
            if not isinstance(found, str):
                matches.append((rule, *found))
                continue
            why = found
        if not rule.when.accounts:
            # A price contracted with somebody else is not to be seen, even as a skipped rule.
            skipped.append((group.stage, rule.id, rule.version, why))
    if len(matches) < 2:
        return matches, skipped
    winner, reason = _winner(group, matches, run, (scene, base))
    if winner is None:
        return matches, skipped
    for rule, _, _ in matches:
        if rule.id != winner[0].id:
            text = f"{winner[0].name} ({winner[0].id}) {reason}"
            skipped.append((group.stage, rule.id, rule.version, text))
    return [winner], skipped


def _winner(
    group: StackingGroup, matches: list[Match], run: Running, within: tuple[Scene, Price | None]
) -> tuple[Match | None, str]:
    """Return the one rule that applies and why it does; None: all of them do."""
    alone = next((match for match in matches if match[0].exclusive), None)
    if alone:
        return alone, "stands alone in its group"
    match group.select:
        case "all":
            return None, ""
        case "best_for_customer":
            scene, base = within

            def amount_after(match: Match) -> Decimal:
                rule, change, _ = match
                if isinstance(change, FreeGoods):
                    return run.amount
                return run.after(change, scene, rule.currency, base)[1]

            # min() keeps the first of equals, and candidates come in a fixed order.
            found = min(matches, key=amount_after)
            return found, "is better for the customer"
        case "highest_priority":
            if matches[0][0].priority == matches[1][0].priority:
                raise RuleConflict(run.line, matches[0][0], matches[1][0])
            return matches[0], "has a higher priority"
    return _most_specific(matches, run.line), "is more specific or has a higher priority"


def rank(rule: Rule) -> tuple[int, int, int, int, int]:
    """Order rules: who, what, how narrow, whether dated, priority.

    Who: an account, then tier, region, segment, channel, partner. What: a part, then a category.
    Narrow: by attributes, quantities, amounts, other parts.
    """
    when = rule.when
    who = 16 * bool(when.accounts) + bool(when.tiers) + bool(when.regions)
    who += bool(when.segments) + bool(when.channels) + bool(when.partners)
    what = 2 if when.skus else 1 if when.categories else 0
    narrow = len(when.attributes) + bool(when.quantity) + bool(when.amount) + bool(when.together)
    return who, what, narrow, int(when.effective is not None or bool(when.between)), rule.priority


def _most_specific(matches: list[Match], line: BasketLine) -> Match:
    def key(match: Match) -> tuple[int, ...]:
        rule = match[0]
        who, what, *rest = rank(rule)
        # The nearer category is the more specific one; a part is nearer than any.
        depth = -min(
            (place for place, each in enumerate(line.offer.families)
             if each in rule.when.categories), default=len(line.offer.families),
        )  # fmt: skip
        return (who, what, 0 if what == 2 else depth, *rest)

    ordered = sorted(matches, key=key, reverse=True)
    if key(ordered[0]) == key(ordered[1]):
        raise RuleConflict(line, ordered[0][0], ordered[1][0])
    return ordered[0]


# ---- effects, with the quantity resolved


def resolve(open_: Open, run: Running, scene: Scene) -> tuple[Change | FreeGoods, str] | str:
    """Return the change that a rule makes and its words, or why its quantity does not reach."""
    rule, said = open_.rule, open_.said
    effect = rule.effect
    if isinstance(said, Schedule):
        return _by_schedule(said, run, scene, rule.currency)
    if isinstance(effect, QuantityBreaks):
        scope = (rule.when.skus, rule.when.categories)
        return _slabs(effect, scene.counted(scope, effect.counted, run.line), run)
    return effect, words(effect, scene, rule.currency)


def _by_schedule(
    schedule: Schedule, run: Running, scene: Scene, currency: str | None
) -> tuple[Change, str] | str:
    counted = scene.counted(schedule.scope, schedule.counted, run.line)
    off = schedule.reached(counted)
    place = f"quantity {say_number(counted)} {schedule.where}"
    if off is None:
        return f"{place} reaches no break"
    change, said = (off, words(off, scene, currency)) if isinstance(off, AmountOff) else off
    return change, f"{place}, {said}"


def _slabs(effect: QuantityBreaks, counted: Decimal, run: Running) -> tuple[Change, str] | str:
    """Give each unit the discount of its own slab; what is above the last slab gets none."""
    units = amount = below = Decimal(0)
    for each in effect.breaks:
        top = counted if each.up_to is None else min(counted, each.up_to)
        if top <= below:
            continue
        size, below = top - below, top
        units += (each.percent or Percent(0)).of(size)
        amount += (each.amount or Decimal(0)) * size
    if not units and not amount:
        return f"quantity {say_number(counted)} on the line reaches no break"
    if units and run.unit is None:
        return NO_UNIT
    if run.line.each != 1:
        units = EXACT.divide(units, run.line.each)  # unit prices are of sold units, slabs of base
    said = f"quantity {say_number(counted)} on the line, each unit at the discount of its slab"
    return SlabOff(units, amount), said
