"""What the lint refuses, in the sentences that an author reads."""

import pytest

from contracts.charges import CHOICE
from services.pricer.domain.books.book import read_book
from services.pricer.domain.lint.lint import Part, lint_book, lint_fx
from tests.unit.pricer.basket import (
    a_rule,
    an_entry,
    breaks,
    percent_off,
    the_document,
    the_fx,
)


def findings(parts=None, tables=None, **changes):
    book = read_book(the_document(**changes))
    if parts is None:
        parts = {each.sku: Part(each.sku, each.unit, each.charge) for each in book.entries}
    return [str(each) for each in lint_book(book, parts, [the_fx()] if tables is None else tables)]


def tiered(*tiers, mode="graduated"):
    price = {"model": "tiered", "mode": mode, "tiers": [{"up_to": a, "unit": b} for a, b in tiers]}
    return {"entries": [an_entry("X", "0", price=price)]}


def ruled(*rules):
    return {"rules": list(rules)}


RAIL = {"id": "g", "version": 1, "name": "Floor", "scope": "line", "action": "approval"}


def test_a_sound_book_has_no_finding():
    assert findings() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            tiered(("10", "5"), ("10", "4"), (None, "3")),
            "entries.X.price: tiers overlap: up_to 10 follows 10; let them rise",
        ),
        (
            tiered(("10", "5"), ("60", "4")),
            "entries.X.price: tiers end at 60, nothing covers more; make the last up_to null",
        ),
        (
            tiered((None, "5"), (None, "4")),
            "entries.X.price: tiers after an open one are never reached; give each an up_to",
        ),
        (
            tiered(("0", "5"), (None, "4")),
            "entries.X.price: the first up_to is 0; begin above zero",
        ),
        (
            tiered(("5", "5"), (None, "6")),
            "entries.X.price: the tier above 5 costs more than the one below; lower its unit",
        ),
        (
            {"entries": [an_entry("X", "0")]},
            "entries.X.price: is 0; give an amount above zero",
        ),
        (
            {"entries": [an_entry("X", "1" + "0" * 20)]},
            "entries.X.price: give an amount below 1000000000000 with at most 6 decimals",
        ),
        (
            {"entries": [an_entry("X", "5") | {"cost": None}]},
            "entries.X: has no cost, which margins, cost-plus and guardrails need; add one",
        ),
        (
            {"entries": [an_entry("X", "5", category="toys")]},
            "entries.X: category toys is not declared; add it to categories",
        ),
        (
            {"entries": [an_entry("X", "5"), an_entry("X", "6")]},
            "entries.X: stands 2 times; keep one",
        ),
        (
            {"entries": [an_entry("X", "0", price={"model": "cost_plus"})]},
            "entries.X.price: give exactly one of markup_on_cost and margin_on_price",
        ),
        (
            {
                "entries": [
                    an_entry("X", "0", price={"model": "cost_plus", "margin_on_price": "118"})
                ]
            },
            "entries.X.price: a margin on the price stays below 100; did you mean markup_on_cost?",
        ),
        (
            {"effective": {"first": "2026-02-01", "last": "2026-01-01"}},
            "effective: ends before it begins; swap first and last",
        ),
        (
            ruled(a_rule("r", "bundle", percent_off("5"), when={"skus": ["GHOST"]})),
            "rules.r: sku GHOST is not in this book; correct it or add it",
        ),
        (
            ruled(a_rule("r", "bundle", percent_off("5"), when={"tiers": ["platinum"]})),
            "rules.r: tier platinum is not in this book; correct it or add it",
        ),
        (
            ruled(a_rule("r", "nowhere", percent_off("5"))),
            "rules.r: group nowhere is not in this book; correct it or add it",
        ),
        (
            ruled(a_rule("r", "bundle", percent_off("101"))),
            "rules.r: 101 % is out of range; give -100 to 100 with at most 4 decimals",
        ),
        (
            ruled(a_rule("r", "bundle", {"kind": "amount_off", "amount": "0"})),
            "rules.r: is 0; give an amount above zero",
        ),
        (
            ruled(a_rule("r", "bundle", percent_off("5"), when={"charges": ["weekly"]})),
            f"rules.r: charge weekly is none; give {CHOICE}",
        ),
        (
            ruled(a_rule("r", "bundle", {"kind": "amount_off", "amount": "1" + "0" * 20})),
            "rules.r: give an amount below 1000000000000 with at most 6 decimals",
        ),
        (
            ruled(a_rule("r", "quantity", breaks(("9", "8"), (None, "5")))),
            "rules.r: more than 9 gets less off than fewer; let the percent rise",
        ),
        (
            ruled(a_rule("r", "quantity", breaks(("9", "8"), ("20", "9")))),
            "rules.r: breaks end at 20, nothing covers more; make the last up_to null",
        ),
        (
            ruled(a_rule("r", "bundle", {"kind": "unit_price", "amount": "5"})),
            "rules.r: a price for each unit is for contracts; use percent_off or amount_off",
        ),
        (
            ruled(a_rule("r", "contract", percent_off("5"))),
            (
                "rules.r: rules for accounts stand in a group of the stage contracted_price, no others"
                " do; move it, or name its accounts"
            ),
        ),
        (
            ruled(
                a_rule("r", "tier", percent_off("5"), when={"tiers": ["gold"]}),
                a_rule("s", "tier", percent_off("6"), when={"regions": ["EMEA"]}),
            ),
            (
                "rules.r: ties with s in group tier; give one a higher priority or a narrower"
                " condition"
            ),
        ),
        (
            {"guardrails": [RAIL]},
            "guardrails.g: give exactly one of margin_on_price and price",
        ),
        (
            {"guardrails": [RAIL | {"margin_on_price": "100"}]},
            "guardrails.g: a margin on the price lies from 0 to below 100; change it",
        ),
        (
            {"guardrails": [RAIL | {"price": "3200", "skus": ["RRU"]}]},
            (
                "guardrails.g: RRU is listed at 3150.00, below this floor; raise its price or lower"
                " the floor"
            ),
        ),
        (
            {"guardrails": [RAIL | {"scope": "quote", "margin_on_price": "5", "action": "clamp"}]},
            (
                "guardrails.g: a floor of the whole quote is a margin with the action approval, no"
                " scope"
            ),
        ),
        (
            {"guardrails": [RAIL | {"price": "5", "skus": ["GHOST"]}]},
            "guardrails.g: sku GHOST is not in this book; correct it or add it",
        ),
        (
            {"guardrails": [RAIL | {"price": "5", "when": {"tiers": ["platinum"]}}]},
            "guardrails.g: tier platinum is not in this book; correct it or add it",
        ),
        (
            {"guardrails": [RAIL | {"price": "5", "when": {"skus": ["RRU"]}}]},
            (
                "guardrails.g: names parts in its condition, where they narrow nothing; give them as"
                " skus and categories of the guardrail itself"
            ),
        ),
        (
            {
                "guardrails": [
                    RAIL
                    | {"scope": "quote", "margin_on_price": "5", "when": {"products": ["macro"]}}
                ]
            },
            (
                "guardrails.g: a floor of the whole quote can not hang on products of lines; drop"
                " that, or make it a floor of lines"
            ),
        ),
        (
            {"tables": []},
            "currencies.EUR: no FX table is published; publish one",
        ),
        (
            {"currencies": ["USD", "GBP"]},
            (
                "currencies.GBP: FX table fx version 1 has no rate USD/GBP; add it or drop the"
                " currency"
            ),
        ),
        (
            {"parts": {"GHOST": Part("GHOST", "pcs", "one_time")}},
            "entries.GHOST: the part master has this part; add an entry for it",
        ),
        (
            {"parts": {}},
            "entries.RRU: the part master has no such part; drop it or add it",
        ),
        (
            {"parts": {"RRU": Part("RRU", "day", "monthly")}},
            (
                "entries.RRU: is sold per pcs, one_time; the part master says day, monthly: make them"
                " agree"
            ),
        ),
    ],
)
def test_each_fault_is_told_with_what_to_change(changes, expected):
    assert expected in findings(**changes)


@pytest.mark.parametrize(
    "narrower",
    [
        {"priority": 1},
        {"when": {"tiers": ["standard"]}},
        {"when": {"tiers": ["gold"], "skus": ["RRU"]}},
        {"when": {"tiers": ["gold"], "regions": ["EMEA"]}},
    ],
)
def test_rules_that_can_not_tie_are_no_fault(narrower):
    one = a_rule("r", "tier", percent_off("5"), when={"tiers": ["gold"]})
    other = {"when": {"tiers": ["gold"]}} | narrower
    found = findings(rules=[one, a_rule("s", "tier", percent_off("6"), **other)])
    assert not [each for each in found if "ties" in each]


def test_rules_of_other_days_do_not_tie():
    spring = {"effective": {"first": "2026-03-01", "last": "2026-05-31"}}
    summer = {"effective": {"first": "2026-06-01"}}
    one = a_rule("r", "tier", percent_off("5"), when=spring)
    assert findings(rules=[one, a_rule("s", "tier", percent_off("6"), when=summer)]) == []
    late = {"effective": {"first": "2026-05-31"}}
    assert findings(rules=[one, a_rule("s", "tier", percent_off("6"), when=late)]) != []


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        ("0", "pairs USD/EUR: give a rate above zero with at most 10 decimals"),
        ("-1.5", "pairs USD/EUR: give a rate above zero with at most 10 decimals"),
        ("0.92345678901", "pairs USD/EUR: give a rate above zero with at most 10 decimals"),
    ],
)
def test_a_rate_is_a_sane_number(rate, expected):
    assert [str(each) for each in lint_fx(the_fx(EUR=rate))] == [expected]
    assert lint_fx(the_fx(EUR="0.9234567890")) == []


def on_quote(effect, **when):
    """A book with one discount on the whole quote."""
    groups = [{"id": "order", "stage": "header_discount", "select": "all"}]
    return {"groups": groups, "rules": [a_rule("r", "order", effect, when=when)]}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            on_quote({"kind": "markup", "percent": "5", "on": "running"}),
            (
                "rules.r: a rule of header_discount takes percent_off or amount_off off its lines"
                " together; use one of them, or move it to a stage of single lines"
            ),
        ),
        (
            on_quote(percent_off("5"), quantity={"at_least": "3"}),
            (
                "rules.r: the quantity of a rule of header_discount is that of all its lines; say"
                " counted: quote, or move it to a stage of single lines"
            ),
        ),
        (
            on_quote(percent_off("5"), amount={"at_least": "3", "counted": "line"}),
            (
                "rules.r: the amount of a rule of header_discount is that of all its lines; say"
                " counted: quote, or move it to a stage of single lines"
            ),
        ),
        (
            {
                "groups": [{"id": "after", "stage": "off_invoice", "select": "all"}],
                "rules": [
                    a_rule("r", "after", {"kind": "free_goods", "per": "3", "quantity": "1"})
                ],
            },
            (
                "rules.r: free goods are lines of the quote; move it to a group of the stage"
                " promotion"
            ),
        ),
    ],
)
def test_what_a_stage_can_not_do_is_refused_and_not_passed_over(changes, expected):
    assert findings(**changes) == [expected]


def test_discounts_on_the_quote_and_surcharges_by_amount_are_no_fault():
    assert (
        findings(**on_quote(percent_off("5"), quantity={"at_least": "3", "counted": "quote"})) == []
    )
    more = a_rule("r", "bundle", {"kind": "amount_off", "amount": "-5"})
    assert findings(rules=[more]) == []


def test_a_guardrail_that_covers_no_part_is_told():
    rail = RAIL | {"price": "5", "categories": ["empty"]}
    categories = [*the_document()["categories"], {"id": "empty", "name": "E", "discountable": True}]
    assert findings(guardrails=[rail], categories=categories) == [
        "guardrails.g: covers no part of this book, so it holds nothing; correct it or drop it"
    ]


def in_a_group(select, *rules, stage="promotion"):
    return {"groups": [{"id": "g", "stage": stage, "select": select}], "rules": list(rules)}


def test_two_rules_that_each_stand_alone_tie_whatever_the_group_selects_by():
    """The one whose id came first won, and nobody was told."""
    for select in ("all", "best_for_customer", "highest_priority", "most_specific"):
        one = a_rule("a", "g", percent_off("5"), exclusive=True)
        other = a_rule("b", "g", percent_off("6"), exclusive=True, when={"skus": ["RRU"]})
        assert findings(**in_a_group(select, one, other)) == [
            (
                "rules.a: and b each stand alone in group g; give one a higher priority or a narrower"
                " condition"
            )
        ]
        later = findings(**in_a_group(select, one, other | {"priority": 1}))
        assert [each for each in later if "stand alone" in each] == []


def test_what_a_rule_that_stands_alone_keeps_out_never_applies():
    alone = a_rule("a", "g", percent_off("5"), exclusive=True)
    amount = a_rule("b", "g", {"kind": "amount_off", "amount": "3"})
    for select in ("all", "best_for_customer"):
        assert findings(**in_a_group(select, alone, amount)) == [
            (
                "rules.b: never applies: a in group g covers all that it covers, and wins; drop it or"
                " raise its priority"
            )
        ]


def test_of_percentages_of_which_the_best_is_taken_a_smaller_one_never_applies():
    less, more = a_rule("a", "g", percent_off("5")), a_rule("b", "g", percent_off("6"))
    gold = a_rule("c", "g", percent_off("7"), when={"tiers": ["gold"]})
    amount = a_rule("d", "g", {"kind": "amount_off", "amount": "3"})
    assert findings(**in_a_group("best_for_customer", less, more, gold, amount)) == [
        (
            "rules.a: never applies: b in group g covers all that it covers, and wins; drop it or let it"
            " take more off"
        )
    ]
    assert findings(**in_a_group("all", less, more)) == []


def dated(first, last, amount="5", charge="one_time"):
    return an_entry("X", amount, charge=charge, effective={"first": first, "last": last})


def test_days_between_two_prices_on_which_there_is_none_are_told():
    spring, later = dated("2026-01-01", "2026-03-01"), dated("2026-04-01", None)
    assert findings(entries=[later, spring]) == [
        (
            "entries.X: has no price from 2026-03-02 to 2026-03-31; let one of its entries begin or end"
            " there"
        )
    ]
    assert findings(entries=[spring, dated("2026-03-02", "9999-12-31")]) == []
    assert findings(entries=[spring, later, an_entry("X", "9")]) == []
    assert findings(entries=[spring, dated("2026-04-01", None, charge="yearly")]) == []


def test_a_category_below_one_that_is_not_there_is_told():
    more = {"id": "radio", "name": "Radios", "discountable": True, "parent": "hardwear"}
    assert findings(categories=[*the_document()["categories"], more]) == [
        "categories.radio: its parent hardwear is not in this book; correct it or add it"
    ]
