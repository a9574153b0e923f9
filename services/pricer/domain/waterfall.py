"""The price waterfall of one line: a fixed order of stages, every step kept.

The order is the engine's version (`ENGINE`), what happens in a stage is the book's. Exact
arithmetic between the named rounding points: list price (after FX), net unit price, line.
"""

from decimal import Decimal

from contracts.values import EXACT
from services.pricer.domain import granted, guardrail
from services.pricer.domain.ask import BasketLine
from services.pricer.domain.book import CostPlus, PerUnit, RuleStage, Tier, Tiered
from services.pricer.domain.matching import select
from services.pricer.domain.running import Change, Running
from services.pricer.domain.scene import ROUNDS, Scene, quantized
from services.pricer.domain.trace import Skipped, Step, say, say_number

ENGINE = "waterfall/1"
STAGES = (
    "list_price",
    "contracted_price",
    "volume",
    "segment",
    "bundle",
    "sales_discount",
    "guardrail",
    "rounding",
    "header_discount",
    "second_guardrail",
)
"""Totals follow. After `bundle` it is the regular price, after `rounding` the net unit price."""

BELOW_CONTRACT: tuple[RuleStage, ...] = ("volume", "segment", "bundle")


class NoCost(Exception):
    """A cost is needed and the book has none."""

    def __init__(self, line: BasketLine) -> None:
        super().__init__(line.sku)
        self.line = line


def price_line(line: BasketLine, scene: Scene) -> Running:
    """Take one line from its list price to its rounded net price, before discounts on the quote.

    Raises: NoCost; RuleConflict; decimal.Inexact, if 60 digits do not hold the price.
    """
    run = at_list(line, scene)
    if _rules(run, scene, "contracted_price"):
        _pass_over(run, scene)
    else:
        _tiers(run, scene)
        for stage in BELOW_CONTRACT:
            _rules(run, scene, stage)
    run.regular = run.amount
    granted.before_rounding(run, scene)
    guardrail.first_pass(run, scene)
    _round(run, scene)
    return run


# ---- list price


def at_list(line: BasketLine, scene: Scene) -> Running:
    """Begin a line at its list price.   Raises: NoCost; decimal.Inexact."""
    if line.entry.cost is None:
        raise NoCost(line)
    policy = scene.book.book.rounding
    raw, words, note = _list_price(line, line.entry.cost, scene)
    unit = scene.round_at(raw, policy.list)
    amount = EXACT.multiply(unit, line.quantity)
    total = scene.round_line(amount)
    run = Running(
        line=line,
        list_unit=quantized(unit, scene.digits_of(policy.list), "ROUND_HALF_UP"),
        list_total=total,
        unit=unit,
        amount=total,
    )
    sentence = f"{words} {say(unit, scene.currency)} for one {line.entry.unit}"
    if scene.rate != 1:
        book = scene.book.book.currency
        sentence += f", at {say_number(scene.rate)} {scene.currency} for 1 {book}"
    pin = scene.book.pin
    step = run.step("list_price", (pin.id, pin.version), amount, f"{sentence}.")
    run.move(step._replace(note=note), unit)
    return run


def _list_price(line: BasketLine, cost: Decimal, scene: Scene) -> tuple[Decimal, str, str | None]:
    """Return the list price of one unit, in words too, and what we keep to ourselves."""
    match line.entry.price:
        case PerUnit(amount=amount):
            return scene.money(amount), "List price", None
        case Tiered(tiers=tiers):
            return scene.money(tiers[0].unit), "List price (first tier)", None
        case CostPlus(markup_on_cost=markup) if markup is not None:
            raw = EXACT.add(cost, markup.of(cost))
            note = f"cost {cost:f} {scene.book.book.currency} plus {markup} markup on cost"
            return scene.money(raw), "List price (calculated)", note
        case CostPlus(margin_on_price=margin) if margin is not None:
            digits = scene.digits_of(scene.book.book.rounding.list)
            raw = guardrail.price_for_margin(scene.money(cost), margin, digits)
            note = f"cost {cost:f} {scene.book.book.currency}, {margin} margin on price"
            return raw, "List price (calculated)", note
    raise NoCost(line)


# ---- what the book takes off


def _rules(run: Running, scene: Scene, stage: RuleStage) -> bool:
    """Apply the groups of a stage in turn; say whether any rule applied."""
    applied = False
    for group in scene.book.groups.get(stage, ()):

        def amount_after(change: Change) -> Decimal:
            return run.after(change, scene)[1]

        matches, skipped = select(group, run.line, scene, amount_after)
        run.skipped.extend(skipped)
        for rule, change, words in matches:
            unit, amount = run.after(change, scene)
            sentence = f"{rule.name}: {words}."
            run.move(run.step(stage, (rule.id, rule.version), amount, sentence), unit)
            applied = True
    return applied


def _pass_over(run: Running, scene: Scene) -> None:
    for stage in BELOW_CONTRACT:
        for group in scene.book.groups.get(stage, ()):
            for rule in scene.book.candidates(group, run.line.entry):
                why = "a contracted price stands"
                run.skipped.append(Skipped(stage, rule.id, rule.version, why))


def _tiers(run: Running, scene: Scene) -> None:
    """Take the tiers of the price model in the stage `volume`; the first is the list price."""
    price = run.line.entry.price
    if not isinstance(price, Tiered) or len(price.tiers) == 1:
        return
    quantity = run.line.quantity
    units = [(tier, _tier_unit(tier, scene)) for tier in price.tiers]
    unit: Decimal | None
    if price.mode == "volume":
        unit = next(each for tier, each in units if tier.up_to is None or quantity <= tier.up_to)
        amount = EXACT.multiply(unit, quantity)
        words = f"Volume price for {say_number(quantity)}: {say(unit, scene.currency)} for each."
    else:
        unit, amount = None, graduated(quantity, [(tier.up_to, each) for tier, each in units])
        words = f"Graduated price for {say_number(quantity)}: each unit at its own tier."
    if amount != run.amount:
        run.move(run.step("volume", (run.line.sku, None), amount, words), unit)


def _tier_unit(tier: Tier, scene: Scene) -> Decimal:
    return scene.round_at(scene.money(tier.unit), scene.book.book.rounding.list)


def graduated(quantity: Decimal, tiers: list[tuple[Decimal | None, Decimal]]) -> Decimal:
    """Price each unit at its own tier; bounds are inclusive, the last tier is open.

    >>> graduated(Decimal(12), [(Decimal(10), Decimal(100)), (None, Decimal(90))])
    Decimal('1180')
    """
    amount, below = Decimal(0), Decimal(0)
    for up_to, unit in tiers:
        top = quantity if up_to is None else min(quantity, up_to)
        if top > below:
            amount = EXACT.add(amount, EXACT.multiply(EXACT.subtract(top, below), unit))
            below = top
    return amount


# ---- rounding


def _round(run: Running, scene: Scene) -> None:
    """Round the net unit price once, and the line; the difference is a step of its own."""
    if run.unit is not None:
        unit = scene.round_at(run.unit, scene.book.book.rounding.unit)
        total = scene.round_line(EXACT.multiply(unit, run.line.quantity))
        words = f"Rounded: {say(unit, scene.currency)} for each, {say(total, scene.currency)}."
    else:
        unit, total = None, scene.round_line(run.amount)
        words = f"Rounded to {say(total, scene.currency)}."
    step: Step = run.step("rounding", ("rounding", None), total, words)
    if step.amount:
        run.move(step, unit)
    else:
        run.unit, run.amount = unit, total


def net_unit(run: Running, scene: Scene) -> Decimal:
    """Return the net price of one unit; derived where a share of the quote's discount is in it."""
    digits = scene.digits_of(scene.book.book.rounding.unit)
    if run.unit is not None:
        return quantized(run.unit, digits, "ROUND_HALF_UP")
    return quantized(ROUNDS.divide(run.amount, run.line.quantity), digits, "ROUND_HALF_UP")
