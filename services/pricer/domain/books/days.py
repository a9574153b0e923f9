"""Days on which two things both hold, and days between them on which neither does."""

from datetime import date, timedelta
from typing import NamedTuple

from contracts.values import Period

DAY = timedelta(days=1)


class Days(NamedTuple):
    """Days on which something holds; None: all."""

    period: Period | None


def shared(one: Period | None, other: Period | None) -> Days | None:
    """Return the days that two periods share (None: all days); None: they share none."""
    if one is None or other is None:
        return Days(one or other)
    first = max(one.first, other.first)
    last = min((each.last for each in (one, other) if each.last is not None), default=None)
    if last is not None and last < first:
        return None
    return Days(Period(first=first, last=last))


def gaps(periods: list[Period]) -> list[tuple[date, date]]:
    """Return the first and last day of each gap between periods, in whatever order they come.

    >>> spring = Period(first="2026-03-01", last="2026-05-31")
    >>> [f"{first} {last}" for first, last in gaps([Period(first="2026-07-01", last=None), spring])]
    ['2026-06-01 2026-06-30']
    """
    found: list[tuple[date, date]] = []
    covered: date | None = None
    for each in sorted(periods, key=lambda it: it.first):
        if covered is not None and (each.first - covered).days > 1:
            found.append((covered + DAY, each.first - DAY))
        if each.last is None:
            break
        covered = each.last if covered is None else max(covered, each.last)
    return found
