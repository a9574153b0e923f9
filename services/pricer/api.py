"""The doors of the pricer: try a price, list prices, read why. Makes no facts."""

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from starlette.responses import JSONResponse, Response

from contracts.errors import NotFound
from contracts.pricing import PriceColumn, PricingPins
from contracts.values import Sha256
from infra.web import Principal, allow
from infra.work import Commands
from services.pricer import handlers
from services.pricer.books import Shelves
from services.pricer.domain.asks.ask import ColumnAsk, PriceAsk, Priced
from services.pricer.domain.asks.trace import View, shown
from services.pricer.domain.prices.explaining import with_matched

# Who may see costs, margins and floors; a seller sees prices and discounts, as the customer does.
INSIDERS = frozenset({"approver", "manager", "admin", "service"})
READERS = ("seller", "approver", "manager", "analyst", "admin", "service")

Reader = Annotated[Principal, Depends(allow(*READERS))]


class PreviewAsk(PriceAsk):
    """The members of PricingRequested that a price depends on, and the versions to use."""

    pins: PricingPins = PricingPins()


class TraceUnknown(NotFound):
    """No trace is kept under this hash."""

    code = "pricer.trace_unknown"


def routes(commands: Commands, shelf: Shelves) -> APIRouter:
    """Return the routes below /pricer."""
    router = APIRouter(prefix="/pricer")
    _prices(router, commands, shelf)
    return router


def _prices(router: APIRouter, commands: Commands, shelf: Shelves) -> None:
    """Add the routes that try a price and explain one."""

    @router.post("/preview", response_model=dict[str, Any])
    def preview(ask: PreviewAsk, reader: Reader) -> Response:
        """Price without making a fact; the insiders' answer has the block `internal`.

        If some lines have no price, the refusal carries the others in `priced`.
        """
        view = view_for(reader, None)
        try:
            found = handlers.preview(ask, ask.pins, shelf)
        except handlers.NotPriceable as fault:
            if fault.rest is not None:
                fault.facts["priced"] = _previewed(fault.rest, view)
            raise
        return JSONResponse(_previewed(found, view))  # plain JSON needs no further look

    @router.post("/prices")
    def prices(ask: ColumnAsk, _reader: Reader) -> PriceColumn:
        """Return list prices of single parts; whether each grows evenly with its quantity."""
        return handlers.column(ask, shelf)

    @router.get("/traces/{sha256}")
    def trace(
        sha256: Sha256,
        reader: Reader,
        view: Literal["customer", "seller", "internal"] | None = None,
    ) -> dict[str, Any]:
        """Return the steps of a kept price in words, as far as the caller may see them."""
        kept = commands.body(sha256)
        if kept is None:
            raise TraceUnknown(f"no price trace is kept under {sha256}", sha256=sha256)
        tree = shown(json.loads(kept.content), view_for(reader, view))
        if tree["view"] == "customer":
            return tree
        book = tree["book"]
        return with_matched(tree, shelf.now().compiled.get((book["id"], book["version"])))


def _previewed(found: Priced, view: View) -> dict[str, Any]:
    """Return lines and steps as one kind of reader may see them, and the totals."""
    tree = shown(json.loads(found.trace), view)
    tree["totals"] = found.totals.model_dump(mode="json")
    return tree


def view_for(reader: Principal, wanted: View | None) -> View:
    """Return the widest view that the caller may have, or the narrower one that he asks for."""
    widest: View = "internal" if INSIDERS & reader.roles else "seller"
    return widest if wanted in (None, "internal") else wanted
