"""Facts and values of quotes: the deal, its quotes, what is asked, recorded and decided."""

from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.approval import StepGrant
from contracts.commercial import CommercialAsk
from contracts.configuration import ConfiguredItem, RejectedItem, RequestedItem
from contracts.envelope import Fact
from contracts.opportunity import OpportunityDetails, OpportunityRef
from contracts.pricing import (
    DiscountAsk,
    FxRate,
    GuardrailBreach,
    LineProblem,
    PricedLine,
    PriceInternal,
    PricingPins,
    Totals,
)
from contracts.upcasts import Upcaster, unchanged
from contracts.values import (
    Currency,
    Day,
    Instant,
    LineQuantity,
    Money,
    Pin,
    Sha256,
    Value,
    is_none,
)

Stage = Literal["configuration", "pricing", "approval", "document"]
Mover = Literal["seller", "approver", "customer", "admin", "nobody"]


class QuoteFact(Fact):
    """Base of facts about one quote."""

    quote_id: UUID


class RevisionFact(QuoteFact):
    """Base of facts about one revision of a quote."""

    revision: int = Field(ge=1)


# ---- the deal


class DealOpened(Fact):
    """We took up an opportunity."""

    opportunity: OpportunityRef
    details: OpportunityDetails


class DealDetailsChanged(Fact):
    """The CRM told us other details; the next ask uses them."""

    details: OpportunityDetails


class QuoteAdded(QuoteFact):
    """The deal has one more quote."""

    number: str


class DealClosed(Fact):
    """The deal takes no further quotes."""

    outcome: Literal["won", "lost", "accepted"]
    reason: str | None
    quote_id: UUID | None = None


class DealReopened(Fact):
    """The CRM opened the opportunity again; nothing is revived, cloning is allowed."""

    stage: str


# ---- asking


class QuoteDrafted(RevisionFact):
    """A quote exists; its first revision can be edited until it is presented."""

    number: str
    details: OpportunityDetails
    items: tuple[RequestedItem, ...]
    discounts: tuple[DiscountAsk, ...]
    drafted_by: str
    commercial: CommercialAsk | None = Field(default=None, exclude_if=is_none)
    clone_of: UUID | None = None
    taken_over_from: tuple[str, ...] = ()


class ConfigurationRequested(RevisionFact):
    """quotes asks the configurator.

    Carries everything the seller gave, so it is also the edit of the draft.
    """

    items: tuple[RequestedItem, ...] = Field(min_length=1)
    discounts: tuple[DiscountAsk, ...]
    submit: bool
    requested_by: str
    commercial: CommercialAsk | None = Field(default=None, exclude_if=is_none)


class PricingRequested(RevisionFact):
    """quotes asks the pricer, with all that a price depends on.

    `reprice_reason`: why somebody wanted the prices of a newer book.
    `segment`, `channel` and `partner` are said where the deal knows them.
    `number` and `selling_unit` decide no price; they say for whom one was asked.
    """

    items: tuple[ConfiguredItem, ...] = Field(min_length=1)
    account_id: str
    customer_tier: str
    region: str
    currency: Currency
    discounts: tuple[DiscountAsk, ...]
    day: Day
    pins: PricingPins
    submit: bool
    requested_by: str
    commercial: CommercialAsk | None = Field(default=None, exclude_if=is_none)
    reprice_reason: str | None = Field(default=None, exclude_if=is_none)
    segment: str | None = None
    channel: str | None = None
    partner: str | None = None
    number: str | None = None
    selling_unit: str | None = None


class PricedOffer(Value):
    """A priced offer as a customer may see it: what, for how much."""

    items: tuple[ConfiguredItem, ...]
    lines: tuple[PricedLine, ...]
    totals: Totals
    discounts: tuple[DiscountAsk, ...]
    book: Pin
    fx: Pin
    fx_rate: FxRate | None
    commercial: CommercialAsk | None = Field(default=None, exclude_if=is_none)


class Terms(Value):
    """Commercial terms of the selling unit, as printed."""

    payment: str
    delivery: str
    warranty: str
    incoterm: str
    notes: tuple[str, ...] = ()


class RevisionSubmitted(RevisionFact):
    """quotes asks approvals: the whole priced offer, bound by its content key.

    `hands` are all who wrote, asked for or took over any of it: none of them may approve it.
    Version 1 knew one-time, monthly and yearly charges only.
    """

    VERSION: ClassVar[int] = 2

    number: str
    opportunity: OpportunityRef
    details: OpportunityDetails
    offer: PricedOffer
    terms: Terms
    content_key: Sha256
    valid_until: Day
    zone: str
    requested_by: str
    hands: tuple[str, ...] = ()
    breaches: tuple[GuardrailBreach, ...]
    internal: PriceInternal


class DocumentRequested(RevisionFact):
    """quotes asks documents for the PDF of an approved revision; holds no internal figure.

    Version 1 knew one-time, monthly and yearly charges only.
    """

    VERSION: ClassVar[int] = 2

    number: str
    details: OpportunityDetails
    offer: PricedOffer
    terms: Terms
    content_key: Sha256
    issued_on: Day
    valid_until: Day
    zone: str
    brand: str
    language: str


# ---- recording


class RevisionPriced(RevisionFact):
    """The latest price answer is recorded as this revision's price.

    Version 1 knew one-time, monthly and yearly charges only.
    """

    VERSION: ClassVar[int] = 2

    answers: str
    offer: PricedOffer
    engine: str
    trace_sha256: Sha256
    breaches: tuple[GuardrailBreach, ...]
    internal: PriceInternal


class RevisionApproved(RevisionFact):
    """The revision may be presented: nobody had to approve, or everybody who had to did."""

    answers: str
    content_key: Sha256
    by_rule: str | None
    grants: tuple[StepGrant, ...]


class RevisionReturned(RevisionFact):
    """A stage failed or refused; says why and who can move it. Edit and ask again."""

    answers: str
    stage: Stage
    code: str
    reason: str
    who_can_move_it: Mover
    rejected_items: tuple[RejectedItem, ...] = ()
    problems: tuple[LineProblem, ...] = ()


class RevisionRecalled(RevisionFact):
    """A submitted revision was taken back; a pending approval no longer applies."""

    reason: str
    recalled_by: str


class DocumentAttached(RevisionFact):
    """The revision has its document."""

    answers: str
    content_key: Sha256
    sha256: Sha256
    size_bytes: int
    pages: int
    template: Pin


class AnswerIgnored(RevisionFact):
    """An answer came to an ask that is no longer the latest: kept, and without effect."""

    answers: str
    answer_id: str
    answer_type: str
    reason: str


# ---- outcomes


class QuotePresented(RevisionFact):
    """The customer may see and accept the revision from now on; it never changes again."""

    content_key: Sha256
    document_sha256: Sha256
    valid_until: Day
    zone: str
    expires_at: Instant
    net: Money
    presented_by: str


class QuoteViewed(RevisionFact):
    """The customer opened the offer."""

    at: Instant


class QuoteChangeRequested(RevisionFact):
    """The customer asked for a change."""

    message: str
    at: Instant


class QuoteRevised(RevisionFact):
    """A new revision was started after a presented one; carries what it starts from."""

    from_revision: int
    items: tuple[RequestedItem, ...]
    discounts: tuple[DiscountAsk, ...]
    revised_by: str
    commercial: CommercialAsk | None = Field(default=None, exclude_if=is_none)


class QuoteAccepted(RevisionFact):
    """The customer accepted the revision.

    Name and circumstances lie with quotes under their hash.
    """

    content_key: Sha256
    document_sha256: Sha256
    evidence_sha256: Sha256
    accepted_at: Instant


class QuoteDeclined(RevisionFact):
    """The customer said no. Version 1 had one free text `reason`.

    Version 2 has a code and a comment.
    """

    VERSION: ClassVar[int] = 2

    reason_code: Literal["price", "timing", "competitor", "scope", "other"]
    comment: str | None
    at: Instant


class QuoteWithdrawn(QuoteFact):
    """We took the quote back."""

    reason: str
    withdrawn_by: str


class QuoteExpired(RevisionFact):
    """The validity of the presented revision is over; a draft lives on."""

    expires_at: Instant


class OrderLine(Value):
    """One line of an order: the part, how many, for how much."""

    line: int
    item_id: str
    sku: str
    name: str
    quantity: LineQuantity
    net_total: Money


class OrderPlaced(RevisionFact):
    """The accepted revision became the deal's order; at most one per deal."""

    order_id: UUID
    number: str
    lines: tuple[OrderLine, ...]
    net: Money
    accepted_at: Instant


def decline_v1_to_v2(body: dict[str, Any]) -> dict[str, Any]:
    """QuoteDeclined 1 -> 2: the free text becomes the comment of the code `other`."""
    rest = {name: value for name, value in body.items() if name != "reason"}
    return {**rest, "reason_code": "other", "comment": body.get("reason")}


UPCASTERS: dict[tuple[str, int], Upcaster] = {
    ("quotewright.QuoteDeclined", 1): decline_v1_to_v2,
    ("quotewright.RevisionSubmitted", 1): unchanged,
    ("quotewright.DocumentRequested", 1): unchanged,
    ("quotewright.RevisionPriced", 1): unchanged,
}
