"""Structural lint of components: what can not be flattened is refused before it is tried."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from services.configurator.domain.language.components import (
    ATTRIBUTES_MAX,
    DEPTH_MAX,
    INSTANCES_MAX,
    count_rule,
    every,
    everywhere,
    flat,
    numbers,
    rules_of,
    tops,
)
from services.configurator.domain.language.linting import attribute_faults, doubles, mapping_faults
from services.configurator.domain.language.model import Component, Part, ProductModel
from services.configurator.domain.language.naming import nearest

NAME_MAX = 60


def component_faults(model: ProductModel, parts: Mapping[str, Part]) -> list[str]:
    """Return the faults of a model's components that show without binding an expression."""
    faults = [
        fault
        for path, component in everywhere(model.components)
        for fault in _faults(model, path, component, parts)
    ]
    return faults or _size_faults(model) or [*_name_faults(model), *_rule_faults(model)]


def suffix(path: str) -> str:
    """Return what a fault of a piece of a component ends with.

    >>> suffix("radio.antenna")
    " (component 'radio.antenna')"
    """
    return f" (component '{path}')"


def _faults(
    model: ProductModel, path: str, component: Component, parts: Mapping[str, Part]
) -> Iterator[str]:
    where = f"component '{path}'"
    depth = path.count(".") + 1
    if depth > DEPTH_MAX:
        yield (
            f"{where}: nested {depth} deep, at most {DEPTH_MAX} are;"
            f" make a product or attributes of it"
        )
    yield from _count_faults(model, where, component, depth)
    if not component.attributes and not component.components:
        yield f"{where}: has neither attributes nor components; an integer attribute says as much"
    own = [*component.attributes, *component.components]
    inside = doubles("attribute or component", (each.id for each in own))
    for attribute in component.attributes:
        inside += attribute_faults(attribute, model.measures)
    known = [*component.attributes, *numbers(component.components)]
    for mapping in component.bill_of_materials:
        inside += mapping_faults(mapping, known, parts)
    yield from (f"{each}{suffix(path)}" for each in inside)


def _count_faults(
    model: ProductModel, where: str, component: Component, depth: int
) -> Iterator[str]:
    low, high = component.count
    if low > high:
        yield f"{where}: the count runs from {low} down to {high}; write [{high}, {low}]"
    elif component.default is not None and not low <= component.default <= high:
        yield f"{where}: the default {component.default} is not between {low} and {high}"
    groups = [each.id for each in model.groups]
    if depth > 1 and component.group is not None:
        yield f"{where}: its number is asked in the step of the one around; leave 'group' out"
    elif depth == 1 and component.group is None:
        yield f"{where}: give the 'group' in which its number is asked, one of {', '.join(groups)}"
    elif depth == 1 and component.group not in groups:
        hint = nearest(component.group or "", groups)
        yield f"{where}: unknown group '{component.group}'{hint}"


def _size_faults(model: ProductModel) -> list[str]:
    """Count what flattening would make, without making it."""
    instances, attributes = _sizes(model.components)
    attributes += len(model.attributes)
    largest = max(model.components, key=lambda each: _sizes([each])[1], default=None)
    faults = []
    if largest is not None and instances > INSTANCES_MAX:
        faults.append(
            f"component '{largest.id}': all components together make {instances} instances,"
            f" more than {INSTANCES_MAX}; lower a count"
        )
    if largest is not None and attributes > ATTRIBUTES_MAX:
        faults.append(
            f"component '{largest.id}': all instances together make {attributes} attributes with"
            f" those of the product, more than {ATTRIBUTES_MAX}; lower a count"
        )
    return faults


def _sizes(components: Sequence[Component]) -> tuple[int, int]:
    """Return how many instances and attributes there can be at most."""
    instances, attributes = 0, len(components)
    for each in components:
        below = _sizes(each.components)
        instances += each.count[1] * (1 + below[0])
        attributes += each.count[1] * (len(each.attributes) + below[1])
    return instances, attributes


def _name_faults(model: ProductModel) -> Iterator[str]:
    whole, copies = flat(model)
    counts = {each.id for each in model.components}
    names = Counter([*(each.id for each in whole.attributes), *(p.id for p in model.parameters)])
    for name in [*counts, *copies.origins]:
        path = copies.origins[name][0] if name in copies.origins else name
        if names[name] > 1:
            yield (
                f"component '{path}': the name '{name}' that it needs stands elsewhere too;"
                f" rename one of them"
            )
        if len(name) > NAME_MAX:
            yield (
                f"component '{path}': the name '{name}' would be longer than {NAME_MAX}"
                f" characters; shorten the ids"
            )
    groups = {each.id for each in model.groups}
    for each in every(tops(model)):
        if each.prefix in groups:
            yield (
                f"component '{each.path}': the step '{each.prefix}' that it needs is a group of the"
                f" model; rename the group"
            )


def _rule_faults(model: ProductModel) -> Iterator[str]:
    used = {*(each.id for each in rules_of(model)), *(each.id for each in model.budgets)}
    for path, component in everywhere(model.components):
        name = count_rule(component)
        if name in used:
            yield f"component '{path}': it needs the rule id {name} itself; rename the rule {name}"
