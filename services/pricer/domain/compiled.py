"""A price book made ready for pricing: entries by part, rules by what they may cover."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contracts.values import Pin
from services.pricer.domain.book import Entry, Guardrail, PriceBook, Rule, StackingGroup


@dataclass(frozen=True, slots=True)
class CompiledBook:
    """Lookups over one immutable book; nothing in here is ever changed after `compile_book`."""

    book: PriceBook
    entries: Mapping[str, tuple[Entry, bool]]
    rules: Mapping[str, Mapping[str, tuple[Rule, ...]]]
    groups: Mapping[str, tuple[StackingGroup, ...]]
    positions: Mapping[str, int]

    @property
    def pin(self) -> Pin:
        """Which version this is."""
        return self.book.pin

    def candidates(self, group: StackingGroup, entry: Entry) -> list[Rule]:
        """Return the rules of a group whose scope covers the part: by priority, then as listed."""
        places = self.rules.get(group.id, {})
        found: list[Rule] = []
        for key in (f"sku:{entry.sku}", f"category:{entry.category}", "any"):
            found.extend(places.get(key, ()))
        return sorted(found, key=lambda rule: (-rule.priority, self.positions[rule.id]))

    def guardrails(self, entry: Entry) -> list[Guardrail]:
        """Return the line guardrails that stand under a part."""
        return [
            each
            for each in self.book.guardrails
            if each.scope == "line" and covers(each.skus, each.categories, entry)
        ]


def covers(skus: Iterable[str], categories: Iterable[str], entry: Entry) -> bool:
    """Say whether a scope covers a part; a scope that names nothing covers everything."""
    skus, categories = tuple(skus), tuple(categories)
    return (not skus and not categories) or entry.sku in skus or entry.category in categories


def compile_book(book: PriceBook) -> CompiledBook:
    """Index a book that passed the lint; costs one pass over entries and rules."""
    discountable = {each.id: each.discountable for each in book.categories}
    entries = {each.sku: (each, discountable[each.category]) for each in book.entries}
    stages: dict[str, tuple[StackingGroup, ...]] = {}
    for group in book.groups:
        stages[group.stage] = (*stages.get(group.stage, ()), group)
    category = {each.sku: each.category for each in book.entries}
    rules: dict[str, dict[str, tuple[Rule, ...]]] = {}
    for rule in book.rules:
        places = rules.setdefault(rule.group, {})
        for key in _keys(rule, category):
            places[key] = (*places.get(key, ()), rule)
    positions = {rule.id: place for place, rule in enumerate(book.rules)}
    return CompiledBook(book, entries, rules, stages, positions)


def _keys(rule: Rule, category: Mapping[str, str]) -> list[str]:
    """List where a rule is found; a part whose category is named as well is not listed twice."""
    named = rule.when.categories
    skus = [sku for sku in rule.when.skus if category.get(sku) not in named]
    keys = [f"sku:{sku}" for sku in skus] + [f"category:{each}" for each in named]
    return keys or ["any"]
