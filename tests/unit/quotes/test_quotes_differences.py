"""What is otherwise between two revisions: every kind of change by example, and two laws."""

from collections import Counter
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given

from contracts.quote import Terms
from contracts.values import Money, Percent, Quantity
from services.quotes import words
from services.quotes.domain.differences import WHOLE, Change, differences
from services.quotes.domain.quote import Revision
from services.quotes.views import differences_view
from tests.unit.quotes.bench import Bench
from tests.unit.quotes.revisions import discount, item, line_of, revision, revisions


def of_kind(before: Revision, after: Revision, *kinds: str) -> list[tuple[Any, ...]]:
    """Where, what, before, after."""
    return [
        (each.place, each.what, each.before, each.after)
        for each in differences(before, after)
        if each.kind in kinds
    ]


def test_an_item_comes_and_another_goes() -> None:
    before = revision(item("macro"), item("old", 2))
    after = revision(item("macro"), item("new", 3))
    assert of_kind(before, after, "item", "answer") == [
        ("Macro base station", "Quantity", None, Quantity(3)),
        ("Macro base station", "Quantity", Quantity(2), None),
    ]


def test_a_quantity_and_an_answer_are_otherwise() -> None:
    before, after = revision(item()), revision(item(quantity=45, band="n41"))
    assert of_kind(before, after, "item", "answer", "parameter") == [
        ("Macro base station", "Quantity", Quantity(40), Quantity(45)),
        ("Macro base station", "Band", "n78", "n41"),
    ]


def test_a_technical_figure_is_otherwise() -> None:
    before = revision(item())
    (known,) = before.configured
    (power,) = known.parameters
    stronger = known.model_copy(update={"parameters": (power.model_copy(update={"value": 1400}),)})
    after = replace(before, configured=(stronger,))
    assert of_kind(before, after, "parameter") == [
        ("Macro base station", "Power", "1280 W", "1400 W")
    ]


def test_before_it_is_configured_answers_are_compared_as_they_were_given() -> None:
    before, after = revision(item(), is_priced=False), revision(item(band="n41"))
    assert of_kind(before, after, "answer") == [("bts-macro", "band", "n78", "n41")]


def test_discounts_and_their_reasons_are_otherwise() -> None:
    before = revision(item(), discounts=(discount("5"), discount("2", item_id="macro")))
    after = revision(item(), discounts=(discount("7", "first order of the region"),))
    assert of_kind(before, after, "discount") == [
        (WHOLE, "Discount", Percent(5), Percent(7)),
        (WHOLE, "Reason", "volume over 3 years", "first order of the region"),
        ("Macro base station", "Discount", Percent(2), None),
        ("Macro base station", "Reason", "volume over 3 years", None),
    ]


def test_prices_are_otherwise_per_line_and_in_total() -> None:
    before, after = revision(item()), revision(item(quantity=41))
    old, new = line_of(before), line_of(after)
    assert of_kind(before, after, "line") == [
        (old.name, "Net", old.net_total, new.net_total),
        (old.name, "Quantity", Quantity(40), Quantity(41)),
        (old.name, "List", old.list_total, new.list_total),
    ]
    assert of_kind(before, after, "total") == [
        (WHOLE, "List", Money.of("570000.00", "EUR"), Money.of("584250.00", "EUR")),
        (WHOLE, "Net", Money.of("570000.00", "EUR"), Money.of("584250.00", "EUR")),
        ("one_time", "List", Money.of("570000.00", "EUR"), Money.of("584250.00", "EUR")),
        ("one_time", "Net", Money.of("570000.00", "EUR"), Money.of("584250.00", "EUR")),
    ]


def test_of_a_line_that_is_new_it_is_enough_to_say_what_it_comes_to() -> None:
    before, after = revision(item()), revision(item(), item("micro", 1))
    assert of_kind(before, after, "line") == [
        ("Macro base station", "Net", None, Money.of("14250.00", "EUR"))
    ]


def test_another_currency_is_another_price() -> None:
    changes = of_kind(revision(item()), revision(item(), currency="USD"), "total")
    assert changes[0][2:] == (Money.of("570000.00", "EUR"), Money.of("570000.00", "USD"))


def test_validity_and_terms_are_otherwise() -> None:
    def submitted(until: date, delivery: str) -> Revision:
        terms = Terms(payment="30 days", delivery=delivery, warranty="2 years", incoterm="DAP")
        asked = cast("Any", SimpleNamespace(valid_until=until, terms=terms))
        return replace(revision(item()), submission=asked)

    before = submitted(date(2026, 4, 1), "8 weeks")
    after = submitted(date(2026, 5, 1), "12 weeks")
    assert of_kind(before, after, "validity", "term") == [
        (WHOLE, "Valid until", date(2026, 4, 1), date(2026, 5, 1)),
        (WHOLE, "Delivery", "8 weeks", "12 weeks"),
    ]
    assert of_kind(before, revision(item()), "validity", "term") == [], "not set yet is not gone"


# ---- laws


def mirrored(change: Change) -> Change:
    """Return the same, seen from the other end."""
    return replace(change, before=change.after, after=change.before)


@given(revisions())
def test_nothing_differs_from_itself(one: Revision) -> None:
    assert differences(one, one) == ()


@given(revisions(), revisions())
def test_the_way_back_is_the_mirror_of_the_way_there(one: Revision, other: Revision) -> None:
    there, back = differences(one, other), differences(other, one)
    assert Counter(there) == Counter(mirrored(each) for each in back)


@given(revisions(), revisions())
def test_each_difference_is_one_and_is_named_once(one: Revision, other: Revision) -> None:
    found = differences(one, other)
    assert all(each.before != each.after for each in found)
    assert len({(each.kind, each.key) for each in found}) == len(found)


# ---- in words


def test_the_newest_revision_is_compared_with_the_one_before(bench: Bench) -> None:
    quote_id = bench.presented()
    bench.revised(quote_id, bench.item(quantity=45), bench.item("micro", 2))
    told = differences_view(bench.quote(quote_id), None, None)
    assert (told["from"], told["to"]) == (1, 2)
    assert words.differences(told) == (
        "From revision 1 to revision 2: 1 item added, 1 quantity changed, 2 totals changed,"
        " 2 lines changed."
    )
    back = differences_view(bench.quote(quote_id), 2, 1)
    assert "1 item removed" in words.differences(back)
    same = differences_view(bench.quote(quote_id), 1, 1)
    assert words.differences(same) == "Revision 1 does not differ from revision 1."


def test_a_total_is_named_by_its_charge_in_words_and_an_item_by_its_own_name() -> None:
    places = ("one_time", "half_yearly", "every_4_months", "Macro base station", "Whole offer")
    assert [words.charged(each) for each in places] == [
        "One-time",
        "Half-yearly",
        "Every 4 months",
        "Macro base station",
        "Whole offer",
    ]
