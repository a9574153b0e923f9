"""A consumer decides on what it remembers, and never on what was already old when it committed."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from contracts.envelope import Fact, Meta, Opened, Registry, seal
from contracts.errors import Poison
from infra.inbox import Consumer, Hooks
from infra.ledger import PostgresLedger
from infra.memory import MemoryBus
from infra.reading import FactReading
from infra.work import Cause, Work

TOPIC = "facts"
CLOSED = "closed"


class Heard(Fact):
    """What another service says."""


class Noted(Fact):
    """What this service keeps of it."""

    word: str


REGISTRY = Registry([Heard, Noted])


class TwoProcesses:
    """One service in two processes: ours consumes, theirs takes a command in between."""

    def __init__(self, open_ledger: Callable[[], PostgresLedger]) -> None:
        self.ours, self.theirs = open_ledger(), open_ledger()
        self.bus = MemoryBus()
        self.deal = uuid4()
        self.said = 0
        self.seen: list[int] = []
        reading = FactReading(TOPIC, REGISTRY, {Heard.wire_type(): self.hear}, None, "thing", now)
        self.consumer = Consumer(self.ours, reading, 10, Hooks(lambda _: None, lambda _: None))
        self.source = self.bus.source("thing", TOPIC, self.consumer.claim)
        self.decide: Callable[[Work], None] = self.append

    @property
    def stream(self) -> str:
        return f"thing.note/{self.deal}"

    def hear(self, heard: Opened, work: Work) -> None:
        del heard
        self.seen.append(len(work.read(self.stream)))
        self.decide(work)

    def append(self, work: Work) -> None:
        work.append(self.stream, Noted(deal_id=self.deal, word="ours"))

    def append_unless_closed(self, work: Work) -> None:
        words = [each.fact.word for each in work.read(self.stream)]  # type: ignore[attr-defined]
        if CLOSED not in words:
            work.append(f"thing.other/{self.deal}", Noted(deal_id=self.deal, word="ours"))

    def say(self) -> None:
        """Let our consumer hear the next fact of the deal."""
        self.said += 1
        fact, place = Heard(deal_id=self.deal), f"other.thing/{self.deal}/{self.said}"
        meta = Meta(
            place, "other", fact.wire_type(), 1, self.deal, fact.subject(), now(), str(self.deal)
        )
        self.bus.produce(TOPIC, [seal(fact, meta)])
        self.consumer.step(self.source, 0)

    def they_append(self, word: str) -> None:
        work = Work(self.theirs, Cause(f"http/{uuid4()}", now(), "user/u"))
        work.append(self.stream, Noted(deal_id=self.deal, word=word))
        self.theirs.commit([work])

    def words(self, kind: str = "note") -> list[str]:
        found = self.theirs.read(f"thing.{kind}/{self.deal}")
        return [each.fact.word for each in found]  # type: ignore[attr-defined]


def now() -> datetime:
    return datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def place(open_service: Any, make_database: Any) -> TwoProcesses:
    database = make_database()
    return TwoProcesses(lambda: PostgresLedger("thing", open_service("thing", database), REGISTRY))


def test_what_is_remembered_is_not_read_again(place: TwoProcesses) -> None:
    asked: list[str] = []
    read = place.ours.read

    def asking(stream: str) -> Any:
        asked.append(stream)
        return read(stream)

    place.ours.read = asking  # type: ignore[method-assign]
    for _ in range(3):
        place.say()
    assert place.words() == ["ours", "ours", "ours"]
    assert asked == [place.stream]


def test_a_stream_that_another_process_grew_is_decided_on_anew(place: TwoProcesses) -> None:
    place.say()
    place.they_append("theirs")
    place.say()
    assert place.words() == ["ours", "theirs", "ours"]
    assert place.seen == [0, 1, 2]


def test_a_stream_that_is_only_looked_at_must_not_have_grown_either(place: TwoProcesses) -> None:
    place.decide = place.append_unless_closed
    place.they_append("theirs")
    place.say()
    place.they_append(CLOSED)
    place.say()
    assert place.words("other") == ["ours"]
    assert place.seen == [1, 1, 2]


def test_a_stream_that_grows_while_it_is_decided_on_is_decided_on_anew(place: TwoProcesses) -> None:
    def while_they_close_it(work: Work) -> None:
        place.append_unless_closed(work)
        if CLOSED not in place.words():
            place.they_append(CLOSED)

    place.decide = while_they_close_it
    place.they_append("theirs")
    place.say()
    assert place.words("other") == []
    assert place.seen == [1, 2]


def test_saying_nothing_is_also_decided_on_what_is_committed(place: TwoProcesses) -> None:
    """Here memory says closed, while the other process has opened it again."""

    def unless_it_ends_closed(work: Work) -> None:
        words = [each.fact.word for each in work.read(place.stream)]  # type: ignore[attr-defined]
        if words[-1] != CLOSED:
            work.append(f"thing.other/{place.deal}", Noted(deal_id=place.deal, word="ours"))

    place.decide = unless_it_ends_closed
    place.they_append(CLOSED)
    place.say()
    place.they_append("opened")
    place.say()
    assert place.words("other") == ["ours"]


def test_a_fact_is_not_parked_for_what_was_only_old(place: TwoProcesses) -> None:
    def must_be_two(work: Work) -> None:
        if len(work.read(place.stream)) == 1:
            raise Poison("this fact came too early")
        work.append(f"thing.other/{place.deal}", Noted(deal_id=place.deal, word="ours"))

    place.they_append("first")
    place.ours.read(place.stream)
    place.they_append("second")
    place.decide = must_be_two
    place.say()
    assert place.words("other") == ["ours"]
    assert place.ours.parked() == []


def test_a_parked_fact_is_tried_again_on_what_is_committed(place: TwoProcesses) -> None:
    """It writes rows only, so nothing but the check guards what it looked at."""
    seen: list[int] = []

    def refuse(work: Work) -> None:
        raise Poison("not yet")

    def look(work: Work) -> None:
        seen.append(len(work.read(place.stream)))
        if len(seen) == 1:
            place.they_append("meanwhile")
        work.sql("UPDATE names SET stream = stream")

    place.decide = refuse
    place.say()
    [parked] = place.ours.parked()
    place.decide = look
    place.ours.ask_retry(parked.id)
    place.consumer.retry_parked()
    assert seen == [0, 1]
    assert place.ours.parked() == []
