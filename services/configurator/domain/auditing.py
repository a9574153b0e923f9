"""The lint of a release: what a model that answers still says twice, in vain or wrongly.

Every finding is exact: proved over all configurations, never sampled.
An error keeps the version from being published; a warning is for its author to judge.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from contracts.configuration import Decision
from contracts.values import MAX_QUANTITY
from services.configurator.domain import bounds as b
from services.configurator.domain.constraints import Condition, Constraint, Forbidden
from services.configurator.domain.decisions import DecisionsRefused, binding
from services.configurator.domain.explaining import conflict
from services.configurator.domain.expression import Call, Measure, Name, Node, parse
from services.configurator.domain.model import (
    Attribute,
    Example,
    MultiAttribute,
    ProductModel,
)
from services.configurator.domain.nodes import walk
from services.configurator.domain.product import BoundPart, Product
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
    prover = _Prover(product)
    found = [
        *_examples(product),
        *_too_large(product, prover),
        *_forced(product),
        *_redundant(product, prover),
        *_unused_measures(product.model),
        *_idle(product, prover),
    ]
    return sorted(found, key=lambda each: each.severity)


class _Prover:
    """Says of conditions whether any valid configuration meets them, by one solver for all."""

    def __init__(self, product: Product) -> None:
        # Only feature models of other tools forbid boxes.
        self.rules = [
            each for each in product.solver.constraints if not isinstance(each, Forbidden)
        ]
        self._product = product
        self._asked: list[Condition] = [each.negated() for each in self.rules]
        self._solver: Solver | None = None

    def ask(self, where: str, scope: Iterable[int], bounds: b.Bounds) -> int:
        """Take up a condition; returns its number."""
        self._asked.append(Constraint(where, scope, bounds))
        self._solver = None
        return len(self._asked) - 1

    def can_be(self, number: int, without: Collection[int] = ()) -> bool:
        """Say whether a condition can hold with all rules but these.   Raises: SearchBound."""
        if self._solver is None:
            first = [wish[0] for wish in self._product.wishes]
            self._solver = Solver(self._product.space, [*self.rules, *self._asked], first)
        counted = [each for each in range(len(self.rules)) if each not in without]
        return self._solver.solve({}, [*counted, len(self.rules) + number]) is not None


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


def _too_large(product: Product, prover: _Prover) -> Iterator[Finding]:
    full = product.space.full()
    asked = []
    for each in product.parameters:
        low, high = each.value.bounds(full)
        if max(-low, high) > SHOWN_MAX:
            where = f"parameter '{each.definition.id}'"
            beyond = _beyond(each.value.bounds, SHOWN_MAX)
            number = prover.ask(where, each.value.scope, beyond)
            asked.append((where, number, "can pass 10^15; bound what it is made of, or divide"))
    for sku, lines in _by_sku(product).items():
        counted = b.total([b.times(line.wanted, line.quantity.bounds) for line in lines])
        if counted(full)[1] > MAX_QUANTITY:
            where = f"bill of materials, {lines[0].mapping.option} -> {sku}"
            scope = set().union(*(_scope(product, line) for line in lines))
            number = prover.ask(where, scope, _beyond(counted, int(MAX_QUANTITY)))
            words = f"its quantity can pass {MAX_QUANTITY:,}, the most that is quoted"
            asked.append((where, number, words))
    for where, number, words in asked:
        try:
            if prover.can_be(number):
                yield Finding("error", "model.too_large", where, words)
        except SearchBound as bound:
            yield _undecided(where, bound)


def _by_sku(product: Product) -> dict[str, list[BoundPart]]:
    found: dict[str, list[BoundPart]] = {}
    for line in product.parts:
        found.setdefault(line.mapping.sku, []).append(line)
    return found


def _scope(product: Product, line: BoundPart) -> frozenset[int]:
    attribute = line.mapping.option.partition(".")[0]
    return line.quantity.scope.union(product.space.places[attribute])


def _beyond(value: b.Bounds, most: int) -> b.Bounds:
    """Return the condition that a value lies outside -most to most."""
    above = b.less(b.constant(most), value, or_equal=False)
    below = b.less(value, b.constant(-most), or_equal=False)
    return b.extreme(max, [above, below])


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


def _redundant(product: Product, prover: _Prover) -> Iterator[Finding]:
    """Yield the rules that can not be broken while all others hold, but those told already.

    All that are told can go together: of two that say the same, one is told.
    """
    kinds = dict.fromkeys((each.id for each in product.model.budgets), "budget")
    kinds |= dict.fromkeys((each.id for each in product.model.tables), "table")
    gone: list[int] = []
    for number, rule in enumerate(prover.rules):
        where = f"{kinds.get(rule.id, 'rule')} {rule.id}"
        try:
            breaks = prover.can_be(number, [*gone, number])
        except SearchBound as bound:
            yield _undecided(where, bound)
            continue
        if not breaks:
            gone.append(number)
            words = "whatever the other rules allow meets it already; remove it, or say more"
            yield Finding("warning", "model.redundant", where, words)


def _unused_measures(model: ProductModel) -> Iterator[Finding]:
    used = {
        measure
        for text in _expressions(model)
        for node in walk(parse(text))
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


def _expressions(model: ProductModel) -> Iterable[str]:
    yield from (each.rule for each in model.rules)
    for budget in model.budgets:
        yield from (budget.consumption, budget.capacity)
    for parameter in model.parameters:
        yield parameter.expression
        if parameter.when:
            yield parameter.when
    yield from (each.quantity for each in model.bill_of_materials)


def _idle(product: Product, prover: _Prover) -> Iterator[Finding]:
    """Yield the parts that no valid configuration asks for, and parameters never shown."""
    asked = []
    for line in product.parts:
        where = f"bill of materials, {line.mapping.option} -> {line.mapping.sku}"
        some = b.less(b.constant(0), line.quantity.bounds, or_equal=False)
        used = b.extreme(min, [line.wanted, some])
        words = "no valid configuration asks for any; remove the line, or mend its quantity"
        asked.append((where, prover.ask(where, _scope(product, line), used), words))
    for each in product.parameters:
        if each.shown is not None:
            where = f"parameter '{each.definition.id}'"
            number = prover.ask(where, each.shown.scope, each.shown.bounds)
            asked.append((where, number, "its 'when' never holds; remove it, or mend its 'when'"))
    for where, number, words in asked:
        try:
            if not prover.can_be(number):
                yield Finding("warning", "model.idle", where, words)
        except SearchBound as bound:
            yield _undecided(where, bound)


def _undecided(where: str, bound: SearchBound) -> Finding:
    return Finding("warning", bound.code, where, bound.message)
