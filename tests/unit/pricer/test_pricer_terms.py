"""Recurring and ramped terms: total and annual contract value, exact, period by period."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.commercial import TermAsk
from contracts.values import Money
from tests.unit.pricer.basket import (
    a_book,
    a_discount,
    a_rule,
    an_ask,
    an_entry,
    an_item,
    breaks,
    pricing,
    problems,
    the_document,
)

ENTRIES = [
    *the_document()["entries"],
    an_entry("MON", "100", "40", category="support", charge="monthly"),
]
BOOK = a_book(entries=ENTRIES)
SITE = an_item(("MACRO", "1"), ("MON", "1"), item_id="site", quantity="10")
CARE = an_item(("SUP", "1"), item_id="care", quantity="2")


def ramp(*segments, item_id="site", **more):
    tree = [dict(zip(("months", "quantity", "percent"), each, strict=False)) for each in segments]
    months = sum(each["months"] for each in tree)
    return {"months": months, "item_id": item_id, "ramp": tree, **more}


def term_of(*items, book=BOOK, **changes):
    found = pricing(an_ask(*items, **changes), book).totals.term
    assert found is not None
    return found


def test_a_term_adds_one_time_and_all_recurring_charges():
    term = term_of(SITE, CARE, terms=[{"months": 36}])
    # 420000 once; 36 x 1000 monthly; 3 x 2400 yearly
    assert (str(term.one_time), str(term.recurring)) == ("420000.00 USD", "43200.00 USD")
    assert str(term.tcv) == "463200.00 USD"
    assert str(term.acv) == "14400.00 USD"
    assert [(each.first_month, each.months) for each in term.periods] == [(1, 36)]


def test_a_yearly_charge_runs_for_part_of_a_year_too():
    term = term_of(CARE, terms=[{"months": 7}])
    assert str(term.tcv) == "1400.00 USD"  # 2400 x 7 / 12


@pytest.mark.parametrize(
    ("charge", "tcv", "acv"),
    [
        ("monthly", "3600.00", "1200.00"),
        ("quarterly", "1200.00", "400.00"),
        ("every_4_months", "900.00", "300.00"),
        ("half_yearly", "600.00", "200.00"),
        ("yearly", "300.00", "100.00"),
        ("every_24_months", "150.00", "50.00"),
    ],
)
def test_every_period_is_counted_by_its_months(charge, tcv, acv):
    book = a_book(entries=[an_entry("MON", "100", "40", category="support", charge=charge)])
    term = term_of(an_item(("MON", "1")), book=book, terms=[{"months": 36}])
    assert (str(term.tcv), str(term.acv)) == (f"{tcv} USD", f"{acv} USD")


def test_a_quarter_that_is_cut_counts_by_the_month_and_is_rounded_once():
    book = a_book(entries=[an_entry("MON", "100", "40", category="support", charge="quarterly")])
    term = term_of(an_item(("MON", "1")), book=book, terms=[{"months": 14}])
    assert str(term.tcv) == "466.67 USD"  # 100 x 14 / 3
    assert str(term.acv) == "400.00 USD"  # 466.67 x 12 / 14 is 400.0028...


def test_a_ramp_of_a_quarterly_charge_takes_its_quantities_month_by_month():
    book = a_book(entries=[an_entry("MON", "90", "40", category="support", charge="quarterly")])
    terms = [ramp((3, "5"), (1, "8"), (8, "20"), item_id="site")]
    term = term_of(an_item(("MON", "1"), item_id="site"), book=book, terms=terms)
    assert [str(each.recurring) for each in term.periods] == [
        "450.00 USD",  # 5 x 90
        "240.00 USD",  # a third of 8 x 90
        "4800.00 USD",  # 8 / 3 of 20 x 90
    ]


def test_items_have_terms_of_their_own():
    term = term_of(SITE, CARE, terms=[{"months": 12}, {"months": 24, "item_id": "care"}])
    assert [str(each.recurring) for each in term.periods] == ["14400.00 USD", "2400.00 USD"]
    assert term.months == 24
    assert str(term.acv) == "14400.00 USD"  # 12000 a year of the one, 2400 of the other


def test_a_ramp_has_quantities_of_its_own_and_each_is_priced_at_its_own_break():
    rule = a_rule("q", "quantity", breaks(("19", "0"), (None, "10")), when={"skus": ["MON"]})
    book = a_book(entries=ENTRIES, rules=[rule])
    terms = [ramp((6, "5"), (6,), (12, "20"))]
    term = term_of(SITE, book=book, terms=terms)
    # 6 x 500; 6 x 1000; 12 x 20 x 90
    assert [str(each.recurring) for each in term.periods] == [
        "3000.00 USD",
        "6000.00 USD",
        "21600.00 USD",
    ]
    assert str(term.one_time) == "420000.00 USD"


def test_a_discount_in_a_segment_is_judged_by_authority():
    terms = [ramp((6, None, "50"), (18,), rationale="a slow start")]
    found = pricing(an_ask(SITE, discounts=[a_discount("5", "site")], terms=terms), BOOK)
    assert [str(each.recurring) for each in found.totals.term.periods] == [
        "3000.00 USD",
        "17100.00 USD",
    ]
    assert str(found.totals.sales_discount_percent) == "50.00 %"
    assert str(found.totals.net) == "399950.00 USD"  # 95 % of 421000


def test_a_floor_broken_in_a_segment_is_a_breach_of_the_offer():
    rail = {
        "id": "floor", "version": 1, "name": "Floor", "scope": "line", "skus": ["MON"],
        "price": "80", "action": "approval",
    }  # fmt: skip
    book = a_book(entries=ENTRIES, guardrails=[rail])
    terms = [ramp((6, None, "50"), (6,), rationale="a slow start")]
    found = pricing(an_ask(CARE, SITE, terms=[*terms, {"months": 12}]), book)
    assert [(each.line, each.message) for each in found.breaches] == [
        (
            3,
            "months 1 to 6: line 3 (MON of item site) is below its floor and needs approval (Floor)",
        )
    ]


def test_recurring_charges_without_a_term_are_said():
    found = problems(an_ask(SITE, CARE, terms=[{"months": 12, "item_id": "site"}]), BOOK)
    assert [(each.code, each.message) for each in found] == [
        (
            "pricer.term_missing",
            "item care has recurring charges and no term; give it one, or the quote",
        )
    ]


def test_a_term_of_no_item_is_said():
    found = problems(an_ask(SITE, terms=[{"months": 12, "item_id": "ghost"}]), BOOK)
    assert [(each.code, each.field) for each in found] == [("pricer.term_unknown_item", "terms.0")]


def test_too_many_periods_are_refused_before_they_are_priced():
    items = [an_item(("MON", "1"), item_id=f"i{n}") for n in range(1, 41)]
    terms = [{"months": n, "item_id": f"i{n}"} for n in range(1, 41)]
    assert problems(an_ask(*items, terms=terms), BOOK)[0].code == "pricer.term_periods"


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ({"months": 12, "item_id": "i", "ramp": [{"months": 5}]}, "must fill the 12 months"),
        ({"months": 5, "ramp": [{"months": 5, "quantity": "3"}]}, "name the item"),
        ({"months": 5, "ramp": [{"months": 5, "percent": "3"}]}, "needs a reason"),
        ({"months": 0}, "greater than or equal to 1"),
        ({"months": 121}, "less than or equal to 120"),
    ],
)
def test_a_term_is_whole_or_refused(term, words):
    with pytest.raises(ValidationError, match=words):
        TermAsk.model_validate(term)


def test_the_trace_tells_the_periods_line_by_line():
    found = pricing(an_ask(SITE, terms=[ramp((6, "5"), (6,))]), BOOK)
    term = json.loads(found.trace)["term"]
    assert [each["lines"] for each in term["periods"]] == [
        [["site", "MON", "5", "3000.00"]],
        [["site", "MON", "10", "6000.00"]],
    ]


def test_terms_belong_to_what_is_hashed():
    asks = [an_ask(SITE, terms=terms) for terms in ((), [{"months": 12}], [ramp((6, "5"), (6,))])]
    assert len({pricing(each, BOOK).input_sha256 for each in asks}) == 3


@given(
    cuts=st.lists(st.integers(1, 12), min_size=1, max_size=5),
    percent=st.integers(0, 60),
)
@settings(max_examples=40, deadline=None)
def test_a_ramp_of_equal_segments_is_no_ramp_up_to_a_cent_per_segment(cuts, percent):
    """Segments only divide the months: nothing is lost or won but what a cent of rounding makes."""
    ask = {"discounts": [a_discount(str(percent))]}
    plain = term_of(SITE, CARE, terms=[{"months": sum(cuts)}], **ask)
    divided = term_of(
        SITE, CARE, terms=[ramp(*((each,) for each in cuts)), {"months": sum(cuts)}], **ask
    )
    assert divided.one_time == plain.one_time
    gap = abs((divided.tcv - plain.tcv).amount)
    assert gap <= Money.of("0.01", "USD").amount * len(cuts)
    assert sum(each.months for each in divided.periods) == plain.months
