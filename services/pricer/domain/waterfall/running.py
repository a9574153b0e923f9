"""A line on its way down the waterfall: the running price and every step taken."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from contracts.pricing import GuardrailBreach
from contracts.values import EXACT, Percent
from services.pricer.domain.asks.basket import BasketLine
from services.pricer.domain.asks.rounding import rounds_at
from services.pricer.domain.asks.scene import Scene
from services.pricer.domain.asks.trace import Basis, Skipped, Step
from services.pricer.domain.books.allocation import to_multiple
from services.pricer.domain.books.book import Guardrail
from services.pricer.domain.books.rules import (
    AmountOff,
    LineLimits,
    MarginFloor,
    Markup,
    PercentOff,
    RoundTo,
    SetPrice,
    UnitPrice,
)
from services.pricer.domain.waterfall.charging import NoCost, Source, price_for_margin, whole
from services.pricer.domain.waterfall.effects import Factor

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class SlabOff:
    """Percentages of each slab's own units, or amounts, resolved to what the line has off.

    `units` is the sum of quantity and fraction off, `amount` an amount of the line.
    """

    units: Decimal
    amount: Decimal

    def fits(self, unit: Decimal | None) -> bool:
        """Say whether it can be taken: percentages of units need a unit price."""
        return unit is not None or not self.units


class Gift(NamedTuple):
    """So many of a part for nothing, by which rule, and in words."""

    sku: str
    quantity: Decimal
    rule: tuple[str, int | None]
    words: str


Change = (
    Factor
    | PercentOff
    | AmountOff
    | UnitPrice
    | SetPrice
    | Markup
    | MarginFloor
    | RoundTo
    | LineLimits
    | SlabOff
)
Price = tuple[Decimal | None, Decimal]
"""A unit price (None: the line has one amount) and the amount of the line."""


@dataclass(slots=True)
class Running:
    """The running price of one line, exact until a named rounding point.

    `unit` is the price of each unit, or None where the line has one amount (graduated tiers).
    `amount` is always the amount of the whole line; `net` and `net_unit` are what they were before
    discounts on the quote. Local to one pricing; never shared.
    """

    line: BasketLine
    list_unit: Decimal
    list_total: Decimal
    unit: Decimal | None
    amount: Decimal
    steps: list[Step] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    breaches: list[GuardrailBreach] = field(default_factory=list)
    floors: list[tuple[Guardrail, Decimal]] = field(default_factory=list)
    regular: Decimal = ZERO
    given: Decimal = ZERO
    net: Decimal = ZERO
    net_unit: Decimal | None = None
    gifts: list[Gift] = field(default_factory=list)

    def after(
        self,
        change: Change,
        scene: Scene,
        currency: str | None = None,
        base: Price | None = None,
    ) -> Price:
        """Return unit and line amount after a change; an amount off stops at zero.

        Amounts of the change are in `currency` (None: the book's). Percentages are of `base`, where
        they are added up, else of the running price.   Raises: NoCost; NoRate.
        """
        match change:
            case Factor(factor=factor):
                unit = None if self.unit is None else EXACT.multiply(self.unit, factor)
                return unit, EXACT.multiply(self.amount, factor)
            case PercentOff():
                return self._percent_off(change, scene, base)
            case AmountOff(amount=amount, per=per):
                money = scene.money(amount, currency)
                if per == "line":
                    return None, self._less(money)
                off = EXACT.multiply(money, self.line.each)
                rest = self._less(EXACT.multiply(off, abs(self.line.count)))
                if self.unit is None:
                    return None, rest
                return max(EXACT.subtract(self.unit, off), ZERO), rest
            case UnitPrice(amount=amount):
                return self._at(EXACT.multiply(scene.money(amount, currency), self.line.each))
            case SetPrice(price=price):
                source = Source(price, self._known_cost(scene), scene.rate_of(currency))
                return whole(self.line, scene, source)
            case _:
                return self._otherwise(change, scene, currency)

    def _otherwise(
        self,
        change: Markup | MarginFloor | RoundTo | LineLimits | SlabOff,
        scene: Scene,
        currency: str | None,
    ) -> Price:
        match change:
            case Markup(percent=percent, on="cost"):
                cost = self.unit_cost(scene)
                return self._at(EXACT.add(cost, percent.of(cost)))
            case Markup(percent=percent):
                return self._map(lambda each: EXACT.add(each, percent.of(each)))
            case MarginFloor(margin_on_price=margin):
                return self._not_below_margin(margin, scene)
            case RoundTo():
                return self._rounded_to(change, scene, currency)
            case LineLimits(minimum=least, maximum=most):
                return self.within(
                    None if least is None else scene.money(least, currency),
                    None if most is None else scene.money(most, currency),
                )
            case SlabOff(units=units, amount=amount):
                off = EXACT.multiply(self.unit or ZERO, units)
                return None, self._less(EXACT.add(off, scene.money(amount, currency)))

    def within(self, least: Decimal | None, most: Decimal | None) -> Price:
        """Return the price held between two amounts of the line."""
        size = abs(self.amount)
        if least is not None and size < least:
            size = least
        if most is not None and size > most:
            size = most
        if size == abs(self.amount):
            return self.unit, self.amount
        return None, EXACT.minus(size) if self.line.count < 0 else size

    def unit_cost(self, scene: Scene) -> Decimal:
        """Return our cost of one stated unit, in the quote's currency.   Raises: NoCost; NoRate."""
        cost = self._known_cost(scene)
        if cost is None:
            raise NoCost(self.line)
        return EXACT.multiply(cost, self.line.each)

    def move(self, step: Step, unit: Decimal | None) -> None:
        """Take a step."""
        self.steps.append(step)
        self.unit = unit
        self.amount = step.after

    def step(  # noqa: PLR0913 - a step is made thousands of times; a value for it costs as much
        self,
        stage: str,
        rule: tuple[str, int | None],
        after: Decimal,
        words: str,
        *,
        basis: Basis | None = None,
        note: str | None = None,
    ) -> Step:
        """Make a step from the running amount to another one; on what it works now, unless told."""
        before = self.amount
        amount = EXACT.subtract(after, before)
        if basis is None:
            basis = "line" if self.unit is None else "unit"
        return Step(stage, *rule, basis, before, after, amount, words, note)

    # ---- one change each

    def _percent_off(self, change: PercentOff, scene: Scene, base: Price | None) -> Price:
        percent, point = change.percent, change.round
        if point is None and base is None:
            factor = EXACT.subtract(Decimal(1), percent.fraction)
            return self._map(lambda each: EXACT.multiply(each, factor))
        unit, amount = base or (self.unit, self.amount)
        if self.unit is None or unit is None:
            off = percent.of(amount)
            off = off if point is None else rounds_at(point, scene.currency)(off)
            return None, EXACT.subtract(self.amount, off)
        off = percent.of(unit)
        off = off if point is None else rounds_at(point, scene.currency)(off)
        return self._at(max(EXACT.subtract(self.unit, off), ZERO))

    def _rounded_to(self, change: RoundTo, scene: Scene, currency: str | None) -> Price:
        """Take the price to a multiple of the quote's currency, unless the rule names another."""
        rate = Decimal(1) if currency is None else scene.rate_of(currency)
        multiple = EXACT.multiply(change.multiple, rate)
        add = EXACT.multiply(change.add or ZERO, rate)

        def point(each: Decimal) -> Decimal:
            return EXACT.add(to_multiple(each, multiple, change.mode), add)

        if self.unit is not None:
            return self._at(point(self.unit))
        return None, point(self.amount)

    def _not_below_margin(self, margin: Percent, scene: Scene) -> Price:
        digits = scene.rounding.unit_digits
        least = price_for_margin(self.unit_cost(scene), margin, digits)
        if self.unit is not None:
            return (self.unit, self.amount) if self.unit >= least else self._at(least)
        whole_line = EXACT.multiply(least, abs(self.line.count))
        return self.within(whole_line, None)

    def _at(self, unit: Decimal) -> Price:
        return unit, EXACT.multiply(unit, self.line.count)

    def _map(self, change: Callable[[Decimal], Decimal]) -> Price:
        return None if self.unit is None else change(self.unit), change(self.amount)

    def _less(self, off: Decimal) -> Decimal:
        """Return the amount less something of its own sign, at most all of it."""
        rest = max(EXACT.subtract(abs(self.amount), off), ZERO)
        return EXACT.minus(rest) if self.line.count < 0 else rest

    def _known_cost(self, scene: Scene) -> Decimal | None:
        entry = self.line.entry
        return None if entry.cost is None else scene.money(entry.cost, entry.currency)
