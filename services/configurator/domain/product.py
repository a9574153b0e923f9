"""A published product: a model that passed the lint, its rules bound, its content pinned."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from contracts.errors import Refused
from contracts.values import Pin
from services.configurator.domain import bounds as b
from services.configurator.domain.binding import Binder, Term
from services.configurator.domain.constraints import Condition, Constraint, Permitted
from services.configurator.domain.expression import ExpressionFault, parse
from services.configurator.domain.linting import structure_faults
from services.configurator.domain.model import (
    Budget,
    ChoiceAttribute,
    IntegerAttribute,
    MultiAttribute,
    ParameterDefinition,
    Part,
    PartMapping,
    ProductModel,
)
from services.configurator.domain.nodes import steps
from services.configurator.domain.pinning import said
from services.configurator.domain.preferring import Wish, preferences
from services.configurator.domain.solver import SearchBound, Solver
from services.configurator.domain.space import Space, Variable
from services.configurator.domain.tables import permitted
from services.configurator.domain.units import UnitFault, described

# What a parameter is made of is computed again wherever it is used.
STEPS_MAX = 5_000


class ModelRefused(Refused):
    """A product model does not pass the lint; `faults` says each one and what to change."""

    code = "model.refused"
    title = "The product model has faults"

    def __init__(self, product: str, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__(
            f"{product}: {'; '.join(self.faults)}", product=product, faults=self.faults
        )


@dataclass(frozen=True, slots=True)
class BoundParameter:
    """A derived parameter with its bounds; `shown` is None where it is always printed."""

    definition: ParameterDefinition
    value: Term
    shown: Term | None


@dataclass(frozen=True, slots=True)
class BoundPart:
    """A line of the bill of materials: asked for when `wanted` holds."""

    mapping: PartMapping
    part: Part
    wanted: b.Bounds
    quantity: Term


@dataclass(frozen=True, eq=False, slots=True)
class Product:
    """A model ready to answer; a published one has at least one valid configuration.

    `wishes` are the values of each variable, the preferred first; `messages` are the words of each
    rule, table and budget by id.
    """

    model: ProductModel
    pin: Pin
    space: Space
    wishes: tuple[Wish, ...]
    solver: Solver
    messages: Mapping[str, str]
    parameters: tuple[BoundParameter, ...]
    parts: tuple[BoundPart, ...]


def publish(model: ProductModel, parts: Mapping[str, Part]) -> Product:
    """Check a model whole and make it ready.   Raises: ModelRefused, with every fault found."""
    product = bind(model, parts)
    faults = search_faults(product.space, product.solver)
    if faults:
        raise ModelRefused(model.id, faults)
    return product


def bind(model: ProductModel, parts: Mapping[str, Part]) -> Product:
    """Check structure, names, kinds and units, and bind; the space is not searched yet.

    Raises: ModelRefused, with every fault found.
    """
    faults = structure_faults(model, parts)
    if faults:
        raise ModelRefused(model.id, faults)
    space = Space(model.attributes)
    work = _Bench(model, Binder(space, model.measures))
    parameters = work.parameters()
    constraints = work.constraints(space)
    lines = work.lines(space, parts)
    if work.faults:
        raise ModelRefused(model.id, work.faults)
    wishes = tuple(preferences(space))
    solver = Solver(space, constraints, [wish[0] for wish in wishes])
    named = (*model.rules, *model.tables, *model.budgets)
    messages = {each.id: each.message for each in named}
    pin = _pin(model, parts)
    return Product(model, pin, space, wishes, solver, messages, tuple(parameters), tuple(lines))


def search_faults(space: Space, solver: Solver) -> list[str]:
    """Return what is wrong with the whole: nothing is valid, or options nobody can choose."""
    try:
        witness = solver.solve({})
        if witness is None:
            return [_void(solver)]
        possible = solver.possible({}, witness)
    except SearchBound as bound:
        return [bound.message]
    return [
        f"'{variable.attribute}.{variable.option or value}' can never be chosen;"
        " remove it or loosen the rules against it"
        for variable, mask in zip(space.variables, possible, strict=True)
        for bit, value in enumerate(variable.values)
        if not mask >> bit & 1 and _is_dead_end(variable, bit)
    ]


def _void(solver: Solver) -> str:
    clash = solver.clash({}, [])
    if clash is None:
        raise AssertionError("where nothing is valid, some rules contradict each other")
    names = ", ".join(solver.constraints[each].id for each in clash.rules)
    return f"the rules exclude every configuration; loosen one of these: {names}"


def _is_dead_end(variable: Variable, bit: int) -> bool:
    """Say whether an impossible value is a fault: a hole in a range or a "must" is none."""
    if variable.option is not None:
        return bit == 1
    inside = 0 < bit < len(variable.values) - 1
    return not (inside and isinstance(variable.values[0], int))


def _pin(model: ProductModel, parts: Mapping[str, Part]) -> Pin:
    """Pin the model and the names of its parts: all that an answer depends on."""
    used = sorted({each.sku for each in model.bill_of_materials})
    content = {
        "model": said(model),
        "parts": [parts[sku].model_dump(mode="json") for sku in used],
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Pin(id=model.id, version=model.version, sha256=sha256(text.encode()).hexdigest())


class _Bench:
    """Binds the expressions of one model and collects what does not fit."""

    def __init__(self, model: ProductModel, binder: Binder) -> None:
        self._model = model
        self._binder = binder
        self._steps: dict[str, int] = {}
        self.faults: list[str] = []

    def _term(
        self, where: str, text: str, *, condition: bool, names: str | None = None
    ) -> Term | None:
        """Bind an expression; `names` is the parameter that it is."""
        try:
            node = parse(text)
            if (counted := steps(node, self._steps)) > STEPS_MAX:
                raise ExpressionFault(
                    f"takes {counted} steps with the parameters it is made of, more than"
                    f" {STEPS_MAX}; say it with fewer"
                )
            if names is not None:
                self._steps[names] = counted
            return self._binder.condition(node) if condition else self._binder.number(node)
        except (ExpressionFault, UnitFault) as fault:
            self.faults.append(f"{where}: {fault.message}")
            return None

    def parameters(self) -> list[BoundParameter]:
        bound = []
        for each in self._model.parameters:
            where = f"parameter '{each.id}'"
            value = self._term(where, each.expression, condition=False, names=each.id)
            shown = self._term(where, each.when, condition=True) if each.when else None
            if value is None:
                continue
            if value.unit != each.unit:
                self.faults.append(
                    f"{where}: declared in {described(each.unit)}"
                    f" but computed in {described(value.unit)}"
                )
            self._binder.parameters[each.id] = value
            bound.append(BoundParameter(each, value, shown))
        return bound

    def constraints(self, space: Space) -> list[Condition]:
        found: list[Condition] = []
        for rule in self._model.rules:
            term = self._term(f"rule {rule.id}", rule.rule, condition=True)
            if term is not None:
                found.append(Constraint(rule.id, term.scope, term.bounds))
        for table in self._model.tables:
            rows = permitted(table, space)
            if isinstance(rows, Permitted):
                found.append(rows)
            else:
                self.faults.extend(rows)
        for budget in self._model.budgets:
            found.extend(self._budget(budget))
        return found

    def _budget(self, budget: Budget) -> list[Constraint]:
        where = f"budget {budget.id}"
        need = self._term(f"{where}, consumption", budget.consumption, condition=False)
        have = self._term(f"{where}, capacity", budget.capacity, condition=False)
        if need is None or have is None:
            return []
        if need.unit != have.unit:
            self.faults.append(
                f"{where}: consumption is in {described(need.unit)},"
                f" capacity in {described(have.unit)}; use one unit"
            )
        # Whole percents: need * (100 + margin) <= have * 100 stays exact.
        scaled = b.times(need.bounds, b.constant(100 + budget.margin_percent))
        bounds = b.less(scaled, b.times(have.bounds, b.constant(100)), or_equal=True)
        return [Constraint(budget.id, need.scope | have.scope, bounds)]

    def lines(self, space: Space, parts: Mapping[str, Part]) -> list[BoundPart]:
        bound = []
        for each in self._model.bill_of_materials:
            where = f"bill of materials, {each.option} -> {each.sku}"
            quantity = self._term(where, each.quantity, condition=False)
            if quantity is None:
                continue
            if quantity.unit:
                self.faults.append(
                    f"{where}: the quantity is in {quantity.unit}, not a plain number"
                )
            elif quantity.bounds(space.full())[0] < 0:
                self.faults.append(f"{where}: the quantity can be below zero; use max(0, ...)")
            bound.append(BoundPart(each, parts[each.sku], _wanted(space, each.option), quantity))
        return bound


def _wanted(space: Space, option: str) -> b.Bounds:
    name, _, choice = option.partition(".")
    attribute = space.attributes[name]
    places = space.places[name]
    if isinstance(attribute, IntegerAttribute):
        return b.less(b.constant(0), b.integer(places[0], attribute.range[0]), or_equal=False)
    if isinstance(attribute, ChoiceAttribute | MultiAttribute):
        index = [each.id for each in attribute.options].index(choice)
        if isinstance(attribute, MultiAttribute):
            return b.flag(places[index])
        return b.member(places[0], 1 << index)
    return b.flag(places[0])
