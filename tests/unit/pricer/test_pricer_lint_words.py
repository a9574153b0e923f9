"""The lint of every word of a book: cliffs, circles, shadows, and books made to keep it busy."""

import time

import pytest

from services.pricer.domain.books.book import read_book
from services.pricer.domain.lint.lint import Part, lint_book
from tests.unit.pricer.basket import (
    HALF_UP,
    a_rule,
    an_entry,
    breaks,
    percent_off,
    the_document,
    the_fx,
)
from tests.unit.pricer.test_pricer_lint import findings, ruled


def warnings(**changes):
    book = read_book(the_document(**changes))
    parts = {each.sku: Part(each.sku, each.unit, each.charge) for each in book.entries}
    found = lint_book(book, parts, [the_fx()])
    assert not [each for each in found if each.severity == "error"], found
    return [str(each) for each in found]


def priced(**price):
    return {"entries": [an_entry("X", "0", price=price)]}


def tiers(*each, mode="volume"):
    return priced(model="tiered", mode=mode, tiers=[{"up_to": a, "unit": b} for a, b in each])


def blocks(*each, **last):
    found = [{"up_to": a, "amount": b} for a, b in each]
    found[-1] |= last
    return priced(model="block", blocks=found)


def percent_of(percent="10", **scope):
    return {"model": "percent_of_total", "percent": percent} | scope


# ---- price cliffs are told, and do not bar


def test_a_volume_tier_that_makes_one_more_unit_cheaper_is_told_with_the_least_unit_price():
    assert warnings(**tiers(("10", "10"), (None, "8"))) == [
        ("entries.X.price: 11 units cost 88, less than 10 units for 100; make the mode graduated, or"
        " the unit of that tier at least 9.09091")
    ]  # fmt: skip
    assert warnings(**tiers(("10", "10"), (None, "9.090910"))) == []
    assert warnings(**tiers(("10", "10"), (None, "8"), mode="graduated")) == []


def test_a_block_that_costs_less_than_the_one_before_is_told():
    assert warnings(**blocks(("10", "100"), ("20", "90"))) == [
        "entries.X.price: the block above 10 costs 90, less than 100 for fewer units; raise it"
    ]


def test_a_schedule_by_ranges_has_cliffs_whatever_the_list_price_is():
    rule = a_rule("r", "quantity", breaks(("9", "0"), ("99", "5"), (None, "20")))
    assert warnings(**ruled(rule)) == [
        ("rules.r: 100 units at 20 % off cost less than 99 units at 5 % off; put a break between, or"
        " use the mode slab")
    ]  # fmt: skip
    rule["effect"]["mode"] = "slab"
    assert warnings(**ruled(rule)) == []


# ---- price models


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (blocks(("10", "5"), ("10", "6")), "blocks overlap: up_to 10 follows 10; let them rise"),
        (blocks((None, "5"), ("10", "6")), "blocks after an open one are never reached"),
        (blocks(("10", "-5")), "the amount of a block lies from 0 to below"),
        (blocks(("10", "5"), overage_above="10"), "gives overage_above without overage_unit"),
        (priced(**percent_of("0")), "0 % is out of range; give more than 0, up to 1000"),
        (priced(**percent_of(minimum="5", maximum="4")), "its minimum is above its maximum"),
        (priced(**percent_of(skus=["GHOST"])), "sku GHOST is not in this book"),
        (priced(model="derived"), "is derived, and the book names no parent"),
        (
            {"entries": [an_entry("X", "5", minimum="9", maximum="8")]},
            "its minimum is above its maximum; swap them",
        ),
        (
            {"entries": [an_entry("X", "5", quantities={"at_least": "9", "at_most": "8"})]},
            "no quantity is from 9 up to 8; swap them",
        ),
        (
            {"entries": [an_entry("X", "5", units=[{"unit": "pcs", "factor": "10"}])]},
            "names a unit twice; keep one factor for each",
        ),
        (
            {"entries": [an_entry("X", "5", currency="CHF")]},
            "has no rate CHF/EUR; add it or drop the currency, in which entry X is priced",
        ),
    ],
)  # fmt: skip
def test_each_fault_of_a_price_model_is_told(changes, expected):
    assert any(expected in each for each in findings(**changes)), findings(**changes)


@pytest.mark.parametrize(
    ("currency", "multiple", "expected"),
    [
        ("JPY", "0.05", "rounding.cash.JPY: the multiple 0.05 is finer than JPY has"),
        ("BHD", "0.0125", "give whole multiples of 0.001"),
        ("SEK", "1", "rounding.cash.SEK: the book is not sold in SEK; drop it"),
        ("BHD", "0.005", None),
        ("JPY", "5", None),
    ],
)
def test_what_is_paid_in_cash_is_an_amount_that_the_currency_has(currency, multiple, expected):
    cash = {"currency": currency, "multiple": multiple, "mode": "half_up"}
    policy = {"list": HALF_UP, "unit": HALF_UP, "line": "half_up", "cash": [cash]}
    found = findings(rounding=policy, currencies=["USD", "JPY", "BHD"])
    assert len(found) == (expected is not None)
    assert all(expected in each for each in found)
    found = findings(rounding=policy | {"cash": [cash, cash]}, currencies=["USD", "JPY", "BHD"])
    assert f"rounding.cash.{currency}: stands 2 times; keep one" in found


def test_a_part_may_have_a_price_for_each_charge_and_from_each_day():
    twice = [
        an_entry("X", "5"),
        an_entry("X", "6", effective={"first": "2026-06-01"}),
        an_entry("X", "1", charge="monthly"),
    ]
    assert findings(entries=twice) == []
    again = [*twice, an_entry("X", "7", effective={"first": "2026-06-01"})]
    assert findings(entries=again) == ["entries.X: stands 2 times; keep one"]


def test_percentages_that_are_of_one_another_are_told():
    entries = [
        an_entry("A", "0", price=percent_of(skus=["B"])),
        an_entry("B", "0", price=percent_of(skus=["C"])),
        an_entry("C", "0", price=percent_of(skus=["A"])),
        an_entry("D", "0", price=percent_of(skus=["A"])),
        an_entry("E", "5"),
    ]
    circle = "which hangs on it in turn; narrow one of their scopes"
    found = findings(entries=entries)
    assert f"entries.A.price: is a percentage of B, {circle}" in found
    assert not [each for each in findings(entries=entries[3:], parts={}) if circle in each]


def test_categories_that_go_round_in_a_circle_are_told():
    categories = [
        {"id": "hardware", "name": "Hardware", "discountable": True, "parent": "toys"},
        {"id": "toys", "name": "Toys", "discountable": True, "parent": "hardware"},
    ]
    found = findings(entries=[an_entry("X", "5")], categories=categories)
    assert found == ["book: category hardware is its own ancestor or too deep; correct parent"]


# ---- rules


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        ({"kind": "markup", "percent": "-1", "on": "cost"}, "out of range; give 0 to 10000"),
        ({"kind": "margin_floor", "margin_on_price": "100"}, "lies from 0 to below 100"),
        ({"kind": "line_limits", "minimum": "9", "maximum": "8"}, "its minimum is above its"),
        ({"kind": "free_goods", "per": "10", "quantity": "1", "sku": "GHOST"}, "sku GHOST is not"),
        (breaks(("9", "0")), "breaks end at 9, nothing covers more"),
    ],
)
def test_each_fault_of_an_effect_is_told(effect, expected):
    found = findings(**ruled(a_rule("r", "bundle", effect)))
    assert any(expected in each for each in found), found


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"segments": ["public"]}, "segment public is not in this book; correct it or add it"),
        ({"channels": ["web"]}, "channel web is not in this book; correct it or add it"),
        ({"currencies": ["CHF"]}, "currency CHF is not in this book; correct it or add it"),
        (
            {"quantity": {"at_least": "10", "up_to": "5"}},
            "asks for a quantity from 10 up to 5; swap them",
        ),
    ],
)
def test_each_fault_of_a_condition_is_told(when, expected):
    found = findings(**ruled(a_rule("r", "bundle", percent_off("5"), when=when)))
    assert found == [f"rules.r: {expected}"]


def test_rules_in_vain_are_told():
    categories = [
        *the_document()["categories"],
        {"id": "toys", "name": "Toys", "discountable": True},
    ]
    past = {"first": "2020-01-01", "last": "2020-12-31"}
    assert warnings(
        categories=categories,
        rules=[
            a_rule("r", "bundle", percent_off("5"), when={"categories": ["toys"]}),
            a_rule("s", "bundle", percent_off("5"), when={"effective": past}),
            a_rule("t", "bundle", percent_off("5"), when={"charges": ["yearly", "half_yearly"]}),
        ],
    ) == [
        "rules.r: covers no part of this book, so it never applies; correct it or drop it",
        "rules.s: is in force on no day on which the book is; correct its days or drop it",
        "rules.t: no part of this book is charged half_yearly; correct it or drop it",
    ]


def test_a_rule_in_the_shadow_of_a_wider_one_is_told():
    narrow = a_rule("r", "tier", percent_off("5"), when={"tiers": ["gold"]})
    wide = a_rule("s", "tier", percent_off("6"), when={"tiers": ["gold", "standard"]}, priority=1)
    assert warnings(rules=[narrow, wide]) == [
        ("rules.r: never applies: s in group tier covers all that it covers, and wins; drop it or"
        " raise its priority")
    ]  # fmt: skip
    assert warnings(rules=[narrow, wide | {"priority": -1}]) == []


@pytest.mark.parametrize(
    "apart",
    [
        {"quantity": {"at_least": "10"}},
        {"segments": ["public"]},
        {"attributes": [{"name": "band", "values": ["n1"]}]},
    ],
)
def test_rules_tie_only_where_both_can_hold(apart):
    other = {
        "quantity": {"up_to": "9"},
        "segments": ["private"],
        "attributes": [{"name": "band", "values": ["n78"]}],
    }
    (name,) = apart
    more = {"segments": ["public", "private"]}
    one = a_rule("r", "tier", percent_off("5"), when=apart)
    two = a_rule("s", "tier", percent_off("6"), when={name: other[name]})
    assert findings(rules=[one, two], **more) == []
    twin = a_rule("s", "tier", percent_off("6"), when=apart)
    assert "ties with s" in findings(rules=[one, twin], **more)[0]


# ---- books made to keep the lint busy


def quickly(**changes):
    began = time.perf_counter()
    found = findings(**changes)
    assert time.perf_counter() - began < 10
    return found


def test_many_rules_for_single_parts_are_linted_in_a_moment():
    rules = [
        a_rule(f"r{n}", "tier", percent_off("5"), when={"skus": ["RRU"], "accounts": []}, priority=n)
        for n in range(5000)
    ]  # fmt: skip
    assert quickly(rules=rules) != []


def test_rules_that_all_meet_are_told_to_be_too_many():
    rules = [a_rule(f"r{n}", "tier", percent_off("5")) for n in range(3000)]
    assert quickly(rules=rules)


def test_a_thousand_percentages_of_everything_are_linted_in_a_moment():
    price = percent_of(categories=["hardware"])
    entries = [an_entry(f"P{n}", "0", price=price) for n in range(1000)]
    assert "which hangs on it in turn" in quickly(entries=entries)[0]
