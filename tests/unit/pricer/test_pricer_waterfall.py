"""The waterfall against numbers computed by hand; the base-station ones are the shared telecom cases."""

import json
from decimal import Decimal

import pytest

from services.pricer.domain.asks.engines import NEWEST
from services.pricer.domain.asks.trace import shown
from services.pricer.domain.books.compiled import compile_book
from services.pricer.domain.prices.explaining import with_matched
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
    the_document,
    the_fx,
)


def steps(found, line=0):
    return [(step[0], step[1], step[6]) for step in json.loads(found.trace)["lines"][line]["steps"]]


def test_tier_region_and_quantity_work_on_the_running_price():
    """3150 x 1.03 x 0.92 x 0.95 = 2835.693, rounded once; the order of the rules in the book is another."""
    book = a_book(
        rules=[
            a_rule("gold", "tier", percent_off("5"), when={"tiers": ["gold"]}),
            a_rule("latam", "region", percent_off("-3"), when={"regions": ["LATAM"]}),
            a_rule("ten", "quantity", breaks(("9", "0"), (None, "8"))),
        ]
    )
    found = pricing(an_ask(an_item(("RRU", "12")), customer_tier="gold", region="LATAM"), book)
    assert str(found.lines[0].net_unit) == "2835.69 USD"
    assert nets(found) == ["34028.28 USD"]
    assert steps(found) == [
        ("list_price", "bts", "0.00"),
        ("volume", "ten", "-3024.00"),
        ("segment", "latam", "1043.28"),
        ("segment", "gold", "-1790.964"),
        ("rounding", "rounding", "-0.036"),
    ]


def test_the_unit_price_is_rounded_before_the_line():
    """1249.99 x 0.875 = 1093.74125; without rounding the unit the line would be 328122.38."""
    rules = [a_rule("d", "bundle", percent_off("12.5"))]
    assert nets(pricing(an_ask(an_item(("ANT", "300"))), a_book(rules=rules))) == ["328122.00 USD"]


def test_a_book_may_round_the_line_only():
    rounding = {"list": HALF_UP, "unit": {"scale": "exact", "mode": "half_up"}, "line": "half_up"}
    book = a_book(rules=[a_rule("d", "bundle", percent_off("12.5"))], rounding=rounding)
    assert nets(pricing(an_ask(an_item(("ANT", "300"))), book)) == ["328122.38 USD"]


def test_a_discount_on_the_quote_is_rounded_once_and_allocated_by_largest_remainder():
    """Gross 55331.22; 8 % = 4426.4976 -> 4426.50 as 3360.00 / 756.00 / 300.00 / 10.50."""
    item = an_item(("MACRO", "1"), ("RRU", "3"), ("ANT", "3"), ("CAB", "7"))
    found = pricing(an_ask(item, discounts=[a_discount("8")]))
    assert nets(found) == ["38640.00 USD", "8694.00 USD", "3449.97 USD", "120.75 USD"]
    assert str(found.totals.net) == "50904.72 USD"
    assert str(found.totals.discount) == "4426.50 USD"
    assert found.totals.sales_discount_percent.root == Decimal("8.00")


def test_a_floor_is_rounded_up_so_that_the_margin_holds():
    """27300 / 0.85 = 32117.647...; 30 % off would be 29400."""
    floor = {
        "id": "floor",
        "version": 1,
        "name": "Margin floor",
        "scope": "line",
        "margin_on_price": "15",
        "action": "clamp",
    }
    found = pricing(
        an_ask(an_item(("MACRO", "2")), discounts=[a_discount("30", "i1")]),
        a_book(guardrails=[floor]),
    )
    assert (str(found.lines[0].net_unit), nets(found)) == ("32117.65 USD", ["64235.30 USD"])
    assert [(each.guardrail, each.line, each.action) for each in found.breaches] == [
        ("floor", 1, "clamped")
    ]
    # 42000 -> 32117.65: what the guardrail gave back, the seller has not given.
    assert found.totals.sales_discount_percent.root == Decimal("23.53")


def test_a_discount_on_the_quote_can_not_slip_under_a_floor():
    floor = {
        "id": "floor",
        "version": 2,
        "name": "Price floor",
        "scope": "line",
        "skus": ["RRU"],
        "price": "3000.00",
        "action": "clamp",
    }
    item = an_item(("RRU", "2"), ("CAB", "10"))
    found = pricing(an_ask(item, discounts=[a_discount("10")]), a_book(guardrails=[floor]))
    assert nets(found) == ["6000.00 USD", "168.75 USD"]
    assert steps(found) == [
        ("list_price", "bts", "0.00"),
        ("header_discount", "sales", "-630.00"),
        ("second_guardrail", "floor", "330.00"),
    ]
    assert str(found.lines[0].net_unit) == "3000.00 USD"


def test_a_floor_that_asks_for_approval_lets_the_price_stand_and_says_so_once():
    floor = {
        "id": "floor",
        "version": 1,
        "name": "Margin floor",
        "scope": "line",
        "margin_on_price": "20",
        "action": "approval",
    }
    quote = floor | {"id": "whole", "scope": "quote", "margin_on_price": "30"}
    ask = an_ask(an_item(("RRU", "1")), discounts=[a_discount("20", "i1"), a_discount("20")])
    found = pricing(ask, a_book(guardrails=[floor, quote]))
    assert nets(found) == ["2016.00 USD"]
    assert [(each.guardrail, each.line, each.action) for each in found.breaches] == [
        ("floor", 1, "approval"),
        ("whole", None, "approval"),
    ]
    assert found.totals.sales_discount_percent.root == Decimal("36.00")
    assert str(found.internal.margin) == "126.00 USD"


def test_a_contracted_price_stands_in_place_of_quantity_segment_and_bundle():
    contract = a_rule(
        "frame",
        "contract",
        {"kind": "unit_price", "amount": "2700"},
        when={"accounts": ["ACME"], "skus": ["RRU"]},
    )
    volume = a_rule("volume", "quantity", breaks(("9", "0"), (None, "8")))
    book = a_book(rules=[contract, volume])
    ours = pricing(an_ask(an_item(("RRU", "50")), account_id="ACME"), book)
    other = pricing(an_ask(an_item(("RRU", "50"))), book)
    assert nets(ours) == ["135000.00 USD"]
    assert nets(other) == ["144900.00 USD"]
    assert "frame" not in other.trace.decode()
    skipped = json.loads(ours.trace)["lines"][0]["skipped"]
    assert skipped == [["volume", "volume", 1, "a contracted price stands"]]


def test_list_price_and_cost_are_converted_before_anything_else():
    """1249.99 x 0.92 x 0.96 = 1103.991168."""
    book = a_book(rules=[a_rule("d", "bundle", percent_off("4"))])
    found = pricing(an_ask(an_item(("ANT", "9")), currency="EUR"), book)
    assert nets(found) == ["9935.91 EUR"]
    assert str(found.internal.cost) == "5796.00 EUR"
    assert found.fx_rate is not None
    assert (found.fx_rate.rate, str(found.fx_rate.day)) == (Decimal("0.92"), "2026-01-01")


@pytest.mark.parametrize(
    ("currency", "list_unit", "net", "discounts"),
    [
        # 1249.99 x 150.25 = 187810.9975; three times 187811, less 2.5 % of the unit = 183115.725
        ("JPY", "187811 JPY", "549348 JPY", [a_discount("2.5", "i1")]),
        # 1249.99 x 0.376 = 469.99624; 469.996 x 0.975 = 458.2461
        ("BHD", "469.996 BHD", "1374.738 BHD", [a_discount("2.5", "i1")]),
        # 563433 less 2.5 % = 14085.825 -> 14086; 1409.988 less 2.5 % = 35.2497 -> 35.250
        ("JPY", "187811 JPY", "549347 JPY", [a_discount("2.5")]),
        ("BHD", "469.996 BHD", "1374.738 BHD", [a_discount("2.5")]),
    ],
)
def test_currencies_round_to_their_own_minor_unit(currency, list_unit, net, discounts):
    found = pricing(an_ask(an_item(("ANT", "3")), currency=currency, discounts=discounts))
    assert (str(found.lines[0].list_unit), str(found.totals.net)) == (list_unit, net)


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ({"model": "cost_plus", "markup_on_cost": "18"}, "9440.00 USD"),
        # 8000 / 0.82 = 9756.0975...: rounded up, so that the margin is really there
        ({"model": "cost_plus", "margin_on_price": "18"}, "9756.10 USD"),
    ],
)
def test_a_markup_on_cost_is_not_a_margin_on_price(price, expected):
    book = a_book(entries=[an_entry("CIVIL", "0", "8000", price=price)])
    found = pricing(an_ask(an_item(("CIVIL", "1"))), book)
    assert nets(found) == [expected]


@pytest.mark.parametrize(
    ("mode", "quantity", "unit", "net"),
    [
        ("volume", "10", "100.00 USD", "1000.00 USD"),
        ("volume", "11", "90.00 USD", "990.00 USD"),
        ("volume", "10.5", "90.00 USD", "945.00 USD"),
        ("graduated", "10", "100.00 USD", "1000.00 USD"),
        ("graduated", "12", "98.33 USD", "1180.00 USD"),
        ("graduated", "120", "87.50 USD", "10500.00 USD"),
    ],
)
def test_volume_tiers_price_all_units_and_graduated_tiers_each_unit(mode, quantity, unit, net):
    tiers = [
        {"up_to": "10", "unit": "100"},
        {"up_to": "60", "unit": "90"},
        {"up_to": None, "unit": "83.333334"},
    ]
    entry = an_entry("X", "0", price={"model": "tiered", "mode": mode, "tiers": tiers})
    exact = {"scale": "exact", "mode": "half_up"}
    book = a_book(entries=[entry], rounding={"list": exact, "unit": HALF_UP, "line": "half_up"})
    found = pricing(an_ask(an_item(("X", quantity))), book)
    assert (str(found.lines[0].net_unit), nets(found)) == (unit, [net])
    assert str(found.lines[0].list_unit) == "100.000000 USD"


def test_quantities_may_be_counted_over_the_whole_quote():
    per_line = a_book(rules=[a_rule("q", "quantity", breaks(("9", "0"), (None, "10")))])
    per_quote = a_book(
        rules=[
            a_rule(
                "q",
                "quantity",
                breaks(("9", "0"), (None, "10"), counted="quote"),
                when={"skus": ["RRU"]},
            )
        ]
    )
    ask = an_ask(
        an_item(("RRU", "3"), quantity="2"),
        an_item(("RRU", "4"), item_id="i2"),
        an_item(("CAB", "4"), item_id="i3"),
    )
    assert nets(pricing(ask, per_line)) == ["18900.00 USD", "12600.00 USD", "75.00 USD"]
    assert nets(pricing(ask, per_quote)) == ["17010.00 USD", "11340.00 USD", "75.00 USD"]


def test_a_bundle_needs_its_companion_in_the_same_item():
    rule = a_rule(
        "bundle",
        "bundle",
        percent_off("10"),
        when={"skus": ["SUP"], "alongside_skus": ["MACRO"]},
    )
    book = a_book(rules=[rule])
    together = pricing(an_ask(an_item(("MACRO", "1"), ("SUP", "1"))), book)
    apart = pricing(an_ask(an_item(("MACRO", "1")), an_item(("SUP", "1"), item_id="i2")), book)
    assert nets(together) == ["42000.00 USD", "1080.00 USD"]
    assert nets(apart) == ["42000.00 USD", "1200.00 USD"]
    skipped = json.loads(apart.trace)["lines"][1]["skipped"]
    assert skipped == [["bundle", "bundle", 1, "needs MACRO in the same item"]]


def test_of_competing_bundles_the_best_for_the_customer_wins_and_the_loser_is_told():
    book = a_book(
        rules=[
            a_rule("percent", "bundle", percent_off("4")),
            a_rule("amount", "bundle", {"kind": "amount_off", "amount": "130.00"}),
        ]
    )
    found = pricing(an_ask(an_item(("RRU", "1"))), book)
    assert nets(found) == ["3020.00 USD"]
    skipped = json.loads(found.trace)["lines"][0]["skipped"]
    assert skipped == [["bundle", "percent", 1, "Rule amount (amount) is better for the customer"]]


def test_the_most_specific_rule_wins_then_the_higher_priority():
    rules = [
        a_rule("all", "tier", percent_off("1")),
        a_rule("hardware", "tier", percent_off("2"), when={"categories": ["hardware"]}),
        a_rule("rru", "tier", percent_off("3"), when={"skus": ["RRU"]}),
        a_rule("rru-more", "tier", percent_off("4"), when={"skus": ["RRU"]}, priority=5),
    ]
    found = pricing(an_ask(an_item(("RRU", "1"), ("CAB", "1"), ("SUP", "1"))), a_book(rules=rules))
    assert [steps(found, line)[1][1] for line in range(3)] == ["rru-more", "hardware", "all"]


def test_rules_that_stack_apply_in_turn_by_priority_then_as_listed():
    groups = [{"id": "g", "stage": "bundle", "select": "all"}]
    rules = [
        a_rule("ten", "g", percent_off("10")),
        a_rule("off", "g", {"kind": "amount_off", "amount": "150"}, priority=1),
    ]
    found = pricing(an_ask(an_item(("RRU", "1"))), a_book(groups=groups, rules=rules))
    assert nets(found) == ["2700.00 USD"]


def test_what_is_not_discountable_keeps_its_price_and_the_quote_discount_passes_it():
    """18.75 less 10 % = 16.875 -> 16.88; 1688.00 less 10 % = 1519.20."""
    item = an_item(("CIVIL", "1"), ("CAB", "100"))
    found = pricing(an_ask(item, discounts=[a_discount("10", "i1"), a_discount("10")]))
    assert nets(found) == ["9440.00 USD", "1519.20 USD"]
    assert "sold without discounts" in found.trace.decode()


def test_recurring_charges_stand_apart_and_the_whole_counts_one_period_of_each():
    found = pricing(an_ask(an_item(("RRU", "1"), ("SUP", "2"))))
    assert [(each.charge, str(each.net)) for each in found.totals.by_charge] == [
        ("one_time", "3150.00 USD"),
        ("yearly", "2400.00 USD"),
    ]
    assert str(found.totals.net) == "5550.00 USD"


def test_a_part_that_stands_twice_in_a_bill_is_one_line():
    found = pricing(an_ask(an_item(("RRU", "1"), ("CAB", "2"), ("RRU", "2"), quantity="4")))
    assert [(line.line, line.sku, str(line.quantity)) for line in found.lines] == [
        (1, "RRU", "12"),
        (2, "CAB", "8"),
    ]


def test_all_is_given_away_only_when_somebody_says_so():
    found = pricing(an_ask(an_item(("CAB", "3")), discounts=[a_discount("100")]))
    assert (nets(found), found.totals.discount_percent.root) == (["0.00 USD"], Decimal("100.00"))


def test_a_customer_reads_what_moved_the_price_and_never_cost_or_floor():
    rail = {
        "id": "floor",
        "version": 1,
        "name": "Floor",
        "scope": "line",
        "skus": ["RRU"],
        "price": "3100.00",
        "action": "clamp",
    }
    item = an_item(("RRU", "1"), ("CIVIL", "1"))
    found = pricing(an_ask(item, discounts=[a_discount("10", "i1")]), a_book(guardrails=[rail]))
    trace = json.loads(found.trace)
    customer, seller, internal = (shown(trace, view) for view in ("customer", "seller", "internal"))
    assert [step["sentence"] for step in customer["lines"][0]["steps"]] == [
        "List price 3150.00 USD for one pcs.",
        "Sales discount on the item: 10 % off.",
        "Adjusted to the net price.",
    ]
    assert "lowest" not in json.dumps(customer), "that there is no lower price is ours to know"
    assert seller["lines"][0]["steps"][2]["sentence"] == "The lowest price of this part applies."
    for text in (json.dumps(customer), json.dumps(seller)):
        assert "8000" not in text
        assert "floor 3100" not in text
        assert "internal" not in text.replace('"view"', "")
    assert "cost 8000 USD plus 18 % markup on cost" in json.dumps(internal)
    assert internal["internal"]["cost"] == {"amount": "9890.00", "currency": "USD"}
    assert "skipped" not in customer["lines"][0]


def test_stages_come_in_their_documented_order():
    rules = [
        a_rule("q", "quantity", breaks((None, "1"))),
        a_rule("r", "region", percent_off("1")),
        a_rule("t", "tier", percent_off("1")),
        a_rule("b", "bundle", percent_off("1")),
    ]
    rail = {
        "id": "floor",
        "version": 1,
        "name": "Floor",
        "scope": "line",
        "price": "2800.00",
        "action": "clamp",
    }
    ask = an_ask(an_item(("RRU", "1")), discounts=[a_discount("1", "i1"), a_discount("9")])
    found = pricing(ask, a_book(rules=rules, guardrails=[rail], entries=[an_entry("RRU", "3150")]))
    taken = [step[0] for step in steps(found)]
    assert taken == sorted(taken, key=NEWEST.stages.index)
    assert set(NEWEST.stages) - set(taken) == {
        "option_price",
        "contracted_price",
        "promotion",
        "manual_price",
        "amount_discount",
        "partner_discount",
        "distributor_discount",
        "guardrail",
    }


def test_the_hash_of_a_book_is_that_of_its_content():
    book = a_book()
    assert a_book(status="retired").sha256 == book.sha256
    assert a_book(name="Another").sha256 != book.sha256
    assert a_book(sha256="0" * 64).sha256 == book.sha256
    assert the_document() == the_document()
    assert the_fx().sha256 != the_fx(EUR="0.93").sha256


def test_a_floor_for_one_account_stands_under_its_price_whoever_asked_before():
    """What a book says to a customer is kept; accounts that only floors name were not told apart."""
    rail = {"id": "g", "version": 1, "name": "Floor", "scope": "line", "action": "clamp",
            "price": "3000", "skus": ["RRU"], "when": {"accounts": ["ACME"]}}  # fmt: skip
    book = compile_book(a_book(guardrails=[rail]))
    found = [
        str(price(an_ask(an_item(("RRU", "1")), account_id=each, discounts=[a_discount("10", "i1")]),
                  book, the_fx()).totals.net)
        for each in ("acct-1", "ACME", "acct-1")
    ]  # fmt: skip
    assert found == ["2835.00 USD", "3000.00 USD", "2835.00 USD"]


def test_a_parameter_that_only_a_floor_looks_at_is_part_of_the_input():
    rail = {"id": "g", "version": 1, "name": "Floor", "scope": "line", "action": "clamp",
            "price": "3000", "when": {"attributes": [{"name": "band", "values": ["n78"]}]}}  # fmt: skip
    book = a_book(guardrails=[rail])
    one, other = (
        pricing(an_ask(an_item(("RRU", "1")) | {"parameters": [{"name": "band", "value": each}]}), book)
        for each in ("n78", "n28")
    )  # fmt: skip
    assert one.input_sha256 != other.input_sha256


def test_of_what_a_rule_names_only_what_is_there_is_given_as_the_reason():
    """All categories that a rule names were told, and all parts that may stand beside."""
    when = {
        "categories": ["hardware", "support", "works"],
        "alongside_skus": ["MACRO", "ANT"],
        "alongside_categories": ["support"],
        "amount": {"at_least": "1000", "counted": "whole_quote"},
    }
    book = a_book(rules=[a_rule("b", "bundle", percent_off("5"), when=when)])
    item = an_item(("RRU", "1"), ("ANT", "1"), ("SUP", "1"), ("CAB", "1"))
    trace = json.loads(pricing(an_ask(item, an_item(("MACRO", "1"), item_id="i2")), book).trace)
    told = with_matched(shown(trace, "seller"), compile_book(book))
    assert told["lines"][0]["steps"][1]["matched"] == {
        "category": "hardware",
        "alongside": "ANT, SUP",
        "amount": "from 1000",
    }
