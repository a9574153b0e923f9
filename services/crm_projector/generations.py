"""The generations of the projected tables: which are fed, how one is read and written.

Every generation has tables and a writer of its own (`quote_3`, `save_3`); migrations/0003 makes
them. The live path feeds the current one, the one before it (kept for a rollback), and the next
one once it has caught up.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from pydantic import TypeAdapter

from contracts.errors import Unavailable
from infra.work import Work
from services.crm_projector.domain.deal import DealState
from services.crm_projector.rows import KEYS, Key, Row, rows_of

FEEDING = """
SELECT epoch, array(
    SELECT number FROM generation WHERE stage IN ('comparing', 'current', 'previous')
    ORDER BY stage <> 'current', number
) AS numbers
FROM feeding
"""
FEED = "SELECT feed(%(epoch)s)"
FED = "crm_projector.fed"

_ROWS: TypeAdapter[list[Row]] = TypeAdapter(list[Mapping[str, Any]])
_NONE = "[]"


@dataclass(frozen=True, slots=True)
class Feeding:
    """The generations to write, the current one first, as of an epoch.

    A commit under another epoch than today's fails as not available and is decided again.
    """

    epoch: int
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Folded:
    """A deal as it is committed in one generation: state, its revision (0: none yet), its rows."""

    state: DealState | None
    revision: int
    rows: Mapping[Key, Row]


NOTHING = Folded(None, 0, {})


@dataclass(frozen=True, slots=True)
class Saving:
    """A deal's new state, the revision it was folded from, and its rows that differ."""

    state: DealState
    expected: int
    rows: Sequence[tuple[str, Row]]


def feeding(work: Work) -> Feeding:
    """Return what is to be fed now."""
    (found,) = work.rows(FEEDING)
    return Feeding(found["epoch"], tuple(found["numbers"]))


def fed(work: Work) -> dict[str, int | None]:
    """Return the parameters of the batch's first statement, which guards all that follow it.

    It holds a lock that makes whoever changes the generations wait for the end of the transaction;
    with an epoch it also fails if they have changed.
    """
    found: dict[str, int | None] | None = work.scratch.get(FED)
    if found is None:
        found = work.scratch[FED] = {"epoch": None}
        work.sql(FEED, found)
    return found


def states_of(number: int) -> str:
    """Return the question for the states of some deals in a generation."""
    return (
        "SELECT deal_id, revision, state::text AS state"  # noqa: S608, a number of our own
        f" FROM deal_state_{number:d} WHERE deal_id = ANY(%(deals)s)"
    )


def read(work: Work, number: int, deals: Collection[UUID]) -> dict[UUID, Folded]:
    """Return the deals of a generation as they are committed; a new one is not in it."""
    if not deals:
        return {}
    try:
        found = work.rows(states_of(number), {"deals": list(deals)})
    except psycopg.errors.UndefinedTable:
        raise Unavailable(f"generation {number} is gone; looking again at what to feed") from None
    return {row["deal_id"]: folded(row["state"], row["revision"]) for row in found}


def folded(text: str, revision: int) -> Folded:
    """Return a deal from what is stored of it."""
    # Tolerant, so that a state of an earlier version can still be read until a rebuild renews it.
    state = DealState.model_validate_json(text, extra="ignore")
    return Folded(state, revision, rows_of(state))


def save(number: int) -> str:
    """Return the statement that writes deals and rows into a generation, in one round trip."""
    tables = ", ".join(f"%({name})s::json" for name in ("states", *KEYS))
    return f"SELECT save_{number:d}({tables})"


def saved(savings: Iterable[Saving]) -> dict[str, str]:
    """Return the parameters of `save`: states and rows as JSON, each table's in one piece."""
    states: list[str] = []
    tables: dict[str, list[Row]] = {}
    for each in savings:
        text = each.state.model_dump_json(exclude_defaults=True)
        place = f'"deal_id":{json.dumps(str(each.state.deal_id))},"expected":{each.expected:d}'
        states.append(f'{{{place},"state":{text}}}')
        for table, row in each.rows:
            tables.setdefault(table, []).append(row)
    rows = {name: _ROWS.dump_json(found).decode() for name, found in tables.items()}
    return {"states": f"[{','.join(states)}]", **dict.fromkeys(KEYS, _NONE), **rows}
