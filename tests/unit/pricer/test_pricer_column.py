"""List prices of single parts: what a quote will show, and whether they grow evenly."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.configuration import BomLine
from contracts.pricing import PriceColumn
from contracts.values import Money
from services.pricer import handlers
from services.pricer.domain.asks.ask import BasketItem, ColumnAsk, PriceAsk
from services.pricer.domain.books.compiled import compile_book
from services.pricer.domain.levers.column import column
from services.pricer.handlers import NotPriceable
from tests.unit.pricer.basket import a_book, a_rule, an_ask, an_item, the_document, the_fx
from tests.unit.pricer.test_pricer_answers import (  # noqa: F401
    SHELF,
    client,
    store,
)

DAY = date(2026, 11, 25)
BOOK = SHELF.book(None, DAY)
SKUS = sorted(BOOK.offers)
CONTEXT = {
    "account_id": "a-1",
    "customer_tier": "gold",
    "region": "EMEA",
    "currency": "EUR",
    "day": DAY,
}


def a_column(**changes):
    ask = {"skus": SKUS, **CONTEXT, **changes}
    return handlers.column(ColumnAsk.model_validate(ask), SHELF)


def quoted(parts, **changes):
    """What a preview says of these parts in one item, by SKU."""
    lines = [BomLine(sku=sku, name=sku, quantity=many, option="-") for sku, many in parts.items()]
    item = BasketItem(item_id="i", product="p", quantity=1, bill_of_materials=lines)
    ask = PriceAsk.model_validate({**CONTEXT, **changes, "items": [item.model_dump()]})
    return handlers.preview(ask, handlers.PricingPins(), SHELF)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(SKUS), st.integers(1, 400), min_size=1, max_size=12),
    st.sampled_from(["EUR", "USD", "JPY"]),
    st.sampled_from(["standard", "silver", "gold"]),
    st.sampled_from(["EMEA", "NAM", "APAC"]),
)
def test_the_column_summed_is_the_list_total_of_a_preview(parts, currency, tier, region):
    context = {"currency": currency, "customer_tier": tier, "region": region}
    units = {each.sku: each for each in a_column(**context).prices}
    found = quoted(parts, **context)
    summed = sum(units[sku].list_unit.amount * many for sku, many in parts.items())
    assert found.totals.list == Money.of(summed, currency)
    assert {each.sku: each.charge for each in found.lines} == {
        sku: units[sku].charge for sku in parts
    }


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(SKUS),
    st.integers(2, 3000),
    st.sampled_from(SKUS),
    st.sampled_from(["acct-example-frame", "a-1"]),
)
def test_what_is_paid_for_an_additive_part_hangs_on_neither_quantity_nor_neighbours(
    sku, many, other, account
):
    (unit,) = a_column(skus=[sku], account_id=account).prices
    alone = quoted({sku: 1}, account_id=account).lines[0].net_total.amount
    among = quoted({other: 1} | {sku: many}, account_id=account)
    paid = next(each.net_total.amount for each in among.lines if each.sku == sku)
    if unit.additive:
        assert paid == alone * many


@pytest.mark.parametrize(
    ("sku", "additive"),
    [
        ("QW-KIT-MACRO", True),
        ("QW-SFP-10G", False),  # tiers
        ("QW-ANT-L4", False),  # a quantity break over the quote
        ("QW-BBU-S6", False),  # a break on the line, and a bundle with support
        ("QW-CSR-1", False),  # a bundle with a base station
    ],
)
def test_tiers_breaks_and_bundles_make_a_price_not_additive(sku, additive):
    assert a_column(skus=[sku]).prices[0].additive is additive


def test_a_contracted_price_stands_in_place_of_breaks_and_is_additive():
    assert not a_column(skus=["QW-AAU-N78-64T320"]).prices[0].additive
    contracted = a_column(skus=["QW-AAU-N78-64T320"], account_id="acct-example-frame").prices[0]
    assert contracted.additive
    assert contracted.list_unit == Money.of("16900", "EUR")


@pytest.mark.parametrize(
    ("effect", "when", "additive"),
    [
        ({"kind": "percent_off", "percent": "2"}, {}, True),
        ({"kind": "amount_off", "amount": "5"}, {}, False),
        (
            {"kind": "percent_off", "percent": "2"},
            {"quantity": {"at_least": "3", "counted": "quote"}},
            False,
        ),
    ],
)
def test_a_discount_on_the_quote_that_hangs_on_others_makes_a_price_not_additive(
    effect, when, additive
):
    groups = [{"id": "order", "stage": "header_discount", "select": "all"}]
    book = a_book(groups=groups, rules=[a_rule("r", "order", effect, when=when)])
    found = column(an_ask(an_item(("RRU", "1"))), compile_book(book), the_fx())
    assert [each.additive for each in found.prices] == [additive]


def test_a_list_price_finer_than_it_is_shown_is_not_additive():
    exact = {**the_document()["rounding"], "list": {"scale": "exact", "mode": "half_up"}}
    fx = the_fx(EUR="0.9234567")
    ask = an_ask(an_item(("ANT", "1")), currency="EUR")
    for rounding, additive in ((the_document()["rounding"], True), (exact, False)):
        found = column(ask, compile_book(a_book(rounding=rounding)), fx)
        assert [each.additive for each in found.prices] == [additive]


def test_a_part_without_a_price_is_missing_and_the_others_have_theirs():
    found = a_column(skus=["NO-SUCH-PART", "QW-CSR-1", "QW-CSR-1"])
    assert found.missing == ("NO-SUCH-PART",)
    assert [each.sku for each in found.prices] == ["QW-CSR-1"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"customer_tier": "platinum"}, "customer_tier"),
        ({"region": "MOON"}, "region"),
        ({"currency": "CHF"}, "currency"),
        ({"day": date(1999, 1, 1)}, "book"),
    ],
)
def test_a_context_that_no_book_has_is_refused_as_a_preview_refuses_it(changes, field):
    with pytest.raises(NotPriceable) as refused:
        a_column(**changes)
    assert field in refused.value.facts["problems"][0].field


@pytest.mark.parametrize("role", ["seller", "service", "admin"])
def test_the_door_says_prices_and_no_costs_to_anybody(client, role):  # noqa: F811
    body = {**CONTEXT, "day": DAY.isoformat(), "skus": ["QW-KIT-MACRO"]}
    found = client.post("/pricer/prices", json=body, headers={"authorization": role})
    assert found.status_code == 200
    assert PriceColumn.model_validate(found.json()).prices[0].list_unit == Money.of("1850", "EUR")
    assert "1120" not in found.text  # what it costs us
    assert set(found.json()["prices"][0]) == {"sku", "unit", "charge", "list_unit", "additive"}
