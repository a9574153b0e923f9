"""An instance of a component is there or not as a whole: the rule that the model itself makes."""

from collections.abc import Iterable
from dataclasses import replace

from services.configurator.domain.language.components import Instance, keyed_count
from services.configurator.domain.solving import bounds as b
from services.configurator.domain.solving import variables as v
from services.configurator.domain.solving.binding import Term
from services.configurator.domain.solving.constraints import Box, Constraint
from services.configurator.domain.solving.space import Masks, Space


class Presence(Constraint):
    """Every attribute of an instance has an answer exactly if the number is high enough."""

    def __init__(self, space: Space, instance: Instance) -> None:
        component = instance.component
        self._full = space.full()
        self._count, self._enough = v.enough(space, instance.count, instance.number)
        own = [each.id for each in (*component.attributes, *component.components)]
        self._places = [place for each in own for place in space.places[instance.attribute(each)]]
        self._answers = {
            place: space.answerable(place, self._full[place]) for place in self._places
        }
        enough = b.member(self._count, self._enough)
        same = [b.equal(b.member(place, mask), enough) for place, mask in self._answers.items()]
        name = keyed_count(instance)
        super().__init__(name, (self._count, *self._places), b.extreme(min, same))

    def cover(self, full: Masks, most: int, steps: int) -> list[Box]:
        """Return the boxes that it forbids: two for each variable, so never too many."""
        del most, steps
        short = full[self._count] & ~self._enough
        return [
            box
            for place, mask in self._answers.items()
            for box in (
                ((self._count, self._enough), (place, full[place] & ~mask)),
                ((self._count, short), (place, mask)),
            )
        ]


def words(instance: Instance, count_label: str) -> str:
    """Return what it says to a person.

    The label of the number is that of the flat model.
    """
    return f"{instance.label} is there only if '{count_label}' is {instance.number} or more."


def guarded(space: Space, instance: Instance | None, condition: Term) -> Term:
    """Return the condition as it binds an instance: only if that is there."""
    if instance is None or instance.sure:
        return condition
    scope, there = v.there(space, instance.count, instance.number, condition.scope)
    bounds = b.extreme(max, [b.inverse(there), condition.bounds])
    return replace(condition, scope=condition.scope | scope, bounds=bounds)


def presences(space: Space, instances: Iterable[Instance]) -> list[Presence]:
    """Return the rule of each instance that may be not there."""
    return [Presence(space, each) for each in instances if not each.sure]
