"""The overview: pipeline, win rate, discounts, times and waits, and the places of its charts.

Charts are small and have a fixed size, so that their text is as large on a phone as on a desk.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from babel import Locale
from babel.dates import format_date

from contracts import places
from infra.work import Commands
from services.crm_projector import views
from services.crm_projector.views import Row

MONTHS = 12
LIMIT = 200
WIDTH = 290
# The plot of the win rates: from 0 to 100 % beside the tiers' names.
RATE_LEFT, RATE_WIDTH, RATE_ROW = 96, 180, 26
NAME_MAX = 13
# The plot of the discounts: one bar for a month, above the months' names.
TREND_LEFT, TREND_TOP, TREND_HEIGHT, TREND_STEP = 46, 10, 110, 20
TENTH = Decimal("0.1")


def overview(commands: Commands, today: date) -> dict[str, Any]:
    """Return what the overview shows."""
    tiers = views.win_rate(commands, LIMIT)
    first = _months_before(today, MONTHS - 1)
    trend = views.discount_trend(commands, first, today, LIMIT)
    return {
        "pipeline": pipeline(views.pipeline(commands)),
        "tiers": tiers,
        "rates": rates(tiers),
        "trend": trend,
        "bars": [bars(first, each) for each in _by_currency(trend)],
        "times": views.time_to_quote(commands, LIMIT),
        "waits": views.waiting_by(commands),
        "waiting": _waiting,
        "opportunities": _opportunities,
        "hundred": _hundred,
        "month": _month,
        "width": WIDTH,
    }


def pipeline(rows: Sequence[Row]) -> list[Row]:
    """Return the stages with the amounts of each currency, the fullest stage first."""
    found = []
    for stage, each in groupby(rows, key=lambda row: row["stage"]):
        amounts = list(each)
        found.append({"stage": stage, "n": sum(row["n"] for row in amounts), "amounts": amounts})
    return sorted(found, key=lambda row: (-row["n"], row["stage"]))


def rates(tiers: Sequence[Row]) -> dict[str, Any]:
    """Return where the rate and the interval of each decided tier stand."""
    decided = [row for row in tiers if row["win_rate"] is not None]
    rows = [
        {
            "name": _short(row["tier"]),
            "y": RATE_ROW * n + RATE_ROW // 2,
            "low": _on(row["win_rate_low"]),
            "high": _on(row["win_rate_high"]),
            "rate": _on(row["win_rate"]),
            "is_small": row["is_small_sample"],
        }
        for n, row in enumerate(decided)
    ]
    marks = [(RATE_LEFT + RATE_WIDTH * share // 100, share) for share in (0, 50, 100)]
    return {"rows": rows, "marks": marks, "foot": RATE_ROW * len(rows)}


def bars(first: date, rows: Sequence[Row]) -> dict[str, Any]:
    """Return the bars of one currency's months; a month without offers has none."""
    known = [(row, Decimal(row["discount_rate"])) for row in rows]
    top = max(TENTH, _tenth(max(rate for _, rate in known), ROUND_CEILING))
    low = min(Decimal(0), _tenth(min(rate for _, rate in known), ROUND_FLOOR))

    def height(rate: Decimal) -> float:
        return round(TREND_TOP + float((top - rate) / (top - low)) * TREND_HEIGHT, 1)

    drawn = []
    for row, rate in known:
        y = height(max(rate, Decimal(0)))
        drawn.append(
            {
                "x": TREND_LEFT + TREND_STEP * _apart(first, row["month_date"]),
                "y": y,
                "height": round(height(min(rate, Decimal(0))) - y, 1),
                "is_up": rate >= 0,
            }
        )
    # Every third month is named: more names would run into one another.
    names = [(TREND_LEFT + TREND_STEP * n, _months_before(first, -n)) for n in range(0, MONTHS, 3)]
    marks = [(height(each), each * 100) for each in sorted({low, Decimal(0), top})]
    return {"currency": rows[0]["currency"], "bars": drawn, "months": names, "marks": marks}


def _by_currency(trend: Sequence[Row]) -> list[list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in trend:
        if row["discount_rate"] is not None:
            found[row["currency"]].append(row)
    return [found[currency] for currency in sorted(found)]


def _opportunities(**asked: Any) -> str:
    """Return the address of the opportunities that a number counts."""
    return f"{places.OPPORTUNITIES}?{urlencode(asked)}"


def _waiting(row: Row) -> str:
    """Return the address of the quotes that a wait counts."""
    asked = {"who": row["who_can_move_it"], "waits_for": row["waits_for"]}
    return f"{places.WAITING}?{urlencode(asked)}"


def _hundred(rate: str | None) -> Decimal | None:
    """Return a rate in per cent."""
    return None if rate is None else Decimal(rate) * 100


def _month(day: date | str, locale: Locale, form: str = "MMM y") -> str:
    found = day if isinstance(day, date) else date.fromisoformat(day)
    return format_date(found, form, locale=locale)


def _on(rate: str) -> float:
    return round(RATE_LEFT + float(Decimal(rate)) * RATE_WIDTH, 1)


def _short(name: str) -> str:
    return name if len(name) <= NAME_MAX else f"{name[: NAME_MAX - 1]}…"


def _tenth(rate: Decimal, rounding: str) -> Decimal:
    return rate.quantize(TENTH, rounding)


def _apart(first: date, month: str) -> int:
    found = date.fromisoformat(month)
    return (found.year - first.year) * 12 + found.month - first.month


def _months_before(day: date, months: int) -> date:
    """Return the first day of the month that is so many months before (after, if negative)."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, 1)
