"""Reading UVL, the Universal Variability Language: feature models as other tools write them.

Read are the tree (mandatory, optional, alternative, or, cardinalities of groups and of features),
attributes, typed features, and constraints with logic, arithmetic, texts and aggregates. Source of
the language: Benavides et al., UVL: Feature modelling with the Universal Variability Language, JSS
225 (2025).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NoReturn

from lark import Token, Tree
from lark.exceptions import UnexpectedInput
from lark.indenter import DedentError

from contracts.errors import Refused
from services.configurator.domain.uvl.grammar import parsed

CHARACTERS_MAX = 20_000_000
DEPTH_MAX = 60
FACTORS_MAX = 50


class UvlFault(Refused):
    """A UVL text can not be read; the message says where and what to write instead."""

    code = "model.uvl"
    title = "The UVL model has a fault"


@dataclass(frozen=True, slots=True)
class Named:
    """A feature or an attribute of one: `feature` or `feature.attribute`."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a text or a truth value."""

    value: Decimal | str | bool


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator or a function and what it is applied to."""

    sign: str
    operands: tuple["Formula", ...]


Formula = Named | Constant | Operation


@dataclass(slots=True)
class Group:
    """Features below one parent, of which at least and at most so many are selected with it."""

    least: int
    most: int
    members: list["Feature"]


@dataclass(slots=True)
class Feature:
    """One feature: its name, its kind, its attributes by name, its groups, and where it stands.

    `times`: how often it occurs where it is selected, at least and at most; None: once.
    """

    name: str
    kind: str = "Boolean"
    line: int = 0
    times: tuple[int, int] | None = None
    attributes: dict[str, Decimal | str | bool] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    def all(self) -> Iterator["Feature"]:
        """Yield the feature and everything below it, parents first."""
        pending = [self]
        while pending:
            each = pending.pop()
            yield each
            below = [member for group in each.groups for member in group.members]
            pending.extend(reversed(below))


@dataclass(frozen=True, slots=True)
class FeatureModel:
    """A tree of features, and constraints with their own words."""

    root: Feature
    constraints: tuple[tuple[str, Formula], ...]


def parse(text: str) -> FeatureModel:
    """Read a UVL text.   Raises: UvlFault."""
    if len(text) > CHARACTERS_MAX:
        _fault(f"the text is longer than {CHARACTERS_MAX} characters")
    _shallow(text)
    try:
        return _Reading(text).model(parsed(text.rstrip() + "\n"))
    except UnexpectedInput as fault:
        line = text.splitlines()[fault.line - 1].strip()[:80] if fault.line > 0 else ""
        _fault(f"line {fault.line}: '{line}' can not be read at column {fault.column}")
    except DedentError as fault:
        _fault(f"the lines are not indented evenly: {fault}")
    except RecursionError:
        _fault(f"the text is nested deeper than {DEPTH_MAX}")


def _shallow(text: str) -> None:
    """Refuse nesting that only a hostile text has, before anything is built of it."""
    levels: list[int] = []
    for number, whole in enumerate(text.splitlines(), 1):
        line = _QUOTED.sub("", whole)
        if not line.strip():
            continue
        indented = len(line) - len(line.lstrip())
        while levels and levels[-1] >= indented:
            levels.pop()
        levels.append(indented)
        depth = most = 0
        for each in line:
            depth += (each in "({[") - (each in ")}]")
            most = max(most, depth)
        if max(most, len(levels), line.count("=>")) > DEPTH_MAX or _STACKED(line):
            _fault(f"line {number} is nested deeper than {DEPTH_MAX}")


_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|//.*")
_STACKED = re.compile(rf"([!-]\s*){{{DEPTH_MAX}}}").search


class _Reading:
    """Builds the model out of the parsed tree."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._own: list[tuple[str, Formula]] = []
        self._names: set[str] = set()

    def model(self, tree: Tree[Token]) -> FeatureModel:
        roots = [each for part in tree.find_data("features") for each in _trees(part)]
        if len(roots) != 1:
            _fault(f"a model has one root feature; this one has {len(roots)}")
        if any(tree.find_data("imports")):
            _fault("imports are not read; put all features into one file")
        root = self._feature(roots[0])
        rules = [
            self._rule(each) for part in tree.find_data("constraints") for each in _trees(part)
        ]
        return FeatureModel(root, (*rules, *self._own))

    def _feature(self, tree: Tree[Token]) -> Feature:
        kind, name, times, attributes, *groups = tree.children
        path, line = _path(name), tree.meta.line
        found = Feature(".".join(path), str(kind or "Boolean"), line)
        if found.name in self._names:
            _fault(f"line {line}: there are two features '{found.name}'; rename one")
        if isinstance(times, Tree):
            found.times = _times(found, str(times.children[0]))
        self._names.add(found.name)
        if isinstance(attributes, Tree):
            found.attributes = self._attributes(attributes)
        found.groups = [self._group(each) for each in groups if isinstance(each, Tree)]
        return found

    def _group(self, tree: Tree[Token]) -> Group:
        head, *members = tree.children
        found = [self._feature(each) for each in members if isinstance(each, Tree)]
        least, most = _span(str(head), len(found))
        return Group(least, most, found)

    def _attributes(self, tree: Tree[Token]) -> dict[str, Decimal | str | bool]:
        found: dict[str, Decimal | str | bool] = {}
        for each in _trees(tree):
            if each.data == "own":
                self._own.extend(self._rule(one) for one in _trees(each))
                continue
            name, value = each.children
            read = True if value is None else _value(value)
            if read is not None:
                found[_path(name)[0]] = read
        return found

    def _rule(self, tree: Tree[Token]) -> tuple[str, Formula]:
        meta = tree.meta
        words = self._text[meta.start_pos : meta.end_pos].strip()
        inner = tree.children[0] if tree.data == "constraint" else tree
        return words, _formula(inner)


def _formula(tree: Any) -> Formula:
    """Return the formula of an expression's tree."""
    if isinstance(tree, Token):
        _fault(f"line {tree.line}: '{tree}' is no expression")
    parts = tree.children
    match tree.data:
        case "reference":
            return Named(_path(tree))
        case "number":
            return Constant(Decimal(parts[0]))
        case "text":
            return Constant(str(parts[0])[1:-1])
        case "truth":
            return Constant(parts[0] == "true")
        case "call":
            return Operation(str(parts[0]), tuple(_formula(each) for each in parts[1:]))
        case "signed":
            return _formula(parts[1]) if parts[0] == "+" else _minus(parts[1])
        case "comparison":
            return Operation(str(parts[1]), (_formula(parts[0]), _formula(parts[2])))
        case "sum":
            signed = zip(parts[1::2], parts[2::2], strict=True)
            rest = [_formula(each) if sign == "+" else _minus(each) for sign, each in signed]
            return Operation("+", (_formula(parts[0]), *rest))
        case "product":
            if len(parts) > 2 * FACTORS_MAX:
                _fault(f"line {tree.meta.line}: a product of more than {FACTORS_MAX} numbers")
            found = _formula(parts[0])
            for sign, each in zip(parts[1::2], parts[2::2], strict=True):
                found = Operation(str(sign), (found, _formula(each)))
            return found
        case name:
            return Operation(_SIGNS[name], tuple(_formula(each) for each in parts))


def _minus(tree: Any) -> Formula:
    return Operation("-", (_formula(tree),))


_SIGNS = {
    "iff": "<=>",
    "implies": "=>",
    "disjunction": "|",
    "conjunction": "&",
    "negated": "!",
}


def _span(head: str, members: int) -> tuple[int, int]:
    """Return how many members of a group are selected, at least and at most."""
    fixed = {
        "mandatory": (members, members),
        "optional": (0, members),
        "alternative": (1, 1),
        "or": (1, members),
    }
    if head in fixed:
        return fixed[head]
    low, _, high = head.strip("[]").partition("..")
    least = int(low)
    most = least if not high else members if high.strip() == "*" else int(high)
    return least, min(most, members)


def _times(feature: Feature, head: str) -> tuple[int, int]:
    """Return how often a feature occurs, at least and at most."""
    place = f"line {feature.line}: '{feature.name}' occurs {head} times"
    if "*" in head:
        _fault(f"{place}, without an upper bound; write one, as in [1..5]")
    least, most = _span(head, int(head.strip("[]").rpartition("..")[2]))
    if not 0 <= least <= most or not most:
        _fault(f"{place}; write at least and at most, as in [1..5]")
    return least, most


def _value(tree: Any) -> Decimal | str | bool | None:
    """Return the value of an attribute; None for lists and records, which nothing refers to."""
    if tree.data in {"attributes", "values"}:
        return None
    if tree.data == "signed":
        sign, number = tree.children
        return Decimal(f"{sign}{number}")
    found = _formula(tree)
    return found.value if isinstance(found, Constant) else None


def _path(tree: Any) -> tuple[str, ...]:
    names = [tree] if tree.data == "name" else tree.children
    return tuple(str(each.children[0]).strip('"') for each in names)


def _trees(tree: Tree[Token]) -> list[Tree[Token]]:
    return [each for each in tree.children if isinstance(each, Tree)]


def _fault(message: str) -> NoReturn:
    raise UvlFault(message)
