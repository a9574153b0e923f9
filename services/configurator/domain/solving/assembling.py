"""The rules and parts lines of a model with those of its components, once for every instance."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.configurator.domain.language.components import (
    Instance,
    every,
    keyed,
    keyed_count,
    tops,
)
from services.configurator.domain.language.linting_components import suffix
from services.configurator.domain.language.model import PartMapping, ProductModel, Rule
from services.configurator.domain.solving.presence import words
from services.configurator.domain.solving.space import Space


@dataclass(frozen=True, slots=True)
class RuleCopy:
    """A rule as it holds of one instance (or of the product: None), under a key of its own."""

    rule: Rule
    key: str
    where: str
    inside: Instance | None


@dataclass(frozen=True, slots=True)
class LineCopy:
    """A line of the bill of materials for one instance (or the product: None), in flat names."""

    mapping: PartMapping
    where: str
    inside: Instance | None


def rule_copies(model: ProductModel) -> Iterator[RuleCopy]:
    """Yield the rules of the product, then of every instance."""
    for rule in model.rules:
        yield RuleCopy(rule, rule.id, f"rule {rule.id}", None)
    for each in every(tops(model)):
        for rule in each.component.rules:
            where = f"rule {rule.id}{suffix(each.path)}"
            yield RuleCopy(rule, keyed(rule.id, each), where, each)


def line_copies(model: ProductModel) -> Iterator[LineCopy]:
    """Yield the lines of the product, then of every instance."""
    for line in model.bill_of_materials:
        yield LineCopy(line, f"bill of materials, {line.option} -> {line.sku}", None)
    for each in every(tops(model)):
        for line in each.component.bill_of_materials:
            where = f"bill of materials, {line.option} -> {line.sku}{suffix(each.path)}"
            option = each.attribute(line.option)
            mapping = PartMapping.model_construct(
                option=option, sku=line.sku, quantity=line.quantity
            )
            yield LineCopy(mapping, where, each)


def messages(model: ProductModel, space: Space) -> Mapping[str, str]:
    """Return the words of every rule, table and budget by key; an instance is named first."""
    found = {each.id: each.message for each in (*model.tables, *model.budgets)}
    for copy in rule_copies(model):
        said = copy.rule.message
        found[copy.key] = f"{copy.inside.label}: {said}" if copy.inside else said
    for each in every(tops(model)):
        if not each.sure:
            label = space.attributes[each.count].label
            found[keyed_count(each)] = words(each, label)
    return found
