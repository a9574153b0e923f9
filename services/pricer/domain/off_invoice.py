"""What leaves the net price after the invoice: rebates, freight, payment terms; for our own eyes.

The rules of the stage `off_invoice` take the net price of a line down to its pocket price. No
customer or seller ever sees them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from services.pricer.domain.running import Running
from services.pricer.domain.scene import Scene, exact_sum
from services.pricer.domain.trace import Step
from services.pricer.domain.waterfall import apply_rules


@dataclass(frozen=True, slots=True)
class Pocket:
    """The pocket price of the quote, and the steps to it with the numbers of their lines."""

    amount: Decimal
    steps: tuple[tuple[int, Step], ...]


def pocket_of(runs: Sequence[Running], scene: Scene) -> Pocket | None:
    """Return the pocket price; None where the book has no rules for it.

    Raises: RuleConflict; NoCost; NoRate.
    """
    if "off_invoice" not in scene.book.groups:
        return None
    amounts: list[Decimal] = []
    steps: list[tuple[int, Step]] = []
    for run in runs:
        below = replace(run, steps=[], skipped=[], breaches=[], gifts=[])
        apply_rules(below, scene, "off_invoice")
        amounts.append(scene.round_line(below.amount))
        steps += [(run.line.number, each) for each in below.steps]
    return Pocket(exact_sum(amounts), tuple(steps))
