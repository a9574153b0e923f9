"""Exact bounds of expressions over domains: the lowest and highest value still possible.

Truth is 0 or 1, so one kind of bounds serves numbers and conditions alike. Bounds are sound on any
domains (the true range lies inside) and exact at a point, which is what makes the search complete.
Whole numbers and fractions only: nothing here is a float.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import product as pairs

from services.configurator.domain.language.expression import Number
from services.configurator.domain.solving.space import Masks

Interval = tuple[Number, Number]
Bounds = Callable[[Masks], Interval]

_FLAG: tuple[Interval, ...] = ((1, 0), (0, 0), (1, 1), (0, 1))
CACHED_MAX = 4096


def constant(value: Number) -> Bounds:
    """Bounds of a literal."""
    return lambda _: (value, value)


def flag(place: int) -> Bounds:
    """Bounds of a flag, or of one option of a multi-choice."""
    return lambda masks: _FLAG[masks[place]]


def integer(place: int, low: int) -> Bounds:
    """Bounds of an integer variable whose first value is `low`."""

    def bounds(masks: Masks) -> Interval:
        mask = masks[place]
        return low + (mask & -mask).bit_length() - 1, low + mask.bit_length() - 1

    return bounds


def carried(place: int, values: Sequence[Number]) -> Bounds:
    """Bounds of what the options of a variable carry; each domain is looked at once."""
    seen: dict[int, Interval] = {}

    def bounds(masks: Masks) -> Interval:
        mask = masks[place]
        found = seen.get(mask)
        if found is None:
            inside = [value for bit, value in enumerate(values) if mask >> bit & 1]
            found = min(inside), max(inside)
            if len(seen) < CACHED_MAX:
                seen[mask] = found
        return found

    return bounds


def member(place: int, wanted: int) -> Bounds:
    """Bounds of "the variable's value is one of these"."""

    def bounds(masks: Masks) -> Interval:
        mask = masks[place]
        return (0 if mask & ~wanted else 1), (1 if mask & wanted else 0)

    return bounds


class _Total:
    """A sum; one of sums is one of all their parts, so that it is gone through at once."""

    def __init__(self, parts: Sequence[Bounds]) -> None:
        self.parts: list[Bounds] = []
        for each in parts:
            self.parts.extend(each.parts if isinstance(each, _Total) else [each])

    def __call__(self, masks: Masks) -> Interval:
        low: Number = 0
        high: Number = 0
        for part in self.parts:
            one, other = part(masks)
            low += one
            high += other
        return low, high


def total(parts: Sequence[Bounds]) -> Bounds:
    """Bounds of a sum."""
    return _Total(parts)


def negative(part: Bounds) -> Bounds:
    """Bounds of the negated number."""

    def bounds(masks: Masks) -> Interval:
        low, high = part(masks)
        return -high, -low

    return bounds


def times(left: Bounds, right: Bounds) -> Bounds:
    """Bounds of a product: the extremes lie at the corners."""

    def bounds(masks: Masks) -> Interval:
        low, high = left(masks)
        first, last = right(masks)
        if low >= 0 and first >= 0:
            return low * first, high * last
        corners = [one * other for one, other in pairs((low, high), (first, last))]
        return min(corners), max(corners)

    return bounds


def over(left: Bounds, right: Bounds) -> Bounds:
    """Bounds of a quotient; the binder has seen to it that the divisor is above zero."""

    def bounds(masks: Masks) -> Interval:
        low, high = left(masks)
        first, last = right(masks)
        least = Fraction(low) / (last if low >= 0 else first)
        most = Fraction(high) / (first if high >= 0 else last)
        return least, most

    return bounds


def mean(total: Bounds, count: Bounds) -> Bounds:
    """Bounds of a sum over a count of its parts; zero, if there are none."""

    def bounds(masks: Masks) -> Interval:
        fewest, most = count(masks)
        if most == 0:
            return 0, 0
        low, high = total(masks)
        corners = [Fraction(each) / n for each in (low, high) for n in (max(fewest, 1), most)]
        if fewest == 0:
            corners.append(Fraction(0))
        return min(corners), max(corners)

    return bounds


def ceiling(part: Bounds) -> Bounds:
    """Bounds of the next whole number."""

    def bounds(masks: Masks) -> Interval:
        low, high = part(masks)
        return -(-low // 1), -(-high // 1)

    return bounds


def extreme(choose: Callable[[list[Number]], Number], parts: Sequence[Bounds]) -> Bounds:
    """Bounds of the smallest or largest of several numbers; also of `and` (min) and `or` (max)."""

    def bounds(masks: Masks) -> Interval:
        seen = [part(masks) for part in parts]
        return choose([low for low, _ in seen]), choose([high for _, high in seen])

    return bounds


def inverse(part: Bounds) -> Bounds:
    """Bounds of `not`."""

    def bounds(masks: Masks) -> Interval:
        low, high = part(masks)
        return 1 - high, 1 - low

    return bounds


def equal(left: Bounds, right: Bounds) -> Bounds:
    """Bounds of equality, of numbers or of truth (`iff`)."""

    def bounds(masks: Masks) -> Interval:
        low, high = left(masks)
        first, last = right(masks)
        sure = low == high == first == last
        return (1 if sure else 0), (0 if high < first or last < low else 1)

    return bounds


def less(left: Bounds, right: Bounds, *, or_equal: bool) -> Bounds:
    """Bounds of a comparison of two numbers."""

    def at_most(masks: Masks) -> Interval:
        low, high = left(masks)
        first, last = right(masks)
        return (1 if high <= first else 0), (1 if low <= last else 0)

    def below(masks: Masks) -> Interval:
        low, high = left(masks)
        first, last = right(masks)
        return (1 if high < first else 0), (1 if low < last else 0)

    return at_most if or_equal else below


def choice(condition: Bounds, yes: Bounds, no: Bounds) -> Bounds:
    """Bounds of `if(condition, yes, no)`."""

    def bounds(masks: Masks) -> Interval:
        low, high = condition(masks)
        if low == 1:
            return yes(masks)
        if high == 0:
            return no(masks)
        one, other = yes(masks), no(masks)
        return min(one[0], other[0]), max(one[1], other[1])

    return bounds
