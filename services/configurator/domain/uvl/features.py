"""A feature model as variables and rules: what the solver and the compiler take.

Every feature is a flag. The tree becomes clauses under one rule for each group; a constraint
becomes clauses too, if they are few, or a condition over exact bounds (sums of attributes, counts).
A typed feature has a variable for its value beside its flag, one with a cardinality its instances.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import NoReturn

from services.configurator.domain.language.model import Attribute, FlagAttribute, IntegerAttribute
from services.configurator.domain.solving import bounds as b
from services.configurator.domain.solving.constraints import Box, Constraint, Forbidden
from services.configurator.domain.solving.space import FALSE, TRUE, Masks, Space
from services.configurator.domain.uvl.arithmetic import Arithmetic, Carried
from services.configurator.domain.uvl.instances import Spelling, Unrolled, unrolled
from services.configurator.domain.uvl.linear import Names
from services.configurator.domain.uvl.text import (
    Constant,
    Feature,
    FeatureModel,
    Formula,
    Group,
    Named,
    Operation,
    UvlFault,
)
from services.configurator.domain.uvl.typed import Typing, Values

CLAUSES_MAX = 2_000
# Of more members, that only one is selected is counted, not said pair by pair.
PAIRS_MAX = 300
TREE = "TREE"

# A clause over features: numbers from 1, negative for "not selected".
Clause = frozenset[int]
Rule = Constraint | Forbidden


@dataclass(frozen=True, eq=False, slots=True)
class Features:
    """The features of a model in its order, their space, and the rules with their words by id.

    The first variables of the space are the flags of `names`; instances and typed values follow.
    `values` says where the value of a typed feature is, and what its bits from the second on stand
    for; the first bit is "not selected".
    """

    names: tuple[str, ...]
    space: Space
    rules: tuple[Rule, ...]
    words: Mapping[str, str]
    values: Mapping[str, tuple[int, Values]]

    @property
    def first(self) -> Masks:
        """Return the point whose values a solver tries first: nothing selected."""
        return [FALSE] * len(self.space.variables)


def bound(model: FeatureModel) -> Features:
    """Make a feature model ready for the solver.   Raises: UvlFault."""
    tree = unrolled(model.root)
    work = _Binding(tree, model)
    rules: list[Rule] = [Forbidden(TREE, [((0, FALSE),), *work.instances(), *work.typed()])]
    words = {TREE: f"every configuration has {model.root.name}"}
    seen: dict[str, int] = {}
    for feature, group in tree.groups:
        seen[feature.name] = seen.get(feature.name, 0) + 1
        id_ = f"{feature.name}/{seen[feature.name]}"
        rules.extend(work.group(id_, feature, group))
        words[id_] = _group_words(feature, group)
    for number, (text, formulas) in enumerate(work.spelled, 1):
        id_ = f"C{number}"
        rules.extend(work.constraint(id_, each) for each in formulas)
        words[id_] = text
    names = tuple(each.name for each in tree.features[: tree.count])
    return Features(names, work.space, tuple(rules), words, work.values)


def _flag(number: int, name: str) -> FlagAttribute:
    label = _shown(name)
    return FlagAttribute(id=f"f{number}", group="f", label=label, help=label, kind="flag")


def _shown(name: str) -> str:
    """Return a name as words of a model: other tools' names may hold what steers a terminal."""
    return "".join(each if each.isprintable() else "\ufffd" for each in name[:300])


class _Binding:
    def __init__(self, tree: Unrolled, model: FeatureModel) -> None:
        self._tree = tree
        self._numbers = {each.name: number for number, each in enumerate(tree.features, 1)}
        if len(self._numbers) < len(tree.features):
            _fault("features are named like instances of others, as in 'F[1]'; rename them")
        spelling = Spelling(tree)
        self.spelled = [(text, tuple(spelling.of(each))) for text, each in model.constraints]
        carried = Carried.of(tree)
        parents = {each: name for name, below in carried.below.items() for each in below}
        self._names = Names(carried.features, carried.by, parents)
        typing = Typing(self._names, [each for _, spelled in self.spelled for each in spelled])
        whole = {each for each in carried.counted if each in typing.values}
        places = {name: len(tree.features) + n for n, name in enumerate(sorted(whole))}
        self.values = {name: (place, typing.values[name]) for name, place in places.items()}
        self.space = Space([*self._attributes()])
        flags = {name: number - 1 for name, number in self._numbers.items()}
        self._arithmetic = Arithmetic(self._names, typing, flags, places)
        self._made: dict[tuple[int, bool], list[Clause] | None] = {}

    def _attributes(self) -> Iterator[Attribute]:
        for number, each in enumerate(self._tree.features, 1):
            yield _flag(number, each.name)
        for name, (place, values) in self.values.items():
            label = _shown(name)
            yield IntegerAttribute(
                id=f"v{place}", group="f", label=label, help=label,
                kind="integer", range=(0, len(values.numbers)), unit="",
            )  # fmt: skip

    def typed(self) -> Iterator[Box]:
        """Yield what is forbidden: a value without its feature, and a feature without its value."""
        full = self.space.full()
        for name, (place, _) in self.values.items():
            flag = self._numbers[name] - 1
            yield ((flag, FALSE), (place, full[place] & ~1))
            yield ((flag, TRUE), (place, 1))

    def instances(self) -> Iterator[Box]:
        """Yield what is forbidden of instances: gaps, too few, and any without their feature."""
        for feature, found in self._tree.ladders:
            several = self._numbers[feature.name]
            steps = [several, *(self._numbers[each.name] for each in found)]
            least, _ = feature.times or (1, 1)
            yield from (_box(Clause({-upper, lower})) for lower, upper in pairwise(steps))
            yield from (_box(Clause({-several, each})) for each in steps[1 : least + 1])
        for name, copies in self._tree.anywhere:
            anywhere, numbers = self._numbers[name], [self._numbers[each] for each in copies]
            yield _box(Clause({-anywhere, *numbers}))
            yield from (_box(Clause({-each, anywhere})) for each in numbers)

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
        found = self._arithmetic.truth(formula, scope)
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

    def _attribute(self, named: Named) -> object:
        """Return the value of `feature.attribute`; None, if this is a feature."""
        owner = ".".join(named.path[:-1])
        if ".".join(named.path) in self._numbers or owner not in self._numbers:
            return None
        found = self._names.attribute(named)
        if found is None:
            _fault(f"'{owner}' has no attribute '{named.path[-1]}'")
        return found


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
