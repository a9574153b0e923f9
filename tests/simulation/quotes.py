"""Rules of deals, quotes and revisions, checked at every committed fact of quotes."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from contracts import quote as said
from contracts.envelope import Fact, Meta
from contracts.values import Money
from services.quotes.domain.content import content_key
from tests.simulation.faults import Broken
from tests.simulation.seen import DealSeen, QuoteSeen, RevisionSeen

if TYPE_CHECKING:
    from tests.simulation.watch import Watch

# What may still be said of a revision that the customer was shown.
OF_A_PRESENTED = (
    said.QuoteViewed,
    said.QuoteChangeRequested,
    said.QuoteExpired,
    said.QuoteAccepted,
    said.QuoteDeclined,
    said.OrderPlaced,
    said.AnswerIgnored,
)


def must(held: bool, rule: str, meta: Meta, what: str = "") -> None:
    """Raises: Broken, if the rule is not held."""
    if not held:
        raise Broken(rule, f"{meta.id} ({meta.type}) {what}", meta.deal_id)


def saw(watch: "Watch", meta: Meta, fact: Fact) -> None:
    """Take in one fact of quotes.   Raises: Broken."""
    if isinstance(fact, said.QuoteDrafted):
        drafted = QuoteSeen(fact.quote_id, fact.deal_id, fact.number, [RevisionSeen(1)])
        numbers = {each.number for each in watch.quotes.values()}
        must(fact.number not in numbers, "a quote's number is its own", meta)
        watch.quotes[fact.quote_id] = drafted
        return
    if not isinstance(fact, said.QuoteFact) or isinstance(fact, said.QuoteAdded):
        _of_deal(watch, fact)
        return
    quote = watch.quotes[fact.quote_id]
    ended = quote.outcome is not None
    ordering = isinstance(fact, said.OrderPlaced) and quote.outcome == "accepted"
    may = not ended or isinstance(fact, said.AnswerIgnored) or (ordering and quote.order is None)
    must(may, "a terminal outcome stays", meta, f"after {quote.outcome}")
    if isinstance(fact, said.RevisionSubmitted):
        watch.submissions[meta.id] = fact
    if isinstance(fact, said.QuoteWithdrawn):
        _nothing_pending(quote, meta)
        quote.outcome = "withdrawn"
    elif isinstance(fact, said.QuoteRevised):
        must(quote.current.presented is not None, "only a presented revision is revised", meta)
        quote.revisions.append(RevisionSeen(fact.revision))
    elif isinstance(fact, said.RevisionFact):
        _of_revision(watch, quote, meta, fact)


def _of_deal(watch: "Watch", fact: Fact) -> None:
    deal = watch.deals.setdefault(fact.deal_id, DealSeen(fact.deal_id))
    match fact:
        case said.QuoteAdded():
            deal.quotes.append(fact.quote_id)
        case said.DealClosed():
            deal.closed = fact.outcome
            deal.ordered = fact.quote_id or deal.ordered
        case said.DealReopened():
            deal.closed = None


def check_deal(watch: "Watch", deal_id: UUID) -> None:
    """Check a deal after a work of quotes as a whole.   Raises: Broken."""
    deal = watch.deals.get(deal_id)
    if deal is None:
        return
    found = [watch.quotes[each] for each in deal.quotes if each in watch.quotes]
    open_ones = [each.number for each in found if each.outcome is None]
    orders = [each.number for each in found if each.order]
    if len(orders) > 1:
        raise Broken("at most one order per deal", ", ".join(orders), deal_id)
    if deal.ordered and open_ones:
        raise Broken("accepting withdraws the siblings", ", ".join(open_ones), deal_id)
    if deal.closed == "lost" and open_ones:
        raise Broken("a lost opportunity withdraws its quotes", ", ".join(open_ones), deal_id)
    if any((each.outcome == "accepted") != (each.order is not None) for each in found):
        raise Broken("an acceptance is an order, in one commit", str(orders), deal_id)


def _of_revision(watch: "Watch", quote: QuoteSeen, meta: Meta, fact: said.RevisionFact) -> None:
    must(0 < fact.revision <= len(quote.revisions), "a fact names a revision that exists", meta)
    revision = quote.revisions[fact.revision - 1]
    if revision.presented is not None:
        may = isinstance(fact, OF_A_PRESENTED)
        must(may, "a presented revision never changes", meta)
    match fact:
        case said.ConfigurationRequested():
            revision.start_over()
            revision.price, revision.pending = None, meta.id
        case said.PricingRequested():
            revision.start_over()
            revision.price, revision.pricing, revision.pending = None, fact, meta.id
        case said.RevisionPriced():
            _priced(revision, meta, fact)
        case said.RevisionSubmitted():
            _submitted(revision, meta, fact)
        case said.RevisionApproved():
            _approved(watch, revision, meta, fact)
        case said.DocumentRequested():
            must(revision.approval is not None, "a document follows an approval", meta)
            revision.document, revision.pending = None, meta.id
        case said.DocumentAttached():
            _answers(revision, meta, fact.answers)
            revision.document, revision.pending = fact, None
        case said.RevisionReturned():
            revision.pending = None
            if fact.stage == "approval":
                revision.start_over()
        case said.RevisionRecalled():
            revision.start_over()
        case _:
            _shown(quote, revision, meta, fact)


def _answers(revision: RevisionSeen, meta: Meta, ask: str) -> None:
    rule = "only the answer to the latest ask is recorded"
    must(revision.pending == ask, rule, meta, f"answers {ask}, pending {revision.pending}")


def _priced(revision: RevisionSeen, meta: Meta, fact: said.RevisionPriced) -> None:
    _answers(revision, meta, fact.answers)
    asked, offer = revision.pricing, fact.offer
    must(asked is not None and offer.items == asked.items, "the price is of what was asked", meta)
    _sums(offer, meta)
    revision.price, revision.pending = fact, None


def _sums(offer: said.PricedOffer, meta: Meta) -> None:
    """Hold that lines sum to totals, exactly."""
    rule, totals = "lines sum to totals", offer.totals
    for name, total in (("list_total", totals.list), ("net_total", totals.net)):
        found = sum((getattr(line, name).amount for line in offer.lines), start=0 * total.amount)
        must(found == total.amount, rule, meta, f"{name}: {found}, {total}")
    for line in offer.lines:
        left = line.list_total.amount - line.discount.amount
        must(left == line.net_total.amount, "a line's steps sum to its net", meta, f"{line.line}")


def _submitted(revision: RevisionSeen, meta: Meta, fact: said.RevisionSubmitted) -> None:
    price, asked = revision.price, revision.pricing
    rule = "what is submitted is what was configured and priced"
    must(price is not None and asked is not None and fact.offer == price.offer, rule, meta)
    assert price and asked
    key = content_key(asked, price, fact.terms, fact.valid_until, fact.zone)
    must(fact.content_key == key, "the content key is of the content", meta)
    revision.start_over()
    revision.submission, revision.pending = fact, meta.id


def _approved(
    watch: "Watch", revision: RevisionSeen, meta: Meta, fact: said.RevisionApproved
) -> None:
    _answers(revision, meta, fact.answers)
    submitted = revision.submission
    same = submitted is not None and submitted.content_key == fact.content_key
    must(same, "an approval is of exactly this content", meta)
    assert submitted
    by = {f"user/{each.by}" for each in fact.grants}
    barred = {*submitted.hands, submitted.requested_by}
    must(not by & barred, "the requester never approves", meta, str(by & barred))
    case_closed = [
        each.closed for each in watch.cases.values() if each.request.answers == fact.answers
    ]
    must(fact.by_rule is not None or case_closed == ["granted"], "grants come from a case", meta)
    revision.approval, revision.pending = fact, None


def _shown(quote: QuoteSeen, revision: RevisionSeen, meta: Meta, fact: Any) -> None:
    """Take in what a customer saw or said, and the end of the validity."""
    table = quote.on_the_table
    match fact:
        case said.QuotePresented():
            _presented(revision, meta, fact)
        case said.QuoteAccepted():
            _accepted(quote, revision, meta, fact)
        case said.OrderPlaced():
            _ordered(quote, revision, meta, fact)
        case said.QuoteDeclined():
            must(table is revision, "only what is on the table is declined", meta)
            _nothing_pending(quote, meta)
            quote.outcome = "declined"
        case said.QuoteExpired():
            shown = revision.presented
            last = shown is not None and table is revision and not revision.expired
            must(last, "only what is on the table expires, once", meta)
            assert shown
            must(meta.time >= shown.expires_at, "nothing expires early", meta, f"at {meta.time}")
            revision.expired = True


def _presented(revision: RevisionSeen, meta: Meta, fact: said.QuotePresented) -> None:
    price, submitted = revision.price, revision.submission
    approved, document = revision.approval, revision.document
    rule = "presenting needs configuration, price, approval and document of one content"
    must(bool(price and submitted and approved and document), rule, meta, "something is missing")
    assert price and submitted and approved and document
    keys = {fact.content_key, submitted.content_key, approved.content_key, document.content_key}
    must(len(keys) == 1 and submitted.offer == price.offer, rule, meta, "keys differ")
    must(fact.document_sha256 == document.sha256, "the document shown is the one attached", meta)
    must(meta.time < fact.expires_at, "nothing expired is presented", meta)
    revision.presented = fact


def _accepted(
    quote: QuoteSeen, revision: RevisionSeen, meta: Meta, fact: said.QuoteAccepted
) -> None:
    shown = revision.presented
    last = shown is not None and quote.on_the_table is revision
    must(last, "only what is on the table is accepted", meta)
    assert shown
    rule = "only an unexpired revision is accepted"
    in_time = not revision.expired and fact.accepted_at < shown.expires_at
    must(in_time, rule, meta, f"at {fact.accepted_at}, expires {shown.expires_at}")
    same = (fact.document_sha256, fact.content_key) == (shown.document_sha256, shown.content_key)
    must(same, "what is accepted is the document that was shown", meta)
    _nothing_pending(quote, meta)
    quote.outcome = "accepted"


def _ordered(quote: QuoteSeen, revision: RevisionSeen, meta: Meta, fact: said.OrderPlaced) -> None:
    shown = revision.presented
    must(quote.outcome == "accepted" and shown is not None, "an order follows acceptance", meta)
    assert shown
    net = sum((each.net_total.amount for each in fact.lines), start=0 * fact.net.amount)
    right = fact.net == shown.net == Money.of(net, fact.net.currency)
    must(right, "an order is for what was presented", meta, f"{fact.net}, {shown.net}")
    quote.order = fact


def _nothing_pending(quote: QuoteSeen, meta: Meta) -> None:
    draft = quote.current
    free = draft.presented is not None or (draft.pending is None and draft.submission is None)
    must(free, "what ends recalls what is pending", meta)
