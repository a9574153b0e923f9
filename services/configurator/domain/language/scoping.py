"""Expressions about components, said in flat names: what the binder knows.

Inside a component a plain name is first an attribute of the instance, then of the one around it,
then of the product. Over the instances of a component, each counted only where it is there:

    count(radio)                how many
    count(radio, band = n78)    how many of which this holds
    sum(radio.power)            what their chosen options carry, or the numbers named so, in sum
    sum(radio, ports * 2)       a number of each, in sum
    all(radio, band != n78)     this holds of every one (also of none)
    any(radio, band = n78)      there is one of which this holds
"""

import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

from services.configurator.domain.language.components import Instance, every
from services.configurator.domain.language.expression import (
    Binary,
    Call,
    ExpressionFault,
    Has,
    Literal,
    Measure,
    Member,
    Name,
    Node,
    Unary,
)
from services.configurator.domain.language.model import (
    Attribute,
    ChoiceAttribute,
    IntegerOfComponent,
    MultiAttribute,
)
from services.configurator.domain.language.naming import nearest
from services.configurator.domain.language.nodes import STEPS_MAX

UNKNOWN = re.compile(r"unknown (?:name|attribute) '([a-z0-9_]+)'")


def there(instance: Instance, said: Node) -> Node:
    """Return the condition that an instance is there, for something that is said of it."""
    return Call("there", (Name(instance.count), Literal(instance.number, ""), said))


class Scope:
    """Rewrites expressions of one model."""

    def __init__(self, attributes: Mapping[str, Attribute], tops: Sequence[Instance]) -> None:
        self._attributes = attributes
        self._tops = tops

    def flat(self, node: Node, inside: Instance | None = None) -> Node:
        """Return the expression in flat names.   Raises: ExpressionFault, also beyond a bound."""
        return _Writer(self._attributes, self._tops).node(node, inside)


class _Writer:
    """Rewrites one expression; what it grows to is bounded."""

    def __init__(self, attributes: Mapping[str, Attribute], tops: Sequence[Instance]) -> None:
        self._attributes = attributes
        self._tops = tops
        self._steps = 0

    def node(self, node: Node, inside: Instance | None) -> Node:
        self._steps += 1
        if self._steps > STEPS_MAX:
            _fault(f"takes more than {STEPS_MAX} steps over all instances; say it with fewer")
        match node:
            case Name():
                return Name(_found(node.id, inside))
            case Measure():
                return self._measure(node, inside)
            case Has():
                return Has(_found(node.attribute, inside), node.option)
            case Member():
                return Member(self.node(node.subject, inside), node.items)
            case Unary():
                return Unary(node.sign, self.node(node.operand, inside))
            case Binary():
                return self._binary(node, inside)
            case Call():
                return self._call(node, inside)
            case _:
                return node

    def _binary(self, node: Binary, inside: Instance | None) -> Node:
        left = self.node(node.left, inside)
        if node.sign in {"=", "!="} and isinstance(left, Name):
            attribute = self._attributes.get(left.id)
            if isinstance(attribute, ChoiceAttribute | MultiAttribute):
                return Binary(node.sign, left, node.right)  # the id of an option is no name
        return Binary(node.sign, left, self.node(node.right, inside))

    def _measure(self, node: Measure, inside: Instance | None) -> Node:
        if self._instances(node.attribute, inside):
            _fault(
                f"'{node.attribute}' is a component: write sum({node.attribute}.{node.measure})"
                f" for all of them"
            )
        return Measure(_found(node.attribute, inside), node.measure)

    def _call(self, node: Call, inside: Instance | None) -> Node:
        first = node.arguments[0]
        if node.function in {"all", "any"} or (
            node.function in {"sum", "count"} and len(node.arguments) > 1
        ):
            return self._over(node, inside)
        if node.function == "count" and isinstance(first, Name):
            if self._instances(first.id, inside):
                return Name(_found(first.id, inside))
        elif node.function == "sum" and isinstance(first, Measure):
            return self._carried(first, inside)
        elif node.function == "sum" and isinstance(first, Name):
            return self._of_one(first.id, inside) if inside else self._of_all(node, first.id)
        return Call(node.function, tuple(self.node(each, inside) for each in node.arguments))

    def _over(self, node: Call, inside: Instance | None) -> Node:
        """Return what is said of each instance, joined."""
        if len(node.arguments) != len(("component", "what")):
            _fault(f"{node.function}(...) takes a component and what is said of each instance")
        first, said = node.arguments
        found = self._instances(first.id, inside) if isinstance(first, Name) else []
        if not found:
            name = first.id if isinstance(first, Name) else "what is no name"
            hint = _nearest(name, self._tops, inside)
            _fault(f"{node.function}(...) over '{name}', which is no component{hint}")
        parts = [(each, self.node(said, each)) for each in found]
        match node.function:
            case "all":
                return Call("all", tuple(_where("implies", *each) for each in parts))
            case "any":
                return Call("any", tuple(_where("and", *each) for each in parts))
            case "count":
                met = [_where("and", *each) for each in parts]
                return Call("total", tuple(Call("where", (each, Literal(1, ""))) for each in met))
            case _:
                return Call(
                    "total",
                    tuple(
                        value if each.sure else Call("where", (there(each, value), value))
                        for each, value in parts
                    ),
                )

    def _carried(self, node: Measure, inside: Instance | None) -> Node:
        """Return a measure, or a number, of all instances of a component in sum."""
        found = self._instances(node.attribute, inside)
        if not found:
            _fault(
                f"sum({node.attribute}.{node.measure}): '{node.attribute}' is no component"
                f"{_nearest(node.attribute, self._tops, inside)};"
                f" for one attribute write {node.attribute}.{node.measure}"
            )
        carried = [self._carriers(each, node.measure) for each in found]
        if _has_number(found[0], node.measure):
            if any(carried):
                _fault(
                    f"'{node.measure}' is a number of '{node.attribute}' and a measure of its"
                    f" options; rename one, or write sum({node.attribute}, {node.measure})"
                )
            names = [Name(each.attribute(node.measure)) for each in found]
            return Call("total", tuple(names))
        parts = [part for each in carried for part in each]
        if not parts:
            _fault(
                f"no option of component '{node.attribute}' carries the measure '{node.measure}',"
                f" and it has no number of that name"
            )
        return Call("total", tuple(parts))

    def _of_one(self, measure: str, inside: Instance) -> Node:
        parts = self._carriers(inside, measure)
        if not parts:
            _fault(
                f"no option of component '{inside.component.id}' carries the measure '{measure}'"
            )
        return Call("total", tuple(parts))

    def _of_all(self, node: Call, measure: str) -> Node:
        """Return what the whole product carries of a measure."""
        parts = [
            Measure(name, measure)
            for name, attribute in self._attributes.items()
            if carries(attribute, measure)
        ]
        self._steps += len(parts)
        return Call("total", tuple(parts)) if self._tops and parts else node

    def _carriers(self, instance: Instance, measure: str) -> list[Node]:
        """Return what an instance and those it holds carry of a measure."""
        found: list[Node] = [
            Measure(each.attribute(attribute.id), measure)
            for each in every([instance])
            for attribute in each.component.attributes
            if carries(attribute, measure)
        ]
        self._steps += len(found)
        return found

    def _instances(self, name: str, inside: Instance | None) -> list[Instance]:
        """Return the instances of the component that a name stands for; none, if it is none."""
        around = inside
        while around is not None:
            if _owns(around, name):
                return [each for each in around.below() if each.component.id == name]
            around = around.around
        return [each for each in self._tops if each.component.id == name]


def carries(attribute: object, measure: str) -> bool:
    """Say whether an option of the attribute carries the measure."""
    return any(measure in each.measures for each in getattr(attribute, "options", ()))


def _where(sign: str, instance: Instance, said: Node) -> Node:
    return said if instance.sure else Binary(sign, there(instance, said), said)


def _has_number(instance: Instance, name: str) -> bool:
    return any(
        each.id == name and isinstance(each, IntegerOfComponent)
        for each in instance.component.attributes
    )


def _owns(instance: Instance, name: str) -> bool:
    component = instance.component
    return any(each.id == name for each in (*component.attributes, *component.components))


def _found(name: str, inside: Instance | None) -> str:
    """Return the flat id that a name stands for."""
    while inside is not None:
        if _owns(inside, name):
            return inside.attribute(name)
        inside = inside.around
    return name


def _nearest(name: str, tops: Sequence[Instance], inside: Instance | None) -> str:
    known = {each.component.id for each in (*tops, *(inside.below() if inside else ()))}
    return nearest(name, known)


def as_written(message: str, inside: Instance | None) -> str:
    """Return a fault of one instance in the names of the model as written."""
    own: list[str] = []
    while inside is not None:
        own += [each.id for each in (*inside.component.attributes, *inside.component.components)]
        message = message.replace(f"{inside.prefix}_", "")
        inside = inside.around
    unknown = UNKNOWN.fullmatch(message)
    return f"{message}{nearest(unknown[1], own)}" if unknown else message


def _fault(message: str) -> NoReturn:
    raise ExpressionFault(message)
