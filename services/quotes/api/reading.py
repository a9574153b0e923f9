"""Reading routes: a deal, a quote, a revision, its draft PDF, the customer's link."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from contracts.quote import PricingRequested
from infra.web import Principal, allow
from infra.work import Commands
from services.quotes.api.doorway import Doorway, Why, deal_of, quote_id_of, quote_of
from services.quotes.api.sellers import INSIDERS, told
from services.quotes.domain.alternatives import compared
from services.quotes.domain.asks import draft_document
from services.quotes.domain.errors import NotPresented
from services.quotes.domain.quote import Quote, stream_of_quote
from services.quotes.domain.situation import Situation
from services.quotes.views import deal_view, differences_view, revision_view

READS = allow("seller", "approver", "manager", "admin")
# approvals shows the lines of what it asks about; a service sees no costs.
TELLS = allow("seller", "approver", "manager", "admin", "service")
SHARES = allow("seller", "manager", "admin")
Reader = Annotated[Principal, Depends(READS)]
# Which revisions are compared; each has its default.
From = Annotated[int | None, Query(alias="from")]
To = Annotated[int | None, Query(alias="to")]


def routes(commands: Commands, doorway: Doorway) -> APIRouter:
    """Return the reading routes."""
    router = APIRouter(prefix="/quotes", tags=["quotes"])
    _views(router, commands)
    _sharing(router, commands, doorway)
    return router


def _views(router: APIRouter, commands: Commands) -> None:
    @router.get("/deals/{deal_id}", dependencies=[Depends(READS)])
    def deal(deal_id: UUID) -> Any:
        """Return a deal with a line per quote."""
        found = deal_of(commands, deal_id)
        quotes = [quote_of(commands, str(each.quote_id)) for each in found.quotes]
        return deal_view(found, quotes)

    @router.get("/deals/{deal_id}/compare", dependencies=[Depends(READS)])
    def compare(deal_id: UUID) -> Any:
        """Return all quotes of a deal side by side, each by its newest revision."""
        return side_by_side(commands, deal_id)

    @router.get("/{quote}")
    def quote(quote: str, response: Response, principal: Reader) -> Any:
        """Return a quote, its newest revision in full."""
        return told(quote_of(commands, quote), principal, response)

    @router.get("/{quote}/asks", dependencies=[Depends(allow("admin", "service"))])
    def asks(quote: str) -> dict[str, Any]:
        """Return every ask for a price with the id of its fact, so that it can be replayed."""
        found = commands.read(stream_of_quote(quote_id_of(commands, quote)))
        return {
            "asks": [
                {"id": each.meta.id, "asked": each.fact.model_dump(mode="json")}
                for each in found
                if isinstance(each.fact, PricingRequested)
            ]
        }

    @router.get("/{quote}/revisions/{n}")
    def revision(quote: str, n: int, principal: Annotated[Principal, Depends(TELLS)]) -> Any:
        """Return one revision in full, also an earlier one."""
        found = quote_of(commands, quote)
        internal = bool(INSIDERS & principal.roles)
        return revision_view(found, found.revision(n), internal=internal)

    @router.get("/{quote}/differences", dependencies=[Depends(READS)])
    def differences(quote: str, first: From = None, last: To = None) -> Any:
        """Return what is otherwise in one revision than in another.

        By default the newest against the one before.
        """
        return differences_view(quote_of(commands, quote), first, last)


def side_by_side(commands: Commands, deal_id: UUID) -> dict[str, Any]:
    """Return all quotes of a deal side by side.   Raises: DealNotFound."""
    deal = deal_of(commands, deal_id)
    return compared(deal, [quote_of(commands, str(each.quote_id)) for each in deal.quotes])


def _sharing(router: APIRouter, commands: Commands, doorway: Doorway) -> None:
    @router.get("/{quote}/revisions/{n}/link", dependencies=[Depends(SHARES)])
    def link(quote: str, n: int) -> dict[str, str]:
        """Return the customer's address of a presented revision; who holds it may accept."""
        found = quote_of(commands, quote)
        if found.revision(n).presented is None:
            raise NotPresented(
                f"revision {n} of {found.number} is not presented yet; present it first",
                quote=found.number,
                revision=n,
            )
        path = doorway.links.path(found.quote_id, n)
        return {"path": path, "url": doorway.public_url + path}

    @router.get("/{quote}/revisions/{n}/draft.pdf", dependencies=[Depends(READS)])
    def draft_pdf(quote: str, n: int, cause: Why) -> Response:
        """Return the PDF as it would be, marked as a draft; makes no fact."""
        found = quote_of(commands, quote)
        situation = _situation(commands, doorway, found, cause.now)
        asked = draft_document(situation, found.revision(n))
        pdf = doorway.asker.ask(
            "documents", "POST", "/documents/preview", asked.model_dump(mode="json")
        )
        return Response(pdf, media_type="application/pdf")


def _situation(commands: Commands, doorway: Doorway, quote: Quote, now: datetime) -> Situation:
    deal = deal_of(commands, quote.deal_id)
    return Situation(quote, deal, doorway.units.get(deal.details.selling_unit), "preview", now)
