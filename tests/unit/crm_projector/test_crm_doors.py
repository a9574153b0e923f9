"""Both doors, on memory: the same event is one outcome, a refusal is told or parked."""

from datetime import UTC, datetime

import pytest

from contracts.catalogue import every_fact
from contracts.errors import Poison
from contracts.opportunity import OpportunityRef, deal_id_of
from infra.desk import CommandDesk
from infra.memory import MemoryStore
from infra.wire import Arrived
from infra.work import Cause
from services.crm_projector import consumer, handlers
from services.crm_projector.crm.generic import normalised, parsed
from services.crm_projector.domain.inbound import InboundEvent, UnknownOpportunity
from tests.unit.crm_projector.test_generic_crm import BODY, binary, raw

STREAM = f"crm_projector.opportunity/{deal_id_of(OpportunityRef(crm='crm://example', record_id='OPP-1'))}"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def desk() -> CommandDesk:
    return CommandDesk(MemoryStore("crm_projector", every_fact()), lambda _: None)


def event(body: dict = BODY) -> InboundEvent:
    return normalised("crm://example", parsed(raw(body)))


def run(desk: CommandDesk, each: InboundEvent) -> list[str]:
    cause = Cause(each.command_id, NOW, "system/example")
    recorded = desk.run(cause, lambda work: handlers.receive(each, work))
    return [type(one.fact).__name__ for one in recorded]


def test_an_opened_opportunity_is_a_fact_of_its_own_stream(desk: CommandDesk) -> None:
    assert run(desk, event()) == ["OpportunityOpened"]
    assert [each.meta.id for each in desk.read(STREAM)] == [f"{STREAM}/1"]


def test_the_same_event_again_is_the_same_outcome(desk: CommandDesk) -> None:
    assert run(desk, event()) == run(desk, event())
    assert len(desk.read(STREAM)) == 1


def test_the_same_event_through_the_other_door_is_the_same_outcome(desk: CommandDesk) -> None:
    run(desk, event())
    door, record = consumer.door("quotewright.crm.inbound"), Arrived(0, b"k", binary(), raw())
    desk.run(Cause(door.identify(record), NOW, "system/door"), lambda w: door.handle(record, w))
    assert len(desk.read(STREAM)) == 1


def test_an_echo_leaves_nothing(desk: CommandDesk) -> None:
    run(desk, event())
    echo = BODY | {"id": "evt-2", "type": "opportunity.updated", "client": "quotewright"}
    told = echo | {"opportunity": {"id": "OPP-1", "owner_id": "seller-9"}}
    assert run(desk, event(told)) == []


def test_an_unknown_opportunity_is_refused_at_the_webhook_and_parked_at_the_topic(
    desk: CommandDesk,
) -> None:
    poor = BODY | {"opportunity": {"id": "OPP-9", "stage": "Proposal"}}
    with pytest.raises(UnknownOpportunity):
        run(desk, event(poor))
    door, record = consumer.door("quotewright.crm.inbound"), Arrived(0, b"k", binary(), raw(poor))
    cause = Cause(door.identify(record), NOW, "system/door")
    with pytest.raises(Poison) as parked:
        desk.run(cause, lambda work: door.handle(record, work))
    assert parked.value.facts["reason"] == "crm.unknown_opportunity"
