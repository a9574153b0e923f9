"""A small model with a component and a sub-assembly, and an oracle that knows nothing of flattening.

A configuration is said as a person would: the answers of the product, and a list of lines, each with
its own answers and its own list of valves. The oracle tries them all.
"""

from functools import cache
from itertools import product as every

from services.configurator.domain.language.model import Part, ProductModel
from services.configurator.domain.products.product import bind, publish

PARTS = {
    "L-1": Part(sku="L-1", name="Line", kind="hardware"),
    "L-2": Part(sku="L-2", name="Gauge", kind="hardware"),
    "V-1": Part(sku="V-1", name="Valve", kind="hardware"),
    "F-1": Part(sku="F-1", name="Frame", kind="hardware"),
}
POWER = {"small": 100, "big": 300}
MOTOR = {"weak": 200, "strong": 600}


def a_skid(*, inner=(), outer=(), count=(0, 2), valves=(0, 1), **changes):
    """A skid with a motor and up to two lines, each with a size, ports, a gauge and valves."""
    tree = {
        "id": "skid",
        "version": 1,
        "effective": "2026-01-01",
        "name": "Skid",
        "description": "Lines on a frame.",
        "quantity_max": 100,
        "measures": {"power": "W"},
        "groups": [{"id": "all", "label": "All", "help": "Everything."}],
        "attributes": [
            {
                **asked("motor"),
                "group": "all",
                "kind": "choice",
                "default": "weak",
                "options": options(MOTOR),
            }
        ],
        "components": [a_line(inner, count, valves)],
        "rules": [a_rule(each, f"O-{number}") for number, each in enumerate(outer)],
        "parameters": [
            {
                "id": "total",
                "label": "Power",
                "group": "All",
                "unit": "W",
                "expression": "motor.power + sum(line.power)",
            }
        ],
        "bill_of_materials": [{"option": "line", "sku": "F-1", "quantity": "ceil(line / 2)"}],
    }
    return ProductModel.model_validate(tree | changes)


def a_line(inner=(), count=(0, 2), valves=(0, 1), **changes):
    tree = {
        **asked("line"),
        "group": "all",
        "count": count,
        "default": max(1, count[0]),
        "attributes": [
            {**asked("size"), "kind": "choice", "default": "small", "options": options(POWER)},
            {**asked("ports"), "kind": "integer", "range": [1, 2], "default": 1},
            {**asked("gauges"), "kind": "multi", "default": [], "options": [option("dial")]},
        ],
        "rules": [a_rule(each, f"I-{number}") for number, each in enumerate(inner)],
        "bill_of_materials": [
            {"option": "size.big", "sku": "L-1", "quantity": "ports"},
            {"option": "gauges.dial", "sku": "L-2", "quantity": "1"},
            {"option": "valve", "sku": "V-1", "quantity": "valve * ports"},
        ],
        "components": [
            {
                **asked("valve"),
                "count": valves,
                "default": valves[0],
                "attributes": [{**asked("manual"), "kind": "flag", "default": False}],
            }
        ],
    }
    return tree | changes


def asked(name):
    return {"id": name, "label": name.title(), "help": f"Choose {name}."}


def option(name, **measures):
    return {"id": name, "label": name.title(), "measures": measures}


def options(powers):
    return [option(name, power=power) for name, power in powers.items()]


def a_rule(text, name):
    return {"id": name, "owner": "lab", "rule": text, "message": f"Because of {name}."}


def bound(**changes):
    return bind(a_skid(**changes), PARTS)


def published(**changes):
    return publish(a_skid(**changes), PARTS)


# ---- the oracle


@cache
def every_skid(count=(0, 2), valves=(0, 1)):
    """Return every configuration, valid or not."""
    lines = list(every_line(valves))
    return [
        {"motor": motor, "lines": chosen}
        for motor in MOTOR
        for number in range(count[0], count[1] + 1)
        for chosen in every(lines, repeat=number)
    ]


def every_line(valves):
    for size, ports, dial in every(POWER, (1, 2), (False, True)):
        for number in range(valves[0], valves[1] + 1):
            for manual in every((False, True), repeat=number):
                yield {"size": size, "ports": ports, "dial": dial, "valves": manual}


def flat_answers(skid):
    """Return the answers of a configuration by the names that the model gives them."""
    found = {"motor": skid["motor"], "line": len(skid["lines"])}
    for number, line in enumerate(skid["lines"], 1):
        prefix = f"line_{number}"
        found[f"{prefix}_size"] = line["size"]
        found[f"{prefix}_ports"] = line["ports"]
        found[f"{prefix}_gauges"] = ("dial",) if line["dial"] else ()
        found[f"{prefix}_valve"] = len(line["valves"])
        for valve, manual in enumerate(line["valves"], 1):
            found[f"{prefix}_valve_{valve}_manual"] = manual
    return found


def parts_of(skid):
    """Return the quantity of every part that a configuration needs."""
    lines = skid["lines"]
    found = {
        "F-1": -(-len(lines) // 2),
        "L-1": sum(line["ports"] for line in lines if line["size"] == "big"),
        "L-2": sum(line["dial"] for line in lines),
        "V-1": sum(len(line["valves"]) * line["ports"] for line in lines),
    }
    return {sku: amount for sku, amount in found.items() if amount}


def power_of(line):
    return POWER[line["size"]]


# What rules of a line say, and what it means: of the line and of the whole.
INNER = {
    "size = big implies ports = 2": lambda x, _: x["size"] != "big" or x["ports"] == 2,
    "not (gauges has dial)": lambda x, _: not x["dial"],
    "valve >= 1": lambda x, _: len(x["valves"]) >= 1,
    "ports != 1": lambda x, _: x["ports"] != 1,
    "size != small": lambda x, _: x["size"] != "small",
    "all(valve, manual)": lambda x, _: all(x["valves"]),
    "any(valve, manual) or size = big": lambda x, _: any(x["valves"]) or x["size"] == "big",
    "count(valve, manual) = count(gauges)": lambda x, _: sum(x["valves"]) == x["dial"],
    "motor = strong or sum(power) <= 100[W]": (
        lambda x, s: s["motor"] == "strong" or power_of(x) <= 100
    ),
    "sum(line.power) <= motor.power - 50[W] * ports": (
        lambda x, s: sum(map(power_of, s["lines"])) <= MOTOR[s["motor"]] - 50 * x["ports"]
    ),
}
OUTER = {
    "count(line) >= 1": lambda s: len(s["lines"]) >= 1,
    "line != 1": lambda s: len(s["lines"]) != 1,
    "count(line, size = big) = 1": lambda s: sum(x["size"] == "big" for x in s["lines"]) == 1,
    "all(line, size != big)": lambda s: all(x["size"] != "big" for x in s["lines"]),
    "any(line, gauges has dial)": lambda s: any(x["dial"] for x in s["lines"]),
    "sum(line.power) <= motor.power": (
        lambda s: sum(map(power_of, s["lines"])) <= MOTOR[s["motor"]]
    ),
    "sum(line.ports) = 0 or sum(line.ports) = 3": lambda s: (
        sum(x["ports"] for x in s["lines"]) in {0, 3}
    ),
    "sum(power) < 900[W]": (lambda s: sum(map(power_of, s["lines"])) + MOTOR[s["motor"]] < 900),
    "sum(line, if(size = big, 2, 1) * ports) <= 4": (
        lambda s: sum((2 if x["size"] == "big" else 1) * x["ports"] for x in s["lines"]) <= 4
    ),
    "sum(line, count(valve)) >= 1": lambda s: sum(len(x["valves"]) for x in s["lines"]) >= 1,
    "all(line, any(valve, manual))": lambda s: all(any(x["valves"]) for x in s["lines"]),
    "any(line, all(valve, not manual))": lambda s: any(not any(x["valves"]) for x in s["lines"]),
    "motor = strong iff count(line, ports = 2) > 1": (
        lambda s: (s["motor"] == "strong") == (sum(x["ports"] == 2 for x in s["lines"]) > 1)
    ),
}


def valid_skids(inner=(), outer=(), **bounds):
    """Return the configurations that meet the rules of every line and of the whole."""
    return [
        skid
        for skid in every_skid(**bounds)
        if all(OUTER[each](skid) for each in outer)
        and all(INNER[each](line, skid) for each in inner for line in skid["lines"])
    ]
