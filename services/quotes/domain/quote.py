"""The quote: one negotiation with one outcome; its revisions, and what each of them waits for."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypedDict
from uuid import UUID

from contracts.commercial import NOTHING_ASKED, CommercialAsk
from contracts.configuration import ConfiguredItem, RequestedItem
from contracts.opportunity import OpportunityDetails
from contracts.pricing import DiscountAsk, PricingPins
from contracts.quote import (
    DocumentAttached,
    PricingRequested,
    QuotePresented,
    RevisionApproved,
    RevisionPriced,
    RevisionReturned,
    RevisionSubmitted,
    Stage,
)
from services.quotes.domain.errors import QuoteNotOpen, RevisionNotFound, RevisionPresented

NO_PINS = PricingPins()


class RevisionIds(TypedDict):
    """Which revision a fact is about."""

    deal_id: UUID
    quote_id: UUID
    revision: int


@dataclass(frozen=True, slots=True)
class Ask:
    """A question on its way: which stage answers it, and its id."""

    stage: Stage
    id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the negotiation ended; terminal. `comment` is what the customer wrote with a no."""

    kind: Literal["accepted", "declined", "withdrawn"]
    reason: str | None
    revision: int | None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """One offer in the making, or presented and then fixed for ever.

    `etag` is the id of its latest ask, else of the fact that began it. `configured` answers
    `configured_from`; it is usable as long as these are the items still wanted. `change_asked` is
    what its customer wants otherwise, in his words.
    """

    number: int
    items: tuple[RequestedItem, ...]
    discounts: tuple[DiscountAsk, ...]
    etag: str
    commercial: CommercialAsk = NOTHING_ASKED
    wants_submit: bool = False
    asked_by: str | None = None
    awaiting: Ask | None = None
    configured: tuple[ConfiguredItem, ...] = ()
    configured_from: tuple[RequestedItem, ...] = ()
    pricing: PricingRequested | None = None
    pins: PricingPins = NO_PINS
    price: RevisionPriced | None = None
    submission: RevisionSubmitted | None = None
    approval: RevisionApproved | None = None
    document: DocumentAttached | None = None
    returned: RevisionReturned | None = None
    recalled: str | None = None
    presented: QuotePresented | None = None
    expired: bool = False
    viewed_at: datetime | None = None
    change_asked: str | None = None

    @property
    def is_configured(self) -> bool:
        """Say whether the items wanted now have a valid configuration."""
        return bool(self.configured) and self.configured_from == self.items

    @property
    def is_pending(self) -> bool:
        """Say whether somebody still works on it or has approved it."""
        return self.awaiting is not None or self.submission is not None


@dataclass(frozen=True, slots=True)
class Quote:
    """All revisions of one negotiation; `version` counts the facts of its stream.

    `hands` are the people who wrote, asked for or took over any of it.
    """

    quote_id: UUID
    deal_id: UUID
    number: str
    drafted_details: OpportunityDetails
    revisions: tuple[Revision, ...]
    version: int
    clone_of: UUID | None = None
    outcome: Outcome | None = None
    hands: frozenset[str] = frozenset()

    @property
    def current(self) -> Revision:
        """The newest revision, presented or not."""
        return self.revisions[-1]

    @property
    def last_presented(self) -> Revision | None:
        """The one revision that a customer may accept."""
        return next((each for each in reversed(self.revisions) if each.presented), None)

    @property
    def draft(self) -> Revision | None:
        """The newest revision while it is not presented."""
        return None if self.current.presented else self.current

    def ids(self, revision: int) -> RevisionIds:
        """Return what every fact about a revision begins with."""
        return {"deal_id": self.deal_id, "quote_id": self.quote_id, "revision": revision}

    def revision(self, number: int) -> Revision:
        """Return a revision.   Raises: RevisionNotFound."""
        if not 1 <= number <= len(self.revisions):
            raise RevisionNotFound(
                f"{self.number} has revisions 1 to {len(self.revisions)}",
                quote=self.number,
                revision=number,
            )
        return self.revisions[number - 1]

    def with_revision(self, changed: Revision) -> "Quote":
        """Return the quote with this revision in the place of the one of the same number."""
        before, after = self.revisions[: changed.number - 1], self.revisions[changed.number :]
        return replace(self, revisions=(*before, changed, *after))

    def must_be_open(self) -> None:
        """Raises: QuoteNotOpen, with the outcome and its reason."""
        if self.outcome is None:
            return
        why = f": {self.outcome.reason}" if self.outcome.reason else ""
        raise QuoteNotOpen(
            f"{self.number} is {self.outcome.kind}{why}; clone it to go on",
            quote=self.number,
            outcome=self.outcome.kind,
            reason=self.outcome.reason,
        )

    def must_have_draft(self) -> Revision:
        """Return the revision that may still change.   Raises: QuoteNotOpen, RevisionPresented."""
        self.must_be_open()
        if self.draft is None:
            raise RevisionPresented(
                f"revision {self.current.number} of {self.number} was presented and stays as it is;"
                " revise the quote first",
                quote=self.number,
                revision=self.current.number,
            )
        return self.draft


def stream_of_quote(quote_id: UUID) -> str:
    """Return the name of the quote's stream."""
    return f"quotes.quote/{quote_id}"
