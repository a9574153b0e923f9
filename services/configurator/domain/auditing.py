"""The lint of a release: what a model that answers still says twice, in vain or wrongly.

Every finding is exact: proved over all configurations, never sampled.
An error keeps the version from being published; a warning is for its author to judge.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from contracts.configuration import Decision
from contracts.values import MAX_QUANTITY
from services.configurator.domain.constraints import Constraint
from services.configurator.domain.decisions import DecisionsRefused, binding
from services.configurator.domain.explaining import conflict
from services.configurator.domain.expression import (
    Binary,
    Call,
    Measure,
    Member,
    Name,
    Node,
    Unary,
    parse,
)
from services.configurator.domain.model import (
    Attribute,
    Example,
    MultiAttribute,
    ProductModel,
)
from services.configurator.domain.product import Product
from services.configurator.domain.solver import SearchBound, Solver
from services.configurator.domain.space import TRUE, Masks
from services.configurator.domain.wording import answer_words, contradiction_words

# What an offer prints whole: as many digits as a price may have.
SHOWN_MAX = 10**15


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to change: how bad, of which kind, where in the model, and what to do."""

    severity: Literal["error", "warning"]
    code: str
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.where}: {self.message}"


def audit(product: Product) -> list[Finding]:
    """Return what is wrong or in vain in a model that has valid configurations; errors first.

    A question that passes the bound of the search is a warning of its own: nothing is claimed.
    """
    found = [
        *_examples(product),
        *_too_large(product),
        *_forced(product),
        *_redundant(product),
        *_unused_measures(product.model),
        *_idle_parts(product),
    ]
    return sorted(found, key=lambda each: each.severity)


# ---- what the author knows


def _examples(product: Product) -> Iterator[Finding]:
    for example in product.model.examples:
        try:
            fault = _example_fault(product, example)
        except DecisionsRefused as refused:
            fault = refused.message
        except SearchBound as bound:
            yield _undecided(f"example {example.id}", bound)
            continue
        if fault:
            yield Finding("error", "model.example", f"example {example.id}", fault)


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
    if example.conflicts is None:
        words = contradiction_words(product, clash.decisions, clash.rules)
        return f"should be valid. {words} ({', '.join(clash.rules)})"
    if example.conflicts not in clash.rules:
        return f"contradicts {', '.join(clash.rules)}, not {example.conflicts}"
    return None


# ---- what grows too large


def _too_large(product: Product) -> Iterator[Finding]:
    full = product.space.full()
    for each in product.parameters:
        low, high = each.value.bounds(full)
        most = max(-low, high)
        if most > SHOWN_MAX:
            words = f"can reach {float(most):.1e}; bound what it is made of, or divide"
            where = f"parameter '{each.definition.id}'"
            yield Finding("error", "model.too_large", where, words)
    for line in product.parts:
        most = line.quantity.bounds(full)[1]
        if most > MAX_QUANTITY:
            words = f"the quantity can reach {float(most):.1e}; at most {MAX_QUANTITY:,} are quoted"
            where = f"bill of materials, {line.mapping.option} -> {line.mapping.sku}"
            yield Finding("error", "model.too_large", where, words)


# ---- what is asked, said or listed in vain


def _forced(product: Product) -> Iterator[Finding]:
    """Yield the questions that have one answer before anything is decided."""
    try:
        witness = product.solver.solve({})
        possible = product.solver.possible({}, witness) if witness else product.space.full()
    except SearchBound as bound:
        yield _undecided("the whole", bound)
        return
    for attribute in product.model.attributes:
        words = _forced_words(product, attribute, possible)
        if words:
            yield Finding("warning", "model.forced", f"attribute '{attribute.id}'", words)


def _forced_words(product: Product, attribute: Attribute, possible: Masks) -> str | None:
    places = product.space.places[attribute.id]
    if all(possible[place].bit_count() == 1 for place in places):
        only = answer_words(attribute, product.space.answer(attribute.id, possible))
        return f"'{only}' is its only answer; a question that decides nothing can go"
    if isinstance(attribute, MultiAttribute):
        always = [
            product.space.variables[place].option for place in places if possible[place] == TRUE
        ]
        if always:
            listed = ", ".join(f"'{each}'" for each in always)
            return f"{listed} is always chosen; make it part of the product"
    return None


def _redundant(product: Product) -> Iterator[Finding]:
    """Yield the rules that can not be broken while all others hold."""
    # Models are made of conditions; only tables and feature models forbid boxes.
    rules = [each for each in product.solver.constraints if isinstance(each, Constraint)]
    turned = [each.negated() for each in rules]
    first = [wish[0] for wish in product.wishes]
    solver = Solver(product.space, [*rules, *turned], first)
    for number, rule in enumerate(rules):
        others = [each for each in range(len(rules)) if each != number]
        try:
            breaks = solver.solve({}, [*others, len(rules) + number])
        except SearchBound as bound:
            yield _undecided(f"rule {rule.id}", bound)
            continue
        if breaks is None:
            words = "whatever the other rules allow meets it already; remove it, or say more"
            yield Finding("warning", "model.redundant", f"rule {rule.id}", words)


def _unused_measures(model: ProductModel) -> Iterator[Finding]:
    used = {
        measure
        for text in _expressions(model)
        for node in _walk(parse(text))
        for measure in _measures(node)
    }
    for measure in model.measures:
        if measure not in used:
            words = "no rule, budget, parameter or part asks for it; remove it, or use it"
            yield Finding("warning", "model.unused", f"measure '{measure}'", words)


def _measures(node: Node) -> Iterator[str]:
    match node:
        case Measure():
            yield node.measure
        case Call(function="sum", arguments=(Name(id=name),)):
            yield name
        case _:
            pass


def _walk(node: Node) -> Iterator[Node]:
    """Yield the node and everything below it, from the top."""
    yield node
    match node:
        case Call():
            below: tuple[Node, ...] = node.arguments
        case Unary():
            below = (node.operand,)
        case Binary():
            below = (node.left, node.right)
        case Member():
            below = (node.subject,)
        case _:
            below = ()
    for each in below:
        yield from _walk(each)


def _expressions(model: ProductModel) -> Iterable[str]:
    yield from (each.rule for each in model.rules)
    for budget in model.budgets:
        yield from (budget.consumption, budget.capacity)
    for parameter in model.parameters:
        yield parameter.expression
        if parameter.when:
            yield parameter.when
    yield from (each.quantity for each in model.bill_of_materials)


def _idle_parts(product: Product) -> Iterator[Finding]:
    full = product.space.full()
    for line in product.parts:
        if line.quantity.bounds(full)[1] == 0:
            where = f"bill of materials, {line.mapping.option} -> {line.mapping.sku}"
            words = "the quantity is always zero; remove the line, or mend its quantity"
            yield Finding("warning", "model.idle_part", where, words)


def _undecided(where: str, bound: SearchBound) -> Finding:
    return Finding("warning", bound.code, where, bound.message)
