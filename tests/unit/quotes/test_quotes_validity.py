"""Validity is the whole last day in the selling unit's zone, also where clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.quotes.domain.validity import end_of_day

# Zones that change at midnight, by half hours, or that skipped a whole day, besides ordinary ones.
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Asia/Tokyo",
    "Africa/Cairo",
    "America/Havana",
    "Asia/Beirut",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "UTC",
]


@pytest.mark.parametrize(
    ("day", "zone", "end"),
    [
        (date(2026, 3, 29), "Europe/Berlin", "2026-03-29T22:00:00+00:00"),  # a day of 23 hours
        (date(2026, 10, 25), "Europe/Berlin", "2026-10-25T23:00:00+00:00"),  # a day of 25 hours
        (date(2026, 3, 8), "America/New_York", "2026-03-09T04:00:00+00:00"),
        (date(2026, 11, 1), "America/New_York", "2026-11-02T05:00:00+00:00"),
        (date(2026, 12, 31), "Asia/Tokyo", "2026-12-31T15:00:00+00:00"),
        # Cairo skips the midnight of 24 April 2026: the day ends at the jump.
        (date(2026, 4, 23), "Africa/Cairo", "2026-04-23T22:00:00+00:00"),
    ],
)
def test_the_last_day_ends_where_the_calendar_of_the_zone_says(
    day: date, zone: str, end: str
) -> None:
    assert end_of_day(day, zone).isoformat() == end


@given(
    day=st.dates(date(2012, 1, 1), date(2037, 12, 1)),
    zone=st.sampled_from(ZONES),
    before_us=st.integers(1, 22 * 3600 * 10**6),
)
def test_every_moment_of_the_last_day_lies_before_the_end_and_none_after(
    day: date, zone: str, before_us: int
) -> None:
    end = end_of_day(day, zone)
    local = ZoneInfo(zone)

    assert end.astimezone(local).date() > day
    assert (end - timedelta(microseconds=before_us)).astimezone(local).date() <= day
    last = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=local).astimezone(UTC)
    assert last < end
