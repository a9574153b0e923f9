"""The schemas for integrators: fresh, valid, obeyed by what we write, and true of all that was released."""

import json
from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from contracts import schema
from contracts.catalogue import FACTS
from contracts.configuration import RequestedItem
from contracts.envelope import Fact, seal
from contracts.opportunity import OpportunityOpened
from contracts.pricing import DiscountAsk
from contracts.quote import QuoteAccepted, QuoteWithdrawn
from contracts.values import Percent, Quantity
from tests.contract.samples import meta_of, released, sample


def checker(name: str) -> Draft202012Validator:
    found = json.loads((schema.FOLDER / name).read_text(encoding="utf-8"))
    return Draft202012Validator(found, format_checker=Draft202012Validator.FORMAT_CHECKER)


def on_the_wire(fact: Fact) -> Any:
    return json.loads(seal(fact, meta_of(fact)).value)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.__name__)
def test_the_schema_is_fresh(fact: type[Fact]) -> None:
    written = (schema.FOLDER / schema.file_of(fact)).read_text(encoding="utf-8")

    assert written == schema.rendered(fact), "run: python -m contracts.schema"


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.__name__)
def test_a_sealed_fact_obeys_its_schema(fact: type[Fact]) -> None:
    Draft202012Validator.check_schema(schema.schema_of(fact))

    assert list(checker(schema.file_of(fact)).iter_errors(on_the_wire(sample(fact)))) == []


@pytest.mark.parametrize("file", [file for _, _, file in released()], ids=lambda file: file.stem)
def test_a_released_sample_obeys_the_schema_of_its_version(file: Any) -> None:
    assert list(checker(file.name).iter_errors(json.loads(file.read_text()))) == []


def test_every_released_version_has_a_schema_and_no_other_has() -> None:
    assert {file.name for file in schema.FOLDER.iterdir()} == {
        file.name for _, _, file in released()
    }


def test_writing_again_changes_nothing_and_leaves_older_versions_alone(tmp_path: Any) -> None:
    old = tmp_path / "quotewright.QuoteDeclined.1.json"
    old.write_text("{}")

    assert len(schema.write(tmp_path)) == len(FACTS)
    assert schema.write(tmp_path) == []
    assert old.read_text() == "{}"


def test_a_schema_names_itself_without_an_address() -> None:
    found = schema.schema_of(QuoteAccepted)

    assert {name: found[name] for name in ("$schema", "$id", "title", "description")} == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:quotewright:fact:QuoteAccepted:1",
        "title": "QuoteAccepted",
        "description": "The customer accepted the revision.",
    }


def test_a_schema_refuses_a_missing_member_and_a_binary_number_for_money() -> None:
    body = on_the_wire(sample(QuoteWithdrawn))
    del body["reason"]
    with pytest.raises(ValidationError, match="'reason' is a required property"):
        checker("quotewright.QuoteWithdrawn.1.json").validate(body)

    opened = on_the_wire(sample(OpportunityOpened))
    opened["details"]["amount"]["amount"] = 610000.0
    with pytest.raises(ValidationError):
        checker("quotewright.OpportunityOpened.1.json").validate(opened)


def test_a_schema_lets_a_later_optional_member_pass() -> None:
    body = {**on_the_wire(sample(QuoteWithdrawn)), "added_later": True}

    checker("quotewright.QuoteWithdrawn.1.json").validate(body)


@pytest.mark.parametrize("text", ["1E+3", "0E-9", "1000", "-0.001"])
def test_a_number_is_written_plainly_however_it_was_given(text: str) -> None:
    # JSON readers of other languages, and the schema's pattern, do not take 1E+3.
    item = RequestedItem(item_id="a", product="base_station", quantity=Quantity(Decimal("1E+3")))
    ask = DiscountAsk(percent=Percent(Decimal(text)), rationale="as agreed")

    fact = sample(OpportunityOpened, requirements=(item,), discounts=(ask,))

    assert list(checker(schema.file_of(OpportunityOpened)).iter_errors(on_the_wire(fact))) == []
