"""Numbers of an expression as plain sums: what each value of each variable adds.

A product of two sums, or a choice between them, is one where the variables of one side are settled;
`settling` says which. Whole numbers after scaling: nothing here is a float.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm, prod

from services.configurator.domain.language.expression import Number
from services.configurator.domain.solving import bounds as b
from services.configurator.domain.solving.space import Masks, bits


@dataclass(frozen=True, slots=True)
class Sum:
    """A constant, and by place what each value adds, as value bits and numbers."""

    constant: Number
    added: Mapping[int, Mapping[int, Number]]

    def times(self, factor: Number) -> "Sum":
        """Return the sum so many times."""
        scaled = {
            place: {bit: number * factor for bit, number in column.items()}
            for place, column in self.added.items()
        }
        return Sum(self.constant * factor, scaled if factor else {})

    def whole(self) -> "Sum":
        """Return the smallest multiple above zero times in which all numbers are whole."""
        numbers = [self.constant, *(n for each in self.added.values() for n in each.values())]
        if all(type(each) is int for each in numbers):
            return self
        scale = lcm(*(Fraction(each).denominator for each in numbers))
        scaled = {
            place: {bit: int(number * scale) for bit, number in column.items()}
            for place, column in self.added.items()
        }
        return Sum(int(self.constant * scale), scaled)


def summed(bounds: b.Bounds, masks: Masks, count: Callable[[int], None]) -> Sum | None:
    """Return a number as a sum over the masks; None, if some product or choice is unsettled.

    Masks of one value settle a variable. `count` is told how many parts are computed, before.
    """
    count(1)
    loose = [place for place in bounds.places if masks[place] & (masks[place] - 1)]
    if not loose:
        count(bounds.size)
        return Sum(bounds(masks)[0], {})
    if len(loose) == 1:
        count(bounds.size * masks[loose[0]].bit_count())
        return Sum(0, {loose[0]: column(bounds, masks, loose[0])})
    match bounds:
        case b.Total():
            return _added([summed(each, masks, count) for each in bounds.parts])
        case b.Negative():
            part = summed(bounds.parts[0], masks, count)
            return part and part.times(-1)
        case b.Times():
            one, other = (summed(each, masks, count) for each in bounds.parts)
            if one is None or other is None or (one.added and other.added):
                return None
            return one.times(other.constant) if one.added else other.times(one.constant)
        case b.Over():
            one, other = (summed(each, masks, count) for each in bounds.parts)
            if one is None or other is None or other.added:
                return None
            return one.times(Fraction(1) / other.constant)
        case b.Choice():
            condition, yes, no = bounds.parts
            low, high = condition(masks)
            return summed(yes if low else no, masks, count) if low == high else None
    return None


def settling(bounds: b.Bounds, full: Masks) -> frozenset[int]:
    """Return variables that, once settled, leave a sum; few values of them are better than many."""
    if len(bounds.places) <= 1:
        return frozenset()
    # Once for each part: a chain of products would ask again at each of its links.
    settled = [settling(each, full) for each in bounds.parts]
    inner = frozenset().union(*settled)
    match bounds:
        case b.Total() | b.Negative():
            return inner
        case b.Times():
            one, other = bounds.parts
            if not one.places or not other.places:
                return inner
            either = one.places | settled[1], other.places | settled[0]
            return min(either, key=lambda places: (points(places, full), sorted(places)))
        case b.Over():
            return inner | bounds.parts[1].places
        case b.Choice():
            return inner | bounds.parts[0].places
    widest = max(bounds.places, key=lambda place: (full[place], place))
    return bounds.places - {widest}


def points(places: frozenset[int], full: Masks) -> int:
    """Return how many combinations of values these variables have."""
    return prod(full[place].bit_count() for place in places)


def column(bounds: b.Bounds, masks: Masks, place: int) -> dict[int, Number]:
    """Return by value of a variable what the bounds are there; all others must be settled."""
    tried = list(masks)
    found = {}
    for bit in bits(masks[place]):
        tried[place] = bit
        found[bit] = bounds(tried)[0]
    return found


@dataclass(frozen=True, slots=True)
class Staircase:
    """The question "is a sum at most so much" in its smallest whole numbers.

    `steps` are the variables, the one that can add most first, each with what its values add above
    the least and the values that add that, from nothing on.
    """

    most: int
    steps: tuple[tuple[int, tuple[tuple[int, int], ...]], ...]


def staircase(what: Sum, *, below: bool) -> Staircase:
    """Return the question whether a sum is at most zero, or below."""
    whole = what.whole()
    most = -int(whole.constant) - below
    grouped: dict[int, dict[int, int]] = {}
    for place, values in whole.added.items():
        least = int(min(values.values()))
        most -= least
        by_number = grouped.setdefault(place, {})
        for bit, number in values.items():
            above = int(number) - least
            by_number[above] = by_number.get(above, 0) | bit
    common = gcd(*(above for by_number in grouped.values() for above in by_number)) or 1
    steps = [
        (place, tuple(sorted((above // common, mask) for above, mask in by_number.items())))
        for place, by_number in grouped.items()
        if len(by_number) > 1
    ]
    return Staircase(most // common, tuple(sorted(steps, key=lambda each: (-each[1][-1][0], each))))


def _added(parts: list[Sum | None]) -> Sum | None:
    constant: Number = 0
    added: dict[int, dict[int, Number]] = {}
    for part in parts:
        if part is None:
            return None
        constant += part.constant
        for place, values in part.added.items():
            known = added.get(place)
            if known is None:
                added[place] = dict(values)
            else:
                for bit, number in values.items():
                    known[bit] += number
    return Sum(constant, added)
