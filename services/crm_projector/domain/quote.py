"""What we know of one quote and its revisions: the fold of the quote's own stream, in its order.

Every answer of another service that counts is recorded by quotes itself, so only approval cases are
folded beside it. That is why the interleaving of streams can not change the result.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from contracts import approval, quote
from contracts.envelope import Fact, Meta
from contracts.values import Instant, Value
from services.crm_projector.domain import case, revision
from services.crm_projector.domain.case import CaseState
from services.crm_projector.domain.revision import RevisionState

QuoteOutcome = Literal["open", "accepted", "ordered", "declined", "withdrawn"]


class QuoteState(Value):
    """One quote: its revisions by number, its approval cases by id, its outcome."""

    quote_id: UUID
    number: str | None = None
    drafted_at: Instant | None = None
    drafted_by: str | None = None
    clone_of: UUID | None = None
    first_priced_at: Instant | None = None
    first_presented_at: Instant | None = None
    outcome: QuoteOutcome = "open"
    outcome_at: Instant | None = None
    outcome_revision: int | None = None
    reason_code: str | None = None
    reason: str | None = None
    order_id: UUID | None = None
    ordered_at: Instant | None = None
    changed_at: Instant
    revisions: Mapping[int, RevisionState] = {}
    cases: Mapping[UUID, CaseState] = {}

    @property
    def current(self) -> RevisionState | None:
        """The newest revision."""
        return self.revisions[max(self.revisions)] if self.revisions else None

    @property
    def representative(self) -> RevisionState | None:
        """The accepted revision, else the last presented one: what counts in analytics."""
        if self.outcome in ("accepted", "ordered") and self.outcome_revision is not None:
            return self.revisions.get(self.outcome_revision)
        shown = [number for number, each in self.revisions.items() if each.presented_at]
        return self.revisions[max(shown)] if shown else None

    @property
    def pending_case(self) -> CaseState | None:
        """The case that answers the present submission of the newest revision."""
        now = self.current
        if now is None or now.submission is None:
            return None
        return next((each for each in self.cases.values() if each.answers == now.submission), None)


def evolve(state: QuoteState | None, fact: Fact, meta: Meta) -> QuoteState | None:
    """Fold one fact that names a quote; facts without one change nothing."""
    quote_id: UUID | None = getattr(fact, "quote_id", None)
    if quote_id is None:
        return state
    state = state or QuoteState(quote_id=quote_id, changed_at=meta.time)
    changes: dict[str, Any] = {"changed_at": max(state.changed_at, meta.time)}
    if type(fact) in _OF_QUOTE:
        changes |= _OF_QUOTE[type(fact)](state, fact, meta)
    if isinstance(fact, quote.RevisionFact):
        changes["revisions"] = _with_revision(state, fact, meta)
    case_id: UUID | None = getattr(fact, "case_id", None)
    if case_id is not None:
        changes["cases"] = _with_case(state, case_id, fact, meta.time)
    return state.but(changes)


def _with_revision(
    state: QuoteState, fact: quote.RevisionFact, meta: Meta
) -> Mapping[int, RevisionState]:
    after = revision.evolve(state.revisions.get(fact.revision), fact, meta)
    if after is None:
        return state.revisions
    return dict(sorted({**state.revisions, fact.revision: after}.items()))


def _with_case(state: QuoteState, case_id: UUID, fact: Fact, at: datetime) -> dict[UUID, CaseState]:
    known = state.cases.get(case_id)
    if isinstance(fact, approval.DiscountApprovalRequested):
        return {**state.cases, case_id: case.opened(fact, at)}
    if known is None:
        return dict(state.cases)
    return {**state.cases, case_id: case.evolve(known, fact, at)}


# ---- the quote as a whole


def _drafted(_: QuoteState, fact: quote.QuoteDrafted, meta: Meta) -> dict[str, Any]:
    return {
        "number": fact.number,
        "drafted_at": meta.time,
        "drafted_by": fact.drafted_by,
        "clone_of": fact.clone_of,
    }


def _first_price(state: QuoteState, _: Fact, meta: Meta) -> dict[str, Any]:
    return {"first_priced_at": state.first_priced_at or meta.time}


def _first_shown(state: QuoteState, _: Fact, meta: Meta) -> dict[str, Any]:
    return {"first_presented_at": state.first_presented_at or meta.time}


def _accepted(_: QuoteState, fact: quote.QuoteAccepted, meta: Meta) -> dict[str, Any]:
    del meta
    at = fact.accepted_at
    return {"outcome": "accepted", "outcome_at": at, "outcome_revision": fact.revision}


def _ordered(state: QuoteState, fact: quote.OrderPlaced, meta: Meta) -> dict[str, Any]:
    del state
    return {
        "ordered_at": meta.time,
        "outcome": "ordered",
        "outcome_at": fact.accepted_at,
        "outcome_revision": fact.revision,
        "order_id": fact.order_id,
    }


def _declined(_: QuoteState, fact: quote.QuoteDeclined, meta: Meta) -> dict[str, Any]:
    del meta
    return {
        "outcome": "declined",
        "outcome_at": fact.at,
        "outcome_revision": fact.revision,
        "reason_code": fact.reason_code,
        "reason": fact.comment,
    }


def _withdrawn(_: QuoteState, fact: quote.QuoteWithdrawn, meta: Meta) -> dict[str, Any]:
    return {"outcome": "withdrawn", "outcome_at": meta.time, "reason": fact.reason}


_OF_QUOTE: dict[type[Fact], Callable[[QuoteState, Any, Meta], dict[str, Any]]] = {
    quote.QuoteDrafted: _drafted,
    quote.RevisionPriced: _first_price,
    quote.QuotePresented: _first_shown,
    quote.QuoteAccepted: _accepted,
    quote.OrderPlaced: _ordered,
    quote.QuoteDeclined: _declined,
    quote.QuoteWithdrawn: _withdrawn,
}
