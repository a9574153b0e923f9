"""The AsyncAPI 3.0 document of the log: topics, messages, who says and who hears each fact.

`python -m quotewright.asyncapi` writes it to `contracts/asyncapi.json` from the fact classes and
the consumer tables of the services; a test keeps it fresh.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from contracts import (
    approval,
    catalogue,
    compat,
    configuration,
    document,
    opportunity,
    pricing,
    quote,
)
from contracts.envelope import CONTENT_TYPE, SPEC, Fact
from infra.settings import Settings
from services.approvals import consumer as approvals
from services.configurator import consumer as configurator
from services.crm_projector import consumer as crm_projector
from services.crm_projector.crm.generic import CLOUD_TYPE, EventBody
from services.documents import consumer as documents
from services.pricer import consumer as pricer
from services.quotes import consumer as quotes

FILE = Path(__file__).parents[1] / "contracts" / "asyncapi.json"
JSON_SCHEMA = "application/schema+json;version=draft-2020-12"
ASYNCAPI = "3.0.0"

# Whose facts stand in which file of contracts.
SPEAKERS: Mapping[str, str] = MappingProxyType(
    {
        opportunity.__name__: "crm_projector",
        quote.__name__: "quotes",
        configuration.__name__: "configurator",
        pricing.__name__: "pricer",
        approval.__name__: "approvals",
        document.__name__: "documents",
    }
)
_TABLES: Mapping[str, Callable[[Any], Mapping[type[Fact], Any]]] = MappingProxyType(
    {
        "crm_projector": crm_projector.hears,
        "quotes": quotes.hears,
        "configurator": configurator.hears,
        "pricer": pricer.hears,
        "approvals": approvals.hears,
        "documents": lambda none: documents.hears(none, none),
    }
)


def speaker(fact: type[Fact]) -> str:
    """Return the service that says the fact."""
    return SPEAKERS[fact.__module__]


def heard_by(service: str) -> list[type[Fact]]:
    """Return the facts that a service hears, by its consumer's table."""
    # The tables only bind what they are given to their handlers; no handler is called here.
    return list(_TABLES[service](cast("Any", None)))


def asyncapi() -> dict[str, Any]:
    """Return the document."""
    topics, messages = _topics(), _messages()
    return {
        "asyncapi": ASYNCAPI,
        "info": {
            "title": "Quotewright",
            "version": "0.1.0",
            "description": (
                "The log over which the services of Quotewright and other teams hear of quotes."
                " A deal's facts have its id as their key, so they stay in order. Delivery is at"
                " least once: drop what comes twice by ce_id, whose last part counts the stream."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": _channels(topics, messages),
        "operations": _operations(topics["facts"], topics["inbound"]),
        "components": {
            "messages": messages,
            "schemas": _crm_schemas(),
            "messageTraits": {"fact": {"headers": _headers(), "bindings": _key("the deal's id")}},
        },
    }


def _topics() -> dict[str, str]:
    """Return the topics by their names here, as they are called unless somebody chose."""
    fields = Settings.model_fields
    names = {"facts": "facts_topic", "inbound": "inbound_topic", "parked": "parked_topic"}
    return {name: fields[setting].default for name, setting in names.items()}


def _channels(topics: Mapping[str, str], messages: Mapping[str, Any]) -> dict[str, Any]:
    facts = {name: _ref(f"components/messages/{name}") for name in messages if name != "crm"}
    return {
        "facts": _channel(topics["facts"], "Every fact, in order per deal.", facts),
        "inbound": _channel(
            topics["inbound"],
            "The door of CRMs: what happened to an opportunity, keyed by its id.",
            {"crm": _ref("components/messages/crm")},
        ),
        "parked": _channel(
            topics["parked"],
            "Copies of records that a service could not handle, for others to see; with the"
            " headers parked_by and parked_code. The rows of the service are the truth.",
            facts,
        ),
    }


def _messages() -> dict[str, Any]:
    """Return a message per released version of each fact, and the CRM's."""
    known = {fact.wire_type(): fact for fact in catalogue.FACTS}
    versions = sorted({(each.wire_type, each.version) for each in compat.editions(compat.FOLDER)})
    found = {_name(*each): _message(known[each[0]], each[1]) for each in versions}
    return {**found, "crm": _crm_message()}


def _message(fact: type[Fact], version: int) -> dict[str, Any]:
    old = version < fact.VERSION
    summary = f"Said by {speaker(fact)}" + (" before version " + str(version + 1) if old else "")
    return {
        "name": fact.wire_type(),
        "title": f"{fact.__name__}, version {version}",
        "summary": summary + ".",
        "contentType": CONTENT_TYPE,
        "traits": [_ref("components/messageTraits/fact")],
        "payload": {
            "schemaFormat": JSON_SCHEMA,
            "schema": {"$ref": f"./schemas/{fact.wire_type()}.{version}.json"},
        },
    }


def _crm_message() -> dict[str, Any]:
    return {
        "name": f"{CLOUD_TYPE}<kind>",
        "title": "An event of a CRM",
        "summary": "A CloudEvent, binary or structured; its source is crm:// and the CRM's name.",
        "contentType": CONTENT_TYPE,
        "payload": _ref("components/schemas/EventBody"),
    }


def _crm_schemas() -> dict[str, Any]:
    """Return the schema of a CRM's event and of its parts."""
    body = EventBody.model_json_schema(ref_template="#/components/schemas/{model}")
    parts = body.pop("$defs")
    return {"EventBody": body, **parts}


def _operations(facts_topic: str, inbound_topic: str) -> dict[str, Any]:
    """Return what each service sends and receives."""
    found: dict[str, Any] = {}
    for service in _TABLES:
        says = [each for each in catalogue.FACTS if speaker(each) == service]
        found[f"{service}.says"] = {
            "action": "send",
            "channel": _ref("channels/facts"),
            "summary": f"{service} says its facts; its event table is the outbox.",
            "messages": [_of_channel("facts", each, each.VERSION) for each in says],
        }
        found[f"{service}.hears"] = {
            "action": "receive",
            "channel": _ref("channels/facts"),
            "summary": f"{service} hears, in every released version.",
            "bindings": _group(service, facts_topic),
            "messages": [
                _of_channel("facts", each, version)
                for each in heard_by(service)
                for version in range(1, each.VERSION + 1)
            ],
        }
        found[f"{service}.parks"] = {"action": "send", "channel": _ref("channels/parked")}
    found["crm_projector.listens"] = {
        "action": "receive",
        "channel": _ref("channels/inbound"),
        "bindings": _group("crm_projector", inbound_topic),
    }
    return found


def _channel(topic: str, description: str, messages: Mapping[str, Any]) -> dict[str, Any]:
    binding = {"kafka": {"topic": topic, "bindingVersion": "0.5.0"}}
    return {
        "address": topic,
        "description": description,
        "messages": dict(messages),
        "bindings": binding,
    }


def _headers() -> dict[str, Any]:
    """Return the schema of a fact's headers: CloudEvents in binary mode, each as text."""
    text = {"type": "string"}
    needed = {
        "ce_specversion": {**text, "const": SPEC},
        "ce_id": {**text, "description": "<stream>/<version>, unique in the log"},
        "ce_source": {**text, "enum": sorted(SPEAKERS.values())},
        "ce_type": {**text, "pattern": r"^quotewright\.[A-Za-z]+$"},
        "ce_schemaversion": {**text, "pattern": "^[1-9][0-9]*$"},
        "ce_subject": text,
        "ce_time": {**text, "format": "date-time"},
        "ce_partitionkey": {**text, "format": "uuid", "description": "the deal; the record key"},
        "ce_correlationid": text,
        "content-type": {**text, "const": CONTENT_TYPE},
    }
    others = dict.fromkeys(("ce_causationid", "ce_actor", "ce_traceparent"), text)
    return {"type": "object", "properties": {**needed, **others}, "required": list(needed)}


def _key(description: str) -> dict[str, Any]:
    key = {"type": "string", "format": "uuid", "description": description}
    return {"kafka": {"key": key, "bindingVersion": "0.5.0"}}


def _group(service: str, topic: str) -> dict[str, Any]:
    group = {"type": "string", "const": f"quotewright.{service}.{topic}"}
    return {"kafka": {"groupId": group, "bindingVersion": "0.5.0"}}


def _of_channel(channel: str, fact: type[Fact], version: int) -> dict[str, str]:
    return _ref(f"channels/{channel}/messages/{_name(fact.wire_type(), version)}")


def _name(wire_type: str, version: int) -> str:
    return f"{wire_type.removeprefix('quotewright.')}.{version}"


def _ref(path: str) -> dict[str, str]:
    return {"$ref": f"#/{path}"}


def rendered() -> str:
    """Return the text of the file."""
    return json.dumps(asyncapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(rendered(), encoding="utf-8")
