"""The rules that cover a part, and what a rule does in words."""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from services.pricer.domain.asks.scene import Scene
from services.pricer.domain.asks.trace import say, say_number
from services.pricer.domain.books.offers import Offer
from services.pricer.domain.books.rules import (
    AmountOff,
    Effect,
    FreeGoods,
    LineLimits,
    MarginFloor,
    Markup,
    PercentOff,
    QuantityBreaks,
    RoundTo,
    Rule,
    SetPrice,
    StackingGroup,
    UnitPrice,
)


class Factor(NamedTuple):
    """What a price is multiplied by: a percentage off that works on the running price."""

    factor: Decimal


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


def candidates(group: StackingGroup, offer: Offer, scene: Scene) -> list[Rule]:
    """Return the rules of a group that cover the part: by priority, then by their ids."""
    found = scene.book.candidates(group, offer, scene.ask.account_id)
    if len(found) < 2:
        return found
    if scene.engine.as_listed:
        positions = scene.book.positions
        return sorted(found, key=lambda rule: (-rule.priority, positions[rule.id]))
    return sorted(found, key=lambda rule: (-rule.priority, rule.id))


def words(effect: Effect, scene: Scene, currency: str | None = None) -> str:
    """Say an effect in words that a customer may read: nothing of costs in it."""
    match effect:
        case PercentOff(percent=percent) if percent.root < 0:
            return f"{say_number(-percent.root)} % surcharge"
        case PercentOff(percent=percent):
            return f"{say_number(percent.root)} % off"
        case AmountOff(amount=amount, per=per) if amount < 0:
            more = say(-scene.money(amount, currency), scene.currency)
            return f"{more} more for {'the line' if per == 'line' else 'each unit'}"
        case AmountOff(amount=amount, per=per):
            off = say(scene.money(amount, currency), scene.currency)
            return f"{off} off {'the line' if per == 'line' else 'each unit'}"
        case UnitPrice(amount=amount):
            return f"{say(scene.money(amount, currency), scene.currency)} for each unit"
        case SetPrice():
            return "the agreed price for this quantity"
        case Markup(on="cost") | MarginFloor():
            return "calculated price"
        case Markup(percent=percent):
            return f"{say_number(percent.root)} % surcharge"
        case LineLimits():
            return "the least or the most for the line"
        case FreeGoods():
            return "free goods"
        case QuantityBreaks():
            return "by quantity"
    return "to its price point"
