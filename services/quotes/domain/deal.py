"""The deal: our side of one opportunity; a small stream that siblings and closing race on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from contracts.envelope import Fact
from contracts.opportunity import (
    OpportunityDetails,
    OpportunityDetailsChanged,
    OpportunityOpened,
    OpportunityRef,
    OpportunityReopened,
)
from contracts.quote import (
    DealClosed,
    DealDetailsChanged,
    DealOpened,
    DealReopened,
    QuoteAdded,
)
from services.quotes.domain.errors import DealIsClosed, DealIsOrdered


@dataclass(frozen=True, slots=True)
class QuoteOfDeal:
    """One quote of the deal, by id and number."""

    quote_id: UUID
    number: str


@dataclass(frozen=True, slots=True)
class Deal:
    """What we know of an opportunity and which quotes it has; `ordered` outlives a reopening."""

    deal_id: UUID
    opportunity: OpportunityRef
    details: OpportunityDetails
    quotes: tuple[QuoteOfDeal, ...] = ()
    closed: DealClosed | None = None
    ordered: QuoteOfDeal | None = None


def stream_of_deal(deal_id: UUID) -> str:
    """Return the name of the deal's stream."""
    return f"quotes.deal/{deal_id}"


def evolve_deal(deal: Deal | None, fact: Fact) -> Deal | None:
    """Apply one fact of the deal's stream."""
    if isinstance(fact, DealOpened):
        return Deal(fact.deal_id, fact.opportunity, fact.details)
    if deal is None:
        return None
    match fact:
        case DealDetailsChanged():
            return replace(deal, details=fact.details)
        case QuoteAdded():
            return replace(deal, quotes=(*deal.quotes, QuoteOfDeal(fact.quote_id, fact.number)))
        case DealClosed(outcome="accepted"):
            ordered = next(each for each in deal.quotes if each.quote_id == fact.quote_id)
            return replace(deal, closed=fact, ordered=ordered)
        case DealClosed():
            return replace(deal, closed=fact)
        case DealReopened():
            return replace(deal, closed=None)
        case _:
            return deal


def fold_deal(facts: Sequence[Fact]) -> Deal | None:
    """Fold a deal from all facts of its stream."""
    deal: Deal | None = None
    for fact in facts:
        deal = evolve_deal(deal, fact)
    return deal


def hear_details(
    deal: Deal | None, heard: OpportunityOpened | OpportunityDetailsChanged
) -> list[Fact]:
    """Take the deal up, or take its other details over; hearing the same again says nothing."""
    if deal is None:
        opened = DealOpened(
            deal_id=heard.deal_id, opportunity=heard.opportunity, details=heard.details
        )
        return [opened]
    if deal.details == heard.details:
        return []
    return [DealDetailsChanged(deal_id=deal.deal_id, details=heard.details)]


def hear_won(deal: Deal) -> list[Fact]:
    """Close the deal; its quotes stay as they are, a presented one may still be accepted."""
    if deal.ordered or (deal.closed and deal.closed.outcome == "won"):
        return []
    return [DealClosed(deal_id=deal.deal_id, outcome="won", reason=None)]


def hear_lost(deal: Deal, reason: str | None) -> list[Fact]:
    """Close the deal, unless it has an order: then the contradiction is for people to solve."""
    if deal.ordered or (deal.closed and deal.closed.outcome == "lost"):
        return []
    return [DealClosed(deal_id=deal.deal_id, outcome="lost", reason=reason)]


def hear_reopened(deal: Deal, heard: OpportunityReopened) -> list[Fact]:
    """Open a closed deal again; nothing is revived."""
    if deal.closed is None:
        return []
    return [DealReopened(deal_id=deal.deal_id, stage=heard.stage)]


def must_take_quotes(deal: Deal) -> None:
    """Refuse a further quote where it could never become an order.

    Raises: DealIsOrdered, also after a reopening; DealIsClosed.
    """
    if deal.ordered:
        raise DealIsOrdered(
            f"{deal.ordered.number} of this deal was accepted; a deal has at most one order",
            deal_id=deal.deal_id,
            accepted=deal.ordered.number,
        )
    if deal.closed:
        raise DealIsClosed(
            f"the opportunity is {deal.closed.outcome}; reopen it in the CRM to quote again",
            deal_id=deal.deal_id,
            outcome=deal.closed.outcome,
        )
