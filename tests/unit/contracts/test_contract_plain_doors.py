"""How programs write decimals, days and times to us: in one way, and every other one is refused."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from contracts.values import (
    NOT_A_CLOCK,
    NOT_A_DAY,
    NOT_AN_INSTANT,
    NOT_PLAIN,
    Clock,
    Day,
    Instant,
    LocalMoment,
    Money,
    Percent,
    Quantity,
    plain_day,
    plain_decimal,
)

NO_DECIMALS = [
    *(
        "1_000",
        " 5",
        "5 ",
        "5\n",
        "\t5",
        "1e3",
        "1E+3",
        "+5",
        ".5",
        "5.",
        "-.5",
        "1,5",
        "1 000",
        "",
    ),
    *("٣", "१२", "５", "1٠", "−5", "NaN", "Infinity", "-inf", "sNaN1", "0x10", "1.2.3", "½"),
    *("5\x00", "9" * 49, "0." + "1" * 49),
]


def _refusal(kind: Any, value: object) -> str:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(value)
    (fault,) = refused.value.errors()
    return str(fault["msg"]).removeprefix("Value error, ")


@pytest.mark.parametrize("text", NO_DECIMALS)
def test_what_only_some_readers_take_for_a_decimal_is_refused_at_every_door(text: str) -> None:
    said = {_refusal(kind, text) for kind in (Percent, Quantity)}
    said.add(_refusal(Money, {"amount": text, "currency": "EUR"}))

    assert said == {NOT_PLAIN}
    with pytest.raises(ValueError, match="write a plain decimal"):
        plain_decimal(text)


@pytest.mark.parametrize("text", ["0", "-0", "007", "1234.50", "-12.5", "9" * 24])
def test_a_plain_decimal_is_read_exactly(text: str) -> None:
    assert (Percent(text).root, plain_decimal(text)) == (Decimal(text), Decimal(text))


def test_whatever_a_fact_holds_is_written_so_that_it_can_be_read_back() -> None:
    for held in ("1E+3", "1E-20", "-0E+2", "123456789012345678901234"):
        percent = Percent(Decimal(held))

        assert Percent.model_validate_json(percent.model_dump_json()) == percent


NUMBERS = [1_700_000_000, 0, -1, 20261129, 1.5, True, "1700000000", "0", "20261129", "1e9"]


@pytest.mark.parametrize(
    "value",
    [*NUMBERS, "2026-3-1", " 2026-03-31", "2026-03-31T00:00:00", "٢٠٢٦-٠٣-٣١", "2026-W01-1"],
)
def test_a_number_is_no_day_since_some_would_count_seconds(value: object) -> None:
    assert _refusal(Day, value) == NOT_A_DAY
    if isinstance(value, str):
        with pytest.raises(ValueError, match="write a day"):
            plain_day(value)


@pytest.mark.parametrize("value", [*NUMBERS, "2026-03-31", "12:00", " 2026-03-31T12:00Z"])
def test_a_number_is_no_moment_either(value: object) -> None:
    assert _refusal(Instant, value) == NOT_AN_INSTANT


@pytest.mark.parametrize("kind", [Clock, LocalMoment])
@pytest.mark.parametrize("value", NUMBERS)
def test_nor_is_it_a_time_of_the_day(kind: Any, value: object) -> None:
    assert _refusal(kind, value) == NOT_A_CLOCK


def test_days_and_moments_are_read_as_everybody_writes_them() -> None:
    noon = datetime(2026, 3, 31, 12, tzinfo=UTC)

    assert TypeAdapter(Day).validate_python("2026-03-31") == date(2026, 3, 31)
    assert plain_day("2026-03-31") == date(2026, 3, 31)
    for text in ("2026-03-31T12:00:00Z", "2026-03-31T14:00+02:00", "2026-03-31t12:00:00.000000z"):
        assert TypeAdapter(Instant).validate_python(text) == noon
    assert TypeAdapter(Instant).validate_json(f'"{noon.isoformat()}"') == noon


def test_a_day_that_does_not_exist_is_refused() -> None:
    assert "day value is outside expected range" in _refusal(Day, "2026-02-30")
