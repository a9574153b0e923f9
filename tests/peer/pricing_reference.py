"""A second, small implementation of the schema pricing-case/1: fractions, loops, no book, no engine.

It draws cases of every operation, condition and policy, and works their numbers out by itself.
"""

import math
import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

F = Fraction
Tree = dict[str, Any]
Price = tuple[F | None, F]
"""A unit price (None: only an amount) and the amount of the line."""


class Tie(Exception):
    """Two rules of the same priority, where a tie is an error."""


def rounded(number: F, point: Tree | None) -> F:
    """Round to a multiple; half_up is away from zero, up towards more."""
    if point is None:
        return number
    unit = F(point["multiple"]) if "multiple" in point else F(1, 10 ** point["scale"])
    count, sign = abs(number) / unit, 1 if number >= 0 else -1
    whole = math.floor(count)
    rest = count - whole
    lift = {
        "half_up": rest >= F(1, 2),
        "half_even": rest > F(1, 2) or (rest == F(1, 2) and whole % 2 == 1),
        "up": rest > 0 and sign > 0,
        "down": False,
    }
    return sign * (whole + lift[point["mode"]]) * unit


class Line:
    """One line: its part, its quantity in base units and in the unit that prices are stated in."""

    def __init__(self, case: Tree, line: Tree) -> None:
        self.id, self.sku = line["id"], line["sku"]
        self.entry = next(each for each in case["catalog"] if each["sku"] == self.sku)
        factor = F(self.entry.get("uoms", {}).get(line.get("uom"), "1"))
        per_sold = case["context"].get("unit_price_per") == "line_uom"
        self.base = F(line["quantity"]) * factor
        self.each = factor if per_sold else F(1)
        self.count = F(line["quantity"]) if per_sold else self.base
        rate = F(case["context"].get("fx", {}).get("rate", "1"))
        self.listed = F(self.entry["list_price"]) * rate
        self.cost = F(self.entry["cost"]) * rate
        self.sign = -1 if self.base < 0 else 1

    def at(self, unit: F) -> Price:
        return unit, unit * self.count


def holds(case: Tree, when: Tree, line: Line, lines: list[Line]) -> bool:
    """Say whether a condition holds for a line."""
    context, size = case["context"], abs(line.base)
    group = [each for each in lines if covers(when, each)]
    facts = {
        "customer": lambda value: context.get("customer") == value,
        "tier": lambda value: context.get("tier") == value,
        "region": lambda value: context.get("region") == value,
        "from": lambda value: value <= context["date"],
        "to": lambda value: context["date"] <= value,
        "min_quantity": lambda value: size >= F(value),
        "max_quantity": lambda value: size <= F(value),
        "min_group_quantity": lambda value: sum(abs(each.base) for each in group) >= F(value),
        "min_group_amount": lambda value: sum(x.listed * x.base for x in group) >= F(value),
        "min_order_amount": lambda value: sum(x.listed * x.base for x in lines) >= F(value),
    }
    return covers(when, line) and all(
        facts[name](value) for name, value in when.items() if name in facts
    )


def reaches(do: Tree, line: Line) -> bool:
    """Say whether a schedule has something for so many; one that has not does not apply."""
    if do["op"] != "discount_schedule":
        return True
    return abs(line.base) >= 1 if do["mode"] == "range" else line.base != 0


def covers(when: Tree, line: Line) -> bool:
    skus = [*([when["sku"]] if "sku" in when else []), *when.get("skus", ())]
    category = when.get("category")
    return (not skus or line.sku in skus) and (
        category is None or category in line.entry.get("categories", ())
    )


# ---- operations


def applied(do: Tree, line: Line, now: Price, base: Price | None, case: Tree) -> Price:
    """Return the price after one operation."""
    found: Price = OPERATIONS[do["op"]](do, line, now, (base, case))
    return found


def _percent_off(do: Tree, line: Line, now: Price, more: tuple[Price | None, Tree]) -> Price:
    of = more[0] or now
    if now[0] is None or of[0] is None:
        return None, now[1] - rounded(of[1] * F(do["percent"]) / 100, do.get("round_amount"))
    off = rounded(of[0] * F(do["percent"]) / 100, do.get("round_amount"))
    return line.at(max(now[0] - off, F(0)))


def _amount_off(do: Tree, line: Line, now: Price, _: Any) -> Price:
    off = F(do["amount"]) * line.each
    rest = max(abs(now[1]) - off * abs(line.count), F(0)) * line.sign
    return (None, rest) if now[0] is None else line.at(max(now[0] - off, F(0)))


def _markup(do: Tree, line: Line, now: Price, _: Any) -> Price:
    factor = 1 + F(do["percent"]) / 100
    if do["base"] == "cost":
        return line.at(line.cost * line.each * factor)
    return (None, now[1] * factor) if now[0] is None else line.at(now[0] * factor)


def _margin_floor(do: Tree, line: Line, now: Price, more: tuple[Price | None, Tree]) -> Price:
    point = more[1]["rounding"]["unit"]
    unit = F(1, 10 ** (6 if point is None else point["scale"]))
    exact = line.cost * line.each / (1 - F(do["margin_percent"]) / 100)
    least = math.ceil(exact / unit) * unit
    if now[0] is not None:
        return now if now[0] >= least else line.at(least)
    whole = least * abs(line.count)
    return now if abs(now[1]) >= whole else (None, whole * line.sign)


def _round_to(do: Tree, line: Line, now: Price, _: Any) -> Price:
    moved = F(do.get("add", "0")) - F(do.get("subtract", "0"))
    if now[0] is None:
        return None, rounded(now[1], do) + moved
    return line.at(rounded(now[0], do) + moved)


def _limit(do: Tree, line: Line, now: Price, _: Any) -> Price:
    best = max if do["op"] == "minimum" else min
    held = best(abs(now[1]), F(do["amount"]))
    return now if held == abs(now[1]) else (None, held * line.sign)


def _tiers(do: Tree, line: Line, _now: Price, _: Any) -> Price:
    size, amount, below = abs(line.base), F(0), F(0)
    for place, tier in enumerate(do["tiers"]):
        top = None if tier["up_to"] is None else F(tier["up_to"])
        reached, flat = top is None or size <= top, F(tier.get("flat") or "0")
        if do["mode"] == "volume":
            if reached and not flat:
                return line.at(F(tier["unit"]) * line.each)
            if reached:
                return None, line.sign * (size * F(tier["unit"]) + flat)
            continue
        if place == 0 or size > below:
            amount += flat + max((size if reached or top is None else top) - below, F(0)) * F(
                tier["unit"]
            )
        below = size if top is None else top
    return None, line.sign * amount


def _package(do: Tree, line: Line, _now: Price, _: Any) -> Price:
    counted = max(abs(line.base) - F(do.get("free_units", "0")), F(0))
    return None, line.sign * math.ceil(counted / F(do["size"])) * F(do["amount"])


def _block_tiers(do: Tree, line: Line, _now: Price, _: Any) -> Price:
    size, amount, below = abs(line.base), F(0), F(0)
    for tier in do["tiers"]:
        top = size if tier["up_to"] is None else min(size, F(tier["up_to"]))
        if top > below:
            amount += math.ceil((top - below) / F(tier["size"])) * F(tier["amount"])
            below = top
    return None, line.sign * amount


def _block(do: Tree, line: Line, _now: Price, _: Any) -> Price:
    size = abs(line.base)
    for step in do["blocks"]:
        if step["to_exclusive"] is None or size < F(step["to_exclusive"]):
            over = max(size - F(step["from"]), F(0)) * F(step.get("overage_rate") or "0")
            return None, line.sign * (F(step["amount"]) + over)
    last = do["blocks"][-1]
    over = size - (F(last["to_exclusive"]) - 1)
    return None, line.sign * (F(last["amount"]) + over * F(do["overage_rate"]))


def _schedule(do: Tree, line: Line, now: Price, more: tuple[Price | None, Tree]) -> Price:
    size, off, below = abs(line.base), F(0), F(0)
    if do["mode"] == "slab" and do["unit"] == "percent" and now[0] is None:
        return now
    for step in do["tiers"]:
        start, end = F(step["from"]), step["to_exclusive"]
        inside = start <= size and (end is None or size < F(end))
        per = {"percent": (now[0] or F(0)) / line.each * F(step.get("percent", "0")) / 100}
        per["amount"] = F(step.get("amount", "0"))
        if do["mode"] == "slab":
            top = size if end is None else min(size, below + F(end) - start)
            off += max(top - below, F(0)) * per[do["unit"]]
            below = max(below, top)
        elif inside and do["unit"] == "percent":
            return _percent_off({"percent": step["percent"]}, line, now, more)
        elif inside:
            return _amount_off(step, line, now, None)
    return now if not off else (None, max(abs(now[1]) - off, F(0)) * line.sign)


OPERATIONS: dict[str, Callable[..., Price]] = {
    "percent_off": _percent_off,
    "amount_off": _amount_off,
    "set_price": lambda do, line, _now, _more: line.at(F(do["amount"]) * line.each),
    "markup": _markup,
    "margin_floor": _margin_floor,
    "round_to": _round_to,
    "minimum": _limit,
    "maximum": _limit,
    "tiers": _tiers,
    "package": _package,
    "block_tiers": _block_tiers,
    "block": _block,
    "discount_schedule": _schedule,
    "free_goods": lambda _do, _line, now, _more: now,
}


# ---- a whole case


def worked_out(case: Tree) -> Tree:
    """Return what a case is expected to come to."""
    lines = [Line(case, each) for each in case["lines"]]
    points = case["rounding"]
    try:
        found = [_line(case, line, lines) for line in lines]
    except Tie:
        return {"error": "two rules tie"}
    totals = [
        rounded(amount if unit is None else rounded(unit, points["unit"]) * line.count,
                points["line"])
        for line, (unit, amount) in zip(lines, found, strict=True)
    ]  # fmt: skip
    for rule in case.get("order_rules", ()):
        cut = {"scale": case["scale"], "mode": "half_up"}
        off = rounded(sum(totals, F(0)) * F(rule["percent"]) / 100, cut)
        parts = split(off, totals, F(1, 10 ** case["scale"]))
        totals = [total - part for total, part in zip(totals, parts, strict=True)]
    free = [gift for line in lines for gift in _free(case, line, lines)]
    return {
        "lines": [
            {"id": line.id, "line_total": text(total)}
            | ({} if price[0] is None else {"unit_price": text(rounded(price[0], points["unit"]))})
            for line, total, price in zip(lines, totals, found, strict=True)
        ],
        "total": text(rounded(sum(totals, F(0)), points["total"])),
        "free_lines": [{"sku": sku, "quantity": text(quantity)} for sku, quantity in free],
    }


def _line(case: Tree, line: Line, lines: list[Line]) -> Price:
    now = line.at(line.listed * line.each)
    base = now if case["policy"]["combine"] == "additive_on_list" else None
    for rule in _chosen(case, line, lines, now):
        now = applied(rule["do"], line, now, base, case)
    return now


def _chosen(case: Tree, line: Line, lines: list[Line], now: Price) -> list[Tree]:
    """Return the rules that apply to a line, in their order."""
    rules = [
        each
        for each in case["rules"]
        if holds(case, each["when"], line, lines) and reaches(each["do"], line)
    ]
    select = case["policy"]["select"]
    if select != "first" and any("priority" in each for each in case["rules"]):
        rules.sort(key=lambda each: -each.get("priority", 0))
    alone = [each for each in rules if each.get("exclusive")]
    if len(rules) > 1 and alone:
        return alone[:1]
    if select == "all" or not rules:
        return rules
    if select == "best_for_customer":
        return [min(rules, key=lambda each: applied(each["do"], line, now, None, case)[1])]
    if (
        case["policy"].get("on_tie") == "error"
        and len(rules) > 1
        and rules[0].get("priority", 0) == rules[1].get("priority", 0)
    ):
        raise Tie
    return rules[:1]


def _free(case: Tree, line: Line, lines: list[Line]) -> list[tuple[str, F]]:
    now = line.at(line.listed * line.each)
    found = []
    for do in (rule["do"] for rule in _chosen(case, line, lines, now)):
        if do["op"] == "free_goods":
            quantity = math.floor(abs(line.base) / F(do["per"])) * F(do["free"])
            if quantity:
                found.append((do.get("sku", line.sku), quantity))
    return found


def split(amount: F, weights: list[F], unit: F) -> list[F]:
    """Split by largest remainder, one unit after the other."""
    whole = sum(weights, F(0))
    weights, whole = (weights, whole) if whole else ([F(1)] * len(weights), F(len(weights)))
    exact = [amount * each / whole for each in weights]
    parts = [math.floor(abs(each) / unit) * unit * (1 if each >= 0 else -1) for each in exact]
    missing = amount - sum(parts, F(0))
    step = unit if missing >= 0 else -unit
    order = sorted(range(len(parts)), key=lambda i: ((parts[i] - exact[i]) * (step / unit), i))
    for place in order[: int(abs(missing) / unit)]:
        parts[place] += step
    return parts


def text(number: F) -> str:
    """Write a fraction that ends as a decimal."""
    digits = 0
    while (number * 10**digits).denominator != 1:
        digits += 1
        if digits > 60:
            raise ValueError(f"{number} does not end")
    whole = int(abs(number) * 10**digits)
    body = str(whole).rjust(digits + 1, "0")
    sign = "-" if number < 0 else ""
    return sign + (f"{body[:-digits]}.{body[-digits:]}" if digits else body)


# ---- drawing


def drawn(seed: int) -> Tree:
    """Draw a case with what is expected of it."""
    chance = random.Random(seed)
    scale = chance.choice([0, 2, 2, 2, 3])
    fx = chance.random() < 0.2
    case = {
        "schema": "pricing-case/1",
        "kind": "price",
        "id": f"drawn-{seed}",
        "currency": {0: "JPY", 2: chance.choice(["USD", "CHF"]), 3: "BHD"}[scale],
        "scale": scale,
        "rounding": _rounding(chance, scale),
        "context": _context(chance, fx),
        "catalog": [_part(chance, sku) for sku in "ABC"],
        "policy": {
            "select": chance.choice(["all", "all", "all", "first", "highest_priority",
                                     "best_for_customer"]),
            "combine": chance.choice(["sequential", "sequential", "additive_on_list"]),
        },
        "rules": [_rule(chance, place) for place in range(chance.randrange(5))],
        "lines": [_asked(chance, place) for place in range(chance.randrange(1, 5))],
    }  # fmt: skip
    if fx:
        case["context"]["fx"] = {"from": "GBP", "to": case["currency"],
                                 "rate": chance.choice(["0.92", "150.25", "1.0375"])}  # fmt: skip
    if case["policy"]["select"] == "highest_priority" and chance.random() < 0.3:
        case["policy"]["on_tie"] = "error"
    if case["rounding"]["line"] and chance.random() < 0.3:
        case["order_rules"] = [{"id": "o", "op": "percent_off_total", "percent": _number(chance, 40),
                                "allocate": "largest_remainder"}]  # fmt: skip
        for line in case["lines"]:
            line["quantity"] = line["quantity"].lstrip("-")
    return case | {"expected": worked_out(case)}


def _number(chance: random.Random, most: int, digits: int = 2) -> str:
    return text(F(chance.randrange(1, most * 10**digits), 10**digits))


def _rounding(chance: random.Random, scale: int) -> Tree:
    mode = chance.choice(["half_up", "half_even", "half_up"])
    point = {"scale": scale, "mode": mode}
    unit = chance.choice([None, point, {"scale": min(scale + 2, 6), "mode": mode}])
    line = chance.choice([None, {"scale": scale, "mode": "half_up"}])
    total = chance.choice([None, {"multiple": "0.05", "mode": "half_up"}, point])
    return {"unit": unit, "line": line, "total": total}


def _context(chance: random.Random, fx: bool) -> Tree:
    found = {"date": chance.choice(["2026-03-01T00:00:00", "2026-03-01T12:30:00"]),
             "customer": chance.choice(["ACME", "OTHER"]), "tier": chance.choice(["GOLD", "BASE"]),
             "region": chance.choice(["LATAM", "EMEA"])}  # fmt: skip
    if not fx and chance.random() < 0.3:
        found["unit_price_per"] = "line_uom"
    return found


def _part(chance: random.Random, sku: str) -> Tree:
    return {"sku": sku, "list_price": _number(chance, 900), "cost": _number(chance, 500),
            "categories": {"A": ["hw", "radio"], "B": ["hw"], "C": ["sw"]}[sku],
            "base_uom": "unit", "uoms": {"unit": "1", "ten": "10", "half": "0.5"}}  # fmt: skip


def _asked(chance: random.Random, place: int) -> Tree:
    quantity = chance.choice(["1", "0", "9", "10", "11", "100.5", "37.25", "-3", "250", "0.4"])
    return {"id": str(place), "sku": chance.choice("ABC"), "quantity": quantity,
            "uom": chance.choice(["unit", "unit", "ten", "half"])}  # fmt: skip


def _rule(chance: random.Random, place: int) -> Tree:
    rule: Tree = {"id": f"r{place}", "when": _when(chance), "do": _do(chance)}
    if chance.random() < 0.4:
        rule["priority"] = chance.randrange(4)
    if chance.random() < 0.1:
        rule["exclusive"] = True
    return rule


def _when(chance: random.Random) -> Tree:
    found: Tree = {}
    for name, value in (
        ("sku", chance.choice("ABC")),
        ("category", chance.choice(["hw", "radio", "sw"])),
        ("customer", "ACME"),
        ("tier", "GOLD"),
        ("region", "LATAM"),
        ("from", chance.choice(["2026-03-01T12:00:00", "2026-02-01T00:00:00"])),
        ("to", chance.choice(["2026-03-01T12:00:00", "2026-03-31T00:00:00"])),
        ("min_quantity", chance.choice(["10", "11", "0.4"])),
        ("max_quantity", chance.choice(["10", "37.25", "100"])),
    ):
        if chance.random() < 0.12:
            found[name] = value
    if found.keys() & {"sku", "category"} == {"sku", "category"}:
        del found["category"]
    extra = chance.choice(["min_group_quantity", "min_group_amount", "min_order_amount", ""])
    if extra and not found.keys() & {"min_quantity", "max_quantity"} and chance.random() < 0.3:
        found[extra] = chance.choice(["10", "500", "4000"])
    return found


def _do(chance: random.Random) -> Tree:
    """Draw an operation; each as often as any other."""
    price = _number(chance, 900)
    drawn_do = {
        "percent_off": {"percent": chance.choice(["-3", "8", "12.5", "33.33", "100"])},
        "amount_off": {"amount": chance.choice(["-5", "0.01", "25", "2000"])},
        "set_price": {"amount": price},
        "markup": {"base": chance.choice(["cost", "running"]), "percent": _number(chance, 60)},
        "margin_floor": {"margin_percent": chance.choice(["15", "33", "50"])},
        "round_to": {"multiple": chance.choice(["10", "1", "0.05"]), "mode": "half_up",
                     chance.choice(["add", "subtract"]): "0.01"},
        "minimum": {"amount": price},
        "maximum": {"amount": price},
        "tiers": {"mode": chance.choice(["graduated", "volume"]), "tiers": [
            {"up_to": "10", "unit": price, "flat": chance.choice(["0", "2"])},
            {"up_to": "100", "unit": "5.5", "flat": "3"}, {"up_to": None, "unit": "4.25"}]},
        "package": {"size": chance.choice(["10", "0.5"]), "amount": price,
                    "free_units": chance.choice(["0", "5"])},
        "block_tiers": {"tiers": [{"up_to": "100", "size": "10", "amount": price},
                                  {"up_to": None, "size": "25", "amount": "7"}]},
        "block": chance.choice([
            {"blocks": [{"from": "0", "to_exclusive": "10", "amount": "100"},
                        {"from": "10", "to_exclusive": "50", "amount": price}],
             "overage_rate": "3.75"},
            {"blocks": [{"from": "0", "to_exclusive": "10", "amount": "100"},
                        {"from": "10", "to_exclusive": None, "amount": price,
                         "overage_rate": "2.5"}]}]),
        "discount_schedule": _steps(chance),
        "free_goods": {"per": "3", "free": "1"} | chance.choice([{}, {"sku": "C"}]),
    }  # fmt: skip
    operation = chance.choice(sorted(drawn_do))
    do = {"op": operation, **drawn_do[operation]}
    if operation == "percent_off" and chance.random() < 0.3:
        do["round_amount"] = {"scale": 2, "mode": "half_up"}
    return do


def _steps(chance: random.Random) -> Tree:
    unit = chance.choice(["percent", "amount"])
    offs = ["2", "5", "12.5"]
    ends = [("1", "10"), ("10", "100"), ("100", None)]
    tiers = [
        {"from": start, "to_exclusive": end, unit: off}
        for (start, end), off in zip(ends, offs, strict=True)
    ]
    return {"mode": chance.choice(["range", "slab"]), "unit": unit, "tiers": tiers}
