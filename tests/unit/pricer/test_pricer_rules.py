"""Conditions, effects and stacking of rules, and the stages they stand in, by numbers and words."""

import json
from decimal import Decimal

import pytest

from services.pricer.domain.asks.trace import shown
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
    nets,
    percent_off,
    pricing,
    problems,
    the_document,
    the_fx,
)

RRU = an_item(("RRU", "4"))


def line_of(found, number=0):
    return json.loads(found.trace)["lines"][number]


def skipped(found, number=0):
    return {each[1]: each[3] for each in line_of(found, number)["skipped"]}


def stages(found, number=0):
    return [(step[0], step[1]) for step in line_of(found, number)["steps"]]


def in_group(*rules, stage="bundle", **group):
    """A book with these rules in one group of a stage."""
    groups = [{"id": "g", "stage": stage, "select": "all"} | group]
    return a_book(groups=groups, rules=list(rules))


# ---- conditions


@pytest.mark.parametrize(
    ("when", "changes", "why"),
    [
        ({"segments": ["carrier"]}, {"segment": "carrier"}, "is for segment carrier; here it is"),
        ({"channels": ["partner"]}, {"channel": "partner"}, "is for channel partner; here it is"),
        ({"partners": ["P-1"]}, {"partner": "P-1"}, "is for partner P-1; here it is not known"),
        ({"currencies": ["EUR"]}, {"currency": "EUR"}, "is for currency EUR; here it is USD"),
        (
            {"between": {"first": "2026-03-01T09:00:00", "last": "2026-03-01T12:00:00"}},
            {"clock": "12:00:00"},
            "is not in force at 2026-03-01 00:00",
        ),
    ],
)
def test_a_rule_may_be_for_a_segment_a_channel_a_partner_a_currency_or_an_hour(when, changes, why):
    book = in_group(a_rule("r", "g", percent_off("50"), when=when))
    inside, outside = pricing(an_ask(RRU, **changes), book), pricing(an_ask(RRU), book)
    assert ("bundle", "r") in stages(inside)
    assert ("bundle", "r") not in stages(outside)
    assert skipped(outside)["r"].startswith(why)


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ({"quantity": {"at_least": "5"}}, "quantity 4 is below 5"),
        ({"quantity": {"up_to": "3.9"}}, "quantity 4 is above 3.9"),
        (
            {"skus": ["RRU"], "quantity": {"at_least": "8", "counted": "quote"}},
            "quantity 7 is below 8",
        ),
        ({"quantity": {"at_least": "5", "counted": "item"}}, "quantity 4 is below 5"),
        (
            {"amount": {"at_least": "12600.01", "counted": "line"}},
            "the amount 12600.00 USD is below 12600.01 USD",
        ),
        (
            {"amount": {"up_to": "22000", "counted": "whole_quote"}},
            "the amount 22050.00 USD is above 22000.00 USD",
        ),
        (
            {"attributes": [{"name": "band", "values": ["n78"]}]},
            "is for band n78; here it is n28",
        ),
        ({"products": ["micro-site"]}, "is for product micro-site; here it is macro-site"),
        ({"charges": ["monthly"]}, "is for charge monthly; here it is one_time"),
        (
            {"together": [{"sku": "RRU", "at_least": "4"}, {"sku": "ANT", "at_least": "1"}]},
            "needs 1 of ANT in the same item",
        ),
    ],
)
def test_a_rule_says_why_it_does_not_hold(when, why):
    item = RRU | {"parameters": [{"name": "band", "value": "n28"}, {"name": "ok", "value": True}]}
    ask = an_ask(item, an_item(("RRU", "3"), item_id="i2"))
    assert skipped(pricing(ask, in_group(a_rule("r", "g", percent_off("5"), when=when)))) == {
        "r": why
    }


def test_only_parameters_that_a_book_looks_at_are_part_of_the_input():
    seen = in_group(
        a_rule("r", "g", percent_off("5"), when={"attributes": [{"name": "band", "values": ["1"]}]})
    )
    blind = in_group(a_rule("r", "g", percent_off("5")))
    asks = [an_ask(RRU | {"parameters": [{"name": "band", "value": value}]}) for value in (1, "2")]
    one, two = (pricing(ask, seen) for ask in asks)
    assert one.input_sha256 != two.input_sha256
    assert [nets(each) for each in (one, two)] == [["11970.00 USD"], ["12600.00 USD"]]
    one, two = (pricing(ask, blind) for ask in asks)
    assert one.input_sha256 == two.input_sha256


def test_a_category_means_its_descendants_and_the_nearer_one_wins():
    categories = [
        {"id": "hardware", "name": "Hardware", "discountable": True},
        {"id": "radio", "name": "Radios", "discountable": True, "parent": "hardware"},
        {"id": "active", "name": "Active", "discountable": True, "parent": "radio"},
    ]
    rules = [
        a_rule("hardware", "tier", percent_off("1"), when={"categories": ["hardware"]}),
        a_rule("radio", "tier", percent_off("2"), when={"categories": ["radio"]}),
    ]
    entries = [
        an_entry("AAU", "100", category="active"),
        an_entry("MAST", "100", category="hardware"),
    ]
    book = a_book(categories=categories, rules=rules, entries=entries)
    found = pricing(an_ask(an_item(("AAU", "1"), ("MAST", "1"))), book)
    assert nets(found) == ["98.00 USD", "99.00 USD"]


# ---- effects


@pytest.mark.parametrize(
    ("effect", "net"),
    [
        # 3150 each, 4 of them; cost 1890
        ({"kind": "amount_off", "amount": "100", "per": "line"}, "12500.00 USD"),
        ({"kind": "amount_off", "amount": "-5"}, "12620.00 USD"),
        ({"kind": "amount_off", "amount": "4000"}, "0.00 USD"),
        ({"kind": "markup", "percent": "50", "on": "cost"}, "11340.00 USD"),
        ({"kind": "markup", "percent": "10", "on": "running"}, "13860.00 USD"),
        # 1890 / 0.55 = 3436.3636..., rounded up
        ({"kind": "margin_floor", "margin_on_price": "45"}, "13745.48 USD"),
        ({"kind": "margin_floor", "margin_on_price": "10"}, "12600.00 USD"),
        (
            {"kind": "round_to", "multiple": "100", "mode": "half_up", "add": "-0.01"},
            "12799.96 USD",
        ),
        ({"kind": "line_limits", "maximum": "12000"}, "12000.00 USD"),
        ({"kind": "line_limits", "minimum": "13000"}, "13000.00 USD"),
        (
            {"kind": "price_model", "price": {"model": "package", "size": "3", "amount": "9000"}},
            "18000.00 USD",
        ),
        (
            percent_off("33.333") | {"round": {"scale": 0, "mode": "half_up"}},
            # 1049.9895 off each is 1050
            "8400.00 USD",
        ),
    ],
)
def test_what_a_rule_does_to_a_price(effect, net):
    assert nets(pricing(an_ask(RRU), in_group(a_rule("r", "g", effect)))) == [net]


def test_words_of_a_rule_that_works_by_cost_say_nothing_of_cost():
    book = in_group(a_rule("r", "g", {"kind": "markup", "percent": "50", "on": "cost"}))
    found = pricing(an_ask(RRU), book)
    seller = shown(json.loads(found.trace), "seller")
    assert seller["lines"][0]["steps"][1]["sentence"] == "Rule r: calculated price."


def test_amounts_of_a_rule_may_be_in_a_currency_of_their_own():
    """1000 USD at 0.92 to 10, and 0.01 EUR off: the other way round it would be 919.99."""
    rules = [
        a_rule("up", "g", {"kind": "round_to", "multiple": "50", "mode": "half_up"}, priority=2),
        a_rule("less", "g", {"kind": "amount_off", "amount": "0.01"}, currency="EUR"),
    ]
    groups = [{"id": "g", "stage": "bundle", "select": "all"}]
    book = a_book(groups=groups, rules=rules, entries=[an_entry("X", "1000")])
    assert nets(pricing(an_ask(an_item(("X", "1")), currency="EUR"), book)) == ["899.99 EUR"]


@pytest.mark.parametrize(
    ("mode", "unit", "quantity", "net"),
    [
        ("range", "percent", "10", "900.00 USD"),
        ("range", "percent", "101", "8080.00 USD"),
        ("slab", "percent", "10", "990.00 USD"),
        # 9 at 100, 90 at 90, 2 at 80
        ("slab", "percent", "101", "9160.00 USD"),
        ("range", "amount", "10", "900.00 USD"),
        ("slab", "amount", "101", "9160.00 USD"),
    ],
)
def test_a_discount_schedule_by_range_and_by_slab(mode, unit, quantity, net):
    steps = [{"up_to": up_to, unit: off} for up_to, off in (("9", "0"), ("99", "10"), (None, "20"))]
    effect = {"kind": "quantity_breaks", "mode": mode, "counted": "line", "breaks": steps}
    book = in_group(a_rule("r", "g", effect))
    document = the_document(
        entries=[an_entry("X", "100")], groups=[each.model_dump() for each in book.groups],
        rules=[each.model_dump() for each in book.rules],
    )  # fmt: skip
    assert nets(pricing(an_ask(an_item(("X", quantity))), a_book(**document))) == [net]


def test_slabs_of_percentages_need_a_unit_price():
    effect = {
        "kind": "quantity_breaks",
        "mode": "slab",
        "counted": "line",
        "breaks": [{"up_to": None, "percent": "10"}],
    }
    once = a_rule("a", "g", {"kind": "amount_off", "amount": "1", "per": "line"}, priority=1)
    found = pricing(an_ask(RRU), in_group(once, a_rule("r", "g", effect)))
    assert nets(found) == ["12599.00 USD"]
    assert skipped(found)["r"].startswith("percentages by slab work on a unit price")


# ---- stacking


def test_percentages_may_be_added_up_on_one_base():
    """20 and 10 off 3150: 28 % in turn, 30 % added up."""
    rules = [a_rule("a", "g", percent_off("20")), a_rule("b", "g", percent_off("10"))]
    turn, added = (
        pricing(an_ask(RRU), in_group(*rules, stacking=stacking))
        for stacking in ("sequential", "additive_on_base")
    )
    assert [nets(each) for each in (turn, added)] == [["9072.00 USD"], ["8820.00 USD"]]


def test_rules_apply_by_priority_then_by_id_wherever_the_book_lists_them():
    off = a_rule("b-off", "g", {"kind": "amount_off", "amount": "150"})
    ten = a_rule("a-ten", "g", percent_off("10"))
    for rules in ((off, ten), (ten, off)):
        assert nets(pricing(an_ask(RRU), in_group(*rules))) == ["10740.00 USD"]
    first = off | {"priority": 1}
    assert nets(pricing(an_ask(RRU), in_group(ten, first))) == ["10800.00 USD"]


def test_the_highest_priority_wins_and_a_tie_is_an_error_of_that_line():
    rules = [
        a_rule("low", "g", percent_off("50")),
        a_rule("high", "g", percent_off("10"), priority=5),
        a_rule("cab", "g", percent_off("20"), priority=5, when={"skus": ["CAB"]}),
    ]
    book = in_group(*rules, select="highest_priority")
    found = pricing(an_ask(RRU), book)
    assert nets(found) == ["11340.00 USD"]
    assert skipped(found) == {"low": "Rule high (high) has a higher priority"}
    (fault,) = problems(an_ask(an_item(("RRU", "4"), ("CAB", "1"))), book)
    assert (fault.code, fault.sku) == ("pricer.rule_conflict", "CAB")
    assert fault.message == (
        "the rules cab and high tie for CAB; give one of them a higher priority"
    )


def test_an_exclusive_rule_stands_alone():
    rules = [
        a_rule("a", "g", percent_off("50")),
        a_rule("alone", "g", percent_off("10"), exclusive=True),
    ]
    found = pricing(an_ask(RRU), in_group(*rules))
    assert nets(found) == ["11340.00 USD"]
    assert skipped(found) == {"a": "Rule alone (alone) stands alone in its group"}


# ---- stages


def test_the_whole_waterfall_in_its_order():
    groups = [
        {"id": name, "stage": stage, "select": "all"}
        for name, stage in (
            ("option", "option_price"),
            ("contract", "contracted_price"),
            ("volume", "volume"),
            ("segment", "segment"),
            ("promotion", "promotion"),
            ("bundle", "bundle"),
            ("partner", "partner_discount"),
            ("distributor", "distributor_discount"),
            ("order", "header_discount"),
        )
    ]
    contract = a_rule(
        "contract", "contract", {"kind": "unit_price", "amount": "3000"},
        when={"accounts": ["ACME"]}, stackable=True,
    )  # fmt: skip
    rules = [
        a_rule("option", "option", {"kind": "amount_off", "amount": "-50"}),
        contract,
        *(
            a_rule(each, each, percent_off("1"))
            for each in ("volume", "segment", "promotion", "bundle", "partner", "distributor")
        ),
        a_rule("order", "order", percent_off("2")),
    ]
    ask = an_ask(RRU, account_id="ACME", discounts=[a_discount("1", "i1"), a_discount("1")])
    found = pricing(ask, a_book(groups=groups, rules=rules))
    assert stages(found) == [
        ("list_price", "bts"),
        ("option_price", "option"),
        ("contracted_price", "contract"),
        ("volume", "volume"),
        ("segment", "segment"),
        ("promotion", "promotion"),
        ("bundle", "bundle"),
        ("sales_discount", "sales"),
        ("partner_discount", "partner"),
        ("distributor_discount", "distributor"),
        ("rounding", "rounding"),
        ("header_discount", "order"),
        ("header_discount", "sales"),
    ]
    # 3000 x 0.99^7 = 2796.196...; 11184.80 less 2 % (223.70), less 1 % (109.61)
    assert nets(found) == ["10851.49 USD"]
    plain = [contract | {"stackable": False}, *(each for each in rules if each != contract)]
    found = pricing(ask, a_book(groups=groups, rules=plain))
    assert [stage for stage, _ in stages(found)][2:4] == ["contracted_price", "sales_discount"]
    assert set(skipped(found)) == {"volume", "segment", "promotion", "bundle"}


def test_a_discount_of_the_book_on_the_quote_is_allocated_over_what_it_covers():
    """8 % of 55331.22 is 4426.50, as 3360.00 / 756.00 / 300.00 / 10.50."""
    item = an_item(("MACRO", "1"), ("RRU", "3"), ("ANT", "3"), ("CAB", "7"))
    rule = a_rule("order", "g", percent_off("8"))
    found = pricing(an_ask(item), in_group(rule, stage="header_discount"))
    assert nets(found) == ["38640.00 USD", "8694.00 USD", "3449.97 USD", "120.75 USD"]
    assert found.totals.sales_discount_percent.root == 0, "no seller gave it"
    amount = a_rule("order", "g", {"kind": "amount_off", "amount": "1000"}, when={"skus": ["RRU"]})
    found = pricing(an_ask(item), in_group(amount, stage="header_discount"))
    assert nets(found)[1] == "8450.00 USD"
    assert line_of(found, 1)["steps"][-1][7] == (
        "Share of Rule order: 1000.00 USD off the lines it covers (1000.00 USD over 1 line)."
    )


def test_a_discount_of_the_book_on_the_quote_may_need_an_amount_and_takes_no_more_than_all():
    amount = {"at_least": "100", "counted": "whole_quote"}
    rule = a_rule(
        "order", "g", {"kind": "amount_off", "amount": "150"}, when={"amount": amount}
    )  # fmt: skip
    book = in_group(rule, stage="header_discount")
    few, many = (pricing(an_ask(an_item(("CAB", each))), book) for each in ("5", "6"))
    assert [nets(each) for each in (few, many)] == [["93.75 USD"], ["0.00 USD"]]
    assert skipped(few) == {"order": "the amount 93.75 USD is below 100.00 USD"}


def test_a_discount_of_the_book_on_the_quote_is_only_on_lines_that_its_condition_is_for():
    """It was given to every line that it covers, whatever else its condition said."""
    item = an_item(("RRU", "2"), ("SUP", "1"))
    rule = a_rule("order", "g", percent_off("10"), when={"charges": ["yearly"]})
    found = pricing(an_ask(item), in_group(rule, stage="header_discount"))
    assert nets(found) == ["6300.00 USD", "1080.00 USD"]
    assert skipped(found) == {"order": "is for charge yearly; here it is one_time"}
    assert line_of(found, 1)["steps"][-1][7] == (
        "Share of Rule order: 10 % off the lines it covers (120.00 USD over 1 line)."
    )
    for when in (
        {"products": ["micro-site"]},
        {"attributes": [{"name": "band", "values": ["n78"]}]},
        {"together": [{"sku": "MACRO", "at_least": "1"}]},
        {"alongside_skus": ["MACRO"]},
    ):
        rule = a_rule("order", "g", percent_off("10"), when=when)
        none = pricing(an_ask(item), in_group(rule, stage="header_discount"))
        assert nets(none) == ["6300.00 USD", "1200.00 USD"]


@pytest.mark.parametrize(
    ("counted", "expected"), [("quote", "1249.99"), ("whole_quote", "1124.99")]
)
def test_the_amount_that_a_discount_on_the_quote_needs_is_of_its_lines_or_of_all(counted, expected):
    when = {"skus": ["ANT"], "amount": {"at_least": "7000", "counted": counted}}
    rule = a_rule("order", "g", percent_off("10"), when=when)
    found = pricing(
        an_ask(an_item(("RRU", "2"), ("ANT", "1"))), in_group(rule, stage="header_discount")
    )
    assert nets(found)[1] == f"{expected} USD"


@pytest.mark.parametrize(
    ("effect", "stage", "sentence", "net"),
    [
        (
            {"kind": "amount_off", "amount": "-5"},
            "bundle",
            "5.00 USD more for each unit",
            "12620.00",
        ),
        (
            {"kind": "amount_off", "amount": "-5", "per": "line"},
            "bundle",
            "5.00 USD more for the line",
            "12605.00",
        ),
        (
            {"kind": "amount_off", "amount": "-5"},
            "header_discount",
            "5.00 USD more on the lines it covers",
            "12605.00",
        ),
        (percent_off("-1"), "header_discount", "1 % surcharge on the lines it covers", "12726.00"),
    ],
)
def test_a_surcharge_is_told_as_one(effect, stage, sentence, net):
    found = pricing(an_ask(RRU), in_group(a_rule("more", "g", effect), stage=stage))
    assert sentence in line_of(found)["steps"][-1][7]
    assert nets(found) == [f"{net} USD"]


def test_of_two_discounts_on_the_quote_one_may_win_or_both_add_up():
    rules = [
        a_rule("ten", "g", percent_off("10"), priority=1),
        a_rule("five", "g", percent_off("5"), when={"skus": ["RRU"]}),
    ]
    found = {
        f"{select} {stacking}": nets(
            pricing(
                an_ask(RRU),
                in_group(*rules, stage="header_discount", select=select, stacking=stacking),
            )
        )
        for select, stacking in (
            ("all", "sequential"),
            ("all", "additive_on_base"),
            ("best_for_customer", "sequential"),
            ("highest_priority", "sequential"),
            ("most_specific", "sequential"),
        )
    }
    assert found == {
        "all sequential": ["10773.00 USD"],
        "all additive_on_base": ["10710.00 USD"],
        "best_for_customer sequential": ["11340.00 USD"],
        "highest_priority sequential": ["11340.00 USD"],
        "most_specific sequential": ["11970.00 USD"],
    }
    alone = [*rules[:1], rules[1] | {"exclusive": True}]
    one = pricing(an_ask(RRU), in_group(*alone, stage="header_discount"))
    assert nets(one) == ["11970.00 USD"]
    assert skipped(one) == {"ten": "Rule five (five) stands alone in its group"}


def test_rules_of_the_quote_that_cover_only_free_goods_do_nothing():
    """A tie of two of them had no line to be told on, and broke the price."""
    groups = [
        {"id": "gift", "stage": "promotion", "select": "all"},
        {"id": "order", "stage": "header_discount", "select": "most_specific"},
    ]
    gift = {"kind": "free_goods", "per": "1", "quantity": "1", "sku": "CAB"}
    rules = [
        a_rule("gift", "gift", gift, when={"skus": ["RRU"]}),
        *(a_rule(each, "order", percent_off("5"), when={"skus": ["CAB"]}) for each in "ab"),
    ]
    assert nets(pricing(an_ask(RRU), a_book(groups=groups, rules=rules))) == [
        "12600.00 USD",
        "0.00 USD",
    ]


def test_free_goods_are_lines_of_their_own_at_nothing():
    gift = {"kind": "free_goods", "per": "3", "quantity": "2", "sku": "CAB", "at_most": "3"}
    book = in_group(a_rule("gift", "g", gift), stage="promotion")
    found = pricing(an_ask(an_item(("RRU", "7")), discounts=[a_discount("10")]), book)
    assert [(each.line, each.sku, str(each.quantity)) for each in found.lines] == [
        (1, "RRU", "7"),
        (2, "CAB", "3"),
    ]
    assert nets(found) == ["19845.00 USD", "0.00 USD"]
    free = found.lines[1]
    assert (str(free.list_total), str(free.discount)) == ("56.25 USD", "56.25 USD")
    assert stages(found, 1) == [("list_price", "bts"), ("promotion", "gift")]
    assert str(found.internal.lines[1].cost) == "27.00 USD"
    assert found.totals.sales_discount_percent.root == Decimal("10.00")
    few = pricing(an_ask(an_item(("RRU", "2"))), book)
    assert (len(few.lines), skipped(few)) == (1, {"gift": "fewer than 3 on the line"})


def test_a_gift_without_a_price_is_a_problem_of_the_line_that_gives_it():
    gift = {"kind": "free_goods", "per": "1", "quantity": "1", "sku": "GHOST"}
    book = in_group(a_rule("gift", "g", gift, when={"skus": ["RRU"]}), stage="promotion")
    found = price(an_ask(an_item(("RRU", "1"), ("CAB", "1"))), compile_book(book), the_fx())
    assert [each.sku for each in found.problems] == ["RRU"]
    assert found.problems[0].message == (
        "the free part GHOST has no price in the book; add an entry for it"
    )
    assert nets(found.rest) == ["18.75 USD"]


@pytest.mark.parametrize("scope", ["line", "quote"])
def test_a_guardrail_may_refuse_and_never_says_the_floor(scope):
    rail = {
        "id": "floor",
        "version": 1,
        "name": "Margin floor",
        "scope": scope,
        "margin_on_price": "40",
        "action": "reject",
    }
    ask = an_ask(an_item(("RRU", "1")), discounts=[a_discount("1", "i1")])
    (fault,) = problems(ask, a_book(guardrails=[rail]))
    assert fault.code == "pricer.below_floor"
    assert (
        fault.message
        == {
            "line": "RRU is below its lowest price (Margin floor); lower the discounts",
            "quote": "the whole quote is below its floor (Margin floor); lower the discounts",
        }[scope]
    )
    assert "3150" not in fault.message
    assert nets(pricing(an_ask(an_item(("RRU", "1"))), a_book(guardrails=[rail])))


def test_a_guardrail_may_be_for_some_customers_only():
    rail = {
        "id": "floor",
        "version": 1,
        "name": "Floor",
        "scope": "line",
        "price": "3100",
        "action": "clamp",
        "when": {"tiers": ["gold"]},
    }
    discounts = [a_discount("10", "i1")]
    book = a_book(guardrails=[rail])
    gold, other = (
        pricing(an_ask(RRU, discounts=discounts, customer_tier=tier), book)
        for tier in ("gold", "standard")
    )
    assert [nets(each) for each in (gold, other)] == [["12400.00 USD"], ["11340.00 USD"]]


def test_what_is_paid_in_cash_is_rounded_apart_from_the_lines():
    """27.72225 is 27.72, and 27.70 is paid."""
    rounding = {
        "list": HALF_UP,
        "unit": {"scale": "exact", "mode": "half_up"},
        "line": "half_up",
        "cash": [{"currency": "CHF", "multiple": "0.05", "mode": "half_up"}],
    }
    book = a_book(
        entries=[an_entry("X", "9.99")],
        currency="CHF",
        currencies=["CHF", "USD"],
        rounding=rounding,
        groups=[{"id": "g", "stage": "bundle", "select": "all"}],
        rules=[a_rule("r", "g", percent_off("7.5"))],
    )
    found = pricing(an_ask(an_item(("X", "3")), currency="CHF"), book)
    totals = found.totals
    assert [str(each) for each in (totals.net, totals.cash_rounding, totals.payable)] == [
        "27.72 CHF",
        "-0.02 CHF",
        "27.70 CHF",
    ]
    assert nets(found) == ["27.72 CHF"]
    assert pricing(an_ask(RRU)).totals.payable is None


def test_rebates_freight_and_terms_lead_to_a_pocket_price_that_only_we_see():
    """12600 less 2 % rebate, less 40 freight a unit: 12188; cost 7560."""
    rules = [
        a_rule("rebate", "g", percent_off("2"), priority=1),
        a_rule("freight", "g", {"kind": "amount_off", "amount": "40"}),
    ]
    found = pricing(an_ask(RRU), in_group(*rules, stage="off_invoice"))
    assert nets(found) == ["12600.00 USD"]
    internal = found.internal
    assert str(internal.pocket) == "12188.00 USD"
    assert (str(internal.pocket_margin), internal.pocket_margin_percent.root) == (
        "4628.00 USD",
        Decimal("37.97"),
    )
    trace = json.loads(found.trace)
    assert [each[2] for each in trace["internal"]["off_invoice"]] == ["rebate", "freight"]
    for view in ("customer", "seller"):
        text = json.dumps(shown(trace, view))
        assert "12188" not in text
        assert "rebate" not in text
    assert pricing(an_ask(RRU)).internal.pocket is None


def test_bundles_may_ask_for_all_their_parts():
    together = [{"sku": "MACRO", "at_least": "1"}, {"sku": "RRU", "at_least": "3"}]
    rule = a_rule("site", "bundle", percent_off("10"), when={"together": together})
    book = a_book(rules=[rule])
    whole, short = (
        pricing(an_ask(an_item(("MACRO", "1"), ("RRU", each))), book) for each in ("3", "2")
    )
    assert [nets(each)[0] for each in (whole, short)] == ["37800.00 USD", "42000.00 USD"]


def test_quantities_may_be_counted_over_the_item():
    rule = a_rule(
        "q", "quantity", breaks(("6", "0"), (None, "10"), counted="item"),
        when={"categories": ["hardware"]},
    )  # fmt: skip
    ask = an_ask(an_item(("RRU", "4"), ("CAB", "3")), an_item(("RRU", "6"), item_id="i2"))
    found = pricing(ask, a_book(rules=[rule]))
    assert nets(found) == ["11340.00 USD", "50.64 USD", "18900.00 USD"]
