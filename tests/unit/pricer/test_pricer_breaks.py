"""What another quantity would cost: the next break of an item, and a table of quantities."""

from contracts.values import Quantity
from services.pricer.domain.books.compiled import compile_book
from services.pricer.domain.levers.breaks import at_quantities, next_breaks
from services.pricer.domain.prices.pricing import Unpriced, price
from tests.unit.pricer.basket import (
    a_book,
    a_rule,
    an_ask,
    an_entry,
    an_item,
    breaks,
    the_document,
    the_fx,
)

SCHEDULE = breaks(("9", "0"), ("49", "5"), (None, "8"))


def found_in(ask, **book):
    compiled = compile_book(a_book(**book))
    fx = the_fx()
    found = next_breaks(ask, (compiled, fx), lambda each: price(each, compiled, fx))
    assert not isinstance(found, Unpriced), found
    return found.breaks


def test_the_next_break_says_how_many_more_and_what_it_saves():
    rule = a_rule("q", "quantity", SCHEDULE, when={"skus": ["RRU"]})
    (found,) = found_in(an_ask(an_item(("RRU", "3"), quantity="2")), rules=[rule])
    # 6 radios now, 12 at 4 items: 10 is the first with 5 %.
    assert (found.item_id, found.skus, str(found.quantity), str(found.more)) == (
        "i1", ("RRU",), "4", "2",
    )  # fmt: skip
    assert (str(found.each_now), str(found.each_then)) == ("9450.00 USD", "8977.50 USD")
    assert str(found.saves) == "1890.00 USD"  # 5 % of 12 x 3150
    assert str(found.extra) == "17010.00 USD"  # 12 x 2992.50 - 6 x 3150


def test_a_break_counted_over_the_quote_looks_at_other_items_too():
    rule = a_rule("q", "quantity", breaks(("9", "0"), (None, "5"), counted="quote"))
    items = (an_item(("RRU", "1"), quantity="2"), an_item(("ANT", "1"), item_id="i2", quantity="6"))
    found = found_in(an_ask(*items), rules=[rule])
    assert [(each.item_id, str(each.quantity)) for each in found] == [("i1", "4"), ("i2", "8")]


def test_tiers_of_a_price_are_breaks():
    tiers = [{"up_to": "10", "unit": "100"}, {"up_to": None, "unit": "80"}]
    entry = an_entry("T", "0", "9", price={"model": "tiered", "mode": "graduated", "tiers": tiers})
    entries = [*the_document()["entries"], entry]
    (found,) = found_in(an_ask(an_item(("T", "1"), quantity="7")), entries=entries)
    assert (str(found.quantity), str(found.saves)) == ("11", "20.00 USD")


def test_more_may_cost_less_and_is_told():
    tiers = [{"up_to": "10", "unit": "100"}, {"up_to": None, "unit": "80"}]
    entry = an_entry("T", "0", "9", price={"model": "tiered", "mode": "volume", "tiers": tiers})
    entries = [*the_document()["entries"], entry]
    (found,) = found_in(an_ask(an_item(("T", "1"), quantity="10")), entries=entries)
    assert str(found.extra) == "-120.00 USD"


def test_the_last_break_has_none_after_it_nor_has_one_for_somebody_else():
    rule = a_rule("q", "quantity", SCHEDULE, when={"skus": ["RRU"], "tiers": ["gold"]})
    ask = an_item(("RRU", "1"), quantity="2")
    assert found_in(an_ask(ask), rules=[rule]) == ()
    assert found_in(an_ask(ask | {"quantity": "50"}, customer_tier="gold"), rules=[rule]) == ()


def test_a_quantity_that_can_not_be_priced_stands_in_the_table_with_its_reason():
    compiled = compile_book(a_book())
    quantities = [Quantity(1), Quantity(10), Quantity(1000000)]
    found = at_quantities(
        an_ask(an_item(("RRU", "2"))),
        "i1",
        quantities,
        lambda each: price(each, compiled, the_fx()),
    )
    assert [str(each.item_net) for each in found] == ["6300.00 USD", "63000.00 USD", "None"]
    assert [each.code for each in found[2].problems] == ["pricer.quantity"]
