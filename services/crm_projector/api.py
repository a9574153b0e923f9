"""The doors of crm_projector: CRMs in, the read side out, the rebuild."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field

from contracts.envelope import Registry
from contracts.errors import Unavailable
from contracts.quote import Mover
from contracts.values import Value
from infra.auth import Principal
from infra.web import allow, cause_of, public, raw_body
from infra.work import Cause, Commands
from services.crm_projector import handlers, rebuild, views
from services.crm_projector.crm.port import CrmPort
from services.crm_projector.domain.inbound import InboundEvent

LISTED_MAX = 200
REBUILD_DEALS_MAX = 200
REBUILD_ATTEMPTS = 5
SEES_INTERNAL = frozenset({"approver", "manager", "analyst", "admin"})
READERS = Depends(allow("seller", "approver", "manager", "analyst", "admin"))
ANALYSTS = Depends(allow("manager", "analyst", "admin"))

Limit = Annotated[int, Query(ge=1, le=LISTED_MAX)]
Filter = Annotated[str | None, Query(max_length=200)]
Number = Annotated[str, Path(min_length=1, max_length=60)]


class Taken(Value):
    """What became of a CRM's event: the facts it made; none for echoes, stale and empty events."""

    deal_id: UUID
    facts: tuple[str, ...]


class OpportunityFilter(Value):
    """Which opportunities to list; `after` is the last deal of the page before."""

    owner: str | None = Field(default=None, max_length=200)
    tier: str | None = Field(default=None, max_length=60)
    region: str | None = Field(default=None, max_length=60)
    stage: str | None = Field(default=None, max_length=100)
    outcome: Literal["open", "won", "lost"] | None = None
    follow_up_by: date | None = None
    after: UUID | None = None
    limit: int = Field(default=50, ge=1, le=LISTED_MAX)


class RebuildPage(Value):
    """Which deals to rebuild: `limit` of them after the deal `after`, from the first without it."""

    after: UUID | None = None
    limit: int = Field(default=100, ge=1, le=REBUILD_DEALS_MAX)


def routes(commands: Commands, crm: CrmPort, registry: Registry) -> APIRouter:
    """Return the routes of crm_projector."""
    router = APIRouter(prefix="/crm", tags=["crm"])
    _add_webhooks(router, commands, crm)
    _add_records(router, commands)
    _add_analytics(router, commands)
    _add_rebuild(router, commands, registry)
    return router


def _add_webhooks(router: APIRouter, commands: Commands, adapter: CrmPort) -> None:
    @router.post("/webhooks/{crm}", dependencies=[Depends(public())])
    def called(
        crm: Annotated[str, Path(pattern=r"^[a-z][a-z0-9_-]{0,62}$")],
        request: Request,
        raw: Annotated[bytes, Depends(raw_body)],
        cause: Annotated[Cause, Depends(cause_of)],
    ) -> dict[str, list[Taken]]:
        """Take in events of a CRM, signed by its key; the same event id again is one."""
        with adapter.verify(crm, request, raw):
            events = adapter.normalise(crm, raw)
            return {"events": [_take(commands, _cause(cause, crm, each), each) for each in events]}


def _take(commands: Commands, cause: Cause, event: InboundEvent) -> Taken:
    recorded = commands.run(cause, lambda work: handlers.receive(event, work))
    told = tuple(each.fact.wire_type().rpartition(".")[2] for each in recorded)
    return Taken(deal_id=event.deal_id, facts=told)


def _cause(cause: Cause, crm: str, event: InboundEvent) -> Cause:
    """Return the event's own cause, the same at every attempt and through every door."""
    return replace(
        cause,
        command_id=event.command_id,
        actor=f"system/{crm}",
        request_sha256=sha256(event.model_dump_json().encode()).hexdigest(),
    )


def _add_records(router: APIRouter, commands: Commands) -> None:
    @router.get("/opportunities", dependencies=[READERS])
    def opportunities(asked: Annotated[OpportunityFilter, Query()]) -> dict[str, Any]:
        """List opportunities, the last changed first."""
        return {"opportunities": views.opportunities(commands, asked.model_dump())}

    @router.get("/opportunities/{deal_id}", dependencies=[READERS])
    def opportunity(deal_id: UUID) -> dict[str, Any]:
        """Show one opportunity with its quotes and approval cases."""
        return views.opportunity(commands, deal_id)

    @router.get("/quotes/{number}")
    def quote(
        number: Number,
        principal: Annotated[
            Principal, Depends(allow("seller", "approver", "manager", "analyst", "admin"))
        ],
    ) -> dict[str, Any]:
        """Show one quote with its revisions and cases; sellers see no margin."""
        return views.quote(commands, number, internal=bool(principal.roles & SEES_INTERNAL))

    @router.get("/quotes/{number}/history", dependencies=[READERS])
    def history(number: Number) -> dict[str, Any]:
        """Show the walk of a quote hop by hop: time, fact, cause, actor, waits."""
        return views.history(commands, number)

    @router.get("/waiting", dependencies=[READERS])
    def waiting(
        who: Annotated[Mover | None, Query()] = None, owner: Filter = None, limit: Limit = 50
    ) -> dict[str, Any]:
        """List what every open quote waits for, since when, and who can move it."""
        asked: Mapping[str, Any] = {"who": who, "owner": owner, "limit": limit}
        return {"waiting": views.waiting(commands, asked)}


def _add_analytics(router: APIRouter, commands: Commands) -> None:
    @router.get("/analytics/win-rate", dependencies=[ANALYSTS])
    def win_rate(limit: Limit = LISTED_MAX) -> dict[str, Any]:
        """Show the win rate of opportunities by tier, with n and the 95 % Wilson interval."""
        return {"by_tier": views.win_rate(commands, limit)}

    @router.get("/analytics/discount-trend", dependencies=[ANALYSTS])
    def discount_trend(
        first: date | None = None, last: date | None = None, limit: Limit = LISTED_MAX
    ) -> dict[str, Any]:
        """Show the discount by month and currency, weighted and not."""
        return {"by_month": views.discount_trend(commands, first, last, limit)}


def _add_rebuild(router: APIRouter, commands: Commands, registry: Registry) -> None:
    @router.post("/rebuild", dependencies=[Depends(allow("admin"))])
    def rebuilt(page: RebuildPage, cause: Annotated[Cause, Depends(cause_of)]) -> rebuild.Page:
        """Rebuild a page of deals from our copy of the facts; go on with `next` until null."""
        for _ in range(REBUILD_ATTEMPTS - 1):
            # Most likely the live path folded one of these deals just now.
            with suppress(Unavailable):
                return _rebuild(commands, cause, registry, page)
        return _rebuild(commands, cause, registry, page)


def _rebuild(
    commands: Commands, cause: Cause, registry: Registry, page: RebuildPage
) -> rebuild.Page:
    done: list[rebuild.Page] = []
    commands.run(
        cause,
        lambda work: done.append(rebuild.rebuild(work, registry, page.after, page.limit)),
    )
    return done[-1]
