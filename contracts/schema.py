"""JSON Schema (draft 2020-12) of every fact, for integrators in any language.

`python -m contracts.schema` writes today's versions to `contracts/schemas/`, named `<wire
type>.<version>.json`, and touches no other file: an older version keeps the schema it was released
with.
"""

import inspect
import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from contracts.catalogue import FACTS
from contracts.envelope import Fact

FOLDER = Path(__file__).parent / "schemas"


class _Plain(GenerateJsonSchema):
    """Leaves out titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002, pydantic names it
        return False


def schema_of(fact: type[Fact]) -> dict[str, Any]:
    """Return the schema of a fact's body on the wire.

    Unknown members are allowed and members with a default may be missing, because an optional field
    is added without a new version: what was valid once stays valid.
    """
    body = fact.model_json_schema(schema_generator=_Plain)
    named = {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": f"urn:quotewright:fact:{fact.__name__}:{fact.VERSION}",
        "title": fact.__name__,
        "description": _first_paragraph(inspect.getdoc(fact) or ""),
    }
    rest: dict[str, Any] = _tolerant(body)
    return {**named, **{name: part for name, part in rest.items() if name not in named}}


def file_of(fact: type[Fact]) -> str:
    """Return the name of the file that holds the schema of today's version."""
    return f"{fact.wire_type()}.{fact.VERSION}.json"


def rendered(fact: type[Fact]) -> str:
    """Return the text of the file; the same class gives the same text."""
    return json.dumps(schema_of(fact), indent=2, ensure_ascii=False) + "\n"


def write(folder: Path) -> list[str]:
    """Write the schemas of today's versions; returns the names of the files that changed."""
    changed = []
    for fact in FACTS:
        file = folder / file_of(fact)
        text = rendered(fact)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            changed.append(file.name)
    return changed


def _tolerant(part: Any) -> Any:
    """Let unknown members pass, and keep the first paragraph of each description."""
    if isinstance(part, list):
        return [_tolerant(each) for each in part]
    if not isinstance(part, dict):
        return part
    kept = {name: _tolerant(each) for name, each in part.items()}
    if kept.get("additionalProperties") is False:
        del kept["additionalProperties"]
    if isinstance(kept.get("description"), str):
        kept["description"] = _first_paragraph(kept["description"])
    return kept


def _first_paragraph(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split())


if __name__ == "__main__":
    write(FOLDER)
