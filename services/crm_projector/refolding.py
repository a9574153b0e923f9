"""Deals folded anew from our own copy of the facts, many at a time, in memory.

A deal is folded up to its first unreadable fact. What is parked was never folded by the live path
and is left out; `fact_log.held` says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from contracts.envelope import Meta, Registry
from contracts.errors import Poison
from services.crm_projector.domain.deal import DealState, evolve
from services.crm_projector.generations import Saving
from services.crm_projector.rows import rows_of

COLUMNS = """
id, source, type, version, deal_id, subject, time, correlation, causation, actor, traceparent, value
"""
# One page in the order of deals: as many facts as fit, so the last deal may be cut.
NEXT_FACTS = f"""
SELECT {COLUMNS} FROM fact_log
WHERE deal_id > %(after)s AND seq <= %(until)s AND NOT held
ORDER BY deal_id, seq LIMIT %(limit)s
"""  # noqa: S608, names of our own
FACTS_OF = f"""
SELECT {COLUMNS} FROM fact_log
WHERE deal_id = ANY(%(deals)s) AND seq <= %(until)s AND NOT held
ORDER BY deal_id, seq
"""  # noqa: S608, names of our own

DEAL, VALUE = 4, 11
Record = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Refolded:
    """A deal folded anew; `unreadable` counts its facts from the first one that can not be read."""

    deal_id: UUID
    state: DealState | None
    facts: int
    unreadable: int

    def saving(self, expected: int) -> Saving | None:
        """Return what is to be written of it; None for a deal without a fact that we know."""
        if self.state is None:
            return None
        rows = [(key[0], row) for key, row in rows_of(self.state).items()]
        return Saving(self.state, expected, rows)


def refolded(registry: Registry, records: Sequence[Record]) -> Iterator[Refolded]:
    """Fold records that stand in the order of deals, and of each deal in that of its facts."""
    for deal_id, mine in groupby(records, itemgetter(DEAL)):
        yield _folded(registry, deal_id, list(mine))


def _folded(registry: Registry, deal_id: UUID, records: Sequence[Record]) -> Refolded:
    state: DealState | None = None
    for applied, record in enumerate(records):
        meta = Meta(*record[:VALUE])
        if not registry.knows(meta.type):
            continue
        try:
            fact = registry.read(meta.type, meta.version, record[VALUE])
        except Poison:
            return Refolded(deal_id, state, applied, len(records) - applied)
        state = evolve(state, fact, meta)
    return Refolded(deal_id, state, len(records), 0)
