"""What a CRM is told of a quote: its newest state in plain words, never a cost or a margin."""

from datetime import date
from typing import Literal
from uuid import UUID

from contracts.quote import Mover
from contracts.values import ExactDecimal, Instant, Money, Sha256, Value
from services.crm_projector.domain.deal import DealState
from services.crm_projector.domain.inbound import OUR_CLIENT
from services.crm_projector.domain.quote import QuoteState
from services.crm_projector.domain.standing import Status, Waits, standing


class QuoteChanged(Value):
    """The newest state of one quote, for the record `record_id` of the CRM `crm`.

    Upsert by `quote_id`. `sequence` rises with every telling of a deal: a receiver drops what is
    not above the last it took. `client` marks the write as ours, so that its echo can be dropped.
    Figures are those of `revision`, the newest; the customer can accept `presented_revision`.
    """

    client: Literal["quotewright"] = OUR_CLIENT
    sequence: int
    crm: str
    record_id: str
    quote_id: UUID
    number: str
    revision: int
    presented_revision: int | None
    status: Status
    list: Money | None
    net: Money | None
    discount_percent: ExactDecimal | None
    valid_until: date | None
    document_sha256: Sha256 | None
    waits_for: Waits | None
    waits_since: Instant | None
    who_can_move_it: Mover | None
    reason: str | None
    order_id: UUID | None


def quote_changed(quote: QuoteState, deal: DealState) -> QuoteChanged | None:
    """Return what to tell; None while the quote has no number or the deal no CRM record."""
    current, ref = quote.current, deal.ref
    if current is None or quote.number is None or ref is None:
        return None
    now = standing(quote, deal)
    shown = quote.representative
    return QuoteChanged(
        sequence=deal.applied,
        crm=ref.crm,
        record_id=ref.record_id,
        quote_id=quote.quote_id,
        number=quote.number,
        revision=current.revision,
        presented_revision=shown.revision if shown else None,
        status=now.status,
        list=current.list,
        net=current.net,
        discount_percent=current.discount_percent.root if current.discount_percent else None,
        valid_until=current.valid_until,
        document_sha256=current.document_sha256,
        waits_for=now.waits_for,
        waits_since=now.since,
        who_can_move_it=now.who_can_move_it,
        reason=now.reason,
        order_id=quote.order_id,
    )


def tellings(before: DealState | None, after: DealState) -> list[QuoteChanged]:
    """Return what changed for the CRM between two states; a new sequence alone is no change."""
    return [
        told
        for quote_id, quote in after.quotes.items()
        if (told := quote_changed(quote, after)) is not None
        and not _same(told, _earlier(before, quote_id))
    ]


def _earlier(deal: DealState | None, quote_id: UUID) -> QuoteChanged | None:
    quote = deal.quotes.get(quote_id) if deal else None
    return quote_changed(quote, deal) if deal and quote else None


def _same(told: QuoteChanged, earlier: QuoteChanged | None) -> bool:
    return earlier is not None and told == earlier.model_copy(update={"sequence": told.sequence})
