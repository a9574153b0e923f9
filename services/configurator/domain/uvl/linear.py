"""What constraints of a feature model ask of numbers and texts: comparisons as linear forms.

A form is a sum of typed quantities (the value of a feature, the length of a text, a value rounded)
with factors, and a rest: the few numbers that constants and attributes can come to.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import product

from services.configurator.domain.language.expression import Number, exact
from services.configurator.domain.uvl.text import Constant, Feature, Formula, Named, Operation

# Of more different sums, a rest is not spelled out.
RESTS_MAX = 64
COMPARES = frozenset({"==", "!=", "<", "<=", ">", ">="})

# What of which feature: its "value", "floor", "ceil" or "len".
Quantity = tuple[str, str]
Rest = frozenset[Number]
# The features whose attribute an aggregate adds up, and the values that they carry.
Carriers = Callable[[Operation], Iterable[tuple[Feature, Decimal]]]


@dataclass(frozen=True, slots=True)
class Linear:
    """A sum of quantities with factors; `rest` is None where it is not linear, or not few."""

    parts: Mapping[Quantity, Number]
    rest: Rest | None


@dataclass(frozen=True, slots=True)
class Names:
    """The features by name, what they carry, and which stand right above which."""

    features: Mapping[str, Feature]
    carriers: Carriers
    parents: Mapping[str, str]

    def above(self, name: str) -> set[str]:
        """Return the feature and all without which it can not be."""
        found = {name}
        while name in self.parents:
            name = self.parents[name]
            found.add(name)
        return found

    def typed(self, named: Formula) -> Feature | None:
        """Return the typed feature whose value is named; None, if it is something else."""
        if not isinstance(named, Named):
            return None
        found = self.features.get(".".join(named.path))
        return found if found is not None and found.kind != "Boolean" else None

    def attribute(self, named: Formula) -> Decimal | str | bool | None:
        """Return the value of the attribute that is named; None, if it is something else."""
        if not isinstance(named, Named) or ".".join(named.path) in self.features:
            return None
        owner = self.features.get(".".join(named.path[:-1]))
        return None if owner is None else owner.attributes.get(named.path[-1])

    def text(self, formula: Formula) -> Feature | str | None:
        """Return the feature or the words, if the formula is a text."""
        if isinstance(formula, Constant):
            return formula.value if isinstance(formula.value, str) else None
        feature = self.typed(formula)
        if feature is not None:
            return feature if feature.kind == "String" else None
        carried = self.attribute(formula)
        return carried if isinstance(carried, str) else None


def comparisons(formula: Formula) -> Iterator[Operation]:
    """Yield every comparison inside a constraint."""
    pending = [formula]
    while pending:
        each = pending.pop()
        if isinstance(each, Operation):
            if each.sign in COMPARES:
                yield each
            else:
                pending.extend(each.operands)


def linear(formula: Formula, names: Names) -> Linear:
    """Return a number as a linear form."""
    match formula:
        case Constant(value=Decimal() as value):
            return Linear({}, frozenset({exact(value)}))
        case Named():
            return _of_named(formula, names, "value")
        case Operation(sign="floor" | "ceil" | "len" as sign, operands=(inner,)):
            return _of_named(inner, names, sign)
        case Operation(sign="sum") if formula.operands:
            carried = [exact(value) for _, value in names.carriers(formula)]
            return Linear({}, _sums([frozenset({0, each}) for each in carried]))
        case Operation(sign="-", operands=(inner,)):
            return _scaled(linear(inner, names), -1)
        case Operation(sign="+", operands=parts):
            return _added([linear(each, names) for each in parts])
        case Operation(sign="*", operands=(one, other)):
            return _product(linear(one, names), linear(other, names))
        case Operation(sign="/", operands=(one, Constant(value=Decimal() as by))) if by:
            return _scaled(linear(one, names), Fraction(1) / exact(by))
    return Linear({}, None)


def _of_named(formula: Formula, names: Names, what: str) -> Linear:
    feature = names.typed(formula)
    if feature is not None:
        rounded = what if what != "value" and feature.kind != "Integer" else "value"
        return Linear({(rounded, feature.name): 1}, frozenset({0}))
    carried = names.attribute(formula)
    if isinstance(carried, str) and what == "len":
        return Linear({}, frozenset({0, len(carried)}))
    if isinstance(carried, Decimal):
        return Linear({}, frozenset({0, ROUND[what](exact(carried))}))
    return Linear({}, None)


ROUND: dict[str, Callable[[Number], Number]] = {
    "value": lambda each: each,
    "floor": lambda each: each // 1,
    "ceil": lambda each: -(-each // 1),
    "len": lambda each: each,
}


def _sums(rests: Iterable[Rest | None]) -> Rest | None:
    found: Rest = frozenset({0})
    for each in rests:
        if each is None:
            return None
        found = frozenset(one + other for one, other in product(found, each))
        if len(found) > RESTS_MAX:
            return None
    return found


def _added(forms: list[Linear]) -> Linear:
    parts: dict[Quantity, Number] = {}
    for each in forms:
        for quantity, factor in each.parts.items():
            parts[quantity] = parts.get(quantity, 0) + factor
    kept = {quantity: factor for quantity, factor in parts.items() if factor}
    return Linear(kept, _sums(each.rest for each in forms))


def _scaled(form: Linear, factor: Number) -> Linear:
    rest = None if form.rest is None else frozenset(each * factor for each in form.rest)
    return Linear({each: value * factor for each, value in form.parts.items()}, rest)


def _product(one: Linear, other: Linear) -> Linear:
    if one.parts:
        one, other = other, one
    if not one.parts and one.rest is not None and len(one.rest) == 1:
        return _scaled(other, next(iter(one.rest)))
    if one.parts or other.parts or one.rest is None or other.rest is None:
        return Linear({**one.parts, **other.parts}, None)
    rest = frozenset(left * right for left, right in product(one.rest, other.rest))
    return Linear({}, rest if len(rest) <= RESTS_MAX else None)


def difference(compared: Operation, names: Names) -> Linear:
    """Return the left side of a comparison less its right side."""
    left, right = (linear(each, names) for each in compared.operands)
    return _added([left, _scaled(right, -1)])
