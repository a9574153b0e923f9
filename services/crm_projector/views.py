"""What people ask of the read tables: opportunities, quotes, what waits, analytics."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from contracts.errors import NotFound
from infra.work import Commands

Row = dict[str, Any]

INTERNAL = ("margin", "margin_percent")
OPPORTUNITIES = """
SELECT * FROM opportunity
WHERE (%(q)s::text IS NULL OR strpos(lower(account_name), lower(%(q)s)) > 0
       OR strpos(lower(name), lower(%(q)s)) > 0 OR record_id = %(q)s)
  AND (%(owner)s::text IS NULL OR owner_id = %(owner)s)
  AND (%(tier)s::text IS NULL OR customer_tier = %(tier)s)
  AND (%(region)s::text IS NULL OR region = %(region)s)
  AND (%(stage)s::text IS NULL OR stage = %(stage)s)
  AND (%(outcome)s::text IS NULL OR outcome = %(outcome)s
       OR (%(outcome)s = 'decided' AND outcome <> 'open'))
  AND (%(follow_up_by)s::date IS NULL OR next_follow_up <= %(follow_up_by)s)
  AND (%(currency)s::text IS NULL OR currency = %(currency)s)
  AND (%(quoted_tier)s::text IS NULL OR coalesce(quoted_tier, customer_tier) = %(quoted_tier)s)
  AND (%(quote_status)s::text IS NULL OR EXISTS (
        SELECT FROM quote q WHERE q.deal_id = opportunity.deal_id AND q.status = %(quote_status)s))
  AND (%(presented_in)s::date IS NULL OR EXISTS (
        SELECT FROM quote_revision r
        WHERE r.quote_id = opportunity.representative_quote_id
          AND r.revision = opportunity.representative_revision AND r.list IS NOT NULL
          AND date_trunc('month', r.presented_at AT TIME ZONE 'UTC')
              = date_trunc('month', %(presented_in)s::date::timestamp)
          AND (%(presented_currency)s::text IS NULL OR r.currency = %(presented_currency)s)))
  AND (%(quoted)s::text IS NULL OR (%(quoted)s = 'presented') = (first_presented_at IS NOT NULL))
  AND (%(quoted)s::text IS DISTINCT FROM 'pending' OR outcome = 'open')
  AND (%(amount)s::text IS NULL OR (%(amount)s = 'told') = (amount IS NOT NULL))
  AND (%(after)s::uuid IS NULL OR (changed_at, deal_id) < (
        SELECT changed_at, deal_id FROM opportunity WHERE deal_id = %(after)s))
ORDER BY changed_at DESC, deal_id DESC
LIMIT %(limit)s
"""
WAITING = """
SELECT * FROM bi.waiting
WHERE (%(who)s::text IS NULL OR who_can_move_it = %(who)s)
  AND (%(owner)s::text IS NULL OR owner_id = %(owner)s)
  AND (%(waits_for)s::text IS NULL OR waits_for = %(waits_for)s)
  AND (%(after_since)s::timestamptz IS NULL OR (waits_since_at, number) >
        (%(after_since)s, coalesce(%(after)s::text, '')))
ORDER BY waits_since_at, number
LIMIT %(limit)s
"""
WAITING_BY = """
SELECT who_can_move_it, waits_for, count(*) AS n, min(waits_since_at) AS oldest_at FROM bi.waiting
GROUP BY 1, 2
ORDER BY 1, oldest_at
"""
PIPELINE = """
SELECT stage, currency, count(*) AS n, count(amount) AS n_with_amount, sum(amount) AS amount
FROM opportunity WHERE outcome = 'open'
GROUP BY 1, 2
ORDER BY 1, 2
"""
QUOTES_OF = "SELECT * FROM quote WHERE deal_id = ANY(%(deals)s::uuid[]) ORDER BY number"
QUOTE = "SELECT * FROM quote WHERE number = %(number)s ORDER BY quote_id LIMIT 1"
REVISIONS = """
SELECT r.* FROM quote_revision r
WHERE r.quote_id = (SELECT quote_id FROM quote WHERE number = %(number)s ORDER BY quote_id LIMIT 1)
ORDER BY r.revision
"""
CASES = """
SELECT a.* FROM approval a
WHERE a.quote_id = (SELECT quote_id FROM quote WHERE number = %(number)s ORDER BY quote_id LIMIT 1)
ORDER BY a.requested_at, a.case_id
"""
DISCOUNT_TREND = """
SELECT * FROM bi.discount_trend
WHERE (%(first)s::date IS NULL OR month_date >= date_trunc('month', %(first)s::date))
  AND (%(last)s::date IS NULL OR month_date <= %(last)s)
ORDER BY month_date, currency
LIMIT %(limit)s
"""
# Percentiles of what was, so that each is the time of an opportunity that one can look up.
TIME_TO_QUOTE = """
SELECT customer_tier AS tier, count(seconds_to_quote) AS n_quoted,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds_to_quote) AS median_seconds,
       percentile_disc(0.9) WITHIN GROUP (ORDER BY seconds_to_quote) AS most_seconds,
       count(*) FILTER (WHERE is_pending) AS n_pending,
       min(opened_at) FILTER (WHERE is_pending) AS oldest_pending_at
FROM bi.time_to_quote
GROUP BY 1
ORDER BY 1
LIMIT %(limit)s
"""


class NoSuchOpportunity(NotFound):
    """No opportunity of this id has come to us."""

    code = "crm.no_such_opportunity"


class NoSuchQuote(NotFound):
    """No quote of this number has come to us (yet: the projection is a moment behind)."""

    code = "crm.no_such_quote"


def opportunities(commands: Commands, asked: Mapping[str, Any]) -> list[Row]:
    """Return opportunities, the last changed first; filters that are None do not filter."""
    return [plain(row) for row in commands.query(OPPORTUNITIES, asked)]


def quotes_of(commands: Commands, deals: Sequence[str]) -> dict[str, list[Row]]:
    """Return the quotes of some deals, by deal."""
    found: dict[str, list[Row]] = {}
    for row in commands.query(QUOTES_OF, {"deals": list(deals)}):
        found.setdefault(str(row["deal_id"]), []).append(plain(row))
    return found


def opportunity(commands: Commands, deal_id: UUID) -> Row:
    """Return one opportunity with its quotes and approval cases.   Raises: NoSuchOpportunity."""
    key = {"deal_id": deal_id}
    found, quotes, cases = commands.query_together(
        ("SELECT * FROM opportunity WHERE deal_id = %(deal_id)s", key),
        ("SELECT * FROM quote WHERE deal_id = %(deal_id)s ORDER BY number", key),
        ("SELECT * FROM approval WHERE deal_id = %(deal_id)s ORDER BY requested_at, case_id", key),
    )
    if not found:
        raise NoSuchOpportunity("there is no opportunity of this id here", deal_id=deal_id)
    return {
        **plain(found[0]),
        "quotes": [plain(row) for row in quotes],
        "approvals": [plain(row) for row in cases],
    }


def quote(commands: Commands, number: str, *, internal: bool) -> Row:
    """Return one quote with its revisions and cases; margins only with `internal`, in a block.

    Raises: NoSuchQuote.
    """
    asked = {"number": number}
    found, revisions, cases = commands.query_together(
        (QUOTE, asked), (REVISIONS, asked), (CASES, asked)
    )
    return {
        **plain(only(found, number)),
        "revisions": [_revision(row, internal=internal) for row in revisions],
        "approvals": [plain(row) for row in cases],
    }


def waiting(commands: Commands, asked: Mapping[str, Any]) -> list[Row]:
    """Return what quotes wait for, the longest wait first."""
    return [plain(row) for row in commands.query(WAITING, asked)]


def waiting_by(commands: Commands) -> list[Row]:
    """Return how many quotes wait for what, by who can move them, and since when the oldest."""
    return [plain(row) for row in commands.query(WAITING_BY)]


def pipeline(commands: Commands) -> list[Row]:
    """Return the open opportunities by stage and currency, with the CRM's estimates."""
    return [plain(row) for row in commands.query(PIPELINE)]


def win_rate(commands: Commands, limit: int) -> list[Row]:
    """Return the win rate of opportunities by quoted tier, with its 95 % interval."""
    statement = "SELECT * FROM bi.win_rate_by_tier ORDER BY tier LIMIT %(limit)s"
    return [plain(row) for row in commands.query(statement, {"limit": limit})]


def discount_trend(
    commands: Commands, first: date | None, last: date | None, limit: int
) -> list[Row]:
    """Return the discount by month and currency, weighted and not."""
    asked = {"first": first, "last": last, "limit": limit}
    return [plain(row) for row in commands.query(DISCOUNT_TREND, asked)]


def time_to_quote(commands: Commands, limit: int) -> list[Row]:
    """Return how long it took from opened to first presented, by tier, and how many still wait."""
    return [plain(row) for row in commands.query(TIME_TO_QUOTE, {"limit": limit})]


def plain(row: Mapping[str, Any]) -> Row:
    """Make a row JSON: exact decimals and ids as text, times with their zone."""
    return {name: _plain(value) for name, value in row.items()}


def only(found: Sequence[Row], number: str) -> Row:
    """Return the quote that was found by its number.   Raises: NoSuchQuote."""
    if not found:
        raise NoSuchQuote("there is no quote of this number here", number=number)
    return found[0]


def _revision(row: Row, *, internal: bool) -> Row:
    shown = plain({name: value for name, value in row.items() if name not in INTERNAL})
    if internal:
        shown["internal"] = plain({name: row[name] for name in INTERNAL})
    return shown


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"  # never 0E-20
    return value.isoformat() if isinstance(value, date) else str(value)
