"""The store: one set of promises, kept by memory and by PostgreSQL."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import ApplicationRecorder, StoredEvent
from eventsourcing.tests.persistence import ApplicationRecorderTestCase

from contracts.envelope import Fact, Registry
from contracts.errors import Poison, Refused
from infra.desk import CommandDesk, CommandReused
from infra.ledger import PostgresLedger
from infra.memory import MemoryStore
from infra.recorder import PostgresRecorder
from infra.rows import CommandRepeated, Fenced, LostRace, Progress
from infra.wire import FACT_BYTES_MAX, FactTooLarge
from infra.work import Cause, Delivery, Reminder, Work

DEAL = UUID("00000000-0000-4000-8000-000000000001")


class ThingHappened(Fact):
    """A fact for tests."""

    word: str


class ThingRetired(Fact):
    """A fact that came in version 2."""

    VERSION: ClassVar[int] = 2

    why: str


REGISTRY = Registry([ThingHappened, ThingRetired])


def another_process(store: Any) -> Any:
    """Return the same tables as another process sees them: without our memory."""
    if isinstance(store, MemoryStore):
        return store
    return PostgresLedger("thing", store.pool, REGISTRY)


class StoreConformance:
    """What every store promises."""

    @pytest.fixture
    def store(self) -> Any:
        raise NotImplementedError

    @pytest.fixture
    def work(self, store: Any, clock: Any) -> Callable[..., Work]:
        def make(command: str, request: str | None = None) -> Work:
            return Work(store, Cause(command, clock(), "user/u-1", request_sha256=request))

        return make

    def test_facts_come_back_in_order_with_their_attributes(self, store: Any, work: Any) -> None:
        first = work("c1")
        first.append(
            "thing.one/1",
            ThingHappened(deal_id=DEAL, word="a"),
            ThingHappened(deal_id=DEAL, word="b"),
        )
        store.commit([first])
        second = work("c2")
        second.append("thing.one/1", ThingHappened(deal_id=DEAL, word="ü €"))
        store.commit([second])
        found = store.read("thing.one/1")
        assert [each.fact.word for each in found] == ["a", "b", "ü €"]
        assert [each.id for each in found] == ["thing.one/1/1", "thing.one/1/2", "thing.one/1/3"]
        assert found[2].meta.actor == "user/u-1"
        assert found[2].meta.correlation == str(DEAL)

    def test_of_two_writers_who_read_the_same_one_loses_and_nothing_of_his_is_kept(
        self, store: Any, work: Any, clock: Any
    ) -> None:
        mine, theirs = work("c1"), work("c2")
        mine.append("thing.one/1", ThingHappened(deal_id=DEAL, word="mine"))
        theirs.append("thing.other/1", ThingHappened(deal_id=DEAL, word="lost too"))
        theirs.append("thing.one/1", ThingHappened(deal_id=DEAL, word="theirs"))
        digest = theirs.keep(b"body", "text/plain")
        theirs.name("Q-1", "thing.one/1")
        store.commit([mine])
        with pytest.raises(LostRace):
            store.commit([theirs])
        assert [each.fact.word for each in store.read("thing.one/1")] == ["mine"]
        assert store.read("thing.other/1") == ()
        assert store.body(digest) is None
        assert store.find("Q-1") is None

    def test_a_command_is_carried_out_once(self, store: Any, clock: Any) -> None:
        desk = CommandDesk(store, lambda _: None)
        cause = Cause("user/u-1:key", clock(), "user/u-1")

        def handler(work: Work) -> None:
            work.append("thing.one/1", ThingHappened(deal_id=DEAL, word="once"))

        first = desk.run(cause, handler)
        again = desk.run(cause, handler)
        assert [each.id for each in again] == [each.id for each in first]
        assert len(store.read("thing.one/1")) == 1

    def test_a_command_id_with_another_request_is_refused(self, store: Any, clock: Any) -> None:
        desk = CommandDesk(store, lambda _: None)

        def handler(work: Work) -> None:
            work.append("thing.one/1", ThingHappened(deal_id=DEAL, word="once"))

        desk.run(Cause("k", clock(), "user/u-1", request_sha256="a"), handler)
        with pytest.raises(CommandReused):
            desk.run(Cause("k", clock(), "user/u-1", request_sha256="b"), handler)

    def test_the_same_command_committed_twice_by_hand_is_noticed(
        self, store: Any, work: Any
    ) -> None:
        one, two = work("same"), work("same")
        one.append("thing.one/1", ThingHappened(deal_id=DEAL, word="a"))
        two.append("thing.two/1", ThingHappened(deal_id=DEAL, word="b"))
        store.commit([one])
        with pytest.raises(CommandRepeated):
            store.commit([two])
        assert store.read("thing.two/1") == ()

    def test_a_lost_race_is_decided_again_on_what_is_there_now(
        self, store: Any, work: Any, clock: Any
    ) -> None:
        desk = CommandDesk(store, lambda _: None)
        tries = []

        def handler(mine: Work) -> None:
            seen = len(mine.read("thing.one/1"))
            tries.append(seen)
            if len(tries) == 1:
                other = work("other")
                other.append("thing.one/1", ThingHappened(deal_id=DEAL, word="first"))
                store.commit([other])
            mine.append("thing.one/1", ThingHappened(deal_id=DEAL, word=f"after {seen}"))

        desk.run(Cause("k", clock(), "user/u-1"), handler)
        assert tries == [0, 1]
        assert [each.fact.word for each in store.read("thing.one/1")] == ["first", "after 1"]

    def test_bodies_names_and_numbers_are_kept(self, store: Any, work: Any) -> None:
        mine = work("c1")
        digest = mine.keep(b"%PDF", "application/pdf")
        mine.name("Q-1001", "thing.one/1")
        store.commit([mine])
        assert (store.body(digest).content, store.body(digest).media_type) == (
            b"%PDF",
            "application/pdf",
        )
        assert store.find("Q-1001") == "thing.one/1"
        assert [
            store.next_number("quote"),
            store.next_number("quote"),
            store.next_number("order"),
        ] == [1, 2, 1]

    def test_a_fact_that_no_bus_would_carry_is_refused_and_nothing_of_its_command_is_kept(
        self, store: Any, clock: Any
    ) -> None:
        def handler(work: Work) -> None:
            work.append("thing.one/1", ThingHappened(deal_id=DEAL, word="small"))
            work.append("thing.two/1", ThingHappened(deal_id=DEAL, word="x" * FACT_BYTES_MAX))
            work.keep(b"body", "text/plain")

        with pytest.raises(FactTooLarge) as refused:
            CommandDesk(store, lambda _: None).run(Cause("k", clock(), "user/u-1"), handler)
        told = refused.value.problem()
        assert told["fact_type"] == "quotewright.ThingHappened"
        assert told["limit_bytes"] == FACT_BYTES_MAX
        assert told["size_bytes"] > FACT_BYTES_MAX
        assert "keep large content as a body" in told["detail"]
        assert (store.read("thing.one/1"), store.read("thing.two/1")) == ((), ())

    def test_a_fact_of_nearly_the_limit_is_kept(self, store: Any, work: Any) -> None:
        mine = work("c1")
        mine.append("thing.one/1", ThingHappened(deal_id=DEAL, word="x" * (FACT_BYTES_MAX - 100)))
        store.commit([mine])
        assert len(store.read("thing.one/1")) == 1

    def test_a_command_is_lost_when_a_stream_that_it_only_read_has_grown(
        self, store: Any, work: Any
    ) -> None:
        mine, theirs = work("c1"), work("c2")
        stands_on = {"thing.one/1": len(mine.read("thing.one/1")), "thing.two/1": 0}
        mine.append("thing.two/1", ThingHappened(deal_id=DEAL, word="decided on one"))
        theirs.append("thing.one/1", ThingHappened(deal_id=DEAL, word="grown"))
        store.commit([theirs])
        with pytest.raises(LostRace):
            store.carry_out(mine, stands_on)
        assert store.read("thing.two/1") == ()

    def test_rows_without_a_fact_are_not_written_when_a_stream_that_was_read_has_grown(
        self, store: Any, work: Any, clock: Any
    ) -> None:
        mine, theirs = work("c1"), work("c2")
        stands_on = {"thing.one/1": len(mine.read("thing.one/1"))}
        mine.remind(Reminder("a", "thing.due", clock.now, DEAL))
        theirs.append("thing.one/1", ThingHappened(deal_id=DEAL, word="grown"))
        store.commit([theirs])
        with pytest.raises(LostRace):
            store.carry_out(mine, stands_on)
        assert store.due_reminders(clock.now, 10) == []

    def test_what_was_refused_on_old_knowledge_is_decided_on_what_is_committed(
        self, store: Any, work: Any, clock: Any
    ) -> None:
        """Another process has appended since this one read the stream."""
        desk = CommandDesk(store, lambda _: None)

        def open_it(mine: Work) -> None:
            mine.append("thing.one/1", ThingHappened(deal_id=DEAL, word="opened"))

        def close_it(mine: Work) -> None:
            if [each.fact.word for each in mine.read("thing.one/1")] != ["opened", "ready"]:
                raise Refused("it is not ready")
            mine.append("thing.one/1", ThingHappened(deal_id=DEAL, word="closed"))

        desk.run(Cause("k1", clock(), "user/u-1"), open_it)
        other = another_process(store)
        theirs = Work(other, Cause("k2", clock(), "user/u-2"))
        theirs.append("thing.one/1", ThingHappened(deal_id=DEAL, word="ready"))
        other.commit([theirs])
        desk.run(Cause("k3", clock(), "user/u-1"), close_it)
        assert [each.fact.word for each in store.read("thing.one/1")] == [
            "opened",
            "ready",
            "closed",
        ]

    def test_a_consumer_that_was_fenced_writes_nothing(self, store: Any, work: Any) -> None:
        old = store.claim("topic", 0)
        new = store.claim("topic", 0)
        late = work("c1")
        late.append("thing.one/1", ThingHappened(deal_id=DEAL, word="zombie"))
        with pytest.raises(Fenced):
            store.commit([late], Progress("topic", 0, old.epoch, 0, 5, {"s": 1}))
        store.commit([], Progress("topic", 0, new.epoch, 0, 5, {"s": 1}))
        assert store.read("thing.one/1") == ()
        assert store.versions({"s"}) == {"s": 1}
        assert store.claim("topic", 0).position == 5

    def test_a_position_moves_only_from_where_it_stands(self, store: Any) -> None:
        epoch = store.claim("topic", 3).epoch
        store.commit([], Progress("topic", 3, epoch, 0, 7, {}))
        with pytest.raises(Fenced):
            store.commit([], Progress("topic", 3, epoch, 0, 9, {}))
        assert store.claim("topic", 3).position == 7

    def test_attempts_are_counted_until_a_commit(self, store: Any) -> None:
        epoch = store.claim("topic", 0).epoch
        assert [store.attempt("topic", 0, epoch), store.attempt("topic", 0, epoch)] == [1, 2]
        assert store.claim("topic", 0).attempts == 2
        epoch = store.claim("topic", 0).epoch
        store.commit([], Progress("topic", 0, epoch, 0, 1, {}))
        assert store.claim("topic", 0).attempts == 0

    def test_reminders_fall_due_the_longest_due_first(
        self, store: Any, work: Any, clock: Any
    ) -> None:
        mine = work("c1")
        for key, minutes in (("b", 2), ("a", 2), ("c", 1), ("later", 4)):
            due_at = clock.now + timedelta(minutes=minutes)
            mine.remind(Reminder(key, "thing.due", due_at, DEAL, {"n": minutes}))
        store.commit([mine])
        due = store.due_reminders(clock.now + timedelta(minutes=3), 10)
        assert [(each.key, each.body["n"], failed) for each, failed in due] == [
            ("c", 1, 0),
            ("a", 2, 0),
            ("b", 2, 0),
        ]
        assert len(store.due_reminders(clock.now + timedelta(minutes=3), 2)) == 2

    def test_a_postponed_reminder_counts_its_attempts_until_it_is_set_anew(
        self, store: Any, work: Any, clock: Any
    ) -> None:
        mine, again = work("c1"), work("c2")
        mine.remind(Reminder("a", "thing.due", clock.now, DEAL))
        again.remind(Reminder("a", "thing.due", clock.now, DEAL))
        store.commit([mine])
        store.postpone(store.due_reminders(clock.now, 1)[0][0], clock.now + timedelta(minutes=1))
        assert store.due_reminders(clock.now, 10) == []
        ((late, failed),) = store.due_reminders(clock.now + timedelta(minutes=1), 10)
        assert (late.key, late.due_at, failed) == ("a", clock.now + timedelta(minutes=1), 1)
        store.commit([again])
        assert [failed for _, failed in store.due_reminders(clock.now, 10)] == [0]


class TestMemoryStore(StoreConformance):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore("thing", REGISTRY)

    def test_a_relay_that_was_overtaken_does_not_move_the_position(self) -> None:
        store = MemoryStore("thing", REGISTRY)
        old, new = store.lead_relay(), store.lead_relay()
        assert not store.save_relay(0, 5, old[1])
        assert store.save_relay(0, 5, new[1])
        assert not store.save_relay(0, 9, new[1])
        assert store.lead_relay() == (5, 3)


class TestPostgresStore(StoreConformance):
    @pytest.fixture
    def store(self, open_service: Any) -> PostgresLedger:
        return PostgresLedger("thing", open_service(), REGISTRY)

    def test_a_newer_reminder_or_delivery_of_a_key_replaces_the_older(
        self, store: PostgresLedger, work: Any, clock: Any
    ) -> None:
        for number in (1, 2):
            mine = work(f"c{number}")
            mine.remind(
                Reminder("r", "kind", clock() + timedelta(days=number), DEAL, {"n": number})
            )
            mine.deliver(Delivery("d", "crm", "changed", {"n": number}, DEAL))
            store.commit([mine])
        assert store.query("SELECT body, due_at FROM reminders") == [
            {"body": {"n": 2}, "due_at": clock() + timedelta(days=2)}
        ]
        assert store.query("SELECT body, generation FROM deliveries") == [
            {"body": {"n": 2}, "generation": 2}
        ]

    def test_a_fact_of_a_newer_version_than_ours_is_not_read_silently(
        self, store: PostgresLedger, work: Any
    ) -> None:
        mine = work("c1")
        mine.append("thing.one/1", ThingRetired(deal_id=DEAL, why="old"))
        store.commit([mine])
        with store.pool.connection() as connection:
            connection.execute("UPDATE events SET topic = 'quotewright.ThingRetired/3'")
        another = PostgresLedger("thing", store.pool, REGISTRY)
        with pytest.raises(Poison, match="newer"):
            another.read("thing.one/1")


class TestTheLibrarysApplicationRecorderCases(ApplicationRecorderTestCase):  # type: ignore[type-arg]
    """The cases that the eventsourcing library ships for application recorders, on ours."""

    @pytest.fixture(autouse=True)
    def _service(self, open_service: Any) -> None:
        self.pool = open_service()

    def create_recorder(self) -> ApplicationRecorder:
        return PostgresRecorder(self.pool)

    def new_originator_id(self) -> str:
        """Our streams are text, which the library's cases allow for."""
        return f"thing.one/{uuid4()}"

    def test_a_stream_of_any_length_is_read_to_its_end(self) -> None:
        recorder = self.create_recorder()
        count = 10_001
        recorder.insert_events([StoredEvent("long", n, "t", b"{}") for n in range(count)])
        assert len(recorder.select_events("long")) == count
