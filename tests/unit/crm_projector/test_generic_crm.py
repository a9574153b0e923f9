"""The generic CRM's schema: what fits, what is named when it does not, both modes of CloudEvents."""

import json
from decimal import Decimal
from typing import Any

import pytest

from contracts.configuration import Decision
from contracts.errors import Poison
from contracts.values import Quantity
from infra.wire import Arrived
from services.crm_projector import consumer
from services.crm_projector.crm.generic import (
    MalformedEvent,
    normalised,
    parsed,
    read_envelope,
)

OPPORTUNITY: dict[str, Any] = {
    "id": "OPP-1",
    "name": "Forty sites, phase 1",
    "account": {"id": "acc-1", "name": "Example Telecom", "tier": "gold", "region": "emea"},
    "currency": "EUR",
    "selling_unit": "nordic",
    "owner_id": "seller-1",
    "stage": "Qualification",
    "amount": "250000.00",
    "expected_close": "2026-06-30",
    "requirements": [
        {
            "item_id": "site",
            "product": "macro-site",
            "quantity": 40,
            "decisions": [{"attribute": "bands", "value": ["n78", "n28"]}],
        }
    ],
    "discounts": [{"percent": "5", "rationale": "framework agreement"}],
}
BODY: dict[str, Any] = {
    "id": "evt-1",
    "type": "opportunity.opened",
    "occurred_at": "2026-03-02T09:00:00+01:00",
    "opportunity": OPPORTUNITY,
}
HEADERS = {
    "ce_specversion": "1.0",
    "ce_id": "evt-1",
    "ce_source": "crm://example",
    "ce_type": "quotewright.crm.opportunity.opened",
    "content-type": "application/json",
}


def raw(body: Any = BODY) -> bytes:
    return json.dumps(body).encode()


def binary(**changed: str | None) -> tuple[tuple[str, bytes], ...]:
    named = HEADERS | {f"ce_{name}": value for name, value in changed.items()}
    return tuple((name, value.encode()) for name, value in named.items() if value is not None)


def structured(**changed: Any) -> bytes:
    attributes = {name[3:]: value for name, value in HEADERS.items() if name.startswith("ce_")}
    return raw(attributes | {"data": BODY} | changed)


AS_STRUCTURED = (("content-type", b"application/cloudevents+json; charset=utf-8"),)


def fields(body: Any) -> list[str]:
    with pytest.raises(MalformedEvent) as refused:
        parsed(raw(body))
    return [each["field"] for each in refused.value.facts["fields"]]


def test_a_full_event_becomes_the_domains_words() -> None:
    event = normalised("crm://example", parsed(raw()))
    assert (event.kind, event.record_id, event.given.customer_tier) == (
        "opportunity.opened",
        "OPP-1",
        "gold",
    )
    assert event.given.amount == Decimal("250000.00")
    (wanted,) = event.requirements
    assert wanted.quantity == Quantity("40")
    assert wanted.decisions == (
        Decision(attribute="bands", value=("n78", "n28"), source="requirement"),
    )


def test_an_event_may_say_segment_channel_and_partner() -> None:
    told = {"segment": "carrier", "channel": "distributor", "partner": "example-trading"}
    event = normalised("crm://example", parsed(raw(BODY | {"opportunity": {"id": "1"} | told})))
    given = event.given
    assert (given.segment, given.channel, given.partner) == tuple(told.values())
    assert fields(BODY | {"opportunity": {"id": "1", "segment": "x" * 61}}) == [
        "opportunity.segment"
    ]


def test_only_told_fields_are_given_so_absent_ones_stay_unchanged() -> None:
    event = normalised("crm://example", parsed(raw(BODY | {"opportunity": {"id": "OPP-1"}})))
    assert event.given.model_fields_set == set()


def test_a_null_is_told_and_an_absent_field_is_not() -> None:
    told = {"id": "OPP-1", "expected_close": None}
    event = normalised("crm://example", parsed(raw(BODY | {"opportunity": told})))
    assert event.given.model_fields_set == {"expected_close"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"id": ""}, "id"),
        ({"type": "opportunity.exploded"}, "type"),
        ({"occurred_at": "2026-03-02T09:00:00"}, "occurred_at"),
        ({"surprise": 1}, "surprise"),
        ({"opportunity": OPPORTUNITY | {"amount": 0.1}}, "opportunity.amount"),
        ({"opportunity": OPPORTUNITY | {"amount": "1.1234567"}}, "opportunity.amount"),
        ({"opportunity": OPPORTUNITY | {"currency": "euro"}}, "opportunity.currency"),
        ({"opportunity": OPPORTUNITY | {"expected_close": "soon"}}, "opportunity.expected_close"),
        (
            {
                "opportunity": OPPORTUNITY
                | {"requirements": [OPPORTUNITY["requirements"][0] | {"quantity": 0}]}
            },
            "opportunity.requirements.0.quantity",
        ),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, Any], named: str) -> None:
    assert fields(BODY | change) == [named]


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b'{"id":"\\u0000"}'])
def test_what_is_no_event_at_all_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedEvent):
        parsed(text)


def test_both_modes_of_cloudevents_and_the_webhook_say_the_same() -> None:
    by_webhook = normalised("crm://example", parsed(raw()))
    assert read_envelope(binary(), raw()) == by_webhook
    assert read_envelope(AS_STRUCTURED, structured()) == by_webhook


def test_one_event_has_one_command_id_through_every_door() -> None:
    record = Arrived(7, b"any", binary(), raw())
    door = consumer.door("quotewright.crm.inbound")
    assert door.identify(record) == "crm/crm://example/evt-1"
    assert normalised("crm://example", parsed(raw())).command_id == door.identify(record)


@pytest.mark.parametrize(
    ("headers", "value"),
    [
        (binary(id=None), raw()),
        (binary(source="https://example.com"), raw()),
        (binary(specversion="0.3"), raw()),
        (binary(id="evt-2"), raw()),
        (binary(type="quotewright.crm.opportunity.won"), raw()),
        (binary(), b"not json"),
        (binary(), b"\xff\xfe"),
        ((), raw()),
        (AS_STRUCTURED, b"not json"),
        (AS_STRUCTURED, b"[]"),
        (AS_STRUCTURED, b"[" * 100_000),
        (AS_STRUCTURED, structured(data=None)),
        (AS_STRUCTURED, structured(source=None)),
    ],
)
def test_a_malformed_cloudevent_is_poison(
    headers: tuple[tuple[str, bytes], ...], value: bytes
) -> None:
    with pytest.raises(Poison):
        read_envelope(headers, value)
