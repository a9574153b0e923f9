"""One revision of a quote: the fold of the facts that name it, in the order of their stream."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Literal

from contracts import quote
from contracts.envelope import Fact, Meta
from contracts.values import Instant, Money, Percent, Sha256, Value

RevisionStage = Literal[
    "drafted",
    "configuring",
    "pricing",
    "priced",
    "submitted",
    "approved",
    "rendering",
    "documented",
    "presented",
    "returned",
    "recalled",
]


class RevisionState(Value):
    """One revision. An edit of a draft forgets its price: another thing was priced."""

    revision: int
    stage: RevisionStage
    since: Instant
    submission: str | None = None
    tier: str | None = None
    region: str | None = None
    segment: str | None = None
    channel: str | None = None
    partner: str | None = None
    list: Money | None = None
    net: Money | None = None
    discount_percent: Percent | None = None
    sales_discount_percent: Percent | None = None
    margin: Money | None = None
    margin_percent: Percent | None = None
    valid_until: date | None = None
    approved_by_rule: str | None = None
    approved_by: tuple[str, ...] = ()
    document_sha256: Sha256 | None = None
    presented_at: Instant | None = None
    viewed_at: Instant | None = None
    change_requested_at: Instant | None = None
    expires_at: Instant | None = None
    expired_at: Instant | None = None
    returned_from: str | None = None
    mover: str | None = None
    reason_code: str | None = None
    reason: str | None = None


def evolve(
    known: RevisionState | None, fact: quote.RevisionFact, meta: Meta
) -> RevisionState | None:
    """Fold one fact that names the revision; one that says nothing of it changes nothing."""
    step = _STEPS.get(type(fact))
    if step is None:
        return known
    return step(known or _fresh(fact.revision, "drafted", meta.time), fact, meta)


def _fresh(revision: int, stage: RevisionStage, at: datetime) -> RevisionState:
    return RevisionState(revision=revision, stage=stage, since=at)


def _to(stage: RevisionStage) -> Callable[[RevisionState, Any, Meta], RevisionState]:
    """Make a step that starts the revision over at a stage: its content may be another now."""
    return lambda known, _, meta: _fresh(known.revision, stage, meta.time)


def _moved(known: RevisionState, stage: RevisionStage, meta: Meta, **more: Any) -> RevisionState:
    return known.but({"stage": stage, "since": meta.time, **more})


def _asked_price(known: RevisionState, fact: quote.PricingRequested, meta: Meta) -> RevisionState:
    fresh = _fresh(known.revision, "pricing", meta.time)
    sold_by = {"segment": fact.segment, "channel": fact.channel, "partner": fact.partner}
    return fresh.but({"tier": fact.customer_tier, "region": fact.region, **sold_by})


def _priced(known: RevisionState, fact: quote.RevisionPriced, meta: Meta) -> RevisionState:
    totals = fact.offer.totals
    return _moved(
        known,
        "priced",
        meta,
        list=totals.list,
        net=totals.net,
        discount_percent=totals.discount_percent,
        sales_discount_percent=totals.sales_discount_percent,
        margin=fact.internal.margin,
        margin_percent=fact.internal.margin_percent,
    )


def _submitted(known: RevisionState, fact: quote.RevisionSubmitted, meta: Meta) -> RevisionState:
    clean = {"returned_from": None, "mover": None, "reason_code": None, "reason": None}
    more = {"submission": meta.id, "valid_until": fact.valid_until} | clean
    return _moved(known, "submitted", meta, **more)


def _approved(known: RevisionState, fact: quote.RevisionApproved, meta: Meta) -> RevisionState:
    by = tuple(grant.by for grant in fact.grants)
    return _moved(known, "approved", meta, approved_by_rule=fact.by_rule, approved_by=by)


def _asked_document(known: RevisionState, fact: Fact, meta: Meta) -> RevisionState:
    del fact
    clean = {"returned_from": None, "mover": None, "reason_code": None, "reason": None}
    return _moved(known, "rendering", meta, **clean)


def _attached(known: RevisionState, fact: quote.DocumentAttached, meta: Meta) -> RevisionState:
    return _moved(known, "documented", meta, document_sha256=fact.sha256)


def _presented(known: RevisionState, fact: quote.QuotePresented, meta: Meta) -> RevisionState:
    more = {
        "presented_at": meta.time,
        "expires_at": fact.expires_at,
        "valid_until": fact.valid_until,
        "document_sha256": fact.document_sha256,
    }
    return _moved(known, "presented", meta, **more)


def _returned(known: RevisionState, fact: quote.RevisionReturned, meta: Meta) -> RevisionState:
    why = {"reason_code": fact.code, "reason": fact.reason, "mover": fact.who_can_move_it}
    return _moved(known, "returned", meta, returned_from=fact.stage, **why)


def _recalled(known: RevisionState, fact: quote.RevisionRecalled, meta: Meta) -> RevisionState:
    if known.stage == "presented":
        return known
    return _moved(known, "recalled", meta, submission=None, reason=fact.reason)


def _viewed(known: RevisionState, fact: quote.QuoteViewed, meta: Meta) -> RevisionState:
    del meta
    return known.but({"viewed_at": known.viewed_at or fact.at})


def _change_asked(
    known: RevisionState, fact: quote.QuoteChangeRequested, meta: Meta
) -> RevisionState:
    del meta
    return known.but({"change_requested_at": fact.at, "reason": fact.message})


def _expired(known: RevisionState, fact: quote.QuoteExpired, meta: Meta) -> RevisionState:
    del meta
    return known.but({"expired_at": fact.expires_at})


_STEPS: dict[type[Fact], Callable[[RevisionState, Any, Meta], RevisionState]] = {
    quote.QuoteDrafted: _to("drafted"),
    quote.QuoteRevised: _to("drafted"),
    quote.ConfigurationRequested: _to("configuring"),
    quote.PricingRequested: _asked_price,
    quote.RevisionPriced: _priced,
    quote.RevisionSubmitted: _submitted,
    quote.RevisionApproved: _approved,
    quote.DocumentRequested: _asked_document,
    quote.DocumentAttached: _attached,
    quote.QuotePresented: _presented,
    quote.RevisionReturned: _returned,
    quote.RevisionRecalled: _recalled,
    quote.QuoteViewed: _viewed,
    quote.QuoteChangeRequested: _change_asked,
    quote.QuoteExpired: _expired,
}
