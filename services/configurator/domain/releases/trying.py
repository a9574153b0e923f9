"""The examples of a model, tried: answers whose outcome its author knows."""

from collections.abc import Iterator

from contracts.configuration import Decision
from services.configurator.domain.answers.explaining import conflict
from services.configurator.domain.language.components import key_id
from services.configurator.domain.language.model import Example
from services.configurator.domain.products.decisions import DecisionsRefused, binding
from services.configurator.domain.products.finding import Finding, undecided
from services.configurator.domain.products.product import Product
from services.configurator.domain.products.wording import contradiction_words
from services.configurator.domain.solving.effort import SearchBound


def example_findings(product: Product) -> Iterator[Finding]:
    """Yield the examples of these days that do not come out as their author says."""
    for example in product.model.examples:
        if not _is_tried(product, example):
            continue
        try:
            fault = _example_fault(product, example)
        except DecisionsRefused as refused:
            fault = refused.message
        except SearchBound as bound:
            yield undecided(f"example {example.id}", bound)
            continue
        if fault:
            yield Finding("error", "model.example", f"example {example.id}", fault)


def _is_tried(product: Product, example: Example) -> bool:
    """Say whether an example speaks of these days: its own, or all on which its rule binds."""
    if example.day is not None:
        return product.days.has(example.day)
    named = example.conflicts
    return named is None or any(key_id(each.id) == named for each in product.solver.constraints)


def _example_fault(product: Product, example: Example) -> str | None:
    given = [
        Decision(attribute=name, value=value, source="user")
        for name, value in example.answers.items()
    ]
    clash = conflict(product, binding(product, given))
    if clash is None:
        if example.conflicts is None:
            return None
        return f"should contradict {example.conflicts}, but all its answers can hold"
    rules = list(dict.fromkeys(map(key_id, clash.rules)))
    if example.conflicts is None:
        words = contradiction_words(product, clash.decisions, clash.rules)
        return f"should be valid. {words} ({', '.join(rules)})"
    if example.conflicts not in rules:
        return f"contradicts {', '.join(rules)}, not {example.conflicts}"
    return None
