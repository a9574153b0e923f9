"""What a configuration costs, as exact bounds over domains: the objective of a search.

A cost is a sum over the lines of the bill of materials; each line belongs to one variable (its
option, flag or number) and counts where that variable has a value that wants it. So the least of
every variable's values adds up to a bound below every configuration inside the domains.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.configurator.domain.language.expression import Number
from services.configurator.domain.products.product import BoundPart, Product
from services.configurator.domain.solving.bounds import Interval
from services.configurator.domain.solving.space import Masks, bits
from services.configurator.domain.solving.variables import wanting

# A bill of materials says quantities in thousandths.
PARTS_OF_ONE = 1000
# More than any cost; a value that there is not.
NEVER = 1 << 200
REMEMBERED_MAX = 50_000


@dataclass(frozen=True, slots=True)
class Weight:
    """What one part costs: for each thousandth of it, and once for having any of it."""

    thousandth: int = 0
    once: int = 0


class Level(NamedTuple):
    """The least cost of a variable in its domain, and which values may have it."""

    least: int
    cheap: int


class _Line(NamedTuple):
    part: BoundPart
    weight: Weight


class Objective:
    """The cost of every configuration of a product, from weights by SKU; others cost nothing."""

    def __init__(self, product: Product, weights: Mapping[str, Weight]) -> None:
        self._full = product.space.full()
        self._lines: dict[int, dict[int, list[_Line]]] = {}
        scopes: dict[int, set[int]] = {}
        for part in product.parts:
            weight = weights.get(part.part.sku)
            if weight is None or not (weight.thousandth or weight.once):
                continue
            place, mask = wanting(product.space, part.mapping.option)
            scopes.setdefault(place, set()).update(part.quantity.scope - {place})
            for bit in bits(mask):
                self._lines.setdefault(place, {}).setdefault(bit, []).append(_Line(part, weight))
        self.scopes = {place: tuple(sorted(scopes[place])) for place in sorted(scopes)}
        self._spans: dict[tuple[int, ...], tuple[int, int]] = {}
        self._levels: dict[tuple[int, ...], Level] = {}

    def at(self, point: Masks) -> int:
        """Return the cost of a complete configuration."""
        return sum(self.span(place, point[place], point)[0] for place in self.scopes)

    def level(self, place: int, masks: Masks) -> Level:
        """Return the least cost of a variable's values inside the domains."""
        key = (place, masks[place], *[masks[each] for each in self.scopes[place]])
        known = self._levels.get(key)
        if known is None:
            _forget(self._levels)
            known = self._levels[key] = self._level(place, masks)
        return known

    def _level(self, place: int, masks: Masks) -> Level:
        lows = [(bit, self.span(place, bit, masks)[0]) for bit in bits(masks[place])]
        least = min((low for _, low in lows), default=NEVER)
        return Level(least, sum(bit for bit, low in lows if low == least))

    def without(self, place: int, mask: int, masks: Masks, least: int | None) -> int:
        """Return how much a variable's least cost rises without these values.

        NEVER, if it has no others; nothing, if it costs nothing (`least` is None).
        """
        left = masks[place] & ~mask
        if not left:
            return NEVER
        if least is None:
            return 0
        return min(self.span(place, bit, masks)[0] for bit in bits(left)) - least

    def most(self) -> int:
        """Return a bound above every cost."""
        return sum(self.dearest(place, self._full) for place in self.scopes)

    def dearest(self, place: int, masks: Masks) -> int:
        """Return a bound above the cost of the variable's values inside the domains."""
        return max(self.span(place, bit, masks)[1] for bit in bits(masks[place]))

    def span(self, place: int, bit: int, masks: Masks) -> tuple[int, int]:
        """Return the lowest and highest cost of one value of a variable inside the domains."""
        lines = self._lines[place].get(bit)
        if lines is None:
            return 0, 0
        key = (place, bit, *[masks[each] for each in self.scopes[place]])
        known = self._spans.get(key)
        if known is None:
            _forget(self._spans)
            known = self._spans[key] = _sum(lines, place, bit, masks)
        return known


def thousandths(amount: Number) -> int:
    """Return a quantity as a bill of materials says it: rounded half up to thousandths.

    >>> thousandths(2), thousandths(Fraction(1, 3))
    (2000, 333)
    """
    return int((2 * PARTS_OF_ONE * amount + 1) // 2)


def _sum(lines: Sequence[_Line], place: int, bit: int, masks: Masks) -> tuple[int, int]:
    narrowed = list(masks)
    narrowed[place] = bit
    pairs = [(each.weight, each.part.quantity.bounds(narrowed)) for each in lines]
    return sum(_ends(pairs, 0)), sum(_ends(pairs, 1))


def _ends(pairs: Sequence[tuple[Weight, Interval]], end: int) -> Iterator[int]:
    for weight, interval in pairs:
        count = thousandths(interval[end])
        if count > 0:
            yield weight.thousandth * count + weight.once


def _forget(known: dict[tuple[int, ...], Level] | dict[tuple[int, ...], tuple[int, int]]) -> None:
    if len(known) >= REMEMBERED_MAX:
        known.clear()
