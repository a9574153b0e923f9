"""Price models, units of measure and entries against numbers computed by hand."""

import json
from decimal import Decimal

import pytest
from pydantic import ValidationError

from services.pricer.domain.books.book import read_book
from services.pricer.domain.books.compiled import compile_book
from services.pricer.domain.books.offers import BookUnfit
from services.pricer.domain.prices.pricing import price
from tests.unit.pricer.basket import (
    HALF_UP,
    a_book,
    a_discount,
    a_rule,
    an_ask,
    an_entry,
    an_item,
    nets,
    percent_off,
    pricing,
    problems,
    the_document,
    the_fx,
)

EXACT = {"scale": "exact", "mode": "half_up"}


def one(model, quantity="1", book=None, **entry):
    """Price so many of one part that has this price model."""
    book = a_book(entries=[an_entry("X", "0", price=model, **entry)], **(book or {}))
    return pricing(an_ask(an_item(("X", quantity))), book)


def tiers(mode, *steps):
    names = ("up_to", "unit", "flat")
    found = [dict(zip(names, step, strict=False)) for step in steps]
    return {"model": "tiered", "mode": mode, "tiers": found}


@pytest.mark.parametrize(
    ("mode", "quantity", "net"),
    [
        # 10 x 10 + 2; the first unit of the second tier brings its fee: 102 + 5 + 3
        ("graduated", "10", "102.00 USD"),
        ("graduated", "11", "110.00 USD"),
        ("graduated", "21", "163.00 USD"),
        ("volume", "10", "102.00 USD"),
        ("volume", "11", "58.00 USD"),
        ("volume", "21", "108.00 USD"),
    ],
)
def test_a_flat_fee_is_due_once_its_tier_is_reached(mode, quantity, net):
    steps = tiers(mode, ("10", "10", "2"), ("20", "5", "3"), (None, "5", "3"))
    found = one(steps, quantity)
    assert nets(found) == [net]
    assert found.lines[0].discount.amount == 0, "fees are of the list price, not a surcharge"


@pytest.mark.parametrize(
    ("quantity", "net"),
    [("1", "100.00 USD"), ("10", "100.00 USD"), ("10.5", "180.00 USD"), ("25", "192.50 USD")],
)
def test_a_block_has_one_amount_for_the_line_and_an_overage_above(quantity, net):
    """From the third block on: 180 and 2.50 for each unit above 20."""
    blocks = [
        {"up_to": "10", "amount": "100"},
        {"up_to": "20", "amount": "180"},
        {"up_to": None, "amount": "180", "overage_unit": "2.50"},
    ]
    assert nets(one({"model": "block", "blocks": blocks}, quantity)) == [net]


def test_above_the_last_block_there_is_no_price():
    model = {"model": "block", "blocks": [{"up_to": "10", "amount": "100"}]}
    ask = an_ask(an_item(("X", "11")))
    (fault,) = problems(ask, a_book(entries=[an_entry("X", "0", price=model)]))
    assert (fault.code, fault.sku) == ("pricer.quantity", "X")
    assert fault.message == (
        "X has blocks up to 10 pcs; lower the quantity, or let the price book say what is more"
    )


@pytest.mark.parametrize(
    ("rounding", "free", "quantity", "net"),
    [
        ("up", None, "121", "1300.00 USD"),
        ("up", "10", "121", "1200.00 USD"),
        ("up", "200", "121", "0.00 USD"),
        ("down", None, "121", "1200.00 USD"),
        ("half_up", None, "125", "1300.00 USD"),
        ("half_up", None, "124.9", "1200.00 USD"),
    ],
)
def test_packages_are_sold_whole(rounding, free, quantity, net):
    model = {"model": "package", "size": "10", "amount": "100", "rounding": rounding}
    assert nets(one(model | {"free_units": free}, quantity)) == [net]


@pytest.mark.parametrize(("mode", "net"), [("graduated", "125.00 USD"), ("volume", "63.00 USD")])
def test_packages_by_tiers_round_up_inside_each_tier_or_over_all(mode, net):
    """205: 10 packages of 10 at 10, then 105 in packages of 25: 5 at 5; or all: 9 of 25 at 7."""
    steps = [
        {"up_to": "100", "size": "10", "amount": "10"},
        {"up_to": None, "size": "25", "amount": "5" if mode == "graduated" else "7"},
    ]
    assert nets(one({"model": "package_tiers", "mode": mode, "tiers": steps}, "205")) == [net]


@pytest.mark.parametrize(("floor", "net"), [(None, "118.00 USD"), ("150", "150.00 USD")])
def test_cost_plus_has_a_floor(floor, net):
    model = {"model": "cost_plus", "markup_on_cost": "18", "floor": floor}
    assert nets(one(model, cost="100")) == [net]


@pytest.mark.parametrize(("size", "field"), [("0", "size"), ("-1", "size")])
def test_a_package_of_nothing_is_no_package(size, field):
    model = {"model": "package", "size": size, "amount": "1"}
    with pytest.raises(ValidationError, match="must be above zero"):
        one(model)


# ---- units of measure, charges, days, currencies


def test_a_part_is_sold_in_other_units_and_its_price_is_stated_for_them():
    """216 a dozen is 18 each; breaks and tiers are counted in base units."""
    entry = an_entry("X", "18", units=[{"unit": "dozen", "factor": "12"}])
    item = an_item(("X", "2.5"))
    item["bill_of_materials"][0]["unit"] = "dozen"
    (line,) = pricing(an_ask(item), a_book(entries=[entry])).lines
    assert (str(line.list_unit), str(line.net_total)) == ("216.00 USD", "540.00 USD")
    assert (str(line.quantity), line.unit) == ("2.5", "dozen")
    (fault,) = problems(
        an_ask(item), a_book(entries=[an_entry("X", "18", units=[{"unit": "box", "factor": "6"}])])
    )
    assert fault.message == "X is not sold per dozen; use one of pcs, box"


def test_prices_may_be_stated_for_the_base_unit():
    """0.333 each rounds to 0.33 before it is multiplied; stated by the dozen it is 4.00."""
    entry = an_entry("X", "0.333", units=[{"unit": "dozen", "factor": "12"}])
    item = an_item(("X", "1"))
    item["bill_of_materials"][0]["unit"] = "dozen"
    by = {}
    for per in ("sold_unit", "base_unit"):
        rounding = {"list": EXACT, "unit": HALF_UP, "line": "half_up", "per": per}
        by[per] = pricing(an_ask(item), a_book(entries=[entry], rounding=rounding)).lines[0]
    assert [str(each.net_total) for each in by.values()] == ["4.00 USD", "3.96 USD"]
    assert [str(each.net_unit) for each in by.values()] == ["4.00 USD", "0.33 USD"]


def test_a_part_may_be_bought_and_paid_monthly_and_be_an_estimate():
    usage = tiers("graduated", ("1000", "0.02"), (None, "0.015"))
    rounding = {"list": EXACT, "unit": EXACT, "line": "half_up"}
    entries = [
        an_entry("X", "500"),
        an_entry(
            "X", "0", "0.001", price=usage, charge="monthly", unit="call", estimate=True,
            quantities={},
        ),
    ]  # fmt: skip
    found = pricing(
        an_ask(an_item(("X", "3000000"))), a_book(entries=entries[1:], rounding=rounding)
    )
    # 1000 x 0.02 + 2,999,000 x 0.015
    assert nets(found) == ["45005.00 USD"]
    assert found.lines[0].estimate is True
    both = pricing(an_ask(an_item(("X", "2"))), a_book(entries=entries, rounding=rounding))
    assert [(each.charge, str(each.net_total), each.estimate) for each in both.lines] == [
        ("one_time", "1000.00 USD", False),
        ("monthly", "0.04 USD", True),
    ]


def test_an_entry_holds_for_its_days_and_none_means_no_price_that_day():
    entries = [
        an_entry("X", "10", effective={"first": "2026-01-01", "last": "2026-03-31"}),
        an_entry("X", "12", effective={"first": "2026-04-01", "last": "2026-04-30"}),
    ]
    book = a_book(entries=entries)
    item = an_item(("X", "1"))
    assert nets(pricing(an_ask(item, day="2026-03-31"), book)) == ["10.00 USD"]
    assert nets(pricing(an_ask(item, day="2026-04-01"), book)) == ["12.00 USD"]
    (fault,) = problems(an_ask(item, day="2026-05-01"), book)
    assert (fault.code, fault.sku) == ("pricer.no_price_that_day", "X")
    assert "2026-05-01" in fault.message


def test_an_entry_may_be_in_a_currency_of_its_own():
    entry = an_entry("X", "100", "40", currency="GBP")
    (fault,) = problems(an_ask(an_item(("X", "1"))), a_book(entries=[entry]))
    assert fault.message == (
        "there is no rate from GBP to USD, which X needs; publish an FX table that has it"
    )
    fx = the_fx()
    pairs = [*fx.pairs, fx.pairs[0].model_copy(update={"base": "GBP", "quote": "USD",
                                                       "rate": Decimal("1.25")})]  # fmt: skip
    found = pricing(
        an_ask(an_item(("X", "1"))),
        a_book(entries=[entry]),
        fx.model_copy(update={"pairs": tuple(pairs)}),
    )
    assert nets(found) == ["125.00 USD"]
    assert str(found.internal.cost) == "50.00 USD"
    assert "at 1.25 USD for 1 GBP" in found.trace.decode()


@pytest.mark.parametrize(
    ("rule", "quantity", "words"),
    [
        ({}, "0", "is zero; give one above zero, or drop the part"),
        ({}, "-2", "is -2; give one above zero"),
        ({"at_least": "5"}, "4", "is 4 pcs, and it is sold from 5; raise it"),
        ({"at_most": "5"}, "6", "is 6 pcs, and it is sold up to 5; lower it"),
        ({"multiple_of": "4"}, "6", "is 6 pcs, and it is sold in multiples of 4; change it"),
    ],
)
def test_a_book_says_which_quantities_can_be_sold(rule, quantity, words):
    book = a_book(entries=[an_entry("X", "1", quantities=rule)])
    (fault,) = problems(an_ask(an_item(("X", quantity))), book)
    assert (fault.code, fault.field) == ("pricer.quantity", "items.i1.bill_of_materials.X")
    assert fault.message == f"the quantity of X {words}"


def test_credits_and_nothing_can_be_sold_where_the_book_says_so():
    entry = an_entry("X", "10.005", quantities={"zero": True, "negative": True})
    rounding = {"list": EXACT, "unit": EXACT, "line": "half_up"}
    book = a_book(entries=[entry, an_entry("Y", "100")], rounding=rounding)
    ask = an_ask(an_item(("X", "-3"), ("Y", "1")), discounts=[a_discount("10")])
    found = pricing(ask, book)
    # -30.015 is -30.02, half away from zero; 10 % of 69.98 is 7.00, allocated as -3.00 and 10.00
    assert nets(found) == ["-27.02 USD", "90.00 USD"]
    assert str(found.totals.net) == "62.98 USD"
    assert nets(pricing(an_ask(an_item(("X", "0"))), book)) == ["0.00 USD"]


def test_a_line_comes_to_a_least_and_a_most():
    book = a_book(entries=[an_entry("X", "10", minimum="25", maximum="70")])
    found = {each: nets(pricing(an_ask(an_item(("X", each))), book)) for each in ("1", "5", "9")}
    assert found == {"1": ["25.00 USD"], "5": ["50.00 USD"], "9": ["70.00 USD"]}


# ---- percent of total


def support(**more):
    model = {"model": "percent_of_total", "percent": "18", "skus": ["MACRO", "RRU"]}
    return an_entry("SUP", "0", "500", price=model | more, category="support", charge="yearly")


SITE = an_item(("MACRO", "1"), ("RRU", "3"), ("CAB", "4"), ("SUP", "1"))


@pytest.mark.parametrize(
    ("more", "net"),
    [
        # 18 % of 51450.00 = 9261.00, and its share of 5 % on the quote
        ({"basis": "list"}, "8797.95 USD"),
        # 18 % of 46305.00 = 8334.90; 5 % of the quote is 2735.745, and 416.745 of it is here
        ({"basis": "net"}, "7918.15 USD"),
        # the discount on the quote first: 18 % of 43989.75 = 7918.155
        ({"basis": "final"}, "7918.16 USD"),
        ({"basis": "final", "maximum": "5000"}, "5000.00 USD"),
        ({"basis": "final", "minimum": "9000"}, "9000.00 USD"),
    ],
)
def test_a_percentage_of_other_lines_comes_after_them(more, net):
    rule = a_rule("ten", "bundle", percent_off("10"), when={"skus": ["MACRO", "RRU"]})
    book = a_book(entries=[*the_document()["entries"][:4], support(**more)], rules=[rule])
    found = pricing(an_ask(SITE, discounts=[a_discount("5")]), book)
    assert [line.sku for line in found.lines] == ["MACRO", "RRU", "CAB", "SUP"]
    assert nets(found)[3] == net


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({}, "18 % of 51450.00 USD (MACRO, RRU): 9261.00 USD for one pcs."),
        (
            {"maximum": "5000"},
            "18 % of 51450.00 USD (MACRO, RRU), at most 5000.00 USD: 5000.00 USD for one pcs.",
        ),
        (
            {"minimum": "9500"},
            "18 % of 51450.00 USD (MACRO, RRU), at least 9500.00 USD: 9500.00 USD for one pcs.",
        ),
    ],
)
def test_a_percentage_says_of_what_and_which_limit_held_it(more, sentence):
    book = a_book(entries=[*the_document()["entries"][:4], support(basis="list", **more)])
    steps = json.loads(pricing(an_ask(SITE), book).trace)["lines"][3]["steps"]
    assert steps[0][7] == sentence


def test_a_percentage_of_very_many_parts_names_the_first():
    entries = [an_entry(f"P{each:02}", "10") for each in range(12)]
    price_model = {"model": "percent_of_total", "percent": "10"}
    book = a_book(entries=[*entries, an_entry("SUP", "0", price=price_model)])
    item = an_item(*((each["sku"], "1") for each in entries), ("SUP", "1"))
    steps = json.loads(pricing(an_ask(item), book).trace)["lines"][12]["steps"]
    assert "P06, P07 and 4 more parts):" in steps[0][7]


def test_a_percentage_of_a_percentage_waits_for_it():
    entries = [
        an_entry("A", "1000"),
        an_entry("B", "0", price={"model": "percent_of_total", "percent": "10", "skus": ["A"]}),
        an_entry("C", "0", price={"model": "percent_of_total", "percent": "50", "skus": ["B"]}),
    ]
    found = pricing(an_ask(an_item(("C", "1"), ("B", "1"), ("A", "1"))), a_book(entries=entries))
    assert nets(found) == ["50.00 USD", "100.00 USD", "1000.00 USD"]


def test_percentages_in_a_circle_have_no_price_and_the_rest_has():
    entries = [
        an_entry("A", "1000"),
        an_entry("B", "0", price={"model": "percent_of_total", "percent": "10", "skus": ["C"]}),
        an_entry("C", "0", price={"model": "percent_of_total", "percent": "50", "skus": ["B"]}),
    ]
    book = compile_book(a_book(entries=entries))
    found = price(an_ask(an_item(("C", "1"), ("B", "1"), ("A", "1"))), book, the_fx())
    assert {(each.code, each.sku) for each in found.problems} == {
        ("pricer.percent_cycle", "B"),
        ("pricer.percent_cycle", "C"),
    }
    assert nets(found.rest) == ["1000.00 USD"]


def test_a_percentage_of_nothing_is_an_error_and_no_silent_zero():
    book = a_book(entries=[*the_document()["entries"][:4], support()])
    (fault,) = problems(an_ask(an_item(("SUP", "1"), ("CAB", "1"))), book)
    assert (fault.code, fault.sku) == ("pricer.no_basis", "SUP")
    assert "none of them is in the quote" in fault.message


def test_a_percentage_may_be_of_its_own_item_only():
    entries = [*the_document()["entries"][:4], support(within="item")]
    ask = an_ask(an_item(("RRU", "1"), ("SUP", "1")), an_item(("RRU", "9"), item_id="i2"))
    assert nets(pricing(ask, a_book(entries=entries)))[1] == "567.00 USD"


# ---- derived books


def a_child(parent, entries=(), **more):
    policy = {"id": "bts", "version": 1, "percent_off": "10", "inherit": True} | more
    document = the_document(id="child", entries=list(entries), parent=policy)
    return compile_book(read_book(document), compile_book(parent))


def test_a_book_is_derived_from_another_one():
    """1249.99 less 10 % is 1124.991; its own entries say otherwise; cost-plus follows too."""
    own = [
        an_entry("RRU", "0", "1890", price={"model": "derived", "percent_off": "20"}),
        an_entry("CAB", "18.00", "9"),
    ]
    ask = an_ask(an_item(("ANT", "1"), ("RRU", "1"), ("CAB", "1"), ("CIVIL", "1")))
    found = price(ask, a_child(a_book(), own), the_fx())
    assert nets(found) == ["1124.99 USD", "2520.00 USD", "18.00 USD", "8496.00 USD"]
    assert [str(each.cost) for each in found.internal.lines] == [
        "700.00 USD", "1890.00 USD", "9.00 USD", "8000.00 USD",
    ]  # fmt: skip
    assert found.book.id == "child"


def test_a_derived_price_is_taken_to_a_price_point_and_by_tiers():
    point = {"multiple": "10", "mode": "half_up", "add": "-0.01"}
    steps = tiers("volume", ("10", "100"), (None, "85"))
    parent = a_book(entries=[an_entry("ANT", "1249.99"), an_entry("T", "0", price=steps)])
    child = a_child(parent, round=point)
    found = price(an_ask(an_item(("ANT", "1"), ("T", "11"))), child, the_fx())
    # 1124.991 -> 1120 - 0.01; 76.5 -> 80 - 0.01
    assert nets(found) == ["1119.99 USD", "879.89 USD"]


def test_a_child_of_a_child_multiplies_and_the_wrong_parent_is_refused():
    parent = compile_book(a_book())
    first = read_book(
        the_document(id="child", entries=[],
                     parent={"id": "bts", "version": 1, "percent_off": "10", "inherit": True})
    )  # fmt: skip
    second = read_book(
        the_document(id="grandchild", entries=[],
                     parent={"id": "child", "version": 1, "percent_off": "-5", "inherit": True})
    )  # fmt: skip
    compiled = compile_book(second, compile_book(first, parent))
    found = price(an_ask(an_item(("RRU", "2"))), compiled, the_fx())
    assert nets(found) == ["5953.50 USD"]  # 3150 x 0.9 x 1.05 x 2
    for given in (None, parent):
        with pytest.raises(BookUnfit, match="child version 1, is not there; publish it first"):
            compile_book(second, given)
    with pytest.raises(ValidationError, match="give at least one, or a parent to inherit from"):
        a_book(entries=[])
    pinned = first.but({"parent": first.parent.but({"sha256": "0" * 64})})
    with pytest.raises(BookUnfit, match="another content hash"):
        compile_book(pinned, parent)


def test_a_category_that_is_its_own_ancestor_is_refused():
    categories = [
        {"id": "hardware", "name": "H", "discountable": True, "parent": "radio"},
        {"id": "radio", "name": "R", "discountable": True, "parent": "hardware"},
    ]
    with pytest.raises(BookUnfit, match="is its own ancestor"):
        compile_book(a_book(categories=categories))


def test_a_trace_says_what_a_block_costs_without_a_unit():
    model = {"model": "block", "blocks": [{"up_to": None, "amount": "100"}]}
    step = json.loads(one(model, "3").trace)["lines"][0]["steps"][0]
    assert step[7] == "List price (block) 100.00 USD for the line."


def test_a_derived_price_follows_the_parent_to_its_next_price():
    """It stayed at the parent's first price for ever."""
    old = an_entry("X", "100", effective={"first": "2026-01-01", "last": None})
    new = an_entry("X", "200", effective={"first": "2026-07-01", "last": None})
    parent = compile_book(a_book(entries=[old, new]))
    for effective in (None, {"first": "2026-02-01", "last": "2026-12-31"}):
        entry = an_entry("X", "0", price={"model": "derived", "percent_off": "10"})
        own = a_book(
            id="own", entries=[entry | {"effective": effective}], parent={"id": "bts", "version": 1}
        )
        book = compile_book(own, parent)
        found = {
            day: str(price(an_ask(an_item(("X", "1")), day=day), book, the_fx()).totals.net)
            for day in ("2026-06-30", "2026-07-01")
        }
        assert found == {"2026-06-30": "90.00 USD", "2026-07-01": "180.00 USD"}
