"""A feature model as variables and rules: what the solver and the compiler take.

Every feature is a flag. The tree becomes clauses under one rule for each group; a constraint
becomes clauses too, if they are few, or a condition over exact bounds (sums of attributes, counts).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from typing import NoReturn

from services.configurator.domain import bounds as b
from services.configurator.domain.constraints import Box, Constraint, Forbidden
from services.configurator.domain.expression import Number, exact
from services.configurator.domain.model import FlagAttribute
from services.configurator.domain.space import FALSE, TRUE, Space
from services.configurator.domain.uvl import (
    Constant,
    Feature,
    FeatureModel,
    Formula,
    Group,
    Named,
    Operation,
    UvlFault,
)

CLAUSES_MAX = 2_000
# Of more members, that only one is selected is counted, not said pair by pair.
PAIRS_MAX = 300
TREE = "TREE"

# A clause over features: numbers from 1, negative for "not selected".
Clause = frozenset[int]
Rule = Constraint | Forbidden


@dataclass(frozen=True, eq=False, slots=True)
class Features:
    """The features of a model in its order, their space, and the rules with their words by id."""

    names: tuple[str, ...]
    space: Space
    rules: tuple[Rule, ...]
    words: Mapping[str, str]


def bound(model: FeatureModel) -> Features:
    """Make a feature model ready for the solver.   Raises: UvlFault."""
    features = list(model.root.all())
    names = tuple(each.name for each in features)
    space = Space(
        [
            FlagAttribute(
                id=f"f{number}", group="f", label=name[:300], help=name[:300], kind="flag"
            )
            for number, name in enumerate(names, 1)
        ]
    )
    work = _Binding(features)
    rules: list[Rule] = [Forbidden(TREE, [((0, FALSE),)])]
    words = {TREE: f"every configuration has {model.root.name}"}
    for feature in features:
        for number, group in enumerate(feature.groups, 1):
            id_ = f"{feature.name}/{number}"
            rules.extend(work.group(id_, feature, group))
            words[id_] = _group_words(feature, group)
    for number, (text, formula) in enumerate(model.constraints, 1):
        id_ = f"C{number}"
        rules.append(work.constraint(id_, formula))
        words[id_] = text
    return Features(names, space, tuple(rules), words)


class _Binding:
    def __init__(self, features: Sequence[Feature]) -> None:
        self._features = features
        self._numbers = {each.name: number for number, each in enumerate(features, 1)}
        self._made: dict[tuple[int, bool], list[Clause] | None] = {}
        for each in features:
            if each.kind != "Boolean":
                _fault(f"'{each.name}' is of kind {each.kind}; only Boolean features are read")

    def group(self, id_: str, parent: Feature, group: Group) -> Iterator[Rule]:
        """Yield the rules of a group: members only with their parent, and so many of them."""
        above = self._numbers[parent.name]
        members = [self._numbers[each.name] for each in group.members]
        clauses = [Clause({-each, above}) for each in members]
        count = len(members)
        if group.least > count:
            _fault(f"a group of '{parent.name}' wants {group.least} of {count} features")
        if group.least == count:
            clauses += [Clause({-above, each}) for each in members]
        elif group.least == 1:
            clauses.append(Clause({-above, *members}))
        pairs = group.most == 1 and count <= PAIRS_MAX
        if pairs:
            clauses += [Clause({-one, -other}) for one, other in combinations(members, 2)]
        yield Forbidden(id_, (_box(each) for each in clauses))
        if group.least not in {0, 1, count} or (group.most != count and not pairs):
            yield self._counted(id_, above, members, group)

    def _counted(self, id_: str, above: int, members: Sequence[int], group: Group) -> Rule:
        """Return "with the parent, at least and at most so many", by exact bounds."""
        selected = b.total([b.flag(each - 1) for each in members])
        enough = b.less(b.constant(group.least), selected, or_equal=True)
        few = b.less(selected, b.constant(group.most), or_equal=True)
        with_parent = b.extreme(max, [b.inverse(b.flag(above - 1)), b.extreme(min, [enough, few])])
        return Constraint(id_, [above - 1, *(each - 1 for each in members)], with_parent)

    def constraint(self, id_: str, formula: Formula) -> Rule:
        """Return a constraint as clauses, if it is logic and they are few; else by its bounds."""
        self._made.clear()
        clauses = self._clauses(formula, holds=True)
        if clauses is not None:
            return Forbidden(id_, (_box(each) for each in clauses))
        scope: set[int] = set()
        found = self._truth(formula, scope)
        return Constraint(id_, scope, found)

    # ---- logic

    def _clauses(self, formula: Formula, *, holds: bool) -> list[Clause] | None:
        """Return clauses that say whether the formula holds; None, if too many or arithmetic."""
        key = id(formula), holds
        if key not in self._made:
            self._made[key] = self._made_of(formula, holds=holds)
        return self._made[key]

    def _made_of(self, formula: Formula, *, holds: bool) -> list[Clause] | None:
        match formula:
            case Named() if self._attribute(formula) is None:
                number = self._feature(formula)
                return [Clause({number if holds else -number})]
            case Constant(value=bool() as value):
                return [] if value == holds else [Clause()]
            case Operation(sign="!", operands=(inner,)):
                return self._clauses(inner, holds=not holds)
            case Operation(sign="&" | "|" as sign, operands=parts):
                found = [self._clauses(each, holds=holds) for each in parts]
                return _met(found) if (sign == "&") == holds else _either(found)
            case Operation(sign="=>", operands=(one, other)):
                parted = [self._clauses(one, holds=not holds), self._clauses(other, holds=holds)]
                return _either(parted) if holds else _met(parted)
            case Operation(sign="<=>", operands=(one, other)):
                pairs = (
                    [self._clauses(one, holds=yes != holds), self._clauses(other, holds=yes)]
                    for yes in (True, False)
                )
                return _met(_either(each) for each in pairs)
        return None

    def _feature(self, named: Named) -> int:
        name = ".".join(named.path)
        if name not in self._numbers:
            _fault(f"a constraint names '{name}', which is no feature")
        return self._numbers[name]

    def _attribute(self, named: Named) -> Decimal | str | bool | None:
        """Return the value of `feature.attribute`; None, if this is a feature."""
        if ".".join(named.path) in self._numbers or len(named.path) < 2:
            return None
        owner = ".".join(named.path[:-1])
        if owner not in self._numbers:
            return None
        found = self._features[self._numbers[owner] - 1].attributes.get(named.path[-1])
        if found is None:
            _fault(f"'{owner}' has no attribute '{named.path[-1]}'")
        return found

    # ---- arithmetic

    def _truth(self, formula: Formula, scope: set[int]) -> b.Bounds:
        match formula:
            case Named():
                place = self._feature(formula) - 1
                scope.add(place)
                return b.flag(place)
            case Constant(value=bool() as value):
                return b.constant(int(value))
            case Operation(sign="!", operands=(inner,)):
                return b.inverse(self._truth(inner, scope))
            case Operation(sign="&" | "|" as sign, operands=parts):
                choose: Callable[[list[Number]], Number] = min if sign == "&" else max
                return b.extreme(choose, [self._truth(each, scope) for each in parts])
            case Operation(sign="=>", operands=(one, other)):
                return b.extreme(
                    max, [b.inverse(self._truth(one, scope)), self._truth(other, scope)]
                )
            case Operation(sign="<=>", operands=(one, other)):
                return b.equal(self._truth(one, scope), self._truth(other, scope))
            case Operation(sign=sign, operands=(one, other)) if sign in _COMPARES:
                return _COMPARES[sign](self._number(one, scope), self._number(other, scope))
            case _:
                raise UvlFault("a constraint is a condition: compare numbers, or combine features")

    def _number(self, formula: Formula, scope: set[int]) -> b.Bounds:
        match formula:
            case Constant(value=Decimal() as value):
                return b.constant(exact(value))
            case Named():
                carried = self._attribute(formula)
                if isinstance(carried, Decimal):
                    place = self._feature(Named(formula.path[:-1])) - 1
                    scope.add(place)
                    return b.carried(place, (0, exact(carried)))
                raise UvlFault(f"'{'.'.join(formula.path)}' is no number")
            case Operation(sign="sum" | "avg" as sign, operands=operands):
                return self._aggregate(sign, operands, scope)
            case Operation(sign="-", operands=(inner,)):
                return b.negative(self._number(inner, scope))
            case Operation(sign="+", operands=parts):
                return b.total([self._number(each, scope) for each in parts])
            case Operation(sign="*", operands=(one, other)):
                return b.times(self._number(one, scope), self._number(other, scope))
            case Operation(sign="/", operands=(one, Constant(value=Decimal() as by))) if by > 0:
                return b.times(self._number(one, scope), b.constant(Fraction(1) / exact(by)))
            case _:
                raise UvlFault("a number is a constant, an attribute, sum(), avg(), or + - * /")

    def _aggregate(self, sign: str, operands: Sequence[Formula], scope: set[int]) -> b.Bounds:
        """Return sum or avg of an attribute, over all features or over those below one."""
        *below, last = (each for each in operands if isinstance(each, Named))
        root = self._features[self._feature(below[0]) - 1 if below else 0]
        owners = [
            (self._numbers[each.name] - 1, value)
            for each in root.all()
            if isinstance(value := each.attributes.get(last.path[-1]), Decimal)
        ]
        if not owners:
            _fault(f"no feature carries the attribute '{last.path[-1]}'")
        scope.update(place for place, _ in owners)
        total = b.total([b.carried(place, (0, exact(value))) for place, value in owners])
        if sign == "sum":
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


def _met(parts: Iterable[list[Clause] | None]) -> list[Clause] | None:
    """Return the clauses of all parts together."""
    found: list[Clause] = []
    for each in parts:
        if each is None:
            return None
        found += each
    return found if len(found) <= CLAUSES_MAX else None


def _either(parts: Iterable[list[Clause] | None]) -> list[Clause] | None:
    """Return clauses that say that one of the parts holds."""
    found = [Clause()]
    for each in parts:
        if each is None or len(found) * len(each) > CLAUSES_MAX:
            return None
        found = [one | other for one in found for other in each]
    return [each for each in found if not any(-literal in each for literal in each)]


def _box(clause: Clause) -> Box:
    return tuple((abs(each) - 1, FALSE if each > 0 else TRUE) for each in sorted(clause, key=abs))


def _group_words(feature: Feature, group: Group) -> str:
    members = ", ".join(each.name for each in group.members[:5])
    rest = len(group.members) - 5
    listed = f"{members} and {rest} more" if rest > 0 else members
    count = len(group.members)
    if group.least == count:
        said = f"{listed}, all of them"
    elif group.least == group.most:
        said = f"exactly {group.least} of {listed}"
    elif group.least == 0 and group.most == count:
        said = f"any of {listed}"
    else:
        said = f"{group.least} to {group.most} of {listed}"
    return f"{feature.name} has {said}, and they come only with it"


def _fault(message: str) -> NoReturn:
    raise UvlFault(message)
