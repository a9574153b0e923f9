"""The pages of crm_projector: opportunities, their quotes and facts, what waits, the overview."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial
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
from services.crm_projector import history, overview, views
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
NARROWED = ("quoted_tier", "currency", "presented_in", "presented_currency", "amount")


def routes(commands: Commands, pages: Pages, live: Live) -> APIRouter:
    """Return the routes of the pages; they come before the JSON routes of the same addresses."""
    drawn = CrmPages(commands, pages, live)
    # Streams first: htmx asks for them as for pages, and `live` would be taken for a deal.
    whole = APIRouter()
    whole.routes.extend((*_streams(drawn).routes, *_shown(drawn).routes))
    return whole


def _shown(drawn: "CrmPages") -> APIRouter:
    router = page_router("/crm")

    @router.get("/opportunities")
    def opportunities(request: Request, asked: Asked, caller: Reader) -> Response:
        """List the opportunities."""
        return drawn.show(request, "opportunities.html", drawn.listed(asked, caller))

    @router.get("/opportunities/{deal_id}")
    def opportunity(deal_id: UUID, request: Request, caller: Reader) -> Response:
        """Show one opportunity with its quotes."""
        return drawn.show(request, "opportunity.html", drawn.one(deal_id, caller))

    @router.get("/opportunities/{deal_id}/facts")
    def facts(deal_id: UUID, request: Request, caller: Reader) -> Response:
        """Show every fact of an opportunity and its quotes."""
        return drawn.show(request, "facts.html", drawn.facts(deal_id, caller))

    @router.get("/waiting")
    def waiting(request: Request, asked: Waits, caller: Reader) -> Response:
        """List what quotes wait for."""
        return drawn.show(request, "waiting.html", drawn.waiting(asked, caller))

    @router.get("/overview")
    def over(request: Request, _caller: Overseer) -> Response:
        """Show the pipeline, the win rate, the discounts, the times and what waits."""
        return drawn.show(request, "overview.html", drawn.overview(request))

    return router


def _streams(drawn: "CrmPages") -> APIRouter:
    router = APIRouter(prefix="/crm", include_in_schema=False)
    any_deal = {"*"}

    @router.get("/opportunities/live")
    def opportunities(request: Request, asked: Asked, caller: Reader) -> StreamingResponse:
        """Stream the list whenever an opportunity changes."""
        told = partial(drawn.listed, asked, caller)
        return drawn.stream(request, any_deal, "opportunities_list.html", told)

    @router.get("/waiting/live")
    def waiting(request: Request, asked: Waits, caller: Reader) -> StreamingResponse:
        """Stream what quotes wait for whenever one moves."""
        told = partial(drawn.waiting, asked, caller)
        return drawn.stream(request, any_deal, "waiting_list.html", told)

    @router.get("/overview/live")
    def over(request: Request, _caller: Overseer) -> StreamingResponse:
        """Stream the overview whenever a number of it may have changed."""
        told = partial(drawn.overview, request)
        return drawn.stream(request, any_deal, "overview_body.html", told)

    @router.get("/opportunities/{deal_id}/live")
    def opportunity(deal_id: UUID, request: Request, caller: Reader) -> StreamingResponse:
        """Stream one opportunity whenever it changes."""
        told = partial(drawn.one, deal_id, caller)
        return drawn.stream(request, {str(deal_id)}, "opportunity_body.html", told)

    return router


class CrmPages:
    """Draws the pages of opportunities, of waiting quotes and of the overview."""

    def __init__(self, commands: Commands, pages: Pages, live: Live) -> None:
        self._commands = commands
        self._pages = pages
        self._live = live

    def show(self, request: Request, name: str, told: Mapping[str, Any]) -> Response:
        """Draw a page."""
        return self._pages.show(request, name, **told)

    def stream(
        self, request: Request, keys: set[str], name: str, told: Callable[[], Mapping[str, Any]]
    ) -> StreamingResponse:
        """Send the piece of a page that changes, whenever one of the keys has."""
        # One for as long as the page is open: drawn anew it is the same, unless its rows are not.
        once = request.app.state.new_id()
        return self._live.stream(
            request,
            keys,
            lambda: self._pages.draw(request, name, **{**told(), "once": once}),
        )

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
            "seconds_to_quote": _seconds(found["opened_at"], found["first_presented_at"]),
            "overdue": _overdue,
            "opens_quotes": bool(caller.roles & OPENS_QUOTES),
        }

    def facts(self, deal_id: UUID, caller: Principal) -> dict[str, Any]:
        """Return every fact of one opportunity.   Raises: NoSuchOpportunity."""
        return {
            **history.of_deal(self._commands, deal_id),
            "opens_quotes": bool(caller.roles & OPENS_QUOTES),
        }

    def overview(self, request: Request) -> dict[str, Any]:
        """Return what the overview shows today."""
        return overview.overview(self._commands, request.app.state.clock().date())

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


def _seconds(opened: str, presented: str | None) -> float | None:
    """Return how long the first quote took; None while there is none."""
    if presented is None:
        return None
    return (datetime.fromisoformat(presented) - datetime.fromisoformat(opened)).total_seconds()


def _overdue(day: str | None, today: date) -> bool:
    return day is not None and date.fromisoformat(day) < today
