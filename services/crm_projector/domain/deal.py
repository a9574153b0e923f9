"""All that people read about one deal: its opportunity, its quotes, their cases.

`evolve` folds each stream of the deal into a part of its own, so that any interleaving of the
streams that keeps each one's order gives the same state.
"""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from contracts.envelope import Fact, Meta
from contracts.opportunity import OpportunityDetails, OpportunityRef
from contracts.quote import DealClosed, DealDetailsChanged, DealOpened, DealReopened
from contracts.values import Instant, Value
from services.crm_projector.domain import opportunity, quote
from services.crm_projector.domain.opportunity import OpportunityState
from services.crm_projector.domain.quote import QuoteState

DealStatus = Literal["none", "open", "closed"]
Outcome = Literal["open", "won", "lost"]


class DealState(Value):
    """One deal.

    `applied` counts the folded facts: it numbers what we tell the CRM. `heads` holds the version up
    to which each stream is folded, so a fact that comes again changes nothing. `deal_ref` and
    `deal_details` are what quotes took up; the CRM's own word goes before it.
    """

    deal_id: UUID
    opportunity: OpportunityState = OpportunityState()
    deal_status: DealStatus = "none"
    deal_ref: OpportunityRef | None = None
    deal_details: OpportunityDetails | None = None
    deal_opened_at: Instant | None = None
    quotes: Mapping[UUID, QuoteState] = {}
    changed_at: Instant
    heads: Mapping[str, int] = {}
    applied: int = 0

    @property
    def ref(self) -> OpportunityRef | None:
        """Where the opportunity lives."""
        return self.opportunity.ref or self.deal_ref

    @property
    def details(self) -> OpportunityDetails | None:
        """The opportunity's details as they are now."""
        return self.opportunity.details or self.deal_details

    @property
    def accepted(self) -> QuoteState | None:
        """The quote that the customer accepted; at most one per deal."""
        taken = [each for each in self.quotes.values() if each.outcome in ("accepted", "ordered")]
        return min(taken, key=lambda each: (each.outcome_at, each.quote_id), default=None)

    @property
    def representative(self) -> QuoteState | None:
        """The accepted quote, else the one that was presented last: what counts in analytics."""
        shown = {
            (each.representative.presented_at, each.quote_id): each
            for each in self.quotes.values()
            if each.representative is not None and each.representative.presented_at is not None
        }
        return self.accepted or (shown[max(shown)] if shown else None)

    @property
    def outcome(self) -> Outcome:
        """Won by an acceptance or by the CRM's word; lost by the CRM's word alone; else open.

        An acceptance outweighs a CRM that says lost: a signed order is no opinion.
        """
        return "won" if self.accepted else self.opportunity.outcome

    @property
    def is_disputed(self) -> bool:
        """Whether the CRM and the customer's answer disagree on a closed opportunity."""
        told = self.opportunity.outcome
        return (told == "lost" and self.accepted is not None) or (
            told == "won" and self.accepted is None and bool(self.quotes)
        )


def evolve(state: DealState | None, fact: Fact, meta: Meta) -> DealState:
    """Fold one fact of the deal, whoever said it, each stream in its order.

    A fact that was folded before gives back the very same state.
    """
    state = state or DealState(deal_id=fact.deal_id, changed_at=meta.time)
    if meta.stream_version <= state.heads.get(meta.stream, 0):
        return state
    changes: dict[str, Any] = {
        "applied": state.applied + 1,
        "heads": {**state.heads, meta.stream: meta.stream_version},
        "changed_at": max(state.changed_at, meta.time),
        "opportunity": opportunity.evolve(state.opportunity, fact, meta.time),
        **_deal(fact, meta),
    }
    quote_id: UUID | None = getattr(fact, "quote_id", None)
    if quote_id is not None:
        after = quote.evolve(state.quotes.get(quote_id), fact, meta)
        changes["quotes"] = {**state.quotes, quote_id: after}
    return state.but(changes)


def _deal(fact: Fact, meta: Meta) -> dict[str, Any]:
    """Return what a fact of the deal's own stream changes."""
    match fact:
        case DealOpened():
            told = {"deal_ref": fact.opportunity, "deal_details": fact.details}
            return {"deal_status": "open", "deal_opened_at": meta.time, **told}
        case DealDetailsChanged():
            return {"deal_details": fact.details}
        case DealClosed():
            return {"deal_status": "closed"}
        case DealReopened():
            return {"deal_status": "open"}
        case _:
            return {}
