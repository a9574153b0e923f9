"""The finite space of a model: one variable per attribute, one per option of a multi-choice.

A domain is a bit mask over the variable's values (bit 0 is the first), a point of the space a mask
with one bit per variable. Values are: option ids in order, whole numbers from the low end, False
then True. A variable of an instance that may be not there has one more value, the last: nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from contracts.configuration import Answer
from services.configurator.domain.language.components import Copies
from services.configurator.domain.language.model import (
    Attribute,
    ChoiceAttribute,
    IntegerAttribute,
    MultiAttribute,
)

# The values of every variable, one bit each; a point has one bit in each.
Masks = list[int]
# What is asked for: of the variables named here these values, of the others any.
Domains = Mapping[int, int]
FALSE, TRUE = 0b01, 0b10


@dataclass(frozen=True, slots=True)
class Variable:
    """One finite domain: an attribute, or membership of one option in a multi-choice."""

    attribute: str
    option: str | None
    values: tuple[Answer | None, ...]

    @property
    def nothing(self) -> int:
        """The mask of "not there"; empty where the variable always has a value."""
        return 1 << len(self.values) - 1 if self.values[-1] is None else 0


class Space:
    """The variables of a model and the way between answers and masks."""

    def __init__(self, attributes: Sequence[Attribute], copies: Copies | None = None) -> None:
        self.attributes = {each.id: each for each in attributes}
        self.copies = copies or Copies()
        self.variables: list[Variable] = []
        self.places: dict[str, tuple[int, ...]] = {}
        for attribute in attributes:
            first = len(self.variables)
            maybe = (None,) if attribute.id in self.copies.maybe else ()
            self.variables.extend(_variables(attribute, maybe))
            self.places[attribute.id] = tuple(range(first, len(self.variables)))
        self._full = [(1 << len(each.values)) - 1 for each in self.variables]
        self._nothing = [each.nothing for each in self.variables]

    def full(self) -> Masks:
        """Return the domains before any decision."""
        return list(self._full)

    def answerable(self, place: int, mask: int) -> int:
        """Return the values of a mask that are answers: all but "not there"."""
        return mask & ~self._nothing[place]

    def is_there(self, attribute: str, masks: Sequence[int]) -> bool:
        """Say whether the attribute can have an answer; at a point, whether it has one."""
        place = self.places[attribute][0]
        return self.answerable(place, masks[place]) != 0

    def is_settled(self, attribute: str, masks: Sequence[int]) -> bool:
        """Say whether there is one answer only, wherever the attribute is there."""
        return all(
            self.answerable(place, masks[place]).bit_count() == 1
            for place in self.places[attribute]
        )

    def away(self, attribute: str) -> dict[int, int]:
        """Return the masks that say "not there"; empty for one that always has an answer."""
        pairs = ((place, self._nothing[place]) for place in self.places[attribute])
        return {place: mask for place, mask in pairs if mask}

    def of_answer(self, attribute: str, value: Answer | tuple[str, ...]) -> dict[int, int]:
        """Return the masks that say exactly this answer, which must be one of the attribute's."""
        places = self.places[attribute]
        if isinstance(self.attributes[attribute], MultiAttribute):
            chosen = set(value) if isinstance(value, tuple) else {value}
            return {
                place: TRUE if self.variables[place].option in chosen else FALSE for place in places
            }
        # Kinds are never mixed in one tuple, so that True == 1 can not mislead the index.
        return {places[0]: 1 << self.variables[places[0]].values.index(_one(value))}

    def answer(self, attribute: str, masks: Sequence[int]) -> Answer | tuple[str, ...]:
        """Return the answer that a point of the space gives to the attribute, which is there."""
        places = self.places[attribute]
        if isinstance(self.attributes[attribute], MultiAttribute):
            return tuple(
                str(self.variables[place].option) for place in places if masks[place] == TRUE
            )
        found = self.variables[places[0]].values[masks[places[0]].bit_length() - 1]
        if found is None:
            raise AssertionError(f"{attribute} is not there")
        return found


def _one(value: Answer | tuple[str, ...]) -> Answer:
    return value[0] if isinstance(value, tuple) else value


def _variables(attribute: Attribute, maybe: tuple[None, ...]) -> list[Variable]:
    if isinstance(attribute, MultiAttribute):
        values = (False, True, *maybe)
        return [Variable(attribute.id, option.id, values) for option in attribute.options]
    return [Variable(attribute.id, None, (*values_of(attribute), *maybe))]


def values_of(attribute: Attribute) -> tuple[Answer, ...]:
    """Return the answers of an attribute in order; of a multi-choice, its option ids."""
    if isinstance(attribute, ChoiceAttribute | MultiAttribute):
        return tuple(option.id for option in attribute.options)
    if isinstance(attribute, IntegerAttribute):
        low, high = attribute.range
        return tuple(range(low, high + 1))
    return (False, True)


def bits(mask: int) -> Iterator[int]:
    """Yield each value of a mask as a mask of its own, the lowest first."""
    while mask:
        bit = mask & -mask
        yield bit
        mask ^= bit
