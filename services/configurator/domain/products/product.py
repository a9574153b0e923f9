"""A published product: a model that passed the lint, its rules bound, its content pinned."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256

from contracts.errors import Refused
from contracts.values import Pin
from services.configurator.domain.language.components import Instance, every, flat, tops
from services.configurator.domain.language.dating import Interval
from services.configurator.domain.language.expression import ExpressionFault, Name, Node, parse
from services.configurator.domain.language.linting import structure_faults
from services.configurator.domain.language.linting_components import component_faults
from services.configurator.domain.language.model import (
    Budget,
    ParameterDefinition,
    Part,
    PartMapping,
    ProductModel,
)
from services.configurator.domain.language.nodes import STEPS_MAX, steps, walk
from services.configurator.domain.language.pinning import said
from services.configurator.domain.language.scoping import Scope, as_written
from services.configurator.domain.language.units import UnitFault, described
from services.configurator.domain.solving import bounds as b
from services.configurator.domain.solving import variables as v
from services.configurator.domain.solving.assembling import line_copies, messages, rule_copies
from services.configurator.domain.solving.binding import Term
from services.configurator.domain.solving.binding_instances import InstanceBinder
from services.configurator.domain.solving.constraints import Condition, Constraint, Permitted
from services.configurator.domain.solving.effort import Allowance, WorkBound
from services.configurator.domain.solving.preferring import Wish, preferences
from services.configurator.domain.solving.presence import guarded, presences
from services.configurator.domain.solving.proving import dated_faults, loading, solvers
from services.configurator.domain.solving.solver import Solver
from services.configurator.domain.solving.space import Space
from services.configurator.domain.solving.tables import permitted


class ModelRefused(Refused):
    """A model (`product`: its id or file) does not pass; `faults` says what to change, each."""

    code = "model.refused"
    title = "The product model has faults"

    def __init__(self, product: str, faults: Iterable[str]) -> None:
        self.product, self.faults = product, tuple(faults)
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
    """A line of the bill of materials: asked for when `wanted` holds.

    `line` says where it stands; all instances of a component share its lines.
    """

    mapping: PartMapping
    part: Part
    wanted: b.Bounds
    quantity: Term
    line: str


@dataclass(frozen=True, eq=False, slots=True)
class Product:
    """A model ready to answer; a published one has at least one valid configuration.

    `model` is flat: every instance of a component has attributes of its own; `written` is what the
    file says and the pin holds. `wishes` are the values of each variable, the preferred first;
    `messages` the words of each rule, table and budget by id, of a component's rule by its key for
    each instance. The solver knows the rules that bind on `days`; where rules have dates, `later`
    is the same product in the intervals after them.
    """

    model: ProductModel
    written: ProductModel
    pin: Pin
    space: Space
    wishes: tuple[Wish, ...]
    solver: Solver
    messages: Mapping[str, str]
    parameters: tuple[BoundParameter, ...]
    parts: tuple[BoundPart, ...]
    days: Interval
    later: tuple["Product", ...] = ()

    def editions(self) -> tuple["Product", ...]:
        """Return the product of every interval from this one on."""
        return (self, *self.later)

    def on(self, day: date) -> "Product":
        """Return the product as it answers on a day, by the rules that bind then."""
        return next((each for each in reversed(self.later) if each.days.first <= day), self)


def publish(model: ProductModel, parts: Mapping[str, Part]) -> Product:
    """Check a model whole and make it ready.   Raises: ModelRefused, with every fault found."""
    allowance = loading()
    product = bind(model, parts, allowance)
    editions = {each.days: each.solver for each in product.editions()}
    faults = dated_faults(product.space, editions, allowance)
    if faults:
        raise ModelRefused(model.id, faults)
    return product


def bind(
    model: ProductModel, parts: Mapping[str, Part], allowance: Allowance | None = None
) -> Product:
    """Check structure, names, kinds and units, and bind; the space is not searched yet.

    Raises: ModelRefused, with every fault found.
    """
    faults = [*structure_faults(model, parts), *component_faults(model, parts)]
    if faults:
        raise ModelRefused(model.id, faults)
    whole, copies = flat(model)
    space = Space(whole.attributes, copies)
    work = _Bench(model, space)
    parameters = work.parameters()
    constraints = [*work.constraints(), *presences(space, every(tops(model)))]
    lines = work.lines(parts)
    if work.faults:
        raise ModelRefused(model.id, work.faults)
    wishes = tuple(preferences(space))
    try:
        first = [wish[0] for wish in wishes]
        editions = solvers(model, space, constraints, first, allowance or loading())
    except WorkBound as bound:
        raise ModelRefused(model.id, [bound.message]) from None
    (days, solver), *later = editions.items()
    edition = Product(
        model=whole,
        written=model,
        pin=_pin(model, parts),
        space=space,
        wishes=wishes,
        solver=solver,
        messages=messages(model, space),
        parameters=tuple(parameters),
        parts=tuple(lines),
        days=days,
    )
    return replace(
        edition, later=tuple(replace(edition, days=days, solver=solver) for days, solver in later)
    )


def _pin(model: ProductModel, parts: Mapping[str, Part]) -> Pin:
    """Pin the model and the names of its parts: all that an answer depends on."""
    used = sorted({each.mapping.sku for each in line_copies(model)})
    content = {
        "model": said(model),
        "parts": [parts[sku].model_dump(mode="json", exclude={"lead_days"}) for sku in used],
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Pin(id=model.id, version=model.version, sha256=sha256(text.encode()).hexdigest())


class _Bench:
    """Binds the expressions of one model and collects what does not fit."""

    def __init__(self, model: ProductModel, space: Space) -> None:
        self._model = model
        self._space = space
        self._binder = InstanceBinder(space, model.measures)
        self._scope = Scope(space.attributes, tuple(tops(model)))
        self._steps: dict[str, int] = {}
        self._unbound = {each.id for each in model.parameters}
        self._refused: set[str] = set()
        self.faults: list[str] = []

    def _term(
        self,
        where: str,
        text: str,
        *,
        condition: bool,
        names: str | None = None,
        inside: Instance | None = None,
    ) -> Term | None:
        """Bind an expression; `names` is the parameter that it is, `inside` whose names it has."""
        try:
            node = self._scope.flat(parse(text), inside)
            if self._hangs_on_refused(node):
                return None
            if (counted := steps(node, self._steps)) > STEPS_MAX:
                raise ExpressionFault(
                    f"takes {counted} steps with the parameters it is made of, more than"
                    f" {STEPS_MAX}; say it with fewer"
                )
            if names is not None:
                self._steps[names] = counted
            return self._binder.condition(node) if condition else self._binder.number(node)
        except (ExpressionFault, UnitFault) as fault:
            self._fault(f"{where}: {as_written(fault.message, inside)}")
            return None

    def _hangs_on_refused(self, node: Node) -> bool:
        """Say whether a parameter in it has a fault that is told already.

        Raises: ExpressionFault, for a parameter that stands further down, or in a circle.
        """
        names = [each.id for each in walk(node) if isinstance(each, Name)]
        for name in names:
            if name in self._unbound - self._refused:
                raise ExpressionFault(
                    f"the parameter '{name}' is not computed yet here: a parameter uses those that"
                    f" stand above it; move '{name}' up, and if it uses this one in turn, break the"
                    " circle"
                )
        return any(name in self._refused for name in names)

    def _fault(self, words: str) -> None:
        """Note a fault once, of however many instances."""
        if words not in self.faults:
            self.faults.append(words)

    def parameters(self) -> list[BoundParameter]:
        bound = []
        for each in self._model.parameters:
            where = f"parameter '{each.id}'"
            value = self._term(where, each.expression, condition=False, names=each.id)
            shown = self._term(where, each.when, condition=True) if each.when else None
            if value is None:
                self._refused.add(each.id)
                continue
            if value.unit != each.unit:
                self.faults.append(
                    f"{where}: declared in {described(each.unit)}"
                    f" but computed in {described(value.unit)}"
                )
            self._unbound.discard(each.id)
            self._binder.parameters[each.id] = value
            bound.append(BoundParameter(each, value, shown))
        return bound

    def constraints(self) -> list[Condition]:
        found: list[Condition] = []
        for each in rule_copies(self._model):
            term = self._term(each.where, each.rule.rule, condition=True, inside=each.inside)
            if term is not None:
                term = guarded(self._space, each.inside, term)
                found.append(Constraint(each.key, term.scope, term.bounds))
        for table in self._model.tables:
            rows = permitted(table, self._space)
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

    def lines(self, parts: Mapping[str, Part]) -> list[BoundPart]:
        bound = []
        space = self._space
        for each in line_copies(self._model):
            mapping, where = each.mapping, each.where
            quantity = self._term(where, mapping.quantity, condition=False, inside=each.inside)
            if quantity is None:
                continue
            if quantity.unit:
                self._fault(f"{where}: the quantity is in {quantity.unit}, not a plain number")
            elif quantity.bounds(space.full())[0] < 0:
                self._fault(f"{where}: the quantity can be below zero; use max(0, ...)")
            wanted = b.member(*v.wanting(space, mapping.option))
            bound.append(BoundPart(mapping, parts[mapping.sku], wanted, quantity, where))
        return bound
