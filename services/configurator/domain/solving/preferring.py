"""What a model prefers where nobody decided; that something is not there comes last."""

from services.configurator.domain.language.model import Attribute, ChoiceAttribute, MultiAttribute
from services.configurator.domain.solving.space import FALSE, TRUE, Space, values_of

Wish = tuple[int, ...]


def preferences(space: Space) -> list[Wish]:
    """Return for each variable its values, one bit each, the preferred first."""
    wishes = [wish for attribute in space.attributes.values() for wish in _preferences(attribute)]
    return [
        (*wish, variable.nothing) if variable.nothing else wish
        for wish, variable in zip(wishes, space.variables, strict=True)
    ]


def _preferences(attribute: Attribute) -> list[Wish]:
    if isinstance(attribute, MultiAttribute):
        wanted = set(attribute.default or ())
        return [(TRUE, FALSE) if each.id in wanted else (FALSE, TRUE) for each in attribute.options]
    values = values_of(attribute)
    first = 0 if attribute.default is None else values.index(attribute.default)
    if isinstance(attribute, ChoiceAttribute):
        order = [first, *(each for each in range(len(values)) if each != first)]
    else:
        # A number moves away from its default as little as possible, downwards first.
        order = sorted(range(len(values)), key=lambda each: (abs(each - first), each))
    return [tuple(1 << each for each in order)]
