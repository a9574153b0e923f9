"""Bounds of single variables of a space; one that is not there counts as nothing."""

from collections.abc import Callable, Sequence
from itertools import chain, compress
from operator import itemgetter, ne

from services.configurator.domain.language.expression import Number
from services.configurator.domain.language.model import (
    ChoiceAttribute,
    IntegerAttribute,
    MultiAttribute,
)
from services.configurator.domain.solving import bounds as b
from services.configurator.domain.solving.space import TRUE, Masks, Space


def flag(space: Space, place: int) -> b.Bounds:
    """Bounds of "it is chosen", of a flag or an option of a multi-choice."""
    return b.member(place, TRUE) if space.variables[place].nothing else b.flag(place)


def integer(space: Space, attribute: IntegerAttribute) -> b.Bounds:
    """Bounds of a whole number."""
    place = space.places[attribute.id][0]
    low, high = attribute.range
    if space.variables[place].nothing:
        return b.carried(place, [*range(low, high + 1), 0])
    return b.integer(place, low)


def carried(space: Space, place: int, values: Sequence[Number]) -> b.Bounds:
    """Bounds of what the values of a variable carry."""
    return b.carried(place, [*values, 0] if space.variables[place].nothing else values)


def wanting(space: Space, option: str) -> tuple[int, int]:
    """Return the variable that a line of the bill of materials hangs on, and values that want it.

    An option (`pump.low`) or a flag wants it where it is chosen, a number above zero.
    """
    name, _, choice = option.partition(".")
    attribute, places = space.attributes[name], space.places[name]
    if isinstance(attribute, IntegerAttribute):
        return enough(space, name, 1)
    if isinstance(attribute, ChoiceAttribute | MultiAttribute):
        index = [each.id for each in attribute.options].index(choice)
        if isinstance(attribute, MultiAttribute):
            return places[index], TRUE
        return places[0], 1 << index
    return places[0], TRUE


class RunningTotal(b.Bounds):
    """Bounds of a sum of many parts that is asked again and again with few variables changed.

    Only parts whose variables changed since the last time are looked at; the answer is the same as
    that of `bounds.total`. Several threads may ask.
    """

    def __init__(self, parts: Sequence[tuple[frozenset[int], b.Bounds]]) -> None:
        super().__init__(*(bounds for _, bounds in parts))
        # Of fewer than two places an itemgetter would return no tuple.
        places = [*sorted({place for scope, _ in parts for place in scope}), 0, 0]
        self._seen: Callable[[Masks], tuple[int, ...]] = itemgetter(*places)
        self._touched = [
            [number for number, (scope, _) in enumerate(parts) if place in scope]
            for place in places[:-2]
        ]
        self._last: tuple[tuple[int, ...], list[b.Interval], b.Interval] | None = None

    def __call__(self, masks: Masks) -> b.Interval:
        """Return the lowest and highest sum in the domains."""
        seen = self._seen(masks)
        if self._last is None:
            found = [part(masks) for part in self.parts]
            whole = sum(each[0] for each in found), sum(each[1] for each in found)
            self._last = seen, found, whole
            return whole
        before, found, (low, high) = self._last
        if seen == before:
            return low, high
        found = list(found)
        for number in chain.from_iterable(compress(self._touched, map(ne, seen, before))):
            was, now = found[number], self.parts[number](masks)
            found[number] = now
            low += now[0] - was[0]
            high += now[1] - was[1]
        self._last = seen, found, (low, high)
        return low, high


def there(
    space: Space, count: str, number: int, scope: frozenset[int]
) -> tuple[frozenset[int], b.Bounds]:
    """Return bounds of "the instance is there", and of which variables.

    Of those in the scope that are its own it is enough that they have answers: so a reason names
    the number only where it is the number that matters.
    """
    owner = f"{count}_{number}"
    own = frozenset(
        place
        for place in scope
        if space.copies.owners.get(space.variables[place].attribute) == owner
    )
    if not own:
        place, mask = enough(space, count, number)
        return frozenset({place}), b.member(place, mask)
    full = space.full()
    answered = [b.member(place, space.answerable(place, full[place])) for place in sorted(own)]
    return own, b.extreme(min, answered)


def enough(space: Space, count: str, number: int) -> tuple[int, int]:
    """Return the variable of a whole number, and its values from a number on."""
    (place,) = space.places[count]
    values = enumerate(space.variables[place].values)
    return place, sum(1 << bit for bit, value in values if int(value or 0) >= number)
