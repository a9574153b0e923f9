"""The pages of what-ifs: the list with its form, and one what-if, live while it is carried out."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response, StreamingResponse

from contracts import places
from contracts.errors import Conflict, NotFound, QuotewrightError, Refused
from infra.auth import Principal
from infra.live import Live
from infra.pages import Pages, form, page_router, see
from infra.web import allow
from services.pricer.authoring_api import Writer
from services.pricer.domain.what_ifs.report import report
from services.pricer.pages import what_if_charts
from services.pricer.pages.what_if_form import asked, errors_of
from services.pricer.what_if_api import Insider, Keeper, WhatIfDesk, Why
from services.pricer.what_ifs import WhatIf

Reader = Annotated[Principal, Depends(allow("approver", "manager", "admin"))]
KEEPERS = frozenset({"manager", "admin"})
LISTED_MAX = 100
SAID = (Refused, Conflict, NotFound)
STATES = {
    "waiting": ("Waiting", "plain"),
    "running": ("Running", "busy"),
    "done": ("Done", "good"),
    "cancelled": ("Cancelled", "warn"),
    "failed": ("Failed", "bad"),
}


def routes(desk: WhatIfDesk, pages: Pages, live: Live) -> APIRouter:
    """Return the pages; they come before the JSON routes of the same addresses."""
    drawn = WhatIfPages(desk, pages, live)
    plain = APIRouter(prefix=places.WHAT_IFS, include_in_schema=False)

    @plain.get("/{what_if_id}/live")
    def stream(what_if_id: UUID, request: Request, caller: Insider) -> StreamingResponse:
        """Stream one while somebody looks at it."""
        return drawn.stream(request, what_if_id, caller)

    router = page_router(places.WHAT_IFS)

    @router.get("")
    def listed(
        request: Request, caller: Reader, book: Annotated[str, Query(max_length=120)] = ""
    ) -> Response:
        """List what was tried, with the form to try something; `book` is chosen in it."""
        return drawn.listed(request, caller, {"book": book, "approvals": "on"})

    @router.post("")
    def begin(request: Request, caller: Writer, cause: Why) -> Response:
        """Try what the form says."""
        filled = form(request)
        try:
            found = desk.begin(asked(filled), cause)
        except SAID as fault:
            return drawn.listed(request, caller, filled, fault)
        return see(places.what_if(found.what_if_id))

    @router.get("/{what_if_id}")
    def one(what_if_id: UUID, request: Request, caller: Reader) -> Response:
        """Show how far a what-if is, and what it found."""
        return drawn.show(request, what_if_id, caller)

    @router.post("/{what_if_id}/cancel")
    def cancel(what_if_id: UUID, _caller: Keeper, cause: Why) -> Response:
        """End a what-if."""
        desk.what_ifs.cancel(cause, what_if_id)
        return see(places.what_if(what_if_id))

    plain.routes.extend(router.routes)
    return plain


class WhatIfPages:
    """Draws the pages of what-ifs."""

    def __init__(self, desk: WhatIfDesk, pages: Pages, live: Live) -> None:
        self._desk = desk
        self._pages = pages
        self._live = live

    def listed(
        self,
        request: Request,
        caller: Principal,
        filled: Mapping[str, str],
        fault: QuotewrightError | None = None,
    ) -> Response:
        """Draw the list and the form; a refused form comes back as it was filled."""
        releases = self._desk.library.releases("book")
        told: dict[str, Any] = {
            "found": self._desk.what_ifs.newest(LISTED_MAX),
            "states": STATES,
            "releases": releases,
            "known": {f"{it.id}/{it.version}" for it in releases},
            "seen": self._desk.asks.seen(),
            "may_ask": bool(KEEPERS & caller.roles),
            "filled": filled,
            "errors": errors_of(fault, filled, {it.key for it in releases}) if fault else {},
            "fault": fault,
        }
        status = fault.status if fault else 200
        return self._pages.show(request, "what_ifs.html", status, **told)

    def show(self, request: Request, what_if_id: UUID, caller: Principal) -> Response:
        """Draw one what-if."""
        return self._pages.show(request, "what_if.html", **self._told(what_if_id, caller))

    def stream(self, request: Request, what_if_id: UUID, caller: Principal) -> StreamingResponse:
        """Send one anew whenever it is farther."""
        once = request.app.state.new_id()
        told = partial(self._told, what_if_id, caller)
        return self._live.stream(
            request,
            {str(what_if_id)},
            lambda: self._pages.draw(request, "what_if_body.html", **{**told(), "once": once}),
        )

    def _told(self, what_if_id: UUID, caller: Principal) -> dict[str, Any]:
        found: WhatIf = self._desk.what_ifs.of(what_if_id)
        return {
            "it": found,
            "state": STATES[found.state],
            "report": report(self._desk.what_ifs.tally(found)),
            "charts": what_if_charts,
            "may_ask": bool(KEEPERS & caller.roles),
        }
