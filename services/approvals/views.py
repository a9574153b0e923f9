"""The table of cases for lists and dashboards, and a case as JSON. The truth is the stream."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.values import Money, Percent
from infra.work import Commands, Work
from services.approvals.domain.case import Case
from services.approvals.domain.comparing import Offered

UPSERT = """
INSERT INTO cases (case_id, deal_id, quote_id, revision, number, content_key, policy, state, step,
                   steps, level, approvers, requested_by, discount_percent, net_amount, currency,
                   opened_at, due_at, closed_at)
VALUES (%(case_id)s, %(deal_id)s, %(quote_id)s, %(revision)s, %(number)s, %(content_key)s,
        %(policy)s, %(state)s, %(step)s, %(steps)s, %(level)s, %(approvers)s, %(requested_by)s,
        %(discount_percent)s, %(net_amount)s, %(currency)s, %(now)s, %(due_at)s, %(closed_at)s)
ON CONFLICT (case_id) DO UPDATE SET
    state = excluded.state, step = excluded.step, level = excluded.level,
    approvers = excluded.approvers, closed_at = coalesce(cases.closed_at, excluded.closed_at)
"""
OVERDUE = "UPDATE cases SET overdue = true WHERE case_id = %(case_id)s AND state = 'open'"
LISTED = """
SELECT case_id, deal_id, quote_id, revision, number, state, step, steps, level, approvers,
       requested_by, discount_percent, net_amount, currency, opened_at, due_at, overdue, closed_at
FROM cases
WHERE (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(approver)s::text IS NULL OR %(approver)s = ANY(approvers))
ORDER BY due_at, case_id
LIMIT %(limit)s
"""
# For people: what is open comes first, the most urgent on top, then what was closed last. Overdue
# is what is late now, also before the timer has marked it.
INBOX = """
SELECT case_id, deal_id, quote_id, revision, number, state, step, steps, level, approvers,
       requested_by, discount_percent, net_amount, currency, opened_at, due_at,
       state = 'open' AND due_at < %(now)s AS overdue, closed_at
FROM cases
WHERE (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(approver)s::text IS NULL OR %(approver)s = ANY(approvers))
  AND (NOT %(overdue)s OR (state = 'open' AND due_at < %(now)s))
  AND (%(after)s::uuid IS NULL
       OR coalesce(closed_at, 'infinity') < coalesce(%(after_closed)s::timestamptz, 'infinity')
       OR (coalesce(closed_at, 'infinity') = coalesce(%(after_closed)s::timestamptz, 'infinity')
           AND (due_at, case_id) > (%(after_due)s::timestamptz, %(after)s::uuid)))
ORDER BY closed_at DESC NULLS FIRST, due_at, case_id
LIMIT %(limit)s
"""
# What was granted of the same quote before a case was opened, the newest revision first.
GRANTED = """
SELECT revision, content_key, net_amount, currency, discount_percent
FROM cases
WHERE (quote_id, state) = (SELECT quote_id, 'granted' FROM cases WHERE case_id = %(case_id)s)
  AND case_id <> %(case_id)s
  AND closed_at <= (SELECT opened_at FROM cases WHERE case_id = %(case_id)s)
ORDER BY revision DESC, closed_at DESC
LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Granted:
    """The totals of an offer that approvers granted, and which content they granted."""

    offered: Offered
    content_key: str


def write(work: Work, case: Case, able: Sequence[str]) -> None:
    """Write the case's row as it is now; writing it again changes nothing."""
    request = case.request
    if request is None:
        return
    step = case.step
    row = {
        "case_id": request.case_id,
        "deal_id": request.deal_id,
        "quote_id": request.quote_id,
        "revision": request.revision,
        "number": request.number,
        "content_key": request.content_key,
        "policy": f"{request.policy.id}/{request.policy.version}",
        "state": case.state,
        "step": step.step if step else None,
        "steps": len(request.steps),
        "level": step.level if step else None,
        "approvers": list(able),
        "requested_by": request.requested_by,
        "discount_percent": request.discount_percent.root,
        "net_amount": request.net.amount,
        "currency": request.net.currency,
        "now": work.now,
        "due_at": request.due_at,
        "closed_at": None if step else work.now,
    }
    work.sql(UPSERT, row)


def mark_overdue(work: Work, case_id: str) -> None:
    """Mark an open case as overdue."""
    work.sql(OVERDUE, {"case_id": case_id})


def listed(
    commands: Commands, state: str | None, approver: str | None, limit: int
) -> list[dict[str, Any]]:
    """Return cases, the most urgent first; None leaves state or approver open."""
    rows = commands.query(LISTED, {"state": state, "approver": approver, "limit": limit})
    return [_row(each) for each in rows]


@dataclass(frozen=True, slots=True)
class After:
    """The last case of a page of the inbox: the next page begins behind it."""

    closed_at: datetime | None
    due_at: datetime
    case_id: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases an inbox shows; None leaves state or approver open, or begins at the top."""

    state: str | None
    approver: str | None
    overdue: bool
    after: After | None = None


def inbox(commands: Commands, wanted: Filter, now: datetime, limit: int) -> list[dict[str, Any]]:
    """Return cases for people to work through."""
    asked = {
        "state": wanted.state,
        "approver": wanted.approver,
        "overdue": wanted.overdue,
        "now": now,
        "limit": limit,
        "after": wanted.after.case_id if wanted.after else None,
        "after_due": wanted.after.due_at if wanted.after else None,
        "after_closed": wanted.after.closed_at if wanted.after else None,
    }
    return [_row(each) for each in commands.query(INBOX, asked)]


def granted_before(commands: Commands, case_id: UUID) -> Granted | None:
    """Return what approvers granted last of the case's quote, before they were asked again."""
    rows = commands.query(GRANTED, {"case_id": case_id})
    if not rows:
        return None
    (row,) = rows
    offered = Offered(
        revision=row["revision"],
        net=Money(amount=row["net_amount"], currency=row["currency"]),
        discount_percent=Percent(row["discount_percent"]),
    )
    return Granted(offered, row["content_key"])


def shown(case: Case, able: Sequence[str], *, internal: bool) -> dict[str, Any]:
    """Return a case as JSON; margins only with `internal`."""
    request, step = case.request, case.step
    hidden = set() if internal else {"internal"}
    return {
        "state": case.state,
        "step": step.step if step else None,
        "approvers": list(able),
        "who_can_move_it": ("approver" if able else "admin") if step else "nobody",
        "request": request.model_dump(mode="json", exclude=hidden) if request else None,
        "grants": [each.model_dump(mode="json") for each in case.grants],
        "closing": case.closing.model_dump(mode="json") if case.closing else None,
        "late": [each.model_dump(mode="json") for each in case.late],
        "questions": questions(case),
    }


def questions(case: Case) -> list[dict[str, Any]]:
    """Return what approvers asked, the oldest first, each with its answer, if it has one."""
    answers = {each.question_id: each for each in case.answers}
    return [
        {
            **each.model_dump(mode="json", include={"question_id", "text", "asked_by", "at"}),
            "answer": found.model_dump(mode="json", include={"text", "answered_by", "at"})
            if (found := answers.get(each.question_id))
            else None,
        }
        for each in case.questions
    ]


def questions_shown(case: Case) -> dict[str, Any]:
    """Return the questions of a case for those who answer them: without any figure of ours."""
    request = case.request
    return {
        "case_id": str(request.case_id) if request else None,
        "state": case.state,
        "number": request.number if request else None,
        "revision": request.revision if request else None,
        "questions": questions(case),
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """Make a row JSON: exact decimals as text, times with zone, ids as text."""
    net = {"amount": str(row["net_amount"]), "currency": row["currency"]}
    rest = {name: value for name, value in row.items() if name not in {"net_amount", "currency"}}
    return {**{name: _plain(value) for name, value in rest.items()}, "net": net}


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | str | list):
        return value
    return value.isoformat() if isinstance(value, datetime) else str(value)
