"""What a price model comes to for one line: the list price, and the amount at its quantity."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from contracts.values import EXACT, Percent
from services.pricer.domain.asks.basket import BasketLine
from services.pricer.domain.asks.engines import WATERFALL_1
from services.pricer.domain.asks.rounding import ROUNDS, quantized
from services.pricer.domain.asks.scene import Scene
from services.pricer.domain.asks.trace import say, say_number
from services.pricer.domain.books.allocation import to_multiple
from services.pricer.domain.books.counting import graduated, packages
from services.pricer.domain.books.price_models import (
    Block,
    CostPlus,
    Package,
    PackageTiers,
    PercentOfTotal,
    PerUnit,
    PriceModel,
    PricePoint,
    Tier,
    Tiered,
)

ZERO, ONE = Decimal(0), Decimal(1)


class NoCost(Exception):
    """A cost is needed and the book has none."""

    def __init__(self, line: BasketLine) -> None:
        super().__init__(line.sku)
        self.line = line


class NoPriceForQuantity(Exception):
    """The price model ends below the quantity; the message says where."""


class OffScale(Exception):
    """An amount above zero becomes nothing at the point `list`; the message says what to do."""


class Listed(NamedTuple):
    """The list price of one stated unit; `amount` is the line's, where the model has only that.

    `words` begin its sentence, `note` is for our own eyes.
    """

    unit: Decimal
    amount: Decimal | None
    words: str
    note: str | None


@dataclass(frozen=True, slots=True)
class Source:
    """Where the amounts of a model come from: their rate, and what a derived book makes of them.

    `cost` is one base unit's, in the quote's currency.
    """

    price: PriceModel
    cost: Decimal | None
    rate: Decimal
    note: str = ""
    factor: Decimal = ONE
    points: tuple[PricePoint, ...] = ()

    def money(self, amount: Decimal) -> Decimal:
        """Return an amount of the model in the quote's currency, exactly."""
        return self.adjusted(amount) * self.rate

    def adjusted(self, amount: Decimal) -> Decimal:
        """Return what a derived book makes of an amount."""
        if self.factor != ONE:
            amount *= self.factor
        for point in self.points:
            amount = to_multiple(amount, point.multiple, point.mode)
            if point.add is not None:
                amount += point.add
        return amount


def source_of(line: BasketLine, scene: Scene) -> Source:
    """Return the source of a line's list price.   Raises: NoRate."""
    offer = line.offer
    above = offer.source
    cost, note = None, ""
    if above.cost is not None and isinstance(above.price, CostPlus):
        currency = above.currency or offer.currency
        cost = scene.money(above.cost, currency)
        note = f"cost {above.cost:f} {currency}"
    rate = scene.rate_of(offer.currency)
    return Source(above.price, cost, rate, note, offer.factor, offer.points)


def list_price(line: BasketLine, scene: Scene, source: Source) -> Listed:
    """Return the list price of one unit, in words too, and what we keep to ourselves.

    Raises: NoCost; NoPriceForQuantity.
    """
    match source.price:
        case PerUnit(amount=amount):
            return Listed(_stated(source.money(amount), line, scene), None, "List price", None)
        case Tiered(tiers=tiers) as tiered:
            unit = _stated(source.money(tiers[0].unit), line, scene)
            if tiered.has_flat_fees:
                amount = whole(line, scene, source)[1]
                return Listed(unit, amount, "List price (tiers with flat fees)", None)
            return Listed(unit, None, "List price (first tier)", None)
        case CostPlus() as model:
            raw, note = _cost_plus(model, line, scene, source)
            return Listed(_stated(raw, line, scene), None, "List price (calculated)", note)
        case Block():
            return _amount_listed(line, scene, source, "List price (block)")
        case Package() | PackageTiers():
            return _amount_listed(line, scene, source, "List price (packages)")
    raise NoPriceForQuantity(f"{line.sku} has no list price of its own; price it with its basis")


def whole(line: BasketLine, scene: Scene, source: Source) -> tuple[Decimal | None, Decimal]:
    """Return the unit price (None: there is only an amount) and the amount of the line.

    Raises: NoCost; NoPriceForQuantity.
    """
    size = abs(line.base)
    match source.price:
        case Tiered(mode="volume", tiers=tiers):
            tier = _tier(size, tiers, line)
            unit = _stated(source.money(tier.unit), line, scene)
            amount = unit * line.count
            if not tier.flat:
                return unit, amount
            return None, amount + _signed(_listed(tier.flat, scene, source), line)
        case Tiered(tiers=tiers):
            return None, _signed(_graduated(size, tiers, line, scene, source), line)
        case Block() as block:
            return None, _signed(_block(block, size, line, scene, source), line)
        case Package() as package:
            return None, _signed(_package(package, size, scene, source), line)
        case PackageTiers() as model:
            return None, _signed(_package_tiers(model, size, line, scene, source), line)
    unit = list_price(line, scene, source).unit
    return unit, unit * line.count


def price_for_margin(cost: Decimal, margin: Percent, digits: int) -> Decimal:
    """Return the smallest price of so many decimals that leaves the margin (below 100 %).

    >>> price_for_margin(Decimal(27300), Percent("15"), 2)
    Decimal('32117.65')
    """
    rest = EXACT.subtract(ONE, margin.fraction)
    return quantized(ROUNDS.divide(cost, rest), digits, ROUND_CEILING)


def _stated(base_unit: Decimal, line: BasketLine, scene: Scene) -> Decimal:
    """Return the price of one stated unit, rounded at the point `list`."""
    raw = base_unit if line.each == ONE else base_unit * line.each
    return _at_list(raw, scene)


def _listed(amount: Decimal, scene: Scene, source: Source) -> Decimal:
    return _at_list(source.money(amount), scene)


def _at_list(raw: Decimal, scene: Scene) -> Decimal:
    """Round at the point `list`; what is something does not become nothing.   Raises: OffScale."""
    found = scene.rounding.list(raw)
    if not found and raw and scene.engine.name != WATERFALL_1.name:
        text = f"{say(raw, scene.currency)} rounds to nothing at the point `list`"
        raise OffScale(f"{text}; give `rounding.list` more decimals in the price book")
    return found


def _signed(amount: Decimal, line: BasketLine) -> Decimal:
    return -amount if line.base < 0 else amount


def _amount_listed(line: BasketLine, scene: Scene, source: Source, words: str) -> Listed:
    amount = whole(line, scene, source)[1]
    unit = ROUNDS.divide(amount, line.count) if line.count else amount
    digits = scene.rounding.list_digits
    return Listed(quantized(unit, digits, "ROUND_HALF_UP"), amount, words, None)


def _cost_plus(
    model: CostPlus, line: BasketLine, scene: Scene, source: Source
) -> tuple[Decimal, str]:
    """Return the price of one base unit by its cost, and how; never below the floor."""
    if source.cost is None:
        raise NoCost(line)
    if model.markup_on_cost is not None:
        raw = source.cost + model.markup_on_cost.of(source.cost)
        note = f"{source.note} plus {model.markup_on_cost} markup on cost"
    elif model.margin_on_price is not None:
        digits = scene.rounding.list_digits
        raw = price_for_margin(source.cost, model.margin_on_price, digits)
        note = f"{source.note}, {model.margin_on_price} margin on price"
    else:
        raise NoCost(line)
    raw = source.adjusted(raw)
    if model.floor is not None and raw < (floor := source.money(model.floor)):
        return floor, f"{note}, lifted to its floor"
    return raw, note


def _tier(size: Decimal, tiers: tuple[Tier, ...], line: BasketLine) -> Tier:
    for tier in tiers:
        if tier.up_to is None or size <= tier.up_to:
            return tier
    raise _ends(tiers[-1].up_to or ZERO, "tiers", line)


def _graduated(
    size: Decimal, tiers: tuple[Tier, ...], line: BasketLine, scene: Scene, source: Source
) -> Decimal:
    _tier(size, tiers, line)
    exact = line.each != ONE  # a unit price that is not stated is not rounded
    steps = [
        (each.up_to, source.money(each.unit) if exact else _listed(each.unit, scene, source))
        for each in tiers
    ]
    amount = graduated(size, steps)
    below = ZERO
    for place, tier in enumerate(tiers):
        if tier.flat and (place == 0 or size > below):
            amount += _listed(tier.flat, scene, source)
        below = size if tier.up_to is None else tier.up_to
    return amount


def _block(block: Block, size: Decimal, line: BasketLine, scene: Scene, source: Source) -> Decimal:
    below = ZERO
    for step in block.blocks:
        if step.up_to is None or size <= step.up_to:
            amount = _listed(step.amount, scene, source)
            if step.overage_unit is None:
                return amount
            above = below if step.overage_above is None else step.overage_above
            over = max(size - above, ZERO)
            return amount + over * _listed(step.overage_unit, scene, source)
        below = step.up_to
    raise _ends(below, "blocks", line)


def _ends(most: Decimal, what: str, line: BasketLine) -> NoPriceForQuantity:
    text = f"{line.sku} has {what} up to {say_number(most)} {line.entry.unit}"
    return NoPriceForQuantity(f"{text}; lower the quantity, or let the price book say what is more")


def _package(package: Package, size: Decimal, scene: Scene, source: Source) -> Decimal:
    counted = max(size - (package.free_units or ZERO), ZERO)
    sold = packages(counted, package.size, package.rounding)
    return sold * _listed(package.amount, scene, source)


def _package_tiers(
    model: PackageTiers, size: Decimal, line: BasketLine, scene: Scene, source: Source
) -> Decimal:
    """Started packages count whole inside each tier, or, by volume, at the tier that is reached."""
    amount, below = ZERO, ZERO
    for tier in model.tiers:
        price = _listed(tier.amount, scene, source)
        reached = tier.up_to is None or size <= tier.up_to
        if model.mode == "volume":
            if reached:
                return packages(size, tier.size) * price
            continue
        top = size if tier.up_to is None else min(size, tier.up_to)
        if top > below:
            amount += packages(top - below, tier.size) * price
            below = top
        if reached:
            return amount
    raise _ends(below, "tiers", line)


def is_percent_of_total(line: BasketLine) -> bool:
    """Say whether a line is a percentage of others."""
    return isinstance(line.offer.source.price, PercentOfTotal)
