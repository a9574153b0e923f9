"""Small product models for tests, and an oracle that knows nothing of bounds or search."""

from fractions import Fraction
from itertools import product as every
from math import ceil

from contracts.configuration import Decision
from services.configurator.domain.language.expression import (
    Binary,
    Call,
    Has,
    Literal,
    Measure,
    Member,
    Name,
    Unary,
    parse,
)
from services.configurator.domain.language.model import Part, ProductModel
from services.configurator.domain.products.product import bind, publish
from services.configurator.domain.solving.proving import dated_faults, loading
from tests.unit.configurator.tabled import allows

PARTS = {
    "P-1": Part(sku="P-1", name="Pump", kind="hardware"),
    "P-2": Part(sku="P-2", name="Motor", kind="hardware"),
    "S-1": Part(sku="S-1", name="Start-up", kind="service"),
}


def a_pump(**changes):
    """A pump skid with two choices, a multi-choice, a number and a flag: 3 x 3 x 4 x 4 x 2 = 288 points."""
    tree = {
        "id": "pump_skid",
        "version": 1,
        "effective": "2026-01-01",
        "name": "Pump skid",
        "description": "A pump with a motor.",
        "quantity_max": 100,
        "measures": {"power": "W", "weight": "kg"},
        "groups": [{"id": "all", "label": "All", "help": "Everything."}],
        "attributes": [
            a_choice("pump", ["low", "mid", "high"], power=[100, 200, 400], default="low"),
            a_choice("motor", ["small", "medium", "big"], power=[150, 300, 600], default="small"),
            a_multi("extras", ["sensor", "valve"], power=[10, 25], default=[]),
            {**_question("stages"), "kind": "integer", "range": [0, 3], "default": 1},
            {**_question("outdoor"), "kind": "flag", "default": False},
        ],
        "parameters": [],
        "rules": [],
        "budgets": [],
        "bill_of_materials": [],
    }
    return ProductModel.model_validate(tree | changes)


def a_choice(name, options, power=None, default=None):
    return {
        **_question(name),
        "kind": "choice",
        "options": _options(options, power),
        "default": default,
    }


def a_multi(name, options, power=None, default=None):
    return {
        **_question(name),
        "kind": "multi",
        "options": _options(options, power),
        "default": default,
    }


def _question(name):
    return {"id": name, "group": "all", "label": name.title(), "help": f"Choose {name}."}


def _options(options, power):
    watts = power or [0] * len(options)
    return [
        {"id": each, "label": each.title(), "measures": {"power": watt}}
        for each, watt in zip(options, watts, strict=True)
    ]


def a_rule(text, number=1, message=None):
    return {
        "id": f"R-{number}",
        "owner": "lab",
        "rule": text,
        "message": message or f"Because {number}.",
    }


def published(**changes):
    return publish(a_pump(**changes), PARTS)


def bound(**changes):
    return bind(a_pump(**changes), PARTS)


def faults_of(product):
    """Return what is wrong with the whole of a bound product."""
    editions = {each.days: each.solver for each in product.editions()}
    return dated_faults(product.space, editions, loading())


def decided(source="user", **answers):
    return tuple(
        Decision(attribute=name, value=value, source=source) for name, value in answers.items()
    )


# ---- the oracle: every point, every rule, by plain evaluation


def every_point(model):
    """Return all assignments of the model, valid or not."""
    domains = [_domain(each) for each in model.attributes]
    names = [each.id for each in model.attributes]
    return [dict(zip(names, values, strict=True)) for values in every(*domains)]


def valid_points(model, rules=None):
    """Return the assignments that meet all rules, tables and budgets (or only those of the given ids)."""
    conditions = [(each.id, parse(each.rule)) for each in model.rules]
    budgets = [(each, parse(each.consumption), parse(each.capacity)) for each in model.budgets]
    return [
        point
        for point in every_point(model)
        if all(value_of(node, point, model) for id_, node in conditions if wanted(id_, rules))
        and all(allows(each, point) for each in model.tables if wanted(each.id, rules))
        and all(
            value_of(need, point, model) * (100 + budget.margin_percent)
            <= value_of(have, point, model) * 100
            for budget, need, have in budgets
            if wanted(budget.id, rules)
        )
    ]


def wanted(id_, rules):
    return rules is None or id_ in rules


def meets(point, decisions):
    """Say whether a point gives the answers of the decisions."""
    return all(point[each.attribute] == _normal(each.value) for each in decisions)


def _normal(value):
    return frozenset(value) if isinstance(value, tuple) else value


def _domain(attribute):
    if attribute.kind == "choice":
        return [each.id for each in attribute.options]
    if attribute.kind == "multi":
        ids = [each.id for each in attribute.options]
        return [
            frozenset(id_ for id_, taken in zip(ids, mask, strict=True) if taken)
            for mask in every((False, True), repeat=len(ids))
        ]
    if attribute.kind == "integer":
        return list(range(attribute.range[0], attribute.range[1] + 1))
    return [False, True]


def value_of(node, point, model):
    """Evaluate an expression at a point, by definition."""
    match node:
        case Literal():
            return node.value
        case Name():
            return point[node.id]
        case Measure():
            chosen = point[node.attribute]
            taken = chosen if isinstance(chosen, frozenset) else {chosen}
            options = next(each.options for each in model.attributes if each.id == node.attribute)
            return sum(
                Fraction(each.measures.get(node.measure, 0)) for each in options if each.id in taken
            )
        case Has():
            return node.option in point[node.attribute]
        case Member():
            values = [item.id if isinstance(item, Name) else item.value for item in node.items]
            return point[node.subject.id] in values
        case Unary(sign="not"):
            return not value_of(node.operand, point, model)
        case Unary():
            return -value_of(node.operand, point, model)
        case Call():
            return _called(node, point, model)
        case Binary():
            return _combined(node, point, model)


def _called(node, point, model):
    if node.function == "count":
        return len(point[node.arguments[0].id])
    if node.function == "sum":
        carriers = [each.id for each in model.attributes if each.kind in {"choice", "multi"}]
        return sum(value_of(Measure(each, node.arguments[0].id), point, model) for each in carriers)
    values = [value_of(each, point, model) for each in node.arguments]
    if node.function == "if":
        return values[1] if values[0] else values[2]
    if node.function == "ceil":
        return ceil(values[0])
    return min(values) if node.function == "min" else max(values)


def _combined(node, point, model):
    left = value_of(node.left, point, model)
    options = {each.id for each in model.attributes if each.kind == "choice"}
    if isinstance(node.left, Name) and node.left.id in options:
        right = node.right.id
    else:
        right = value_of(node.right, point, model)
    match node.sign:
        case "and":
            return left and right
        case "or":
            return left or right
        case "implies":
            return (not left) or right
        case "iff" | "=":
            return left == right
        case "!=":
            return left != right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return Fraction(left) / right
