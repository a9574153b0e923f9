"""What becomes of an offer: presented, viewed, accepted, declined, withdrawn, expired."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid5

from contracts.envelope import Fact
from contracts.quote import (
    DealClosed,
    OrderLine,
    OrderPlaced,
    QuoteAccepted,
    QuoteChangeRequested,
    QuoteDeclined,
    QuoteExpired,
    QuotePresented,
    QuoteViewed,
    QuoteWithdrawn,
)
from services.quotes.domain.asks import recalled
from services.quotes.domain.errors import (
    DealIsOrdered,
    DocumentDiffers,
    Expired,
    NotPresented,
    NotReady,
    StateRefused,
    Superseded,
)
from services.quotes.domain.quote import Quote
from services.quotes.domain.situation import Situation
from services.quotes.domain.validity import end_of_day

QuoteFacts = tuple[UUID, list[Fact]]
"""Facts for the stream of one quote."""

VIEWS_AT_MOST_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The customer's yes: to which revision, with which document, proved by which kept evidence."""

    revision: int
    document_sha256: str
    evidence_sha256: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """Facts by stream: the accepted or lost quotes, and the deal; written in one work."""

    quotes: tuple[QuoteFacts, ...]
    deal: list[Fact]


# ---- presenting


def presentable(situation: Situation) -> StateRefused | None:
    """Say why the current revision can not be presented; None, if it can.

    Configuration and price are bound by the content key of the submission; approval and document
    must bear exactly this key.
    """
    quote, draft = situation.quote, situation.quote.must_have_draft()
    submitted, price = draft.submission, draft.price
    facts = {"quote": quote.number, "revision": draft.number}
    if price is None or submitted is None or submitted.offer != price.offer:
        return NotReady(f"{quote.number} is not priced and submitted", missing="approval", **facts)
    if draft.approval is None or draft.approval.content_key != submitted.content_key:
        return NotReady(f"{quote.number} is not approved", missing="approval", **facts)
    if draft.document is None or draft.document.content_key != submitted.content_key:
        return NotReady(f"{quote.number} has no document yet", missing="document", **facts)
    if situation.now >= end_of_day(submitted.valid_until, submitted.zone):
        return Expired(
            f"{quote.number} was valid until {submitted.valid_until}; submit it again",
            valid_until=submitted.valid_until,
            **facts,
        )
    return None


def present(situation: Situation) -> list[Fact]:
    """Show the current revision to the customer; from now on it never changes.

    Raises: QuoteNotOpen, RevisionPresented, NotReady, Expired.
    """
    refused = presentable(situation)
    if refused:
        raise refused
    draft = situation.quote.current
    submitted, document = draft.submission, draft.document
    assert submitted is not None, "presentable says so"  # noqa: S101
    assert document is not None, "presentable says so"  # noqa: S101
    presented = QuotePresented(
        **situation.quote.ids(draft.number),
        content_key=submitted.content_key,
        document_sha256=document.sha256,
        valid_until=submitted.valid_until,
        zone=submitted.zone,
        expires_at=end_of_day(submitted.valid_until, submitted.zone),
        net=submitted.offer.totals.net,
        presented_by=situation.actor,
    )
    return [presented]


# ---- the customer


def view(situation: Situation, revision: int) -> list[Fact]:
    """Note that the customer looked; at most once a minute, and only while the quote is open."""
    seen = situation.quote.revision(revision)
    recently = seen.viewed_at and situation.now - seen.viewed_at < VIEWS_AT_MOST_EVERY
    if situation.quote.outcome or not seen.presented or recently:
        return []
    return [QuoteViewed(**situation.quote.ids(revision), at=situation.now)]


def accept(situation: Situation, siblings: Sequence[Quote], yes: Acceptance) -> Settlement:
    """Turn the offer into the deal's one order: drafts are recalled, siblings withdrawn.

    `situation.now` is the time stamp of the acceptance and judges it.
    Raises: DealIsOrdered, QuoteNotOpen, NotPresented, Superseded, Expired, DocumentDiffers.
    """
    quote, deal = situation.quote, situation.deal
    if deal.ordered and deal.ordered.quote_id != quote.quote_id:
        raise DealIsOrdered(
            f"{deal.ordered.number}, another offer for the same project, was accepted already",
            accepted=deal.ordered.number,
        )
    offered = _on_the_table(situation, yes.revision)
    if yes.document_sha256 != offered.document_sha256:
        raise DocumentDiffers(
            f"the document of {quote.number} revision {yes.revision} is another; open it again",
            quote=quote.number,
            revision=yes.revision,
        )
    accepted = QuoteAccepted(
        **quote.ids(yes.revision),
        content_key=offered.content_key,
        document_sha256=offered.document_sha256,
        evidence_sha256=yes.evidence_sha256,
        accepted_at=situation.now,
    )
    reason = f"{quote.number} was accepted"
    drafts: list[Fact] = [recalled(quote, reason, situation.actor)] if quote.draft else []
    closed = DealClosed(
        deal_id=deal.deal_id, outcome="accepted", reason=None, quote_id=quote.quote_id
    )
    won = (quote.quote_id, [*drafts, accepted, _order(situation, yes.revision)])
    lost = [_withdrawn(each, reason, situation.actor) for each in siblings if each.outcome is None]
    return Settlement((won, *lost), [closed])


def _order(situation: Situation, revision: int) -> OrderPlaced:
    submitted = situation.quote.revision(revision).submission
    assert submitted is not None, "a presented revision was submitted"  # noqa: S101
    lines = tuple(
        OrderLine(
            line=each.line,
            item_id=each.item_id,
            sku=each.sku,
            name=each.name,
            quantity=each.quantity,
            net_total=each.net_total,
        )
        for each in submitted.offer.lines
    )
    return OrderPlaced(
        **situation.quote.ids(revision),
        # One id per deal, so even two services could not make two orders of it.
        order_id=uuid5(situation.deal.deal_id, "order"),
        number=situation.quote.number,
        lines=lines,
        net=submitted.offer.totals.net,
        accepted_at=situation.now,
    )


def decline(
    situation: Situation, revision: int, reason_code: str, comment: str | None
) -> list[Fact]:
    """Take the customer's no: the negotiation is over, a draft in the making is recalled.

    Raises: QuoteNotOpen, NotPresented, Superseded, Expired.
    """
    _on_the_table(situation, revision)
    drafts = _recall_pending(situation.quote, "the customer declined", situation.actor)
    declined = QuoteDeclined.model_validate(
        {
            **situation.quote.ids(revision),
            "reason_code": reason_code,
            "comment": comment,
            "at": situation.now,
        }
    )
    return [*drafts, declined]


def request_change(situation: Situation, revision: int, message: str) -> list[Fact]:
    """Note what the customer wants otherwise; also after the validity, as a wish for a new offer.

    Raises: QuoteNotOpen, NotPresented, Superseded.
    """
    _last_presented(situation, revision)
    wanted = QuoteChangeRequested(
        **situation.quote.ids(revision), message=message, at=situation.now
    )
    return [wanted]


def _last_presented(situation: Situation, number: int) -> QuotePresented:
    quote = situation.quote
    quote.must_be_open()
    presented, last = quote.revision(number).presented, quote.last_presented
    if presented is None or last is None:
        raise NotPresented(
            f"revision {number} of {quote.number} is not presented",
            quote=quote.number,
            revision=number,
        )
    if last.number != number:
        raise Superseded(
            f"revision {last.number} of {quote.number} takes the place of revision {number}",
            quote=quote.number,
            revision=number,
            presented=last.number,
        )
    return presented


def _on_the_table(situation: Situation, number: int) -> QuotePresented:
    presented = _last_presented(situation, number)
    if situation.quote.revision(number).expired or situation.now >= presented.expires_at:
        raise Expired(
            f"{situation.quote.number} was valid until {presented.valid_until};"
            " ask for a new offer by a change request",
            quote=situation.quote.number,
            revision=number,
            valid_until=presented.valid_until,
        )
    return presented


# ---- ourselves, the CRM, the clock


def withdraw(situation: Situation, reason: str) -> list[Fact]:
    """Take the quote back for good.   Raises: QuoteNotOpen."""
    situation.quote.must_be_open()
    return _withdrawn(situation.quote, reason, situation.actor)[1]


def lose(quotes: Sequence[Quote], reason: str | None, actor: str) -> list[QuoteFacts]:
    """Withdraw each open quote of a lost opportunity; what is pending is recalled first."""
    why = f"the opportunity was lost: {reason}" if reason else "the opportunity was lost"
    return [_withdrawn(each, why, actor) for each in quotes if each.outcome is None]


def expire(situation: Situation, revision: int) -> list[Fact]:
    """Note that the validity is over: only of the last presented revision of an open quote.

    A terminal outcome stays; a later draft lives on.
    """
    quote, last = situation.quote, situation.quote.last_presented
    if quote.outcome or last is None or last.number != revision or last.expired:
        return []
    presented = last.presented
    if presented is None or situation.now < presented.expires_at:
        return []
    return [QuoteExpired(**situation.quote.ids(revision), expires_at=presented.expires_at)]


def _withdrawn(quote: Quote, reason: str, actor: str) -> QuoteFacts:
    withdrawn = QuoteWithdrawn(
        deal_id=quote.deal_id, quote_id=quote.quote_id, reason=reason, withdrawn_by=actor
    )
    return quote.quote_id, [*_recall_pending(quote, reason, actor), withdrawn]


def _recall_pending(quote: Quote, reason: str, actor: str) -> list[Fact]:
    pending = quote.draft is not None and quote.draft.is_pending
    return [recalled(quote, reason, actor)] if pending else []
