"""The operations and conditions of a peer pricing case in the words of our price book's rules.

Conventions that differ are translated here: exclusive bounds, whole units of a slab, amounts in
the quote's currency. What has no words raises NotSaid: nothing is bent to fit.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Tree = dict[str, Any]
# Far below any quantity: what is exclusive in a case is inclusive with us.
JUST = Decimal("1E-9")
FOR_EVER = "2000-01-01"


class NotSaid(Exception):
    """Our price book has no words for this."""


def code(text: str) -> str:
    """Return a name as a code of our book; one that is none already is spelt in hexadecimals."""
    plain = text.replace("-", "").replace("_", "").replace(".", "")
    if plain.isascii() and plain.isalnum() and text[0].isalnum() and len(text) <= 100:
        return text
    return f"x{text.encode().hex()}"[:100]


def moment(text: str) -> datetime:
    """Read a day or a moment; a zone is taken off, all moments of a case are of one clock."""
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found


def first(tree: Tree, *names: str) -> Any:
    """Return the first member that is there, and None if none is."""
    return next((tree[name] for name in names if tree.get(name) is not None), None)


def only(tree: Tree, what: str, *known: str) -> None:
    """Refuse members that are not known: they might change the price."""
    if unknown := set(tree) - set(known):
        raise NotSaid(f"{what} with {', '.join(sorted(unknown))}")


# ---- conditions


def condition(when: Tree, currency: str, families: dict[str, list[str]]) -> Tree:
    """Say a condition; a category means its descendants too."""
    known = ("sku", "skus", "category", "categories", "tier", "region", "customer", "from", "to")
    known += ("min_quantity", "max_quantity", "min_group_quantity", "max_group_quantity")
    known += ("min_group_amount", "min_order_amount", "max_order_amount")
    only(when, "when", *known)
    found: Tree = {"skus": [code(each) for each in _list(when, "sku", "skus")]}
    named = _list(when, "category", "categories")
    if named:
        found["categories"] = [each for name in named for each in families.get(name, [code(name)])]
    for name, ours in (("tier", "tiers"), ("region", "regions")):
        if name in when:
            found[ours] = [code(each) for each in _list(when, name, name)]
    if "customer" in when:
        found["accounts"] = _list(when, "customer", "customer")
    if "from" in when or "to" in when:
        found["between"] = _between(when)
    least, most = first(when, "min_quantity"), first(when, "max_quantity")
    if least is not None or most is not None:
        found["quantity"] = {"at_least": least, "up_to": most, "counted": "line"}
    return found | _of_group(when, currency, "quantity" in found)


def _of_group(when: Tree, currency: str, counted: bool) -> Tree:
    """Say what is asked of all lines that a rule covers, or of the whole order."""
    found: Tree = {}
    least, most = first(when, "min_group_quantity"), first(when, "max_group_quantity")
    if least is not None or most is not None:
        if counted:
            raise NotSaid("a quantity of the line and of the group")
        found["quantity"] = {"at_least": least, "up_to": most, "counted": "quote"}
    group = first(when, "min_group_amount")
    order = (first(when, "min_order_amount"), first(when, "max_order_amount"))
    if group is not None and order != (None, None):
        raise NotSaid("an amount of the group and of the order")
    if group is not None:
        found["amount"] = {"at_least": group, "counted": "quote", "currency": currency}
    elif order != (None, None):
        found["amount"] = {
            "at_least": order[0],
            "up_to": order[1],
            "counted": "whole_quote",
            "currency": currency,
        }
    return found


def _list(tree: Tree, *names: str) -> list[str]:
    found: list[str] = []
    for name in dict.fromkeys(names):
        value = tree.get(name, [])
        found += value if isinstance(value, list) else [value]
    return found


def _between(when: Tree) -> Tree:
    last = when.get("to")
    if last is not None and "T" not in last and " " not in last:
        last = f"{last}T23:59:59.999999"  # a day is included whole
    return {
        "first": moment(when["from"]).isoformat() if when.get("from") else None,
        "last": moment(last).isoformat() if last else None,
    }


def static(when: Tree, context: Tree) -> bool:
    """Say whether a condition on customer and day holds; it is the same for all lines."""
    now = moment(context.get("date", "2026-01-01"))
    between = _between(when)
    return (
        all(
            name not in when or context.get(name) in _list(when, name)
            for name in ("customer", "tier", "region")
        )
        and (between["first"] is None or datetime.fromisoformat(between["first"]) <= now)
        and (between["last"] is None or now <= datetime.fromisoformat(between["last"]))
    )


# ---- operations


def effect(do: Tree, when: Tree) -> Tree:
    """Say an operation as the effect of a rule."""
    operation = do["op"]
    if operation in MODELS:
        return {"kind": "price_model", "price": model(do)}
    if operation not in EFFECTS:
        raise NotSaid(str(operation))
    found: Tree = EFFECTS[operation](do, when)
    return found


def _percent_off(do: Tree, _: Tree) -> Tree:
    only(do, "percent_off", "op", "percent", "round_amount")
    point = do.get("round_amount")
    return {"kind": "percent_off", "percent": do["percent"], "round": rounding(point)}


def _amount_off(do: Tree, _: Tree) -> Tree:
    only(do, "amount_off", "op", "amount", "per")
    return {"kind": "amount_off", "amount": do["amount"], "per": do.get("per", "unit")}


def _set_price(do: Tree, _: Tree) -> Tree:
    only(do, "set_price", "op", "amount")
    return {"kind": "unit_price", "amount": do["amount"]}


def _markup(do: Tree, _: Tree) -> Tree:
    only(do, "markup", "op", "base", "percent", "amount")
    if do.get("amount") is not None:
        if do.get("base", "running") == "cost" or do.get("percent") is not None:
            raise NotSaid("a markup of an amount on the cost")
        return {"kind": "amount_off", "amount": -Decimal(do["amount"]), "per": "unit"}
    base = {"cost": "cost"}.get(do.get("base", "running"), "running")
    return {"kind": "markup", "percent": do["percent"], "on": base}


def _margin_floor(do: Tree, _: Tree) -> Tree:
    only(do, "margin_floor", "op", "margin_percent", "percent")
    return {"kind": "margin_floor", "margin_on_price": first(do, "margin_percent", "percent")}


def _round_to(do: Tree, _: Tree) -> Tree:
    only(do, "round_to", "op", "multiple", "mode", "add", "subtract", "then_add", "then_subtract",
         "offset", "plus", "minus")  # fmt: skip
    add = first(do, "add", "then_add", "offset", "plus")
    less = first(do, "subtract", "then_subtract", "minus")
    moved = Decimal(add or "0") - Decimal(less or "0")
    return {"kind": "round_to", "multiple": do["multiple"], "mode": do["mode"], "add": moved}


def _minimum(do: Tree, _: Tree) -> Tree:
    only(do, do["op"], "op", "amount")
    return {"kind": "line_limits", do["op"]: do["amount"]}


def _free_goods(do: Tree, when: Tree) -> Tree:
    """Say what is given; without a word of how often, for each such quantity that is bought."""
    buy = ("per", "buy", "buy_quantity", "for_each", "every", "min_quantity")
    give = ("free", "get", "free_quantity", "get_quantity", "give", "quantity")
    what = ("sku", "free_sku", "get_sku", "product", "item")
    often = ("repeat", "recursive", "is_recursive", "recurse")
    most = ("at_most", "max", "limit", "max_quantity", "max_free")
    only(do, "free_goods", "op", *buy, *give, *what, *often, *most)
    per = first(do, *buy)
    repeat = first(do, *often)
    sku = first(do, *what)
    return {
        "kind": "free_goods",
        "per": per or when.get("min_quantity") or "1",
        "quantity": first(do, *give) or "1",
        "sku": code(sku) if sku else None,
        "at_most": first(do, *most),
        "repeat": per is not None if repeat is None else repeat,
    }


def _schedule(do: Tree, _: Tree) -> Tree:
    """Say a discount schedule: exclusive bounds become inclusive, a slab counts whole units."""
    steps = first(do, "tiers", "breaks", "steps", "ranges", "slabs")
    lists = ("tiers", "breaks", "steps", "ranges", "slabs")
    only(do, "discount_schedule", "op", "mode", "type", "method", "unit", "by", "kind", "value",
         *lists)  # fmt: skip
    mode = first(do, "mode", "type", "method") or "range"
    unit = first(do, "unit", "by", "kind", "value") or "percent"
    breaks: list[Tree] = []
    below = Decimal(0)
    for step in steps:
        only(step, "a schedule's step", "from", "to_exclusive", "up_to", "to", "percent", "amount",
             "value", "discount")  # fmt: skip
        off = first(step, "percent", "amount", "value", "discount") or "0"
        kind = "percent" if "percent" in step else "amount" if "amount" in step else unit
        start, top = Decimal(first(step, "from") or below), _top(step)
        if mode == "slab" and "to_exclusive" in step and top is not None:
            top = below + Decimal(step["to_exclusive"]) - start
        elif mode == "range" and start - JUST > below:
            breaks.append({"up_to": start - JUST, "percent": "0"})
        breaks.append({"up_to": top, kind: off})
        below = top if top is not None else below
    if breaks and breaks[-1]["up_to"] is not None:
        breaks.append({"up_to": None, "percent": "0"})
    return {"kind": "quantity_breaks", "mode": mode, "counted": "line", "breaks": breaks}


EFFECTS = {
    "percent_off": _percent_off,
    "amount_off": _amount_off,
    "set_price": _set_price,
    "markup": _markup,
    "margin_floor": _margin_floor,
    "round_to": _round_to,
    "minimum": _minimum,
    "maximum": _minimum,
    "free_goods": _free_goods,
    "discount_schedule": _schedule,
}


# ---- price models


def model(do: Tree) -> Tree:
    """Say an operation that is a price model of its own."""
    found: Tree = MODELS[do["op"]](do)
    return found


def _tiers(do: Tree) -> Tree:
    only(do, "tiers", "op", "mode", "tiers")
    tiers = []
    for tier in do["tiers"]:
        only(tier, "a tier", "up_to", "from", "to_exclusive", "unit", "flat")
        tiers.append(
            {"up_to": _top(tier), "unit": tier.get("unit") or "0", "flat": tier.get("flat")}
        )
    return {"model": "tiered", "mode": do["mode"], "tiers": tiers}


def _block_tiers(do: Tree) -> Tree:
    only(do, "block_tiers", "op", "mode", "tiers", "blocks", "size", "block", "block_size")
    tiers: list[Tree] = []
    for tier in first(do, "tiers", "blocks"):
        only(tier, "a tier of blocks", "up_to", "from", "to_exclusive", "size", "block",
             "block_size", "amount", "price", "unit", "max_blocks")  # fmt: skip
        size = first(tier, "size", "block", "block_size") or first(
            do, "size", "block", "block_size"
        )
        amount = first(tier, "amount", "price", "unit")
        top = _top(tier)
        if tier.get("max_blocks") is not None:
            below = tiers[-1]["up_to"] if tiers else Decimal(0)
            top = below + Decimal(tier["max_blocks"]) * Decimal(size)
        tiers.append({"up_to": top, "size": size, "amount": amount})
    return {"model": "package_tiers", "mode": do.get("mode", "graduated"), "tiers": tiers}


def _package(do: Tree) -> Tree:
    only(do, "package", "op", "size", "amount", "free_units", "free", "rounding")
    return {
        "model": "package",
        "size": do["size"],
        "amount": do["amount"],
        "free_units": first(do, "free_units", "free"),
        "rounding": do.get("rounding", "up"),
    }


def _block(do: Tree) -> Tree:
    """Say blocks; an overage of a block is of what is above its lower bound.

    One of the whole list is of whole units above the last block.
    """
    lists = ("blocks", "tiers", "steps")
    only(do, "block", "op", "overage_rate", *lists)
    steps: list[Tree] = []
    for each in first(do, *lists):
        only(each, "a block", "from", "to_exclusive", "up_to", "to", "amount", "price",
             "overage_rate")  # fmt: skip
        steps.append(
            {
                "up_to": _top(each),
                "amount": first(each, "amount", "price") or "0",
                "overage_unit": each.get("overage_rate"),
                "overage_above": each.get("from"),
            }
        )
    rate, last = do.get("overage_rate"), steps[-1]
    if rate is not None and last["up_to"] is None:
        last["overage_unit"] = rate
    elif rate is not None:
        end = first(do, *lists)[-1]
        whole = end.get("up_to") or Decimal(end["to_exclusive"]) - 1
        steps.append({"up_to": None, "amount": last["amount"], "overage_unit": rate,
                      "overage_above": whole})  # fmt: skip
    return {"model": "block", "blocks": steps}


MODELS = {
    "tiers": _tiers,
    "block_tiers": _block_tiers,
    "package": _package,
    "block": _block,
}


def _top(step: Tree) -> Decimal | None:
    """Return the inclusive upper bound; None is open."""
    if step.get("to_exclusive") is not None:
        return Decimal(step["to_exclusive"]) - JUST
    top = first(step, "up_to", "to")
    return None if top is None else Decimal(top)


def rounding(point: Tree | None) -> Tree | None:
    """Say where a figure is rounded; None is exact."""
    if point is None:
        return None
    only(point, "rounding", "scale", "multiple", "mode")
    if "multiple" in point:
        return {"multiple": point["multiple"], "mode": point["mode"]}
    return {"scale": point["scale"], "mode": point["mode"]}
