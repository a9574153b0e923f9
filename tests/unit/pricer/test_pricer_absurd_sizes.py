"""Absurd sizes: the line that they are asked for has no price and says why, the rest has one."""

import pytest

from services.pricer.domain.asks.checks import sellers_alone
from services.pricer.domain.asks.sizes import LINE_MAX
from services.pricer.domain.books.compiled import compile_book
from services.pricer.domain.lint.lint import lint_book, lint_fx
from services.pricer.domain.prices.pricing import price
from tests.unit.pricer.basket import a_book, an_ask, an_entry, an_item, the_fx

LARGEST = "999999999999"
OF_THE_LINE = "is absurd; give less than 1000000000000 USD, or drop it"


def asked(of, **discount):
    ask = {"rationale": "a slip of the finger", **of, **discount}
    basket = [an_item(("RRU", "2"), ("ANT", "1")), an_item(("CAB", "4"), item_id="i2")]
    return price(an_ask(*basket, discounts=[ask]), compile_book(a_book()), the_fx())


def money(amount):
    return {"amount": amount, "currency": "USD"}


@pytest.mark.parametrize("amount", ["1" + "0" * 18, "1" + "0" * 12])
def test_an_absurd_manual_price_is_a_problem_of_its_line_and_the_rest_is_priced(amount):
    found = asked({"item_id": "i1", "sku": "RRU"}, unit_price=money(amount))
    (fault,) = found.problems
    assert (fault.code, fault.item_id, fault.sku) == ("pricer.discount_absurd", "i1", "RRU")
    assert (fault.field, fault.message) == ("discounts.0", f"the manual price {OF_THE_LINE}")
    assert sellers_alone(found.problems)
    assert [(it.item_id, it.sku) for it in found.rest.lines] == [("i1", "ANT"), ("i2", "CAB")]


def test_a_manual_price_below_the_bound_is_a_price():
    found = asked({"item_id": "i1", "sku": "RRU"}, unit_price=money(LARGEST))
    assert str(found.lines[0].net_total) == "1999999999998.00 USD"


@pytest.mark.parametrize("of", [{}, {"item_id": "i1"}, {"item_id": "i1", "sku": "RRU"}])
def test_an_absurd_amount_off_is_held_to_what_there_is_to_discount(of):
    found = asked(of, amount=money("1" + "0" * 18))
    assert [(it.code, it.field) for it in found.problems] == [
        ("pricer.discount_exceeds", "discounts")
    ]
    assert "ask for less" in found.problems[0].message
    assert ("i2", "CAB") in [(it.item_id, it.sku) for it in found.rest.lines]


@pytest.mark.parametrize(
    ("entry", "rate", "quantity"),
    [
        (an_entry("HUGE", LARGEST), LARGEST, "1"),
        (an_entry("HUGE", "1", LARGEST), LARGEST, "1"),
        (an_entry("HUGE", LARGEST, "1", quantities={"at_most": LARGEST}), "0.92", LARGEST),
        (an_entry("HUGE", "1", LARGEST, quantities={"at_most": LARGEST}), "0.92", LARGEST),
    ],
)
def test_what_a_book_and_its_rates_make_absurd_is_a_problem_of_that_line(entry, rate, quantity):
    """Each is let pass by the lint; their product was an error that nobody had foreseen."""
    book, fx = a_book(entries=[entry, an_entry("GOOD", "10")]), the_fx(EUR=rate)
    ask = an_ask(an_item(("HUGE", quantity), ("GOOD", "1")), currency="EUR")
    found = price(ask, compile_book(book), fx)
    assert [(it.code, it.sku, it.field) for it in found.problems] == [
        ("pricer.absurd", "HUGE", "quantity")
    ]
    assert f"{LINE_MAX:f} or more; lower its quantity" in found.problems[0].message
    assert [it.sku for it in found.rest.lines] == ["GOOD"]


def test_a_book_with_absurd_prices_costs_markups_and_rates_is_not_published():
    over = "1" + "0" * 12
    entries = [
        an_entry("LIST", over),
        an_entry("COST", "1", over),
        an_entry("PLUS", "0", price={"model": "cost_plus", "markup_on_cost": "10001"}),
    ]
    said = [str(each) for each in lint_book(a_book(entries=entries), {}, [the_fx()])]
    for words in (
        "entries.LIST.price: give an amount below 1000000000000",
        "entries.COST.cost: give an amount below 1000000000000",
        "entries.PLUS.price: the markup is absurd; give 0 to 10000 percent",
    ):
        assert any(words in each for each in said), words
    assert "give a rate below 1000000000000" in str(lint_fx(the_fx(EUR=over))[0])


# ---- a manual price and another quantity

FLOOR = {
    "id": "floor",
    "version": 1,
    "name": "Floor",
    "scope": "line",
    "margin_on_price": "20",
    "action": "reject",
}


@pytest.mark.parametrize("quantity", ["2", "3", "250"])
def test_a_manual_price_stays_whatever_the_quantity_and_is_held_to_the_floor_each_time(quantity):
    def priced(unit):
        ask = {"rationale": "matched an offer", "item_id": "i1", "sku": "RRU"}
        item = an_item(("RRU", quantity))
        book = compile_book(a_book(guardrails=[FLOOR]))
        return price(an_ask(item, discounts=[ask | {"unit_price": money(unit)}]), book, the_fx())

    (line,) = priced("2400.00").lines
    assert str(line.net_unit) == "2400.00 USD"
    assert line.net_total.amount == line.net_unit.amount * int(quantity)
    assert [it.code for it in priced("2000.00").problems] == ["pricer.below_floor"]
