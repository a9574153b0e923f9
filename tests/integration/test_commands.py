"""Commands on real PostgreSQL: written together, each all or nothing, each exactly once."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from psycopg.errors import DataError

from contracts.envelope import Fact, Registry
from contracts.errors import Poison
from infra.appending import Command
from infra.desk import CommandDesk
from infra.ledger import PostgresLedger
from infra.rows import LostRace
from infra.work import Cause, Reminder, Work

DEAL = UUID("00000000-0000-4000-8000-000000000001")
DEADLINE_S = 30.0


class Noted(Fact):
    """A fact for tests."""

    word: str


REGISTRY = Registry([Noted])


def noted(word: str) -> Noted:
    return Noted(deal_id=DEAL, word=word)


@pytest.fixture
def store(open_service: Any) -> PostgresLedger:
    return PostgresLedger("thing", open_service(), REGISTRY)


@pytest.fixture
def decided(store: PostgresLedger, clock: Any) -> Callable[..., Command]:
    """Decide a command on what is committed now: `reads` only, `appends` as (stream, words)."""

    def make(
        command_id: str, *appends: tuple[str, str], reads: Sequence[str] = (), actor: str = "user/u"
    ) -> Command:
        work = Work(store, Cause(command_id, clock(), actor))
        stands_on = {stream: len(work.read(stream)) for stream in reads}
        for stream, words in appends:
            stands_on.setdefault(stream, len(work.read(stream)))
            work.append(stream, *map(noted, words.split()))
        return store.command(work, stands_on)

    return make


def words(store: PostgresLedger, stream: str) -> list[str]:
    """Read the stream from the table, not from memory."""
    another = PostgresLedger("thing", store.pool, REGISTRY)
    return [each.fact.word for each in another.read(stream)]  # type: ignore[attr-defined]


def kinds(outcomes: Sequence[Exception | None]) -> list[type[Exception] | None]:
    return [None if each is None else type(each) for each in outcomes]


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


class TestCommandsWrittenTogether:
    def test_all_are_written_in_the_order_of_each_command(
        self, store: PostgresLedger, decided: Any
    ) -> None:
        batch = [
            decided("c1", ("thing.b/1", "b1 b2"), ("thing.a/1", "a1")),
            decided("c2", ("thing.c/1", "c1")),
        ]
        assert store.commands.together(batch) == [None, None]
        rows = store.query("SELECT stream, version, command_id FROM events ORDER BY position")
        assert [tuple(row.values()) for row in rows] == [
            ("thing.b/1", 1, "c1"),
            ("thing.b/1", 2, "c1"),
            ("thing.a/1", 1, "c1"),
            ("thing.c/1", 1, "c2"),
        ]

    def test_one_that_lost_its_race_leaves_nothing_and_hurts_nobody(
        self, store: PostgresLedger, decided: Any
    ) -> None:
        mine = decided("c1", ("thing.a/1", "mine"))
        theirs = decided("c2", ("thing.b/1", "x y"), ("thing.c/1", "z"))
        third = decided("c3", ("thing.d/1", "third"))
        store.commands.together([decided("c0", ("thing.c/1", "faster"))])
        assert kinds(store.commands.together([mine, theirs, third])) == [None, LostRace, None]
        assert words(store, "thing.a/1") == ["mine"]
        assert words(store, "thing.b/1") == []
        assert words(store, "thing.c/1") == ["faster"]
        assert words(store, "thing.d/1") == ["third"]

    def test_a_command_id_that_was_carried_out_is_not_carried_out_again(
        self, store: PostgresLedger, decided: Any
    ) -> None:
        store.commands.together([decided("c1", ("thing.a/1", "first"))])
        batch = [decided("c1", ("thing.b/1", "again")), decided("c2", ("thing.c/1", "other"))]
        assert kinds(store.commands.together(batch)) == [LostRace, None]
        assert words(store, "thing.b/1") == []
        assert words(store, "thing.c/1") == ["other"]

    def test_of_two_on_the_same_stream_in_one_batch_the_first_wins(
        self, store: PostgresLedger, decided: Any
    ) -> None:
        one = decided("c1", ("thing.a/1", "one"))
        two = decided("c2", ("thing.b/1", "two"), ("thing.a/1", "two"))
        three = decided("c3", ("thing.b/1", "three"))
        assert kinds(store.commands.together([one, two, three])) == [None, LostRace, None]
        assert words(store, "thing.a/1") == ["one"]
        assert words(store, "thing.b/1") == ["three"]

    def test_of_two_with_the_same_id_in_one_batch_one_is_written(
        self, store: PostgresLedger, decided: Any
    ) -> None:
        twins = [decided("c1", ("thing.a/1", "one")), decided("c1", ("thing.b/1", "two"))]
        assert kinds(store.commands.together(twins)) == [None, LostRace]
        assert words(store, "thing.b/1") == []

    @pytest.mark.parametrize("within", ["one batch", "two commits"])
    def test_a_decision_on_a_stream_that_has_grown_since_is_not_written(
        self, store: PostgresLedger, decided: Any, within: str
    ) -> None:
        looked = decided("c2", ("thing.b/1", "decided on a"), reads=["thing.a/1"])
        other = decided("c3", ("thing.c/1", "other"))
        grows = decided("c1", ("thing.a/1", "grown"))
        if within == "two commits":
            store.commands.together([grows])
            assert kinds(store.commands.together([looked, other])) == [LostRace, None]
        else:
            assert kinds(store.commands.together([grows, looked, other])) == [None, LostRace, None]
        assert words(store, "thing.b/1") == []

    def test_a_fault_of_one_does_not_leak_to_the_others(
        self, store: PostgresLedger, decided: Any
    ) -> None:
        broken = decided("c2", ("thing.b/1", "x"), actor="user/\0")  # jsonb takes no NUL
        batch = [decided("c1", ("thing.a/1", "a")), broken, decided("c3", ("thing.c/1", "c"))]
        outcomes = store.commands.together(batch)
        assert [outcomes[0], outcomes[2]] == [None, None]
        assert isinstance(outcomes[1], DataError)
        assert words(store, "thing.a/1") == ["a"]
        assert words(store, "thing.b/1") == []
        assert words(store, "thing.c/1") == ["c"]

    def test_what_another_process_commits_in_the_same_moment_loses_only_its_own_race(
        self, store: PostgresLedger, decided: Any
    ) -> None:
        batch = [
            decided("c1", ("thing.a/1", "a")),
            decided("c2", ("thing.b/1", "b1 b2"), ("thing.c/1", "c")),
            decided("c3", ("thing.d/1", "d")),
        ]
        with store.pool.connection() as other, ThreadPoolExecutor(1) as pool:
            with other.transaction():
                other.execute(
                    "INSERT INTO events (stream, version, topic, state, deal_id, meta)"
                    " VALUES ('thing.c/1', 1, 'quotewright.Noted/1', %s, %s, '{}')",
                    (b"{}", DEAL),
                )
                outcomes = pool.submit(store.commands.together, batch)
                waits = (
                    "SELECT count(*) AS n FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )
                eventually(lambda: store.query(waits)[0]["n"] == 1)
            assert kinds(outcomes.result(DEADLINE_S)) == [None, LostRace, None]
        assert words(store, "thing.a/1") == ["a"]
        assert words(store, "thing.b/1") == []
        assert words(store, "thing.d/1") == ["d"]


class TestACommandWithRowsBesideItsFacts:
    def test_it_writes_neither_when_a_stream_that_it_only_read_has_grown(
        self, store: PostgresLedger, clock: Any
    ) -> None:
        work = Work(store, Cause("c1", clock(), "user/u"))
        stands_on = {each: len(work.read(each)) for each in ("thing.a/1", "thing.b/1")}
        work.append("thing.a/1", noted("a"))
        work.remind(Reminder("r", "kind", clock(), DEAL))
        CommandDesk(store, lambda _: None).run(
            Cause("c2", clock(), "user/u"), lambda other: note(other, "thing.b/1", "faster")
        )
        with pytest.raises(LostRace):
            store.carry_out(work, stands_on)
        assert words(store, "thing.a/1") == []
        assert store.query("SELECT key FROM reminders") == []

    def test_it_writes_both(self, store: PostgresLedger, clock: Any) -> None:
        def handler(work: Work) -> None:
            work.read("thing.b/1")
            note(work, "thing.a/1", "a")
            work.remind(Reminder("r", "kind", clock(), DEAL))

        CommandDesk(store, lambda _: None).run(Cause("c1", clock(), "user/u"), handler)
        assert words(store, "thing.a/1") == ["a"]
        assert store.query("SELECT key FROM reminders") == [{"key": "r"}]


def note(work: Work, stream: str, word: str) -> None:
    work.append(stream, noted(word))


class TestManyThreads:
    def test_every_command_of_sixteen_threads_is_carried_out_exactly_once(
        self, store: PostgresLedger, clock: Any
    ) -> None:
        """Half of them fight for three streams, half write two streams; every id is used twice."""
        told: dict[str, list[tuple[str, ...]]] = {}
        desk = CommandDesk(store, lambda _: None)

        def handler(work: Work, command_id: str, number: int) -> None:
            hot = f"thing.hot/{number % 3}"
            note(work, hot, command_id)
            if number % 2:
                note(work, f"thing.own/{command_id}", command_id)
                note(work, hot, command_id + "!")

        def go(thread: int) -> None:
            for number in range(20):
                command_id = f"c{thread // 2}-{number}"
                how = partial(handler, command_id=command_id, number=number)
                done = desk.run(Cause(command_id, clock(), "user/u"), how)
                with guard:
                    told.setdefault(command_id, []).append(tuple(each.id for each in done))

        guard = threading.Lock()
        with ThreadPoolExecutor(16) as pool:
            for each in [pool.submit(go, thread) for thread in range(16)]:
                each.result(DEADLINE_S * 4)
        assert len(told) == 8 * 20
        assert all(first == second for first, second in told.values())
        found = [word for n in range(3) for word in words(store, f"thing.hot/{n}")]
        assert sorted(found) == sorted(
            word
            for thread in range(8)
            for number in range(20)
            for word in [f"c{thread}-{number}", *([f"c{thread}-{number}!"] if number % 2 else [])]
        )


class TestWhatIsKeptOfACommand:
    def test_every_fact_keeps_who_why_and_when(self, store: PostgresLedger, clock: Any) -> None:
        cause = Cause(
            command_id="user/u:key",
            now=clock(),
            actor="user/u",
            correlation="walk-1",
            causation="other.thing/1/7",
            traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            request_sha256="ab" * 32,
        )

        def handler(work: Work) -> None:
            work.append("thing.a/1", noted("one"), noted("two"))

        CommandDesk(store, lambda _: None).run(cause, handler)
        rows = store.query(
            "SELECT command_id, ordinal, meta, deal_id, recorded_at <= clock_timestamp() AS dated"
            " FROM events ORDER BY position"
        )
        meta = {
            "source": "thing",
            "subject": f"deal/{DEAL}",
            "time": clock().isoformat(),
            "correlation": "walk-1",
            "causation": "other.thing/1/7",
            "actor": "user/u",
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "request": "ab" * 32,
        }
        kept = {"command_id": "user/u:key", "meta": meta, "deal_id": DEAL, "dated": True}
        assert rows == [kept | {"ordinal": 0}, kept | {"ordinal": 1}]

    def test_a_stream_with_a_fact_of_a_newer_release_is_refused_in_words(
        self, store: PostgresLedger, clock: Any
    ) -> None:
        desk = CommandDesk(store, lambda _: None)
        desk.run(Cause("c1", clock(), "user/u"), lambda work: note(work, "thing.a/1", "a"))
        with store.pool.connection() as connection:
            connection.execute("UPDATE events SET topic = 'quotewright.Noted/2'")
        today = PostgresLedger("thing", store.pool, REGISTRY)
        ours = CommandDesk(today, lambda _: None)
        for ask in (
            lambda: ours.read("thing.a/1"),
            lambda: ours.run(
                Cause("c2", clock(), "user/u"), lambda work: note(work, "thing.a/1", "b")
            ),
        ):
            with pytest.raises(Poison) as refused:
                ask()
            problem = refused.value.problem()
            assert problem["status"] < 500
            assert "quotewright.Noted version 2 is newer than 1" in problem["detail"]
            assert "deploy" in problem["detail"]
        assert store.query("SELECT count(*) AS n FROM events") == [{"n": 1}]
