"""Constraints of a feature model as exact bounds: sums of attributes, typed values, texts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NoReturn

from services.configurator.domain.language.expression import Number, exact
from services.configurator.domain.solving import bounds as b
from services.configurator.domain.uvl.instances import Unrolled
from services.configurator.domain.uvl.linear import ROUND, Names
from services.configurator.domain.uvl.text import (
    Constant,
    Feature,
    Formula,
    Named,
    Operation,
    UvlFault,
)
from services.configurator.domain.uvl.typed import Typing


@dataclass(frozen=True, slots=True)
class Carried:
    """Which features carry an attribute: those that are selected once, so instances count each."""

    features: Mapping[str, Feature]
    below: Mapping[str, Sequence[str]]
    root: str
    counted: frozenset[str]

    @classmethod
    def of(cls, tree: Unrolled) -> "Carried":
        """Return what a tree carries."""
        several = {each.name for each, _ in tree.ladders} | {name for name, _ in tree.anywhere}
        features = {each.name: each for each in tree.features}
        counted = frozenset(name for name in features if name not in several)
        return cls(features, tree.below(), tree.features[0].name, counted)

    def by(self, aggregate: Operation) -> Iterator[tuple[Feature, Decimal]]:
        """Yield who carries the attribute of sum() or avg(), everywhere or below one feature."""
        *below, last = (each for each in aggregate.operands if isinstance(each, Named))
        pending = [".".join(below[0].path) if below else self.root]
        if pending[0] not in self.features:
            _fault(f"a constraint names '{pending[0]}', which is no feature")
        while pending:
            name = pending.pop()
            pending.extend(reversed(self.below.get(name, ())))
            feature = self.features[name]
            value = feature.attributes.get(last.path[-1])
            if name in self.counted and isinstance(value, Decimal):
                yield feature, value


class Arithmetic:
    """Makes bounds of constraints; `places` of typed values are beside those of the flags."""

    def __init__(
        self,
        names: Names,
        typing: Typing,
        flags: Mapping[str, int],
        places: Mapping[str, int],
    ) -> None:
        self._names = names
        self._typing = typing
        self._flags = flags
        self._places = places

    def truth(self, formula: Formula, scope: set[int]) -> b.Bounds:
        """Return the bounds of a condition, and add what it is about to the scope."""
        match formula:
            case Named():
                return b.flag(self._flag(formula, scope))
            case Constant(value=bool() as value):
                return b.constant(int(value))
            case Operation(sign="!", operands=(inner,)):
                return b.inverse(self.truth(inner, scope))
            case Operation(sign="&" | "|" as sign, operands=parts):
                choose: Callable[[list[Number]], Number] = min if sign == "&" else max
                return b.extreme(choose, [self.truth(each, scope) for each in parts])
            case Operation(sign="=>", operands=(one, other)):
                return b.extreme(max, [b.inverse(self.truth(one, scope)), self.truth(other, scope)])
            case Operation(sign="<=>", operands=(one, other)):
                return b.equal(self.truth(one, scope), self.truth(other, scope))
            case Operation(sign=sign, operands=(one, other)) if sign in _COMPARES:
                return self._compared(formula, scope)
            case _:
                raise UvlFault("a constraint is a condition: compare numbers, or combine features")

    def _compared(self, compared: Operation, scope: set[int]) -> b.Bounds:
        texts = [self._names.text(each) for each in compared.operands]
        if None in texts:
            one, other = (self._number(each, scope) for each in compared.operands)
        elif compared.sign not in {"==", "!="}:
            _fault(f"texts are the same (==) or not (!=), they are not compared by {compared.sign}")
        else:
            one, other = (self._text(each, scope) for each in compared.operands)
        return _COMPARES[compared.sign](one, other)

    def _number(self, formula: Formula, scope: set[int]) -> b.Bounds:
        match formula:
            case Constant(value=Decimal() as value):
                return b.constant(exact(value))
            case Named():
                return self._rounded("value", formula, scope)
            case Operation(sign="floor" | "ceil" | "len" as sign, operands=(Named() as inner,)):
                return self._rounded(sign, inner, scope)
            case Operation(sign="sum" | "avg" as sign):
                return self._aggregate(formula, scope)
            case Operation(sign="-", operands=(inner,)):
                return b.negative(self._number(inner, scope))
            case Operation(sign="+", operands=parts):
                return b.total([self._number(each, scope) for each in parts])
            case Operation(sign="*", operands=(one, other)):
                return b.times(self._number(one, scope), self._number(other, scope))
            case Operation(sign="/", operands=(one, Constant(value=Decimal() as by))) if by:
                return b.times(self._number(one, scope), b.constant(Fraction(1) / exact(by)))
            case _:
                raise UvlFault(
                    "a number is a constant, an attribute, a feature of kind Integer or Real,"
                    " sum(), avg(), floor(), ceil(), len(), or + - * of them, or one / a constant"
                )

    def _rounded(self, what: str, named: Named, scope: set[int]) -> b.Bounds:
        """Return the value of a feature or an attribute as it is, rounded, or its length."""
        words = ".".join(named.path)
        feature, carried = self._names.typed(named), self._names.attribute(named)
        if feature is not None and (feature.kind == "String") == (what == "len"):
            values = self._typing.values[feature.name]
            numbers = values.lengths if what == "len" else map(ROUND[what], values.numbers)
            return self._valued(feature, numbers, scope)
        if feature is None and carried is None:
            self._known(named)
        if isinstance(carried, Decimal) and what != "len":
            return self._carried(named, ROUND[what](exact(carried)), scope)
        if isinstance(carried, str) and what == "len":
            return self._carried(named, len(carried), scope)
        raise UvlFault(f"'{words}' is no {'text' if what == 'len' else 'number'}")

    def _text(self, formula: Formula, scope: set[int]) -> b.Bounds:
        found = self._names.text(formula)
        if isinstance(found, Feature):
            return self._valued(found, self._typing.values[found.name].numbers, scope)
        number = self._typing.text(str(found))
        if isinstance(formula, Named):
            return self._carried(formula, number, scope)
        return b.constant(number)

    def _valued(self, feature: Feature, numbers: Iterable[Number], scope: set[int]) -> b.Bounds:
        """Return the bounds of a typed value; where it is not selected, of 0 or of ''."""
        place = self._places[feature.name]
        scope.add(place)
        return b.carried(place, (0, *numbers))

    def _carried(self, named: Named, value: Number, scope: set[int]) -> b.Bounds:
        return b.carried(self._flag(Named(named.path[:-1]), scope), (0, value))

    def _flag(self, named: Named, scope: set[int]) -> int:
        name = ".".join(named.path)
        if name not in self._flags:
            _fault(f"a constraint names '{name}', which is no feature")
        scope.add(self._flags[name])
        return self._flags[name]

    def _known(self, named: Named) -> None:
        """Refuse what is neither a feature nor an attribute of one."""
        name, owner = ".".join(named.path), ".".join(named.path[:-1])
        if owner in self._flags and name not in self._flags:
            _fault(f"'{owner}' has no attribute '{named.path[-1]}'")
        if name not in self._flags:
            _fault(f"a constraint names '{name}', which is no feature")

    def _aggregate(self, aggregate: Operation, scope: set[int]) -> b.Bounds:
        """Return sum or avg of an attribute, over all features or over those below one."""
        owners = [
            (self._flags[each.name], value) for each, value in self._names.carriers(aggregate)
        ]
        if not owners:
            *_, last = (each for each in aggregate.operands if isinstance(each, Named))
            _fault(f"no feature carries the attribute '{last.path[-1]}'")
        scope.update(place for place, _ in owners)
        total = b.total([b.carried(place, (0, exact(value))) for place, value in owners])
        if aggregate.sign == "sum":
            return total
        return b.mean(total, b.total([b.flag(place) for place, _ in owners]))


_COMPARES: dict[str, Callable[[b.Bounds, b.Bounds], b.Bounds]] = {
    "==": b.equal,
    "!=": lambda one, other: b.inverse(b.equal(one, other)),
    "<": lambda one, other: b.less(one, other, or_equal=False),
    "<=": lambda one, other: b.less(one, other, or_equal=True),
    ">": lambda one, other: b.less(other, one, or_equal=False),
    ">=": lambda one, other: b.less(other, one, or_equal=True),
}


def _fault(message: str) -> NoReturn:
    raise UvlFault(message)
