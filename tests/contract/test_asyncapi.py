"""contracts/asyncapi.json tells the truth: fresh, whole, and right about who says and who hears what."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from contracts.catalogue import FACTS
from contracts.envelope import Fact, seal
from contracts.opportunity import OpportunityOpened
from contracts.quote import PricingRequested, QuoteDeclined
from quotewright import asyncapi
from quotewright.house import BUILDERS
from tests.contract.samples import meta_of, released, sample

ROOT = Path(__file__).parents[2]
DOCUMENT: dict[str, Any] = json.loads(asyncapi.FILE.read_text(encoding="utf-8"))
CHANNELS, OPERATIONS = DOCUMENT["channels"], DOCUMENT["operations"]


def refs(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        part = dict(enumerate(part))
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for each in part.values():
            yield from refs(each)


def at(path: str) -> Any:
    """Return what an inner reference points to.   Raises: KeyError."""
    found: Any = DOCUMENT
    for name in path.removeprefix("#/").split("/"):
        found = found[name]
    return found


def messages(operation: str) -> set[str]:
    return {each["$ref"].rpartition("/")[2] for each in OPERATIONS[operation]["messages"]}


def test_the_document_is_fresh() -> None:
    assert asyncapi.FILE.read_text(encoding="utf-8") == asyncapi.rendered(), (
        "run: python -m quotewright.asyncapi"
    )


def test_every_reference_leads_somewhere() -> None:
    found = list(refs(DOCUMENT))

    assert len(found) > 100
    for each in found:
        if each.startswith("#/"):
            assert at(each)
        else:
            assert (asyncapi.FILE.parent / each).exists()


def test_every_released_version_of_every_fact_is_a_message_and_nothing_else_is() -> None:
    names = {f"{t.removeprefix('quotewright.')}.{version}" for t, version, _ in released()}

    assert set(CHANNELS["facts"]["messages"]) == names
    assert set(CHANNELS["parked"]["messages"]) == names
    assert set(DOCUMENT["components"]["messages"]) == {*names, "crm"}


def test_the_topics_are_those_of_the_settings() -> None:
    assert {name: each["address"] for name, each in CHANNELS.items()} == {
        "facts": "quotewright.facts",
        "inbound": "quotewright.crm.inbound",
        "parked": "quotewright.parked",
    }


def appended(service: str) -> set[str]:
    """Name the facts that the code of a service makes: calls of a fact's class, outside of tests."""
    names = {fact.__name__ for fact in FACTS}
    made = set()
    for file in (ROOT / "services" / service).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called: Any = node.func
                if getattr(called, "attr", None) == "model_validate":
                    called = called.value
                name = getattr(called, "id", None) or getattr(called, "attr", None)
                made |= {name} & names
    return made


@pytest.mark.parametrize("service", sorted(BUILDERS))
def test_a_service_says_what_its_code_makes(service: str) -> None:
    says = {each.rpartition(".")[0] for each in messages(f"{service}.says")}

    assert says == appended(service)


def test_every_fact_is_said_by_one_service() -> None:
    said = [name for service in BUILDERS for name in messages(f"{service}.says")]

    assert sorted(said) == sorted(f"{fact.__name__}.{fact.VERSION}" for fact in FACTS)


def test_who_hears_a_fact_hears_all_its_versions() -> None:
    assert messages("pricer.hears") == {"PricingRequested.1"}
    assert {"QuoteDeclined.1", "QuoteDeclined.2"} <= messages("crm_projector.hears")
    assert "QuoteDeclined.2" not in messages("quotes.hears")


@pytest.mark.parametrize("service", sorted(BUILDERS))
def test_an_operation_uses_messages_of_its_channel_and_the_group_of_its_consumer(
    service: str,
) -> None:
    hears = OPERATIONS[f"{service}.hears"]

    assert messages(f"{service}.hears") <= set(at(hears["channel"]["$ref"])["messages"])
    assert hears["bindings"]["kafka"]["groupId"]["const"] == (
        f"quotewright.{service}.quotewright.facts"
    )


@pytest.mark.parametrize("fact", [QuoteDeclined, OpportunityOpened, PricingRequested])
def test_the_headers_of_a_sealed_fact_obey_the_document(fact: type[Fact]) -> None:
    headers = DOCUMENT["components"]["messageTraits"]["fact"]["headers"]
    sealed = seal(sample(fact), meta_of(sample(fact)))
    told = {name: value.decode() for name, value in sealed.headers}

    assert list(Draft202012Validator(headers).iter_errors(told)) == []
    assert set(told) == set(headers["properties"])
    del told["ce_id"]
    assert [each.message for each in Draft202012Validator(headers).iter_errors(told)] == [
        "'ce_id' is a required property"
    ]


def test_the_shape_is_that_of_asyncapi_3() -> None:
    # The official meta-schema is not ours to ship; these are its rules as far as we use it.
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(DOCUMENT["info"])
    for channel in CHANNELS.values():
        assert set(channel) == {"address", "description", "messages", "bindings"}
    for operation in OPERATIONS.values():
        assert operation["action"] in {"send", "receive"}
        assert set(operation) <= {"action", "channel", "summary", "bindings", "messages"}
        assert operation["channel"]["$ref"].startswith("#/channels/")
        for message in operation.get("messages", ()):
            assert message["$ref"].startswith(operation["channel"]["$ref"] + "/messages/")
    for message in DOCUMENT["components"]["messages"].values():
        assert {"name", "title", "summary", "contentType", "payload"} <= set(message)
