"""The approval case: from the ask to a grant, a rejection or a recall; each decision kept."""

from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID, uuid5

from pydantic import Field, field_validator

from contracts.approval import (
    ApprovalGranted,
    ApprovalNotRequired,
    ApprovalQuestionAnswered,
    ApprovalQuestionAsked,
    ApprovalRecalled,
    ApprovalRejected,
    ApprovalStep,
    ApprovalStepGranted,
    DiscountApprovalRequested,
    LateDecisionRecorded,
    StepGrant,
    Verdict,
)
from contracts.envelope import Fact
from contracts.errors import Conflict, Forbidden, NotFound, Refused
from contracts.values import Instant, Sha256, Value
from services.approvals.domain.directory import Approver, Directory
from services.approvals.domain.steps import person

CASES = UUID("0d2f4c8e-55d7-5d0f-9c0b-3f6f2f4f7a21")
State = Literal["unknown", "not_required", "open", "granted", "rejected", "recalled"]


class NoSuchCase(NotFound):
    """There is no approval case of this id."""

    code = "approval.no_such_case"


class StaleContent(Conflict):
    """The decision was made on another content of the offer than the case is about."""

    code = "approval.stale_content"


class NotAnApprover(Forbidden):
    """The person may not decide this step: unknown, inactive, or not named by it."""

    code = "approval.not_an_approver"


class OwnRequest(Refused):
    """Nobody grants what he has asked for himself."""

    code = "approval.own_request"


class OnePersonOneStep(Refused):
    """A person who granted one step of a case can not grant another."""

    code = "approval.one_person_one_step"


class BeyondAuthority(Refused):
    """The offer passes the approver's own limit as the directory has it now."""

    code = "approval.beyond_authority"


class Decision(Value):
    """What one approver says about one exact content of an offer; a rejection gives its reason."""

    content_key: Sha256
    approver: str = Field(min_length=1, max_length=200)
    verdict: Verdict
    reason: str = Field(default="", max_length=2000)
    at: Instant

    @field_validator("reason")
    @classmethod
    def _trimmed(cls, value: str) -> str:
        return value.strip()


class ReasonMissing(Refused):
    """A rejection without a reason helps nobody to make a better offer."""

    code = "approval.reason_missing"


@dataclass(frozen=True, slots=True)
class Case:
    """The state of one case, folded from its facts; before the first it is unknown."""

    state: State = "unknown"
    request: DiscountApprovalRequested | None = None
    grants: tuple[StepGrant, ...] = ()
    closing: Fact | None = None
    late: tuple[LateDecisionRecorded, ...] = ()
    questions: tuple[ApprovalQuestionAsked, ...] = ()
    answers: tuple[ApprovalQuestionAnswered, ...] = ()

    @property
    def step(self) -> ApprovalStep | None:
        """The step that has to be decided now; None unless the case is open."""
        if self.request is None or self.state != "open":
            return None
        return self.request.steps[len(self.grants)]


def case_id_of(ask_id: str) -> UUID:
    """Return the case's id, the same for ever for one ask (the id of its RevisionSubmitted)."""
    return uuid5(CASES, ask_id)


def evolve(case: Case, fact: Fact) -> Case:
    """Return the case after a fact of its stream."""
    match fact:
        case ApprovalNotRequired():
            return replace(case, state="not_required", closing=fact)
        case DiscountApprovalRequested():
            return replace(case, state="open", request=fact)
        case ApprovalStepGranted():
            return replace(case, grants=(*case.grants, fact.grant))
        case ApprovalGranted():
            return replace(case, state="granted", grants=fact.grants, closing=fact)
        case ApprovalRejected():
            return replace(case, state="rejected", closing=fact)
        case ApprovalRecalled():
            return replace(case, state="recalled", closing=fact)
        case LateDecisionRecorded():
            return replace(case, late=(*case.late, fact))
        case ApprovalQuestionAsked():
            return replace(case, questions=(*case.questions, fact))
        case ApprovalQuestionAnswered():
            return replace(case, answers=(*case.answers, fact))
    return case


def decide(case: Case, decision: Decision, directory: Directory) -> Fact:
    """Return what an approver's decision makes of the case; on a closed case it is kept as late.

    Raises: any of the refusals above; then nothing has happened.
    """
    request = case.request
    if request is None:
        raise NoSuchCase("there is no approval case of this id; look at the list of open cases")
    if decision.content_key != request.content_key:
        raise StaleContent(
            "the decision names another content of the offer; "
            "open the case again and decide on what it shows",
            case_id=request.case_id,
        )
    approver = active(directory, decision.approver)
    if decision.verdict == "reject" and not decision.reason:
        raise ReasonMissing("say why, so that the seller can make a better offer", field="reason")
    step = case.step
    if step is None:
        return _late(request, decision, case.state)
    _may_decide(request, step, approver)
    if decision.verdict == "reject":
        return _rejected(request, step, decision)
    _may_grant(case, request, approver)
    return _granted(case, request, step, decision)


def recall(case: Case, reason: str) -> tuple[ApprovalRecalled, ...]:
    """Close an open case without a decision; a closed or unknown one stays as it is."""
    request = case.request
    if request is None or case.state != "open":
        return ()
    return (
        ApprovalRecalled(
            deal_id=request.deal_id,
            quote_id=request.quote_id,
            revision=request.revision,
            case_id=request.case_id,
            reason=reason,
        ),
    )


def able_now(case: Case, directory: Directory) -> tuple[str, ...]:
    """Return who can grant the step today; if nobody, an administrator must act."""
    if case.request is None or case.step is None:
        return ()
    request = case.request
    spent = {grant.by for grant in case.grants} | {person(request.requested_by)}
    found = (directory.find(each) for each in case.step.approvers)
    discount, margin = request.discount_percent, request.internal.margin_percent
    return tuple(
        each.id
        for each in found
        if each and each.active and each.id not in spent and each.limit.covers(discount, margin)
    )


def active(directory: Directory, approver_id: str) -> Approver:
    """Return the approver, if he may act at all.   Raises: NotAnApprover."""
    approver = directory.find(approver_id)
    if approver is None or not approver.active:
        raise NotAnApprover(
            f"{approver_id} is not an active approver of the directory; "
            "an administrator can change that",
            approver=approver_id,
        )
    return approver


def _may_decide(request: DiscountApprovalRequested, step: ApprovalStep, approver: Approver) -> None:
    if approver.id == person(request.requested_by):
        raise OwnRequest(
            f"{approver.id} has asked for this approval; somebody else must decide it",
            approver=approver.id,
        )
    if approver.id not in step.approvers:
        raise NotAnApprover(
            f"step {step.step} is for {', '.join(step.approvers) or 'nobody yet'}, "
            f"not for {approver.id}",
            approver=approver.id,
            step=step.step,
        )


def _may_grant(case: Case, request: DiscountApprovalRequested, approver: Approver) -> None:
    if approver.id in {grant.by for grant in case.grants}:
        raise OnePersonOneStep(
            f"{approver.id} has granted an earlier step; another approver must decide this one",
            approver=approver.id,
        )
    limit, margin = approver.limit, request.internal.margin_percent
    if request.discount_percent > limit.max_discount_percent:
        raise BeyondAuthority(
            f"a discount of {request.discount_percent} passes the limit of {approver.id}, "
            f"{limit.max_discount_percent}; an approver with a higher limit must decide",
            approver=approver.id,
            discount=request.discount_percent,
            limit=limit.max_discount_percent,
        )
    if margin < limit.min_margin_percent:
        # The margin itself stays out: errors hold no internal figures.
        raise BeyondAuthority(
            f"the margin is below the limit of {approver.id}, {limit.min_margin_percent}; "
            "an approver with a lower limit must decide",
            approver=approver.id,
            limit=limit.min_margin_percent,
        )


def _rejected(
    request: DiscountApprovalRequested, step: ApprovalStep, decision: Decision
) -> ApprovalRejected:
    return ApprovalRejected(
        deal_id=request.deal_id,
        quote_id=request.quote_id,
        revision=request.revision,
        answers=request.answers,
        case_id=request.case_id,
        step=step.step,
        by=decision.approver,
        at=decision.at,
        reason=decision.reason,
    )


def _granted(
    case: Case, request: DiscountApprovalRequested, step: ApprovalStep, decision: Decision
) -> Fact:
    grant = StepGrant(step=step.step, by=decision.approver, at=decision.at, reason=decision.reason)
    if step.step < len(request.steps):
        return ApprovalStepGranted(
            deal_id=request.deal_id,
            quote_id=request.quote_id,
            revision=request.revision,
            case_id=request.case_id,
            grant=grant,
            next_step=step.step + 1,
        )
    return ApprovalGranted(
        deal_id=request.deal_id,
        quote_id=request.quote_id,
        revision=request.revision,
        answers=request.answers,
        case_id=request.case_id,
        content_key=request.content_key,
        grants=(*case.grants, grant),
    )


def _late(request: DiscountApprovalRequested, decision: Decision, outcome: State) -> Fact:
    return LateDecisionRecorded(
        deal_id=request.deal_id,
        quote_id=request.quote_id,
        revision=request.revision,
        case_id=request.case_id,
        by=decision.approver,
        verdict=decision.verdict,
        reason=decision.reason,
        at=decision.at,
        case_outcome=outcome,
    )
