"""Known bugs, to plant one at a time: the simulation must find each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest

from infra.batch import Batch
from infra.inbox import Consumer
from infra.keeping import Known, Late
from infra.memory import MemoryRelay, MemoryStore
from infra.outbox import MemoryOutbox
from infra.reading import FactReading
from infra.work import Desk, Work
from services.approvals.domain import case
from services.crm_projector import handlers as projecting
from services.quotes.domain import outcomes
from services.quotes.handlers import customers, heard
from tests.simulation.bus import SimSource

Plant = Callable[[pytest.MonkeyPatch], None]


def consumer_does_not_drop_duplicates(patch: pytest.MonkeyPatch) -> None:
    """Neither by stream version nor by command id."""
    begin, deliveries = FactReading.begin, count()

    def anew(self: FactReading, record: Any, desk: Desk, batch: Batch) -> Work:
        work = begin(self, record, desk, batch)
        command_id = f"{work.cause.command_id}#{next(deliveries)}"
        work.cause = replace(work.cause, command_id=command_id)
        return work

    patch.setattr(FactReading, "place", lambda self, record: None)
    patch.setattr(FactReading, "begin", anew)


def relay_saves_before_producing(patch: pytest.MonkeyPatch) -> None:
    def step(self: Any) -> int:
        if self._epoch is None:
            self._position, self._epoch = self._store.lead_relay()
        records = self._store.unpublished(500, self._position)
        if records:
            self._save(self._position + len(records))
            self._bus.produce(self._topic, records)
        return len(records)

    patch.setattr(MemoryRelay, "step", step)


def consumer_is_not_fenced(patch: pytest.MonkeyPatch) -> None:
    check = MemoryStore._check
    patch.setattr(MemoryStore, "_check", lambda self, works, progress: check(self, works, None))


def later_facts_do_not_wait_behind_a_parked_one(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Known, "waiting", lambda self, partition, keys: {})
    patch.setattr(MemoryStore, "waiting", lambda self, topic, partition: {})


def what_was_passed_over_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Late, "inbox", lambda self, partition: {})


def a_fault_in_a_commit_moves_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Consumer, "_reclaim", lambda self, piece: True)
    patch.setattr(SimSource, "rewind", lambda self, piece: None)


def parked_facts_are_retried_in_another_order(patch: pytest.MonkeyPatch) -> None:
    retries = MemoryStore.retries

    def turned(self: MemoryStore, topic: str, partition: int, limit: int) -> Sequence[Any]:
        return list(reversed(retries(self, topic, partition, limit)))

    patch.setattr(MemoryStore, "retries", turned)


def acceptance_does_not_look_at_the_validity(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outcomes, "_on_the_table", outcomes._last_presented)


def acceptance_leaves_the_siblings_open(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(customers, "siblings_of", lambda work, deal, but: [])


def lost_opportunity_leaves_its_quotes_open(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(heard, "lose", lambda quotes, reason, actor: [])


def timer_overrides_an_outcome(patch: pytest.MonkeyPatch) -> None:
    """Reminders are not dropped with the outcome, and expiry does not look at it."""
    expire = outcomes.expire

    def late(situation: Any, revision: int) -> Any:
        quote = replace(situation.quote, outcome=None)
        return expire(replace(situation, quote=quote), revision)

    patch.setattr(heard, "expire", late)
    patch.setattr("services.quotes.handlers.streams._forget_expiry", lambda work, quote_id: None)


def anybody_may_approve(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(case, "_may_decide", lambda request, step, approver: None)
    patch.setattr(case, "_may_grant", lambda case, request, approver: None)


def changed_rows_are_missed(patch: pytest.MonkeyPatch) -> None:
    changed = projecting.changed
    patch.setattr(projecting, "changed", lambda before, after: changed(before, after)[:2])


def newer_message_is_dropped_with_an_older_one(patch: pytest.MonkeyPatch) -> None:
    done = MemoryOutbox.done

    def whichever(self: MemoryOutbox, key: str, generation: int) -> None:
        row = self._rows.get(key)
        done(self, key, row.due.generation if row else generation)

    patch.setattr(MemoryOutbox, "done", whichever)


@dataclass(frozen=True, slots=True)
class Found:
    """Where a bug is found: from the seed that broke last time on, and within how many from 0."""

    within: int
    since: int = 0


PLANTED: dict[Plant, Found] = {
    consumer_does_not_drop_duplicates: Found(40),
    relay_saves_before_producing: Found(40),
    consumer_is_not_fenced: Found(100, since=9),
    later_facts_do_not_wait_behind_a_parked_one: Found(40, since=2),
    what_was_passed_over_is_forgotten: Found(40),
    a_fault_in_a_commit_moves_on: Found(40),
    parked_facts_are_retried_in_another_order: Found(40, since=5),
    acceptance_does_not_look_at_the_validity: Found(200, since=3),
    acceptance_leaves_the_siblings_open: Found(100, since=44),
    lost_opportunity_leaves_its_quotes_open: Found(40),
    timer_overrides_an_outcome: Found(100, since=3),
    anybody_may_approve: Found(100, since=60),
    changed_rows_are_missed: Found(40),
    newer_message_is_dropped_with_an_older_one: Found(40),
}
