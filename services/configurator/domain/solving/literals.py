"""Finite domains as literals of a SAT solver."""

from collections.abc import Callable, Collection, Iterator

from services.configurator.domain.solving.constraints import Box, Permitted
from services.configurator.domain.solving.space import FALSE, TRUE, Masks, Space, bits

SEEN_MAX = 20_000

# For each literal, in order: itself where it is true, else its negation.
Model = list[int]


class Literals:
    """The literals of the variables' values: a ladder of "at least the n-th value" for each.

    The ladder alone says "exactly one value", and its two ends all that a sum needs to know of an
    interval. A value inside has a literal of its own beside it.
    """

    def __init__(self, space: Space) -> None:
        self.top = 0
        self.clauses: list[list[int]] = []
        self._full = space.full()
        self._ladders: list[list[int]] = []
        self._values: list[list[int]] = []
        self._seen: dict[tuple[int, int], tuple[int, ...]] = {}
        for full in self._full:
            ladder = self.fresh(full.bit_count() - 1)
            inner = self.fresh(max(0, len(ladder) - 1))
            self._ladders.append(ladder)
            self._values.append([-ladder[0], *inner, ladder[-1]] if ladder else [])
            for value, low, high in zip(inner, ladder, ladder[1:], strict=False):
                self.clauses += [[-high, low], [-value, low], [-value, -high], [value, -low, high]]

    def reader(self, places: Collection[int]) -> Callable[[Model], Masks]:
        """Return what reads these variables' values from a model; others keep all their values."""
        ladders = [(place, self._ladders[place]) for place in places]
        pairs = [(place, ladder[0] - 1) for place, ladder in ladders if len(ladder) == 1]
        longer = [(place, ladder) for place, ladder in ladders if len(ladder) > 1]

        def read(model: Model) -> Masks:
            found = list(self._full)
            for place, at in pairs:
                found[place] = TRUE if model[at] > 0 else FALSE
            for place, ladder in longer:
                bit = 1
                for step in ladder:
                    if model[step - 1] < 0:
                        break
                    bit <<= 1
                found[place] = bit
            return found

        return read

    def inside(self, place: int, mask: int) -> tuple[int, ...]:
        """Return literals that all hold where the variable's value is in the mask."""
        known = self._seen.get((place, mask))
        if known is None:
            ladder, low, high = self._ladders[place], _lowest(mask), mask.bit_length() - 1
            first = (ladder[low - 1],) if low else ()
            last = (-ladder[high],) if high < len(ladder) else ()
            known = first + last + tuple(-each for each in self._gaps(place, mask))
            if len(self._seen) < SEEN_MAX:
                self._seen[place, mask] = known
        return known

    def outside(self, place: int, mask: int) -> tuple[int, ...]:
        """Return literals of which one holds where the variable's value is not in the mask."""
        return tuple(-each for each in self.inside(place, mask))

    def wished(self, place: int, value: int) -> Iterator[int]:
        """Yield the ladder as it stands where the variable has this one value."""
        for number, step in enumerate(self._ladders[place]):
            yield step if value >> (number + 1) else -step

    def clause(self, literal: int, box: Box) -> list[int]:
        """Say: where the literal is true, some variable lies outside the box."""
        found = [-literal]
        for place, mask in box:
            found.extend(self.outside(place, mask))
        return found

    def rows(self, rule: int, table: Permitted) -> Iterator[list[int]]:
        """Yield clauses: where the rule holds, the point lies in a row of the table.

        Every row has a literal of its own, true only where the point lies in it. A value needs a
        row that has it: that follows, and said aloud it shows at once what a decision leaves.
        """
        rows = self.fresh(len(table.boxes))
        yield [-rule, *rows]
        for row, box in zip(rows, table.boxes, strict=True):
            for place, mask in box:
                yield from ([-row, each] for each in self.inside(place, mask))
        for place in table.scope:
            needed: dict[int, int] = {}
            for bit in bits(self._full[place]):
                supporting = table.rows_with(place, bit)
                needed[supporting] = needed.get(supporting, 0) | bit
            for supporting, mask in needed.items():
                if mask != self._full[place]:
                    held = [row for at, row in enumerate(rows) if supporting >> at & 1]
                    yield [-rule, *self.outside(place, mask), *held]

    def fresh(self, count: int) -> list[int]:
        """Return so many literals that stand for nothing yet."""
        first = self.top + 1
        self.top += count
        return list(range(first, first + count))

    def _gaps(self, place: int, mask: int) -> Iterator[int]:
        """Yield the values between the first and the last of the mask that are not in it."""
        middle = range(_lowest(mask) + 1, mask.bit_length() - 1)
        return (self._values[place][each] for each in middle if not mask >> each & 1)


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1
