"""A price book reads like a price list: prices, effects, conditions, floors, rounding."""

import pytest
from pydantic import TypeAdapter

from services.pricer.domain.books.book import Guardrail, RoundingPolicy
from services.pricer.domain.books.price_models import PriceModel
from services.pricer.domain.books.rules import Condition, Effect
from services.pricer.domain.releases.price_words import price_words, rounding_words
from services.pricer.domain.releases.rule_words import (
    condition_words,
    covered_words,
    effect_words,
    floor_words,
)

A_PRICE: TypeAdapter[PriceModel] = TypeAdapter(PriceModel)
AN_EFFECT: TypeAdapter[Effect] = TypeAdapter(Effect)
TWO = [{"up_to": "10", "unit": "9.50", "flat": "5"}, {"up_to": None, "unit": "8"}]
OPEN = [{"up_to": None, "size": "12", "amount": "20"}]
MANY = [{"up_to": str(n), "percent": str(n)} for n in range(1, 9)]
BREAKS = [{"up_to": "9", "percent": "0"}, {"up_to": None, "amount": "1.5"}]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"model": "per_unit", "amount": "1850"}, "1850.00 EUR per pcs"),
        (
            {"model": "tiered", "mode": "graduated", "tiers": TWO},
            "to 10: 9.50 and 5 once; above: 8 EUR per pcs, each unit at its own tier",
        ),
        (
            {
                "model": "block",
                "blocks": [
                    {"up_to": "5", "amount": "100"},
                    {"up_to": None, "amount": "100", "overage_unit": "9", "overage_above": "5"},
                ],
            },
            "to 5: 100; above: 100 and 9 a unit above 5 EUR for the line",
        ),
        (
            {"model": "package", "size": "12", "amount": "20", "free_units": "2"},
            "20.00 EUR per package of 12 pcs, started packages count whole, the first 2 free",
        ),
        (
            {"model": "package_tiers", "mode": "volume", "tiers": OPEN},
            "20 for 12, EUR per package, all at the tier reached",
        ),
        (
            {"model": "cost_plus", "markup_on_cost": "30", "floor": "7"},
            "cost and 30 % on it, 7.00 EUR at least",
        ),
        (
            {"model": "cost_plus", "margin_on_price": "30"},
            "cost and a margin of 30 % of the price",
        ),
        (
            {"model": "percent_of_total", "percent": "18", "basis": "list", "maximum": "900"},
            "18 % of the list price of all other lines in the quote, 900.00 EUR at most",
        ),
        (
            {
                "model": "derived",
                "percent_off": "-4",
                "round": {"multiple": "10", "mode": "up", "add": "-0.01"},
            },
            "as in the parent book, 4 % surcharge, to a multiple of 10, up, less 0.01",
        ),
    ],
)
def test_a_price_is_told(model: object, said: str) -> None:
    assert price_words(A_PRICE.validate_python(model), "EUR", "pcs") == said


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        ({"kind": "percent_off", "percent": "5.0"}, "5 % off"),
        (
            {"kind": "percent_off", "percent": "-2", "round": {"scale": 1, "mode": "down"}},
            "2 % surcharge, rounded to 1 decimal, down",
        ),
        ({"kind": "amount_off", "amount": "150", "per": "line"}, "150.00 EUR off the line"),
        ({"kind": "unit_price", "amount": "15100"}, "15100.00 EUR per unit"),
        (
            {"kind": "price_model", "price": {"model": "per_unit", "amount": "3"}},
            "3.00 EUR per unit",
        ),
        ({"kind": "markup", "percent": "12", "on": "cost"}, "12 % on the cost"),
        (
            {"kind": "margin_floor", "margin_on_price": "20"},
            "a margin of 20 % of the price at least",
        ),
        (
            {"kind": "round_to", "multiple": "0.05", "mode": "half_up"},
            "to a multiple of 0.05, half up",
        ),
        (
            {"kind": "line_limits", "minimum": "10", "maximum": "90"},
            "the line 10.00 EUR at least, 90.00 EUR at most",
        ),
        (
            {"kind": "free_goods", "per": "10", "quantity": "1", "at_most": "5"},
            "for every 10 units 1 of the same part for nothing, 5 at most",
        ),
        (
            {"kind": "quantity_breaks", "mode": "slab", "counted": "line", "breaks": BREAKS},
            "to 9: nothing off; above: 1.50 EUR off each unit, each unit at its own break",
        ),
        (
            {"kind": "quantity_breaks", "mode": "range", "counted": "quote", "breaks": MANY},
            "; ".join(f"to {n}: {n} % off" for n in range(1, 7))
            + "; and 2 more steps, counted over the quote",
        ),
    ],
)
def test_an_effect_is_told(effect: object, said: str) -> None:
    assert effect_words(AN_EFFECT.validate_python(effect), "EUR") == said


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ({}, "always"),
        (
            {"categories": ["radio", "antenna"], "tiers": ["gold"]},
            "categories radio, antenna; customer tiers gold",
        ),
        (
            {"skus": ["A"], "alongside_skus": ["B"], "together": [{"sku": "C", "at_least": "2"}]},
            "parts A; beside B in the same item; with 2 C",
        ),
        (
            {
                "effective": {"first": "2026-09-01", "last": "2026-12-31"},
                "charges": ["one_time", "every_4_months"],
            },
            "charges one-time, every 4 months; from 2026-09-01 to 2026-12-31",
        ),
        (
            {
                "quantity": {"at_least": "10", "up_to": "49", "counted": "item"},
                "amount": {"at_least": "1000", "currency": "USD"},
            },
            "quantity of the item from 10 to 49; amount of the whole quote from 1000 USD",
        ),
        (
            {
                "attributes": [{"name": "colour", "values": ["red", "blue"]}],
                "between": {"first": "2026-11-27T08:00:00Z"},
            },
            "colour red or blue; from 2026-11-27 08:00 on",
        ),
    ],
)
def test_a_condition_is_told(when: object, said: str) -> None:
    assert condition_words(Condition.model_validate(when)) == said


def test_a_guardrail_says_what_becomes_of_what_is_below_it() -> None:
    rail = {"id": "g", "version": 1, "name": "g", "scope": "line", "categories": ["radio"]}
    floor = Guardrail.model_validate({**rail, "margin_on_price": "10", "action": "approval"})
    told = "at least a margin of 10 % of the price; what is below needs approval"
    assert floor_words(floor, "EUR") == told
    price = Guardrail.model_validate(
        {**rail, "price": "870", "action": "clamp", "when": {"regions": ["EMEA"]}}
    )
    assert (
        floor_words(price, "EUR") == "at least 870.00 EUR per unit; what is below is lifted to it"
    )
    assert covered_words(price) == "radio; regions EMEA"


def test_every_rounding_point_is_told() -> None:
    policy = RoundingPolicy.model_validate(
        {
            "list": {"mode": "half_up"},
            "unit": {"scale": "exact", "mode": "half_up"},
            "line": {"mode": "half_even", "multiple": "0.5"},
            "cash": [{"currency": "CHF", "multiple": "0.05", "mode": "half_up"}],
        }
    )
    assert rounding_words(policy) == [
        ("List price", "minor units, half up"),
        ("Unit price", "not rounded"),
        ("Line", "to a multiple of 0.5, half to even"),
        ("Unit prices are", "of the sold unit"),
        ("Paid in CHF", "to a multiple of 0.05, half up"),
    ]
