"""Facts that crm_projector says for the CRM: what happened to an opportunity.

`occurred_at` is when it happened in the CRM, by the CRM's clock, where the CRM told us; the
envelope's time is when we heard of it.
"""

from uuid import UUID, uuid5

from pydantic import Field

from contracts.configuration import RequestedItem
from contracts.envelope import Fact
from contracts.pricing import DiscountAsk
from contracts.values import Currency, Day, Instant, Money, Value, is_none


class OpportunityRef(Value):
    """Where the opportunity lives: the CRM (a stable source URI) and its record id there."""

    crm: str = Field(min_length=1, max_length=200)
    record_id: str = Field(min_length=1, max_length=200)


DEALS = UUID("b3f0a1de-6f0e-5c0a-9a52-6f1f7a3d1c11")


def deal_id_of(ref: OpportunityRef) -> UUID:
    """Return the deal's id, the same for ever for one CRM record."""
    return uuid5(DEALS, f"{ref.crm}|{ref.record_id}")


class OpportunityDetails(Value):
    """What we need to know of an opportunity to quote for it. People stand here by id only.

    `segment`, `channel` and `partner` (who sells it on) decide prices where a price book says so.
    """

    name: str = Field(max_length=300)
    account_id: str = Field(max_length=200)
    account_name: str = Field(max_length=300)
    customer_tier: str = Field(max_length=60)
    region: str = Field(max_length=60)
    currency: Currency
    selling_unit: str = Field(max_length=60)
    owner_id: str = Field(max_length=200)
    stage: str = Field(max_length=100)
    amount: Money | None = None
    expected_close: Day | None = None
    next_follow_up: Day | None = None
    segment: str | None = Field(default=None, min_length=1, max_length=60, exclude_if=is_none)
    channel: str | None = Field(default=None, min_length=1, max_length=60, exclude_if=is_none)
    partner: str | None = Field(default=None, min_length=1, max_length=60, exclude_if=is_none)


class OpportunityOpened(Fact):
    """A CRM opened an opportunity; with requirements it may run to a quote untouched."""

    opportunity: OpportunityRef
    details: OpportunityDetails
    requirements: tuple[RequestedItem, ...] = ()
    discounts: tuple[DiscountAsk, ...] = ()
    occurred_at: Instant | None = None


class OpportunityDetailsChanged(Fact):
    """Owner, close date, tier, amount or another detail changed.

    Carries all details as they are now.
    """

    opportunity: OpportunityRef
    details: OpportunityDetails
    changed: tuple[str, ...]
    occurred_at: Instant | None = None


class OpportunityStageChanged(Fact):
    """The opportunity moved between open stages."""

    opportunity: OpportunityRef
    from_stage: str
    to_stage: str
    occurred_at: Instant | None = None


class OpportunityWon(Fact):
    """The CRM closed the opportunity as won."""

    opportunity: OpportunityRef
    occurred_at: Instant | None = None


class OpportunityLost(Fact):
    """The CRM closed the opportunity as lost."""

    opportunity: OpportunityRef
    reason: str | None = None
    occurred_at: Instant | None = None


class OpportunityReopened(Fact):
    """The CRM opened a closed opportunity again."""

    opportunity: OpportunityRef
    stage: str
    occurred_at: Instant | None = None
