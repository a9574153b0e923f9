"""Peer pricing cases (schema pricing-case/1) as our price book and ask, through our engine.

All rules of a case stand in one stacking group, which selects and stacks as its policy says.
"""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

from contracts.values import minor_unit
from services.pricer.domain.asks.ask import PriceAsk, Unpriced
from services.pricer.domain.asks.rounding import ROUNDS
from services.pricer.domain.asks.scene import exact_sum
from services.pricer.domain.books.allocation import largest_remainder
from services.pricer.domain.books.book import read_book, read_fx
from services.pricer.domain.books.compiled import compile_book
from services.pricer.domain.prices.figures import Settled, payable_of
from services.pricer.domain.prices.pricing import settle
from services.pricer.domain.waterfall.running import Running
from tests.peer.pricing_words import (
    FOR_EVER,
    MODELS,
    NotSaid,
    code,
    condition,
    effect,
    first,
    moment,
    only,
    rounding,
    static,
)

__all__ = ["NotSaid", "allocated", "cases_of", "compared"]

Tree = dict[str, Any]
FILE_BYTES_MAX = 64 * 2**20
BY_SCALE = {0: "JPY", 2: "USD", 3: "BHD", 4: "CLF"}
EXACTLY = {"scale": "exact", "mode": "half_up"}
# What makes a price by itself; a part without a list price needs one of them.
PRICES = {"set_price", "percent_of_total", *MODELS}
SELECTS = {
    "all": "all",
    "first": "highest_priority",
    "highest_priority": "highest_priority",
    "best_for_customer": "best_for_customer",
}
COMBINES = {"sequential": "sequential", "additive_on_list": "additive_on_base"}


def cases_of(path: Path) -> list[Tree]:
    """Read the cases of a file, one or a list.   Raises: ValueError; OSError."""
    if path.stat().st_size > FILE_BYTES_MAX:
        raise ValueError(f"is larger than {FILE_BYTES_MAX} bytes")
    tree = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    return tree if isinstance(tree, list) else tree.get("cases", [tree])


def compared(case: Tree) -> list[str]:
    """Return what is not as expected; nothing is good.   Raises: NotSaid."""
    if case["kind"] == "allocate":
        parts, expected = allocated(case), [Decimal(each) for each in case["expected"]["parts"]]
        return [] if parts == expected else [f"parts {parts}, expected {expected}"]
    if case["kind"] != "price":
        raise NotSaid(f"a case of the kind {case['kind']}")
    with localcontext(ROUNDS):
        found = settle(_ask(case), compile_book(read_book(Book(case).tree())), read_fx(_fx(case)))
        wrong = _against(case, found, case["expected"])
        other = case["expected"].get("alternative")
        if wrong and other and not _against(case, found, _expectation(other)):
            return []
        return wrong


def allocated(case: Tree) -> list[Decimal]:
    """Split an amount as an allocate case asks."""
    if case.get("method", "largest_remainder") != "largest_remainder":
        raise NotSaid(f"allocation by {case['method']}")
    unit = Decimal(1).scaleb(-case["scale"])
    weights = [Decimal(each) for each in case["weights"]]
    cap = bool(case.get("cap_at_weights"))
    return largest_remainder(Decimal(case["amount"]), weights, unit, cap=cap)


# ---- expectations


def _expectation(other: Any) -> Tree:
    return other if isinstance(other, dict) else {"error": other}


def _against(case: Tree, found: Settled | Unpriced, expected: Tree) -> list[str]:
    """Hold what was found against an expectation, which may be an error of a line or of all."""
    problems = found.problems
    said = "; ".join(each.message for each in problems)
    only(expected, "expected", "lines", "total", "error", "free_lines", "alternative", "note")
    wrong: list[str] = []
    lines = expected.get("lines", ())
    failing = [line for line in lines if "error" in line]
    if ("error" in expected or failing) and not problems:
        wrong.append(f"no error, expected {expected.get('error') or failing[0]['error']}")
    if problems and "error" not in expected and not failing:
        return [f"an error: {said}"]
    runs = {} if isinstance(found, Unpriced) else _by_line(case, found)
    for line in lines:
        if "error" not in line:
            wrong += _line(line, runs.get(line["id"]), case)
    if isinstance(found, Settled) and not problems:
        if "total" in expected:
            wrong += _is("total", _total(found), expected["total"])
        if "free_lines" in expected:
            wrong += _free(found, expected["free_lines"])
    return wrong


def _by_line(case: Tree, found: Settled) -> dict[str, Running]:
    """Return the running prices by the ids of the case's lines: each is an item of its own."""
    runs = {run.line.item_id: run for run in found.runs if not run.line.free}
    return {
        line["id"]: runs[f"i{place}"]
        for place, line in enumerate(case["lines"])
        if f"i{place}" in runs
    }


def _line(expected: Tree, run: Running | None, case: Tree) -> list[str]:
    only(expected, "an expected line", "id", "sku", "line_total", "unit_price", "discount_percent")
    name = f"line {expected['id']}"
    if run is None:
        return [f"{name} has no price"]
    wrong: list[str] = []
    if "line_total" in expected:
        wrong += _is(f"{name}", run.amount, expected["line_total"])
    if "unit_price" in expected:
        wrong += _is(f"unit price of {name}", _unit(run, expected["unit_price"]),
                     expected["unit_price"])  # fmt: skip
    if "discount_percent" in expected:
        off = (run.list_total - run.amount) * 100 / run.list_total
        shown = _as_fine(off, Decimal(expected["discount_percent"]))
        wrong += _is(f"discount of {name}", shown, expected["discount_percent"])
    return wrong


def _unit(run: Running, wanted: str) -> Decimal:
    """Return the unit price before discounts on the quote; derived where there is an amount only.

    What is derived may never end: it is shown with as many decimals as are expected.
    """
    if run.net_unit is not None:
        return run.net_unit
    if not run.line.count:
        return Decimal(0)
    return _as_fine(ROUNDS.divide(run.net, run.line.count), Decimal(wanted))


def _as_fine(exact: Decimal, wanted: Decimal) -> Decimal:
    """Round what may never end to the decimals that are expected, at least to two."""
    exponent = wanted.as_tuple().exponent
    digits = max(-exponent, 2) if isinstance(exponent, int) else 2
    return exact.quantize(Decimal(1).scaleb(-digits), rounding="ROUND_HALF_UP")


def _total(found: Settled) -> Decimal:
    net = exact_sum(run.amount for run in found.runs)
    paid = payable_of(net, found.scene)
    return net if paid is None else paid


def _free(found: Settled, expected: Sequence[Tree]) -> list[str]:
    given = sorted((run.line.sku, run.line.base) for run in found.runs if run.line.free)
    wanted = sorted(
        (code(each["sku"]), Decimal(first(each, "quantity", "qty"))) for each in expected
    )
    return [] if given == wanted else [f"free {given}, expected {wanted}"]


def _is(what: str, ours: Decimal, expected: str) -> list[str]:
    return [] if ours == Decimal(expected) else [f"{what} is {ours:f}, expected {expected}"]


# ---- the book


class Book:
    """The price book of one case."""

    def __init__(self, case: Tree) -> None:
        self.case = case
        self.context = case.get("context", {})
        self.rules = case.get("rules", [])
        self.policy = case.get("policy", {"select": "all", "combine": "sequential"})
        only(self.policy, "policy", "select", "combine", "on_tie")
        self.currency = currency_of(case)
        self.families: dict[str, list[str]] = {}
        self.parents: dict[str, str | None] = {}
        self.catalog = {entry["sku"]: entry for entry in case.get("catalog", ())}
        for line in case["lines"]:
            self.catalog.setdefault(line["sku"], {"sku": line["sku"]})
        for given in (each["do"] for each in self.rules if each["do"]["op"] == "free_goods"):
            sku = first(given, "sku", "free_sku", "get_sku", "product", "item")
            if sku:
                self.catalog.setdefault(sku, {"sku": sku, "list_price": "0"})

    def tree(self) -> Tree:
        """Return the document."""
        entries = [found for each in self.catalog.values() if (found := self._entry(each))]
        rules = [self._rule(*each) for each in self._ordered()]
        base = self.context["fx"]["from"] if "fx" in self.context else self.currency
        seen = {
            name: {code(str(each)) for each in self._named(name)} for name in ("tier", "region")
        }
        return {
            "id": "case",
            "version": 1,
            "name": self.case["id"],
            "status": "published",
            "effective": {"first": FOR_EVER},
            "currency": _traded(base, self.case),
            "currencies": [self.currency],
            "tiers": sorted(seen["tier"] | {"none"}),
            "regions": sorted(seen["region"] | {"none"}),
            "rounding": self._rounding(),
            "categories": [
                {"id": each, "name": each, "discountable": True, "parent": parent}
                for each, parent in {"all": None, **self.parents}.items()
            ],
            "entries": entries or [_entry_of("nothing", {}, "all")],
            "groups": [
                {
                    "id": "rules",
                    "stage": "bundle",
                    "select": SELECTS[self.policy.get("select", "all")],
                    "stacking": COMBINES[self.policy.get("combine", "sequential")],
                },
                {"id": "order", "stage": "header_discount", "select": "all"},
            ],
            "rules": [*rules, *self._order_rules()],
        }

    def _named(self, name: str) -> Iterable[str]:
        if self.context.get(name):
            yield self.context[name]
        for rule in self.rules:
            if name in rule.get("when", {}):
                value = rule["when"][name]
                yield from value if isinstance(value, list) else [value]

    def _rounding(self) -> Tree:
        points = self.case["rounding"]
        only(points, "rounding", "unit", "line", "total")
        found: Tree = {
            "list": EXACTLY,
            "unit": rounding(points.get("unit")) or EXACTLY,
            "line": rounding(points.get("line")) or EXACTLY,
            "per": "sold_unit" if self.context.get("unit_price_per") == "line_uom" else "base_unit",
        }
        if total := points.get("total"):
            multiple = total.get("multiple") or Decimal(1).scaleb(-total["scale"])
            found["cash"] = [
                {"currency": self.currency, "multiple": multiple, "mode": total["mode"]}
            ]
        return found

    def _entry(self, entry: Tree) -> Tree | None:
        only(entry, "a part", "sku", "list_price", "cost", "categories", "category", "base_uom",
             "uoms", "name")  # fmt: skip
        reached = [rule for rule in self.rules if self._covers(rule, entry)]
        category = self._category(entry)
        price = self._price(entry, reached)
        if price is None:
            return None
        cost = entry.get("cost")
        wants_cost = any(
            rule["do"]["op"] == "margin_floor" or rule["do"].get("base") == "cost"
            for rule in reached
        )
        found = _entry_of(code(entry["sku"]), price, category)
        found["cost"] = None if cost is None and wants_cost else cost or "0"
        found["unit"] = entry.get("base_uom") or "unit"
        found["units"] = [
            {"unit": unit, "factor": factor}
            for unit, factor in entry.get("uoms", {}).items()
            if unit != found["unit"]
        ]
        return found

    def _covers(self, rule: Tree, entry: Tree) -> bool:
        when = rule.get("when", {})
        skus = [*([when["sku"]] if "sku" in when else []), *when.get("skus", ())]
        return not skus or entry["sku"] in skus

    def _price(self, entry: Tree, reached: Sequence[Tree]) -> Tree | None:
        """Return the price model of a part; None: it has no price at all."""
        for rule in reached:
            if rule["do"]["op"] == "percent_of_total" and static(rule["when"], self.context):
                return self._percent_of_total(rule["do"])
        listed = entry.get("list_price")
        if listed is None:
            costs = any(rule["do"].get("base") == "cost" for rule in reached)
            if not costs and all(rule["do"]["op"] not in PRICES for rule in reached):
                return None
        return {"model": "per_unit", "amount": listed or "0"}

    def _percent_of_total(self, do: Tree) -> Tree:
        only(do, "percent_of_total", "op", "percent", "of", "basis", "base", "minimum", "maximum",
             "min", "max")  # fmt: skip
        basis = first(do, "basis", "base") or "net"
        if basis not in {"list", "regular", "net", "final"}:
            raise NotSaid(f"a percentage of {basis}")
        of = do.get("of") or []
        return {
            "model": "percent_of_total",
            "percent": do["percent"],
            "skus": [code(each) for each in ([of] if isinstance(of, str) else of)],
            "basis": basis,
            "minimum": first(do, "minimum", "min"),
            "maximum": first(do, "maximum", "max"),
        }

    def _category(self, entry: Tree) -> str:
        """Note the path of a part's categories; its last one is the part's."""
        path = entry.get("categories") or entry.get("category") or []
        names = path.split("/") if isinstance(path, str) else list(path)
        if len(names) == 1 and "/" in names[0]:
            names = names[0].split("/")
        parent: str | None = None
        for place, name in enumerate(names):
            own = code("/".join([each.strip() for each in names[: place + 1]]))
            self.parents.setdefault(own, parent)
            for each in (name.strip(), name, "/".join(names[: place + 1])):
                if own not in self.families.setdefault(each, []):
                    self.families[each].append(own)
            parent = own
        return parent or "all"

    def _ordered(self) -> Iterable[tuple[Tree, int]]:
        """Give the rules with priorities of ours: theirs, then their order in the list."""
        rules = [each for each in self.rules if each["do"]["op"] != "percent_of_total"]
        if self.policy.get("select") == "highest_priority" and self.policy.get("on_tie") == "error":
            return [(rule, int(rule.get("priority", 0))) for rule in rules]
        given = any("priority" in rule for rule in rules) and self.policy.get("select") != "first"
        ranked = sorted(
            enumerate(rules),
            key=lambda each: (-int(each[1].get("priority", 0)) if given else 0, each[0]),
        )
        return [(rule, len(rules) - place) for place, (_, rule) in enumerate(ranked)]

    def _rule(self, rule: Tree, priority: int) -> Tree:
        only(rule, "a rule", "id", "priority", "exclusive", "when", "do", "note")
        when = rule.get("when", {})
        return {
            "id": code(rule["id"]),
            "version": 1,
            "name": f"Rule {rule['id']}",
            "group": "rules",
            "priority": priority,
            "when": condition(when, self.currency, self.families),
            "effect": effect(rule["do"], when),
            "currency": self.currency,
            "exclusive": bool(rule.get("exclusive")),
        }

    def _order_rules(self) -> Iterable[Tree]:
        rules = self.case.get("order_rules", ())
        for place, rule in enumerate(rules):
            only(rule, "a rule of the order", "id", "op", "percent", "amount", "allocate", "when",
                 "cap_at_weights")  # fmt: skip
            if rule.get("allocate", "largest_remainder") != "largest_remainder":
                raise NotSaid(f"allocation by {rule['allocate']}")
            if rule["op"] == "percent_off_total":
                off = {"kind": "percent_off", "percent": rule["percent"]}
            elif rule["op"] == "amount_off_total":
                off = {"kind": "amount_off", "amount": rule["amount"]}
            else:
                raise NotSaid(f"{rule['op']} on the order")
            yield {
                "id": code(f"order-{rule['id']}"),
                "version": 1,
                "name": f"Rule {rule['id']}",
                "group": "order",
                "priority": len(rules) - place,
                "when": condition(rule.get("when", {}), self.currency, self.families),
                "effect": off,
                "currency": self.currency,
            }


def _entry_of(sku: str, price: Tree, category: str) -> Tree:
    return {
        "sku": sku,
        "category": category,
        "charge": "one_time",
        "unit": "unit",
        "price": price or {"model": "per_unit", "amount": "0"},
        "cost": "0",
        "quantities": {"zero": True, "negative": True},
    }


def currency_of(case: Tree) -> str:
    """Return a currency with the case's digits: its own, if it has so many."""
    own: str = case["currency"]
    if minor_unit(own) == case["scale"]:
        return own
    return BY_SCALE.get(case["scale"], own)


def _traded(base: str, case: Tree) -> str:
    """Return the currency of the book, which is another one than the quote's where FX is."""
    ours = currency_of(case)
    if base == case["currency"]:
        return ours
    return base if base != ours else "XTS"


# ---- the ask


def _ask(case: Tree) -> PriceAsk:
    context = case.get("context", {})
    only(context, "context", "date", "customer", "tier", "region", "fx", "unit_price_per")
    now = moment(context.get("date", "2026-01-01"))
    # One item for each line, so that the same part may stand in two lines.
    items = []
    for place, line in enumerate(case["lines"]):
        only(line, "a line", "id", "sku", "quantity", "uom")
        part = {"sku": code(line["sku"]), "quantity": line["quantity"], "unit": line.get("uom")}
        items.append(
            {
                "item_id": f"i{place}",
                "product": "case",
                "quantity": "1",
                "bill_of_materials": [part],
            }
        )
    return PriceAsk.model_validate(
        {
            "items": items,
            "account_id": context.get("customer", "none"),
            "customer_tier": code(context.get("tier", "none")),
            "region": code(context.get("region", "none")),
            "currency": currency_of(case),
            "day": now.date(),
            "clock": now.time(),
        }
    )


def _fx(case: Tree) -> Tree:
    fx = case.get("context", {}).get("fx")
    pairs = []
    if fx:
        only(fx, "fx", "from", "to", "rate")
        base = _traded(fx["from"], case)
        pairs = [{"base": base, "quote": currency_of(case), "rate": fx["rate"]}]
    return {
        "id": "fx",
        "version": 1,
        "status": "published",
        "effective": {"first": FOR_EVER},
        "source": "case",
        "pairs": pairs,
    }
