"""Services of an older release read what today's code says: their readers are made of what was released."""

import json
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator
from pydantic import Field, ValidationError, create_model

from contracts import compat
from contracts.catalogue import FACTS
from contracts.compat import Edition, editions
from contracts.envelope import Fact, Registry, seal
from contracts.errors import Poison
from contracts.quote import QuoteWithdrawn
from contracts.schema import schema_of
from contracts.shapes import shape_of
from contracts.values import Value
from tests.contract.samples import meta_of, sample

FORMATS: dict[str, Any] = {"uuid": UUID, "date": date, "date-time": datetime}
PLAIN: dict[str, Any] = {"integer": int, "number": float, "boolean": bool, "null": None}
LIMITS = {
    "minimum": "ge", "maximum": "le", "minLength": "min_length", "maxLength": "max_length",
    "pattern": "pattern", "minItems": "min_length",
}  # fmt: skip
EDITIONS = editions(compat.FOLDER)
TODAY = {fact.wire_type(): fact for fact in FACTS}


class Reader:
    """Makes the class that a service of an older release had of a fact, from its released edition."""

    def __init__(self, edition: Edition) -> None:
        self._shape = edition.shape
        self._made: dict[str, Any] = {}
        base: Any = create_model(
            edition.wire_type.removeprefix("quotewright."),
            __base__=Fact,
            **self._members(self._shape),
        )
        self.cls: type[Fact] = type(
            base.__name__, (base,), {"VERSION": edition.version, "__annotations__": {}}
        )

    def _members(self, part: Any) -> dict[str, Any]:
        needed = part.get("required", ())
        return {
            name: (
                self._type(each),
                Field(
                    **({} if name in needed else {"default": each.get("default")}),
                    **{ours: each[theirs] for theirs, ours in LIMITS.items() if theirs in each},
                ),
            )
            for name, each in part.get("properties", {}).items()
        }

    def _type(self, part: Any) -> Any:
        if "$ref" in part:
            return self._value(part["$ref"].rpartition("/")[2])
        branches = part.get("anyOf") or part.get("oneOf")
        if branches:
            found = self._type(branches[0])
            for each in branches[1:]:
                found |= self._type(each)
            return found
        if "const" in part or "enum" in part:
            return Literal[tuple(part.get("enum") or [part["const"]])]
        if part.get("type") == "string":
            return FORMATS.get(part.get("format", ""), str)
        if part.get("type") == "array":
            return tuple[self._type(part["items"]), ...]
        if part.get("type") == "object":
            return dict[str, self._type(part.get("additionalProperties") or {})]
        return PLAIN.get(part.get("type", ""), Any)

    def _value(self, name: str) -> Any:
        part = self._shape["$defs"][name]
        if part.get("type") != "object" or "properties" not in part:
            return self._type(part)
        if name not in self._made:
            self._made[name] = create_model(name, __base__=Value, **self._members(part))
        return self._made[name]


def with_more(body: Any) -> Any:
    """Return a body with a member that nobody knows yet, in it and in every object inside."""
    if isinstance(body, list):
        return [with_more(each) for each in body]
    if isinstance(body, dict):
        return {**{name: with_more(each) for name, each in body.items()}, "added_later": 1}
    return body


def maps(shape: Any) -> bool:
    """Say whether a fact holds a map, whose members are not named."""
    return '"additionalProperties": {' in json.dumps(shape)


def mine(edition: Edition) -> Fact:
    """Return what today's code says, if it still says this version."""
    fact = TODAY[edition.wire_type]
    if edition.version != fact.VERSION:
        pytest.skip("nobody says this version any more")
    return sample(fact)


SAID = [each for each in EDITIONS if each.version == TODAY[each.wire_type].VERSION]


@pytest.mark.parametrize("edition", SAID, ids=lambda each: each.file)
def test_a_reader_of_each_released_edition_reads_what_is_said_today(edition: Edition) -> None:
    fact = mine(edition)
    value = seal(fact, meta_of(fact)).value

    read = Registry([Reader(edition).cls]).read(edition.wire_type, edition.version, value)
    # It understood every member that it knows, and lost none.
    known = set(edition.shape["properties"])
    assert set(read.model_dump()) == known
    assert list(Draft202012Validator(edition.shape).iter_errors(json.loads(value))) == []


@pytest.mark.parametrize(
    "edition", [each for each in SAID if not maps(each.shape)], ids=lambda each: each.file
)
def test_a_reader_passes_over_members_that_came_later_at_any_depth(edition: Edition) -> None:
    fact = mine(edition)
    body = json.loads(seal(fact, meta_of(fact)).value)
    old = Registry([Reader(edition).cls])

    later = old.read(edition.wire_type, edition.version, json.dumps(with_more(body)).encode())
    assert later == old.read(edition.wire_type, edition.version, json.dumps(body).encode())


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.__name__)
def test_todays_reader_passes_over_members_that_come_later_too(fact: type[Fact]) -> None:
    if maps(schema_of(fact)):
        pytest.skip("its map would take the new member for one of its own")
    body = json.loads(seal(sample(fact), meta_of(sample(fact))).value)

    def read(body: Any) -> Fact:
        return Registry([fact]).read(fact.wire_type(), fact.VERSION, json.dumps(body).encode())

    assert read(with_more(body)) == read(body)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.__name__)
def test_a_newer_version_is_poison_that_asks_for_a_deployment(fact: type[Fact]) -> None:
    value = seal(sample(fact), meta_of(sample(fact))).value

    with pytest.raises(Poison, match=f"is newer than {fact.VERSION}; deploy this service"):
        Registry([fact]).read(fact.wire_type(), fact.VERSION + 1, value)


def test_a_reader_made_of_an_edition_refuses_what_would_break_it() -> None:
    (edition,) = [each for each in EDITIONS if each.wire_type == QuoteWithdrawn.wire_type()]
    old = Registry([Reader(edition).cls])
    body = json.loads(seal(sample(QuoteWithdrawn), meta_of(sample(QuoteWithdrawn))).value)
    for broken in ({**body, "reason": 7}, {n: v for n, v in body.items() if n != "reason"}):
        with pytest.raises(Poison, match="reason"):
            old.read(edition.wire_type, 1, json.dumps(broken).encode())


def test_a_producer_is_closed() -> None:
    with pytest.raises(ValidationError, match="added_later"):
        sample(QuoteWithdrawn, added_later=1)


def test_the_latest_edition_is_what_is_said_today() -> None:
    assert {e.wire_type: e.shape for e in SAID} == {
        name: shape_of(schema_of(fact)) for name, fact in TODAY.items()
    }
