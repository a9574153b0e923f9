"""Rules of approval cases, checked at every committed fact of approvals."""

from typing import TYPE_CHECKING

from contracts import approval as said
from contracts.envelope import Fact, Meta
from tests.simulation.quotes import must
from tests.simulation.seen import CaseSeen

if TYPE_CHECKING:
    from tests.simulation.watch import Watch

FIRST = {said.ApprovalNotRequired, said.DiscountApprovalRequested}


def saw(watch: "Watch", meta: Meta, fact: Fact) -> None:
    """Take in one fact of approvals.   Raises: Broken."""
    if isinstance(fact, said.DiscountApprovalRequested):
        submitted = watch.submissions[fact.answers]
        hands = frozenset({*submitted.hands, submitted.requested_by})
        watch.cases[fact.case_id] = CaseSeen(fact, hands)
        return
    if isinstance(fact, said.ApprovalNotRequired):
        return
    case = watch.cases[fact.case_id]  # type: ignore[attr-defined]
    if isinstance(fact, said.LateDecisionRecorded):
        must(case.closed is not None, "a late decision is about a closed case", meta)
        return
    must(case.closed is None, "a closed case stays closed", meta, f"{case.closed}")
    match fact:
        case said.ApprovalStepGranted():
            _granted(watch, case, meta, fact.grant.by)
        case said.ApprovalGranted():
            _granted(watch, case, meta, fact.grants[-1].by)
            by = [each.by for each in fact.grants]
            must(by == case.granted, "the grant names who granted", meta)
            must(len(by) == len(case.request.steps), "every step is granted", meta)
            must(fact.content_key == case.request.content_key, "a grant is of its content", meta)
            case.closed = "granted"
        case said.ApprovalRejected():
            case.closed = "rejected"
        case said.ApprovalRecalled():
            case.closed = "recalled"


def _granted(watch: "Watch", case: CaseSeen, meta: Meta, by: str) -> None:
    must(f"user/{by}" not in case.hands, "the requester never approves", meta, by)
    must(by not in case.granted, "one person grants one step", meta, by)
    request, approver = case.request, watch.directory.find(by)
    must(by in request.steps[len(case.granted)].approvers, "only a named approver grants", meta)
    limit = approver.limit.covers(request.discount_percent, request.internal.margin_percent)
    must(approver.active and limit, "nobody grants beyond authority", meta, by)
    case.granted.append(by)
