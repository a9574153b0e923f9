"""Binding: from a parsed expression to a term with names, kinds and units checked.

A fault is a sentence that says what is wrong and what to write instead; it is found when a model is
loaded, never when a seller clicks.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal as OneOf
from typing import NoReturn

from services.configurator.domain.language import units
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
    Number,
    Unary,
    exact,
)
from services.configurator.domain.language.model import (
    ChoiceAttribute,
    FlagAttribute,
    IntegerAttribute,
    MultiAttribute,
    Option,
)
from services.configurator.domain.language.naming import nearest
from services.configurator.domain.solving import bounds as b
from services.configurator.domain.solving import variables as v
from services.configurator.domain.solving.operators import ARITHMETIC, LOGIC
from services.configurator.domain.solving.space import Space

NOTHING = Decimal(0)
# Whatever looks at a term goes down into it: of what parameters are made of, so many in each other.
DEPTH_MAX = 150
Kind = OneOf["condition", "number"]


@dataclass(frozen=True, slots=True)
class Term:
    """A checked expression: its kind, its unit, the variables it looks at, and its bounds."""

    kind: Kind
    unit: str
    scope: frozenset[int]
    bounds: b.Bounds


class Binder:
    """Binds expressions against one space; parameters are added as they are bound, in order."""

    def __init__(self, space: Space, measures: Mapping[str, str]) -> None:
        self._space = space
        self._measures = measures
        self.parameters: dict[str, Term] = {}

    def condition(self, node: Node) -> Term:
        """Bind an expression that must be true or false."""
        return self._of_kind("condition", node)

    def number(self, node: Node) -> Term:
        """Bind an expression that must be a number."""
        return self._of_kind("number", node)

    def _of_kind(self, kind: Kind, node: Node) -> Term:
        term = self._bind(node)
        if term.kind != kind:
            _fault(f"expected a {kind}, found a {term.kind}: compare numbers, count or sum options")
        if term.bounds.depth > DEPTH_MAX:
            _fault(f"nested deeper than {DEPTH_MAX} with the parameters it is made of; unnest it")
        return term

    def _bind(self, node: Node) -> Term:
        match node:
            case Literal():
                return Term("number", _known(node.unit), frozenset(), b.constant(node.value))
            case Name():
                return self._name(node.id)
            case Measure():
                return self._measure(node)
            case Has():
                return self._has(node)
            case Member():
                return self._member(node)
            case Unary(sign="not"):
                term = self.condition(node.operand)
                return Term("condition", units.PLAIN, term.scope, b.inverse(term.bounds))
            case Unary():
                term = self.number(node.operand)
                return Term("number", term.unit, term.scope, b.negative(term.bounds))
            case Call():
                return self._call(node)
            case Binary():
                return self._binary(node)

    # ---- names

    def _name(self, name: str) -> Term:
        if name in self.parameters:
            return self.parameters[name]
        attribute = self._space.attributes.get(name)
        if attribute is None:
            _fault(
                f"unknown name '{name}'{nearest(name, [*self._space.attributes, *self.parameters])}"
            )
        place = self._space.places[name][0]
        if isinstance(attribute, IntegerAttribute):
            found = v.integer(self._space, attribute)
            return Term("number", attribute.unit, frozenset({place}), found)
        if not isinstance(attribute, FlagAttribute):
            _fault(f"'{name}' is a {attribute.kind}: write {name} = <option>, in {{...}} or has")
        return Term("condition", units.PLAIN, frozenset({place}), v.flag(self._space, place))

    def _options(self, name: str) -> tuple[Option, ...]:
        attribute = self._space.attributes.get(name)
        if attribute is None:
            _fault(f"unknown attribute '{name}'{nearest(name, self._space.attributes)}")
        if not isinstance(attribute, ChoiceAttribute | MultiAttribute):
            _fault(f"'{name}' is a {attribute.kind} and has no options")
        return attribute.options

    def _place(self, attribute: str, option: str) -> int:
        ids = [each.id for each in self._options(attribute)]
        if option not in ids:
            _fault(f"'{attribute}' has no option '{option}'{nearest(option, ids)}")
        return ids.index(option)

    def _measure(self, node: Measure) -> Term:
        if node.measure not in self._measures:
            _fault(f"unknown measure '{node.measure}'{nearest(node.measure, self._measures)}")
        options = self._options(node.attribute)
        places = self._space.places[node.attribute]
        values = [exact(each.measures.get(node.measure, NOTHING)) for each in options]
        if not any(node.measure in each.measures for each in options):
            _fault(f"no option of '{node.attribute}' carries the measure '{node.measure}'")
        unit = self._measures[node.measure]
        if isinstance(self._space.attributes[node.attribute], ChoiceAttribute):
            carried = v.carried(self._space, places[0], values)
            return Term("number", unit, frozenset(places), carried)
        pairs = zip(places, values, strict=True)
        parts = [v.carried(self._space, place, (0, value)) for place, value in pairs]
        return Term("number", unit, frozenset(places), b.total(parts))

    def _has(self, node: Has) -> Term:
        if not isinstance(self._space.attributes.get(node.attribute), MultiAttribute):
            _fault(f"'{node.attribute}' is not a multi-choice: 'has' needs one")
        place = self._space.places[node.attribute][self._place(node.attribute, node.option)]
        return Term("condition", units.PLAIN, frozenset({place}), v.flag(self._space, place))

    # ---- conditions

    def _member(self, node: Member) -> Term:
        if not isinstance(node.subject, Name):
            _fault("only an attribute can be 'in' a list")
        attribute = self._space.attributes.get(node.subject.id)
        if isinstance(attribute, IntegerAttribute):
            equals: list[Node] = [Binary("=", node.subject, item) for item in node.items]
            terms = [self.condition(each) for each in equals]
            return joined("condition", terms, b.extreme(max, [each.bounds for each in terms]))
        return self._chosen(node.subject.id, node.items)

    def _chosen(self, attribute: str, items: Iterable[Name | Literal]) -> Term:
        self._options(attribute)
        if not isinstance(self._space.attributes[attribute], ChoiceAttribute):
            _fault(f"'{attribute}' is a multi-choice: write {attribute} has <option>")
        wanted = 0
        for item in items:
            if not isinstance(item, Name):
                _fault(f"'{attribute}' has options, not numbers")
            wanted |= 1 << self._place(attribute, item.id)
        place = self._space.places[attribute][0]
        return Term("condition", units.PLAIN, frozenset({place}), b.member(place, wanted))

    def _binary(self, node: Binary) -> Term:
        sign = node.sign
        if sign in LOGIC:
            left, right = self.condition(node.left), self.condition(node.right)
            return joined("condition", (left, right), LOGIC[sign](left.bounds, right.bounds))
        if sign in ARITHMETIC:
            return self._arithmetic(node)
        if sign in {"=", "!="} and self._is_options(node.left):
            if not isinstance(node.left, Name) or not isinstance(node.right, Name):
                _fault("an attribute is compared with the id of one of its options")
            term = self._chosen(node.left.id, (node.right,))
        else:
            term = self._compared(node)
        if sign == "!=":
            return Term("condition", units.PLAIN, term.scope, b.inverse(term.bounds))
        return term

    def _is_options(self, node: Node) -> bool:
        return isinstance(node, Name) and isinstance(
            self._space.attributes.get(node.id), ChoiceAttribute | MultiAttribute
        )

    def _compared(self, node: Binary) -> Term:
        left, right = self.number(node.left), self.number(node.right)
        units.same(left.unit, right.unit, "compare")
        one, other = left.bounds, right.bounds
        if node.sign in {">", ">="}:
            one, other = other, one
        if node.sign in {"=", "!="}:
            return joined("condition", (left, right), b.equal(one, other))
        found = b.less(one, other, or_equal=node.sign.endswith("="))
        return joined("condition", (left, right), found)

    # ---- numbers

    def _arithmetic(self, node: Binary) -> Term:
        left, right = self.number(node.left), self.number(node.right)
        if node.sign == "/" and right.bounds(self._space.full())[0] <= 0:
            _fault("the divisor can be zero or less; divide by what is always above zero")
        unit_of, bounds_of = ARITHMETIC[node.sign]
        unit = unit_of(left.unit, right.unit)
        return Term("number", unit, left.scope | right.scope, bounds_of(left.bounds, right.bounds))

    def _call(self, node: Call) -> Term:
        if node.function in {"count", "sum"}:
            return self._aggregate(node)
        if node.function == "if":
            return self._if(node)
        if node.function == "ceil":
            _arguments(node, 1)
            term = self.number(node.arguments[0])
            return Term("number", term.unit, term.scope, b.ceiling(term.bounds))
        terms = [self.number(each) for each in node.arguments]
        unit = terms[0].unit
        for each in terms[1:]:
            unit = units.same(unit, each.unit, "compare")
        choose: Callable[[list[Number]], Number] = min if node.function == "min" else max
        found = b.extreme(choose, [each.bounds for each in terms])
        return joined("number", terms, found, unit)

    def _if(self, node: Call) -> Term:
        _arguments(node, 3)
        condition = self.condition(node.arguments[0])
        yes, no = self.number(node.arguments[1]), self.number(node.arguments[2])
        unit = units.same(yes.unit, no.unit, "choose between")
        found = b.choice(condition.bounds, yes.bounds, no.bounds)
        return joined("number", (condition, yes, no), found, unit)

    def _aggregate(self, node: Call) -> Term:
        _arguments(node, 1)
        subject = node.arguments[0]
        if not isinstance(subject, Name):
            _fault(f"{node.function}(...) takes one name")
        if node.function == "sum":
            return self._sum(subject.id)
        if not isinstance(self._space.attributes.get(subject.id), MultiAttribute):
            _fault(f"count(...) takes a multi-choice attribute, not '{subject.id}'")
        places = self._space.places[subject.id]
        found = b.total([v.flag(self._space, place) for place in places])
        return Term("number", units.PLAIN, frozenset(places), found)

    def _sum(self, measure: str) -> Term:
        terms = [
            self._measure(Measure(each.id, measure))
            for each in self._space.attributes.values()
            if isinstance(each, ChoiceAttribute | MultiAttribute)
            and any(measure in option.measures for option in each.options)
        ]
        if not terms:
            _fault(f"no option carries the measure '{measure}'{nearest(measure, self._measures)}")
        found = b.total([each.bounds for each in terms])
        return joined("number", terms, found, terms[0].unit)


def joined(kind: Kind, terms: Iterable[Term], found: b.Bounds, unit: str = units.PLAIN) -> Term:
    """Return the term that several make together."""
    return Term(kind, unit, frozenset().union(*(each.scope for each in terms)), found)


def _known(unit: str) -> str:
    if unit and unit not in units.UNITS:
        _fault(f"unknown unit '{unit}'{nearest(unit, units.UNITS)}")
    return unit


def _arguments(node: Call, wanted: int) -> None:
    if len(node.arguments) != wanted:
        _fault(f"{node.function}(...) takes {wanted} argument{'s' if wanted > 1 else ''}")


def _fault(message: str) -> NoReturn:
    raise ExpressionFault(message)
