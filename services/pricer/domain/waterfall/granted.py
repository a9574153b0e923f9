"""What sellers grant: percentages and manual prices before rounding, amounts after it.

What is asked for a part stands in place of what is asked for its item; what is asked for the quote
comes on top. An amount is taken off rounded lines and shared by largest remainder, so it comes off
to the last minor unit.
"""

from collections.abc import Sequence
from decimal import Decimal

from contracts.pricing import DiscountAsk, LineProblem
from services.pricer.domain.asks.ask import problem
from services.pricer.domain.asks.basket import BasketLine
from services.pricer.domain.asks.rounding import quantized
from services.pricer.domain.asks.scene import Scene, exact_sum
from services.pricer.domain.asks.trace import say, say_number
from services.pricer.domain.waterfall.header import share_out
from services.pricer.domain.waterfall.running import Running

SALES = ("sales", None)
AMOUNT = "amount_discount"
HEADER = "header_discount"


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
        run.take("sales_discount", SALES, words, (run.unit, run.amount))
        return
    factor = 1 - ask.percent.fraction
    unit = None if run.unit is None else run.unit * factor
    target = "part" if ask.sku else "item"
    words = f"Sales discount on the {target}: {say_number(ask.percent.root)} % off."
    run.given = -run.take("sales_discount", SALES, words, (unit, run.amount * factor))


def _manual_price(run: Running, unit: Decimal, scene: Scene) -> None:
    """Set the price of each unit by hand; the floors below look at it as at any other."""
    words = f"Manual price of the seller: {say(unit, scene.currency)} for each unit."
    price = unit, unit * run.line.count
    more = run.take("manual_price", SALES, words, price, basis="unit")
    # A higher price on one part is nothing that others could be lowered by.
    run.given = max(-more, Decimal(0))


def after_rounding(scene: Scene, runs: Sequence[Running]) -> list[LineProblem]:
    """Take the discounts by amount off parts and items, then the one on the quote.

    Returns what can not be taken off, because there is not so much.
    """
    problems = []
    for (item_id, sku), ask in scene.granted.items():
        if ask.amount is not None:
            reached = [
                run
                for run in runs
                if run.line.item_id == item_id and ask_for(run.line, scene) is ask
            ]
            text = f"the discount on the {'part' if sku else 'item'}"
            problems += _take(ask.amount.amount, reached, (AMOUNT, text), scene)
    return problems or _off_quote(scene, runs)


def _off_quote(scene: Scene, runs: Sequence[Running]) -> list[LineProblem]:
    ask = scene.on_quote
    if ask is None:
        return []
    if ask.amount is not None:
        return _take(ask.amount.amount, runs, (HEADER, "the discount on the quote"), scene)
    if not ask.percent.root:
        return []
    reached = _reached(runs)
    whole = exact_sum([run.amount for run in reached])
    amount = quantized(ask.percent.of(whole), scene.rounding.line_digits, scene.rounding.line_mode)
    text = f"the discount of {say_number(ask.percent.root)} % on the quote"
    _share(amount, reached, (HEADER, text), scene)
    return []


def _reached(runs: Sequence[Running]) -> list[Running]:
    return [run for run in runs if run.line.offer.discountable and not run.line.free]


def _take(
    amount: Decimal, runs: Sequence[Running], said: tuple[str, str], scene: Scene
) -> list[LineProblem]:
    """Take an amount off the lines that sellers may discount and that cost something."""
    reached = [run for run in _reached(runs) if run.amount > 0]
    whole = exact_sum(run.amount for run in reached)
    if amount > whole:
        text = f"{said[1]} takes off {say(amount, scene.currency)}, and there is only"
        text += f" {say(whole, scene.currency)} to discount; ask for less"
        return [problem("discount_exceeds", text, "discounts")]
    if amount:
        _share(amount, reached, said, scene)
    return []


def _share(
    amount: Decimal, reached: Sequence[Running], said: tuple[str, str], scene: Scene
) -> None:
    stage, text = said
    parts = share_out(scene, reached, amount, (*SALES, text), stage)
    for run, part in zip(reached, parts, strict=True):
        run.given += part
