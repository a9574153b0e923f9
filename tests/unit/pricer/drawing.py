"""Random price books of every word of the language, random baskets, and the laws of every price."""

import json
import random
from collections.abc import Sequence
from decimal import Decimal, localcontext
from functools import cached_property
from typing import Any

from contracts.values import EXACT
from services.pricer.domain.asks.ask import PriceAsk, Priced, Unpriced
from services.pricer.domain.books.book import FxTable, PriceBook, Rule, read_book
from services.pricer.domain.books.canonical import canonical
from services.pricer.domain.books.compiled import CompiledBook, compile_book
from services.pricer.domain.prices.pricing import price
from tests.unit.pricer.basket import (
    HALF_UP,
    a_discount,
    a_rule,
    an_ask,
    an_entry,
    an_item,
    the_document,
    the_fx,
)

Tree = dict[str, Any]
THE_FX = the_fx()
SKUS = ("MACRO", "RRU", "ANT", "CAB", "SUP", "CIVIL")
CATEGORIES = {"MACRO": "radio", "RRU": "radio", "ANT": "passive", "CAB": "passive",
              "SUP": "support", "CIVIL": "works"}  # fmt: skip
RECURRING = ("monthly", "quarterly", "half_yearly", "every_4_months", "yearly")
STAGES = ("option_price", "contracted_price", "volume", "segment", "promotion", "bundle",
          "partner_discount", "distributor_discount", "header_discount", "off_invoice")  # fmt: skip
# What a sound answer may refuse in a random book: never "something went wrong".
REFUSALS = {
    f"pricer.{code}"
    for code in ("rule_conflict", "quantity", "no_basis", "percent_cycle", "below_floor", "inexact",
                 "not_discountable", "no_price_that_day", "off_scale", "discount_exceeds",
                 "discount_unknown_part", "discount_several_charges")
}  # fmt: skip


class Drawn:
    """One random book and basket; the same seed draws the same."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.document = self._document()
        self.ask = self._ask()
        self.fx: FxTable = THE_FX

    @cached_property
    def read(self) -> PriceBook:
        return read_book(self.document)

    def book(self, rules: Sequence[Rule] | None = None) -> CompiledBook:
        """The book as nobody has used it yet; with other rules, or its own in another order."""
        read = self.read if rules is None else self.read.but({"rules": tuple(rules)})
        return compile_book(read)

    # ---- the book

    def _number(self, most: int, digits: int = 2, least: int = 1) -> str:
        return str(Decimal(self.chance.randrange(least, most * 10**digits)).scaleb(-digits))

    def _document(self) -> Tree:
        chance = self.chance
        groups = [
            {
                "id": f"g{place}",
                "stage": chance.choice(STAGES),
                "select": chance.choice(
                    ["all", "all", "best_for_customer", "most_specific", "highest_priority"]
                ),
                "stacking": chance.choice(["sequential", "sequential", "additive_on_base"]),
            }
            for place in range(chance.randrange(1, 6))
        ]
        exact = {"scale": "exact", "mode": "half_up"}
        points = [HALF_UP, HALF_UP, exact, {"scale": 4, "mode": "half_even"},
                  {"multiple": "0.05", "mode": "half_up"}]  # fmt: skip
        rounding = {
            "list": chance.choice(points),
            "unit": chance.choice(points),
            "line": chance.choice(["half_up", "half_even", "up", {"scale": 3, "mode": "half_up"}]),
            "per": chance.choice(["sold_unit", "base_unit"]),
            "cash": [{"currency": "USD", "multiple": "0.05", "mode": "half_up"}],
        }
        return the_document(
            categories=[
                {"id": "hardware", "name": "Hardware", "discountable": True},
                {"id": "radio", "name": "Radios", "discountable": True, "parent": "hardware"},
                {"id": "passive", "name": "Passive", "discountable": True, "parent": "hardware"},
                {"id": "support", "name": "Support", "discountable": True},
                {"id": "works", "name": "Works", "discountable": False},
            ],
            entries=[each for sku in SKUS for each in self._entries(sku)],
            groups=groups,
            rules=[self._rule(place, groups) for place in range(chance.randrange(9))],
            guardrails=[self._rail(place) for place in range(chance.randrange(3))],
            rounding=rounding,
        )

    def _entries(self, sku: str) -> list[Tree]:
        chance = self.chance
        more: Tree = {"units": [{"unit": "ten", "factor": "10"}]}
        if chance.random() < 0.15:
            more |= {"minimum": self._number(500), "maximum": self._number(90000, least=60000)}
        if chance.random() < 0.2:
            more |= {"quantities": {"zero": True, "negative": True}}
        if chance.random() < 0.1:
            more |= {"currency": "USD", "estimate": True}
        charge = chance.choice(["one_time", "one_time", *RECURRING])
        found = [self._entry(sku, charge, more)]
        if chance.random() < 0.15:
            found.append(self._entry(sku, "monthly" if charge != "monthly" else "quarterly", more))
        return found

    def _entry(self, sku: str, charge: str, more: Tree) -> Tree:
        model = self._model(percentages=sku == "SUP")
        return an_entry(sku, "0", self._number(20000), price=model, charge=charge,
                        category=CATEGORIES[sku], **more)  # fmt: skip

    def _model(self, *, percentages: bool = False) -> Tree:
        chance, amount = self.chance, self._number(30000)
        less = str(Decimal(amount) * Decimal("0.9"))
        models: list[Tree] = [
            {"model": "per_unit", "amount": amount},
            {"model": "cost_plus", "markup_on_cost": "18.5", "floor": chance.choice([None, "50"])},
            {"model": "cost_plus", "margin_on_price": "33"},
            {"model": "tiered", "mode": chance.choice(["volume", "graduated"]), "tiers": [
                {"up_to": "10", "unit": amount, "flat": chance.choice([None, "2.50"])},
                {"up_to": "60", "unit": less}, {"up_to": None, "unit": less, "flat": "1"}]},
            {"model": "tiered", "mode": chance.choice(["volume", "graduated"]), "tiers": [
                {"up_to": "10", "unit": amount}, {"up_to": None, "unit": less}]},
            {"model": "block", "blocks": [{"up_to": "10", "amount": amount}, {
                "up_to": chance.choice([None, None, "5000"]), "amount": amount,
                "overage_unit": chance.choice([None, "2.75"])}]},
            {"model": "package", "size": chance.choice(["10", "0.5", "7"]), "amount": amount,
             "free_units": chance.choice([None, "3"]),
             "rounding": chance.choice(["up", "down", "half_up"])},
            {"model": "package_tiers", "mode": chance.choice(["volume", "graduated"]), "tiers": [
                {"up_to": "100", "size": "10", "amount": amount},
                {"up_to": None, "size": "25", "amount": less}]},
        ]  # fmt: skip
        if percentages:
            models = [models[0], {
                "model": "percent_of_total", "percent": self._number(30),
                "categories": chance.choice([[], ["hardware"], ["radio", "works"]]),
                "basis": chance.choice(["list", "regular", "net", "final"]),
                "within": chance.choice(["item", "quote"]), "minimum": chance.choice([None, "10"]),
            }]  # fmt: skip
        return chance.choice(models)

    def _rule(self, place: int, groups: list[Tree]) -> Tree:
        chance = self.chance
        group = chance.choice(groups)
        when = self._condition()
        if group["stage"] == "contracted_price":
            when["accounts"] = ["acct-9"]
        return a_rule(
            f"r{place}", group["id"], self._effect(group["stage"]), when=when,
            priority=chance.choice([0, place]), exclusive=chance.random() < 0.1,
            stackable=chance.random() < 0.5, currency=chance.choice([None, None, "USD"]),
        )  # fmt: skip

    def _condition(self) -> Tree:
        chance = self.chance
        choices: list[Tree] = [
            {"skus": [chance.choice(SKUS)]},
            {"categories": [chance.choice(["hardware", "radio", "works"])]},
            {"tiers": ["gold"]},
            {"regions": ["LATAM"]},
            {"alongside_skus": ["MACRO"]},
            {"together": [{"sku": "RRU", "at_least": "3"}]},
            {"effective": {"first": "2026-02-01", "last": "2026-03-31"}},
            {"quantity": {"at_least": "5", "counted": chance.choice(["line", "item", "quote"])}},
            {"amount": {"at_least": "5000",
                        "counted": chance.choice(["line", "quote", "whole_quote"])}},
            {"charges": ["monthly", "half_yearly"]},
            {"attributes": [{"name": "band", "values": ["n78"]}]},
        ]  # fmt: skip
        found: Tree = {}
        for each in chance.sample(choices, chance.choice([0, 0, 1, 2])):
            found |= each
        return found

    def _effect(self, stage: str) -> Tree:
        chance = self.chance
        percent = {"kind": "percent_off", "percent": self._number(60, least=-1000)}
        amount = {"kind": "amount_off", "amount": self._number(400, least=-100),
                  "per": chance.choice(["unit", "line"])}  # fmt: skip
        if stage in {"header_discount", "off_invoice"}:
            return chance.choice([percent, amount])
        off = chance.choice(["percent", "amount"])
        effects: list[Tree] = [
            percent,
            percent | {"round": HALF_UP},
            amount,
            {"kind": "unit_price", "amount": self._number(20000)},
            {"kind": "price_model", "price": self._model()},
            {"kind": "markup", "percent": self._number(40), "on": chance.choice(["cost", "running"])},
            {"kind": "margin_floor", "margin_on_price": self._number(60)},
            {"kind": "round_to", "multiple": chance.choice(["10", "0.05", "3"]),
             "mode": chance.choice(["half_up", "half_even", "up", "down"]), "add": "0.99"},
            {"kind": "line_limits", "minimum": self._number(900)},
            {"kind": "quantity_breaks", "mode": chance.choice(["range", "slab"]),
             "counted": "line", "breaks": [{"up_to": "9", off: "0"}, {"up_to": None, off: "7.5"}]},
        ]  # fmt: skip
        if stage in {"promotion", "bundle"}:
            effects.append({"kind": "free_goods", "per": "5", "quantity": "1",
                            "sku": chance.choice([None, "CAB"])})  # fmt: skip
        return chance.choice(effects)

    def _rail(self, place: int) -> Tree:
        chance = self.chance
        floor: Tree = {"margin_on_price": self._number(30)}
        if chance.random() < 0.4:
            floor = {"price": self._number(900)}
        rail = {"id": f"rail{place}", "version": 1, "name": "Floor", "scope": "line"}
        if chance.random() < 0.2:
            return rail | {"scope": "quote", "margin_on_price": "10", "action": "approval"}
        action = chance.choice(["clamp", "clamp", "approval", "reject"])
        return rail | floor | {"action": action, "skus": [chance.choice(SKUS)]}

    # ---- the basket

    def _ask(self) -> PriceAsk:
        chance = self.chance
        items = []
        for place in range(chance.randrange(1, 4)):
            parts = [(sku, self._quantity()) for sku in chance.sample(SKUS, chance.randrange(1, 6))]
            many = chance.choice(["1", "2", "0.5", "30"])
            item = an_item(*parts, item_id=f"i{place}", quantity=many)
            for part in item["bill_of_materials"]:
                part["unit"] = chance.choice([None, None, "ten"])
            item["parameters"] = [{"name": "band", "value": chance.choice(["n78", "n28"])}]
            items.append(item)
        targets = chance.choice([[], [], ["i0"], [None], ["i0", None]])
        currency = chance.choice(["USD", "USD", "EUR", "JPY", "BHD"])
        return an_ask(
            *items,
            account_id=chance.choice(["acct-1", "acct-9"]),
            customer_tier=chance.choice(["standard", "gold"]),
            region=chance.choice(["EMEA", "LATAM"]),
            currency=currency,
            discounts=[
                *(a_discount(self._number(40), each) for each in targets),
                *self._granted(items[0], currency),
            ],
        )

    def _granted(self, item: Tree, currency: str) -> list[Tree]:
        """Draw what a seller grants on a part of an item: per cent, an amount, a manual price."""
        chance = self.chance
        if chance.random() < 0.7:
            return []
        part = chance.choice(item["bill_of_materials"])
        money = {"amount": str(chance.randrange(1, 200)), "currency": currency}
        way = chance.choice([{"percent": "12.5"}, {"amount": money}, {"unit_price": money}])
        grant: Tree = {"rationale": "as agreed", "item_id": item["item_id"], "sku": part["sku"]}
        return [grant | way]

    def _quantity(self) -> str:
        chance = self.chance
        if chance.random() < 0.06:
            return chance.choice(["0", "-3"])
        return chance.choice([str(chance.randrange(1, 300)), self._number(60, 1)])

    # ---- the laws

    def lawful(self) -> str:
        """Hold every law; return which kind of answer it was."""
        found = price(self.ask, self.book(), self.fx)
        if self.chance.random() < 0.25:
            with localcontext() as context:
                context.prec = 4  # whatever context a thread happens to have
                assert price(self.ask, self.book(), self.fx) == found
        sums(found)
        self._any_order(found)
        return kind_of(found)

    def _any_order(self, found: Priced | Unpriced) -> None:
        """Neither the order of lines nor that of rules in storage changes a price or a step.

        Only shares of a discount on the quote may go to the earlier line, in last units.
        """
        chance, items = self.chance, []
        for item in chance.sample(self.ask.items, len(self.ask.items)):
            parts = chance.sample(item.bill_of_materials, len(item.bill_of_materials))
            items.append(item.but({"bill_of_materials": tuple(parts)}))
        kept = trace_of(found)
        shared = b'"header_discount","' in kept or b'"amount_discount","' in kept
        ask = self.ask if shared else self.ask.but({"items": tuple(items)})
        rules = chance.sample(self.read.rules, len(self.read.rules))
        if ask == self.ask and rules == list(self.read.rules):
            return  # nothing stands elsewhere
        other = price(ask, self.book(rules), self.fx)
        assert type(other) is type(found)
        assert prices(other) == prices(found)
        assert steps(other) == steps(found)


def kind_of(found: Priced | Unpriced) -> str:
    """Whether all lines have a price, the rest of them, or none."""
    if isinstance(found, Unpriced):
        return "rest" if found.rest else "none"
    return "whole"


def priced_part(found: Priced | Unpriced) -> Priced | None:
    """What has a price: all lines, or the rest of them."""
    return found if isinstance(found, Priced) else found.rest


def trace_of(found: Priced | Unpriced) -> bytes:
    part = priced_part(found)
    return part.trace if part else b""


def prices(found: Priced | Unpriced) -> Any:
    part = priced_part(found)
    problems = () if isinstance(found, Priced) else found.problems
    lines = part.lines if part else ()
    return (
        sorted((each.item_id, each.sku, each.charge, each.unit, str(each.quantity),
                str(each.list_total), str(each.net_unit), str(each.net_total)) for each in lines),
        part and part.totals,
        sorted((each.code, each.item_id or "", each.sku or "") for each in problems),
    )  # fmt: skip


def steps(found: Priced | Unpriced) -> Any:
    """The steps of each line but for its number, which a message may hold."""
    trace = trace_of(found)
    lines = json.loads(trace)["lines"] if trace else []
    return sorted(
        [
            [each["item_id"], each["sku"], each["charge"], each["unit"], each["quantity"]],
            [[*step[:2], *step[3:7]] for step in each["steps"]],
        ]
        for each in lines
    )


def sums(found: Priced | Unpriced) -> None:
    """Lines sum to totals, steps lead from list to net, and a refusal says which line and why.

    The trace, which is written without a tree, is the canonical JSON of what stands in it.
    """
    if isinstance(found, Unpriced):
        assert found.problems
        assert {each.code for each in found.problems} <= REFUSALS, found.problems
    part = priced_part(found)
    if part is None:
        return
    with localcontext(EXACT):
        totals = part.totals
        for line in part.lines:
            assert line.list_total - line.discount == line.net_total
        assert totals.net.amount == sum((each.net_total.amount for each in part.lines), Decimal(0))
        assert totals.list.amount == sum(
            (each.list_total.amount for each in part.lines), Decimal(0)
        )
        assert totals.list - totals.discount == totals.net
        assert totals.net.amount == sum((each.net.amount for each in totals.by_charge), Decimal(0))
        if totals.payable is not None and totals.cash_rounding is not None:
            assert totals.net + totals.cash_rounding == totals.payable
            assert abs(totals.cash_rounding.amount) < Decimal("0.05")
        assert part.internal.margin.amount == totals.net.amount - part.internal.cost.amount
        trace = json.loads(part.trace)
        assert canonical(trace) == part.trace
        for tree in trace["lines"]:
            listed, net = (Decimal(tree[name]["amount"]) for name in ("list_total", "net_total"))
            before, after, amount = (
                [Decimal(step[place]) for step in tree["steps"]] for place in (4, 5, 6)
            )
            assert sum(amount, Decimal(0)) == net - listed
            assert before == [listed, *after[:-1]]
            assert after[-1] == net


SHARE = 250


def broken(first: int) -> list[str]:
    """Hold a share of the seeds, from the first on; say which break a law."""
    found = []
    for seed in range(first, first + SHARE):
        try:
            Drawn(seed).lawful()
        except Exception as fault:  # noqa: BLE001 - whatever it is, its seed is the finding
            found.append(f"seed {seed}: {type(fault).__name__}: {fault}"[:300])
    return found
