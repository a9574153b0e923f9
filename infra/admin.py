"""The operator's routes of every service: what is parked, why, trying again, giving up."""

from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, StringConstraints

from contracts.envelope import Registry
from contracts.errors import NotFound
from infra.ledger import PostgresLedger
from infra.looking import summary, whole
from infra.rows import Parked
from infra.web import Principal, allow

log = structlog.get_logger("infra.admin")
LIST_MAX = 200
DESCRIBED_MAX = 20
ID_MAX = 2**63 - 1
IDS = range(1, ID_MAX + 1)

Admin = Annotated[Principal, Depends(allow("admin"))]
Place = Annotated[int, Query(ge=0, le=ID_MAX)]
Many = Annotated[int, Query(ge=1, le=LIST_MAX)]


class NotParked(NotFound):
    """No record is parked under this number."""

    code = "parked.not_found"

    def __init__(self, parked_id: int) -> None:
        super().__init__(f"nothing is parked under {parked_id}; list what is", parked_id=parked_id)


class Discard(BaseModel):
    """Why a record is given up, in words for whoever asks later."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=1000)]


def admin_routes(prefix: str, ledger: PostgresLedger, registry: Registry) -> APIRouter:
    """Return the operator's routes of one service; `registry` says how it reads facts today."""
    router = APIRouter(prefix=f"{prefix}/admin", tags=["operations"])
    _looking(router, ledger, registry)
    _deciding(router, ledger)
    return router


def _looking(router: APIRouter, ledger: PostgresLedger, registry: Registry) -> None:
    @router.get("/parked")
    def parked(
        _: Admin, after: Place = 0, limit: Many = LIST_MAX, deal_of: int | None = None
    ) -> list[dict[str, Any]]:
        """List what could not be handled, oldest first: all, or the deal of one record."""
        key = None if deal_of is None else _one(ledger, deal_of).key
        return [summary(each) for each in ledger.parked(limit, after, key)]

    @router.get("/parked/count")
    def counted(_: Admin) -> dict[str, int]:
        """Count parked records, their deals, and the records being tried again just now."""
        return ledger.parked_count()

    @router.get("/parked/{parked_id}")
    def parked_one(parked_id: int, _: Admin) -> dict[str, Any]:
        """Show one parked record raw, and how it reads through today's upcasters."""
        return whole(_one(ledger, parked_id), registry)

    @router.get("/discarded")
    def discarded(
        _: Admin,
        before: Annotated[int | None, Query(ge=0, le=ID_MAX)] = None,
        limit: Many = LIST_MAX,
    ) -> list[dict[str, Any]]:
        """List what was given up, newest first: by whom, when, why."""
        return [
            {**summary(each.parked), "by": each.by, "why": each.why, "at": each.at.isoformat()}
            for each in ledger.discarded(limit, before)
        ]


def _deciding(router: APIRouter, ledger: PostgresLedger) -> None:
    @router.post("/parked/retry", status_code=202)
    def retry_all(_: Admin) -> dict[str, int]:
        """Ask for everything that is parked to be tried again."""
        return {"asked": ledger.ask_retry(None)}

    @router.post("/parked/{parked_id}/retry", status_code=202)
    def retry_one(
        parked_id: int, principal: Admin, without_missing: bool = False
    ) -> dict[str, int]:
        """Ask for the record's whole deal to be tried again, in order.

        `without_missing` lets it go on over facts that have not come. Returns how many records
        that is.
        """
        asked = 0
        if parked_id in IDS:
            asked = ledger.ask_retry(parked_id, without_missing=without_missing)
        if not asked:
            raise NotParked(parked_id)
        if without_missing:
            log.warning("goes_on_without_missing", parked_id=parked_id, by=principal.actor)
        return {"asked": asked}

    @router.post("/parked/{parked_id}/discard")
    def discard(parked_id: int, wanted: Discard, principal: Admin) -> dict[str, Any]:
        """Give a record up; it is kept raw, with who and why.

        `following` are the deal's next records: they stay parked until somebody has them retried.
        """
        found = _one(ledger, parked_id)
        if not ledger.discard(parked_id, principal.actor, wanted.reason):
            raise NotParked(parked_id)
        following = ledger.parked(DESCRIBED_MAX, 0, found.key)
        return {"discarded": summary(found), "following": [summary(each) for each in following]}


def _one(ledger: PostgresLedger, parked_id: int) -> Parked:
    """Return a parked record.   Raises: NotParked."""
    found = ledger.parked_one(parked_id) if parked_id in IDS else None
    if found is None:
        raise NotParked(parked_id)
    return found
