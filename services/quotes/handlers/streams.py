"""Read deals and quotes from their streams, and write decisions back with their reminders."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from contracts.envelope import Fact
from contracts.quote import (
    QuoteAccepted,
    QuoteDeclined,
    QuotePresented,
    QuoteWithdrawn,
)
from infra.work import Reminder, Work
from services.quotes.domain.deal import Deal, fold_deal, stream_of_deal
from services.quotes.domain.errors import DealNotFound, QuoteNotFound
from services.quotes.domain.evolving import fold
from services.quotes.domain.quote import Quote, stream_of_quote
from services.quotes.domain.selling_units import SellingUnit
from services.quotes.domain.situation import Situation
from services.quotes.domain.validity import SWEEP_GRACE

Units = Mapping[str, SellingUnit]
"""The selling units of the catalogue, by id."""

EXPIRY = "quote.expiry"


def deal_of(work: Work, deal_id: UUID) -> Deal | None:
    """Return the deal, if we have taken the opportunity up."""
    return fold_deal([each.fact for each in work.read(stream_of_deal(deal_id))])


def known_deal(work: Work, deal_id: UUID) -> Deal:
    """Return the deal.   Raises: DealNotFound."""
    deal = deal_of(work, deal_id)
    if deal is None:
        raise DealNotFound(f"there is no deal {deal_id}", deal_id=deal_id)
    return deal


def known_quote(work: Work, quote_id: UUID) -> Quote:
    """Return the quote.   Raises: QuoteNotFound."""
    quote = fold(each.fact for each in work.read(stream_of_quote(quote_id)))
    if quote is None:
        raise QuoteNotFound(f"there is no quote {quote_id}", quote_id=quote_id)
    return quote


def situation_of(work: Work, quote_id: UUID, units: Units) -> Situation:
    """Return all that a decision looks at.   Raises: QuoteNotFound, DealNotFound."""
    quote = known_quote(work, quote_id)
    deal = known_deal(work, quote.deal_id)
    unit = units.get(deal.details.selling_unit)
    return Situation(quote, deal, unit, work.actor, work.now)


def siblings_of(work: Work, deal: Deal, but: UUID | None) -> list[Quote]:
    """Return the deal's quotes, all or all but one."""
    return [known_quote(work, each.quote_id) for each in deal.quotes if each.quote_id != but]


def write(work: Work, quote_id: UUID, facts: Sequence[Fact]) -> None:
    """Append facts of a quote; presenting sets the expiry reminder, an outcome drops it."""
    work.append(stream_of_quote(quote_id), *facts)
    for fact in facts:
        if isinstance(fact, QuotePresented):
            work.remind(_expiry(fact))
        if isinstance(fact, QuoteAccepted | QuoteDeclined | QuoteWithdrawn):
            _forget_expiry(work, quote_id)


def _expiry(presented: QuotePresented) -> Reminder:
    return Reminder(
        key=_expiry_key(presented.quote_id, presented.revision),
        kind=EXPIRY,
        due_at=presented.expires_at + SWEEP_GRACE,
        deal_id=presented.deal_id,
        body={"quote_id": str(presented.quote_id), "revision": presented.revision},
    )


def _forget_expiry(work: Work, quote_id: UUID) -> None:
    last = known_quote(work, quote_id).last_presented
    if last:
        work.forget(_expiry_key(quote_id, last.number))


def _expiry_key(quote_id: UUID, revision: int) -> str:
    return f"expiry/{quote_id}/{revision}"
