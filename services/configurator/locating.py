"""In which line of a model's file a fault stands: looked for only when there is one."""

import re
from collections.abc import Callable, Iterator, Sequence

import yaml

# How faults begin, and what then stands in the file: an id, or an id and one below it.
_IDS = (
    re.compile(r"(?:rule|budget|example) (?P<id>[A-Z][A-Z0-9-]*)"),
    re.compile(r"(?:option )?'(?P<id>[a-z][a-z0-9_]*)\.(?P<below>[A-Za-z0-9_]+)'"),
    re.compile(r"(?:attribute|parameter) '(?P<id>[a-z][a-z0-9_]*)'"),
)
_PART = re.compile(r"bill of materials, (?P<option>\S+) -> (?P<sku>[^:]+)")


def by_id(text: str, fault: str) -> int | None:
    """Return the line, from 1, of the piece that a fault begins with; None, if it is not found."""
    lines = text.splitlines()
    part = _PART.match(fault)
    if part:
        words = (f"option: {part['option']}", part["sku"])
        return _first(lines, lambda line: all(each in line for each in words))
    found = next((each for pattern in _IDS if (each := pattern.match(fault))), None)
    if found is None:
        return None
    line = _first(lines, lambda each: _has_id(each, found["id"]))
    below = found.groupdict().get("below")
    if line is None or below is None:
        return line
    return _first(lines, lambda each: _has_id(each, below), line) or line


def by_place(text: str, place: Sequence[str | int]) -> int | None:
    """Return the line, from 1, of the value that a list of keys and indexes leads to.

    A key that leads nowhere is passed over: it names a kind, or what is missing below the last one.
    """
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line = None
    for key in place:
        below = dict(_below(node)).get(str(key))
        if below is not None:
            node, line = below, below.start_mark.line + 1
    return line


def _below(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), value
    elif isinstance(node, yaml.SequenceNode):
        yield from ((str(number), each) for number, each in enumerate(node.value))


def _has_id(line: str, name: str) -> bool:
    return re.search(rf"\bid: *[\"']?{re.escape(name)}[\"']?(?:[,}}\s]|$)", line) is not None


def _first(lines: Sequence[str], fits: Callable[[str], bool], start: int = 0) -> int | None:
    return next((at + 1 for at in range(start, len(lines)) if fits(lines[at])), None)
