"""Discounts on the whole quote: rounded once, then allocated to the lines by largest remainder.

Those that the book has rules for (a bundle of the whole order, a promotion); the seller's own come
after them (`granted.py`).
"""

from collections.abc import Sequence
from decimal import Decimal

from contracts.values import SCALES
from services.pricer.domain.asks.rounding import quantized
from services.pricer.domain.asks.scene import Scene, exact_sum
from services.pricer.domain.asks.trace import Basis, say
from services.pricer.domain.books.rules import AmountOff, PercentOff, Rule, StackingGroup
from services.pricer.domain.waterfall.conditions import (
    elsewhere,
    not_such_a_line,
    why_not_amount,
    why_not_quantity,
)
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
        for rule, eligible in _rules(group, scene, runs):
            left = exact_sum(run.amount for run in eligible)
            base = exact_sum(before[run.line.number] for run in eligible) if added else left
            text = f"{rule.name}: {_words(rule, scene)}"
            off = _off(rule, base, scene)
            if off > left >= 0:
                off = left  # all of it, and no more; credits are not turned round
            share_out(scene, eligible, off, (rule.id, rule.version, text))


Applying = tuple[Rule, list[Running]]
"""A rule of the quote, and the lines that it discounts."""


def _rules(group: StackingGroup, scene: Scene, runs: Sequence[Running]) -> list[Applying]:
    """Return the rules of a group that apply, in order; the others are told on their lines."""
    found: list[Applying] = []
    rules = {
        rule.id: rule
        for run in runs
        if not run.line.free
        for rule in scene.book.candidates(group, run.line.offer, scene.ask.account_id)
    }
    for rule in sorted(rules.values(), key=lambda each: (-each.priority, each.id)):
        covered = _covered(rule, runs)
        away = elsewhere(rule.when, scene)
        eligible = covered if away else _eligible(rule, covered, scene)
        why = away or _why_not(rule, eligible, runs, scene)
        if why is None and eligible:
            found.append((rule, eligible))
        elif why is not None and not rule.when.accounts:
            for run in eligible:
                run.skipped.append((STAGE, rule.id, rule.version, why))
    if len(found) < 2:
        return found
    winner, reason = _winner(group, found, scene)
    if winner is None:
        return found
    for rule, eligible in found:
        if rule.id != winner[0].id:
            why = f"{winner[0].name} ({winner[0].id}) {reason}"
            for run in eligible:
                run.skipped.append((STAGE, rule.id, rule.version, why))
    return [winner]


def _covered(rule: Rule, runs: Sequence[Running]) -> list[Running]:
    return [
        run
        for run in runs
        if not run.line.free and run.line.offer.covered(rule.when.skus, rule.when.categories)
    ]


def _eligible(rule: Rule, covered: Sequence[Running], scene: Scene) -> list[Running]:
    """Return the lines that such a rule discounts; the others are told why it passes them over."""
    found = []
    for run in covered:
        why = not_such_a_line(rule.when, run.line, scene)
        if why is None:
            found.append(run)
        elif not rule.when.accounts:
            run.skipped.append((STAGE, rule.id, rule.version, why))
    return found


def _winner(
    group: StackingGroup, found: Sequence[Applying], scene: Scene
) -> tuple[Applying | None, str]:
    """Return the one rule that applies and why it does; None: all of them do."""
    if alone := next((each for each in found if each[0].exclusive), None):
        return alone, "stands alone in its group"
    if group.select == "all":
        return None, ""
    if group.select == "best_for_customer":

        def off(each: Applying) -> Decimal:
            return _off(each[0], exact_sum(run.amount for run in each[1]), scene)

        return max(found, key=off), "is better for the customer"
    rank_of = rank if group.select == "most_specific" else _priority
    ordered = sorted(found, key=lambda each: rank_of(each[0]), reverse=True)
    (first, lines), (second, _) = ordered[:2]
    if rank_of(first) == rank_of(second):
        raise RuleConflict(lines[0].line, first, second)
    return ordered[0], "is more specific or has a higher priority"


def _priority(rule: Rule) -> tuple[int, ...]:
    return (rule.priority,)


def _why_not(
    rule: Rule, eligible: Sequence[Running], runs: Sequence[Running], scene: Scene
) -> str | None:
    """Say why a rule of the quote does not hold: by the quantities and amounts that stand now.

    Of the lines that it discounts, or of the whole quote where the rule says so.
    """
    when = rule.when
    if when.quantity:
        counted = exact_sum(abs(run.line.base) for run in eligible)
        if why := why_not_quantity(when.quantity, counted, scene):
            return why
    if when.amount:
        whole = when.amount.counted == "whole_quote"
        amount = exact_sum(run.amount for run in (runs if whole else eligible))
        return why_not_amount(when.amount, amount, scene)
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
    match rule.effect:
        case AmountOff(amount=amount):
            money = scene.money(amount, rule.currency)
            way = "off" if money >= 0 else "more on"
            return f"{say(abs(money), scene.currency)} {way} the lines it covers"
        case PercentOff(percent=percent) if percent.root < 0:
            return f"{words(rule.effect, scene)} on the lines it covers"
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
    alone = len(runs) == 1 and scene.engine.plain_words
    lines = "1 line" if alone else f"{len(runs)} lines"
    told = f"Share of {text} ({say(amount, scene.currency)} over {lines})."
    if stage != STAGE and len(runs) == 1:
        told = f"{text.capitalize()}: {say(amount, scene.currency)} off."
    basis: Basis = "quote" if stage == STAGE else "line"
    for run, part in zip(runs, parts, strict=True):
        run.take(stage, (name, version), told, (None, run.amount - part), basis=basis)
    return parts
