"""Reads a price book or an FX table that somebody hands in: exactly, whole, in bounded time."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import yaml
from pydantic import ValidationError

from infra.json_body import first_again, once
from services.pricer.books import BookRefused
from services.pricer.domain.books.book import FxTable, PriceBook, read_book, read_fx
from services.pricer.domain.books.faults import rule_of
from services.pricer.domain.lint.lint import Finding
from services.pricer.domain.releases.releasing import Kind

BYTES_MAX = 32 * 1024 * 1024
# With every alias written out; a book of a hundred thousand entries has 2 million.
NODES_MAX = 4_000_000
DEPTH_MAX = 20
FAULTS_MAX = 20
PLAIN_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")

# The parser in C is ten times faster and says the same; not every build of PyYAML has it.
_SafeLoader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _ExactLoader(_SafeLoader):  # type: ignore[misc, valid-type]
    """A safe loader that reads 7.8 as Decimal('7.8')."""


def _exact(loader: yaml.SafeLoader, node: yaml.Node) -> Decimal | int:
    return _number(str(loader.construct_scalar(node)))  # type: ignore[arg-type]


_ExactLoader.add_constructor("tag:yaml.org,2002:float", _exact)
_ExactLoader.add_constructor("tag:yaml.org,2002:int", _exact)


def from_yaml(raw: bytes, name: str) -> dict[str, Any]:
    """Read YAML; what is small to write and endless to read is refused.   Raises: BookRefused."""
    text = _text(raw, name)
    try:
        loader = _ExactLoader(text)
        tree = loader.get_single_node()
        if tree is not None:
            _bounded(tree, {}, 1)
        found = None if tree is None else loader.construct_document(tree)
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise refusal(
            name, [Finding("file", f"is no clean YAML: {where}{fault.problem}")]
        ) from None
    except (yaml.YAMLError, ValueError, ArithmeticError) as fault:
        raise refusal(name, [Finding("file", f"can not be read: {str(fault)[:200]}")]) from None
    return _mapping(found, name)


def from_json(raw: bytes, name: str) -> dict[str, Any]:
    """Read JSON; 7.8 is read as exactly 7.8.   Raises: BookRefused."""
    try:
        found = json.loads(
            _text(raw, name), parse_float=_number, parse_int=_number, object_pairs_hook=once
        )
    except (ValueError, ArithmeticError, RecursionError) as fault:
        raise refusal(name, [Finding("file", f"is no clean JSON: {str(fault)[:200]}")]) from None
    return _mapping(found, name)


def read(kind: Kind, document: Mapping[str, Any], name: str) -> PriceBook | FxTable:
    """Make a book or a table of a document.   Raises: BookRefused, with every fault."""
    try:
        return read_book(document) if kind == "book" else read_fx(document)
    except ValidationError as fault:
        found = [
            Finding(".".join(map(str, each["loc"])) or "document", rule_of(each))
            for each in fault.errors(include_url=False)
        ]
        raise refusal(name, found) from None
    except (TypeError, RecursionError) as fault:
        raise refusal(name, [Finding("document", str(fault)[:200])]) from None


def refusal(name: str, findings: list[Finding]) -> BookRefused:
    """Return the refusal of a document: the first faults in words, all as facts."""
    said = "; ".join(str(each) for each in findings[:FAULTS_MAX])
    more = len(findings) - FAULTS_MAX
    words = f"{name}: {said}" + (f" (and {more} more)" if more > 0 else "")
    return BookRefused(words, findings=[str(each) for each in findings[:200]])


def _text(raw: bytes, name: str) -> str:
    if len(raw) > BYTES_MAX:
        text = f"is larger than {BYTES_MAX // 1024 // 1024} MB; leave out what does not change"
        raise refusal(name, [Finding("file", text)])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        text = f"is not UTF-8 from byte {fault.start + 1} on; save it as UTF-8"
        raise refusal(name, [Finding("file", text)]) from None


def _number(text: str) -> Decimal | int:
    if not PLAIN_NUMBER.fullmatch(text):
        raise ValueError(f"{text[:40]} is no plain number; write it out, without an exponent")
    return Decimal(text) if "." in text else int(text)


def _mapping(found: Any, name: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise refusal(name, [Finding("file", "is not a mapping; start with `id:`")])
    return found


def _bounded(node: yaml.Node, sizes: dict[int, int], depth: int) -> int:
    """Count the nodes with aliases written out, each node once.   Raises: ValueError."""
    if id(node) in sizes:
        if not sizes[id(node)]:
            raise ValueError("an alias leads back into itself; write the value out")
        return sizes[id(node)]
    if depth > DEPTH_MAX:
        raise ValueError(f"it is nested deeper than {DEPTH_MAX}; no price book needs that")
    size = 1
    if isinstance(node, yaml.CollectionNode):
        sizes[id(node)] = 0
        if isinstance(node, yaml.MappingNode):
            _keys_once(node)
        for each in node.value:
            for child in each if isinstance(each, tuple) else (each,):
                size += _bounded(child, sizes, depth + 1)
        if size > NODES_MAX:
            raise ValueError(f"it holds more than {NODES_MAX} values; leave out what is not needed")
        sizes[id(node)] = size
    return size


def _keys_once(node: yaml.MappingNode) -> None:
    names = [str(key.value) for key, _ in node.value]
    if len(set(names)) < len(names):
        twice = first_again(names)
        line = node.start_mark.line + 1
        raise ValueError(f"{twice[:40]!r} stands twice in the mapping of line {line}; keep one")
