"""Until when an offer may be accepted: the whole last day in the selling unit's zone."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# Requests are cut off at 30 s, so an acceptance in time is committed long before the sweep looks.
SWEEP_GRACE = timedelta(minutes=15)


def end_of_day(day: date, zone: str) -> datetime:
    """Return the instant, in UTC, at which the day is over in the zone.

    Right on days of 23 and 25 hours; where midnight itself is skipped by summer time, the next day
    begins at the jump (`fold=0` reads a skipped midnight with the offset before it).

    >>> end_of_day(date(2026, 3, 29), "Europe/Berlin").isoformat()
    '2026-03-29T22:00:00+00:00'
    """
    midnight = datetime.combine(day + timedelta(days=1), time.min, tzinfo=ZoneInfo(zone))
    return midnight.astimezone(UTC)


def last_day(today: date, validity_days: int) -> date:
    """Return the last day on which an offer of today may be accepted."""
    return today + timedelta(days=validity_days)
