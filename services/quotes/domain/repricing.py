"""What other prices a draft would have by the newest book: shown before anybody asks for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.pricing import PricingPins
from contracts.quote import PricedOffer
from contracts.values import Money, Pin


@dataclass(frozen=True, slots=True)
class LineMove:
    """The net price of a line, before and after; None where there is no such line."""

    item_id: str
    sku: str
    charge: str
    name: str
    before: Money | None
    after: Money | None


@dataclass(frozen=True, slots=True)
class Repricing:
    """Two prices of the same draft: by the book it was priced with, and by another."""

    before: PricingPins
    after: PricingPins
    net_before: Money
    net_after: Money
    lines: tuple[LineMove, ...]

    @property
    def is_same_book(self) -> bool:
        """Whether the draft has this book and these rates already."""
        return self.before == self.after


def repricing(offer: PricedOffer, answer: Mapping[str, Any]) -> Repricing:
    """Compare a priced offer with the pricer's answer about the same draft.

    Raises: ValueError, KeyError, if it is no such answer.
    """
    before = {(each.item_id, each.sku, each.charge): each for each in offer.lines}
    after = {(each["item_id"], each["sku"], each["charge"]): each for each in answer["lines"]}
    moves = []
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key), after.get(key)
        moves.append(
            LineMove(
                *key,
                name=old.name if old else str(after[key]["name"]),
                before=old.net_total if old else None,
                after=Money.model_validate(new["net_total"]) if new else None,
            )
        )
    return Repricing(
        before=PricingPins(book=offer.book, fx=offer.fx),
        after=PricingPins(
            book=Pin.model_validate(answer["book"]), fx=Pin.model_validate(answer["fx"])
        ),
        net_before=offer.totals.net,
        net_after=Money.model_validate(answer["totals"]["net"]),
        lines=tuple(moves),
    )
