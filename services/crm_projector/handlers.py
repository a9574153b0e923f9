"""What crm_projector does: take in what a CRM says, copy every fact, project it, tell the CRM."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

import structlog

from contracts.envelope import Meta, Opened
from infra.work import Delivery, Work
from services.crm_projector import views
from services.crm_projector.crm.port import CrmPort
from services.crm_projector.domain.deal import DealState, evolve
from services.crm_projector.domain.inbound import InboundEvent, is_echo, translate
from services.crm_projector.domain.opportunity import OpportunityState
from services.crm_projector.domain.opportunity import evolve as evolve_opportunity
from services.crm_projector.domain.write_back import tellings
from services.crm_projector.rows import Key, Row, changed, rows_of, upsert

log = structlog.get_logger("crm_projector")

COPY = """
INSERT INTO fact_log (id, source, type, version, deal_id, subject, time, correlation, causation,
                      actor, traceparent, value)
SELECT id, source, type, version, deal_id, subject, time, correlation, causation,
       actor, traceparent, value
FROM unnest(%(id)s::text[], %(source)s::text[], %(type)s::text[], %(version)s::integer[],
            %(deal_id)s::uuid[], %(subject)s::text[], %(time)s::timestamptz[],
            %(correlation)s::text[], %(causation)s::text[], %(actor)s::text[],
            %(traceparent)s::text[], %(value)s::bytea[]) WITH ORDINALITY
     AS heard (id, source, type, version, deal_id, subject, time, correlation, causation,
               actor, traceparent, value, n)
ORDER BY n
ON CONFLICT (id) DO NOTHING
"""
SAVE = "SELECT save_deal(%(deal_id)s, %(expected)s, %(state)s::jsonb)"
ATTRIBUTES = tuple(each.name for each in fields(Meta))
COPIES = "crm_projector.copies"

Statement = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Outward:
    """How CRMs are told: the adapter, and the names of the endpoints that exist.

    A deal of `crm://example` goes to the endpoint `example`, else to `crm`, else nowhere.
    """

    adapter: CrmPort
    endpoints: Collection[str]

    def target(self, crm: str) -> str | None:
        """Return the endpoint's name for a CRM."""
        name = crm.rpartition("/")[2]
        return next((each for each in (name, "crm") if each in self.endpoints), None)


@dataclass(frozen=True, slots=True)
class Stored:
    """A deal as it is committed: its state, the state's revision (0: none yet), its rows."""

    state: DealState | None
    revision: int
    rows: Mapping[Key, Row]


@dataclass(frozen=True, slots=True)
class Pending:
    """A deal as this batch has it, and what was put into which work to write it."""

    stored: Stored
    state: DealState
    work: Work
    statements: tuple[Statement, ...]
    deliveries: tuple[Delivery, ...]

    def take_back(self) -> None:
        """Write nothing of this after all: a later fact of the same batch writes the newer state.

        The works of one batch are committed together or not at all, so nothing is lost by it.
        """
        mine = {id(params) for _, params in self.statements}
        self.work.statements[:] = [s for s in self.work.statements if id(s[1]) not in mine]
        told = {id(each) for each in self.deliveries}
        self.work.deliveries[:] = [d for d in self.work.deliveries if id(d) not in told]


def receive(event: InboundEvent, work: Work) -> None:
    """Take in what a CRM says; echoes, stale and empty events leave nothing.

    Raises: UnknownOpportunity, AmountWithoutCurrency.
    """
    state = OpportunityState()
    for recorded in work.read(event.stream):
        state = evolve_opportunity(state, recorded.fact, recorded.meta.time)
    facts = translate(event, state)
    if facts:
        work.append(event.stream, *facts)
        return
    why = "echo" if is_echo(event) else "nothing_new"
    log.info("crm_event_ignored", crm=event.source, event_id=event.event_id, why=why)


def copy_raw(meta: Meta, value: bytes, work: Work) -> None:
    """Copy a fact as it came, also one that nobody here can read; once, however often it comes.

    One statement copies a whole batch: its parameters grow until the batch is committed.
    """
    copies = work.scratch.get(COPIES)
    if copies is None:
        copies = work.scratch[COPIES] = {name: [] for name in (*ATTRIBUTES, "value")}
        work.sql(COPY, copies)
    for name in ATTRIBUTES:
        copies[name].append(getattr(meta, name))
    copies["value"].append(value)


def project(heard: Opened, work: Work, outward: Outward) -> None:
    """Fold a fact into its deal, write the rows that changed, tell the CRM what changed for it.

    A batch writes each of its deals once. This is the live path: a rebuild folds and writes the
    same, and tells nobody.
    """
    place = ("crm_projector.deal", heard.meta.deal_id)
    pending: Pending | None = work.scratch.get(place)
    stored = pending.stored if pending else read(work, heard.meta.deal_id)
    before = pending.state if pending else stored.state
    state = evolve(before, heard.fact, heard.meta)
    if state is before:
        return
    if pending is not None:
        pending.take_back()
    statements, deliveries = writes(stored, state), _tellings(stored.state, state, outward)
    for statement, params in statements:
        work.sql(statement, params)
    for each in deliveries:
        work.deliver(each)
    work.scratch[place] = Pending(stored, state, work, statements, deliveries)


def read(work: Work, deal_id: UUID) -> Stored:
    """Return the deal as it is committed."""
    found = work.rows(views.STATE, {"deal_id": deal_id})
    if not found:
        return Stored(None, 0, {})
    # Tolerant, so that a state of an earlier version can still be read until a rebuild renews it.
    state = DealState.model_validate_json(found[0]["state"], extra="ignore")
    return Stored(state, found[0]["revision"], rows_of(state))


def writes(stored: Stored, state: DealState) -> tuple[Statement, ...]:
    """Return what writes the state and the rows that differ.

    Its commit fails as not available if somebody else folded the deal since it was read.
    """
    text = state.model_dump_json(exclude_defaults=True)
    saved = {"deal_id": state.deal_id, "expected": stored.revision, "state": text}
    rows = changed(stored.rows, rows_of(state))
    return ((SAVE, saved), *((upsert(table, tuple(row)), row) for table, row in rows))


def _tellings(before: DealState | None, after: DealState, outward: Outward) -> tuple[Delivery, ...]:
    found = []
    for told in tellings(before, after):
        target = outward.target(told.crm)
        if target is None:
            log.warning("crm_has_no_endpoint", crm=told.crm, quote_id=str(told.quote_id))
            continue
        delivery = Delivery(
            key=f"quote/{told.quote_id}",
            target=target,
            event_type=outward.adapter.event_type,
            body=outward.adapter.write_back(told),
            deal_id=after.deal_id,
        )
        found.append(delivery)
    return tuple(found)
