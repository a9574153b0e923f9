"""What leaves the net price after the invoice: rebates, freight, payment terms; for our own eyes.

The rules of the stage `off_invoice` take the net price of a line down to its pocket price. No
customer or seller ever sees them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from services.pricer.domain.asks.scene import Scene, exact_sum
from services.pricer.domain.asks.trace import Step
from services.pricer.domain.waterfall.running import Running
from services.pricer.domain.waterfall.waterfall import apply_rules


@dataclass(frozen=True, slots=True)
class Pocket:
    """The pocket price of the quote, and the steps to it with the numbers of their lines."""

    amount: Decimal
    steps: tuple[tuple[int, Step], ...]


def pocket_line(run: Running, scene: Scene) -> tuple[Decimal, tuple[Step, ...]]:
    """Return what remains of a line, rounded, and the steps to it.

    Raises: RuleConflict; NoCost; NoRate.
    """
    below = replace(run, steps=[], skipped=[], breaches=(), gifts=())
    apply_rules(below, scene, "off_invoice")
    return scene.rounding.line(below.amount), tuple(below.steps)


def pocket_of(lines: Mapping[int, tuple[Decimal, tuple[Step, ...]]]) -> Pocket:
    """Add up the lines, by their numbers."""
    return Pocket(
        exact_sum(amount for amount, _ in lines.values()),
        tuple((number, each) for number, (_, steps) in lines.items() for each in steps),
    )
