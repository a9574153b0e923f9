"""Exact bounds of expressions over domains: the lowest and highest value still possible.

Truth is 0 or 1, so one kind of bounds serves numbers and conditions alike. Bounds are sound on any
domains (the true range lies inside) and exact at a point, which is what makes the search complete.
Whole numbers and fractions only: nothing here is a float. Bounds know what they are made of, so
that a rule can be written down by its shape (`writing`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import product as pairs

from services.configurator.domain.language.expression import Number
from services.configurator.domain.solving.space import Masks

Interval = tuple[Number, Number]

_FLAG: tuple[Interval, ...] = ((1, 0), (0, 0), (1, 1), (0, 1))
CACHED_MAX = 4096


class Bounds(ABC):
    """Bounds of an expression: called with domains; `places` are those that it looks at.

    `size` is how many parts are computed (what is used twice, twice), `depth` how deep they lie.
    """

    __slots__ = ("depth", "parts", "places", "size")

    def __init__(self, *parts: "Bounds", places: Iterable[int] = ()) -> None:
        self.parts: tuple[Bounds, ...] = parts
        self.size: int = 1 + sum([each.size for each in parts])
        self.depth: int = 1 + max([each.depth for each in parts], default=0)
        self.places: frozenset[int] = frozenset(places).union(*(each.places for each in parts))

    @abstractmethod
    def __call__(self, masks: Masks) -> Interval:
        """Return the lowest and the highest value."""


class Constant(Bounds):
    """A literal."""

    __slots__ = ("_both",)

    def __init__(self, value: Number) -> None:
        super().__init__()
        self._both = value, value

    def __call__(self, masks: Masks) -> Interval:
        """Return the value, twice."""
        del masks
        return self._both


class Flag(Bounds):
    """A flag, or one option of a multi-choice."""

    __slots__ = ("_place",)

    def __init__(self, place: int) -> None:
        super().__init__(places=(place,))
        self._place = place

    def __call__(self, masks: Masks) -> Interval:
        """Return whether it can be no, and yes."""
        return _FLAG[masks[self._place]]


class Integer(Bounds):
    """An integer variable."""

    __slots__ = ("_low", "_place")

    def __init__(self, place: int, low: int) -> None:
        super().__init__(places=(place,))
        self._place, self._low = place, low

    def __call__(self, masks: Masks) -> Interval:
        """Return its lowest and highest number."""
        mask, low = masks[self._place], self._low
        return low + (mask & -mask).bit_length() - 1, low + mask.bit_length() - 1


class Carried(Bounds):
    """What the options of a variable carry; each domain is looked at once."""

    __slots__ = ("_place", "_seen", "_values")

    def __init__(self, place: int, values: Sequence[Number]) -> None:
        super().__init__(places=(place,))
        self._place, self._values = place, values
        self._seen: dict[int, Interval] = {}

    def __call__(self, masks: Masks) -> Interval:
        """Return the least and the most that any of them carries."""
        mask = masks[self._place]
        found = self._seen.get(mask)
        if found is None:
            inside = [value for bit, value in enumerate(self._values) if mask >> bit & 1]
            found = min(inside), max(inside)
            if len(self._seen) < CACHED_MAX:
                self._seen[mask] = found
        return found


class Member(Bounds):
    """The variable's value is one of these."""

    __slots__ = ("_place", "_wanted")

    def __init__(self, place: int, wanted: int) -> None:
        super().__init__(places=(place,))
        self._place, self._wanted = place, wanted

    def __call__(self, masks: Masks) -> Interval:
        """Return whether it can be another, and one of them."""
        mask, wanted = masks[self._place], self._wanted
        return (0 if mask & ~wanted else 1), (1 if mask & wanted else 0)


class Total(Bounds):
    """A sum; one of sums is one of all their parts, so that it is gone through at once."""

    __slots__ = ()

    def __init__(self, parts: Sequence[Bounds]) -> None:
        flat: list[Bounds] = []
        for each in parts:
            flat.extend(each.parts if type(each) is Total else [each])
        super().__init__(*flat)

    def __call__(self, masks: Masks) -> Interval:
        """Return the lowest and the highest sum."""
        low: Number = 0
        high: Number = 0
        for part in self.parts:
            one, other = part(masks)
            low += one
            high += other
        return low, high


class Negative(Bounds):
    """The negated number."""

    __slots__ = ()

    def __call__(self, masks: Masks) -> Interval:
        """Return the ends, turned around."""
        low, high = self.parts[0](masks)
        return -high, -low


class Times(Bounds):
    """A product: the extremes lie at the corners."""

    __slots__ = ()

    def __call__(self, masks: Masks) -> Interval:
        """Return the lowest and the highest corner."""
        left, right = self.parts
        low, high = left(masks)
        first, last = right(masks)
        if low >= 0 and first >= 0:
            return low * first, high * last
        corners = [one * other for one, other in pairs((low, high), (first, last))]
        return min(corners), max(corners)


class Over(Bounds):
    """A quotient; the binder has seen to it that the divisor is above zero."""

    __slots__ = ()

    def __call__(self, masks: Masks) -> Interval:
        """Return the least over the most, and the most over the least."""
        left, right = self.parts
        low, high = left(masks)
        first, last = right(masks)
        least = Fraction(low) / (last if low >= 0 else first)
        most = Fraction(high) / (first if high >= 0 else last)
        return least, most


class Mean(Bounds):
    """A sum over a count of its parts; zero, if there are none."""

    __slots__ = ()

    def __call__(self, masks: Masks) -> Interval:
        """Return the lowest and the highest mean."""
        total, count = self.parts
        fewest, most = count(masks)
        if most == 0:
            return 0, 0
        low, high = total(masks)
        corners = [Fraction(each) / n for each in (low, high) for n in (max(fewest, 1), most)]
        if fewest == 0:
            corners.append(Fraction(0))
        return min(corners), max(corners)


class Ceiling(Bounds):
    """The next whole number."""

    __slots__ = ()

    def __call__(self, masks: Masks) -> Interval:
        """Return both ends, rounded up."""
        low, high = self.parts[0](masks)
        return -(-low // 1), -(-high // 1)


class Extreme(Bounds):
    """The smallest or largest of several numbers; also `and` (min) and `or` (max), in one chain."""

    __slots__ = ("choose",)

    def __init__(self, choose: Callable[[list[Number]], Number], parts: Sequence[Bounds]) -> None:
        self.choose: Callable[[list[Number]], Number] = choose
        flat: list[Bounds] = []
        for each in parts:
            chained = isinstance(each, Extreme) and each.choose is choose
            flat.extend(each.parts if chained else [each])
        super().__init__(*flat)

    def __call__(self, masks: Masks) -> Interval:
        """Return the extreme of the low ends, and of the high ends."""
        seen = [part(masks) for part in self.parts]
        choose = self.choose
        return choose([low for low, _ in seen]), choose([high for _, high in seen])


class Inverse(Bounds):
    """`not`."""

    __slots__ = ()

    def __call__(self, masks: Masks) -> Interval:
        """Return whether it can hold, turned around."""
        low, high = self.parts[0](masks)
        return 1 - high, 1 - low


class Equal(Bounds):
    """Equality, of numbers or of truth (`iff`)."""

    __slots__ = ()

    def __call__(self, masks: Masks) -> Interval:
        """Return whether they can differ, and be the same."""
        left, right = self.parts
        low, high = left(masks)
        first, last = right(masks)
        sure = low == high == first == last
        return (1 if sure else 0), (0 if high < first or last < low else 1)


class Less(Bounds):
    """A comparison of two numbers."""

    __slots__ = ("or_equal",)

    def __init__(self, left: Bounds, right: Bounds, *, or_equal: bool) -> None:
        super().__init__(left, right)
        self.or_equal = or_equal

    def __call__(self, masks: Masks) -> Interval:
        """Return whether it can fail, and hold."""
        left, right = self.parts
        low, high = left(masks)
        first, last = right(masks)
        if self.or_equal:
            return (1 if high <= first else 0), (1 if low <= last else 0)
        return (1 if high < first else 0), (1 if low < last else 0)


class Choice(Bounds):
    """`if(condition, yes, no)`."""

    __slots__ = ()

    def __call__(self, masks: Masks) -> Interval:
        """Return the ends of what is still possible."""
        condition, yes, no = self.parts
        low, high = condition(masks)
        if low == 1:
            return yes(masks)
        if high == 0:
            return no(masks)
        one, other = yes(masks), no(masks)
        return min(one[0], other[0]), max(one[1], other[1])


# How whoever binds an expression says it.
constant, flag, integer, carried, member = Constant, Flag, Integer, Carried, Member
total, negative, times, over, mean, ceiling = Total, Negative, Times, Over, Mean, Ceiling
extreme, inverse, equal, less, choice = Extreme, Inverse, Equal, Less, Choice
