"""The pages of crm_projector: the opportunities that people follow, and their quotes."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response, StreamingResponse

from infra.auth import Principal
from infra.live import Live
from infra.pages import Pages, page_router
from infra.web import allow
from infra.work import Commands
from services.crm_projector import views
from services.crm_projector.api import OpportunityFilter

READS = allow("seller", "approver", "manager", "analyst", "admin")
Reader = Annotated[Principal, Depends(READS)]
Asked = Annotated[OpportunityFilter, Query()]
DRAFTS = frozenset({"seller", "admin"})


def routes(commands: Commands, pages: Pages, live: Live) -> APIRouter:
    """Return the routes of the pages; they come before the JSON routes of the same addresses."""
    router = page_router("/crm")
    drawn = OpportunityPages(commands, pages)

    @router.get("/opportunities")
    def opportunities(request: Request, asked: Asked, caller: Reader) -> Response:
        """List the opportunities."""
        del caller
        return pages.show(request, "opportunities.html", **drawn.listed(asked))

    @router.get("/opportunities/{deal_id}")
    def opportunity(deal_id: UUID, request: Request, caller: Reader) -> Response:
        """Show one opportunity with its quotes."""
        return pages.show(request, "opportunity.html", **drawn.one(deal_id, caller))

    # Streams first: htmx asks for them as for pages, and `live` would be taken for a deal.
    whole = APIRouter()
    whole.routes.extend((*_streams(drawn, live).routes, *router.routes))
    return whole


def _streams(drawn: "OpportunityPages", live: Live) -> APIRouter:
    router = APIRouter(prefix="/crm", include_in_schema=False)

    @router.get("/opportunities/live")
    def opportunities(request: Request, asked: Asked, caller: Reader) -> StreamingResponse:
        """Stream the list whenever an opportunity changes."""
        del caller
        return live.stream(
            request,
            {"*"},
            lambda: drawn.draw(request, "opportunities_list.html", drawn.listed(asked)),
        )

    @router.get("/opportunities/{deal_id}/live")
    def opportunity(deal_id: UUID, request: Request, caller: Reader) -> StreamingResponse:
        """Stream one opportunity whenever it changes."""
        # One for as long as the page is open: drawn anew it is the same, unless the deal is not.
        once = request.app.state.new_id()

        def draw() -> str:
            told = {**drawn.one(deal_id, caller), "once": once}
            return drawn.draw(request, "opportunity_body.html", told)

        return live.stream(request, {str(deal_id)}, draw)

    return router


class OpportunityPages:
    """What the pages of opportunities show."""

    def __init__(self, commands: Commands, pages: Pages) -> None:
        self._commands = commands
        self._pages = pages

    def draw(self, request: Request, name: str, told: Mapping[str, Any]) -> str:
        """Draw the piece of a page that a stream sends."""
        return self._pages.draw(request, name, **told)

    def listed(self, asked: OpportunityFilter) -> dict[str, Any]:
        """Return a page of the list, with the quotes of each opportunity."""
        rows = views.opportunities(self._commands, asked.model_dump())
        quotes = views.quotes_of(self._commands, [row["deal_id"] for row in rows])
        given = asked.model_dump(mode="json", exclude_defaults=True)
        is_full = len(rows) == asked.limit
        after = {**given, "after": rows[-1]["deal_id"]} if is_full else None
        return {
            "asked": asked,
            "query": urlencode(given),
            "rows": [{**row, "quotes": quotes.get(row["deal_id"], [])} for row in rows],
            "next_page": urlencode(after) if after else None,
            "overdue": _overdue,
        }

    def one(self, deal_id: UUID, caller: Principal) -> dict[str, Any]:
        """Return one opportunity.   Raises: NoSuchOpportunity."""
        found = views.opportunity(self._commands, deal_id)
        may = bool(caller.roles & DRAFTS) and found["outcome"] == "open"
        return {"it": found, "may_draft": may, "overdue": _overdue}


def _overdue(day: str | None, today: date) -> bool:
    return day is not None and date.fromisoformat(day) < today
