"""Routes of customers with a capability link. GET never decides: mail scanners open links."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from contracts.errors import Conflict
from infra.forms import session_of
from infra.web import public
from infra.work import Cause, Commands
from services.quotes.api.doorway import (
    AcceptBody,
    ChangeBody,
    DeclineBody,
    Doorway,
    Why,
    quote_of,
)
from services.quotes.domain.errors import (
    OfferClosed,
    OfferNotFound,
    QuoteNotFound,
    QuoteNotOpen,
    RevisionNotFound,
)
from services.quotes.domain.quote import Quote
from services.quotes.handlers import customers
from services.quotes.handlers.customers import AcceptOffer, DeclineOffer
from services.quotes.views import offer_view

OFFER = "/quotes/offers/{quote_id}/{revision}/{token}"


def followed(quote_id: UUID, revision: int, token: str) -> tuple[UUID, int, str]:
    """Return which link somebody followed: quote, revision, and what shows that he may."""
    return quote_id, revision, token


Followed = Annotated[tuple[UUID, int, str], Depends(followed)]


def routes(commands: Commands, doorway: Doorway) -> APIRouter:
    """Return the customer's routes; all are public and check the link themselves."""
    router = APIRouter(tags=["offers"], dependencies=[Depends(public())])
    _looking(router, commands, doorway)
    _deciding(router, commands, doorway)
    return router


def offered(commands: Commands, doorway: Doorway, link: tuple[UUID, int, str]) -> Quote:
    """Return the quote, if the link is the one of a presented revision.

    Raises: OfferNotFound, the same for every other case.
    """
    quote_id, revision, token = link
    nothing = OfferNotFound("this link shows no offer; ask your contact for a new one")
    if not doorway.links.opens(quote_id, revision, token):
        raise nothing
    try:
        quote = quote_of(commands, str(quote_id))
        presented = quote.revision(revision).presented
    except (QuoteNotFound, RevisionNotFound):
        raise nothing from None
    if presented is None:
        raise nothing
    return quote


def _looking(router: APIRouter, commands: Commands, doorway: Doorway) -> None:
    @router.get(OFFER)
    def offer(
        link: Followed,
        request: Request,
        response: Response,
        cause: Why,
    ) -> Any:
        """Return the offer, and note that its customer looked at it."""
        quote = offered(commands, doorway, link)
        note_look(commands, doorway, link[:2], request, cause)
        response.headers["cache-control"] = "private, no-store"
        return offer_view(quote, quote.revision(link[1]))

    @router.get(OFFER + "/document")
    def document(quote_id: UUID, revision: int, token: str) -> Response:
        """Return the PDF that was presented; its SHA-256 is what an acceptance names."""
        quote = offered(commands, doorway, (quote_id, revision, token))
        presented = quote.revision(revision).presented
        digest = presented.document_sha256 if presented else ""
        pdf = doorway.asker.ask("documents", "GET", f"/documents/{digest}")
        name = f"{quote.number}-{revision}.pdf"
        headers = {
            "content-disposition": f'inline; filename="{name}"',
            "cache-control": "private, no-store",
        }
        return Response(pdf, media_type="application/pdf", headers=headers)


def note_look(
    commands: Commands, doorway: Doorway, of: tuple[UUID, int], request: Request, cause: Cause
) -> None:
    """Note that the customer looked; not, if one of ours follows the link.

    Our people come with a session or a token of their own, a customer has neither.
    """
    if session_of(request.scope) is not None or "authorization" in request.headers:
        return
    quote_id, revision = of
    seen = once_a_minute(cause, quote_id, revision)
    # Looking must not fail because somebody decides at the same moment.
    with suppress(Conflict):
        commands.run(
            seen, lambda work: customers.view_offer(work, quote_id, revision, doorway.units)
        )


def once_a_minute(cause: Cause, quote_id: UUID, revision: int) -> Cause:
    """Give all looks of one minute one command id, so that a crowd makes one fact."""
    minute = cause.now.strftime("%Y-%m-%dT%H:%M")
    command_id = f"view:{quote_id}/{revision}/{minute}"
    return replace(cause, command_id=command_id, request_sha256=None)


def _deciding(router: APIRouter, commands: Commands, doorway: Doorway) -> None:
    @router.post(OFFER + "/accept")
    def accept(
        quote_id: UUID,
        revision: int,
        token: str,
        body: AcceptBody,
        cause: Why,
    ) -> Any:
        """Accept the offer as shown; makes the order."""
        offered(commands, doorway, (quote_id, revision, token))
        yes = AcceptOffer(quote_id, revision, body.name, body.document_sha256, doorway.nonce())
        with plainly(commands, quote_id):
            commands.run(cause, lambda work: customers.accept_offer(work, yes, doorway.units))
        return _answer(commands, quote_id, revision)

    @router.post(OFFER + "/decline")
    def decline(
        quote_id: UUID,
        revision: int,
        token: str,
        body: DeclineBody,
        cause: Why,
    ) -> Any:
        """Decline the offer; the negotiation is over."""
        offered(commands, doorway, (quote_id, revision, token))
        no = DeclineOffer(quote_id, revision, body.reason_code, body.comment)
        with plainly(commands, quote_id):
            commands.run(cause, lambda work: customers.decline_offer(work, no, doorway.units))
        return _answer(commands, quote_id, revision)

    @router.post(OFFER + "/change-request")
    def change(
        quote_id: UUID,
        revision: int,
        token: str,
        body: ChangeBody,
        cause: Why,
    ) -> Any:
        """Ask for a change; the offer stays as it is."""
        offered(commands, doorway, (quote_id, revision, token))
        with plainly(commands, quote_id):
            commands.run(
                cause,
                lambda work: customers.request_change(
                    work, quote_id, revision, body.message, doorway.units
                ),
            )
        return _answer(commands, quote_id, revision)


@contextmanager
def plainly(commands: Commands, quote_id: UUID) -> Iterator[None]:
    """Tell a customer that an offer is closed, and never our own reason for it."""
    try:
        yield
    except QuoteNotOpen:
        quote = quote_of(commands, str(quote_id))
        outcome = quote.outcome.kind if quote.outcome else "closed"
        raise OfferClosed(
            f"this offer is {outcome}; ask your contact if you want to go on",
            quote=quote.number,
            outcome=outcome,
        ) from None


def _answer(commands: Commands, quote_id: UUID, revision: int) -> Any:
    quote = quote_of(commands, str(quote_id))
    return offer_view(quote, quote.revision(revision))
