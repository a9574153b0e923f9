"""What an approver's system gets to know: an ask, that it is overdue, that it no longer applies.

Every message of one step has the same delivery key, so the receiver sees the step's newest state.
"""

from collections.abc import Sequence
from typing import Any, Literal

from contracts.approval import DiscountApprovalRequested
from infra.mail import MAIL
from infra.work import Delivery
from services.approvals.domain.case import Case

# The endpoint of the settings that gets our asks, and the only system whose callbacks count.
APPROVER_SYSTEM = "approvals"
CALLBACK = f"/approvals/callbacks/{APPROVER_SYSTEM}"
Happening = Literal["requested", "overdue", "recalled"]


def delivery(case: Case, happening: Happening, able: Sequence[str]) -> Delivery | None:
    """Return the message about the current (for a recall: the last) step; None without a case."""
    request = case.request
    if request is None:
        return None
    return Delivery(
        key=f"case/{request.case_id}/step/{_step_number(case, request)}",
        target=APPROVER_SYSTEM,
        event_type=f"quotewright.approval.{happening}",
        body=_body(case, request, able),
        deal_id=request.deal_id,
    )


def mail(case: Case, approver: str) -> Delivery:
    """Return the mail that asks an approver for the current step; it is composed when it is sent.

    Neither address nor link stands in it.
    """
    request = case.request
    assert request is not None  # noqa: S101  only an open case is asked about
    step = _step_number(case, request)
    return Delivery(
        key=f"case/{request.case_id}/step/{step}/mail/{approver}",
        target=MAIL,
        event_type="quotewright.approval.mail",
        body={"case_id": str(request.case_id), "step": step, "approver": approver},
        deal_id=request.deal_id,
    )


def _step_number(case: Case, request: DiscountApprovalRequested) -> int:
    return min(len(case.grants) + 1, len(request.steps))


def _body(case: Case, request: DiscountApprovalRequested, able: Sequence[str]) -> dict[str, Any]:
    step = request.steps[_step_number(case, request) - 1]
    return {
        "case_id": str(request.case_id),
        "state": case.state,
        "quote_id": str(request.quote_id),
        "quote": request.number,
        "revision": request.revision,
        "step": step.step,
        "steps": len(request.steps),
        "level": step.level,
        "approvers": list(able),
        "who_can_move_it": "approver" if able else "admin",
        "causes": [cause.message for cause in step.causes],
        "granted": [grant.model_dump(mode="json") for grant in case.grants],
        "discount_percent": str(request.discount_percent.root),
        "net": request.net.model_dump(mode="json"),
        "rationale": list(request.rationale),
        "requested_by": request.requested_by,
        "due_at": request.due_at.isoformat(),
        "content_key": request.content_key,
        "callback": CALLBACK,
        "internal": request.internal.model_dump(mode="json"),
    }
