"""The doors of the pricer: try a price, list prices, read the books and why. Makes no facts."""

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import JSONResponse, Response

from contracts.errors import NotFound
from contracts.pricing import PriceColumn, PricingPins
from contracts.values import Sha256
from infra.web import Principal, allow
from infra.work import Commands
from services.pricer import handlers
from services.pricer.books import Shelf
from services.pricer.domain.ask import ColumnAsk, PriceAsk, Priced
from services.pricer.domain.book import PriceBook
from services.pricer.domain.explaining import with_matched
from services.pricer.domain.trace import View, shown

# Who may see costs, margins and floors; a seller sees prices and discounts, as the customer does.
INSIDERS = frozenset({"approver", "manager", "admin", "service"})
READERS = ("seller", "approver", "manager", "analyst", "admin", "service")

Reader = Annotated[Principal, Depends(allow(*READERS))]
Insider = Annotated[Principal, Depends(allow("approver", "manager", "admin", "service"))]


class PreviewAsk(PriceAsk):
    """The members of PricingRequested that a price depends on, and the versions to use."""

    pins: PricingPins = PricingPins()


class BookUnknown(NotFound):
    """There is no such version of a price book."""

    code = "pricer.book_unknown"


class TraceUnknown(NotFound):
    """No trace is kept under this hash."""

    code = "pricer.trace_unknown"


def routes(commands: Commands, shelf: Shelf) -> APIRouter:
    """Return the routes below /pricer."""
    router = APIRouter(prefix="/pricer")
    _prices(router, commands, shelf)
    _books(router, shelf)
    return router


def _prices(router: APIRouter, commands: Commands, shelf: Shelf) -> None:
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
        return with_matched(tree, shelf.compiled.get((book["id"], book["version"])))


def _books(router: APIRouter, shelf: Shelf) -> None:
    """Add the routes that read price books."""

    @router.get("/books")
    def books(
        _reader: Reader, limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> list[dict[str, Any]]:
        """List the versions of price books, newest first."""
        found = sorted(shelf.books.values(), key=lambda each: (each.id, each.version), reverse=True)
        return [_summary(each) for each in found[:limit]]

    @router.get("/books/{book_id}/{version}")
    def book(book_id: str, version: int, _reader: Insider) -> dict[str, Any]:
        """Return one version whole; its costs and floors are for insiders."""
        found = shelf.books.get((book_id, version))
        if found is None:
            text = (
                f"there is no price book {book_id} version {version}; GET /pricer/books lists them"
            )
            raise BookUnknown(text, book=book_id, version=version)
        return found.model_dump(mode="json")


def _previewed(found: Priced, view: View) -> dict[str, Any]:
    """Return lines and steps as one kind of reader may see them, and the totals."""
    tree = shown(json.loads(found.trace), view)
    tree["totals"] = found.totals.model_dump(mode="json")
    return tree


def view_for(reader: Principal, wanted: View | None) -> View:
    """Return the widest view that the caller may have, or the narrower one that he asks for."""
    widest: View = "internal" if INSIDERS & reader.roles else "seller"
    return widest if wanted in (None, "internal") else wanted


def _summary(book: PriceBook) -> dict[str, Any]:
    tree = book.model_dump(
        mode="json",
        include={
            "id",
            "version",
            "name",
            "status",
            "effective",
            "currency",
            "currencies",
            "sha256",
        },
    )
    return {**tree, "entries": len(book.entries), "rules": len(book.rules)}
