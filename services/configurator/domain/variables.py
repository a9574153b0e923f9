"""Bounds of single variables of a space; one that is not there counts as nothing."""

from collections.abc import Sequence

from services.configurator.domain import bounds as b
from services.configurator.domain.expression import Number
from services.configurator.domain.model import ChoiceAttribute, IntegerAttribute, MultiAttribute
from services.configurator.domain.space import TRUE, Space


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


def wanted(space: Space, option: str) -> b.Bounds:
    """Bounds of "this is asked for": an option (`pump.low`), a flag, or a number above zero."""
    name, _, choice = option.partition(".")
    attribute = space.attributes[name]
    places = space.places[name]
    if isinstance(attribute, IntegerAttribute):
        return b.less(b.constant(0), integer(space, attribute), or_equal=False)
    if isinstance(attribute, ChoiceAttribute | MultiAttribute):
        index = [each.id for each in attribute.options].index(choice)
        if isinstance(attribute, MultiAttribute):
            return flag(space, places[index])
        return b.member(places[0], 1 << index)
    return flag(space, places[0])


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
    """Return the variable that says how many there are, and its values from a number on."""
    (place,) = space.places[count]
    values = enumerate(space.variables[place].values)
    return place, sum(1 << bit for bit, value in values if int(value or 0) >= number)
