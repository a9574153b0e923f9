"""What crm_projector does: take in what a CRM says, copy every fact, project it, tell the CRM."""

from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from uuid import UUID

import structlog

from contracts.envelope import Meta, Opened, Registry
from infra.work import Delivery, Work
from services.crm_projector import generations
from services.crm_projector.crm.port import CrmPort
from services.crm_projector.domain.deal import DealState, evolve
from services.crm_projector.domain.inbound import InboundEvent, is_echo, translate
from services.crm_projector.domain.opportunity import OpportunityState
from services.crm_projector.domain.opportunity import evolve as evolve_opportunity
from services.crm_projector.domain.write_back import tellings
from services.crm_projector.generations import NOTHING, Feeding, Folded, Saving
from services.crm_projector.rows import Key, Row, changed, rows_of

log = structlog.get_logger("crm_projector")

COPY = """
INSERT INTO fact_log (id, source, type, version, deal_id, subject, time, correlation, causation,
                      actor, traceparent, value, held)
SELECT id, source, type, version, deal_id, subject, time, correlation, causation,
       actor, traceparent, value, held
FROM unnest(%(id)b::text[], %(source)b::text[], %(type)b::text[], %(version)b::integer[],
            %(deal_id)b::uuid[], %(subject)b::text[], %(time)b::timestamptz[],
            %(correlation)b::text[], %(causation)b::text[], %(actor)b::text[],
            %(traceparent)b::text[], %(value)b::bytea[], %(held)b::boolean[]) WITH ORDINALITY
     AS heard (id, source, type, version, deal_id, subject, time, correlation, causation,
               actor, traceparent, value, held, n)
ORDER BY n
ON CONFLICT (id) DO UPDATE SET held = false, seq = excluded.seq
    WHERE fact_log.held AND NOT excluded.held
"""
ATTRIBUTES = tuple(each.name for each in fields(Meta))
COPIES = "crm_projector.copies"
FACTS = "crm_projector.facts"
KEPT_MAX = 1000


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


def copy_raw(meta: Meta, value: bytes, work: Work, registry: Registry) -> None:
    """Copy a fact as it came, also one that nobody here can read; once, however often it comes.

    One statement copies a whole batch: its parameters grow until the batch is committed. A fact is
    held (parked) until it is projected; what nobody here knows yet is not held.
    """
    copies = work.scratch.get(COPIES)
    if copies is None:
        generations.fed(work)
        copies = work.scratch[COPIES] = {name: [] for name in (*ATTRIBUTES, "value", "held")}
        work.sql(COPY, copies)
    for name in ATTRIBUTES:
        copies[name].append(getattr(meta, name))
    copies["value"].append(value)
    copies["held"].append(registry.knows(meta.type))


@dataclass(frozen=True, slots=True)
class Step:
    """A deal before and after the facts of a batch."""

    before: Folded
    state: DealState
    rows: Mapping[Key, Row]

    def saving(self) -> Saving:
        """Return what is to be written of it."""
        rows = changed(self.before.rows, self.rows)
        return Saving(self.state, self.before.revision, rows)


Facts = Mapping[UUID, Sequence[Opened]]
Steps = Mapping[UUID, Step]


class Projection:
    """The live path: folds a batch's facts into every generation that is fed, each deal once.

    Keeps the deals it wrote last, so that a busy deal is not read again. What it keeps is taken out
    for a batch and comes back with its commit, so a failed one leaves nothing wrong behind; and a
    deal that somebody else wrote meanwhile fails by its revision and is read at the next attempt.
    A rebuild folds and writes the same, and tells nobody.
    """

    def __init__(self, outward: Outward) -> None:
        self._outward = outward
        self._kept: OrderedDict[tuple[int, UUID], Folded] = OrderedDict()
        self._feeding: Feeding | None = None

    def project(self, heard: Opened, work: Work) -> None:
        """Fold a fact with the others of its batch, and tell the CRM what changed for it."""
        facts: dict[UUID, list[Opened]] | None = work.scratch.get(FACTS)
        if facts is None:
            facts = work.scratch[FACTS] = {}
            work.batch.before_commit.append(partial(self._write, facts, work))
        facts.setdefault(heard.meta.deal_id, []).append(heard)
        copies = work.scratch.get(COPIES)
        if copies is not None and copies["id"][-1] == heard.meta.id:
            copies["held"][-1] = False

    # ---- the end of a batch

    def _write(self, facts: Facts, work: Work) -> None:
        feeding, self._feeding = self._feeding or generations.feeding(work), None
        generations.fed(work)["epoch"] = feeding.epoch
        done: list[Steps] = []
        for number in feeding.numbers:
            before = self._taken(work, number, facts)
            done.append(_evolved(before, facts, done[0] if done else {}))
            if done[-1]:
                savings = [each.saving() for each in done[-1].values()]
                work.sql(generations.save(number), generations.saved(savings))
        for each in done[0].values():
            for told in _tellings(each.before.state, each.state, self._outward):
                work.deliver(told)
        work.batch.after_commit.append(partial(self._keep, feeding, done))

    def _taken(self, work: Work, number: int, deals: Collection[UUID]) -> dict[UUID, Folded]:
        """Return the deals as they are committed; what was kept of them is kept no more."""
        kept = {deal: self._kept.pop((number, deal), None) for deal in deals}
        unknown = [deal for deal, found in kept.items() if found is None]
        stored = generations.read(work, number, unknown)
        return {deal: found or stored.get(deal, NOTHING) for deal, found in kept.items()}

    def _keep(self, feeding: Feeding, done: Sequence[Steps]) -> None:
        self._feeding = feeding
        for number, steps in zip(feeding.numbers, done, strict=True):
            for deal, each in steps.items():
                self._kept[number, deal] = Folded(each.state, each.before.revision + 1, each.rows)
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)


def _evolved(stored: Mapping[UUID, Folded], facts: Facts, first: Steps) -> Steps:
    """Return what the facts make of each deal; a deal that they do not change is left out.

    `first` is what became of the current generation: from an equal state comes an equal one.
    """
    found: dict[UUID, Step] = {}
    for deal, before in stored.items():
        like = first.get(deal)
        if like is not None and _equal(like.before.state, before.state):
            found[deal] = Step(before, like.state, like.rows)
            continue
        state = before.state
        for each in facts[deal]:
            state = evolve(state, each.fact, each.meta)
        if state is not None and state is not before.state:
            found[deal] = Step(before, state, rows_of(state))
    return found


def _equal(one: DealState | None, other: DealState | None) -> bool:
    return one is other or one == other


def _tellings(before: DealState | None, after: DealState, outward: Outward) -> Iterator[Delivery]:
    for told in tellings(before, after):
        target = outward.target(told.crm)
        if target is None:
            log.warning("crm_has_no_endpoint", crm=told.crm, quote_id=str(told.quote_id))
            continue
        yield Delivery(
            key=f"quote/{told.quote_id}",
            target=target,
            event_type=outward.adapter.event_type,
            body=outward.adapter.write_back(told),
            deal_id=after.deal_id,
        )
