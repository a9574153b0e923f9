"""Answer a submitted revision: nobody has to approve, or a case opens with its steps."""

from datetime import datetime, timedelta

from contracts.approval import ApprovalNotRequired, CaseInternal, DiscountApprovalRequested
from contracts.quote import RevisionSubmitted
from contracts.values import Pin, Value
from services.approvals.domain.case import case_id_of
from services.approvals.domain.directory import Directory
from services.approvals.domain.policy import Assessment, Policy
from services.approvals.domain.steps import Outcome, ask_of, plan_for

Opening = ApprovalNotRequired | DiscountApprovalRequested


class Submission(Value):
    """A submitted revision with the id and the time of the ask, both from its envelope."""

    ask_id: str
    asked_at: datetime
    fact: RevisionSubmitted


def open_case(submission: Submission, policy: Policy, pin: Pin, directory: Directory) -> Opening:
    """Return the first fact of the case; this policy version decides, whatever comes later."""
    outcome = plan_for(policy, directory, ask_of(submission.fact))
    if outcome.assessment.within_authority:
        return _not_required(submission, pin, outcome.assessment)
    due_at = submission.asked_at + timedelta(hours=policy.decision_hours)
    return _requested(submission, pin, outcome, due_at)


def passing_rules(assessment: Assessment) -> str:
    """Return the rules that held, `<table>/<rule>`, one of every table."""
    return ", ".join(f"{hit.table}/{hit.rule.id}" for hit in assessment.hits)


def _not_required(submission: Submission, pin: Pin, assessment: Assessment) -> ApprovalNotRequired:
    fact = submission.fact
    return ApprovalNotRequired(
        deal_id=fact.deal_id,
        quote_id=fact.quote_id,
        revision=fact.revision,
        answers=submission.ask_id,
        content_key=fact.content_key,
        policy=pin,
        rule=passing_rules(assessment),
        message="; ".join(hit.rule.says for hit in assessment.hits),
    )


def _requested(
    submission: Submission, pin: Pin, outcome: Outcome, due_at: datetime
) -> DiscountApprovalRequested:
    fact = submission.fact
    return DiscountApprovalRequested(
        deal_id=fact.deal_id,
        quote_id=fact.quote_id,
        revision=fact.revision,
        answers=submission.ask_id,
        case_id=case_id_of(submission.ask_id),
        number=fact.number,
        content_key=fact.content_key,
        policy=pin,
        steps=outcome.steps,
        requested_by=fact.requested_by,
        rationale=_rationale(fact),
        net=fact.offer.totals.net,
        discount_percent=fact.offer.totals.sales_discount_percent,
        due_at=due_at,
        internal=CaseInternal(
            margin_percent=fact.internal.margin_percent, margin=fact.internal.margin
        ),
    )


def _rationale(fact: RevisionSubmitted) -> tuple[str, ...]:
    """Return the seller's reasons: of each discount, and of discounts in a ramp of the term."""
    terms = fact.offer.commercial.terms if fact.offer.commercial else ()
    ramps = tuple(each.rationale for each in terms if each.rationale)
    return (*(each.rationale for each in fact.offer.discounts), *ramps)
