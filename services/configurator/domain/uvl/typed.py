"""The values of typed features: as many as the constraints can tell apart, so few and exact.

A number that is only compared can be any at all. What the comparisons say of it depends on where it
lies among the numbers that it is compared with, and on its order among the features that it is
compared with: a few numbers in every gap stand for all. The same holds for texts: those that are
named, and some others of each length. A number that is calculated with needs bounds.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

from services.configurator.domain.language.expression import Number
from services.configurator.domain.uvl.bounding import bounds_of
from services.configurator.domain.uvl.linear import Linear, Names, comparisons, difference
from services.configurator.domain.uvl.text import Feature, Formula, Operation, UvlFault

VALUES_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Values:
    """What a typed feature can be where it is selected.

    `numbers` are its values, or the numbers of its texts in the model; `lengths` those of the
    texts. `words` say what each stands for.
    """

    numbers: tuple[Number, ...]
    lengths: tuple[int, ...]
    words: tuple[str, ...]


@dataclass(slots=True)
class _Cluster:
    """Features that are compared with each other, and all that they are compared with."""

    members: list[Feature] = field(default_factory=list)
    points: set[Number] = field(default_factory=lambda: {0})
    texts: set[str] = field(default_factory=lambda: {""})
    measured: bool = False
    calculated: bool = False


class Typing:
    """The values of every typed feature of a model.   Raises: UvlFault."""

    def __init__(self, names: Names, formulas: Sequence[Formula]) -> None:
        self._names = names
        # The constraints that compare each feature, and what each cluster comes to.
        self._about: dict[str, list[Formula]] = {}
        self._found: dict[tuple[int, str], Values] = {}
        self._texts: dict[str, int] = {"": 0}
        self._clusters = {
            each.name: _Cluster([each])
            for each in names.features.values()
            if each.kind != "Boolean"
        }
        for formula in formulas if self._clusters else ():
            for each in comparisons(formula):
                for name in self._compared(each):
                    self._about.setdefault(name, []).append(formula)
        self.values = {
            name: self._values(names.features[name], cluster)
            for name, cluster in self._clusters.items()
        }

    def text(self, words: str) -> int:
        """Return the number of a text in this model."""
        return self._texts.setdefault(words, len(self._texts))

    # ---- who is compared with what

    def _compared(self, compared: Operation) -> Sequence[str]:
        """Note one comparison; returns the features that it calculates with."""
        one, other = (self._names.text(each) for each in compared.operands)
        if one is not None and other is not None:
            self._texts_compared(one, other)
            return ()
        form = difference(compared, self._names)
        names = [name for _, name in form.parts]
        if not names:
            return ()
        self._joined(names)
        cluster = self._clusters[names[0]]
        cluster.measured |= any(kind == "len" for kind, _ in form.parts)
        if form.rest is not None and len(names) == 1:
            cluster.points.update(_points(form))
        elif not _is_order(form):
            cluster.calculated = True
        return names

    def _texts_compared(self, one: Feature | str, other: Feature | str) -> None:
        features = [each.name for each in (one, other) if isinstance(each, Feature)]
        for each in features:
            cluster, texts = self._clusters[each], [t for t in (one, other) if isinstance(t, str)]
            cluster.texts.update(texts)
            cluster.points.update(map(len, texts))
        self._joined(features)

    def _joined(self, names: Sequence[str]) -> None:
        """Make one cluster of those of several features."""
        for name in names[1:]:
            kept, given = self._clusters[names[0]], self._clusters[name]
            if kept is given:
                continue
            kept.members += given.members
            kept.points |= given.points
            kept.texts |= given.texts
            kept.measured |= given.measured
            kept.calculated |= given.calculated
            for each in given.members:
                self._clusters[each.name] = kept

    # ---- what stands for all

    def _values(self, feature: Feature, cluster: _Cluster) -> Values:
        if cluster.calculated:
            return self._counted(feature)
        found = self._found.get((id(cluster), feature.kind))
        if found is None and feature.kind == "String":
            found = self._of_text(cluster)
        elif found is None:
            numbers = _among(cluster, integers=feature.kind == "Integer")
            found = Values(tuple(numbers), (), tuple(_told(numbers, cluster.points)))
        self._found[id(cluster), feature.kind] = found
        if len(found.numbers) > VALUES_MAX:
            raise UvlFault(
                f"line {feature.line}: '{feature.name}' has more than {VALUES_MAX} values to tell"
                " apart; give it closer bounds, or compare it with less"
            )
        return found

    def _counted(self, feature: Feature) -> Values:
        """Return all numbers between the bounds of a feature that is calculated with."""
        place = f"line {feature.line}: '{feature.name}' is calculated with, and"
        if feature.kind != "Integer":
            raise UvlFault(
                f"{place} a {feature.kind} can not be: only compare it, or make it an Integer"
            )
        low, high = bounds_of(feature, self._about.get(feature.name, ()), self._names)
        if low is None or high is None:
            raise UvlFault(
                f"{place} has no bounds; add a constraint such as"
                f" {feature.name} >= 0 & {feature.name} <= 100"
            )
        if high - low >= VALUES_MAX:
            raise UvlFault(
                f"{place} may be {low} to {high}; give it closer bounds, at most {VALUES_MAX}"
            )
        numbers = range(low, high + 1)
        return Values(tuple(numbers), (), tuple(map(str, numbers)))

    def _of_text(self, cluster: _Cluster) -> Values:
        """Return the texts that are named, and others of each length that can be told apart."""
        named = sorted(cluster.texts)
        lengths = (
            [each for each in _among(cluster, integers=True) if each > 0]
            if cluster.measured
            else [1]
        )
        numbers, sizes, words = [], [], []
        for each in named:
            numbers.append(self.text(each))
            sizes.append(len(each))
            words.append(f"'{each}'")
        others = range(min(len(cluster.members), VALUES_MAX + 1))
        for length in lengths:
            for other in others:
                # No text has a line break inside, so this is none of those that are named.
                numbers.append(self.text(f"\n{length}\n{other}"))
                sizes.append(int(length))
                of = f" of {length} characters" if cluster.measured else ""
                words.append(f"another text{of}")
        return Values(tuple(numbers), tuple(sizes), tuple(words))


def _is_order(form: Linear) -> bool:
    """Say whether this is one quantity less another and nothing else, neither of them rounded."""
    factors = list(form.parts.values())
    kinds = {kind for kind, _ in form.parts}
    return (
        form.rest == frozenset({0})
        and len(factors) == 2
        and factors[0] == -factors[1]
        and kinds <= {"value", "len"}
    )


def _points(form: Linear) -> Iterator[Number]:
    """Yield where the one quantity of a form can make a comparison change."""
    ((kind, _), factor) = next(iter(form.parts.items()))
    for each in form.rest or ():
        point = Fraction(-each) / factor
        if kind == "floor":
            yield from (floor(point), floor(point) + 1)
        elif kind == "ceil":
            yield from (ceil(point) - 1, ceil(point))
        else:
            yield point.numerator if point.denominator == 1 else point


def _among(cluster: _Cluster, *, integers: bool) -> list[Number]:
    """Return the points, and as many numbers in each gap as there are features to be in it.

    If they are more than VALUES_MAX, some of them: enough to be too many.
    """
    count = min(len(cluster.members), VALUES_MAX + 1)
    points = sorted(cluster.points)
    whole = {each for each in points if each == each // 1}
    lowest, highest = floor(points[0]), ceil(points[-1])
    whole.update(range(lowest - count, lowest), range(highest + 1, highest + 1 + count))
    for low, high in pairwise(points):
        whole.update(range(floor(low) + 1, min(ceil(high), floor(low) + 1 + count)))
        if len(whole) > VALUES_MAX:
            break
    if integers or len(whole) > VALUES_MAX:
        return sorted(whole)
    steps = sorted({*whole, *points})
    found: set[Number] = set(steps)
    for low, high in pairwise(steps):
        found |= {low + Fraction(high - low) * each / (count + 1) for each in range(1, count + 1)}
        if len(found) > VALUES_MAX:
            break
    return sorted(found)


def _told(numbers: Iterable[Number], points: Iterable[Number]) -> Iterator[str]:
    """Say of each number whether it is itself, or stands for all between two."""
    ends = sorted(points)
    for each in numbers:
        place = bisect_left(ends, each)
        above = ends[place] if place < len(ends) else None
        if above == each:
            yield str(each)
        elif place == 0:
            yield f"less than {above}"
        elif above is None:
            yield f"more than {ends[place - 1]}"
        else:
            yield f"between {ends[place - 1]} and {above}"
