"""Features that occur several times, as so many features: the instances of each by number.

`F cardinality [1..3]` stays as F (is it selected at all?), with the instances `F[1]` to `F[3]` and
a copy of what is below F in each: `G[1]`, `G[2]`, `G[3]`. G alone stands for "G in any instance".
The instances are filled from the first on. A constraint over G holds in every instance that there
is, and with G taken as "any". Source: the conversion strategies of the UVL language levels.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from services.configurator.domain.uvl.text import (
    Constant,
    Feature,
    Formula,
    Group,
    Named,
    Operation,
    UvlFault,
)

COPIES_MAX = 20_000
CONTEXTS_MAX = 2_000

AGGREGATES = frozenset({"sum", "avg"})

# Which instance of each feature that has some is spoken of; 0: any.
Context = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Unrolled:
    """A tree in which every feature occurs once.

    `features` are those of the model in its order, the first `count`, then the instances. `groups`
    bind members to their parents, `ladders` instances to the feature that has them, `anywhere` a
    feature to its copies, of which one at least is selected with it. `within` names for each
    feature of the model those above it that occur several times, the outermost first.
    """

    features: tuple[Feature, ...]
    count: int
    groups: tuple[tuple[Feature, Group], ...]
    ladders: tuple[tuple[Feature, tuple[Feature, ...]], ...]
    anywhere: tuple[tuple[str, tuple[str, ...]], ...]
    within: Mapping[str, tuple[str, ...]]

    def below(self) -> dict[str, list[str]]:
        """Return for each feature those that come only with it."""
        found: dict[str, list[str]] = {}
        for parent, group in self.groups:
            found.setdefault(parent.name, []).extend(each.name for each in group.members)
        for parent, instances in self.ladders:
            found.setdefault(parent.name, []).extend(each.name for each in instances)
        for name, copies in self.anywhere:
            found.setdefault(name, []).extend(copies)
        return found


def unrolled(root: Feature) -> Unrolled:
    """Return the tree with every instance spelled out.   Raises: UvlFault, if they are too many."""
    work = _Unrolling()
    work.add(root, "")
    count = len(work.features)
    while work.pending:
        work.instances(*work.pending.pop(0))
    within: dict[str, tuple[str, ...]] = {}
    _chain(root, (), within)
    return Unrolled(
        tuple(work.features),
        count,
        tuple(work.groups),
        tuple(work.ladders),
        tuple(work.anywhere),
        within,
    )


class _Unrolling:
    def __init__(self) -> None:
        self.features: list[Feature] = []
        self.groups: list[tuple[Feature, Group]] = []
        self.ladders: list[tuple[Feature, tuple[Feature, ...]]] = []
        self.anywhere: list[tuple[str, tuple[str, ...]]] = []
        self.pending: list[tuple[Feature, Feature, str]] = []
        self._copies = 0

    def add(self, origin: Feature, suffix: str) -> Feature:
        """Add a feature and all below it, in the instance of the suffix; returns its copy there."""
        own = replace(origin, name=origin.name + suffix, groups=[])
        self.features.append(own)
        if origin.times is None:
            self._groups(origin, own, suffix)
            return own
        self.pending.append((origin, own, suffix))
        for each in origin.all():
            if each is not origin:
                self.features.append(replace(each, name=each.name + suffix, groups=[]))
        return own

    def instances(self, origin: Feature, own: Feature, suffix: str) -> None:
        """Add the instances of a feature, with what is below it."""
        _, most = origin.times or (1, 1)
        below = [each.name for each in origin.all() if each is not origin]
        self._copies += most * (1 + len(below))
        if self._copies > COPIES_MAX:
            raise UvlFault(
                f"line {origin.line}: '{origin.name}' occurs up to {most} times, which makes more"
                f" than {COPIES_MAX} features; lower its cardinality"
            )
        found = []
        for number in range(1, most + 1):
            inner = f"{suffix}[{number}]"
            each = replace(origin, name=origin.name + inner, times=None, groups=[])
            self.features.append(each)
            self._groups(origin, each, inner)
            found.append(each)
        self.ladders.append((own, tuple(found)))
        for name in below:
            copies = tuple(f"{name}{suffix}[{number}]" for number in range(1, most + 1))
            self.anywhere.append((name + suffix, copies))

    def _groups(self, origin: Feature, own: Feature, suffix: str) -> None:
        for group in origin.groups:
            members = [self.add(each, suffix) for each in group.members]
            self.groups.append((own, Group(group.least, group.most, members)))


def _chain(feature: Feature, above: tuple[str, ...], within: dict[str, tuple[str, ...]]) -> None:
    within[feature.name] = above
    inner = (*above, feature.name) if feature.times else above
    for group in feature.groups:
        for each in group.members:
            _chain(each, inner, within)


# ---- constraints


class Spelling:
    """Spells constraints out, once for every instance that they speak of."""

    def __init__(self, tree: Unrolled) -> None:
        self._within = tree.within
        own = tree.features[: tree.count]
        self._times = {each.name: each.times[1] for each in own if each.times}
        self._typed = {each.name for each in own if each.kind != "Boolean"}

    def of(self, formula: Formula) -> Iterator[Formula]:
        """Yield the constraint for each instance, under the condition that there is that one."""
        if not self._times:
            yield formula
            return
        flags, values = self._named(formula)
        for context in self._contexts({*flags, *values}):
            if any(not all(context[each] for each in chain) for chain in values):
                continue  # a number or a text is one of one instance
            held = self._spelled(formula, context, number=False)
            guards = [
                Named((name + self._suffix((*self._within[name], name), context),))
                for name, chosen in context.items()
                if chosen
            ]
            yield Operation("=>", (Operation("&", tuple(guards)), held)) if guards else held

    def _named(self, formula: Formula) -> tuple[set[tuple[str, ...]], set[tuple[str, ...]]]:
        """Return what several times occurs above the features named: by flag, and by value."""
        flags: set[tuple[str, ...]] = set()
        values: set[tuple[str, ...]] = set()
        pending = [(formula, False)]
        while pending:
            each, number = pending.pop()
            if isinstance(each, Operation):
                inner = number or each.sign not in _LOGIC
                named = each.operands[:-1] if each.sign in AGGREGATES else each.operands
                pending.extend((part, inner) for part in named)
            elif isinstance(each, Named):
                name = self._owner(each)
                if name is not None and number and self._is_value(each):
                    values.add(self._value_chain(name))
                elif name is not None:
                    flags.add(self._within[name])
        return flags - {()}, values - {()}

    def _contexts(self, chains: set[tuple[str, ...]]) -> Iterator[dict[str, int]]:
        found: list[dict[str, int]] = [{}]
        several = dict.fromkeys(each for chain in sorted(chains, key=len) for each in chain)
        for name in several:
            above = self._within[name]
            found = [
                {**each, name: number}
                for each in found
                for number in range(
                    1 + self._times[name] if all(each.get(one, 0) for one in above) else 1
                )
            ]
            if len(found) > CONTEXTS_MAX:
                raise UvlFault(
                    f"a constraint over '{name}' holds for more than {CONTEXTS_MAX} combinations"
                    " of instances; lower the cardinalities"
                )
        yield from found

    def _spelled(self, formula: Formula, context: Context, *, number: bool) -> Formula:
        if isinstance(formula, Operation):
            inner = number or formula.sign not in _LOGIC
            kept = formula.operands[-1:] if formula.sign in AGGREGATES else ()
            named = formula.operands[: len(formula.operands) - len(kept)]
            parts = tuple(self._spelled(each, context, number=inner) for each in named)
            return Operation(formula.sign, (*parts, *kept))
        if isinstance(formula, Constant):
            return formula
        name = self._owner(formula)
        if name is None:
            return formula
        value = number and self._is_value(formula)
        chain = self._value_chain(name) if value else self._within[name]
        spelled = name + self._suffix(chain, context)
        return (
            Named((spelled,)) if self._is_feature(formula) else Named((spelled, formula.path[-1]))
        )

    def _owner(self, named: Named) -> str | None:
        """Return the feature that is named, or whose attribute is; None: neither."""
        names: Iterable[str] = (".".join(named.path), ".".join(named.path[:-1]))
        return next((each for each in names if each in self._within), None)

    def _is_feature(self, named: Named) -> bool:
        return ".".join(named.path) in self._within

    def _is_value(self, named: Named) -> bool:
        return ".".join(named.path) in self._typed

    def _value_chain(self, name: str) -> tuple[str, ...]:
        return (*self._within[name], name) if name in self._times else self._within[name]

    @staticmethod
    def _suffix(chain: Iterable[str], context: Context) -> str:
        found = ""
        for each in chain:
            if not context.get(each):
                break
            found += f"[{context[each]}]"
        return found


_LOGIC = frozenset({"!", "&", "|", "=>", "<=>"})
