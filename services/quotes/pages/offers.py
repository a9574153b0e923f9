"""The customer's page: the offer as presented, behind its capability link; POST alone decides."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from contracts.errors import Conflict, QuotewrightError, Refused, Unavailable
from infra.live import Live
from infra.pages import FormInvalid, Pages, filled, form, page_router, see
from infra.web import public
from infra.work import Cause, Commands
from services.quotes.api.customers import OFFER, note_look, offered, plainly
from services.quotes.api.doorway import AcceptBody, ChangeBody, DeclineBody, Doorway, Why
from services.quotes.brands import Brand
from services.quotes.domain.quote import Revision
from services.quotes.handlers import customers
from services.quotes.handlers.customers import AcceptOffer, DeclineOffer
from services.quotes.views import offer_view

SAID = (Refused, Conflict, Unavailable)
Link = tuple[UUID, int, str]
Decide = Callable[[Link, Mapping[str, str], Cause], None]


class OfferPages:
    """Draws offers for their customers, and takes their answers."""

    def __init__(self, commands: Commands, doorway: Doorway, pages: Pages, live: Live) -> None:
        self._commands = commands
        self._doorway = doorway
        self._pages = pages
        self._live = live

    def _told(self, link: Link) -> dict[str, Any]:
        quote = offered(self._commands, self._doorway, link)
        revision = quote.revision(link[1])
        return {
            "offer": offer_view(quote, revision),
            "brand": self._brand(revision),
            "here": self._doorway.links.path(link[0], link[1]),
            "fault": None,
            "values": {},
            "errors": {},
        }

    def show(self, request: Request, link: Link, fault: QuotewrightError | None = None) -> Response:
        """Draw the offer, and why an answer was not taken.   Raises: OfferNotFound."""
        told = self._told(link)
        if fault:
            errors = fault.errors if isinstance(fault, FormInvalid) else {}
            told |= {"fault": fault, "values": form(request), "errors": errors}
        return self._pages.show(request, "offer.html", fault.status if fault else 200, **told)

    def stream(self, request: Request, link: Link) -> StreamingResponse:
        """Send the offer anew whenever it changes.   Raises: OfferNotFound."""
        deal_id = offered(self._commands, self._doorway, link).deal_id
        # One for as long as the page is open: drawn anew it is the same, unless the offer is not.
        once = request.app.state.new_id()

        def draw() -> str:
            told = {**self._told(link), "once": once}
            return self._pages.draw(request, "offer_body.html", **told)

        return self._live.stream(request, {str(deal_id)}, draw)

    def _brand(self, revision: Revision) -> Brand | None:
        """Return who offers; None, where the catalogue does not say."""
        submitted = revision.submission
        unit = self._doorway.units.get(submitted.details.selling_unit) if submitted else None
        return self._doorway.brands.get(unit.brand) if unit else None

    def look(self, request: Request, link: Link, cause: Cause) -> Response:
        """Draw the offer, and note that its customer looked at it."""
        offered(self._commands, self._doorway, link)
        note_look(self._commands, self._doorway, link[:2], request, cause)
        return self.show(request, link)

    def decide(self, request: Request, link: Link, act: Callable[[], None]) -> Response:
        """Let the customer decide, then show what came of it."""
        offered(self._commands, self._doorway, link)
        try:
            with plainly(self._commands, link[0]):
                act()
        except SAID as fault:
            return self.show(request, link, fault)
        return see(self._doorway.links.path(link[0], link[1]))

    def accept(self, link: Link, values: Mapping[str, str], cause: Cause) -> None:
        """Accept the offer as shown."""
        body = filled(AcceptBody, values)
        yes = AcceptOffer(link[0], link[1], body.name, body.document_sha256, self._doorway.nonce())
        units = self._doorway.units
        self._commands.run(cause, lambda work: customers.accept_offer(work, yes, units))

    def decline(self, link: Link, values: Mapping[str, str], cause: Cause) -> None:
        """Decline the offer."""
        body = filled(DeclineBody, {**values, "comment": values.get("comment") or None})
        no = DeclineOffer(link[0], link[1], body.reason_code, body.comment)
        units = self._doorway.units
        self._commands.run(cause, lambda work: customers.decline_offer(work, no, units))

    def change(self, link: Link, values: Mapping[str, str], cause: Cause) -> None:
        """Ask for a change."""
        message = filled(ChangeBody, values).message
        units = self._doorway.units
        self._commands.run(
            cause,
            lambda work: customers.request_change(work, link[0], link[1], message, units),
        )


def routes(commands: Commands, doorway: Doorway, pages: Pages, live: Live) -> APIRouter:
    """Return the customer's pages; all are public and check the link themselves."""
    router = page_router()
    drawn = OfferPages(commands, doorway, pages, live)

    @router.get(OFFER, dependencies=[Depends(public())])
    def offer(quote_id: UUID, revision: int, token: str, request: Request, cause: Why) -> Response:
        """Show the offer."""
        return drawn.look(request, (quote_id, revision, token), cause)

    plain = APIRouter(include_in_schema=False)

    @plain.get(OFFER + "/live", dependencies=[Depends(public())])
    def stream(quote_id: UUID, revision: int, token: str, request: Request) -> StreamingResponse:
        """Stream the offer's page while its customer looks at it."""
        return drawn.stream(request, (quote_id, revision, token))

    for path, act in (
        ("accept", drawn.accept),
        ("decline", drawn.decline),
        ("change-request", drawn.change),
    ):
        _deciding(router, drawn, f"{OFFER}/{path}", act)
    router.routes.extend(plain.routes)
    return router


def _deciding(router: APIRouter, drawn: OfferPages, path: str, act: Decide) -> None:
    @router.post(path, dependencies=[Depends(public())], name=path.rpartition("/")[2])
    def decide(quote_id: UUID, revision: int, token: str, request: Request, cause: Why) -> Response:
        """Take the customer's answer."""
        link = (quote_id, revision, token)
        return drawn.decide(request, link, lambda: act(link, form(request), cause))
