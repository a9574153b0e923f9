"""The lint of a release: what a model that answers still says twice, in vain or wrongly.

Every finding is exact: proved over all configurations, never sampled.
An error keeps the version from being published; a warning is for its author to judge.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from contracts.values import MAX_QUANTITY
from services.configurator.domain.language.components import everywhere, key_id, rules_of
from services.configurator.domain.language.dating import requirements
from services.configurator.domain.language.expression import Call, Measure, Name, Node, parse
from services.configurator.domain.language.linting_components import suffix
from services.configurator.domain.language.model import Attribute, MultiAttribute, ProductModel
from services.configurator.domain.language.nodes import walk
from services.configurator.domain.products.finding import Finding, Severity, over_days, undecided
from services.configurator.domain.products.product import BoundPart, Product
from services.configurator.domain.products.wording import answer_words
from services.configurator.domain.releases.covering import table_findings
from services.configurator.domain.releases.prover import Prover
from services.configurator.domain.releases.trying import example_findings
from services.configurator.domain.solving import bounds as b
from services.configurator.domain.solving.assembling import rule_copies
from services.configurator.domain.solving.effort import Allowance, SearchBound, WorkBound
from services.configurator.domain.solving.presence import Presence
from services.configurator.domain.solving.proving import dead_ends, value_words
from services.configurator.domain.solving.space import TRUE, Masks

# What an offer prints whole: as many digits as a price may have.
SHOWN_MAX = 10**15
# All questions about one model, on all its days: ten times what the largest of ours takes.
AUDITING_MAX = 200_000
EXAMPLES, NUMBERS, DATED = "examples", "numbers that grow too large", "options on single days"
PART_IDLE = "no valid configuration asks for any; remove the line, or mend its quantity"
PARAMETER_IDLE = "its 'when' never holds; remove it, or mend its 'when'"


def audit(product: Product) -> list[Finding]:
    """Return what is wrong or in vain in a model that has valid configurations; errors first.

    A question that passes the bound of the search is a warning of its own: nothing is claimed. All
    of them together have a bound too; what was not looked at by then is told.
    """
    allowance = Allowance(AUDITING_MAX)
    editions = product.editions()
    found = [
        *over_days([(each, list(_audited(each, allowance))) for each in editions]),
        *(
            finding
            for edition in editions
            if len(editions) > 1
            for finding in _within(edition, allowance, {DATED: partial(_not_yet, edition)})
        ),
        *_never_binding(product),
    ]
    return sorted(found, key=lambda each: each.severity)


def _audited(product: Product, allowance: Allowance) -> Iterator[Finding]:
    prover = Prover(product, allowance)
    questions: Mapping[str, Callable[[], Iterator[Finding]]] = {
        EXAMPLES: lambda: example_findings(product),
        NUMBERS: lambda: _too_large(product, prover),
        "questions with one answer": lambda: _forced(product),
        "redundant rules": lambda: _redundant(product, prover),
        "rows of tables": lambda: table_findings(product),
        "measures in vain": lambda: _unused_measures(product.written),
        "parts and parameters in vain": lambda: _idle(product, prover),
    }
    yield from _within(product, allowance, questions)


def _within(
    product: Product,
    allowance: Allowance,
    questions: Mapping[str, Callable[[], Iterator[Finding]]],
) -> Iterator[Finding]:
    """Ask until all is asked, or the steps are taken: then say what is not proved."""
    left = list(questions)
    try:
        with product.solver.effort.within(allowance):
            for what, ask in questions.items():
                yield from ask()
                left.remove(what)
    except WorkBound as bound:
        # An example that fails and a number that is too large would keep it from being published.
        severity: Severity = "error" if left[0] in {EXAMPLES, NUMBERS} else "warning"
        words = f"{bound.message}; not proved: {', '.join(left)}"
        yield Finding(severity, "model.unproved", "the whole", words, dated=True)


# ---- what grows too large


def _too_large(product: Product, prover: Prover) -> Iterator[Finding]:
    full = product.space.full()
    asked = []
    for each in product.parameters:
        low, high = each.value.bounds(full)
        if max(-low, high) > SHOWN_MAX:
            where = f"parameter '{each.definition.id}'"
            beyond = _beyond(each.value.bounds, SHOWN_MAX)
            number = prover.ask(where, each.value.scope, beyond)
            asked.append((where, number, "can pass 10^15; bound what it is made of, or divide"))
    for lines in _by_sku(product).values():
        counted = b.total([b.times(line.wanted, line.quantity.bounds) for line in lines])
        if counted(full)[1] > MAX_QUANTITY:
            where = lines[0].line
            scope = set().union(*(_scope(product, line) for line in lines))
            number = prover.ask(where, scope, _beyond(counted, int(MAX_QUANTITY)))
            words = f"its quantity can pass {MAX_QUANTITY:,}, the most that is quoted"
            asked.append((where, number, words))
    for where, number, words in asked:
        try:
            if prover.can_be(number):
                yield Finding("error", "model.too_large", where, words)
        except SearchBound as bound:
            yield undecided(where, bound)


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


# ---- what holds on some days, or on none


def _not_yet(product: Product) -> Iterator[Finding]:
    """Yield the options that nobody can choose on these days."""
    try:
        for each in dead_ends(product.space, product.solver):
            where = f"option '{value_words(product.space, *each)}'"
            words = f"can not be chosen {product.days}; so it should be, or a rule lacks a day"
            yield Finding("warning", "model.dated", where, words)
    except SearchBound as bound:
        yield undecided("the whole", bound)


def _never_binding(product: Product) -> Iterator[Finding]:
    kinds = _kinds(product.written)
    for each in requirements(product.written):
        if each.valid_until is not None and each.valid_until < product.days.first:
            words = (
                f"ends on {each.valid_until}, and the version answers {product.days.first} at the"
                " earliest; remove it"
            )
            yield Finding("warning", "model.idle", f"{kinds[each.id]} {each.id}", words)


def _kinds(model: ProductModel) -> dict[str, str]:
    """Return what each id of a requirement is called."""
    sections = (("rule", rules_of(model)), ("table", model.tables), ("budget", model.budgets))
    return {each.id: kind for kind, section in sections for each in section}


# ---- what is asked, said or listed in vain


def _forced(product: Product) -> Iterator[Finding]:
    """Yield the questions that have one answer before anything is decided."""
    try:
        witness = product.solver.solve({})
        possible = product.solver.possible({}, witness) if witness else product.space.full()
    except SearchBound as bound:
        yield undecided("the whole", bound)
        return
    found: dict[str, list[str | None]] = {}
    for attribute in product.model.attributes:
        if attribute.id not in product.space.copies.counts:
            where = _attribute(product, attribute)
            found.setdefault(where, []).append(_forced_words(product, attribute, possible))
    for where, words in found.items():
        if words[0] and all(each == words[0] for each in words):
            yield Finding("warning", "model.forced", where, words[0])


def _attribute(product: Product, attribute: Attribute) -> str:
    path, name = product.space.copies.origins.get(attribute.id, ("", attribute.id))
    return f"attribute '{name}'{suffix(path) if path else ''}"


def _forced_words(product: Product, attribute: Attribute, possible: Masks) -> str | None:
    space = product.space
    places = space.places[attribute.id]
    inside = [space.answerable(place, mask) for place, mask in enumerate(possible)]
    if all(inside[place].bit_count() == 1 for place in places):
        only = answer_words(attribute, space.answer(attribute.id, inside))
        return f"'{only}' is its only answer; a question that decides nothing can go"
    if isinstance(attribute, MultiAttribute):
        always = [space.variables[place].option for place in places if inside[place] == TRUE]
        if always:
            listed = ", ".join(f"'{each}'" for each in always)
            return f"{listed} is always chosen; make it part of the product"
    return None


def _redundant(product: Product, prover: Prover) -> Iterator[Finding]:
    """Yield the rules that can not be broken while all others hold, but those told already.

    All that are told can go together: of two that say the same, one is told. A rule of a component
    is one rule, however many instances it binds.
    """
    wheres = {each.rule.id: each.where for each in rule_copies(product.written)}
    wheres |= {
        key: f"{kind} {key}" for key, kind in _kinds(product.written).items() if kind != "rule"
    }
    alike: dict[str, list[int]] = {}
    for number, rule in enumerate(prover.rules):
        if not isinstance(rule, Presence):
            alike.setdefault(key_id(rule.id), []).append(number)
    gone: list[int] = []
    for name, numbers in alike.items():
        where = wheres[name]
        try:
            breaks = any(prover.can_be(number, [*gone, *numbers]) for number in numbers)
        except SearchBound as bound:
            yield undecided(where, bound)
            continue
        if not breaks:
            gone += numbers
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
    yield from (each.rule for each in rules_of(model))
    for budget in model.budgets:
        yield from (budget.consumption, budget.capacity)
    for parameter in model.parameters:
        yield parameter.expression
        if parameter.when:
            yield parameter.when
    yield from (each.quantity for each in model.bill_of_materials)
    for _, component in everywhere(model.components):
        yield from (each.quantity for each in component.bill_of_materials)


def _idle(product: Product, prover: Prover) -> Iterator[Finding]:
    """Yield the parts that no valid configuration asks for, and parameters never shown."""
    asked: dict[tuple[str, str], list[int]] = {}
    for line in product.parts:
        some = b.less(b.constant(0), line.quantity.bounds, or_equal=False)
        used = b.extreme(min, [line.wanted, some])
        # All instances of a component share its lines: one that uses it is enough.
        key = line.line, line.mapping.quantity
        asked.setdefault(key, []).append(prover.ask(line.line, _scope(product, line), used))
    for each in product.parameters:
        if each.shown is not None:
            where = f"parameter '{each.definition.id}'"
            number = prover.ask(where, each.shown.scope, each.shown.bounds)
            asked[where, "when"] = [number]
    for (where, _), numbers in asked.items():
        try:
            if not any(prover.can_be(number) for number in numbers):
                what = PART_IDLE if where.startswith("bill") else PARAMETER_IDLE
                yield Finding("warning", "model.idle", where, what)
        except SearchBound as bound:
            yield undecided(where, bound)
