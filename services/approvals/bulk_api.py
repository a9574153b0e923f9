"""The door for many terms at once: what a change of prices would bring to approvers."""

from typing import Annotated

from fastapi import APIRouter, Depends

from infra.auth import Principal
from infra.web import allow, cause_of
from infra.work import Cause
from services.approvals.domain.bulk import BulkPreview, BulkQuestion, preview_all
from services.approvals.policy import Authority

Why = Annotated[Cause, Depends(cause_of)]
Asks = Annotated[Principal, Depends(allow("manager", "admin", "service"))]


def routes(authority: Authority) -> APIRouter:
    """Return the route."""
    router = APIRouter(prefix="/approvals", tags=["approvals"])

    @router.post("/preview/bulk")
    def previewed(question: BulkQuestion, cause: Why, _caller: Asks) -> BulkPreview:
        """Say for up to a thousand terms which levels would have to approve today."""
        published = authority.on(cause.now.date())
        return preview_all(published.policy, published.pin, question)

    return router
