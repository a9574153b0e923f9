"""The page of a draft's price: discounts, target price, breaks, conditions, the newest book."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from contracts.errors import QuotewrightError
from contracts.values import Quantity
from infra.auth import Principal
from infra.live import Live
from infra.pages import FormInvalid, Pages, form, page_router, reader, see
from infra.web import allow
from infra.work import Cause, Commands
from services.quotes import words
from services.quotes.api.doorway import Doorway, Why, quote_of
from services.quotes.api.levers import aim, repricing_view, situation
from services.quotes.domain.asks import Reprice
from services.quotes.domain.granting import granted, taken_back
from services.quotes.domain.quote import Quote
from services.quotes.domain.situation import Situation
from services.quotes.domain.status import status_of_quote
from services.quotes.handlers import sellers
from services.quotes.handlers.sellers import EditDraft, RepriceDraft
from services.quotes.levers import Levers
from services.quotes.pages import grants
from services.quotes.pages.drawing import SAID, moves
from services.quotes.views import quote_view

Seller = Annotated[Principal, Depends(allow("seller", "admin"))]
Act = Callable[[Quote, Mapping[str, str], Cause], None]
# Of an item's quantity, where nobody asked for others.
TIMES = (1, 2, 5, 10)
QUANTITIES_MAX = 24
NUMBERS = ("value", "net")


class PricePages:
    """Draws the price of a draft, and says beside it why something could not be done."""

    def __init__(self, commands: Commands, doorway: Doorway, pages: Pages, live: Live) -> None:
        self._commands = commands
        self._doorway = doorway
        self._pages = pages
        self._live = live
        self._levers = Levers(doorway.asker)

    def show(self, request: Request, quote: str, cause: Cause) -> Response:
        """Draw the page."""
        return self._pages.show(request, "price.html", 200, **self._told(request, quote, cause))

    def stream(self, request: Request, quote: str, cause: Cause) -> StreamingResponse:
        """Send the page's body anew whenever the quote changes."""
        found = quote_of(self._commands, quote)
        once = request.app.state.new_id()

        def draw() -> str:
            told = {**self._told(request, str(found.quote_id), cause), "once": once}
            return self._pages.draw(request, "price_body.html", **told)

        return self._live.stream(request, {str(found.deal_id)}, draw)

    def move(self, request: Request, quote: str, cause: Cause, act: Act) -> Response:
        """Change the draft, and show its price again."""
        found = quote_of(self._commands, quote)
        given = form(request)
        typed = {name: reader(request).typed(given[name]) for name in NUMBERS if name in given}
        try:
            act(found, {**given, **typed}, cause)
        except SAID as fault:
            errors = fault.errors if isinstance(fault, FormInvalid) else {}
            told = self._told(request, quote, cause)
            told |= {"fault": fault, "values": given, "errors": errors}
            return self._pages.show(request, "price.html", fault.status, **told)
        return see(f"/quotes/{found.number}/price")

    # ---- what can be done

    def grant(self, quote: Quote, given: Mapping[str, str], cause: Cause) -> None:
        """Grant a discount or a manual price."""
        new = grants.grant_of(given, self._currency(quote))
        self._edit(quote, given, cause, discounts=granted(quote.current.discounts, new))

    def take_back(self, quote: Quote, given: Mapping[str, str], cause: Cause) -> None:
        """Take back what was granted on a part, an item or the quote."""
        target = grants.target_of(given.get("target", ""))
        left = taken_back(quote.current.discounts, target)
        if left == quote.current.discounts:
            raise FormInvalid({}, "nothing is granted on this, so nothing was taken back")
        self._edit(quote, given, cause, discounts=left)

    def aim(self, quote: Quote, given: Mapping[str, str], cause: Cause) -> None:
        """Grant the discount that hits a target price."""
        body = grants.aim_of(given, self._currency(quote))
        aim(self._commands, self._doorway, (quote, body), cause, given.get("etag"))

    def settle(self, quote: Quote, given: Mapping[str, str], cause: Cause) -> None:
        """Set currency, validity and terms."""
        commercial = grants.commercial_of(given, quote.current.items)
        self._edit(quote, given, cause, commercial=commercial)

    def take(self, quote: Quote, given: Mapping[str, str], cause: Cause) -> None:
        """Take another quantity of an item."""
        items = grants.with_quantity(quote.current.items, given)
        self._edit(quote, given, cause, items=items)

    def reprice(self, quote: Quote, given: Mapping[str, str], cause: Cause) -> None:
        """Price the draft by the book whose difference was shown."""
        pins, reason = grants.reprice_of(given)
        wanted = RepriceDraft(quote.quote_id, Reprice(pins, reason), given.get("etag"))
        units = self._doorway.units
        self._commands.run(cause, lambda work: sellers.reprice_draft(work, wanted, units))

    def _edit(self, quote: Quote, given: Mapping[str, str], cause: Cause, **changed: Any) -> None:
        draft = quote.must_have_draft()
        asked: dict[str, Any] = {"items": draft.items, "discounts": draft.discounts, **changed}
        edit = EditDraft(
            quote.quote_id, submit=False, fresh_prices=False, expected=given.get("etag"), **asked
        )
        units = self._doorway.units
        self._commands.run(cause, lambda work: sellers.edit_draft(work, edit, units))

    def _currency(self, quote: Quote) -> str:
        asked = quote.current.pricing
        return asked.currency if asked else quote.drafted_details.currency

    # ---- what is shown

    def _told(self, request: Request, quote: str, cause: Cause) -> dict[str, Any]:
        found = quote_of(self._commands, quote)
        at = situation(self._commands, self._doorway, found, cause)
        asked = dict(request.query_params)
        return {
            # What was asked of the page is asked again with each drawing of its stream.
            "query": request.url.query,
            "quote": quote_view(found, internal=False),
            "may_edit": "edit" in moves(status_of_quote(found), frozenset({"seller"})),
            "currency": self._currency(found),
            "given": grants.given_view(found),
            "targets": grants.targets(found),
            "commercial": grants.commercial_view(found),
            "breaks": _or_none(lambda: self._levers.next_breaks(at)["breaks"]),
            "table": self._table(at, asked),
            "largest": self._largest(at, asked),
            "newest": self._newest(at),
            "words": words,
            "fault": None,
            "values": {},
            "errors": {},
        }

    def _table(self, at: Situation, asked: Mapping[str, str]) -> dict[str, Any] | None:
        items = {each.item_id: each for each in at.quote.current.items}
        item = items.get(asked.get("item", "")) or next(iter(items.values()), None)
        if item is None:
            return None
        own = [f"{item.quantity.root * times:f}" for times in TIMES]
        quantities = _quantities(asked.get("quantities", "")) or own
        rows = _or_none(lambda: self._levers.quantities(at, item.item_id, quantities))
        return {"item": item.item_id, "quantities": ", ".join(quantities), "rows": rows}

    def _largest(self, at: Situation, asked: Mapping[str, str]) -> dict[str, Any] | None:
        """Return the largest discount that needs nobody, if the reader asked for it."""
        if "largest" not in asked:
            return None
        try:
            return {"found": self._levers.largest_discount(at), "why_not": None}
        except QuotewrightError as fault:
            return {"found": None, "why_not": fault.message}

    def _newest(self, at: Situation) -> dict[str, Any] | None:
        """Return what the newest book changes; None, where it is the draft's own."""
        if at.quote.draft is None:
            return None
        found = _or_none(lambda: self._levers.repricing(at))
        if found is None or found.is_same_book:
            return None
        return {**repricing_view(found), "pins": found.after.model_dump_json()}


def _or_none(ask: Callable[[], Any]) -> Any:
    """Return an answer, or None where there is none: the page is worth reading without it."""
    try:
        return ask()
    except QuotewrightError:
        return None


def _quantities(text: str) -> list[str]:
    """Read quantities that somebody typed; what is none is left out."""
    found = []
    for each in text[:400].replace(";", " ").replace(",", " ").split()[:QUANTITIES_MAX]:
        try:
            found.append(str(Quantity(each)))
        except (ValueError, ArithmeticError):
            continue
    return found


def routes(commands: Commands, doorway: Doorway, pages: Pages, live: Live) -> APIRouter:
    """Return the page of a draft's price, its stream, and what can be done on it."""
    drawn = PricePages(commands, doorway, pages, live)
    router = page_router("/quotes")

    @router.get("/{quote}/price")
    def page(quote: str, request: Request, caller: Seller, cause: Why) -> Response:
        """Show what a draft costs, and what a seller can do about it."""
        del caller
        return drawn.show(request, quote, cause)

    for path, act in (
        ("grant", drawn.grant),
        ("take-back", drawn.take_back),
        ("target", drawn.aim),
        ("quantity", drawn.take),
        ("conditions", drawn.settle),
        ("reprice", drawn.reprice),
    ):
        _moving(router, drawn, path, act)
    plain = APIRouter(prefix="/quotes", include_in_schema=False)

    @plain.get("/{quote}/price/live")
    def live_price(quote: str, request: Request, caller: Seller, cause: Why) -> StreamingResponse:
        """Stream the page while somebody looks at it."""
        del caller
        return drawn.stream(request, quote, cause)

    router.routes.extend(plain.routes)
    return router


def _moving(router: APIRouter, drawn: PricePages, path: str, act: Act) -> None:
    @router.post(f"/{{quote}}/price/{path}", name=f"price-{path}")
    def move(quote: str, request: Request, caller: Seller, cause: Why) -> Response:
        """Change the draft by one form."""
        del caller
        return drawn.move(request, quote, cause, act)
