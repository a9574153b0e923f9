"""The laws of exact values: money, percentages, quantities, and amounts split without a lost cent."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.values import (
    MINOR_UNITS,
    CurrencyMismatch,
    Money,
    Percent,
    Period,
    Pin,
    Quantity,
    allocate,
    minor_unit,
    rounded,
    share,
)

LAW = settings(max_examples=120, deadline=None)
CURRENCIES = st.sampled_from(["EUR", "JPY", "BHD"])
# Twelve digits before the point and six after it: more than any amount on a quote.
AMOUNTS = st.decimals(min_value=-(10**12), max_value=10**12, places=6)


@st.composite
def payable(draw: st.DrawFn) -> Money:
    """An amount in whole minor units, as it may be split."""
    currency = draw(CURRENCIES)
    return Money.of(draw(st.decimals(-(10**9), 10**9, places=minor_unit(currency))), currency)


WEIGHTS = st.lists(st.decimals(0, 10**6, places=2), min_size=1, max_size=12)


# ---- money


@LAW
@given(AMOUNTS, AMOUNTS, AMOUNTS, CURRENCIES)
def test_adding_money_is_exact_and_its_order_does_not_matter(
    a: Decimal, b: Decimal, c: Decimal, currency: str
) -> None:
    x, y, z = (Money.of(each, currency) for each in (a, b, c))

    assert (x + y) + z == x + (y + z) == Money.total([z, x, y], currency)
    assert (x + y) - y == x
    assert int((x + y).amount.scaleb(6)) == int(a.scaleb(6)) + int(b.scaleb(6))


@LAW
@given(AMOUNTS, CURRENCIES)
def test_money_comes_back_from_json_as_it_was(amount: Decimal, currency: str) -> None:
    money = Money.of(amount, currency)

    assert Money.model_validate_json(money.model_dump_json()) == money


@pytest.mark.parametrize(
    ("currency", "text"),
    [("EUR", "1180.00 EUR"), ("JPY", "1180 JPY"), ("BHD", "1180.000 BHD"), ("XOF", "1180 XOF")],
)
def test_money_is_padded_to_the_minor_unit_of_its_currency(currency: str, text: str) -> None:
    assert str(Money.of(1180, currency)) == text


def test_money_finer_than_the_minor_unit_keeps_its_digits_until_it_is_rounded() -> None:
    price = Money.of("0.012345", "EUR")

    assert str(price) == "0.012345 EUR"
    assert [str(price.rounded()), str(price.rounded(4))] == ["0.01 EUR", "0.0123 EUR"]


@pytest.mark.parametrize(
    ("raw", "currency", "text"),
    [
        ("0.005", "EUR", "0.01"),
        ("-0.005", "EUR", "-0.01"),
        ("2.5", "JPY", "3"),
        ("1.0005", "BHD", "1.001"),
    ],
)
def test_rounding_takes_a_half_away_from_zero(raw: str, currency: str, text: str) -> None:
    assert str(rounded(Decimal(raw), currency)) == f"{text} {currency}"


@pytest.mark.parametrize(
    "amount",
    [
        0.1,
        1.0,
        True,
        float("nan"),
        "NaN",
        "Infinity",
        "1,00",
        "",
        "1.1234567",
        "1E+60",
        "1E-60",
        "9" * 25,
        None,
    ],
)
def test_money_takes_no_float_and_nothing_absurd(amount: Any) -> None:
    with pytest.raises(ValidationError):
        Money.of(amount, "EUR")
    with pytest.raises(ValidationError):
        Money(amount=amount, currency="EUR")


@pytest.mark.parametrize(
    "body",
    [
        '{"amount": 0.1, "currency": "EUR"}',
        '{"amount": "1", "currency": "euro"}',
        '{"amount": "1", "currency": "EUR", "net": "2"}',
    ],
)
def test_money_in_json_takes_no_binary_number_no_odd_currency_and_no_stranger(body: str) -> None:
    with pytest.raises(ValidationError):
        Money.model_validate_json(body)


def test_money_of_two_currencies_does_not_mix() -> None:
    euro, yen = Money.of(1, "EUR"), Money.of(1, "JPY")

    for mix in (
        lambda: euro + yen,
        lambda: euro - yen,
        lambda: euro < yen,
        lambda: euro <= yen,
        lambda: euro > yen,
        lambda: euro >= yen,
    ):
        with pytest.raises(CurrencyMismatch) as refusal:
            mix()
        assert refusal.value.facts == {"left": "EUR", "right": "JPY"}
    assert euro != yen


def test_the_sum_of_nothing_is_zero_and_zero_is_false() -> None:
    assert Money.total([], "BHD") == Money.zero("BHD") == Money.of("0.000", "BHD")
    assert [bool(Money.zero("EUR")), bool(Money.of("0.01", "EUR"))] == [False, True]


def test_money_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Money.zero("EUR").amount = Decimal(1)


def test_every_listed_minor_unit_differs_from_the_usual_two() -> None:
    assert set(MINOR_UNITS.values()) == {0, 3, 4}
    assert [minor_unit(each) for each in ("UGX", "IQD", "CLF")] == [0, 3, 4]
    assert minor_unit("EUR") == 2


# ---- splitting


@LAW
@given(payable(), WEIGHTS)
def test_the_parts_sum_to_the_whole_exactly_and_are_within_one_minor_unit_of_their_share(
    amount: Money, weights: list[Decimal]
) -> None:
    assume(sum(weights))
    parts = allocate(amount, weights)
    unit = Decimal(1).scaleb(-minor_unit(amount.currency))

    assert Money.total(parts, amount.currency) == amount
    for part, weight in zip(parts, weights, strict=True):
        # Compared as whole numbers times the sum of weights, so that nothing is divided.
        assert abs(part.amount * sum(weights) - amount.amount * weight) < unit * sum(weights)
        assert part == part.rounded()


@LAW
@given(payable(), st.lists(st.decimals(-100, 100, places=2), min_size=1, max_size=8))
def test_weights_of_both_signs_keep_the_sum_and_the_distance(
    amount: Money, weights: list[Decimal]
) -> None:
    assume(sum(weights))
    parts = allocate(amount, weights)
    unit = Decimal(1).scaleb(-minor_unit(amount.currency))

    assert Money.total(parts, amount.currency) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.amount * sum(weights) - amount.amount * weight) < unit * abs(sum(weights))


@LAW
@given(payable(), st.integers(1, 12))
def test_equal_weights_and_zero_weights_split_alike_and_the_earlier_gets_the_rest(
    amount: Money, count: int
) -> None:
    parts = allocate(amount, [Decimal(0)] * count)

    assert parts == allocate(amount, [Decimal(7)] * count)
    assert sorted(parts, key=lambda part: abs(part.amount), reverse=True) == parts


@LAW
@given(payable(), WEIGHTS)
def test_a_credit_is_split_as_the_charge_it_takes_back(
    amount: Money, weights: list[Decimal]
) -> None:
    assert allocate(-amount, weights) == [-part for part in allocate(amount, weights)]


def test_a_tie_goes_to_the_earlier_part() -> None:
    assert [str(part) for part in allocate(Money.of("0.05", "EUR"), [Decimal(1), Decimal(1)])] == [
        "0.03 EUR",
        "0.02 EUR",
    ]
    assert [str(part) for part in allocate(Money.of(-5, "JPY"), [Decimal(1), Decimal(1)])] == [
        "-3 JPY",
        "-2 JPY",
    ]


def test_nothing_to_split_among_gives_no_parts() -> None:
    assert allocate(Money.of(1, "EUR"), []) == []


def test_an_amount_finer_than_the_minor_unit_is_not_split_with_a_loss() -> None:
    with pytest.raises(ValueError, match="round it before it is split"):
        allocate(Money.of("10.123456", "EUR"), [Decimal(1), Decimal(2)])


# ---- percentages


@LAW
@given(st.decimals(-100, 1000, places=4), AMOUNTS)
def test_a_percentage_of_an_amount_is_exact(percent: Decimal, amount: Decimal) -> None:
    assert int(Percent(percent).of(amount).scaleb(12)) == int(percent.scaleb(4)) * int(
        amount.scaleb(6)
    )


@LAW
@given(st.decimals(-1000, 1000, places=3), st.decimals(-1000, 1000, places=3))
def test_percentages_are_ordered_like_their_numbers(a: Decimal, b: Decimal) -> None:
    x, y = Percent(a), Percent(b)

    assert [x < y, x <= y, x > y, x >= y, x == y] == [a < b, a <= b, a > b, a >= b, a == b]


@pytest.mark.parametrize("value", [12.5, True, "NaN", "twelve", "1E+999999", None])
def test_a_percentage_takes_no_float_and_nothing_absurd(value: Any) -> None:
    with pytest.raises(ValidationError):
        Percent(value)


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        ("1", "3", "33.33"),
        ("2", "3", "66.67"),
        ("1", "800", "0.13"),
        ("5", "0", "0"),
        ("-1", "8", "-12.50"),
    ],
)
def test_a_share_is_rounded_half_up_and_a_share_of_nothing_is_zero(
    part: str, whole: str, expected: str
) -> None:
    assert share(Decimal(part), Decimal(whole)) == Percent(expected)


@pytest.mark.parametrize(
    ("text", "written"),
    [("1E+1", "10"), ("12.50", "12.50"), ("-0.5", "-0.5"), ("1E-9", "0.000000001")],
)
def test_a_percentage_is_written_plainly(text: str, written: str) -> None:
    percent = Percent(Decimal(text))

    assert percent.model_dump_json() == f'"{written}"'
    assert str(percent) == f"{written} %"
    assert percent.model_dump(mode="json") == written


# ---- quantities and the rest


@pytest.mark.parametrize("value", ["0.001", 1, "1000000", Decimal("2.500"), Decimal("1E+3")])
def test_a_quantity_is_above_zero_and_at_most_a_million_with_three_decimals(value: Any) -> None:
    assert Quantity(value).root == Decimal(value)


@pytest.mark.parametrize(
    "value", [0, -1, "0.0001", "1000000.001", "1000001", 2.5, True, "NaN", "Infinity", "ten", None]
)
def test_any_other_quantity_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        Quantity(value)


@LAW
@given(st.integers(1, 1000), st.integers(1, 1000))
def test_quantities_multiply_exactly(a: int, b: int) -> None:
    assert Quantity(a) * Quantity(b) == Quantity(a * b)
    assert str(Quantity(a) * Quantity("0.5")) == f"{Decimal(a) / 2:f}"


@pytest.mark.parametrize(
    ("day", "inside"),
    [("2026-01-01", True), ("2026-03-31", True), ("2025-12-31", False), ("2026-04-01", False)],
)
def test_both_ends_of_a_period_belong_to_it(day: str, inside: bool) -> None:
    assert (
        Period(first=date(2026, 1, 1), last=date(2026, 3, 31)).holds(date.fromisoformat(day))
        is inside
    )


def test_a_period_without_a_last_day_does_not_end() -> None:
    assert Period(first=date(2026, 1, 1)).holds(date(2999, 1, 1)) is True


@pytest.mark.parametrize("changes", [{"version": 0}, {"sha256": "A" * 64}, {"sha256": "a" * 63}])
def test_a_pin_is_a_counted_version_and_a_whole_hash(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Pin.model_validate({"id": "telecom-list", "version": 1, "sha256": "a" * 64, **changes})
