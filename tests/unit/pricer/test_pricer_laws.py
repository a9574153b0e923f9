"""Laws of every price, over random books and baskets."""

import ast
import json
from decimal import Decimal, localcontext
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

import services.pricer
from contracts.values import EXACT, Money, allocate
from services.pricer.domain.asks.ask import Priced
from services.pricer.domain.books.compiled import compile_book
from services.pricer.domain.prices.pricing import price
from tests.unit.pricer.basket import (
    HALF_UP,
    a_book,
    a_discount,
    a_rule,
    an_ask,
    an_entry,
    an_item,
    breaks,
    percent_off,
    pricing,
    the_fx,
)
from tests.unit.pricer.drawing import RECURRING

SKUS = ("MACRO", "RRU", "ANT", "CAB", "SUP", "CIVIL")
PERCENTS = st.decimals(0, 60, places=2).map(str)
AMOUNTS = st.decimals(Decimal("0.01"), 60000, places=2)
QUANTITIES = st.one_of(
    st.integers(1, 500).map(str), st.decimals(Decimal("0.001"), 90, places=3).map(str)
)


@st.composite
def entries(draw):
    found = []
    for sku in SKUS:
        amount = draw(AMOUNTS)
        price_model = draw(
            st.sampled_from(
                [
                    {"model": "per_unit", "amount": str(amount)},
                    {"model": "cost_plus", "markup_on_cost": "18.5"},
                    {"model": "cost_plus", "margin_on_price": "33"},
                    *(
                        {
                            "model": "tiered",
                            "mode": mode,
                            "tiers": [
                                {"up_to": "10", "unit": str(amount)},
                                {"up_to": None, "unit": str(amount * Decimal("0.9"))},
                            ],
                        }
                        for mode in ("volume", "graduated")
                    ),
                ]
            )
        )
        cost = str(draw(AMOUNTS))
        charge = draw(st.sampled_from(["one_time", *RECURRING]))
        category = "works" if sku == "CIVIL" else "hardware"
        found.append(an_entry(sku, "0", cost, price=price_model, charge=charge, category=category))
    return found


@st.composite
def books(draw):
    percent = [draw(PERCENTS) for _ in range(4)]
    low, high = sorted((draw(st.integers(0, 40)), draw(st.integers(0, 40))))
    rules = [
        a_rule("latam", "region", percent_off(f"-{percent[0]}"), when={"regions": ["LATAM"]}),
        a_rule("gold", "tier", percent_off(percent[1]), when={"tiers": ["gold"]}),
        a_rule("b1", "bundle", percent_off(percent[2]), when={"alongside_skus": ["MACRO"]}),
        a_rule("b2", "bundle", {"kind": "amount_off", "amount": "7.77"}),
        a_rule(
            "q",
            "quantity",
            breaks(
                ("9", str(low)),
                (None, str(high)),
                counted=draw(st.sampled_from(["line", "quote"])),
            ),
        ),
    ]
    rail = {"id": "floor", "version": 1, "name": "Floor", "scope": "line"}
    rails = [
        rail | {"margin_on_price": percent[3], "action": "approval"},
        rail | {"id": "clamp", "skus": ["RRU"], "price": "55.55", "action": "clamp"},
    ]
    exact = {"scale": "exact", "mode": "half_up"}
    rounding = {
        "list": draw(st.sampled_from([HALF_UP, exact])),
        "unit": draw(st.sampled_from([HALF_UP, exact, {"scale": 4, "mode": "half_even"}])),
        "line": draw(st.sampled_from(["half_up", "half_even"])),
    }
    return a_book(entries=draw(entries()), rules=rules, guardrails=rails, rounding=rounding)


@st.composite
def asks(draw):
    items = []
    for place in range(draw(st.integers(1, 3))):
        parts = draw(
            st.lists(
                st.tuples(st.sampled_from(SKUS), st.integers(1, 12).map(str)),
                min_size=1,
                max_size=6,
                unique_by=lambda part: part[0],
            )
        )
        items.append(an_item(*parts, item_id=f"i{place}", quantity=draw(QUANTITIES)))
    discounts = draw(
        st.sampled_from([[], ["i0"], [None], ["i0", None]]).flatmap(
            lambda targets: st.tuples(*(st.tuples(st.just(each), PERCENTS) for each in targets))
        )
    )
    return an_ask(
        *items,
        customer_tier=draw(st.sampled_from(["standard", "gold"])),
        region=draw(st.sampled_from(["EMEA", "LATAM"])),
        currency=draw(st.sampled_from(["USD", "EUR", "JPY", "BHD"])),
        discounts=[a_discount(percent, target) for target, percent in discounts],
    )


def priced_or_refused(ask, book):
    """Only a basket of nothing but third-party works can be refused here, for its discount."""
    found = price(ask, compile_book(book), the_fx())
    if isinstance(found, Priced):
        return found
    assert {each.code for each in found.problems} == {"pricer.not_discountable"}
    return None


def total(amounts):
    return sum(amounts, Decimal(0))


@given(asks(), books())
@settings(max_examples=40, deadline=None)
def test_lines_sum_to_totals_and_list_less_discount_is_net(ask, book):
    found = priced_or_refused(ask, book)
    if found is None:
        return
    for line in found.lines:
        assert line.list_total - line.discount == line.net_total
    totals = found.totals
    assert totals.list.amount == total(line.list_total.amount for line in found.lines)
    assert totals.net.amount == total(line.net_total.amount for line in found.lines)
    assert totals.list - totals.discount == totals.net
    for each in totals.by_charge:
        of_charge = [line for line in found.lines if line.charge == each.charge]
        assert each.net.amount == total(line.net_total.amount for line in of_charge)
        assert each.list - each.discount == each.net
    assert found.internal.margin.amount == totals.net.amount - found.internal.cost.amount


@given(asks(), books())
@settings(max_examples=40, deadline=None)
def test_the_steps_of_a_line_lead_from_list_to_net_without_a_gap(ask, book):
    found = priced_or_refused(ask, book)
    if found is None:
        return
    for line in json.loads(found.trace, parse_float=None)["lines"]:
        before, after, amounts = (
            [Decimal(step[place]) for step in line["steps"]] for place in (4, 5, 6)
        )
        listed, net = (Decimal(line[name]["amount"]) for name in ("list_total", "net_total"))
        with localcontext(EXACT):
            assert sum(amounts, Decimal(0)) == net - listed
            assert [one - other for one, other in zip(after, before, strict=True)] == amounts
        assert before == [listed, *after[:-1]]
        assert after[-1] == net


@given(asks(), books())
@settings(max_examples=25, deadline=None)
def test_the_same_ask_and_book_give_the_same_bytes(ask, book):
    found = priced_or_refused(ask, book)
    with localcontext() as context:
        # Whatever context a thread happens to have changes nothing.
        context.prec = 5
        assert priced_or_refused(ask, book) == found


@given(asks(), books(), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_the_order_of_lines_never_changes_a_price(ask, book, chance):
    """Without a discount on the quote; that one gives its last cents to the earlier line."""
    of_items = [each for each in ask.discounts if each.item_id]
    ask = ask.model_copy(update={"discounts": tuple(of_items)})
    items = list(ask.items)
    chance.shuffle(items)
    shuffled = []
    for item in items:
        parts = list(item.bill_of_materials)
        chance.shuffle(parts)
        shuffled.append(item.model_copy(update={"bill_of_materials": tuple(parts)}))
    one = priced_or_refused(ask, book)
    other = priced_or_refused(ask.model_copy(update={"items": tuple(shuffled)}), book)
    if one is None or other is None:
        assert one == other
        return

    def prices(found):
        return sorted(
            (each.item_id, each.sku, str(each.net_unit), str(each.net_total))
            for each in found.lines
        )

    assert prices(one) == prices(other)
    assert one.totals == other.totals


@given(
    amount=AMOUNTS,
    bounds=st.lists(st.integers(1, 60), min_size=1, max_size=4, unique=True).map(sorted),
    percents=st.lists(st.integers(0, 60), min_size=5, max_size=5).map(sorted),
    quantities=st.tuples(st.integers(1, 80), st.integers(1, 80)).map(sorted),
)
@settings(max_examples=50, deadline=None)
def test_a_unit_never_costs_more_for_buying_more(amount, bounds, percents, quantities):
    steps = [(str(bound), str(percent)) for bound, percent in zip(bounds, percents, strict=False)]
    rule = a_rule("q", "quantity", breaks(*steps, (None, str(percents[len(bounds)]))))
    book = a_book(entries=[an_entry("X", str(amount))], rules=[rule])
    few, many = (
        pricing(an_ask(an_item(("X", str(each)))), book).lines[0].net_unit for each in quantities
    )
    assert many <= few


@given(
    amount=st.decimals(0, 10**6, places=2),
    weights=st.lists(st.decimals(0, 10**6, places=2), min_size=1, max_size=20),
)
@settings(max_examples=200, deadline=None)
def test_allocated_parts_sum_to_the_amount_and_stay_within_a_cent(amount, weights):
    parts = allocate(Money.of(amount, "EUR"), weights)
    assert total(part.amount for part in parts) == amount
    whole = total(weights)
    if whole:
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part.amount - amount * weight / whole) < Decimal("0.01")


@given(asks(), books())
@settings(max_examples=25, deadline=None)
def test_no_line_ends_below_a_floor_that_clamps(ask, book):
    found = priced_or_refused(ask.model_copy(update={"currency": "USD"}), book)
    for line in found.lines if found else ():
        if line.sku == "RRU":
            # The line is rounded, half even at worst: half a cent below floor x quantity.
            assert line.net_total.amount >= Decimal("55.55") * line.quantity.root - Decimal("0.005")


def test_there_is_no_float_anywhere_in_the_pricer():
    """Neither a literal, nor the name, nor a true division outside the one rounding context."""
    seen = 0
    for path in Path(services.pricer.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            seen += 1
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), path
            assert not (isinstance(node, ast.Name) and node.id == "float"), path
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                # Only paths are joined with a slash.
                assert path.name in {
                    "books.py",
                    "main.py",
                    "selling_units.py",
                    "trial_workers.py",
                }, path
    assert seen
