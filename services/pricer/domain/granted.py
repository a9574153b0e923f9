"""What sellers grant: percentages and manual prices before rounding, amounts after it.

What is asked for a part stands in place of what is asked for its item; what is asked for the quote
comes on top. An amount is taken off rounded lines and shared by largest remainder, so it comes off
to the last minor unit.
"""

from collections.abc import Sequence
from decimal import Decimal

from contracts.pricing import DiscountAsk, LineProblem
from contracts.values import EXACT, Money, allocate, minor_unit
from services.pricer.domain.ask import BasketLine, problem
from services.pricer.domain.book import MODES
from services.pricer.domain.running import Running
from services.pricer.domain.scene import Scene, exact_sum, quantized
from services.pricer.domain.trace import say, say_number

SALES = ("sales", None)


def ask_for(line: BasketLine, scene: Scene) -> DiscountAsk | None:
    """Return what is asked for a line: for its part, else for its item."""
    own = scene.granted.get((line.item_id, line.sku))
    return own or scene.granted.get((line.item_id, None))


def before_rounding(run: Running, scene: Scene) -> None:
    """Take a percentage off a line, or set its manual price; amounts follow after rounding."""
    ask = ask_for(run.line, scene)
    if ask is None:
        return
    if ask.unit_price is not None:
        _manual_price(run, ask.unit_price.amount, scene)
    elif ask.percent.root:
        _percent(run, ask)


def _percent(run: Running, ask: DiscountAsk) -> None:
    if not run.line.discountable:
        words = "No sales discount: this part is sold without discounts."
        run.move(run.step("sales_discount", SALES, run.amount, words), run.unit)
        return
    factor = EXACT.subtract(Decimal(1), ask.percent.fraction)
    unit = None if run.unit is None else EXACT.multiply(run.unit, factor)
    target = "part" if ask.sku else "item"
    words = f"Sales discount on the {target}: {say_number(ask.percent.root)} % off."
    step = run.step("sales_discount", SALES, EXACT.multiply(run.amount, factor), words)
    run.given = EXACT.minus(step.amount)
    run.move(step, unit)


def _manual_price(run: Running, unit: Decimal, scene: Scene) -> None:
    """Set the price of each unit by hand; the floors below look at it as at any other."""
    amount = EXACT.multiply(unit, run.line.quantity)
    words = f"Manual price of the seller: {say(unit, scene.currency)} for each unit."
    step = run.step("manual_price", SALES, amount, words)
    # A higher price on one part is nothing that others could be lowered by.
    run.given = max(EXACT.minus(step.amount), Decimal(0))
    run.move(step._replace(basis="unit"), unit)


def after_rounding(scene: Scene, runs: Sequence[Running]) -> list[LineProblem]:
    """Take the discounts by amount off parts and items, then the one on the quote.

    Returns what can not be taken off, because there is not so much.
    """
    problems = []
    for (item_id, sku), ask in scene.granted.items():
        if item_id is None or ask.amount is None:
            continue
        reached = [
            run for run in runs if run.line.item_id == item_id and ask_for(run.line, scene) is ask
        ]
        words = f"the discount on the {'part' if sku else 'item'}"
        problems += _share_out(ask.amount.amount, reached, ("amount_discount", words), scene)
    return problems or _off_quote(scene, runs)


def _off_quote(scene: Scene, runs: Sequence[Running]) -> list[LineProblem]:
    ask = scene.granted.get((None, None))
    if ask is None:
        return []
    if ask.amount is not None:
        words = "the discount on the quote"
        return _share_out(ask.amount.amount, runs, ("header_discount", words), scene)
    whole = exact_sum(run.amount for run in _reached(runs))
    exact = EXACT.multiply(whole, ask.percent.fraction)
    amount = quantized(exact, minor_unit(scene.currency), MODES[scene.book.book.rounding.line])
    words = f"the discount of {say_number(ask.percent.root)} % on the quote"
    if not ask.percent.root:
        return []
    return _share_out(amount, runs, ("header_discount", words), scene)


def _reached(runs: Sequence[Running]) -> list[Running]:
    return [run for run in runs if run.line.discountable]


def _share_out(
    amount: Decimal, runs: Sequence[Running], said: tuple[str, str], scene: Scene
) -> list[LineProblem]:
    """Take an amount off lines, by largest remainder over what they come to."""
    stage, what = said
    reached = _reached(runs)
    whole = exact_sum(run.amount for run in reached)
    if amount > whole:
        text = f"{what} takes off {say(amount, scene.currency)}, and there is only"
        text += f" {say(whole, scene.currency)} to discount; ask for less"
        return [problem("discount_exceeds", text, "discounts")]
    if not reached:
        return []
    parts = allocate(Money.of(amount, scene.currency), [run.amount for run in reached])
    words = f"Share of {what} ({say(amount, scene.currency)} over {len(reached)} lines)."
    if len(reached) == 1 and stage == "amount_discount":
        words = f"{what.capitalize()}: {say(amount, scene.currency)} off."
    for run, part in zip(reached, parts, strict=True):
        step = run.step(stage, SALES, EXACT.subtract(run.amount, part.amount), words)
        run.given = EXACT.add(run.given, part.amount)
        run.move(step._replace(basis="quote" if stage == "header_discount" else "line"), None)
    return []
