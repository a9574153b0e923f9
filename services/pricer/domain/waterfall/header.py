"""Discounts on the whole quote: rounded once, then allocated to the lines by largest remainder.

Those that the book has rules for (a bundle of the whole order, a promotion); the seller's own come
after them (`granted.py`).
"""

from collections.abc import Sequence
from decimal import Decimal

from contracts.values import SCALES
from services.pricer.domain.asks.rounding import quantized
from services.pricer.domain.asks.scene import Scene, exact_sum
from services.pricer.domain.asks.trace import Basis, say, say_number
from services.pricer.domain.books.rules import AmountOff, PercentOff, Rule, StackingGroup
from services.pricer.domain.waterfall.conditions import elsewhere, holds, said
from services.pricer.domain.waterfall.effects import words
from services.pricer.domain.waterfall.matching import RuleConflict, rank
from services.pricer.domain.waterfall.running import Running

STAGE = "header_discount"


def discounts_of_book(scene: Scene, runs: Sequence[Running]) -> None:
    """Take what the rules of the stage `header_discount` say, group by group.

    Raises: RuleConflict; NoRate.
    """
    for group in scene.book.groups.get(STAGE, ()):
        before = {run.line.number: run.amount for run in runs}
        added = group.stacking == "additive_on_base"
        for rule in _rules(group, scene, runs):
            eligible = _covered(rule, runs)
            left = exact_sum(run.amount for run in eligible)
            base = exact_sum(before[run.line.number] for run in eligible) if added else left
            text = f"{rule.name}: {_words(rule, scene)}"
            off = _off(rule, base, scene)
            if off > left >= 0:
                off = left  # all of it, and no more; credits are not turned round
            share_out(scene, eligible, off, (rule.id, rule.version, text))


def _covered(rule: Rule, runs: Sequence[Running]) -> list[Running]:
    return [
        run
        for run in runs
        if not run.line.free and run.line.offer.covered(rule.when.skus, rule.when.categories)
    ]


def _rules(group: StackingGroup, scene: Scene, runs: Sequence[Running]) -> list[Rule]:
    """Return the rules of a group that apply, in order; the others are told on their lines."""
    found: list[Rule] = []
    rules = {
        rule.id: rule
        for run in runs
        if not run.line.free
        for rule in scene.book.candidates(group, run.line.offer, scene.ask.account_id)
    }
    for rule in sorted(rules.values(), key=lambda each: (-each.priority, each.id)):
        eligible = _covered(rule, runs)
        why = _why_not(rule, eligible, scene)
        if why is None:
            found.append(rule)
        elif not rule.when.accounts:
            for run in eligible:
                run.skipped.append((STAGE, rule.id, rule.version, why))
    if len(found) < 2:
        return found
    winner, reason = _winner(group, found, scene, runs)
    if winner is None:
        return found
    for rule in found:
        if rule.id != winner.id:
            why = f"{winner.name} ({winner.id}) {reason}"
            for run in _covered(rule, runs):
                run.skipped.append((STAGE, rule.id, rule.version, why))
    return [winner]


def _winner(
    group: StackingGroup, found: Sequence[Rule], scene: Scene, runs: Sequence[Running]
) -> tuple[Rule | None, str]:
    """Return the one rule that applies and why it does; None: all of them do."""
    if alone := next((rule for rule in found if rule.exclusive), None):
        return alone, "stands alone in its group"
    if group.select == "all":
        return None, ""
    if group.select == "best_for_customer":

        def off(rule: Rule) -> Decimal:
            return _off(rule, exact_sum(run.amount for run in _covered(rule, runs)), scene)

        return max(found, key=off), "is better for the customer"
    key = rank if group.select == "most_specific" else _priority
    ordered = sorted(found, key=key, reverse=True)
    if key(ordered[0]) == key(ordered[1]):
        raise RuleConflict(_covered(ordered[0], runs)[0].line, ordered[0], ordered[1])
    return ordered[0], "is more specific or has a higher priority"


def _priority(rule: Rule) -> tuple[int, ...]:
    return (rule.priority,)


def _why_not(rule: Rule, eligible: Sequence[Running], scene: Scene) -> str | None:
    """Say why a rule of the quote does not hold; quantities and amounts are those it covers."""
    when = rule.when
    if away := elsewhere(when, scene):
        return away
    if when.quantity:
        counted = exact_sum(abs(run.line.base) for run in eligible)
        if not holds(when.quantity, counted):
            return f"quantity {say_number(counted)} is not {said(when.quantity)}"
    if when.amount:
        amount = exact_sum(run.amount for run in eligible)
        least, most, currency = when.amount.at_least, when.amount.up_to, when.amount.currency
        if (least is not None and amount < scene.money(least, currency)) or (
            most is not None and amount > scene.money(most, currency)
        ):
            return f"the amount {say(amount, scene.currency)} is out of its range"
    return None


def _off(rule: Rule, whole: Decimal, scene: Scene) -> Decimal:
    """Return what a rule takes off the lines it covers, rounded once."""
    match rule.effect:
        case PercentOff(percent=percent):
            exact = percent.of(whole)
        case AmountOff(amount=amount):
            exact = scene.money(amount, rule.currency)
        case _:
            exact = Decimal(0)
    return quantized(exact, scene.rounding.line_digits, scene.rounding.line_mode)


def _words(rule: Rule, scene: Scene) -> str:
    """Say what a rule takes off: an amount is once off all lines, whatever it is per."""
    if isinstance(rule.effect, AmountOff):
        amount = say(scene.money(rule.effect.amount, rule.currency), scene.currency)
        return f"{amount} off the lines it covers"
    return f"{words(rule.effect, scene)} the lines it covers"


def share_out(
    scene: Scene,
    runs: Sequence[Running],
    amount: Decimal,
    rule: tuple[str, int | None, str],
    stage: str = STAGE,
) -> Sequence[Decimal]:
    """Take an amount off lines, by what they come to, and return the shares.

    Each is a step of its line, which has no unit price of its own from here on.
    """
    if not runs:
        return ()
    name, version, text = rule
    unit = SCALES[scene.rounding.line_digits]
    weights = [run.amount for run in runs]
    parts = scene.engine.allocate(amount, weights, unit, scene.currency)
    told = f"Share of {text} ({say(amount, scene.currency)} over {len(runs)} lines)."
    if stage != STAGE and len(runs) == 1:
        told = f"{text.capitalize()}: {say(amount, scene.currency)} off."
    basis: Basis = "quote" if stage == STAGE else "line"
    for run, part in zip(runs, parts, strict=True):
        run.take(stage, (name, version), told, (None, run.amount - part), basis=basis)
    return parts
