"""Lines that are a percentage of other lines: in which order they are priced, and of what.

Such a line goes through the whole waterfall like any other, once everything that it hangs on has
a price. Those whose basis is `final` come after the discounts on the quote.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from services.pricer.domain.asks.basket import BasketLine
from services.pricer.domain.asks.scene import Scene, exact_sum
from services.pricer.domain.asks.trace import say, say_number
from services.pricer.domain.books.price_models import PercentOfTotal
from services.pricer.domain.waterfall.charging import Listed, is_percent_of_total
from services.pricer.domain.waterfall.running import Running

# Who reads a sentence wants to know of what it is a percentage, not to read a parts list.
NAMED_MAX = 8


class NoBasis(Exception):
    """A line is a percentage of nothing, or of lines that have no price; the message says which."""


def model_of(line: BasketLine) -> PercentOfTotal:
    """Return the price model of a line that is a percentage of others."""
    price = line.offer.source.price
    if not isinstance(price, PercentOfTotal):
        raise TypeError(f"{line.sku} is no percentage of others")
    return price


def hangs_on(line: BasketLine, lines: Iterable[BasketLine]) -> list[BasketLine]:
    """Return the lines that a percentage is taken of: in its scope, and not itself.

    A scope that names nothing means all lines that are not percentages themselves.
    """
    model = model_of(line)
    everything = not model.skus and not model.categories
    return [
        each
        for each in lines
        if each.number != line.number
        and each.sku != line.sku
        and (model.within == "quote" or each.item_id == line.item_id)
        and not (everything and is_percent_of_total(each))
        and each.offer.covered(model.skus, model.categories)
    ]


def in_order(lines: Sequence[BasketLine]) -> tuple[list[BasketLine], list[BasketLine]]:
    """Order the percentages among the lines so that each comes after what it hangs on.

    Returns them, and those that hang on one another in a circle, which have no price.
    """
    waiting = {each.number: each for each in lines if is_percent_of_total(each)}
    needs = {
        number: {each.number for each in hangs_on(line, lines)} & waiting.keys()
        for number, line in waiting.items()
    }
    ordered: list[BasketLine] = []
    while ready := [number for number, left in needs.items() if not left]:
        for number in ready:
            ordered.append(waiting[number])
            del needs[number]
        for left in needs.values():
            left.difference_update(ready)
    return ordered, [waiting[number] for number in needs]


def comes_late(line: BasketLine, lines: Sequence[BasketLine], late: set[int]) -> bool:
    """Say whether a line waits for the discounts on the quote, by itself or for what it is of."""
    if model_of(line).basis == "final":
        return True
    return any(each.number in late for each in hangs_on(line, lines))


def listed(line: BasketLine, scene: Scene, runs: dict[int, Running]) -> Listed:
    """Return the list price of one unit of the line: its share of what its basis comes to.

    Raises: NoBasis; NoRate.
    """
    model = model_of(line)
    basis = hangs_on(line, scene.lines)
    if missing := [each for each in basis if each.number not in runs]:
        text = f"{line.sku} is a percentage of {missing[0].sku}, which has no price"
        raise NoBasis(f"{text}; mend that line first")
    if not basis and model.minimum is None:
        text = f"{line.sku} is a percentage of other parts, and none of them is in the quote"
        raise NoBasis(f"{text}; add one, or drop it")
    amounts = [_amount(runs[each.number], model) for each in basis]
    total = exact_sum(amounts)
    raw, held = _within_limits(model.percent.of(total), line, scene)
    unit = scene.rounding.list(raw)
    share = f"{say_number(model.percent.root)} % of {say(total, scene.currency)}"
    return Listed(unit, None, f"{share} ({_names(basis)}){held}:", None)


def _within_limits(share: Decimal, line: BasketLine, scene: Scene) -> tuple[Decimal, str]:
    """Return the share held between the least and the most, and the limit that held it."""
    model, currency, held = model_of(line), line.offer.currency, ""
    if model.minimum is not None and share < (least := scene.money(model.minimum, currency)):
        share, held = least, f", at least {say(least, scene.currency)}"
    if model.maximum is not None and share > (most := scene.money(model.maximum, currency)):
        share, held = most, f", at most {say(most, scene.currency)}"
    return share, held


def _names(basis: Iterable[BasketLine]) -> str:
    """Name the parts that a percentage is of; of very many the first."""
    names = sorted({each.sku for each in basis})
    more = len(names) - NAMED_MAX
    if more > 1:
        return f"{', '.join(names[:NAMED_MAX])} and {more} more parts"
    return ", ".join(names) or "nothing yet"


def _amount(run: Running, model: PercentOfTotal) -> Decimal:
    match model.basis:
        case "list":
            return run.list_total
        case "regular":
            return run.regular
        case "net":
            return run.net
    return run.amount
