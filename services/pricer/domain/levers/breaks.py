"""What another quantity of an item would cost: at the next break, and at any quantity asked for.

Breaks are read from the book; what they save is told by the engine, which prices the ask again.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from contracts.pricing import LineProblem
from contracts.values import EXACT, MAX_QUANTITY, Money, Quantity, Value, rounded
from services.pricer.domain.asks.ask import BasketItem, PriceAsk, Priced, Unpriced, problem
from services.pricer.domain.asks.basket import BasketLine, lines_of
from services.pricer.domain.asks.engines import NEWEST
from services.pricer.domain.asks.rounding import ROUNDS, exactly
from services.pricer.domain.asks.scene import Scene, exact_sum, scene_of
from services.pricer.domain.books.book import FxTable
from services.pricer.domain.books.compiled import CompiledBook
from services.pricer.domain.books.rules import FreeGoods, QuantityBreaks, Rule, SetPrice
from services.pricer.domain.levers.solving import PriceOne
from services.pricer.domain.waterfall.conditions import elsewhere

# Each break is a price of the whole ask: so many of an item are looked at, the nearest first, and
# so many lines altogether.
BREAKS_MAX = 12
LINES_MAX = 40_000
FINEST_QUANTITY = Decimal("0.000001")


class NextBreak(Value):
    """The next quantity of an item at which something becomes cheaper.

    `more`: so many items more. `saves`: what that many items cost less than at today's price for
    each. `extra`: what the quote costs more than now; below zero, more items cost less.
    """

    item_id: str
    skus: tuple[str, ...]
    quantity: Quantity
    more: Quantity
    each_now: Money
    each_then: Money
    saves: Money
    extra: Money


class AtQuantity(Value):
    """What an item and the quote come to at a quantity, or why that can not be priced."""

    quantity: Quantity
    item_net: Money | None = None
    each: Money | None = None
    net: Money | None = None
    problems: tuple[LineProblem, ...] = ()


class NextBreaks(Value):
    """The next break of each item that has one; `left_off`: items that were not looked at."""

    breaks: tuple[NextBreak, ...]
    left_off: tuple[str, ...] = ()


def next_breaks(
    ask: PriceAsk, versions: tuple[CompiledBook, FxTable], price_one: PriceOne
) -> NextBreaks | Unpriced:
    """Return for each item the nearest quantity at which it becomes cheaper, if there is one.

    The work is bounded: in a quote of very many lines the last items may be left off, and are told.
    """
    now = price_one(ask)
    if isinstance(now, Unpriced):
        return now
    book, fx = versions
    with exactly():
        lines, _ = lines_of(ask, book)
    scene = scene_of(book, ask, fx, lines, NEWEST)
    left = max(LINES_MAX // len(lines), BREAKS_MAX)
    found, left_off = [], []
    for item in ask.items:
        if left < 1:
            left_off.append(item.item_id)
            continue
        steps = _quantities(item, scene)
        for quantity in sorted(steps)[: min(BREAKS_MAX, left)]:
            left -= 1
            then = price_one(with_quantity(ask, item.item_id, Quantity(quantity)))
            if not isinstance(then, Priced):
                continue
            told = _told(item, Quantity(quantity), steps[quantity], (now, then))
            if told.saves.amount > 0:
                found.append(told)
                break
    return NextBreaks(breaks=tuple(found), left_off=tuple(left_off))


def at_quantities(
    ask: PriceAsk, item_id: str, quantities: Sequence[Quantity], price_one: PriceOne
) -> list[AtQuantity] | Unpriced:
    """Return what an item would come to at other quantities; all else stays as it is.

    Unpriced, if there is no such item: what is not asked for would come to nothing.
    """
    items = sorted(each.item_id for each in ask.items)
    if item_id not in items:
        text = f"there is no item {item_id} in the quote; name one of {', '.join(items)}"
        return Unpriced((problem("item_unknown", text, "item_id"),))
    return [_at(ask, item_id, each, price_one) for each in quantities]


def _at(ask: PriceAsk, item_id: str, quantity: Quantity, price_one: PriceOne) -> AtQuantity:
    found = price_one(with_quantity(ask, item_id, quantity))
    if isinstance(found, Unpriced):
        return AtQuantity(quantity=quantity, problems=found.problems)
    net = _net(found, item_id)
    each = _each(net, quantity)
    return AtQuantity(quantity=quantity, item_net=net, each=each, net=found.totals.net)


def with_quantity(ask: PriceAsk, item_id: str, quantity: Quantity) -> PriceAsk:
    """Return the ask with another quantity of one item."""
    items = tuple(
        each.but({"quantity": quantity}) if each.item_id == item_id else each for each in ask.items
    )
    return ask.but({"items": items})


def _net(priced: Priced, item_id: str) -> Money:
    lines = (each.net_total for each in priced.lines if each.item_id == item_id)
    return Money.total(lines, priced.totals.currency)


def _each(net: Money, quantity: Quantity) -> Money:
    return rounded(ROUNDS.divide(net.amount, quantity.root), net.currency)


def _told(
    item: BasketItem, quantity: Quantity, skus: tuple[str, ...], prices: tuple[Priced, Priced]
) -> NextBreak:
    now, then = prices
    before, after = _net(now, item.item_id), _net(then, item.item_id)
    exact = ROUNDS.divide(EXACT.multiply(before.amount, quantity.root), item.quantity.root)
    same_price = rounded(exact, before.currency)
    return NextBreak(
        item_id=item.item_id,
        skus=skus,
        quantity=quantity,
        more=Quantity(EXACT.subtract(quantity.root, item.quantity.root)),
        each_now=_each(before, item.quantity),
        each_then=_each(after, quantity),
        saves=same_price - after,
        extra=then.totals.net - now.totals.net,
    )


# ---- where the breaks are


def _quantities(item: BasketItem, scene: Scene) -> dict[Decimal, tuple[str, ...]]:
    """Return the quantities of the item at which a tier or a break begins, and of which parts."""
    found: dict[Decimal, tuple[str, ...]] = {}
    for line in scene.by_item.get(item.item_id, ()):
        for last, counted in _lasts(line, scene):
            own = [each for each in counted if each.item_id == item.item_id]
            per_item = ROUNDS.divide(exact_sum(each.base for each in own), item.quantity.root)
            rest = exact_sum(each.base for each in counted if each.item_id != item.item_id)
            quantity = _first_above(EXACT.subtract(last, rest), per_item, item.quantity.root)
            if quantity is not None and line.sku not in found.get(quantity, ()):
                found[quantity] = (*found.get(quantity, ()), line.sku)
    return found


def _first_above(last: Decimal, per_item: Decimal, now: Decimal) -> Decimal | None:
    """Return the first whole number of items with more parts than `last`; None if now has."""
    if per_item <= 0 or last < EXACT.multiply(per_item, now):
        return None
    whole = ROUNDS.divide(last, per_item).to_integral_value(ROUND_FLOOR, context=ROUNDS)
    quantity = EXACT.add(whole, Decimal(1))
    return quantity if now < quantity <= MAX_QUANTITY else None


def _lasts(line: BasketLine, scene: Scene) -> Iterator[tuple[Decimal, Sequence[BasketLine]]]:
    """Give the last quantities before a tier or break, with the lines that are counted for it."""
    yield from ((last, [line]) for last in _up_tos(line.offer.source.price))
    for groups in scene.book.groups.values():
        for group in groups:
            for rule in scene.book.candidates(group, line.offer, scene.ask.account_id):
                if elsewhere(rule.when, scene) is None:
                    yield from _of_rule(rule, line, scene)


def _of_rule(
    rule: Rule, line: BasketLine, scene: Scene
) -> Iterator[tuple[Decimal, Sequence[BasketLine]]]:
    effect, wanted = rule.effect, rule.when.quantity
    if isinstance(effect, QuantityBreaks):
        counted = _counted(rule, effect.counted, line, scene)
        yield from ((last, counted) for last in _up_tos(effect))
    if isinstance(effect, SetPrice):
        yield from ((last, [line]) for last in _up_tos(effect.price))
    if isinstance(effect, FreeGoods):
        # The next time that something is given: just below it is the last without.
        times = EXACT.divide_int(line.base, effect.per)
        yield _below(EXACT.multiply(EXACT.add(times, Decimal(1)), effect.per)), [line]
    if wanted and wanted.at_least is not None:
        yield _below(wanted.at_least), _counted(rule, wanted.counted, line, scene)


def _counted(rule: Rule, counted: str, line: BasketLine, scene: Scene) -> Sequence[BasketLine]:
    if counted == "line":
        return [line]
    lines = scene.by_item[line.item_id] if counted == "item" else scene.lines
    scope = (rule.when.skus, rule.when.categories)
    return [each for each in lines if each.offer.covered(*scope)]


def _below(first: Decimal) -> Decimal:
    """Return the largest quantity below the first that counts; quantities are not finer."""
    return EXACT.subtract(first, FINEST_QUANTITY)


def _up_tos(priced: Any) -> Iterable[Decimal]:
    """Give the last quantities of whatever steps a price model or an effect has."""
    for name in ("tiers", "breaks", "blocks"):
        for each in getattr(priced, name, ()):
            if each.up_to is not None:
                yield each.up_to
