"""Facts and values of approvals: cases, steps, decisions."""

from typing import Literal
from uuid import UUID

from contracts.envelope import Fact
from contracts.values import Instant, Money, Percent, Pin, Sha256, Value

Verdict = Literal["approve", "reject"]


class ApprovalCause(Value):
    """Why a step is needed: the rule of the policy, what was measured, the limit it passes."""

    rule: str
    measure: str
    measured: str
    limit: str
    message: str


class ApprovalStep(Value):
    """One step of a case: any one of the approvers may decide it, steps go in turn."""

    step: int
    level: str
    approvers: tuple[str, ...]
    causes: tuple[ApprovalCause, ...]


class StepGrant(Value):
    """A granted step: who, when, with which words."""

    step: int
    by: str
    at: Instant
    reason: str


class ApprovalNotRequired(Fact):
    """The revision is within the seller's authority; says which rule let it pass."""

    quote_id: UUID
    revision: int
    answers: str
    content_key: Sha256
    policy: Pin
    rule: str
    message: str


class CaseInternal(Value):
    """What an approver sees and a customer never does."""

    margin_percent: Percent
    margin: Money


class DiscountApprovalRequested(Fact):
    """A discount or margin passes the seller's authority.

    A case is open and somebody must decide.
    """

    quote_id: UUID
    revision: int
    answers: str
    case_id: UUID
    number: str
    content_key: Sha256
    policy: Pin
    steps: tuple[ApprovalStep, ...]
    requested_by: str
    rationale: tuple[str, ...]
    net: Money
    discount_percent: Percent
    due_at: Instant
    internal: CaseInternal


class ApprovalStepGranted(Fact):
    """One step of the case is granted; a later step follows."""

    quote_id: UUID
    revision: int
    case_id: UUID
    grant: StepGrant
    next_step: int


class ApprovalGranted(Fact):
    """The whole case is granted, for exactly this content."""

    quote_id: UUID
    revision: int
    answers: str
    case_id: UUID
    content_key: Sha256
    grants: tuple[StepGrant, ...]


class ApprovalRejected(Fact):
    """An approver said no; the seller changes the offer and asks again."""

    quote_id: UUID
    revision: int
    answers: str
    case_id: UUID
    step: int
    by: str
    at: Instant
    reason: str


class ApprovalRecalled(Fact):
    """The case is closed without a decision: the revision changed or the quote ended."""

    quote_id: UUID
    revision: int
    case_id: UUID
    reason: str


class LateDecisionRecorded(Fact):
    """Somebody decided after the case was closed: kept, and without effect."""

    quote_id: UUID
    revision: int
    case_id: UUID
    by: str
    verdict: Verdict
    reason: str
    at: Instant
    case_outcome: str


class ApprovalQuestionAsked(Fact):
    """An approver asks the seller something about an open case, which stays open."""

    quote_id: UUID
    revision: int
    case_id: UUID
    question_id: UUID
    text: str
    asked_by: str
    at: Instant


class ApprovalQuestionAnswered(Fact):
    """A question of an approver is answered, for all who look at the case."""

    quote_id: UUID
    revision: int
    case_id: UUID
    question_id: UUID
    text: str
    answered_by: str
    at: Instant
