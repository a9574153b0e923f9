"""One approval case as people read it: the fold of its own stream."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from contracts.approval import (
    ApprovalGranted,
    ApprovalRecalled,
    ApprovalRejected,
    ApprovalStepGranted,
    DiscountApprovalRequested,
)
from contracts.envelope import Fact
from contracts.values import Instant, Money, Percent, Value

CaseOutcome = Literal["pending", "granted", "rejected", "recalled"]


class CaseStep(Value):
    """One step of a case: the level that decides, and who may."""

    step: int
    level: str
    approvers: tuple[str, ...]


class CaseState(Value):
    """A case: which submission it answers, at which step it stands, how it ended.

    `decided_by` collects everybody who decided, in turn; `since` is when the present step began.
    """

    case_id: UUID
    revision: int
    answers: str
    steps: tuple[CaseStep, ...]
    step: int
    requested_by: str
    rationale: tuple[str, ...]
    net: Money
    discount_percent: Percent
    requested_at: Instant
    due_at: Instant
    since: Instant
    outcome: CaseOutcome = "pending"
    decided_at: Instant | None = None
    decided_by: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def current(self) -> CaseStep | None:
        """The step that somebody must decide now; none once the case is closed."""
        if self.outcome != "pending":
            return None
        return next((each for each in self.steps if each.step == self.step), None)


def opened(fact: DiscountApprovalRequested, at: datetime) -> CaseState:
    """Return the case as it was opened."""
    steps = tuple(
        CaseStep(step=each.step, level=each.level, approvers=each.approvers) for each in fact.steps
    )
    return CaseState(
        case_id=fact.case_id,
        revision=fact.revision,
        answers=fact.answers,
        steps=steps,
        step=steps[0].step,
        requested_by=fact.requested_by,
        rationale=fact.rationale,
        net=fact.net,
        discount_percent=fact.discount_percent,
        requested_at=at,
        due_at=fact.due_at,
        since=at,
    )


def evolve(case: CaseState, fact: Fact, at: datetime) -> CaseState:
    """Fold a later fact of the case; a late decision changes nothing."""
    match fact:
        case ApprovalStepGranted():
            by = (*case.decided_by, fact.grant.by)
            return case.but({"step": fact.next_step, "since": at, "decided_by": by})
        case ApprovalGranted():
            by = tuple(grant.by for grant in fact.grants)
            reason = fact.grants[-1].reason if fact.grants else None
            return _closed(case, "granted", at, by, reason)
        case ApprovalRejected():
            return _closed(case, "rejected", at, (*case.decided_by, fact.by), fact.reason)
        case ApprovalRecalled():
            return _closed(case, "recalled", at, case.decided_by, fact.reason)
        case _:
            return case


def _closed(
    case: CaseState, outcome: CaseOutcome, at: datetime, by: tuple[str, ...], reason: str | None
) -> CaseState:
    changes = {"outcome": outcome, "decided_at": at, "decided_by": by, "reason": reason}
    return case.but(changes)
