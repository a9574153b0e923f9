"""Peer pricing cases (schema pricing-case/1) in the words of our price book.

What our book can not say yet raises NotSaid with the words for it; nothing is bent to fit.
"""

import re
from decimal import Decimal
from typing import Any

from contracts.values import Money, Quantity, allocate, minor_unit
from services.pricer.domain.ask import PriceAsk, Priced
from services.pricer.domain.book import read_book, read_fx
from services.pricer.domain.compiled import compile_book
from services.pricer.domain.pricing import price

Tree = dict[str, Any]
BY_SCALE = {0: "JPY", 2: "USD", 3: "BHD"}
FOR_EVER = {"first": "2000-01-01"}
STEP = Decimal("0.001")


class NotSaid(Exception):
    """Our price book has no words for this yet."""


def allocated(case: Tree) -> list[Decimal]:
    """Split an amount as an allocate case asks."""
    amount = Money.of(case["amount"], BY_SCALE[case["scale"]])
    return [part.amount for part in allocate(amount, [Decimal(each) for each in case["weights"]])]


def priced(case: Tree) -> Priced:
    """Price the lines of a case with the real engine.   Raises: NotSaid."""
    _plain(case)
    book = compile_book(read_book(_book(case)))
    found = price(_ask(case), book, read_fx(_fx(case)))
    if not isinstance(found, Priced):
        raise AssertionError([each.message for each in found.problems])
    return found


def _plain(case: Tree) -> None:
    policy = case["policy"]
    rounding = case["rounding"]
    scale = case["scale"]
    if minor_unit(case["currency"]) != scale:
        raise NotSaid(f"{case['currency']} with {scale} decimals")
    if "error" in case["expected"]:
        raise NotSaid("an error that is expected")
    if policy["combine"] != "sequential":
        raise NotSaid(f"combine {policy['combine']}")
    if policy["select"] not in {"all", "best_for_customer", "highest_priority"}:
        raise NotSaid(f"select {policy['select']}")
    if any("multiple" in (rounding[name] or {}) for name in ("unit", "line", "total")):
        raise NotSaid("cash rounding")
    if rounding["line"] and rounding["line"]["scale"] != scale:
        raise NotSaid("lines finer or coarser than the minor unit")
    for line in case["expected"].get("lines", ()):
        finer = Decimal(line.get("line_total", "0")).normalize().as_tuple().exponent
        if not rounding["line"] and isinstance(finer, int) and -finer > scale:
            raise NotSaid("lines that are not rounded")
    if any(Decimal(line["quantity"]) <= 0 for line in case["lines"]):
        raise NotSaid("a quantity of zero or less")
    base = {entry["sku"]: entry.get("base_uom") for entry in case["catalog"]}
    if any(line.get("uom") not in {None, base.get(line["sku"])} for line in case["lines"]):
        raise NotSaid("units of measure")


def _book(case: Tree) -> Tree:
    context = case["context"]
    groups = [
        {"id": "contract", "stage": "contracted_price", "select": "most_specific"},
        {
            "id": "rules",
            "stage": "bundle",
            "select": "best_for_customer" if _selects(case, "best_for_customer") else "all",
        },
    ]
    line = case["rounding"]["line"]
    # A part that only a rule prices need not stand in the case's catalog.
    entries = {line["sku"]: _entry({"sku": line["sku"]}) for line in case["lines"]}
    entries |= {entry["sku"]: _entry(entry) for entry in case["catalog"]}
    rules: list[Tree] = []
    rails: list[Tree] = []
    for rule in case["rules"]:
        _translate(rule, (entries, rules, rails))
    if _selects(case, "highest_priority") and sum(each["group"] == "rules" for each in rules) > 1:
        raise NotSaid("select highest_priority")
    currency = context["fx"]["from"] if "fx" in context else case["currency"]
    return {
        "id": "case",
        "version": 1,
        "name": case["id"],
        "status": "published",
        "effective": FOR_EVER,
        "currency": currency,
        "currencies": [case["currency"]],
        "tiers": [context.get("tier", "none")],
        "regions": [context.get("region", "none")],
        "rounding": {
            "list": {"scale": "exact", "mode": "half_up"},
            "unit": case["rounding"]["unit"] or {"scale": "exact", "mode": "half_up"},
            "line": line["mode"] if line else "half_up",
        },
        "categories": [{"id": "all", "name": "All", "discountable": True}],
        "entries": list(entries.values()),
        "groups": groups,
        "rules": rules,
        "guardrails": rails,
    }


def _selects(case: Tree, select: str) -> bool:
    return bool(case["policy"]["select"] == select)


def _entry(entry: Tree) -> Tree:
    return {
        "sku": entry["sku"],
        "category": "all",
        "charge": "one_time",
        "unit": entry.get("base_uom") or "unit",
        "price": {"model": "per_unit", "amount": entry.get("list_price", "0")},
        "cost": entry.get("cost", "0"),
    }


def _translate(rule: Tree, into: tuple[dict[str, Tree], list[Tree], list[Tree]]) -> None:
    """Say one rule of a case as an entry's price model, a rule, or a guardrail."""
    entries, rules, rails = into
    when, do = rule.get("when", {}), rule["do"]
    condition = _condition(when)
    least = when.get("min_quantity")
    operation = do["op"]
    if operation == "tiers" and not when:
        for entry in entries.values():
            entry["price"] = {"model": "tiered", "mode": do["mode"], "tiers": _tiers(do["tiers"])}
        return
    if operation == "margin_floor" and not when:
        rails.append(
            {
                "id": rule["id"],
                "version": 1,
                "name": "Floor",
                "scope": "line",
                "margin_on_price": do["margin_percent"],
                "action": "clamp",
            }
        )
        return
    rules.append(
        {
            "id": rule["id"],
            "version": 1,
            "name": f"Rule {rule['id']}",
            "group": "contract" if condition.get("accounts") else "rules",
            "priority": rule.get("priority", 0),
            "when": condition,
            "effect": _effect(do, Decimal(least) if least else None),
        }
    )


def _condition(when: Tree) -> Tree:
    known = {"sku", "skus", "tier", "region", "customer", "from", "to", "min_quantity"}
    if set(when) - known:
        raise NotSaid(f"when {', '.join(sorted(set(when) - known))}")
    if any(re.search("T(?!00:00:00)", when.get(end, "")) for end in ("from", "to")):
        raise NotSaid("rules that begin or end within a day")
    condition: Tree = {"skus": [*([when["sku"]] if "sku" in when else []), *when.get("skus", ())]}
    for name, ours in (("tier", "tiers"), ("region", "regions"), ("customer", "accounts")):
        if name in when:
            condition[ours] = [when[name]]
    if "from" in when or "to" in when:
        condition["effective"] = {
            "first": when.get("from", FOR_EVER["first"])[:10],
            "last": when["to"][:10] if "to" in when else None,
        }
    return condition


def _effect(do: Tree, least: Decimal | None) -> Tree:
    extra = set(do) - {"op", "percent", "amount"}
    if extra:
        raise NotSaid(f"{do['op']} with {', '.join(sorted(extra))}")
    match do["op"]:
        case "percent_off" if least is None:
            return {"kind": "percent_off", "percent": do["percent"]}
        case "percent_off" if least is not None:
            steps = [
                {"up_to": least - STEP, "percent": "0"},
                {"up_to": None, "percent": do["percent"]},
            ]
            return {
                "kind": "quantity_breaks",
                "mode": "range",
                "counted": "line",
                "breaks": steps,
            }
        case "amount_off" if least is None:
            return {"kind": "amount_off", "amount": do["amount"]}
        case "set_price" if least is None:
            return {"kind": "unit_price", "amount": do["amount"]}
    raise NotSaid(do["op"] + (" from a quantity" if least else ""))


def _tiers(tiers: list[Tree]) -> list[Tree]:
    if any(Decimal(tier.get("flat") or "0") for tier in tiers):
        raise NotSaid("tiers with a flat fee")
    return [{"up_to": tier["up_to"], "unit": tier["unit"]} for tier in tiers]


def _ask(case: Tree) -> PriceAsk:
    context = case["context"]
    discounts = [_discount(each) for each in case.get("order_rules", ())]
    # One item for each line, so that the same part may stand in two lines.
    items = [
        {
            "item_id": f"i{place}",
            "product": "case",
            "quantity": "1",
            "bill_of_materials": [
                {
                    "sku": line["sku"],
                    "name": line["sku"],
                    "quantity": Quantity(line["quantity"]),
                    "option": "case",
                }
            ],
        }
        for place, line in enumerate(case["lines"])
    ]
    return PriceAsk.model_validate(
        {
            "items": items,
            "account_id": context.get("customer", "none"),
            "customer_tier": context.get("tier", "none"),
            "region": context.get("region", "none"),
            "currency": case["currency"],
            "discounts": discounts,
            "day": context.get("date", "2026-01-01")[:10],
        }
    )


def _discount(rule: Tree) -> Tree:
    if rule["op"] != "percent_off_total" or rule.get("allocate") != "largest_remainder":
        raise NotSaid(f"{rule['op']} on the order")
    return {"percent": rule["percent"], "rationale": rule["id"].ljust(3, ".")}


def _fx(case: Tree) -> Tree:
    fx = case["context"].get("fx")
    pairs = [{"base": fx["from"], "quote": fx["to"], "rate": fx["rate"]}] if fx else []
    return {
        "id": "fx",
        "version": 1,
        "status": "published",
        "effective": FOR_EVER,
        "source": "case",
        "pairs": pairs,
    }
