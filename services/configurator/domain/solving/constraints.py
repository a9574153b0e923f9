"""Named conditions over finite domains, and the boxes in which they can not hold.

A box gives some variables a set of values each. One in which a condition never holds, as wide as
can be, is a lemma: whoever stays out of all such boxes meets the condition.
"""

from collections.abc import Iterable, Iterator
from operator import itemgetter

from services.configurator.domain.solving.bounds import Bounds, inverse
from services.configurator.domain.solving.space import Masks, bits

REMEMBERED_MAX = 20_000

# Variables by place, with the values that the box gives each; of others it holds all.
Box = tuple[tuple[int, int], ...]


class Forbidden:
    """A condition said by the boxes that it forbids, however many they are.

    `size` is about how many parts are looked at to see whether it holds, as of the others.
    """

    def __init__(self, id_: str, boxes: Iterable[Box]) -> None:
        self.id = id_
        self.boxes = tuple(boxes)
        self.size = len(self.boxes)
        self.scope = tuple(sorted({place for box in self.boxes for place, _ in box}))

    def holds(self, point: Masks) -> bool:
        """Say whether the condition holds where every variable has one value."""
        return not any(all(point[place] & mask for place, mask in box) for box in self.boxes)


class Permitted:
    """A condition said by its rows: it holds where a point lies in at least one of these boxes.

    A set of rows is a number whose bits stand for them, the first row for the lowest.
    """

    def __init__(self, id_: str, boxes: Iterable[Box]) -> None:
        self.id = id_
        self.boxes = tuple(boxes)
        self.scope = tuple(sorted({place for box in self.boxes for place, _ in box}))
        self.size = len(self.scope)
        every = (1 << len(self.boxes)) - 1
        self._any_value = dict.fromkeys(self.scope, every)
        self._by_value: dict[int, dict[int, int]] = {place: {} for place in self.scope}
        for number, box in enumerate(self.boxes):
            for place, mask in box:
                self._any_value[place] ^= 1 << number
                by_value = self._by_value[place]
                for bit in bits(mask):
                    by_value[bit] = by_value.get(bit, 0) | 1 << number

    def holds(self, point: Masks) -> bool:
        """Say whether the condition holds where every variable has one value."""
        rows = (1 << len(self.boxes)) - 1
        for place in self.scope:
            rows &= self.rows_with(place, point[place])
        return rows != 0

    def rows_with(self, place: int, value: int) -> int:
        """Return the rows that have this value of a variable."""
        return self._any_value[place] | self._by_value[place].get(value, 0)

    def has_row_with(self, place: int, value: int) -> bool:
        """Say whether any row has this value; every row has all values of other variables."""
        return place not in self._any_value or self.rows_with(place, value) != 0

    def negated(self) -> Forbidden:
        """Return the condition that holds exactly where this one does not."""
        return Forbidden(self.id, self.boxes)


class Constraint:
    """A condition that must hold, under the id of its rule or budget."""

    def __init__(self, id_: str, scope: Iterable[int], bounds: Bounds) -> None:
        self.id = id_
        self.scope = tuple(sorted(scope))
        self.bounds = bounds
        self.size = bounds.size
        self._seen: dict[object, bool] = {}
        # How often its bounds were asked for a lemma.
        self.looked = 0

    def __getstate__(self) -> dict[str, object]:
        """Return what it says, without what it remembers of points."""
        return self.__dict__ | {"_seen": {}, "looked": 0}

    def negated(self) -> "Constraint":
        """Return the condition that holds exactly where this one does not."""
        return Constraint(self.id, self.scope, inverse(self.bounds))

    def holds(self, point: Masks) -> bool:
        """Say whether the condition holds where every variable has one value."""
        key = itemgetter(*self.scope)(point) if self.scope else None
        known = self._seen.get(key)
        if known is None:
            if len(self._seen) >= REMEMBERED_MAX:
                self._seen.clear()
            known = self._seen[key] = self.bounds(point)[1] == 1
        return known

    def lemma(self, masks: Masks, full: Masks) -> Box:
        """Return a widest box around the masks in which the condition never holds.

        It must not hold anywhere inside the masks; they stay as they were.
        """
        wide = list(masks)
        for place in self.scope:
            pending = [full[place] & ~wide[place]]
            while pending:
                more = pending.pop()
                wide[place] |= more
                self.looked += 1
                if self.bounds(wide)[1]:
                    wide[place] ^= more
                    pending.extend(_halves(more))
        return tuple((place, wide[place]) for place in self.scope if wide[place] != full[place])

    def cover(self, full: Masks, most: int, steps: int) -> list[Box] | None:
        """Return boxes that cover every point where the condition does not hold.

        None, if it takes more boxes or more steps of splitting.

        Where its bounds say that it holds everywhere, there is nothing to say; where they say that
        it holds nowhere, a box is found; between, the widest variable is split.
        """
        found: list[Box] = []
        pending: list[Masks] = [list(full)]
        while pending and len(found) <= most and steps:
            steps -= 1
            masks = pending.pop()
            low, high = self.bounds(masks)
            if low == 1 or any(_inside(masks, box) for box in found):
                continue
            if high == 0:
                found.append(self.lemma(masks, full))
                continue
            widest = max(self.scope, key=lambda place: masks[place].bit_count())
            pending.extend(
                [*masks[:widest], half, *masks[widest + 1 :]] for half in _halves(masks[widest])
            )
        return None if pending or len(found) > most else found


def _inside(masks: Masks, box: Box) -> bool:
    return not any(masks[place] & ~mask for place, mask in box)


def _halves(mask: int) -> Iterator[int]:
    """Yield the upper and the lower half of a mask's values; of one value, nothing."""
    values = list(bits(mask))
    if len(values) > 1:
        middle = len(values) // 2
        yield sum(values[middle:])
        yield sum(values[:middle])


Condition = Constraint | Forbidden | Permitted
