"""YAML in one pass: what is small to write and endless to read is refused before it is made.

Decimals are read exactly (never as floats), a key that stands twice in one mapping is told.
"""

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml

DEPTH_MAX = 20
WHOLE_NUMBER = re.compile(r"[-+]?[0-9]{1,18}")
PLAIN_NUMBER = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{0,18}")

# The parser in C is ten times faster and says the same; not every build of PyYAML has it.
SafeLoader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Hostile(ValueError):
    """A document uses what no model needs; the message says what to write instead."""


@dataclass(slots=True)
class Document:
    """What a text holds, None if nothing, and the keys that stand twice, each with its line."""

    content: Any = None
    doubles: list[tuple[int, str]] = field(default_factory=list)


class _ExactLoader(SafeLoader):  # type: ignore[misc, valid-type]
    """A safe loader that reads 7.8 as Decimal('7.8')."""


def _decimal(loader: yaml.SafeLoader, node: yaml.Node) -> Decimal:
    text = str(loader.construct_scalar(node))  # type: ignore[arg-type]
    if not PLAIN_NUMBER.fullmatch(text):
        raise ValueError(f"{text[:40]} is no plain decimal")
    return Decimal(text)


def _whole(loader: yaml.SafeLoader, node: yaml.Node) -> int:
    text = str(loader.construct_scalar(node))  # type: ignore[arg-type]
    if not WHOLE_NUMBER.fullmatch(text):
        raise ValueError(f"{text[:40]} is no plain whole number of at most 18 digits")
    return int(text)


_ExactLoader.add_constructor("tag:yaml.org,2002:float", _decimal)
_ExactLoader.add_constructor("tag:yaml.org,2002:int", _whole)


def compose(text: str) -> Document:
    """Read the one document of a text.

    Raises: Hostile; yaml.YAMLError; ValueError or ArithmeticError of a number or a day.
    """
    loader = _ExactLoader(text)
    try:
        return _Composer(loader).document()
    finally:
        loader.dispose()


class _Composer:
    def __init__(self, loader: yaml.SafeLoader) -> None:
        self._next: Callable[[], Any] = loader.get_event
        self._loader = loader
        self._plain: dict[str, Any] = {}
        self._found = Document()

    def document(self) -> Document:
        self._next()
        if isinstance(self._next(), yaml.StreamEndEvent):
            return self._found
        self._found.content = self._node(self._next(), 0)
        self._next()
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            raise yaml.composer.ComposerError(
                "expected a single document in the stream",
                after.start_mark,
                "but found another document",
                after.start_mark,
            )
        return self._found

    def _node(self, event: Any, depth: int) -> Any:
        kind = type(event)
        if kind is yaml.AliasEvent:
            raise Hostile("aliases (*name) are not read; write the value out")
        if event.tag is not None:
            raise Hostile("tags (!name) are not read; write the plain value")
        if kind is yaml.ScalarEvent:
            return self._scalar(event)
        if depth == DEPTH_MAX:
            raise Hostile(f"nested deeper than {DEPTH_MAX}; no model needs that")
        if kind is yaml.MappingStartEvent:
            return self._mapping(event, depth + 1)
        entries = []
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            entries.append(self._node(event, depth + 1))
        return entries

    def _mapping(self, start: Any, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        seen: set[str] = set()
        while type(event := self._next()) is not yaml.MappingEndEvent:
            key = self._node(event, depth)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(
                    "while constructing a mapping",
                    start.start_mark,
                    "found unhashable key",
                    event.start_mark,
                )
            name = event.value
            if name in seen:
                self._found.doubles.append((event.start_mark.line + 1, name))
            seen.add(name)
            found[key] = self._node(self._next(), depth)
        return found

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if text == "<<":
            raise Hostile("merges (<<) are not read; write the values out")
        if not event.implicit[0]:
            return text
        if text in self._plain:
            return self._plain[text]
        tag = self._loader.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
        node = yaml.ScalarNode(tag, text, event.start_mark, event.end_mark)
        value = self._plain[text] = self._loader.construct_object(node)
        return value
