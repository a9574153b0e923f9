"""The price waterfall of one line: a fixed order of stages, every step kept.

The order is the engine's version (`engines.py`), what happens in a stage is the book's. After
`bundle` it is the regular price, after `rounding` the net unit price; totals follow. Exact
arithmetic between the named rounding points: list price (after FX), net unit price, line.
"""

from decimal import Decimal

from services.pricer.domain.asks.basket import BasketLine
from services.pricer.domain.asks.rounding import ROUNDS, quantized
from services.pricer.domain.asks.scene import Scene
from services.pricer.domain.asks.trace import say, say_number
from services.pricer.domain.books.price_models import Tiered
from services.pricer.domain.books.rules import FreeGoods, Rule, RuleStage
from services.pricer.domain.waterfall import granted, guardrail
from services.pricer.domain.waterfall.charging import (
    Listed,
    NoCost,
    list_price,
    source_of,
    whole,
)
from services.pricer.domain.waterfall.effects import SlabOff, candidates
from services.pricer.domain.waterfall.matching import NO_UNIT, select
from services.pricer.domain.waterfall.plans import Plan, Start, plan_of
from services.pricer.domain.waterfall.running import Gift, Running

BELOW_CONTRACT: tuple[RuleStage, ...] = ("volume", "segment", "promotion", "bundle")
BELOW_SALES: tuple[RuleStage, ...] = ("partner_discount", "distributor_discount")


def price_line(run: Running, scene: Scene) -> None:
    """Take a line from its list price to its rounded net price, before discounts on the quote.

    Raises: NoCost; NoRate; RuleConflict; NoPriceForQuantity; BelowFloor; decimal.Inexact, if 60
    digits do not hold the price.
    """
    stages = run.plan.stages
    if "option_price" in stages:
        apply_rules(run, scene, "option_price")
    if "contracted_price" not in stages or not _contracted(run, scene):
        _tiers(run, scene)
        for stage in BELOW_CONTRACT:
            if stage in stages:
                apply_rules(run, scene, stage)
    run.regular = run.amount
    if scene.granted:
        granted.before_rounding(run, scene)
    for stage in BELOW_SALES:
        if stage in stages:
            apply_rules(run, scene, stage)
    if run.plan.rails:
        guardrail.first_pass(run, scene)
    _round(run, scene)
    run.net, run.net_unit = run.amount, run.unit


# ---- list price


def at_list(line: BasketLine, scene: Scene) -> Running:
    """Begin a line at its list price.

    Raises: NoCost; NoRate; NoPriceForQuantity; decimal.Inexact.
    """
    entry = line.offer.entry
    if entry.cost is None:
        raise NoCost(line)
    if line.unit != entry.unit:
        return begun(line, scene, list_price(line, scene, source_of(line, scene)))
    plan = plan_of(line.offer, scene)
    if plan.start is None:
        listed = list_price(line, scene, source_of(line, scene))
        if listed.amount is not None:
            return begun(line, scene, listed)
        plan.start = _start(line, scene, listed)
    return _run(line, scene, plan, plan.start)


def begun(line: BasketLine, scene: Scene, listed: Listed) -> Running:
    """Begin a line at a list price that is known; rounded as a line, then kept exact."""
    plan = plan_of(line.offer, scene)
    return _run(line, scene, plan, _start(line, scene, listed), listed.amount)


def _start(line: BasketLine, scene: Scene, listed: Listed) -> Start:
    currency, theirs = scene.currency, line.offer.currency
    sentence = f"{listed.words} {say(listed.unit, currency)} for one {line.unit}"
    if listed.amount is not None:
        sentence = f"{listed.words} {say(listed.amount, currency)} for the line"
    rate = scene.rate_of(theirs)
    if rate != 1:
        sentence += f", at {say_number(rate)} {currency} for 1 {theirs}"
    shown = quantized(listed.unit, scene.rounding.list_digits, "ROUND_HALF_UP")
    return Start(listed.unit, shown, f"{sentence}.", listed.note)


def _run(
    line: BasketLine, scene: Scene, plan: Plan, start: Start, amount: Decimal | None = None
) -> Running:
    """Begin the run of a line; with an amount of its own it has no unit price."""
    unit = start.unit if amount is None else None
    amount = start.unit * line.count if amount is None else amount
    total = scene.rounding.line(amount)
    run = Running(line, plan, start.shown, total, unit, total)
    book = scene.book.book
    rule = (book.id, book.version)
    run.take("list_price", rule, start.sentence, (unit, amount), note=start.note)
    return run


# ---- what the book takes off


def _contracted(run: Running, scene: Scene) -> bool:
    """Take the contracted price; say whether it stands in place of the stages below."""
    applied = apply_rules(run, scene, "contracted_price")
    if not applied or all(rule.stackable for rule in applied):
        return False
    for stage in BELOW_CONTRACT:
        for group in scene.book.groups.get(stage, ()):
            for rule in candidates(group, run.line.offer, scene):
                why = "a contracted price stands"
                run.skipped.append((stage, rule.id, rule.version, why))
    return True


def apply_rules(run: Running, scene: Scene, stage: RuleStage) -> list[Rule]:
    """Apply the groups of a stage in turn; return the rules that applied."""
    applied: list[Rule] = []
    for planned in run.plan.stages.get(stage, ()):
        # What percentages are of where they are added up: the price before the group.
        base = (run.unit, run.amount) if planned.is_added else None
        matches, skipped = planned.decided or select(planned, run, scene, base)
        run.skipped += skipped
        for rule, change, words in matches:
            if isinstance(change, FreeGoods):
                _give(run, stage, rule, change)
            elif isinstance(change, SlabOff) and not change.fits(run.unit):
                run.skipped.append((stage, rule.id, rule.version, NO_UNIT))
                continue
            else:
                price = run.after(change, scene, rule.currency, base)
                run.take(stage, (rule.id, rule.version), f"{rule.name}: {words}.", price)
            applied.append(rule)
    return applied


def _give(run: Running, stage: RuleStage, rule: Rule, gift: FreeGoods) -> None:
    """Note free goods; they become lines of their own when all lines are priced."""
    times = abs(run.line.base) // gift.per
    quantity = gift.quantity * (times if gift.repeat else min(times, Decimal(1)))
    if gift.at_most is not None:
        quantity = min(quantity, gift.at_most)
    if not quantity:
        why = f"fewer than {say_number(gift.per)} on the line"
        run.skipped.append((stage, rule.id, rule.version, why))
        return
    sku = gift.sku or run.line.sku
    words = f"{rule.name}: {say_number(quantity)} of {sku} free of charge."
    run.take(stage, (rule.id, rule.version), words, (run.unit, run.amount))
    run.gifts = (*run.gifts, Gift(sku, quantity, (rule.id, rule.version), words))


def _tiers(run: Running, scene: Scene) -> None:
    """Take the tiers of the price model in the stage `volume`; the first is the list price."""
    price, entry = run.line.offer.source.price, run.line.offer.entry
    if type(price) is Tiered and len(price.tiers) > 1 and not price.has_flat_fees:
        quantity = run.line.base
        unit, amount = whole(run.line, scene, source_of(run.line, scene))
        if unit is not None:
            words = f"Volume price for {say_number(quantity)}:"
            words += f" {say(unit, scene.currency)} for each."
        else:
            words = f"Graduated price for {say_number(quantity)}: each unit at its own tier."
        if amount != run.amount:
            run.take("volume", (run.line.sku, None), words, (unit, amount))
    if entry.minimum is not None or entry.maximum is not None:
        least, most = (
            None if each is None else scene.money(each, entry.currency)
            for each in (entry.minimum, entry.maximum)
        )
        unit, amount = run.within(least, most)
        if amount != run.amount:
            kind = "least" if abs(amount) > abs(run.amount) else "most"
            words = f"The {kind} that this line comes to: {say(amount, scene.currency)}."
            run.take("volume", (run.line.sku, None), words, (unit, amount))


# ---- rounding


def _round(run: Running, scene: Scene) -> None:
    """Round the net unit price once, and the line; the difference is a step of its own."""
    if run.unit is not None:
        unit = scene.rounding.unit(run.unit)
        total = scene.rounding.line(unit * run.line.count)
    else:
        unit, total = None, scene.rounding.line(run.amount)
    if total == run.amount:
        run.unit, run.amount = unit, total
        return
    words = f"Rounded to {say(total, scene.currency)}."
    if unit is not None:
        words = f"Rounded: {say(unit, scene.currency)} for each, {say(total, scene.currency)}."
    run.take("rounding", ("rounding", None), words, (unit, total))


def net_unit(run: Running, scene: Scene) -> Decimal:
    """Return the net price of one unit; derived where a share of the quote's discount is in it."""
    digits = scene.rounding.unit_digits
    if run.unit is not None:
        return quantized(run.unit, digits, "ROUND_HALF_UP")
    if not run.line.count:
        return quantized(run.list_unit, digits, "ROUND_HALF_UP")
    return quantized(ROUNDS.divide(run.amount, run.line.count), digits, "ROUND_HALF_UP")
