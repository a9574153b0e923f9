"""What happened, fact by fact: the walk of a quote for machines, the facts of a deal for people."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from contracts.approval import ApprovalQuestionAnswered, ApprovalQuestionAsked
from infra.work import Commands
from services.crm_projector.views import QUOTE, Row, only, opportunity, plain

HISTORY_MAX = 1000
# Facts whose words people read in the history, and the case in which they were said.
TALK = [each.wire_type() for each in (ApprovalQuestionAsked, ApprovalQuestionAnswered)]

HISTORY = """
SELECT id, source, type, version, subject, time, actor, causation, traceparent,
       CASE WHEN type = ANY(%(talk)s) THEN value END AS value
FROM fact_log
WHERE deal_id = %(deal_id)s AND (subject = %(subject)s OR subject NOT LIKE 'quote/%%')
ORDER BY seq
LIMIT %(limit)s
"""
FACTS = """
SELECT id, source, type, subject, time, actor, causation, NULL::bytea AS value
FROM fact_log
WHERE deal_id = %(deal_id)s
ORDER BY seq
LIMIT %(limit)s
"""


def of_quote(commands: Commands, number: str) -> Row:
    """Return the quote's walk hop by hop, with the cause of each and the time since it.

    `since_previous_ms` is the wait after the hop before, `since_cause_ms` the wait after the fact
    that caused it; both by the clocks of those who said the facts.   Raises: NoSuchQuote.
    """
    found = only(commands.query(QUOTE, {"number": number}), number)
    asked = {
        "deal_id": found["deal_id"],
        "subject": f"quote/{found['quote_id']}",
        "talk": TALK,
        "limit": HISTORY_MAX,
    }
    facts = commands.query(HISTORY, asked)
    return {
        "number": number,
        "quote_id": str(found["quote_id"]),
        "deal_id": str(found["deal_id"]),
        "hops": list(_hops(facts)),
        "is_cut": len(facts) == HISTORY_MAX,
    }


def of_deal(commands: Commands, deal_id: UUID) -> Row:
    """Return every fact of a deal, the oldest first; `cause` counts the facts of the same list.

    Raises: NoSuchOpportunity.
    """
    found = opportunity(commands, deal_id)
    rows = commands.query(FACTS, {"deal_id": deal_id, "limit": HISTORY_MAX})
    counted = {row["id"]: n for n, row in enumerate(rows, 1)}
    numbers = {f"quote/{each['quote_id']}": each["number"] for each in found["quotes"]}
    facts = [
        {**hop, "number": numbers.get(hop["subject"]), "cause": counted.get(hop["causation"])}
        for hop in _hops(rows)
    ]
    return {"it": found, "facts": facts, "is_cut": len(rows) == HISTORY_MAX}


def _hops(facts: Sequence[Row]) -> Iterator[Row]:
    times: dict[str, datetime] = {row["id"]: row["time"] for row in facts}
    before: datetime | None = None
    for row in facts:
        cause_at = times.get(row["causation"] or "")
        yield {
            "fact": row["type"].rpartition(".")[2],
            **plain({name: value for name, value in row.items() if name != "value"}),
            **_said(row["value"]),
            "since_previous_ms": _ms(before, row["time"]),
            "since_cause_ms": _ms(cause_at, row["time"]),
        }
        before = row["time"]


def _said(value: bytes | None) -> Row:
    """Return the words of a fact and its case; nothing of all other facts."""
    if value is None:
        return {}
    body = json.loads(value)
    return {"said": body.get("text"), "case_id": body.get("case_id")}


def _ms(earlier: datetime | None, later: datetime) -> int | None:
    return None if earlier is None else round((later - earlier).total_seconds() * 1000)
