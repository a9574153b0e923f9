"""From a CRM's words to our facts: what one event changes in what we know of an opportunity.

The same for every CRM: adapters normalise into `InboundEvent`, `translate` decides.
"""

from typing import Any, Final, Literal
from uuid import UUID

from contracts.configuration import RequestedItem
from contracts.envelope import Fact
from contracts.errors import Refused
from contracts.opportunity import (
    OpportunityDetails,
    OpportunityDetailsChanged,
    OpportunityLost,
    OpportunityOpened,
    OpportunityRef,
    OpportunityReopened,
    OpportunityStageChanged,
    OpportunityWon,
    deal_id_of,
)
from contracts.pricing import DiscountAsk
from contracts.values import Currency, Day, ExactDecimal, Instant, Money, Value
from services.crm_projector.domain.opportunity import OpportunityState, evolve

Kind = Literal[
    "opportunity.opened",
    "opportunity.updated",
    "opportunity.stage_changed",
    "opportunity.won",
    "opportunity.lost",
    "opportunity.reopened",
]

OUR_CLIENT: Final = "quotewright"
"""The client tag on everything we write into a CRM; a change that bears it is our own echo."""

# What must be known before an opportunity can be quoted for; the rest may follow.
NEEDED = (
    "name",
    "account_id",
    "account_name",
    "customer_tier",
    "region",
    "currency",
    "selling_unit",
    "owner_id",
    "stage",
)
# Here an explicit null empties the field; elsewhere a null means "not told".
CLEARABLE = ("amount", "expected_close", "next_follow_up", "segment", "channel", "partner")


class UnknownOpportunity(Refused):
    """The event is about an opportunity that we never heard of, and it is too poor to open it."""

    code = "crm.unknown_opportunity"
    title = "We do not know this opportunity"


class AmountWithoutCurrency(Refused):
    """The currency changed and the amount was not told again: relabelling it would invent money."""

    code = "crm.amount_without_currency"
    title = "The amount must be given in the new currency"


class GivenDetails(Value):
    """The details that one event carried, named as in OpportunityDetails; often only a few."""

    name: str | None = None
    account_id: str | None = None
    account_name: str | None = None
    customer_tier: str | None = None
    region: str | None = None
    currency: Currency | None = None
    selling_unit: str | None = None
    owner_id: str | None = None
    stage: str | None = None
    amount: ExactDecimal | None = None
    expected_close: Day | None = None
    next_follow_up: Day | None = None
    segment: str | None = None
    channel: str | None = None
    partner: str | None = None


class InboundEvent(Value):
    """One event of a CRM, normalised: what happened, when, to which record, and what was told.

    `source` is the CRM's stable URI (`crm://<name>`), `event_id` unique in it. `client` names the
    program that caused the change, where the CRM knows it.
    """

    source: str
    event_id: str
    kind: Kind
    occurred_at: Instant
    record_id: str
    given: GivenDetails
    requirements: tuple[RequestedItem, ...] = ()
    discounts: tuple[DiscountAsk, ...] = ()
    reason: str | None = None
    client: str | None = None

    @property
    def ref(self) -> OpportunityRef:
        """Where the opportunity lives."""
        return OpportunityRef(crm=self.source, record_id=self.record_id)

    @property
    def deal_id(self) -> UUID:
        """Our id of the opportunity."""
        return deal_id_of(self.ref)

    @property
    def stream(self) -> str:
        """The stream of this opportunity's facts."""
        return f"crm_projector.opportunity/{self.deal_id}"

    @property
    def command_id(self) -> str:
        """The id under which this event is carried out once, through whichever door it comes."""
        return f"crm/{self.source}/{self.event_id}"


def is_echo(event: InboundEvent) -> bool:
    """Say whether the change is our own write-back coming home."""
    return event.client == OUR_CLIENT


def is_stale(event: InboundEvent, known: OpportunityState) -> bool:
    """Say whether something newer was applied already; equal times apply as they arrive."""
    return known.heard_until is not None and event.occurred_at < known.heard_until


def translate(event: InboundEvent, known: OpportunityState) -> list[Fact]:
    """Return the facts that the event adds; none for an echo, a stale or an empty one.

    An event about an unknown opportunity opens it first, if it tells enough. Requirements and
    discounts count with the opening only.
    Raises: UnknownOpportunity, naming what is missing; AmountWithoutCurrency.
    """
    if is_echo(event) or is_stale(event, known):
        return []
    facts: list[Fact] = []
    if known.details is None:
        opened = _opened(event)
        known = evolve(known, opened, event.occurred_at)
        facts.append(opened)
    return [*facts, *_changes(event, known)]


def _opened(event: InboundEvent) -> OpportunityOpened:
    told = {name: value for name, value in event.given if value is not None}
    missing = [name for name in NEEDED if name not in told]
    if missing:
        raise UnknownOpportunity(
            f"opportunity {event.record_id} is not known here, and {', '.join(missing)} is missing",
            record_id=event.record_id,
            missing=missing,
        )
    if "amount" in told:
        told["amount"] = Money.of(told["amount"], told["currency"])
    return OpportunityOpened(
        deal_id=event.deal_id,
        opportunity=event.ref,
        details=OpportunityDetails(**told),
        requirements=event.requirements,
        discounts=event.discounts,
        occurred_at=event.occurred_at,
    )


def _changes(event: InboundEvent, known: OpportunityState) -> list[Fact]:
    """Split into facts, in this order: where it stands, what it says, how it ended.

    A closed opportunity changes its stage by reopening only: CRMs call closing stages "Closed Won".
    """
    before = known.details
    if before is None:
        return []
    about: dict[str, Any] = {
        "deal_id": event.deal_id,
        "opportunity": event.ref,
        "occurred_at": event.occurred_at,
    }
    wanted = _wanted_outcome(event, known)
    closes = wanted not in ("open", known.outcome)
    stage = before.stage if wanted != "open" else event.given.stage or before.stage
    facts: list[Fact] = []
    if known.outcome not in ("open", wanted):
        facts.append(OpportunityReopened(**about, stage=stage))
    elif stage != before.stage:
        facts.append(OpportunityStageChanged(**about, from_stage=before.stage, to_stage=stage))
    after = _told(event, before.model_copy(update={"stage": stage}))
    changed = tuple(
        name for name, value in after if name != "stage" and value != getattr(before, name)
    )
    if changed:
        facts.append(OpportunityDetailsChanged(**about, details=after, changed=changed))
    if closes and wanted == "won":
        facts.append(OpportunityWon(**about))
    elif closes:
        facts.append(OpportunityLost(**about, reason=event.reason))
    return facts


def _wanted_outcome(event: InboundEvent, known: OpportunityState) -> str:
    """Return the outcome after the event."""
    named = {"opportunity.won": "won", "opportunity.lost": "lost", "opportunity.reopened": "open"}
    return named.get(event.kind, known.outcome)


def _told(event: InboundEvent, details: OpportunityDetails) -> OpportunityDetails:
    """Return the details with what the event told put over them; the stage is decided elsewhere."""
    given = event.given
    told: dict[str, Any] = {
        name: getattr(given, name)
        for name in given.model_fields_set - {"stage", "amount"}
        if name in CLEARABLE or getattr(given, name) is not None
    }
    currency = told.get("currency", details.currency)
    if "amount" in given.model_fields_set:
        told["amount"] = None if given.amount is None else Money.of(given.amount, currency)
    elif details.amount is not None and currency != details.currency:
        raise AmountWithoutCurrency(
            f"the currency of {event.record_id} became {currency}; send opportunity.amount too",
            record_id=event.record_id,
            field="opportunity.amount",
        )
    return details.model_copy(update=told)
