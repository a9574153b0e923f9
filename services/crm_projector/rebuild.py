"""Rebuild the read tables from our own copy of the facts, deal by deal, beside the live path.

Each page folds some deals anew and writes what differs, in one short transaction. A deal that the
live path folds at the same moment makes the page fail and run again. Nobody outside is told.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from contracts.envelope import Meta, Opened, Registry
from contracts.errors import Poison
from contracts.values import Value
from infra.work import Work
from services.crm_projector import views
from services.crm_projector.domain.deal import DealState, evolve
from services.crm_projector.handlers import ATTRIBUTES, Stored, writes
from services.crm_projector.rows import KEYS, Key, Row, changed, key_of, rows_of

EXAMPLES_MAX = 20

DEALS = """
SELECT DISTINCT deal_id FROM fact_log WHERE %(after)s::uuid IS NULL OR deal_id > %(after)s
ORDER BY deal_id LIMIT %(limit)s
"""
LEFT = "SELECT count(DISTINCT deal_id) AS n FROM fact_log WHERE deal_id > %(after)s"
FACTS = """
SELECT id, source, type, version, deal_id, subject, time, correlation, causation, actor,
       traceparent, value
FROM fact_log WHERE deal_id = %(deal_id)s ORDER BY seq
"""


class Difference(Value):
    """A row that was not what the facts say: the table, its key, the columns that were wrong."""

    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]


class Page(Value):
    """What one page of a rebuild did.

    `next` is where to go on, None at the end; `left` how many deals are still to come. A deal is
    folded up to its first unreadable fact, as in the live path; `unreadable` counts from there.
    """

    deals: int
    facts: int
    unreadable: int
    rows: int
    rows_changed: int
    rows_removed: int
    examples: tuple[Difference, ...]
    next: UUID | None
    left: int


def rebuild(work: Work, registry: Registry, after: UUID | None, limit: int) -> Page:
    """Rebuild the next `limit` deals after the given one, in the order of their ids."""
    deals = [row["deal_id"] for row in work.rows(DEALS, {"after": after, "limit": limit})]
    done = [_one(work, registry, deal_id) for deal_id in deals]
    if after is None:
        _remove_orphans(work)
    last = deals[-1] if len(deals) == limit else None
    left = work.rows(LEFT, {"after": last})[0]["n"] if last else 0
    found = [each for deal in done for each in deal.differences]
    return Page(
        deals=len(deals),
        facts=sum(deal.facts for deal in done),
        unreadable=sum(deal.unreadable for deal in done),
        rows=sum(deal.rows for deal in done),
        rows_changed=len(found),
        rows_removed=sum(deal.removed for deal in done),
        examples=tuple(found[:EXAMPLES_MAX]),
        next=last if left else None,
        left=left,
    )


class _Done(Value):
    facts: int
    unreadable: int
    rows: int
    removed: int
    differences: tuple[Difference, ...]


def _one(work: Work, registry: Registry, deal_id: UUID) -> _Done:
    """Fold one deal and write what differs; its revision is read first, so a race is noticed."""
    stored = work.rows(views.STATE, {"deal_id": deal_id})
    before = Stored(None, stored[0]["revision"] if stored else 0, _stored_rows(work, deal_id))
    facts = work.rows(FACTS, {"deal_id": deal_id})
    state, applied = _folded(registry, facts)
    rows = rows_of(state)
    differing = changed(before.rows, rows)
    surplus = [key for key in before.rows if key not in rows]
    for table, key in surplus:
        matches = " AND ".join(f"{column} = %s" for column in KEYS[table])
        work.sql(f"DELETE FROM {table} WHERE {matches}", key)  # noqa: S608, names of our own
    if state is not None and (differing or surplus or _state_differs(stored, state)):
        for statement, params in writes(before, state):
            work.sql(statement, params)
    return _Done(
        facts=applied,
        unreadable=len(facts) - applied,
        rows=len(rows),
        removed=len(surplus),
        differences=tuple(_difference(before.rows, table, row) for table, row in differing),
    )


def _folded(registry: Registry, facts: Sequence[Row]) -> tuple[DealState | None, int]:
    """Fold up to the first fact that can not be read; unknown types are passed over."""
    state: DealState | None = None
    for applied, row in enumerate(facts):
        if not registry.knows(row["type"]):
            continue
        try:
            opened = _opened(registry, row)
        except Poison:
            return state, applied
        state = evolve(state, opened.fact, opened.meta)
    return state, len(facts)


def _opened(registry: Registry, row: Row) -> Opened:
    attributes: Mapping[str, Any] = {name: row[name] for name in ATTRIBUTES}
    body = registry.read(row["type"], row["version"], bytes(row["value"]))
    return Opened(Meta(**attributes), body)


def _stored_rows(work: Work, deal_id: UUID) -> dict[Key, Row]:
    found: dict[Key, Row] = {}
    for table in KEYS:
        statement = f"SELECT * FROM {table} WHERE deal_id = %(deal_id)s"  # noqa: S608
        for row in work.rows(statement, {"deal_id": deal_id}):
            found[key_of(table, row)] = row
    return found


def _state_differs(stored: Sequence[Row], state: DealState | None) -> bool:
    """Compare with what is stored; what an earlier version stored may not even be readable."""
    try:
        return not stored or DealState.model_validate_json(stored[0]["state"]) != state
    except ValidationError:
        return True


def _difference(before: Mapping[Key, Row], table: str, row: Row) -> Difference:
    key = key_of(table, row)
    old = before.get(key, {})
    wrong = tuple(name for name, value in row.items() if old.get(name) != value)
    return Difference(table=table, key=tuple(map(str, key[1])), columns=wrong)


def _remove_orphans(work: Work) -> None:
    """Remove what belongs to no fact: such deals never come up in a page."""
    for table in (*KEYS, "deal_state"):
        work.sql(
            f"DELETE FROM {table} t WHERE NOT EXISTS"  # noqa: S608, names of our own
            " (SELECT FROM fact_log f WHERE f.deal_id = t.deal_id)"
        )
