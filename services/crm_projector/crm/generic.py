"""Any CRM: our documented event schema by signed webhook, or as CloudEvents on the door topic.

Both carry the same body, `EventBody`. An absent field means "unchanged": send changes only, or all.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from contracts.configuration import Answer, Decision, RequestedItem
from contracts.errors import Poison, Refused
from contracts.pricing import DiscountAsk
from contracts.values import MAX_SCALE, Currency, Day, ExactDecimal, Instant, Quantity, Value
from infra.webhooks import HasHeaders, Verifier, WebhookCall
from services.crm_projector.domain.inbound import GivenDetails, InboundEvent, Kind
from services.crm_projector.domain.write_back import QuoteChanged

SOURCE = "crm://"
CLOUD_TYPE = "quotewright.crm."
STRUCTURED = "application/cloudevents+json"
FIELDS_SHOWN_MAX = 20
_SOURCE_FORM = r"^crm://[a-z][a-z0-9_-]{0,62}$"

Text = Annotated[str, Field(min_length=1, max_length=200)]
Label = Annotated[str, Field(min_length=1, max_length=60)]
Name = Annotated[str, Field(min_length=1, max_length=300)]
Amount = Annotated[ExactDecimal, Field(max_digits=24, decimal_places=MAX_SCALE)]


class MalformedEvent(Refused):
    """The body is not an event of our schema; `fields` names each field and the rule it breaks."""

    code = "crm.malformed_event"
    title = "The event does not fit the schema"


class RequirementAnswer(Value):
    """One answer that the customer or the CRM gave already."""

    attribute: Annotated[str, Field(min_length=1, max_length=100)]
    value: Answer | tuple[str, ...]
    source: Literal["requirement"] = "requirement"


class Requirement(Value):
    """One product that the opportunity asks for."""

    item_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
    product: Annotated[str, Field(min_length=1, max_length=100)]
    quantity: Quantity
    decisions: Annotated[tuple[RequirementAnswer, ...], Field(max_length=200)] = ()
    label: str | None = Field(default=None, max_length=200)


class AccountBody(Value):
    """The customer."""

    id: Text | None = None
    name: Name | None = None
    tier: Label | None = None
    region: Label | None = None


class OpportunityBody(Value):
    """The opportunity, as far as the event tells. `amount` is exact decimal text in `currency`.

    A null empties amount, expected_close, next_follow_up, segment, channel and partner; elsewhere
    it means "unchanged".
    Requirements and discounts count with the event that opens the opportunity.
    """

    id: Text
    name: Name | None = None
    account: AccountBody | None = None
    currency: Currency | None = None
    selling_unit: Label | None = None
    owner_id: Text | None = None
    stage: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    amount: Amount | None = None
    expected_close: Day | None = None
    next_follow_up: Day | None = None
    segment: Label | None = None
    channel: Label | None = None
    partner: Label | None = None
    requirements: Annotated[tuple[Requirement, ...], Field(max_length=100)] = ()
    discounts: Annotated[tuple[DiscountAsk, ...], Field(max_length=100)] = ()


class EventBody(Value):
    """One event. `id` is unique in the CRM and the same on every attempt to deliver it.

    `occurred_at` has a time zone; `reason` says why an opportunity was lost; `client` names the
    program that made the change, where the CRM knows it: `quotewright` marks an echo of our own.
    """

    id: Text
    type: Kind
    occurred_at: Instant
    opportunity: OpportunityBody
    reason: str | None = Field(default=None, max_length=1000)
    client: str | None = Field(default=None, max_length=200)


class GenericCrm:
    """The adapter of every CRM that speaks our schema; satisfies `CrmPort`."""

    event_type = "quotewright.quote.changed"

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    def verify(
        self, crm: str, request: HasHeaders, raw: bytes
    ) -> AbstractContextManager[WebhookCall]:
        """Let a call in that is signed as Standard Webhooks by the key of this CRM."""
        return self._verifier.once(self._verifier.verified(request, raw, crm))

    def normalise(self, crm: str, raw: bytes) -> Sequence[InboundEvent]:
        """Return the one event of the body.   Raises: MalformedEvent."""
        return [normalised(SOURCE + crm, parsed(raw))]

    def write_back(self, told: QuoteChanged) -> Mapping[str, Any]:
        """Return the state as JSON, its amounts as exact text."""
        return told.model_dump(mode="json")


def parsed(raw: bytes) -> EventBody:
    """Read a body.   Raises: MalformedEvent, naming each wrong field and its rule."""
    if b"\\u0000" in raw:  # PostgreSQL has no such character
        nul = {"field": "body", "rule": "text without NUL characters"}
        raise MalformedEvent("send text without NUL characters", fields=[nul])
    try:
        return EventBody.model_validate_json(raw)
    except ValidationError as fault:
        found = fault.errors(include_input=False, include_url=False, include_context=False)
        fields = [
            {
                "field": ".".join(map(str, each["loc"])) or "body",
                "rule": each["msg"].removeprefix("Value error, "),
            }
            for each in found[:FIELDS_SHOWN_MAX]
        ]
        names = ", ".join(each["field"] for each in fields)
        raise MalformedEvent(f"mend {names} and send the event again", fields=fields) from None


def normalised(source: str, body: EventBody) -> InboundEvent:
    """Put a body into the words of the domain; keeps which fields were told at all."""
    told, account = body.opportunity, body.opportunity.account
    names = set(GivenDetails.model_fields) & told.model_fields_set
    given = {name: getattr(told, name) for name in names}
    if account is not None:
        given |= {"account_id": account.id, "account_name": account.name}
        given |= {"customer_tier": account.tier, "region": account.region}
    return InboundEvent(
        source=source,
        event_id=body.id,
        kind=body.type,
        occurred_at=body.occurred_at,
        record_id=told.id,
        given=GivenDetails(**given),
        requirements=tuple(_requested(each) for each in told.requirements),
        discounts=told.discounts,
        reason=body.reason,
        client=body.client,
    )


def read_envelope(headers: Iterable[tuple[str, bytes]], value: bytes) -> InboundEvent:
    """Read a CloudEvent of the door topic, in binary or structured mode.

    `source` is `crm://<name>`, `id` the event's own, `type` `quotewright.crm.` and the body's type.
    Raises: Poison, naming what is missing or wrong.
    """
    found = {name.lower(): bytes(text).decode("utf-8", "replace") for name, text in headers}
    if found.get("content-type", "").lower().startswith(STRUCTURED):
        attributes, value = _structured(value)
    else:
        attributes = {name[3:]: text for name, text in found.items() if name.startswith("ce_")}
    envelope = _attributes(attributes)
    try:
        body = parsed(value)
    except MalformedEvent as fault:
        raise Poison(f"the data are malformed: {fault.message}", **fault.facts) from None
    if body.id != envelope.id or envelope.type != CLOUD_TYPE + body.type:
        raise Poison(
            f"id and type of the data ({body.id}, {CLOUD_TYPE}{body.type}) are not the envelope's",
            field="id, type",
        )
    return normalised(envelope.source, body)


@contextmanager
def refusals_as_poison() -> Iterator[None]:
    """Turn a refusal into a parked message: at a topic nobody waits for an answer."""
    try:
        yield
    except Refused as fault:
        raise Poison(fault.message, reason=fault.code, **fault.facts) from None


class _Envelope(Value):
    specversion: Literal["1.0"]
    id: Text
    source: Annotated[str, Field(pattern=_SOURCE_FORM)]
    type: Text


def _attributes(given: Mapping[str, Any]) -> _Envelope:
    needed = {name: given[name] for name in _Envelope.model_fields if name in given}
    try:
        return _Envelope(**needed)
    except ValidationError as fault:
        names = ", ".join(f"ce_{'.'.join(map(str, each['loc']))}" for each in fault.errors())
        raise Poison(f"not a CloudEvent of a CRM: {names} missing or wrong", field=names) from None


def _structured(value: bytes) -> tuple[Mapping[str, Any], bytes]:
    try:
        envelope = json.loads(value)
    except (ValueError, RecursionError):
        raise Poison("the structured CloudEvent is not JSON", field="body") from None
    if not isinstance(envelope, dict):
        raise Poison("the structured CloudEvent is not an object", field="body")
    return envelope, json.dumps(envelope.get("data")).encode()


def _requested(item: Requirement) -> RequestedItem:
    decisions = tuple(
        Decision(attribute=each.attribute, value=each.value, source="requirement")
        for each in item.decisions
    )
    return RequestedItem(
        item_id=item.item_id,
        product=item.product,
        quantity=item.quantity,
        decisions=decisions,
        label=item.label,
    )
