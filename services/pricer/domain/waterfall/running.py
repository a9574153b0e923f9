"""A line on its way down the waterfall: the running price and every step taken."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from contracts.pricing import GuardrailBreach
from contracts.values import Percent
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
from services.pricer.domain.waterfall.effects import Change, Factor, SlabOff
from services.pricer.domain.waterfall.plans import Plan

ZERO = Decimal(0)


class Gift(NamedTuple):
    """So many of a part for nothing, by which rule, and in words."""

    sku: str
    quantity: Decimal
    rule: tuple[str, int | None]
    words: str


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
    plan: Plan
    list_unit: Decimal
    list_total: Decimal
    unit: Decimal | None
    amount: Decimal
    steps: list[Step] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    breaches: tuple[GuardrailBreach, ...] = ()
    floors: Sequence[tuple[Guardrail, Decimal]] = ()
    regular: Decimal = ZERO
    given: Decimal = ZERO
    net: Decimal = ZERO
    net_unit: Decimal | None = None
    gifts: tuple[Gift, ...] = ()

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
                return None if self.unit is None else self.unit * factor, self.amount * factor
            case PercentOff():
                return self._percent_off(change, scene, base)
            case AmountOff(amount=amount, per=per):
                money = scene.money(amount, currency)
                if per == "line":
                    return None, self._less(money)
                off = money * self.line.each
                rest = self._less(off * abs(self.line.count))
                if self.unit is None:
                    return None, rest
                return max(self.unit - off, ZERO), rest
            case UnitPrice(amount=amount):
                return self._at(scene.money(amount, currency) * self.line.each)
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
                return self._at(cost + percent.of(cost))
            case Markup(percent=percent):
                return self._map(lambda each: each + percent.of(each))
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
                off = (self.unit or ZERO) * units
                return None, self._less(off + scene.money(amount, currency))

    def within(self, least: Decimal | None, most: Decimal | None) -> Price:
        """Return the price held between two amounts of the line."""
        size = abs(self.amount)
        if least is not None and size < least:
            size = least
        if most is not None and size > most:
            size = most
        if size == abs(self.amount):
            return self.unit, self.amount
        return None, -size if self.line.count < 0 else size

    def unit_cost(self, scene: Scene) -> Decimal:
        """Return our cost of one stated unit, in the quote's currency.   Raises: NoCost; NoRate."""
        cost = self._known_cost(scene)
        if cost is None:
            raise NoCost(self.line)
        return cost * self.line.each

    def take(  # noqa: PLR0913 - a step is made thousands of times; a value for it costs as much
        self,
        stage: str,
        rule: tuple[str, int | None],
        words: str,
        price: Price,
        *,
        basis: Basis | None = None,
        note: str | None = None,
    ) -> Decimal:
        """Take a step to another price, and return what it adds; on what it works now, unless told.

        The running price is the new one from here on.
        """
        unit, after = price
        before = self.amount
        amount = after - before
        if basis is None:
            basis = "line" if self.unit is None else "unit"
        name, version = rule
        self.steps.append((stage, name, version, basis, before, after, amount, words, note))
        self.unit, self.amount = unit, after
        return amount

    # ---- one change each

    def _percent_off(self, change: PercentOff, scene: Scene, base: Price | None) -> Price:
        percent, point = change.percent, change.round
        if point is None and base is None:
            factor = 1 - percent.fraction
            return self._map(lambda each: each * factor)
        unit, amount = base or (self.unit, self.amount)
        if self.unit is None or unit is None:
            off = percent.of(amount)
            off = off if point is None else rounds_at(point, scene.currency)(off)
            return None, self.amount - off
        off = percent.of(unit)
        off = off if point is None else rounds_at(point, scene.currency)(off)
        return self._at(max(self.unit - off, ZERO))

    def _rounded_to(self, change: RoundTo, scene: Scene, currency: str | None) -> Price:
        """Take the price to a multiple of the quote's currency, unless the rule names another."""
        rate = Decimal(1) if currency is None else scene.rate_of(currency)
        multiple = change.multiple * rate
        add = (change.add or ZERO) * rate

        def point(each: Decimal) -> Decimal:
            return to_multiple(each, multiple, change.mode) + add

        if self.unit is not None:
            return self._at(point(self.unit))
        return None, point(self.amount)

    def _not_below_margin(self, margin: Percent, scene: Scene) -> Price:
        digits = scene.rounding.unit_digits
        least = price_for_margin(self.unit_cost(scene), margin, digits)
        if self.unit is not None:
            return (self.unit, self.amount) if self.unit >= least else self._at(least)
        return self.within(least * abs(self.line.count), None)

    def _at(self, unit: Decimal) -> Price:
        return unit, unit * self.line.count

    def _map(self, change: Callable[[Decimal], Decimal]) -> Price:
        return None if self.unit is None else change(self.unit), change(self.amount)

    def _less(self, off: Decimal) -> Decimal:
        """Return the amount less something of its own sign, at most all of it."""
        rest = max(abs(self.amount) - off, ZERO)
        return -rest if self.line.count < 0 else rest

    def _known_cost(self, scene: Scene) -> Decimal | None:
        entry = self.line.entry
        return None if entry.cost is None else scene.money(entry.cost, entry.currency)
