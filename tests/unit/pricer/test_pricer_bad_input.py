"""Bad input gets a code, a field and what to do; never a zero, never part of a price."""

import pytest
from pydantic import ValidationError

from services.pricer.domain.asks.ask import PriceAsk
from services.pricer.domain.asks.checks import sellers_alone
from tests.unit.pricer.basket import (
    HALF_UP,
    a_book,
    a_discount,
    a_rule,
    an_ask,
    an_entry,
    an_item,
    percent_off,
    problems,
    the_fx,
)

RRU = an_item(("RRU", "1"))


@pytest.mark.parametrize(
    ("ask", "code", "field", "words"),
    [
        (
            an_ask(RRU, customer_tier="platinum"),
            "pricer.unknown_tier",
            "customer_tier",
            "customer_tier 'platinum' is not in the price book; use one of standard, gold",
        ),
        (
            an_ask(RRU, region="MARS"),
            "pricer.unknown_region",
            "region",
            "region 'MARS' is not in the price book; use one of EMEA, LATAM",
        ),
        (
            an_ask(RRU, currency="XAU"),
            "pricer.unknown_currency",
            "currency",
            "currency 'XAU' is not in the price book; use one of USD, EUR, JPY, BHD",
        ),
        (
            an_ask(an_item(("GHOST", "1"))),
            "pricer.no_price",
            "items.i1.bill_of_materials.GHOST",
            "GHOST has no entry in price book bts version 1; add one, or choose another part",
        ),
        (
            an_ask(an_item()),
            "pricer.empty_item",
            "items.i1.bill_of_materials",
            "item i1 has no parts to price; configure it first",
        ),
        (
            an_ask(an_item(("RRU", "900000"), quantity="2")),
            "pricer.quantity",
            "items.i1.bill_of_materials.RRU",
            "the quantity of RRU in all 2 items is absurd or too fine; lower it",
        ),
        (
            an_ask(an_item(("RRU", "0.001"), quantity="0.5")),
            "pricer.quantity",
            "items.i1.bill_of_materials.RRU",
            "the quantity of RRU in all 0.5 items is absurd or too fine; lower it",
        ),
        (
            an_ask(RRU, RRU),
            "pricer.item_twice",
            "items.i1",
            "the item id i1 stands twice; give each item its own",
        ),
        (
            an_ask(RRU, discounts=[a_discount("100.01")]),
            "pricer.discount_range",
            "discounts.0",
            "a discount of 100.01 % is impossible; give 0 to 100",
        ),
        (
            an_ask(RRU, discounts=[a_discount("-5")]),
            "pricer.discount_range",
            "discounts.0",
            "a discount of -5 % is impossible; give 0 to 100",
        ),
        (
            an_ask(RRU, discounts=[a_discount("3.14159")]),
            "pricer.discount_scale",
            "discounts.0",
            "give the discount with at most 4 decimals",
        ),
        (
            an_ask(RRU, discounts=[a_discount("0.00000000000000000001")]),
            "pricer.discount_scale",
            "discounts.0",
            "give the discount with at most 4 decimals",
        ),
        (
            an_ask(RRU, discounts=[a_discount("100000000000000000000")]),
            "pricer.discount_range",
            "discounts.0",
            "a discount of 100000000000000000000 % is impossible; give 0 to 100",
        ),
        (
            an_ask(RRU, discounts=[a_discount("5"), a_discount("5", "i9")]),
            "pricer.discount_unknown_item",
            "discounts.1",
            "there is no item i9; discount one of i1",
        ),
        (
            an_ask(RRU, discounts=[a_discount("5"), a_discount("6")]),
            "pricer.discount_twice",
            "discounts.1",
            "the quote is discounted twice; ask for one percentage",
        ),
        (
            an_ask(an_item(("CIVIL", "1")), discounts=[a_discount("5", "i1")]),
            "pricer.not_discountable",
            "discounts.0",
            "no part of item i1 is sold with discounts; drop this one",
        ),
    ],
)
def test_a_seller_is_told_what_to_change(ask, code, field, words):
    found = problems(ask)
    assert [(each.code, each.field, each.message) for each in found] == [(code, field, words)]
    assert sellers_alone(found) == (code != "pricer.no_price")


def test_all_problems_come_at_once_and_no_line_is_priced():
    ask = an_ask(
        an_item(("RRU", "1"), ("GHOST", "1")), region="MARS", discounts=[a_discount("200", "i1")]
    )
    assert [each.code for each in problems(ask)] == [
        "pricer.unknown_region",
        "pricer.discount_range",
        "pricer.no_price",
    ]


def test_a_missing_rate_is_named():
    found = problems(an_ask(RRU, currency="JPY"), fx=the_fx(EUR="0.92"))
    assert [(each.code, each.field, each.message) for each in found] == [
        (
            "pricer.no_rate",
            "currency",
            "FX table fx version 1 has no rate from USD to JPY; publish one that has",
        )
    ]
    assert not sellers_alone(found)


@pytest.mark.parametrize(
    "price",
    [
        {"model": "per_unit", "amount": "10"},
        {"model": "cost_plus", "markup_on_cost": "10"},
        {"model": "cost_plus", "margin_on_price": "10"},
    ],
)
def test_a_missing_cost_is_a_problem_of_the_line_and_never_a_price(price):
    """The lint refuses such a book; the engine does not trust that it did."""
    book = a_book(entries=[an_entry("X", "0", price=price) | {"cost": None}])
    found = problems(an_ask(an_item(("X", "1"))), book)
    assert [(each.code, each.sku, each.item_id) for each in found] == [
        ("pricer.no_cost", "X", "i1")
    ]


def test_a_tie_of_rules_is_a_problem_of_the_line():
    rules = [a_rule("r", "tier", percent_off("5")), a_rule("s", "tier", percent_off("6"))]
    found = problems(an_ask(RRU), a_book(rules=rules))
    assert [(each.code, each.message) for each in found] == [
        (
            "pricer.rule_conflict",
            "the rules r and s tie for RRU; give one of them a higher priority",
        )
    ]


def test_a_price_of_too_many_digits_is_refused_and_not_rounded_in_secret():
    exact = {"scale": "exact", "mode": "half_up"}
    groups = [{"id": "g", "stage": "bundle", "select": "all"}]
    rules = [a_rule(f"r{place}", "g", percent_off("3.1415")) for place in range(12)]
    book = a_book(
        rules=rules,
        groups=groups,
        entries=[an_entry("X", "999999999.999999")],
        rounding={"list": exact, "unit": HALF_UP, "line": "half_up"},
    )
    found = problems(an_ask(an_item(("X", "999.999"))), book)
    assert [each.code for each in found] == ["pricer.inexact"]


@pytest.mark.parametrize(
    "changes",
    [
        {"discounts": [{"percent": 5.5, "rationale": "a float"}]},
        {"discounts": [{"percent": "NaN", "rationale": "no number"}]},
        {"discounts": [{"percent": "5", "rationale": "x"}]},
        {"items": []},
        {"currency": "euro"},
        {"day": "yesterday"},
        {"discount": "10"},
    ],
)
def test_what_does_not_fit_the_contract_never_reaches_the_domain(changes):
    with pytest.raises(ValidationError):
        PriceAsk.model_validate(an_ask(RRU).model_dump() | changes)
