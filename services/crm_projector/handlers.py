"""What crm_projector does: take in what a CRM says, copy every fact, project it, tell the CRM."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
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
VALUES (%(id)s, %(source)s, %(type)s, %(version)s, %(deal_id)s, %(subject)s, %(time)s,
        %(correlation)s, %(causation)s, %(actor)s, %(traceparent)s, %(value)s)
ON CONFLICT (id) DO NOTHING
"""
SAVE = "SELECT save_deal(%(deal_id)s, %(expected)s, %(state)s::jsonb)"


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
class Held:
    """A deal as this batch holds it: its state, the revision that is stored, its rows."""

    state: DealState | None
    revision: int
    rows: Mapping[Key, Row]


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
    """Copy a fact as it came, also one that nobody here can read; once, however often it comes."""
    work.sql(
        COPY,
        {
            "id": meta.id,
            "source": meta.source,
            "type": meta.type,
            "version": meta.version,
            "deal_id": meta.deal_id,
            "subject": meta.subject,
            "time": meta.time,
            "correlation": meta.correlation,
            "causation": meta.causation,
            "actor": meta.actor,
            "traceparent": meta.traceparent,
            "value": value,
        },
    )


def project(heard: Opened, work: Work, outward: Outward) -> None:
    """Fold a fact into its deal, write the rows that changed, tell the CRM what changed for it.

    The live path: a rebuild folds and writes the same, and tells nobody.
    """
    before = hold(work, heard.meta.deal_id)
    state = evolve(before.state, heard.fact, heard.meta)
    if state is before.state:
        return
    after = Held(state, before.revision + 1, rows_of(state))
    save(work, before, after)
    work.scratch[_place(heard.meta.deal_id)] = after
    _tell(work, before.state, state, outward)


def hold(work: Work, deal_id: UUID) -> Held:
    """Return the deal as this batch has it, reading what is committed once."""
    held = work.scratch.get(_place(deal_id))
    if isinstance(held, Held):
        return held
    found = work.rows(views.STATE, {"deal_id": deal_id})
    if not found:
        return Held(None, 0, {})
    state = DealState.model_validate_json(found[0]["state"])
    return Held(state, found[0]["revision"], rows_of(state))


def save(work: Work, before: Held, after: Held) -> None:
    """Write the state and the rows that differ; the commit fails if somebody else folded it."""
    if after.state is None:
        return
    params = {"deal_id": after.state.deal_id, "expected": before.revision}
    work.sql(SAVE, {**params, "state": after.state.model_dump_json(exclude_defaults=True)})
    for table, row in changed(before.rows, after.rows):
        work.sql(upsert(table, tuple(row)), row)


def _tell(work: Work, before: DealState | None, after: DealState, outward: Outward) -> None:
    for told in tellings(before, after):
        target = outward.target(told.crm)
        if target is None:
            log.warning("crm_has_no_endpoint", crm=told.crm, quote_id=str(told.quote_id))
            continue
        work.deliver(
            Delivery(
                key=f"quote/{told.quote_id}",
                target=target,
                event_type=outward.adapter.event_type,
                body=outward.adapter.write_back(told),
                deal_id=after.deal_id,
            )
        )


def _place(deal_id: UUID) -> tuple[str, UUID]:
    return "crm_projector.deal", deal_id
