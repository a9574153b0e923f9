"""Compares two JSON Schemas of one fact: what a change means to who reads and to what was written.

Producers are closed and readers tolerant, so a schema may gain optional members and may widen. What
was written once must stay valid and keep its meaning; what is read must keep its members.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

Schema = Mapping[str, Any]
WORDS = {"title", "description", "$id", "$schema", "examples", "$comment"}
UPPER = ("maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties")
LOWER = ("minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties")
MANNERS = ("pattern", "multipleOf", "uniqueItems")
JUDGED = {*UPPER, *LOWER, *MANNERS, "type", "format", "enum", "const", "anyOf", "oneOf", "items"}
JUDGED |= {"prefixItems", "properties", "required", "additionalProperties", "propertyNames"}
JUDGED |= {"discriminator", "default", "$ref", "$defs"}
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference: where (a JSON pointer into a fact's body), what, and whether it breaks."""

    pointer: str
    what: str
    breaks: bool

    def __str__(self) -> str:
        return f"{self.pointer or '/'}: {self.what}"


def shape_of(schema: Any) -> Any:
    """Return a schema without its words: what it accepts, and which defaults it has."""
    if isinstance(schema, list):
        return [shape_of(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: {key: shape_of(each) for key, each in part.items()}
        if name in {"properties", "$defs"}
        else part
        if name in {"default", "enum", "const"}
        else shape_of(part)
        for name, part in schema.items()
        if name not in WORDS
    }


def compare(old: Schema, new: Schema) -> list[Finding]:
    """Return what changed from a released schema to a newer one of the same version."""
    return list(_Comparison(old, new).of(old, new, ""))


class _Comparison:
    """Walks two schemas side by side; references are followed, so a renamed definition is none."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = old.get("$defs", {})
        self._new = new.get("$defs", {})
        self._inside: list[tuple[str, str]] = []

    def of(self, old: Schema, new: Schema, at: str) -> list[Finding]:
        """Compare what stands at one place of the body."""
        pair = (old.get("$ref", ""), new.get("$ref", ""))
        if all(pair) and pair in self._inside:
            return []  # a definition that holds itself
        self._inside.append(pair)
        found = [*_default(old, new, at), *self._alternatives(old, new, at)]
        self._inside.pop()
        return found

    def _alternatives(self, old: Schema, new: Schema, at: str) -> Iterator[Finding]:
        """Find for every form that was accepted one that accepts it now, and what came beside."""
        olds, news = _forms(old, self._old), _forms(new, self._new)
        if len(olds) == len(news) == 1:
            yield from self._form(olds[0], news[0], at)
            return
        used = []
        for before in olds:
            tried = [(after, list(self._form(before, after, at))) for after in news]
            after, differences = min(tried, key=lambda each: _badness(before, *each))
            used.append(after)
            yield from differences
        for after in news:
            if not any(after is each for each in used):
                # A reader that is told the kinds of a thing can not know another one.
                breaks = any(map(partial(_is_another_kind, after), olds))
                yield Finding(at, f"accepts {_name(after)} too", breaks)

    def _form(self, old: Schema, new: Schema, at: str) -> Iterator[Finding]:
        for name in sorted((old.keys() | new.keys()) - JUDGED - WORDS):
            if old.get(name) != new.get(name):
                yield Finding(at, f"`{name}` changed, which this checker can not judge", True)
        if old.get("type") != new.get("type"):
            widened = (old.get("type"), new.get("type")) == ("integer", "number")
            yield Finding(at, f"retyped from {_name(old)} to {_name(new)}", not widened)
            return
        if old.get("format") != new.get("format"):
            yield Finding(at, f"retyped from {_name(old)} to {_name(new)}", True)
        yield from _words(old, new, at)
        yield from _limits(old, new, at)
        yield from self._members(old, new, at)
        yield from self._elements(old, new, at)

    def _members(self, old: Schema, new: Schema, at: str) -> Iterator[Finding]:
        olds, news = old.get("properties", {}), new.get("properties", {})
        needed, was_needed = set(new.get("required", ())), set(old.get("required", ()))
        added = [name for name in news if name not in olds]
        for name, part in olds.items():
            place = f"{at}/{name}"
            if name not in news:
                likely = [f"`{each}`" for each in added if shape_of(news[each]) == shape_of(part)]
                renamed = f" (renamed to {' or '.join(likely)}?)" if likely else ""
                yield Finding(place, f"removed{renamed}", True)
                continue
            if name in needed - was_needed:
                yield Finding(place, "required now, and old facts may lack it", True)
            if name in was_needed - needed:
                yield Finding(place, "may be missing now", False)
            yield from self.of(part, news[name], place)
        for name in added:
            if name in needed:
                yield Finding(f"{at}/{name}", "added and required: old facts lack it", True)

    def _elements(self, old: Schema, new: Schema, at: str) -> Iterator[Finding]:
        """Compare what lists and maps hold."""
        for name, place in (("items", "*"), ("additionalProperties", "*"), ("propertyNames", "*")):
            # Also where both say the same: what they point to may have changed.
            if name in old or name in new:
                yield from self.of(_part(old, name), _part(new, name), f"{at}/{place}")
        firsts, lasts = old.get("prefixItems", []), new.get("prefixItems", [])
        if len(firsts) != len(lasts):
            yield Finding(at, f"has {len(lasts)} fixed elements, had {len(firsts)}", True)
        for index, (before, after) in enumerate(zip(firsts, lasts, strict=False)):
            yield from self.of(before, after, f"{at}/{index}")


def _default(old: Schema, new: Schema, at: str) -> Iterator[Finding]:
    if "default" in old and old["default"] != new.get("default", ...):
        now = repr(new["default"]) if "default" in new else "none"
        what = f"the default was {old['default']!r} and is {now}"
        yield Finding(at, f"{what}: facts without it would say something else", True)


def _words(old: Schema, new: Schema, at: str) -> Iterator[Finding]:
    """Compare the words of a choice."""
    before, after = _choice(old), _choice(new)
    if before is None and after is None:
        return
    if before is None:
        yield Finding(at, "narrowed from anything to a choice", True)
        return
    gone = [each for each in before if after is not None and each not in after]
    come = ["anything"] if after is None else [each for each in after if each not in before]
    if gone:
        yield Finding(at, f"narrowed: {_listed(gone)} is no choice any more", True)
    if come and UNKNOWN in before:
        yield Finding(at, f"widened by {_listed(come)}", False)
    elif come:
        yield Finding(at, f"widened by {_listed(come)}, and readers have no `unknown` for it", True)


def _limits(old: Schema, new: Schema, at: str) -> Iterator[Finding]:
    """Compare lengths, bounds and patterns."""
    for name in (*UPPER, *LOWER, *MANNERS):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        narrowed = after is not None and (
            before is None
            or name in MANNERS
            or (after < before if name in UPPER else after > before)
        )
        word = "narrowed" if narrowed else "widened"
        was, now = ("none" if each is None else each for each in (before, after))
        yield Finding(at, f"{word}: {name} was {was}, is {now}", narrowed)


def _forms(schema: Schema, definitions: Mapping[str, Schema]) -> list[Schema]:
    """Return the alternatives of a schema, references followed."""
    schema = _resolved(schema, definitions)
    branches = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    return [form for each in branches for form in _forms(each, definitions)] or [schema]


def _resolved(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    while "$ref" in schema:
        beside = {name: part for name, part in schema.items() if name not in {"$ref", "default"}}
        schema = {**definitions[schema["$ref"].rpartition("/")[2]], **beside}
    return schema


def _badness(old: Schema, new: Schema, findings: list[Finding]) -> tuple[int, int, int]:
    """Order pairs of forms: what breaks least is the same thing."""
    breaking = sum(each.breaks for each in findings)
    return (breaking, old.get("type") != new.get("type"), len(findings))


def _part(schema: Schema, name: str) -> Schema:
    part = schema.get(name, {})
    return part if isinstance(part, Mapping) else {}


def _choice(schema: Schema) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _is_another_kind(form: Schema, known: Schema) -> bool:
    told = _choice(known)
    return form.get("type") == known.get("type") and (
        known.get("type") == "object" or (told is not None and UNKNOWN not in told)
    )


def _name(schema: Schema) -> str:
    kind = str(schema.get("type", "anything"))
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def _listed(words: list[Any]) -> str:
    return ", ".join(f"`{each}`" for each in words)
