"""What sellers do on the page of a quote: every form is one command, then the page again."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from contracts import places
from contracts.values import Value
from infra.auth import Principal
from infra.pages import FormInvalid, filled, form, page_router, reader, see
from infra.web import allow
from infra.work import Cause, Commands, Work
from services.quotes.api.doorway import Doorway, ReasonBody, Why, quote_of
from services.quotes.api.reading import READS, From, To
from services.quotes.handlers import sellers
from services.quotes.handlers.sellers import DraftQuote
from services.quotes.handlers.streams import Units
from services.quotes.pages.drawing import QuotePages
from services.quotes.pages.editing import edited

Reader = Annotated[Principal, Depends(READS)]
Seller = Annotated[Principal, Depends(allow("seller", "admin"))]
Closer = Annotated[Principal, Depends(allow("seller", "manager", "admin"))]


class UndoBody(Value):
    """Which change shall be undone: the number of its fact in the quote's stream."""

    edit: int


Act = Callable[[Work, UUID, str | None, Units], None]
End = Callable[[Work, UUID, str, Units], None]


def routes(commands: Commands, doorway: Doorway, drawn: QuotePages) -> APIRouter:
    """Return the page of a quote, its stream, and what can be done on it."""
    router = page_router("/quotes")
    _looking(router, drawn)
    _drafting(router, commands)
    _editing(router, doorway, drawn)
    for path, act in (
        ("submit", sellers.submit_quote),
        ("present", sellers.present_quote),
        ("revise", sellers.revise_quote),
    ):
        _moving(router, doorway, drawn, (path, act))
    _ending(router, doorway, drawn, ("recall", sellers.recall_revision, allow("seller", "admin")))
    closing = allow("seller", "manager", "admin")
    _ending(router, doorway, drawn, ("withdraw", sellers.withdraw_quote, closing))
    router.routes.extend(_streams(drawn).routes)
    return router


def _streams(drawn: QuotePages) -> APIRouter:
    plain = APIRouter(prefix="/quotes", include_in_schema=False)

    @plain.get("/{quote}/live")
    def live(
        quote: str, request: Request, caller: Reader, first: From = None, last: To = None
    ) -> StreamingResponse:
        """Stream the quote's page while somebody looks at it."""
        return drawn.stream(request, quote, caller, (first, last))

    @plain.get("/deals/{deal_id}/compare/live")
    def compare(deal_id: UUID, request: Request, caller: Reader) -> StreamingResponse:
        """Stream the quotes of a deal while somebody compares them."""
        del caller
        return drawn.compare_stream(request, deal_id)

    return plain


def _looking(router: APIRouter, drawn: QuotePages) -> None:
    @router.get("/{quote}")
    def page(
        quote: str, request: Request, caller: Reader, first: From = None, last: To = None
    ) -> Response:
        """Show a quote."""
        return drawn.show(request, quote, caller, (first, last))

    @router.get("/deals/{deal_id}/compare")
    def compare(deal_id: UUID, request: Request, caller: Reader) -> Response:
        """Show all quotes of a deal side by side."""
        del caller
        return drawn.compare(request, deal_id)

    @router.get("/{quote}/revisions/{n}/waterfall")
    def lines(quote: str, n: int, request: Request, caller: Reader) -> Response:
        """Show every line from its list price to its net price."""
        return drawn.lines(request, quote, n, caller)


def _drafting(router: APIRouter, commands: Commands) -> None:
    @router.post("/deals/{deal_id}/quotes")
    def draft(deal_id: UUID, cause: Why, caller: Seller) -> Response:
        """Draft a quote of the deal, and go to it."""
        del caller
        wanted = DraftQuote(deal_id, (), ())
        commands.run(cause, lambda work: sellers.draft_quote(work, wanted))
        return _new(commands, deal_id, cause)

    @router.post("/{quote}/clone")
    def clone(quote: str, cause: Why, caller: Seller) -> Response:
        """Clone a quote, and go to the new one."""
        del caller
        origin = quote_of(commands, quote)
        commands.run(cause, lambda work: sellers.clone_quote(work, origin.quote_id))
        return _new(commands, origin.deal_id, cause)


def _new(commands: Commands, deal_id: UUID, cause: Cause) -> Response:
    quote_id = sellers.quote_id_for(deal_id, cause.command_id)
    return see(places.quote(quote_of(commands, str(quote_id)).number))


def _editing(router: APIRouter, doorway: Doorway, drawn: QuotePages) -> None:
    commands = drawn.commands

    @router.post("/{quote}/draft")
    def edit(quote: str, request: Request, caller: Seller, cause: Why) -> Response:
        """Change quantities and the discount on the whole quote, and ask for prices anew."""

        def act(quote_id: UUID) -> None:
            given = form(request)
            if "percent" in given:
                given["percent"] = reader(request).typed(given["percent"])
            wanted = edited(quote_of(commands, str(quote_id)), given)
            commands.run(cause, lambda work: sellers.edit_draft(work, wanted, doorway.units))

        return drawn.move(request, quote, caller, act)

    @router.post("/{quote}/undo")
    def undo(quote: str, request: Request, caller: Seller, cause: Why) -> Response:
        """Ask for what the draft was before its last change, if nobody has changed it since."""

        def act(quote_id: UUID) -> None:
            number = filled(UndoBody, form(request)).edit
            commands.run(
                cause, lambda work: sellers.undo_edit(work, quote_id, number, doorway.units)
            )

        return drawn.move(request, quote, caller, act)

    @router.post("/{quote}/retry")
    def retry(quote: str, request: Request, caller: Seller, cause: Why) -> Response:
        """Say the pending or failed ask again."""
        return drawn.move(
            request,
            quote,
            caller,
            lambda quote_id: commands.run(
                cause, lambda work: sellers.retry_ask(work, quote_id, doorway.units)
            ),
        )


def _moving(router: APIRouter, doorway: Doorway, drawn: QuotePages, what: tuple[str, Act]) -> None:
    path, handler = what

    @router.post(f"/{{quote}}/{path}", name=path)
    def move(quote: str, request: Request, caller: Seller, cause: Why) -> Response:
        """Move the quote on, if it still is what its reader saw."""
        seen = form(request).get("etag")

        def act(quote_id: UUID) -> None:
            drawn.commands.run(cause, lambda work: handler(work, quote_id, seen, doorway.units))

        return drawn.move(request, quote, caller, act)


def _ending(
    router: APIRouter,
    doorway: Doorway,
    drawn: QuotePages,
    what: tuple[str, End, Callable[..., object]],
) -> None:
    path, handler, policy = what

    @router.post(f"/{{quote}}/{path}", name=path)
    def end(
        quote: str,
        request: Request,
        caller: Annotated[Principal, Depends(policy)],
        cause: Why,
    ) -> Response:
        """Take the quote back, with a reason; what is for good is asked for twice."""
        if path == "withdraw" and drawn.must_confirm(request, quote, caller):
            return drawn.confirm(request, quote, form(request)["reason"])

        def act(quote_id: UUID) -> None:
            reason = _reason(path, request)
            drawn.commands.run(cause, lambda work: handler(work, quote_id, reason, doorway.units))

        return drawn.move(request, quote, caller, act)


def _reason(what: str, request: Request) -> str:
    """Return the reason of the form.   Raises: FormInvalid, naming the form it stands in."""
    try:
        return filled(ReasonBody, form(request)).reason
    except FormInvalid as fault:
        raise FormInvalid({what: fault.errors["reason"]}) from None
