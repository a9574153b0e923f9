"""Given, when, refuses: what the tests of the approval case are written with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from contracts.approval import (
    ApprovalGranted,
    ApprovalRecalled,
    ApprovalRejected,
    ApprovalStepGranted,
    DiscountApprovalRequested,
    StepGrant,
)
from contracts.envelope import Fact
from contracts.errors import QuotewrightError
from contracts.values import Percent
from services.approvals.domain.case import (
    Case,
    Decision,
    case_id_of,
    decide,
    evolve,
)
from services.approvals.domain.directory import Directory
from services.approvals.domain.opening import Submission, open_case
from tests.unit.approvals.offers import ASKED_AT, DEAL, KEY, QUOTE, authority, submitted

ASK = f"quotes.quote/{QUOTE}/7"
CASE = case_id_of(ASK)
LATER = ASKED_AT + timedelta(hours=1)
DIRECTORY = authority().directory
PUBLISHED = authority().policies[-1]


def opened(discount: str = "18", margin_percent: str = "30", **terms) -> Fact:
    submission = Submission(
        ask_id=ASK, asked_at=ASKED_AT, fact=submitted(discount, margin_percent, **terms)
    )
    return open_case(submission, PUBLISHED.policy, PUBLISHED.pin, DIRECTORY)


def approve(by: str, content_key: str = KEY, reason: str = "strategic account") -> Decision:
    return Decision(
        content_key=content_key, approver=by, verdict="approve", reason=reason, at=LATER
    )


def reject(by: str, reason: str = "the margin is needed") -> Decision:
    return Decision(content_key=KEY, approver=by, verdict="reject", reason=reason, at=LATER)


@dataclass
class Given:
    """A case with a history."""

    facts: Sequence[Fact]
    directory: Directory = DIRECTORY

    @property
    def case(self) -> Case:
        case = Case()
        for fact in self.facts:
            case = evolve(case, fact)
        return case

    def when(self, decision: Decision) -> Fact:
        return decide(self.case, decision, self.directory)

    def refuses(self, decision: Decision) -> type[QuotewrightError]:
        with pytest.raises(QuotewrightError) as refused:
            self.when(decision)
        return type(refused.value)


def given(*facts: Fact, directory: Directory = DIRECTORY) -> Given:
    return Given(facts, directory)


def grant(step: int, by: str) -> StepGrant:
    return StepGrant(step=step, by=by, at=LATER, reason="strategic account")


IDS = {"deal_id": DEAL, "quote_id": QUOTE, "revision": 1, "case_id": CASE}
STEP_GRANTED = ApprovalStepGranted(**IDS, grant=grant(1, "appr-regional-1"), next_step=2)
GRANTED = ApprovalGranted(
    **IDS, answers=ASK, content_key=KEY, grants=(grant(1, "appr-regional-1"),)
)
REJECTED = ApprovalRejected(
    **IDS, answers=ASK, step=1, by="appr-regional-1", at=LATER, reason="the margin is needed"
)
RECALLED = ApprovalRecalled(**IDS, reason="the opportunity was lost")


def changed(name: str, **fields) -> Directory:
    """The directory with one approver changed since the case was opened."""
    return Directory(
        approvers=tuple(
            each.model_copy(update=fields) if each.id == name else each
            for each in DIRECTORY.approvers
        )
    )


def lowered(name: str, discount: str, margin_percent: str) -> Directory:
    approver = DIRECTORY.find(name)
    assert approver is not None
    limit = approver.limit.model_copy(
        update={
            "max_discount_percent": Percent(discount),
            "min_margin_percent": Percent(margin_percent),
        }
    )
    return changed(name, limit=limit)


def two_steps_for(*approvers: str) -> DiscountApprovalRequested:
    """A case of an older making, whose steps share people; ours never do."""
    fact = opened("25", "30")
    assert isinstance(fact, DiscountApprovalRequested)
    steps = tuple(each.model_copy(update={"approvers": approvers}) for each in fact.steps)
    return fact.model_copy(update={"steps": steps})
