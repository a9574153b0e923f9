"""Where a quote stands, in one word, and what it waits for: who can move it, since when."""

from datetime import datetime
from typing import Literal, cast

from contracts.quote import Mover
from contracts.values import Instant, Value
from services.crm_projector.domain.deal import DealState
from services.crm_projector.domain.quote import QuoteState
from services.crm_projector.domain.revision import RevisionState

Status = Literal[
    "Draft",
    "Configured",
    "Priced",
    "PendingApproval",
    "Approved",
    "Presented",
    "Accepted",
    "Ordered",
    "Declined",
    "Expired",
    "Withdrawn",
    "Returned",
]
Waits = Literal[
    "configuration",
    "price",
    "submission",
    "approval",
    "document",
    "presentation",
    "answer",
    "change",
    "renewal",
    "repair",
    "order",
    "acceptance",
    "crm_outcome",
]


class Standing(Value):
    """Status of a quote and what it waits for.

    Mover `nobody`: no person has to do anything, a service is at work. `movers` are ids of people,
    where known. A quote that has ended waits for nothing, unless the CRM tells another story.
    """

    status: Status
    waits_for: Waits | None = None
    since: Instant | None = None
    who_can_move_it: Mover | None = None
    movers: tuple[str, ...] = ()
    reason: str | None = None


_STAGES: dict[str, tuple[Status, Waits, Mover]] = {
    "drafted": ("Draft", "configuration", "seller"),
    "configuring": ("Draft", "configuration", "nobody"),
    "pricing": ("Configured", "price", "nobody"),
    "priced": ("Priced", "submission", "seller"),
    "recalled": ("Priced", "submission", "seller"),
    "submitted": ("PendingApproval", "approval", "nobody"),
    "approved": ("Approved", "document", "nobody"),
    "rendering": ("Approved", "document", "nobody"),
    "documented": ("Approved", "presentation", "seller"),
    "presented": ("Presented", "answer", "customer"),
    "returned": ("Returned", "repair", "seller"),
}
_ENDED: dict[str, Status] = {"ordered": "Ordered", "declined": "Declined", "withdrawn": "Withdrawn"}


def standing(quote: QuoteState, deal: DealState) -> Standing:
    """Say where the quote stands; the same parts give the same answer."""
    now = _by_itself(quote)
    if now.who_can_move_it == "seller" and deal.details is not None:
        now = now.model_copy(update={"movers": (deal.details.owner_id,)})
    return _against_the_crm(now, quote, deal)


def _by_itself(quote: QuoteState) -> Standing:
    current = quote.current
    if quote.outcome in _ENDED:
        return Standing(status=_ENDED[quote.outcome], reason=quote.reason)
    if quote.outcome == "accepted":
        return _waiting("Accepted", "order", "nobody", quote.outcome_at)
    if current is None:
        return _waiting("Draft", "configuration", "seller", quote.changed_at)
    status, waits, mover = _STAGES[current.stage]
    if current.expired_at is not None:
        status, waits, mover = "Expired", "renewal", "seller"
        current = current.model_copy(update={"since": current.expired_at})
    match current.stage:
        case "submitted":
            return _pending(quote, current)
        case "presented" if current.change_requested_at:
            since = current.change_requested_at
            return _waiting(status, "change", "seller", since, current.reason)
        case "returned":
            who = cast("Mover", current.mover or mover)
            return _waiting(status, waits, who, current.since, current.reason)
        case "recalled" if current.net is None:
            return _waiting("Draft", waits, mover, current.since, current.reason)
        case _:
            return _waiting(status, waits, mover, current.since, current.reason)


def _pending(quote: QuoteState, current: RevisionState) -> Standing:
    """Name the approvers of the step that is due; without a case a service is at work."""
    case = quote.pending_case
    if case is None or case.current is None:
        return _waiting("PendingApproval", "approval", "nobody", current.since)
    due = case.current
    reason = f"step {due.step} of {len(case.steps)}, {due.level}"
    if not due.approvers:
        reason = f"{reason}: nobody in the directory can sign; an administrator must act"
        return _waiting("PendingApproval", "approval", "admin", case.since, reason)
    told = _waiting("PendingApproval", "approval", "approver", case.since, reason)
    return told.model_copy(update={"movers": due.approvers})


def _against_the_crm(now: Standing, quote: QuoteState, deal: DealState) -> Standing:
    """Show where the CRM's outcome and the quote disagree; only a person can settle that."""
    told, told_at = deal.opportunity.outcome, deal.opportunity.outcome_at
    taken = quote.outcome in ("accepted", "ordered")
    if told == "lost" and taken:
        why = "the opportunity is lost in the CRM, this quote is accepted"
        return _disputed(now, deal, "crm_outcome", told_at, why)
    if told == "won" and deal.accepted is None and now.waits_for is not None:
        why = "the opportunity is won in the CRM, no quote is accepted"
        return _disputed(now, deal, "acceptance", told_at, why)
    return now


def _disputed(
    now: Standing, deal: DealState, waits: Waits, since: datetime | None, why: str
) -> Standing:
    owner = (deal.details.owner_id,) if deal.details else ()
    return Standing(
        status=now.status,
        waits_for=waits,
        since=since,
        who_can_move_it="seller",
        movers=owner,
        reason=why,
    )


def _waiting(
    status: Status, waits: Waits, who: Mover, since: datetime | None, reason: str | None = None
) -> Standing:
    return Standing(status=status, waits_for=waits, since=since, who_can_move_it=who, reason=reason)
