"""A line on its way down the waterfall: the running price and every step taken."""

from dataclasses import dataclass, field
from decimal import Decimal

from contracts.pricing import GuardrailBreach
from contracts.values import EXACT
from services.pricer.domain.ask import BasketLine
from services.pricer.domain.book import AmountOff, PercentOff, UnitPrice
from services.pricer.domain.scene import Scene
from services.pricer.domain.trace import Basis, Skipped, Step

Change = PercentOff | AmountOff | UnitPrice


@dataclass(slots=True)
class Running:
    """The running price of one line, exact until a named rounding point.

    `unit` is the price of each unit, or None where the line has one amount (graduated tiers).
    `amount` is always the amount of the whole line. Local to one pricing; never shared.
    """

    line: BasketLine
    list_unit: Decimal
    list_total: Decimal
    unit: Decimal | None
    amount: Decimal
    steps: list[Step] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    breaches: list[GuardrailBreach] = field(default_factory=list)
    regular: Decimal = Decimal(0)
    given: Decimal = Decimal(0)

    @property
    def basis(self) -> Basis:
        """What rules work on: the unit price, or the amount of the line."""
        return "line" if self.unit is None else "unit"

    def after(self, change: Change, scene: Scene) -> tuple[Decimal | None, Decimal]:
        """Return unit and line amount after a change; an amount off stops at zero."""
        match change:
            case PercentOff(percent=percent):
                factor = EXACT.subtract(Decimal(1), percent.fraction)
                unit = None if self.unit is None else EXACT.multiply(self.unit, factor)
                return unit, EXACT.multiply(self.amount, factor)
            case AmountOff(amount=amount):
                off = EXACT.multiply(scene.money(amount), self.line.quantity)
                rest = max(EXACT.subtract(self.amount, off), Decimal(0))
                if self.unit is None:
                    return None, rest
                left = max(EXACT.subtract(self.unit, scene.money(amount)), Decimal(0))
                return left, rest
            case UnitPrice(amount=amount):
                unit = scene.money(amount)
                return unit, EXACT.multiply(unit, self.line.quantity)

    def move(self, step: Step, unit: Decimal | None) -> None:
        """Take a step."""
        self.steps.append(step)
        self.unit = unit
        self.amount = step.after

    def step(self, stage: str, rule: tuple[str, int | None], after: Decimal, words: str) -> Step:
        """Make a step from the running amount to another one."""
        amount = EXACT.subtract(after, self.amount)
        name, version = rule
        return Step(stage, name, version, self.basis, self.amount, after, amount, words, None)
