"""The envelope: a fact is sealed into headers and bytes and opened again; what does not fit is Poison."""

import json
import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from contracts.catalogue import FACTS, every_fact
from contracts.configuration import ConfigurationValidated
from contracts.envelope import (
    Fact,
    Meta,
    Opened,
    Registry,
    Sealed,
    headers_of,
    open_,
    read_meta,
    seal,
)
from contracts.errors import Poison
from contracts.opportunity import OpportunityOpened
from contracts.pricing import QuotePriced
from contracts.quote import DealClosed, QuoteDeclined, QuoteWithdrawn
from contracts.upcasts import unchanged
from tests.contract.samples import meta_of, sample

READERS = every_fact()
WITHDRAWN = sample(QuoteWithdrawn)
PRIVATE = "private-7f3a"


def sealed(fact: Fact = WITHDRAWN) -> Sealed:
    return seal(fact, meta_of(fact))


def headers(changes: dict[str, str | None]) -> list[tuple[str, bytes]]:
    """The headers of a sealed fact, some changed or (None) left out."""
    texts = {name: text.decode() for name, text in sealed().headers} | changes
    return [(name, text.encode()) for name, text in texts.items() if text is not None]


def poison_of(*arguments: Any) -> Poison:
    with pytest.raises(Poison) as fault:
        READERS.read(*arguments)
    return fault.value


# ---- there and back


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.__name__)
def test_a_sealed_fact_opens_as_it_was(fact: type[Fact]) -> None:
    said = sample(fact)
    wire = sealed(said)

    assert open_(READERS, wire.headers, wire.value) == Opened(meta_of(said), said)
    assert wire.key == str(said.deal_id).encode()


def test_the_headers_are_cloudevents_in_binary_mode() -> None:
    quote = "9ff28bb7-b519-5888-9b4a-4e8019356b26"
    deal = "ee5a77a6-6fce-5c81-88b4-1788fff9a0f2"

    assert sealed(sample(QuoteDeclined)).headers == (
        ("ce_specversion", b"1.0"),
        ("ce_id", f"quotes.quote/{quote}/3".encode()),
        ("ce_source", b"quotes"),
        ("ce_type", b"quotewright.QuoteDeclined"),
        ("ce_schemaversion", b"2"),
        ("ce_subject", f"quote/{quote}".encode()),
        ("ce_time", b"2026-03-02T09:00:00+00:00"),
        ("ce_partitionkey", deal.encode()),
        ("ce_correlationid", deal.encode()),
        ("ce_causationid", f"quotes.quote/{quote}/2".encode()),
        ("ce_actor", b"user/seller-12"),
        ("ce_traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("content-type", b"application/json"),
    )


def test_attributes_that_are_not_known_are_left_out() -> None:
    bare = replace(meta_of(WITHDRAWN), causation=None, actor=None, traceparent=None)
    names = [name for name, _ in headers_of(bare)]

    assert {"ce_causationid", "ce_actor", "ce_traceparent"} & set(names) == set()
    assert read_meta(headers_of(bare)) == bare


def test_without_a_correlation_the_deal_is_it_and_the_subject_may_be_missing() -> None:
    found = read_meta(headers({"ce_correlationid": None, "ce_subject": None}))

    assert (found.correlation, found.subject) == (str(WITHDRAWN.deal_id), "")


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.__name__)
def test_the_id_is_the_stream_and_the_version_in_it(fact: type[Fact]) -> None:
    said = meta_of(sample(fact))

    assert re.fullmatch(r"[a-z_]+\.[a-z]+/[0-9a-f-]{36}/[1-9][0-9]*", said.id)
    assert (f"{said.stream}/{said.stream_version}", said.stream_version) == (said.id, 3)
    assert said.type == f"quotewright.{fact.__name__}"


def test_a_fact_is_about_its_quote_or_else_about_the_deal() -> None:
    deal = WITHDRAWN.deal_id

    assert WITHDRAWN.subject() == f"quote/{WITHDRAWN.quote_id}"
    assert sample(OpportunityOpened).subject() == f"deal/{deal}"
    assert sample(DealClosed, quote_id=None).subject() == f"deal/{deal}"


# ---- attributes that can not be read


@pytest.mark.parametrize(
    "name",
    [
        "ce_specversion",
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_schemaversion",
        "ce_time",
        "ce_partitionkey",
    ],
)
def test_a_missing_attribute_is_poison_that_names_it(name: str) -> None:
    with pytest.raises(Poison, match=f"the attribute {name} is missing") as fault:
        read_meta(headers({name: None}))

    assert fault.value.facts == {"attribute": name}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ce_specversion", f"0.3-{PRIVATE}"),
        ("ce_id", PRIVATE),
        ("ce_id", f"{PRIVATE}/0"),
        ("ce_id", f"{PRIVATE}/x"),
        ("ce_id", "/3"),
        ("ce_schemaversion", PRIVATE),
        ("ce_schemaversion", "0"),
        ("ce_schemaversion", "-1"),
        ("ce_schemaversion", "1.5"),
        ("ce_time", PRIVATE),
        ("ce_time", "2026-03-02T09:00:00"),
        ("ce_partitionkey", PRIVATE),
    ],
)
def test_a_malformed_attribute_is_poison_that_names_it_and_does_not_repeat_it(
    name: str, text: str
) -> None:
    with pytest.raises(Poison) as fault:
        read_meta(headers({name: text}))

    assert fault.value.facts == {"attribute": name}
    assert PRIVATE not in json.dumps(fault.value.problem())


def test_bytes_that_are_no_text_do_not_stop_the_reader() -> None:
    broken = [(name, b"\xff\xfe" if name == "ce_time" else text) for name, text in sealed().headers]

    with pytest.raises(Poison, match="the attribute ce_time is malformed"):
        read_meta(broken)


# ---- bodies that can not be read


def test_a_member_that_nobody_knows_is_ignored_at_every_depth() -> None:
    said = sample(QuotePriced)
    body = json.loads(sealed(said).value)
    body["added_later"] = 1
    body["totals"]["added_later"] = {"deep": True}
    body["lines"][0]["list_unit"]["added_later"] = []

    assert READERS.read("quotewright.QuotePriced", 1, json.dumps(body).encode()) == said


def test_a_writer_may_not_add_an_unknown_member() -> None:
    with pytest.raises(ValueError, match="added_later"):
        sample(QuoteWithdrawn, added_later=1)


def test_a_newer_version_is_poison_that_says_what_to_do() -> None:
    fault = poison_of("quotewright.QuoteDeclined", 3, b"{}")

    assert fault.facts == {"fact_type": "quotewright.QuoteDeclined", "version": 3}
    assert (
        fault.message == "quotewright.QuoteDeclined version 3 is newer than 2; deploy this service"
    )


def test_a_type_that_nobody_registered_is_known_before_its_body_is_read() -> None:
    few = Registry([QuoteWithdrawn])

    assert [few.knows("quotewright.QuoteWithdrawn"), few.knows("quotewright.QuotePriced")] == [
        True,
        False,
    ]
    with pytest.raises(Poison, match=r"nobody here reads quotewright\.QuotePriced"):
        few.read("quotewright.QuotePriced", 1, b"{}")


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    "value", [b"", b"\xff", b"not json", b"[]", b"null", b'"text"', b'{"deal_id": ', b"[" * 100_000]
)
def test_a_body_that_is_no_json_object_is_poison_in_every_version(
    version: int, value: bytes
) -> None:
    fault = poison_of("quotewright.QuoteDeclined", version, value)

    assert fault.facts["fact_type"] == "quotewright.QuoteDeclined"


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("deal_id",), PRIVATE, "deal_id"),
        (("revision",), PRIVATE, "revision"),
        (("totals", "net", "amount"), PRIVATE, "totals.net.amount"),
        (("totals", "net", "amount"), "1E+60", "totals.net.amount"),
        (("totals", "net", "amount"), 12.5, "totals.net.amount"),
        (("totals", "net"), {"amount": "1.1234567", "currency": "EUR"}, "totals.net"),
        (("lines", 0, "quantity"), "1E+99", "lines.0.quantity"),
        (("lines", 1, "charge"), PRIVATE, "lines.1.charge"),
        (("book", "sha256"), PRIVATE, "book.sha256"),
    ],
)
def test_a_wrong_field_is_poison_that_names_it_and_does_not_repeat_it(
    path: tuple[Any, ...], value: Any, named: str
) -> None:
    body = json.loads(sealed(sample(QuotePriced)).value)
    place = body
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    fault = poison_of("quotewright.QuotePriced", 1, json.dumps(body).encode())

    assert fault.facts["fields"] == [named]
    assert PRIVATE not in json.dumps(fault.problem())
    assert fault.__cause__ is None
    assert fault.__suppress_context__ is True


def test_a_missing_field_is_poison_that_names_it() -> None:
    assert poison_of("quotewright.QuoteWithdrawn", 1, b"{}").facts["fields"] == [
        "deal_id",
        "quote_id",
        "reason",
    ]


def test_an_instant_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="must carry a time zone"):
        sample(QuoteDeclined, at="2026-03-02T09:00:00")


def test_an_old_version_goes_through_every_upcaster_in_turn() -> None:
    class Counted(Fact):
        VERSION = 3
        steps: tuple[int, ...]

    def step(number: int) -> Any:
        return lambda body: {**body, "steps": [*body.get("steps", []), number]}

    registry = Registry([Counted], {(Counted.wire_type(), each): step(each) for each in (1, 2)})
    body = json.dumps({"deal_id": str(WITHDRAWN.deal_id)}).encode()

    assert registry.read(Counted.wire_type(), 1, body) == Counted(
        deal_id=WITHDRAWN.deal_id, steps=(1, 2)
    )
    assert registry.read(Counted.wire_type(), 2, body) == Counted(
        deal_id=WITHDRAWN.deal_id, steps=(2,)
    )


def test_a_version_that_only_allowed_more_is_read_as_today_and_an_older_one_by_its_upcaster() -> (
    None
):
    class Widened(Fact):
        VERSION = 3
        note: str = ""

    def noted(body: Any) -> Any:
        return {**body, "note": "of version 1"}

    wire_type = Widened.wire_type()
    registry = Registry([Widened], {(wire_type, 1): noted, (wire_type, 2): unchanged})
    body = json.dumps({"deal_id": str(WITHDRAWN.deal_id), "was_there": 1}).encode()

    now = registry.read(wire_type, 3, body)
    # The same object: equal bytes are parsed once, whichever of the two versions says them.
    assert registry.read(wire_type, 2, body) is now
    assert registry.read(wire_type, 1, body) == Widened(
        deal_id=WITHDRAWN.deal_id, note="of version 1"
    )


def test_facts_and_attributes_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        WITHDRAWN.reason = "other"
    with pytest.raises(AttributeError):
        meta_of(WITHDRAWN).id = "other"


def test_what_a_configured_item_answers_keeps_its_kind() -> None:
    said = sample(ConfigurationValidated)
    again = READERS.read(said.wire_type(), 1, sealed(said).value)

    assert isinstance(again, ConfigurationValidated)
    assert [type(each.value) for each in again.items[0].decisions] == [str, str, tuple, int, bool]


def test_meta_is_made_of_plain_values() -> None:
    found = read_meta(sealed().headers)

    assert isinstance(found, Meta)
    assert isinstance(found.deal_id, UUID)
