"""Structural lint of a product model: sentences that say what is wrong and what to change.

What needs expressions bound or the space searched is found by `product.publish`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from services.configurator.domain.language.components import count_rule, everywhere, numbers
from services.configurator.domain.language.dating import date_faults, requirements
from services.configurator.domain.language.model import (
    INTEGER_VALUES_MAX,
    Attribute,
    AttributeOfComponent,
    OfChoice,
    OfInteger,
    OfMulti,
    Part,
    PartMapping,
    ProductModel,
)
from services.configurator.domain.language.naming import nearest
from services.configurator.domain.language.units import UNITS


def structure_faults(model: ProductModel, parts: Mapping[str, Part]) -> list[str]:
    """Return the faults that show without binding an expression; empty if there are none."""
    rules = [each.id for each in requirements(model)]
    faults = [
        *doubles("group", (each.id for each in model.groups)),
        *doubles("attribute or parameter", _names(model)),
        *doubles("rule, table or budget", rules),
        *doubles("example", (each.id for each in model.examples)),
        *date_faults(model),
    ]
    rules += {count_rule(each) for _, each in everywhere(model.components)}
    for example in model.examples:
        if example.conflicts is not None and example.conflicts not in rules:
            hint = nearest(example.conflicts, rules)
            faults.append(f"example {example.id}: unknown rule '{example.conflicts}'{hint}")
    for measure, unit in model.measures.items():
        faults += _unit(f"measure '{measure}'", unit)
    groups = [each.id for each in model.groups]
    for attribute in model.attributes:
        where = f"attribute '{attribute.id}'"
        if attribute.group not in groups:
            faults.append(
                f"{where}: unknown group '{attribute.group}'{nearest(attribute.group, groups)}"
            )
        faults += attribute_faults(attribute, model.measures)
    for parameter in model.parameters:
        faults += _unit(f"parameter '{parameter.id}'", parameter.unit)
    known = [*model.attributes, *numbers(model.components)]
    for mapping in model.bill_of_materials:
        faults += mapping_faults(mapping, known, parts)
    return faults


def _names(model: ProductModel) -> list[str]:
    return [*(each.id for each in model.attributes), *(each.id for each in model.parameters)]


def doubles(kind: str, ids: Iterable[str]) -> list[str]:
    """Return a fault for every id of a kind that stands more than once."""
    return [
        f"the {kind} '{each}' stands {count} times; give each its own id"
        for each, count in Counter(ids).items()
        if count > 1
    ]


def _unit(where: str, unit: str) -> list[str]:
    if not unit or unit in UNITS:
        return []
    return [f"{where}: unknown unit '{unit}'{nearest(unit, UNITS)}"]


def attribute_faults(
    attribute: Attribute | AttributeOfComponent, measures: Mapping[str, str]
) -> list[str]:
    """Return what is wrong with one attribute by itself: options, range, default, unit."""
    where = f"attribute '{attribute.id}'"
    if isinstance(attribute, OfInteger):
        return [*_unit(where, attribute.unit), *_range_faults(where, attribute)]
    if not isinstance(attribute, OfChoice | OfMulti):
        return []
    ids = [each.id for each in attribute.options]
    faults = doubles(f"option of '{attribute.id}'", ids)
    for option in attribute.options:
        faults += [
            f"option '{attribute.id}.{option.id}': unknown measure '{each}'"
            f"{nearest(each, measures)}"
            for each in option.measures
            if each not in measures
        ]
    default = attribute.default if isinstance(attribute.default, tuple) else (attribute.default,)
    faults += [
        f"{where}: the default '{each}' is not one of its options{nearest(each, ids)}"
        for each in default or ()
        if each is not None and each not in ids
    ]
    return faults


def _range_faults(where: str, attribute: OfInteger) -> list[str]:
    low, high = attribute.range
    if low > high:
        return [f"{where}: the range runs from {low} down to {high}; write [{high}, {low}]"]
    if high - low >= INTEGER_VALUES_MAX:
        most = f"{where}: a range holds at most {INTEGER_VALUES_MAX} values"
        return [f"{most}; count in a larger unit or use a choice"]
    if attribute.default is not None and not low <= attribute.default <= high:
        return [f"{where}: the default {attribute.default} is not between {low} and {high}"]
    return []


def mapping_faults(
    mapping: PartMapping,
    attributes: Sequence[Attribute | AttributeOfComponent],
    parts: Mapping[str, Part],
) -> list[str]:
    """Return what is wrong with one line of a bill of materials, its quantity aside."""
    where = f"bill of materials, {mapping.option} -> {mapping.sku}"
    faults = []
    if mapping.sku not in parts:
        faults.append(
            f"{where}: the part master has no '{mapping.sku}'{nearest(mapping.sku, parts)}"
        )
    name, _, option = mapping.option.partition(".")
    attribute = next((each for each in attributes if each.id == name), None)
    if attribute is None:
        known = [each.id for each in attributes]
        return [*faults, f"{where}: unknown attribute '{name}'{nearest(name, known)}"]
    if isinstance(attribute, OfChoice | OfMulti):
        ids = [each.id for each in attribute.options]
        if option not in ids:
            faults.append(f"{where}: '{name}' has no option '{option}'{nearest(option, ids)}")
    elif option:
        faults.append(f"{where}: '{name}' is a {attribute.kind}; write '{name}' alone")
    return faults
