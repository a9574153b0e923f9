"""A session on an earlier version of its model: what the newer version would make of it."""

from collections.abc import Sequence

from contracts.configuration import (
    ConfiguredItem,
    Decision,
    RejectedItem,
    Repair,
    RequestedItem,
)
from contracts.values import Pin, Quantity, Value
from services.configurator.domain.answers.configuring import configure
from services.configurator.domain.products.product import Product
from services.configurator.domain.releases.revalidating import Verdict, revalidate


class Newer(Value):
    """A newer version of the model is in force; `verdict` is what becomes of the decisions on it.

    `completed`: valid, with these `changes`; `conflict`: not as decided, with the smallest repairs;
    `open`: it asks more; `undecided`: it would take too long to say.
    """

    model: Pin
    verdict: Verdict
    message: str
    changes: tuple[str, ...] = ()
    repairs: tuple[Repair, ...] = ()


def newer(was: Product | None, now: Product, pin: Pin, decisions: Sequence[Decision]) -> Newer:
    """Say what a newer version makes of decisions on an earlier one (`was`, if it is still known).

    Raises nothing.
    """
    item = _item(was, now, pin, decisions)
    found = revalidate(now, item)
    rejected = found.rejected
    return Newer(
        model=now.pin,
        verdict=found.verdict,
        message=rejected.message if rejected else _words(found.changes if item.options else ()),
        changes=found.changes if item.options else (),
        repairs=rejected.repairs if rejected else (),
    )


def _item(
    was: Product | None, now: Product, pin: Pin, decisions: Sequence[Decision]
) -> ConfiguredItem:
    """Return the decisions as an item: configured, if they are whole, else by themselves."""
    asked = RequestedItem(
        item_id="session", product=now.model.id, quantity=Quantity(1), decisions=tuple(decisions)
    )
    found = configure(was, asked) if was else None
    if found is not None and not isinstance(found, RejectedItem):
        return found
    return ConfiguredItem(
        item_id=asked.item_id,
        product=asked.product,
        name=now.model.name,
        quantity=asked.quantity,
        model=pin,
        decisions=asked.decisions,
        options=(),
        parameters=(),
        bill_of_materials=(),
    )


def _words(changes: Sequence[str]) -> str:
    return "; ".join(changes) or "it stands as it is"
