"""The pages of crm_projector: opportunities and their quotes, what waits, the overview."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response, StreamingResponse

from contracts import places
from infra.auth import Principal
from infra.live import Live
from infra.pages import Pages, page_router
from infra.web import allow
from infra.work import Commands
from services.crm_projector import overview, views
from services.crm_projector.api import OpportunityFilter, WaitingFilter

READS = allow("seller", "approver", "manager", "analyst", "admin")
Reader = Annotated[Principal, Depends(READS)]
Overseer = Annotated[Principal, Depends(allow("manager", "analyst", "admin"))]
Asked = Annotated[OpportunityFilter, Query()]
Waits = Annotated[WaitingFilter, Query()]
DRAFTS = frozenset({"seller", "admin"})
# Analysts read figures here; the quotes themselves and their cases are not theirs to open.
OPENS_QUOTES = places.SELLS | places.DECIDES
# Filters without a field of their own: a number of the overview sets them.
NARROWED = ("quoted_tier", "currency", "presented_in", "presented_currency")


def routes(commands: Commands, pages: Pages, live: Live) -> APIRouter:
    """Return the routes of the pages; they come before the JSON routes of the same addresses."""
    router = page_router("/crm")
    drawn = OpportunityPages(commands, pages)

    @router.get("/opportunities")
    def opportunities(request: Request, asked: Asked, caller: Reader) -> Response:
        """List the opportunities."""
        return pages.show(request, "opportunities.html", **drawn.listed(asked, caller))

    @router.get("/opportunities/{deal_id}")
    def opportunity(deal_id: UUID, request: Request, caller: Reader) -> Response:
        """Show one opportunity with its quotes."""
        return pages.show(request, "opportunity.html", **drawn.one(deal_id, caller))

    @router.get("/waiting")
    def waiting(request: Request, asked: Waits, caller: Reader) -> Response:
        """List what quotes wait for."""
        return pages.show(request, "waiting.html", **drawn.waiting(asked, caller))

    @router.get("/overview")
    def over(request: Request, caller: Overseer) -> Response:
        """Show the pipeline, the win rate, the discounts and what waits."""
        del caller
        today = request.app.state.clock().date()
        return pages.show(request, "overview.html", **overview.overview(commands, today))

    # Streams first: htmx asks for them as for pages, and `live` would be taken for a deal.
    whole = APIRouter()
    whole.routes.extend((*_streams(drawn, live).routes, *router.routes))
    return whole


def _streams(drawn: "OpportunityPages", live: Live) -> APIRouter:
    router = APIRouter(prefix="/crm", include_in_schema=False)

    @router.get("/opportunities/live")
    def opportunities(request: Request, asked: Asked, caller: Reader) -> StreamingResponse:
        """Stream the list whenever an opportunity changes."""
        return live.stream(
            request,
            {"*"},
            lambda: drawn.draw(request, "opportunities_list.html", drawn.listed(asked, caller)),
        )

    @router.get("/waiting/live")
    def waiting(request: Request, asked: Waits, caller: Reader) -> StreamingResponse:
        """Stream what quotes wait for whenever one moves."""
        return live.stream(
            request,
            {"*"},
            lambda: drawn.draw(request, "waiting_list.html", drawn.waiting(asked, caller)),
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
    """What the pages of opportunities and of waiting quotes show."""

    def __init__(self, commands: Commands, pages: Pages) -> None:
        self._commands = commands
        self._pages = pages

    def draw(self, request: Request, name: str, told: Mapping[str, Any]) -> str:
        """Draw the piece of a page that a stream sends."""
        return self._pages.draw(request, name, **told)

    def listed(self, asked: OpportunityFilter, caller: Principal) -> dict[str, Any]:
        """Return a page of the list, with the quotes of each opportunity."""
        found = views.opportunities(self._commands, _one_more(asked))
        rows = found[: asked.limit]
        quotes = views.quotes_of(self._commands, [row["deal_id"] for row in rows])
        given = _given(asked)
        return {
            "asked": asked,
            "narrowed": {name: given[name] for name in NARROWED if name in given},
            "query": urlencode(given),
            "rows": [{**row, "quotes": quotes.get(row["deal_id"], [])} for row in rows],
            "next_page": _next(given, found, rows, {"after": "deal_id"}),
            "overdue": _overdue,
            "opens_quotes": bool(caller.roles & OPENS_QUOTES),
        }

    def one(self, deal_id: UUID, caller: Principal) -> dict[str, Any]:
        """Return one opportunity.   Raises: NoSuchOpportunity."""
        found = views.opportunity(self._commands, deal_id)
        takes_quotes = found["outcome"] == "open" and found["deal_status"] == "open"
        return {
            "it": found,
            "numbers": {each["quote_id"]: each["number"] for each in found["quotes"]},
            "may_draft": takes_quotes and bool(caller.roles & DRAFTS),
            "overdue": _overdue,
            "opens_quotes": bool(caller.roles & OPENS_QUOTES),
        }

    def waiting(self, asked: WaitingFilter, caller: Principal) -> dict[str, Any]:
        """Return a page of what waits, the longest wait first."""
        found = views.waiting(self._commands, _one_more(asked))
        rows = found[: asked.limit]
        given = _given(asked)
        place = {"after_since": "waits_since_at", "after": "number"}
        return {
            "asked": asked,
            "query": urlencode(given),
            "rows": rows,
            "next_page": _next(given, found, rows, place),
            "opens_quotes": bool(caller.roles & OPENS_QUOTES),
        }


def _given(asked: OpportunityFilter | WaitingFilter) -> dict[str, Any]:
    return asked.model_dump(mode="json", exclude_defaults=True)


def _one_more(asked: OpportunityFilter | WaitingFilter) -> dict[str, Any]:
    """Ask for one row more than a page shows: it tells whether there is a next page."""
    return {**asked.model_dump(), "limit": asked.limit + 1}


def _next(
    given: Mapping[str, Any],
    found: list[views.Row],
    rows: list[views.Row],
    place: Mapping[str, str],
) -> str | None:
    """Return the query of the next page, which begins after the last row of this one."""
    if len(found) == len(rows):
        return None
    return urlencode({**given, **{name: rows[-1][column] for name, column in place.items()}})


def _overdue(day: str | None, today: date) -> bool:
    return day is not None and date.fromisoformat(day) < today
