"""The operator's routes of every service: what is parked, why, and trying again."""

from typing import Any

from fastapi import APIRouter, Depends

from contracts.envelope import read_meta
from contracts.errors import NotFound, Poison
from infra.ledger import PostgresLedger
from infra.rows import Parked
from infra.web import Principal, allow

LIST_MAX = 200


class NotParked(NotFound):
    """No record is parked under this number."""

    code = "parked.not_found"


def admin_routes(prefix: str, ledger: PostgresLedger) -> APIRouter:
    """Return the operator's routes of one service."""
    router = APIRouter(prefix=f"{prefix}/admin", tags=["operations"])

    @router.get("/parked")
    def parked(_: Principal = Depends(allow("admin"))) -> list[dict[str, Any]]:
        """List what could not be handled, oldest first, at most 200."""
        return [_summary(each) for each in ledger.parked(LIST_MAX)]

    @router.get("/parked/{parked_id}")
    def parked_one(parked_id: int, _: Principal = Depends(allow("admin"))) -> dict[str, Any]:
        """Show one parked record with its raw headers and body."""
        found = ledger.parked_one(parked_id)
        if found is None:
            raise NotParked(
                f"nothing is parked under {parked_id}; list what is", parked_id=parked_id
            )
        return {
            **_summary(found),
            "headers": {name: value.decode("utf-8", "replace") for name, value in found.headers},
            "value": found.value.decode("utf-8", "replace"),
        }

    @router.post("/parked/{parked_id}/retry", status_code=202)
    def retry_one(parked_id: int, _: Principal = Depends(allow("admin"))) -> dict[str, int]:
        """Ask for the record's whole deal to be tried again, in order.

        Returns how many records that is.
        """
        if ledger.parked_one(parked_id) is None:
            raise NotParked(
                f"nothing is parked under {parked_id}; list what is", parked_id=parked_id
            )
        return {"asked": ledger.ask_retry(parked_id)}

    @router.post("/parked/retry", status_code=202)
    def retry_all(_: Principal = Depends(allow("admin"))) -> dict[str, int]:
        """Ask for everything that is parked to be tried again."""
        return {"asked": ledger.ask_retry(None)}

    return router


def _summary(parked: Parked) -> dict[str, Any]:
    try:
        meta = read_meta(parked.headers)
        what = {
            "fact": meta.type,
            "fact_id": meta.id,
            "version": meta.version,
            "subject": meta.subject,
        }
    except Poison:
        what = {"fact": None, "fact_id": None, "version": None, "subject": None}
    return {
        "id": parked.id,
        **what,
        "deal": parked.key.decode("utf-8", "replace"),
        "code": parked.code,
        "reason": parked.reason,
        "attempts": parked.attempts,
        "parked_at": parked.parked_at.isoformat() if parked.parked_at else None,
        "topic": parked.topic,
        "partition": parked.partition,
        "offset": parked.offset,
    }
