"""The customer's page: the offer as presented, behind its capability link; POST alone decides."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from contracts.errors import Conflict, QuotewrightError, Refused, Unavailable
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

    def __init__(self, commands: Commands, doorway: Doorway, pages: Pages) -> None:
        self._commands = commands
        self._doorway = doorway
        self._pages = pages

    def show(
        self, request: Request, link: Link, fault: QuotewrightError | None = None, **more: Any
    ) -> Response:
        """Draw the offer.   Raises: OfferNotFound."""
        quote = offered(self._commands, self._doorway, link)
        revision = quote.revision(link[1])
        told = {
            "offer": offer_view(quote, revision),
            "brand": self._brand(revision),
            "here": self._doorway.links.path(link[0], link[1]),
            "fault": fault,
            "values": form(request) if fault else {},
            "errors": fault.errors if isinstance(fault, FormInvalid) else {},
            "asked_change": False,
            **more,
        }
        return self._pages.show(request, "offer.html", fault.status if fault else 200, **told)

    def _brand(self, revision: Revision) -> Brand | None:
        """Return who offers; None, where the catalogue does not say."""
        submitted = revision.submission
        unit = self._doorway.units.get(submitted.details.selling_unit) if submitted else None
        return self._doorway.brands.get(unit.brand) if unit else None

    def look(self, request: Request, link: Link, cause: Cause) -> Response:
        """Draw the offer, and note that its customer looked at it."""
        offered(self._commands, self._doorway, link)
        note_look(self._commands, self._doorway, link[:2], request, cause)
        return self.show(request, link, asked_change="asked" in request.query_params)

    def decide(
        self, request: Request, link: Link, act: Callable[[], None], back: str = ""
    ) -> Response:
        """Let the customer decide, then show what came of it."""
        offered(self._commands, self._doorway, link)
        try:
            with plainly(self._commands, link[0]):
                act()
        except SAID as fault:
            return self.show(request, link, fault)
        return see(self._doorway.links.path(link[0], link[1]) + back)

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


def routes(commands: Commands, doorway: Doorway, pages: Pages) -> APIRouter:
    """Return the customer's pages; all are public and check the link themselves."""
    router = page_router()
    drawn = OfferPages(commands, doorway, pages)

    @router.get(OFFER, dependencies=[Depends(public())])
    def offer(quote_id: UUID, revision: int, token: str, request: Request, cause: Why) -> Response:
        """Show the offer."""
        return drawn.look(request, (quote_id, revision, token), cause)

    for path, act, back in (
        ("accept", drawn.accept, ""),
        ("decline", drawn.decline, ""),
        ("change-request", drawn.change, "?asked"),
    ):
        _deciding(router, drawn, f"{OFFER}/{path}", (act, back))
    return router


def _deciding(router: APIRouter, drawn: OfferPages, path: str, what: tuple[Decide, str]) -> None:
    act, back = what

    @router.post(path, dependencies=[Depends(public())], name=path.rpartition("/")[2])
    def decide(quote_id: UUID, revision: int, token: str, request: Request, cause: Why) -> Response:
        """Take the customer's answer."""
        link = (quote_id, revision, token)
        return drawn.decide(request, link, lambda: act(link, form(request), cause), back)
