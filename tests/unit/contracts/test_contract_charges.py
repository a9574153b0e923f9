"""Charges: one word for each period, and its months in every word."""

import doctest
import re

import pytest
from pydantic import TypeAdapter, ValidationError

from contracts import charges
from contracts.charges import MONTHS, PATTERN, PERIOD_MONTHS_MAX, Charge, months_of, say_charge
from contracts.commercial import MONTHS_MAX
from contracts.pricing import PricedLine, QuotePriced
from contracts.schema import schema_of
from tests.contract import example_deal as x

CHARGE = TypeAdapter[str](Charge)


def test_every_period_of_whole_months_up_to_the_longest_term_has_exactly_one_word():
    assert PERIOD_MONTHS_MAX == MONTHS_MAX
    assert sorted(MONTHS.values()) == list(range(MONTHS_MAX + 1))
    assert [months_of(each) for each in ("one_time", "quarterly", "half_yearly", "every_24_months")] == [
        0, 3, 6, 24,
    ]  # fmt: skip


def test_readers_of_other_languages_are_told_the_same_words():
    tried = {f"every_{months}_months" for months in range(-1, 1300)} | set(MONTHS)
    tried |= {"every_03_months", "every_4_month", "weekly", "", "monthly\n", "Monthly"}
    assert {each for each in tried if re.search(PATTERN + r"\Z", each)} == set(MONTHS)


@pytest.mark.parametrize(
    "word", ["every_1_months", "every_3_months", "every_12_months", "every_121_months", "weekly"]
)
def test_a_second_word_for_a_period_and_a_period_that_nobody_can_add_up_are_refused(word):
    with pytest.raises(ValidationError, match="must be one_time, monthly, quarterly, half_yearly"):
        CHARGE.validate_python(word)
    with pytest.raises(ValidationError, match="charge"):
        PricedLine.model_validate({**x.LINES[2].model_dump(), "charge": word})


def test_the_schema_of_a_fact_lists_no_periods_so_that_a_new_one_is_no_new_version():
    line = schema_of(QuotePriced)["$defs"]["PricedLine"]["properties"]["charge"]
    assert (line["type"], line["pattern"]) == ("string", PATTERN)
    assert "enum" not in line


def test_charges_are_called_as_people_call_them():
    assert [say_charge(each) for each in ("one_time", "monthly", "half_yearly", "every_18_months")] == [
        "One-time", "Monthly", "Half-yearly", "Every 18 months",
    ]  # fmt: skip


def test_the_examples_hold():
    assert doctest.testmod(charges).failed == 0
