"""How each fact changes what we know of a quote."""

from collections.abc import Iterable
from dataclasses import replace

from contracts.commercial import NOTHING_ASKED
from contracts.envelope import Fact
from contracts.pricing import PricingPins
from contracts.quote import (
    ConfigurationRequested,
    DocumentAttached,
    DocumentRequested,
    PricingRequested,
    QuoteAccepted,
    QuoteChangeRequested,
    QuoteDeclined,
    QuoteDrafted,
    QuoteExpired,
    QuotePresented,
    QuoteRevised,
    QuoteViewed,
    QuoteWithdrawn,
    RevisionApproved,
    RevisionFact,
    RevisionPriced,
    RevisionRecalled,
    RevisionReturned,
    RevisionSubmitted,
)
from services.quotes.domain.quote import (
    NO_PINS,
    Ask,
    Outcome,
    Quote,
    Revision,
    stream_of_quote,
)


def evolve(quote: Quote | None, fact: Fact) -> Quote | None:
    """Apply one fact of the quote's stream; QuoteDrafted is its first."""
    if isinstance(fact, QuoteDrafted):
        return _drafted(fact)
    if quote is None:
        return None
    return after(quote, [fact])


def fold(facts: Iterable[Fact]) -> Quote | None:
    """Fold a quote from all facts of its stream; None, if there is no such quote."""
    quote: Quote | None = None
    for fact in facts:
        quote = evolve(quote, fact)
    return quote


def after(quote: Quote, facts: Iterable[Fact]) -> Quote:
    """Return the quote as it is after these further facts."""
    for fact in facts:
        quote = _applied(replace(quote, version=quote.version + 1), fact)
    return quote


def _drafted(fact: QuoteDrafted) -> Quote:
    first = Revision(
        number=fact.revision,
        items=fact.items,
        discounts=fact.discounts,
        commercial=fact.commercial or NOTHING_ASKED,
        etag=f"{stream_of_quote(fact.quote_id)}/1",
    )
    return Quote(
        quote_id=fact.quote_id,
        deal_id=fact.deal_id,
        number=fact.number,
        drafted_details=fact.details,
        revisions=(first,),
        version=1,
        clone_of=fact.clone_of,
        hands=frozenset({fact.drafted_by, *fact.taken_over_from}),
    )


def _handled_by(fact: Fact) -> frozenset[str]:
    match fact:
        case ConfigurationRequested() | PricingRequested():
            return frozenset({fact.requested_by})
        case QuoteRevised():
            return frozenset({fact.revised_by})
        case RevisionSubmitted():
            return frozenset(fact.hands)
        case _:
            return frozenset()


def _applied(quote: Quote, fact: Fact) -> Quote:
    return _moved(replace(quote, hands=quote.hands | _handled_by(fact)), fact)


def _moved(quote: Quote, fact: Fact) -> Quote:
    fact_id = f"{stream_of_quote(quote.quote_id)}/{quote.version}"
    match fact:
        case QuoteRevised():
            return replace(quote, revisions=(*quote.revisions, _revised(quote, fact, fact_id)))
        case QuoteAccepted():
            return replace(quote, outcome=Outcome("accepted", None, fact.revision))
        case QuoteDeclined():
            no = Outcome("declined", fact.reason_code, fact.revision, fact.comment)
            return replace(quote, outcome=no)
        case QuoteWithdrawn():
            return replace(quote, outcome=Outcome("withdrawn", fact.reason, None))
        case RevisionFact():
            revision = quote.revision(fact.revision)
            revision = _asked(revision, fact, fact_id)
            revision = _recorded(revision, fact)
            return quote.with_revision(_shown(revision, fact))
        case _:
            return quote


def _revised(quote: Quote, fact: QuoteRevised, fact_id: str) -> Revision:
    """Begin a revision where the earlier one stood: same configuration, same book and rates."""
    origin = quote.revision(fact.from_revision)
    return Revision(
        number=fact.revision,
        items=fact.items,
        discounts=fact.discounts,
        commercial=fact.commercial or NOTHING_ASKED,
        etag=fact_id,
        configured=origin.configured,
        configured_from=origin.configured_from,
        pricing=origin.pricing,
        pins=origin.pins,
    )


def _asked(revision: Revision, fact: RevisionFact, fact_id: str) -> Revision:
    """Apply an ask: what came after it in the walk no longer counts."""
    match fact:
        case ConfigurationRequested():
            return replace(
                _undone(revision),
                items=fact.items,
                discounts=fact.discounts,
                commercial=fact.commercial or NOTHING_ASKED,
                wants_submit=fact.submit,
                asked_by=fact.requested_by,
                price=None,
                etag=fact_id,
                awaiting=Ask("configuration", fact_id),
            )
        case PricingRequested():
            return replace(
                _undone(revision),
                discounts=fact.discounts,
                commercial=fact.commercial or NOTHING_ASKED,
                pins=fact.pins if fact.reprice_reason else revision.pins,
                wants_submit=fact.submit,
                asked_by=fact.requested_by,
                configured=fact.items,
                configured_from=revision.items,
                pricing=fact,
                price=None,
                etag=fact_id,
                awaiting=Ask("pricing", fact_id),
            )
        case RevisionSubmitted():
            asked = Ask("approval", fact_id)
            return replace(_undone(revision), submission=fact, etag=fact_id, awaiting=asked)
        case DocumentRequested():
            asked = Ask("document", fact_id)
            return replace(revision, document=None, returned=None, etag=fact_id, awaiting=asked)
        case _:
            return revision


def _undone(revision: Revision) -> Revision:
    return replace(
        revision,
        submission=None,
        approval=None,
        document=None,
        returned=None,
        recalled=None,
        awaiting=None,
    )


def _recorded(revision: Revision, fact: RevisionFact) -> Revision:
    """Apply a recorded answer."""
    match fact:
        case RevisionPriced():
            pins = PricingPins(book=fact.offer.book, fx=fact.offer.fx)
            return replace(revision, price=fact, pins=pins, awaiting=None)
        case RevisionApproved():
            return replace(revision, approval=fact, awaiting=None)
        case DocumentAttached():
            return replace(revision, document=fact, awaiting=None)
        case RevisionReturned():
            return _returned(revision, fact)
        case RevisionRecalled():
            return replace(_undone(revision), recalled=fact.reason)
        case _:
            return revision


def _returned(revision: Revision, fact: RevisionReturned) -> Revision:
    match fact.stage:
        case "pricing":
            # A retired book, or a price that a newer book has: asking again takes the newest.
            return replace(revision, returned=fact, awaiting=None, pins=NO_PINS)
        case "approval":
            return replace(_undone(revision), returned=fact)
        case _:
            return replace(revision, returned=fact, awaiting=None)


def _shown(revision: Revision, fact: RevisionFact) -> Revision:
    """Apply what the customer saw, and until when."""
    match fact:
        case QuotePresented():
            return replace(revision, presented=fact)
        case QuoteViewed():
            return replace(revision, viewed_at=fact.at)
        case QuoteChangeRequested():
            return replace(revision, change_asked=fact.message)
        case QuoteExpired():
            return replace(revision, expired=True)
        case _:
            return revision
