"""Where the charts of the overview put what they draw."""

from datetime import date

import pytest
from babel import Locale

from services.crm_projector import overview, words
from services.crm_projector.domain.standing import Status, Waits


def month(day: str, rate: str, currency: str = "EUR") -> dict[str, str]:
    return {"month_date": day, "discount_rate": rate, "currency": currency}


def test_bars_stand_a_month_apart_over_the_turn_of_a_year() -> None:
    chart = overview.bars(
        date(2025, 4, 1), [month("2025-04-01", "0.1"), month("2026-03-01", "0.2")]
    )
    first, last = chart["bars"]
    assert (last["x"] - first["x"]) == 11 * overview.TREND_STEP
    assert last["x"] + overview.TREND_STEP <= overview.WIDTH
    assert first["height"] * 2 == last["height"] == overview.TREND_HEIGHT
    assert [each for _, each in chart["marks"]] == [0, 20]
    assert [day for _, day in chart["months"]] == [
        date(2025, 4, 1), date(2025, 7, 1), date(2025, 10, 1), date(2026, 1, 1)
    ]  # fmt: skip


def test_a_price_above_list_hangs_below_the_line() -> None:
    up, down = overview.bars(
        date(2026, 1, 1), [month("2026-01-01", "0.1"), month("2026-02-01", "-0.1")]
    )["bars"]
    assert (up["is_up"], down["is_up"]) == (True, False)
    assert up["y"] + up["height"] == down["y"]
    assert up["height"] == down["height"] == overview.TREND_HEIGHT / 2


def test_no_discount_at_all_is_a_bar_without_height() -> None:
    (bar,) = overview.bars(date(2026, 1, 1), [month("2026-01-01", "0")])["bars"]
    assert bar["height"] == 0


def test_rates_stand_between_nothing_and_all_and_only_what_is_decided_is_drawn() -> None:
    whole = {"tier": "a tier with a long name", "is_small_sample": True}
    row = {**whole, "win_rate": "1.000000", "win_rate_low": "0.5", "win_rate_high": "1.000000"}
    none = {"tier": "new", "win_rate": None, "win_rate_low": None, "win_rate_high": None}
    chart = overview.rates([row, {**none, "is_small_sample": True}])
    (drawn,) = chart["rows"]
    left, right = overview.RATE_LEFT, overview.RATE_LEFT + overview.RATE_WIDTH
    assert (drawn["low"], drawn["high"], drawn["rate"]) == ((left + right) / 2, right, right)
    assert [x for x, _ in chart["marks"]] == [left, (left + right) // 2, right]
    assert len(drawn["name"]) == overview.NAME_MAX


def test_the_fullest_stage_comes_first_and_currencies_are_never_added() -> None:
    def row(stage: str, currency: str, n: int) -> dict[str, object]:
        return {"stage": stage, "currency": currency, "n": n, "amount": "5.00"}

    found = overview.pipeline([row("A", "EUR", 1), row("B", "EUR", 2), row("B", "USD", 3)])
    assert [(each["stage"], each["n"], len(each["amounts"])) for each in found] == [
        ("B", 5, 2),
        ("A", 1, 1),
    ]


@pytest.mark.parametrize(
    ("day", "back", "found"),
    [
        (date(2026, 1, 31), 0, date(2026, 1, 1)),
        (date(2026, 1, 31), 1, date(2025, 12, 1)),
        (date(2026, 12, 1), 12, date(2025, 12, 1)),
        (date(2026, 12, 31), -1, date(2027, 1, 1)),
    ],
)
def test_months_are_counted_by_the_calendar(day: date, back: int, found: date) -> None:
    assert overview._months_before(day, back) == found


def test_months_are_named_in_the_readers_language() -> None:
    assert overview._month("2026-03-01", Locale("de")) == "März 2026"


def test_every_status_and_every_wait_has_its_words() -> None:
    assert set(words.STATUSES) == set(Status.__args__)
    assert set(words.WAITS) == set(Waits.__args__)
