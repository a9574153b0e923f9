"""In which line of a model's file a fault stands: looked for only when there is one."""

import re
from collections.abc import Sequence

import yaml

# How faults begin, and the sections of the file where what they name stands.
_NAMED = (
    (re.compile(r"rule ([A-Z][A-Z0-9-]*)"), "rules"),
    (re.compile(r"table ([A-Z][A-Z0-9-]*)"), "tables"),
    (re.compile(r"budget ([A-Z][A-Z0-9-]*)"), "budgets"),
    (re.compile(r"example ([A-Z][A-Z0-9-]*)"), "examples"),
    (re.compile(r"attribute '([a-z][a-z0-9_]*)'"), "attributes"),
    (re.compile(r"parameter '([a-z][a-z0-9_]*)'"), "parameters"),
)
_COMPONENT = re.compile(r"component '([a-z][a-z0-9_.]*)':")
_INSIDE = re.compile(r" \(component '([a-z][a-z0-9_.]*)'\)")
_MEASURE = re.compile(r"measure '([a-z][a-z0-9_]*)'")
_OPTION = re.compile(r"(?:option )?'([a-z][a-z0-9_]*)\.([A-Za-z0-9_-]+)'")
_PART = re.compile(r"bill of materials, (\S+) -> ([^:]+?)(?::| \(component|$)")


def line_of(tree: yaml.Node | None, fault: str) -> int | None:
    """Return the line, from 1, of the piece that a fault begins with; None, if it is not found."""
    found = None
    if match := _INSIDE.search(fault):
        tree = _component(tree, match[1])
    if match := _COMPONENT.match(fault):
        found = _component(tree, match[1])
    for pattern, section in _NAMED:
        if match := pattern.match(fault):
            found = _piece(_at(tree, section), id=match[1])
    if match := _MEASURE.match(fault):
        found = _at(_at(tree, "measures"), match[1])
    elif match := _OPTION.match(fault):
        attribute = _piece(_at(tree, "attributes"), id=match[1])
        found = _piece(_at(attribute, "options"), id=match[2]) or attribute
    elif match := _PART.match(fault):
        found = _piece(_at(tree, "bill_of_materials"), option=match[1], sku=match[2])
    return None if found is None else found.start_mark.line + 1


def _component(tree: yaml.Node | None, path: str) -> yaml.Node | None:
    for name in path.split("."):
        tree = _piece(_at(tree, "components"), id=name)
    return tree


def line_at(tree: yaml.Node | None, place: Sequence[str | int]) -> int | None:
    """Return the line, from 1, of the value that a list of keys and indexes leads to.

    A key that leads nowhere is passed over: it names a kind, or what is missing below the last one.
    """
    node, line = tree, None
    for key in place:
        below = _at(node, str(key))
        if below is not None:
            node, line = below, below.start_mark.line + 1
    return line


def _at(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if str(name.value) == key), None)
    if isinstance(node, yaml.SequenceNode) and key.isdecimal() and int(key) < len(node.value):
        found: yaml.Node = node.value[int(key)]
        return found
    return None


def _piece(section: yaml.Node | None, **wanted: str) -> yaml.Node | None:
    """Return the piece of a section that has these values."""
    if not isinstance(section, yaml.SequenceNode):
        return None
    return next(
        (
            each
            for each in section.value
            if all(_text(_at(each, key)) == value for key, value in wanted.items())
        ),
        None,
    )


def _text(node: yaml.Node | None) -> str | None:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else None
