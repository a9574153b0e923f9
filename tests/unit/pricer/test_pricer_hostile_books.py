"""A hostile book or basket is refused, or priced, in bounded time; one bad line spoils no other."""

import time
from decimal import Decimal

import pytest
from pydantic import ValidationError

from services.pricer.books import BookRefused
from services.pricer.documents import from_json, from_yaml
from services.pricer.domain.books.compiled import compile_book
from services.pricer.domain.books.offers import BookUnfit
from services.pricer.domain.prices.pricing import price
from tests.unit.pricer.basket import (
    a_book,
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


def within(seconds, call):
    """Run, and hold it to a bound that only something of another order of time passes."""
    began = time.process_time()
    found = call()
    assert time.process_time() - began < seconds
    return found


def refused(**changes):
    with pytest.raises((ValidationError, BookUnfit)) as fault:
        compile_book(a_book(**changes))
    return str(fault.value)


def test_a_million_tiers_are_refused_at_once():
    steps = [{"up_to": str(place), "unit": "1"} for place in range(1, 1_000_001)]
    model = {"model": "tiered", "mode": "volume", "tiers": steps}
    entries = [an_entry("X", "0", price=model)]
    words = within(20, lambda: refused(entries=entries))
    assert "at most 1000 items" in words


@pytest.mark.parametrize(("reads", "sign"), [(from_json, '"'), (from_yaml, "")])
def test_the_last_of_many_names_standing_twice_is_found_in_one_pass(reads, sign):
    """Counting each name took a minute for forty thousand, and days for what a door lets in."""
    names = [f"{sign}k{place}{sign}: 1" for place in range(20_000)]
    document = "{" + ", ".join([*names, names[-1]]) + "}"
    with pytest.raises(BookRefused, match="'k19999' stands twice"):
        within(4, lambda: reads(document.encode(), "document"))


@pytest.mark.parametrize("amount", ["1E+999999", "1E-999999", "9" * 400, "NaN", "Infinity", "0x10"])
def test_absurd_amounts_are_refused(amount):
    within(2, lambda: refused(entries=[an_entry("X", amount)]))
    rule = a_rule("r", "bundle", {"kind": "amount_off", "amount": amount})
    within(2, lambda: refused(rules=[rule]))


@pytest.mark.parametrize(
    "effect",
    [
        {"kind": "round_to", "multiple": "0", "mode": "up"},
        {"kind": "free_goods", "per": "0", "quantity": "1"},
        {"kind": "free_goods", "per": "1", "quantity": "-1"},
        {"kind": "price_model", "price": {"model": "package", "size": "0", "amount": "1"}},
    ],
)
def test_what_would_divide_by_nothing_is_refused(effect):
    assert "must be above zero" in refused(rules=[a_rule("r", "bundle", effect)])


def test_categories_in_a_long_chain_are_refused():
    chain = [
        {"id": f"c{place}", "name": "C", "discountable": True, "parent": f"c{place + 1}"}
        for place in range(10_000)
    ]
    assert "too deep" in within(10, lambda: refused(categories=chain))


def test_many_rules_without_a_scope_are_indexed_in_one_pass():
    rules = [
        a_rule(f"r{place}", "bundle", percent_off("1"), when={"accounts": [f"a{place}"]})
        for place in range(20_000)
    ]
    book = a_book(rules=rules)
    compiled = within(5, lambda: compile_book(book))
    ask = an_ask(an_item(("RRU", "1")), account_id="a777")
    found = within(1, lambda: price(ask, compiled, the_fx()))
    assert nets(found) == ["3118.50 USD"]


def test_a_thousand_percentages_of_one_another_end():
    """Each hangs on the one before; and all of them in a circle, where none has a price."""
    count = 300

    def entry(place, of):
        model = {"model": "percent_of_total", "percent": "100", "skus": [of], "basis": "net"}
        return an_entry(f"P{place}", "0", price=model)

    chain = [an_entry("P0", "7"), *(entry(place, f"P{place - 1}") for place in range(1, count))]
    item = an_item(*((f"P{place}", "1") for place in reversed(range(count))))
    book = compile_book(a_book(entries=chain))
    found = within(20, lambda: price(an_ask(item), book, the_fx()))
    assert set(nets(found)) == {"7.00 USD"}
    circle = [entry(place, f"P{(place - 1) % count}") for place in range(count)]
    found = within(20, lambda: price(an_ask(item), compile_book(a_book(entries=circle)), the_fx()))
    assert ({each.code for each in found.problems}, found.rest) == ({"pricer.percent_cycle"}, None)


def test_every_bad_line_is_its_own_problem_and_the_rest_is_priced():
    """Unknown part, no cost, a tie, no price that day, no rate, quantities, and a good line."""
    entries = [
        an_entry("GOOD", "10"),
        an_entry("COSTLESS", "10") | {"cost": None},
        an_entry("TIED", "10"),
        an_entry("OLD", "10", effective={"first": "2020-01-01", "last": "2020-12-31"}),
        an_entry("POUNDS", "10", currency="GBP"),
        an_entry("DOZENS", "10", quantities={"multiple_of": "12"}),
        an_entry("HUGE", "10"),
        an_entry("PART", "0", price={"model": "percent_of_total", "percent": "10",
                                     "skus": ["COSTLESS"]}),
    ]  # fmt: skip
    rules = [
        a_rule(name, "tier", percent_off("5"), when={"skus": ["TIED"]}) for name in ("one", "two")
    ]
    item = an_item(("GHOST", "1"), ("COSTLESS", "1"), ("TIED", "1"), ("OLD", "1"), ("POUNDS", "1"),
                   ("DOZENS", "13"), ("HUGE", "1" + "0" * 20), ("GOOD", "0"), ("PART", "1"))  # fmt: skip
    second = an_item(("GOOD", "3"), item_id="i2")
    book = compile_book(a_book(entries=entries, rules=rules))
    found = price(an_ask(item, second), book, the_fx())
    assert {each.sku: each.code.removeprefix("pricer.") for each in found.problems} == {
        "GHOST": "no_price",
        "COSTLESS": "no_cost",
        "TIED": "rule_conflict",
        "OLD": "no_price_that_day",
        "POUNDS": "no_rate",
        "DOZENS": "quantity",
        "HUGE": "quantity",
        "GOOD": "quantity",
        "PART": "no_basis",
    }
    assert all(each.item_id == "i1" for each in found.problems)
    assert [(each.item_id, str(each.net_total)) for each in found.rest.lines] == [
        ("i2", "30.00 USD")
    ]
    assert found.rest.totals.net.amount == Decimal("30.00")


def test_a_line_finer_than_money_is_an_error_and_not_rounded_in_secret():
    exact = {"scale": "exact", "mode": "half_up"}
    rounding = {"list": exact, "unit": exact, "line": exact}
    document = the_document(entries=[an_entry("X", "0.000001"), an_entry("Y", "0.1")])
    rule = a_rule("r", "bundle", percent_off("3"))
    book = compile_book(a_book(**document | {"rounding": rounding, "rules": [rule]}))
    found = price(an_ask(an_item(("X", "1"), ("Y", "1"))), book, the_fx())
    (fault,) = found.problems
    assert (fault.code, fault.sku, fault.field) == ("pricer.inexact", "X", "rounding.line")
    assert nets(price(an_ask(an_item(("Y", "1"))), book, the_fx())) == ["0.097 USD"]


@pytest.mark.parametrize(
    "model",
    [
        {"model": "per_unit", "amount": "0.004"},
        {"model": "block", "blocks": [{"up_to": None, "amount": "5", "overage_unit": "0.0004"}]},
        {"model": "tiered", "mode": "graduated", "tiers": [
            {"up_to": "1", "unit": "5"}, {"up_to": None, "unit": "0.001"}]},
    ],
)  # fmt: skip
def test_what_is_something_never_becomes_nothing(model):
    book = compile_book(a_book(entries=[an_entry("X", "0", price=model)]))
    (fault,) = price(an_ask(an_item(("X", "9"))), book, the_fx()).problems
    assert (fault.code, fault.sku, fault.field) == ("pricer.off_scale", "X", "rounding.list")
    assert "rounds to nothing at the point `list`; give `rounding.list` more" in fault.message


def test_aggregates_are_added_up_once_and_not_for_each_line():
    rule = a_rule("q", "quantity", breaks(("9", "0"), (None, "5"), counted="quote"))
    book = a_book(rules=[rule], entries=[an_entry(f"X{place}", "1") for place in range(1500)])
    item = an_item(*((f"X{place}", "1") for place in range(1500)))
    found = within(20, lambda: pricing(an_ask(item), book))
    assert found.totals.net.amount == Decimal("1425.00")
