"""The page of one's own configurations: go on, copy, compare two, forget."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from contracts import places
from infra.auth import Principal
from infra.pages import Pages, page_router, see
from infra.web import allow, cause_of
from infra.work import Cause
from services.configurator import handlers
from services.configurator.domain.products.catalogue import Catalogue
from services.configurator.domain.sessions import session_steps as deciding
from services.configurator.domain.sessions.session import Place, copied
from services.configurator.judging import compared, product_of
from services.configurator.sessions import KEPT, Sessions, session_id_of, signed

Seller = Annotated[Principal, Depends(allow("seller", "admin"))]
Asked = Annotated[Cause, Depends(cause_of)]
LISTED_MAX = 200


def routes(pages: Pages, catalogue: Catalogue, sessions: Sessions) -> APIRouter:
    """Return the routes of the page, and of the two that it compares."""
    router = page_router(places.SESSIONS)

    @router.get("")
    def mine(request: Request, caller: Seller) -> Response:
        """List one's own configurations, the last touched first."""
        found = sessions.mine(caller.actor, LISTED_MAX)
        day = handlers.day_of(request.app.state.clock())
        names = {each.model.id: each.model.name for each in catalogue.products(day)}
        told: dict[str, Any] = {"sessions": found, "names": names, "here": here}
        told["kept_days"] = KEPT.days
        return pages.show(request, "sessions.html", **told)

    @router.get("/compare")
    def two(request: Request, caller: Seller, left: UUID, right: UUID) -> Response:
        """Show what differs between two of one's own configurations."""
        both = [sessions.of(each, caller.actor) for each in (left, right)]
        told: dict[str, Any] = {"left": both[0].head, "right": both[1].head}
        day = handlers.day_of(request.app.state.clock())
        told["found"] = compared(catalogue, both[0], both[1], day)
        return pages.show(request, "sessions_compared.html", **told)

    @router.post("/{session_id}/copy")
    def copy(session_id: UUID, caller: Seller, asked: Asked) -> Response:
        """Copy a configuration, to try something else beside it."""
        source = sessions.of(session_id, caller.actor)
        product = product_of(catalogue, source, handlers.day_of(asked.now))
        head = copied(source.head, session_id_of(asked.command_id), asked.now)
        sessions.begin(asked, head, deciding.begin(product, source.decisions, signed(asked)))
        return see(places.SESSIONS)

    @router.post("/{session_id}/forget")
    def forget(session_id: UUID, caller: Seller, asked: Asked) -> Response:
        """Forget a configuration for good; what was put into a quote stays there."""
        sessions.forget(asked, session_id, caller.actor)
        return see(places.SESSIONS)

    return router


def here(place: Place) -> str | None:
    """Return the page on which the item of a place is configured; None, if it has no place."""
    if place.quote is not None:
        if place.item_id is not None:
            return places.item(place.quote, place.item_id)
        return places.new_item(place.quote)
    return places.first_item(place.deal_id) if place.deal_id is not None else None
