"""The doors of crm_projector: CRMs in, the read side out, the rebuild."""

from dataclasses import replace
from hashlib import sha256
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BeforeValidator, Field

from contracts.quote import Mover
from contracts.values import Day, Instant, Value
from infra.auth import Principal
from infra.bus import Bell
from infra.web import allow, cause_of, public, raw_body
from infra.work import Cause, Commands
from services.crm_projector import handlers, views
from services.crm_projector.crm.port import CrmPort
from services.crm_projector.domain.inbound import InboundEvent
from services.crm_projector.history import of_quote
from services.crm_projector.switching import Generation, Generations

LISTED_MAX = 200
SEES_INTERNAL = frozenset({"approver", "manager", "analyst", "admin"})
ADMINS = Depends(allow("admin"))
READERS = Depends(allow("seller", "approver", "manager", "analyst", "admin"))
TOLD = Depends(allow("seller", "approver", "manager", "analyst", "admin", "service"))
ANALYSTS = Depends(allow("manager", "analyst", "admin"))

Limit = Annotated[int, Query(ge=1, le=LISTED_MAX)]
Number = Annotated[str, Path(min_length=1, max_length=60)]


class Taken(Value):
    """What became of a CRM's event: the facts it made; none for echoes, stale and empty events."""

    deal_id: UUID
    facts: tuple[str, ...]


def _given(value: object) -> object:
    """Take a field that a form sends empty as not given."""
    return None if isinstance(value, str) and not value.strip() else value


GIVEN = BeforeValidator(_given)
Text = Annotated[Annotated[str, Field(max_length=200)] | None, GIVEN]


class OpportunityFilter(Value):
    """Which opportunities to list; `after` is the last deal of the page before.

    `q` is looked for in the names of account and opportunity, and is the record's id or none.
    `outcome=decided` is won or lost.
    `quoted_tier`, `presented_in` (any day of the month) and `presented_currency` choose as the
    analytics count: by the representative revision. `quoted`: a quote was presented, or the open
    opportunity still waits for its first. `amount`: whether the CRM tells an estimate.
    """

    q: Text = None
    owner: Text = None
    tier: Text = None
    region: Text = None
    stage: Text = None
    outcome: Annotated[Literal["open", "won", "lost", "decided"] | None, GIVEN] = None
    follow_up_by: Annotated[Day | None, GIVEN] = None
    currency: Text = None
    quote_status: Text = None
    quoted_tier: Text = None
    presented_in: Annotated[Day | None, GIVEN] = None
    presented_currency: Text = None
    quoted: Annotated[Literal["presented", "pending"] | None, GIVEN] = None
    amount: Annotated[Literal["told", "none"] | None, GIVEN] = None
    after: Annotated[UUID | None, GIVEN] = None
    limit: int = Field(default=50, ge=1, le=LISTED_MAX)


class WaitingFilter(Value):
    """Which waits to list; `after_since` and `after` (a number) say where the page before ended."""

    who: Annotated[Mover | None, GIVEN] = None
    owner: Text = None
    waits_for: Text = None
    after_since: Annotated[Instant | None, GIVEN] = None
    after: Text = None
    limit: int = Field(default=50, ge=1, le=LISTED_MAX)


def routes(
    commands: Commands, crm: CrmPort, generations: Generations, rebuilding: Bell
) -> APIRouter:
    """Return the routes of crm_projector; `rebuilding` is rung when there is something to build."""
    router = APIRouter(prefix="/crm", tags=["crm"])
    _add_webhooks(router, commands, crm)
    _add_records(router, commands)
    _add_analytics(router, commands)
    _add_rebuild(router, generations, rebuilding)
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

    @router.get("/quotes/{number}/history", dependencies=[TOLD])
    def history(number: Number) -> dict[str, Any]:
        """Show the walk of a quote hop by hop: time, fact, cause, actor, waits."""
        return of_quote(commands, number)

    @router.get("/waiting", dependencies=[READERS])
    def waiting(asked: Annotated[WaitingFilter, Query()]) -> dict[str, Any]:
        """List what every open quote waits for, since when, and who can move it."""
        return {"waiting": views.waiting(commands, asked.model_dump())}


def _add_analytics(router: APIRouter, commands: Commands) -> None:
    @router.get("/analytics/win-rate", dependencies=[ANALYSTS])
    def win_rate(limit: Limit = LISTED_MAX) -> dict[str, Any]:
        """Show the win rate of opportunities by tier, with n and the 95 % Wilson interval."""
        return {"by_tier": views.win_rate(commands, limit)}

    @router.get("/analytics/discount-trend", dependencies=[ANALYSTS])
    def discount_trend(
        first: Day | None = None, last: Day | None = None, limit: Limit = LISTED_MAX
    ) -> dict[str, Any]:
        """Show the discount by month and currency, weighted and not."""
        return {"by_month": views.discount_trend(commands, first, last, limit)}


def _add_rebuild(router: APIRouter, generations: Generations, rebuilding: Bell) -> None:
    @router.post("/rebuild", status_code=202, dependencies=[ADMINS])
    def started() -> dict[str, int]:
        """Start to build the next generation of the read tables; watch it by GET."""
        number = generations.start()
        rebuilding.ring()
        return {"generation": number}

    @router.get("/rebuild", dependencies=[ADMINS])
    def progress() -> dict[str, list[Generation]]:
        """Show the generations: how far one is that is being built, and what differed."""
        return {"generations": generations.all()}

    @router.post("/rebuild/rollback", dependencies=[ADMINS])
    def rolled_back() -> dict[str, int]:
        """Let people read the previous generation again, at once; it was fed all the time."""
        return {"generation": generations.roll_back()}

    @router.post("/rebuild/retire", dependencies=[ADMINS])
    def retired() -> dict[str, int]:
        """Drop the previous generation: it costs the live path time to feed it."""
        number = generations.retire()
        rebuilding.ring()
        return {"generation": number}

    @router.post("/rebuild/give-up", dependencies=[ADMINS])
    def given_up() -> dict[str, int]:
        """End the rebuild that runs and drop what it made."""
        number = generations.give_up()
        rebuilding.ring()
        return {"generation": number}
