"""What the watch remembers of deals, quotes and cases: told by the facts alone, in its own words."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from contracts.approval import DiscountApprovalRequested
from contracts.envelope import Fact, Meta
from contracts.quote import (
    DocumentAttached,
    OrderPlaced,
    PricingRequested,
    QuotePresented,
    RevisionApproved,
    RevisionPriced,
    RevisionSubmitted,
)


@dataclass(slots=True)
class RevisionSeen:
    """One revision; `pending` is the id of the ask that has no recorded answer yet."""

    number: int
    pending: str | None = None
    pricing: PricingRequested | None = None
    price: RevisionPriced | None = None
    submission: RevisionSubmitted | None = None
    approval: RevisionApproved | None = None
    document: DocumentAttached | None = None
    presented: QuotePresented | None = None
    expired: bool = False

    def start_over(self) -> None:
        """Forget what a new ask makes void."""
        self.submission = self.approval = self.document = None
        self.pending = None


@dataclass(slots=True)
class QuoteSeen:
    """One quote: its revisions in order, its outcome, its order."""

    quote_id: UUID
    deal_id: UUID
    number: str
    revisions: list[RevisionSeen] = field(default_factory=list)
    outcome: str | None = None
    order: OrderPlaced | None = None

    @property
    def current(self) -> RevisionSeen:
        """The newest revision."""
        return self.revisions[-1]

    @property
    def on_the_table(self) -> RevisionSeen | None:
        """The revision that was presented last."""
        return next((each for each in reversed(self.revisions) if each.presented), None)


@dataclass(slots=True)
class DealSeen:
    """One deal: its quotes, its order, whether it is closed."""

    deal_id: UUID
    quotes: list[UUID] = field(default_factory=list)
    ordered: UUID | None = None
    closed: str | None = None


@dataclass(slots=True)
class CaseSeen:
    """One approval case: the ask, who granted, how it ended."""

    request: DiscountApprovalRequested
    hands: frozenset[str]
    granted: list[str] = field(default_factory=list)
    closed: str | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """One committed fact, in the order of all commits."""

    step: int
    at: datetime
    source: str
    meta: Meta
    fact: Fact
