"""The finite space of a model: one variable per attribute, one per option of a multi-choice.

A domain is a bit mask over the variable's values (bit 0 is the first), a point of the space a mask
with one bit per variable. Values are: option ids in order, whole numbers from the low end, False
then True.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from contracts.configuration import Answer
from services.configurator.domain.model import (
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
    values: tuple[Answer, ...]


class Space:
    """The variables of a model and the way between answers and masks."""

    def __init__(self, attributes: Sequence[Attribute]) -> None:
        self.attributes = {each.id: each for each in attributes}
        self.variables: list[Variable] = []
        self.places: dict[str, tuple[int, ...]] = {}
        for attribute in attributes:
            first = len(self.variables)
            self.variables.extend(_variables(attribute))
            self.places[attribute.id] = tuple(range(first, len(self.variables)))
        self._full = [(1 << len(each.values)) - 1 for each in self.variables]

    def full(self) -> Masks:
        """Return the domains before any decision."""
        return list(self._full)

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
        """Return the answer that a point of the space gives to the attribute."""
        places = self.places[attribute]
        if isinstance(self.attributes[attribute], MultiAttribute):
            return tuple(
                str(self.variables[place].option) for place in places if masks[place] == TRUE
            )
        return self.variables[places[0]].values[masks[places[0]].bit_length() - 1]


def _one(value: Answer | tuple[str, ...]) -> Answer:
    return value[0] if isinstance(value, tuple) else value


def _variables(attribute: Attribute) -> list[Variable]:
    if isinstance(attribute, MultiAttribute):
        return [Variable(attribute.id, option.id, (False, True)) for option in attribute.options]
    return [Variable(attribute.id, None, values_of(attribute))]


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
