"""Routes of sellers: draft, edit, submit, present, revise, end; each answers with the quote."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from infra.web import Principal, allow
from infra.work import Commands
from services.quotes.api.doorway import (
    Doorway,
    DraftBody,
    EditBody,
    ReasonBody,
    Seen,
    Why,
    quote_id_of,
    quote_of,
)
from services.quotes.domain.quote import Quote
from services.quotes.handlers import sellers
from services.quotes.handlers.sellers import DraftQuote, EditDraft
from services.quotes.views import quote_view

INSIDERS = frozenset({"approver", "manager", "admin"})

Seller = Annotated[Principal, Depends(allow("seller", "admin"))]
Closer = Annotated[Principal, Depends(allow("seller", "manager", "admin"))]


def routes(commands: Commands, doorway: Doorway) -> APIRouter:
    """Return the writing routes of sellers."""
    router = APIRouter(prefix="/quotes", tags=["quotes"])
    _drafting(router, commands, doorway)
    _moving(router, commands, doorway)
    _ending(router, commands, doorway)
    return router


def shown(commands: Commands, quote_id: UUID, caller: Principal, response: Response) -> Any:
    """Return the quote as this caller may see it, with its entity tag."""
    return told(quote_of(commands, str(quote_id)), caller, response)


def told(quote: Quote, caller: Principal, response: Response) -> Any:
    """Return a quote that was just read, as `shown` does."""
    response.headers["etag"] = f'"{quote.current.etag}"'
    return quote_view(quote, internal=bool(INSIDERS & caller.roles))


def _drafting(router: APIRouter, commands: Commands, doorway: Doorway) -> None:
    @router.post("/deals/{deal_id}/quotes", status_code=201)
    def draft(
        deal_id: UUID,
        body: DraftBody,
        response: Response,
        principal: Seller,
        cause: Why,
    ) -> Any:
        """Draft a quote of the deal, the first or an alternative."""
        wanted = DraftQuote(deal_id, body.items, body.discounts, body.commercial)
        commands.run(cause, lambda work: sellers.draft_quote(work, wanted))
        quote_id = sellers.quote_id_for(deal_id, cause.command_id)
        return shown(commands, quote_id, principal, response)

    @router.post("/{quote}/clone", status_code=201)
    def clone(
        quote: str,
        response: Response,
        principal: Seller,
        cause: Why,
    ) -> Any:
        """Draft a new quote from the newest revision of this one, with fresh prices."""
        origin = quote_of(commands, quote)
        commands.run(cause, lambda work: sellers.clone_quote(work, origin.quote_id))
        quote_id = sellers.quote_id_for(origin.deal_id, cause.command_id)
        return shown(commands, quote_id, principal, response)

    @router.put("/{quote}/draft")
    def edit(  # noqa: PLR0913, PLR0917 - a route's parameters are its form
        quote: str,
        body: EditBody,
        response: Response,
        principal: Seller,
        cause: Why,
        expected: Seen,
    ) -> Any:
        """Replace the draft's items and discounts and ask again."""
        quote_id = quote_id_of(commands, quote)
        wanted = EditDraft(
            quote_id,
            body.items,
            body.discounts,
            body.submit,
            body.fresh_prices,
            expected,
            body.commercial,
        )
        commands.run(cause, lambda work: sellers.edit_draft(work, wanted, doorway.units))
        return shown(commands, quote_id, principal, response)


def _moving(router: APIRouter, commands: Commands, doorway: Doorway) -> None:
    @router.post("/{quote}/submit")
    def submit(
        quote: str,
        response: Response,
        principal: Seller,
        cause: Why,
        expected: Seen,
    ) -> Any:
        """Bring the draft to approval."""
        quote_id = quote_id_of(commands, quote)
        commands.run(
            cause, lambda work: sellers.submit_quote(work, quote_id, expected, doorway.units)
        )
        return shown(commands, quote_id, principal, response)

    @router.post("/{quote}/present")
    def present(
        quote: str,
        response: Response,
        principal: Seller,
        cause: Why,
        expected: Seen,
    ) -> Any:
        """Show the approved revision to the customer."""
        quote_id = quote_id_of(commands, quote)
        commands.run(
            cause, lambda work: sellers.present_quote(work, quote_id, expected, doorway.units)
        )
        return shown(commands, quote_id, principal, response)

    @router.post("/{quote}/revise")
    def revise(
        quote: str,
        response: Response,
        principal: Seller,
        cause: Why,
        expected: Seen,
    ) -> Any:
        """Begin the next revision; the presented one stays acceptable until then."""
        quote_id = quote_id_of(commands, quote)
        commands.run(
            cause, lambda work: sellers.revise_quote(work, quote_id, expected, doorway.units)
        )
        return shown(commands, quote_id, principal, response)

    @router.post("/{quote}/retry")
    def retry(
        quote: str,
        response: Response,
        principal: Seller,
        cause: Why,
    ) -> Any:
        """Say the pending or failed ask again."""
        quote_id = quote_id_of(commands, quote)
        commands.run(cause, lambda work: sellers.retry_ask(work, quote_id, doorway.units))
        return shown(commands, quote_id, principal, response)


def _ending(router: APIRouter, commands: Commands, doorway: Doorway) -> None:
    @router.post("/{quote}/recall")
    def recall(
        quote: str,
        body: ReasonBody,
        response: Response,
        principal: Seller,
        cause: Why,
    ) -> Any:
        """Take back what is pending or approved."""
        quote_id = quote_id_of(commands, quote)
        commands.run(
            cause,
            lambda work: sellers.recall_revision(work, quote_id, body.reason, doorway.units),
        )
        return shown(commands, quote_id, principal, response)

    @router.post("/{quote}/withdraw")
    def withdraw(
        quote: str,
        body: ReasonBody,
        response: Response,
        principal: Closer,
        cause: Why,
    ) -> Any:
        """Take the quote back for good."""
        quote_id = quote_id_of(commands, quote)
        commands.run(
            cause,
            lambda work: sellers.withdraw_quote(work, quote_id, body.reason, doorway.units),
        )
        return shown(commands, quote_id, principal, response)
