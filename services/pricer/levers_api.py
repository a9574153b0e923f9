"""The doors of a seller's levers: target price, next breaks, quantities, largest discount.

Stateless questions: they make no fact. No answer holds a cost, a margin or a floor.
"""

import json
import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from contracts.errors import Unavailable
from contracts.pricing import GuardrailBreach, PricedLine, Totals
from contracts.values import Money, Percent, Quantity, Value
from infra.ask import Asker
from infra.web import Principal, allow
from services.pricer import selling_units
from services.pricer.api import READERS, PreviewAsk
from services.pricer.books import Shelves
from services.pricer.domain.asks.ask import Priced, Unpriced
from services.pricer.domain.levers.breaks import AtQuantity, NextBreaks, at_quantities, next_breaks
from services.pricer.domain.levers.solving import Target, largest_discount, target_price
from services.pricer.handlers import NotPriceable, fixed

Reader = Annotated[Principal, Depends(allow(*READERS))]
QUANTITIES_MAX = 24
# Of all questions to approvals together: whoever asks us waits two seconds.
DEADLINE_S = 1
# As approvals measures a line that is given away.
GIVEN_AWAY = Decimal(-100)


class TargetBody(Value):
    """What a part, an item or (neither named) the quote shall come to, net, and why."""

    net: Money
    rationale: str = Field(min_length=3, max_length=1000)
    item_id: str | None = None
    sku: str | None = None


class TargetAsk(Value):
    """An ask, and the target that a discount is looked for."""

    ask: PreviewAsk
    target: TargetBody


class TargetAnswer(Value):
    """The discount that hits the target exactly (None: it needs none), before and after.

    `discounts`: all discounts to ask for, this one among them.
    """

    discount: Money | None
    discounts: tuple[dict[str, Any], ...]
    before: Totals
    after: Totals
    lines: tuple[PricedLine, ...]
    breaches: tuple[GuardrailBreach, ...]


class BreaksAsk(Value):
    """An ask whose next breaks are wanted."""

    ask: PreviewAsk


class QuantitiesAsk(Value):
    """An ask, and the quantities of one item that are thought about."""

    ask: PreviewAsk
    item_id: str
    quantities: tuple[Quantity, ...] = Field(min_length=1, max_length=QUANTITIES_MAX)


class LargestAsk(Value):
    """An ask, and who would ask for approval in which selling unit."""

    ask: PreviewAsk
    selling_unit: str = Field(min_length=1, max_length=60)
    requested_by: str | None = Field(default=None, max_length=200)
    owner_id: str | None = Field(default=None, max_length=200)


class LargestAnswer(Value):
    """The largest discount on the quote that nobody has to approve; None: any needs somebody."""

    percent: Percent | None
    totals: Totals | None


class SlowAnswers(Unavailable):
    """Approvals answers too slowly for so many questions."""

    code = "pricer.approvals_slow"


def routes(shelf: Shelves, asker: Asker, units: frozenset[str] = frozenset()) -> APIRouter:
    """Return the routes of the levers below /pricer; `units` are the selling units there are."""
    router = APIRouter(prefix="/pricer")

    @router.post("/target-price")
    def target(body: TargetAsk, _reader: Reader) -> TargetAnswer:
        """Return the discount that brings a total to the target, to the last minor unit."""
        return _target(body, shelf)

    @router.post("/next-breaks")
    def breaks(body: BreaksAsk, _reader: Reader) -> NextBreaks:
        """Return how many more of each item make it cheaper, and what that saves."""
        by = fixed(body.ask, body.ask.pins, shelf.now())
        found = next_breaks(body.ask, (by.book, by.fx), by.price)
        if isinstance(found, Unpriced):
            raise NotPriceable(found.problems)
        return found

    @router.post("/quantities")
    def quantities(body: QuantitiesAsk, _reader: Reader) -> tuple[AtQuantity, ...]:
        """Return what an item would cost at other quantities."""
        by = fixed(body.ask, body.ask.pins, shelf.now())
        found = at_quantities(body.ask, body.item_id, body.quantities, by.price)
        if isinstance(found, Unpriced):
            raise NotPriceable(found.problems)
        return tuple(found)

    @router.post("/largest-discount")
    def largest(body: LargestAsk, _reader: Reader) -> LargestAnswer:
        """Return the largest discount on the quote that needs no approval, asked of approvals."""
        selling_units.check(body.selling_unit, units)
        return _largest(body, shelf, asker)

    return router


def _target(body: TargetAsk, shelf: Shelves) -> TargetAnswer:
    wanted = body.target
    by = fixed(body.ask, body.ask.pins, shelf.now())
    target = Target(wanted.net, wanted.rationale, wanted.item_id, wanted.sku)
    found = target_price(body.ask, target, by.price)
    if isinstance(found, Unpriced):
        raise NotPriceable(found.problems)
    return TargetAnswer(
        discount=found.discount,
        discounts=tuple(each.model_dump(mode="json") for each in found.ask.discounts),
        before=found.before.totals,
        after=found.after.totals,
        lines=found.after.lines,
        breaches=found.after.breaches,
    )


def _largest(body: LargestAsk, shelf: Shelves, asker: Asker) -> LargestAnswer:
    by = fixed(body.ask, body.ask.pins, shelf.now())
    stop = time.monotonic() + DEADLINE_S

    def needs_nobody(priced: Priced) -> bool:
        if time.monotonic() > stop:
            raise SlowAnswers("approvals answers too slowly now; ask again", peer="approvals")
        told = asker.ask("approvals", "POST", "/approvals/preview", _question(body, priced))
        return bool(json.loads(told)["within_authority"])

    found = largest_discount(body.ask, by.price, needs_nobody)
    if isinstance(found, Unpriced):
        raise NotPriceable(found.problems)
    if found is None:
        return LargestAnswer(percent=None, totals=None)
    return LargestAnswer(percent=found.percent, totals=found.priced.totals)


def _question(body: LargestAsk, priced: Priced) -> dict[str, Any]:
    """Return the question of approvals about a price; margins go to them and no further."""
    asks = [each for each in priced.breaches if each.action == "approval"]
    return {
        "selling_unit": body.selling_unit,
        "sales_discount_percent": f"{priced.totals.sales_discount_percent.root:f}",
        "margin_percent": f"{priced.internal.margin_percent.root:f}",
        "worst_line_margin_percent": f"{_worst(priced.lines, priced):f}",
        "guardrail_breaches": len(asks),
        "net": priced.totals.net.model_dump(mode="json"),
        "requested_by": body.requested_by,
        "owner_id": body.owner_id,
    }


def _worst(lines: Sequence[PricedLine], priced: Priced) -> Decimal:
    """Return the lowest margin of any line; what costs nothing by list has none."""
    margins = {each.line: each.margin_percent.root for each in priced.internal.lines}
    found = [
        margins[each.line] if each.net_total else GIVEN_AWAY for each in lines if each.list_total
    ]
    return min(found, default=priced.internal.margin_percent.root)
