"""The consumer: once applied, in order per deal, also round what can not be read; on memory and PostgreSQL."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations, zip_longest
from random import randbytes
from threading import Thread
from typing import Any, ClassVar
from uuid import UUID, uuid4
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from contracts.envelope import Fact, Meta, Opened, Registry, Sealed, read_meta, seal
from contracts.errors import Poison, Unavailable
from infra.inbox import Consumer, Hooks
from infra.ledger import PostgresLedger
from infra.memory import MemoryBus, MemoryStore
from infra.reading import FactReading
from infra.rows import Parked
from infra.wire import FACT_BYTES_MAX
from infra.work import Cause, Work
from tests.conftest import Clock
from tests.e2e.place import until

TOPIC = "facts"
DEAL_A = UUID("00000000-0000-4000-8000-00000000000a")
DEAL_B = UUID("00000000-0000-4000-8000-00000000000b")
DEALS = [UUID(int=each, version=4) for each in range(1, 6)]


class Said(Fact):
    """A fact that somebody else says."""

    word: str


class Noted(Fact):
    """What our handler appends."""

    word: str


class Boring(Fact):
    """A fact that nobody hears."""


REGISTRY = Registry([Said, Noted])


def said(deal: UUID, version: int, word: str, stream: str = "other.thing") -> Sealed:
    return sealed(Said(deal_id=deal, word=word), f"{stream}/{deal}", version)


def sealed(fact: Fact, stream: str, version: int) -> Sealed:
    meta = Meta(
        f"{stream}/{version}", "other", fact.wire_type(), fact.VERSION, fact.deal_id, fact.subject(),
        datetime(2026, 3, 2, tzinfo=UTC), str(fact.deal_id),
    )  # fmt: skip
    return seal(fact, meta)


class Killed(BaseException):
    """Stands for the process being killed inside the handler."""


class SaidNow(Said):
    """The fact as a later release knows it."""

    VERSION: ClassVar[int] = 2

    @classmethod
    def wire_type(cls) -> str:
        return Said.wire_type()


def newer(deal: UUID, version: int, word: str) -> Sealed:
    return sealed(SaidNow(deal_id=deal, word=word), f"other.thing/{deal}", version)


class House:
    """A consumer over a store, a bus, and a handler that can be made to fail."""

    def __init__(self, store: Any, clock: Any) -> None:
        self.store = store
        self.bus = MemoryBus()
        self.fails: dict[str, Exception] = {}
        self.calls: list[str] = []
        self.copied: list[str] = []
        self.told: list[Parked] = []
        self.seconds = 0.0
        self.grows = ""
        self.longest: list[float] = []
        self.clock = clock
        self.registry = REGISTRY
        self.overtake: list[str] = []
        self.fails_for: UUID | None = None
        self.meanwhile: Callable[[], Any] | None = None
        self.copies: Callable[[Meta, bytes, Work], None] | None = None
        self.restart()

    def restart(self, batch_size: int = 10) -> None:
        reading = FactReading(
            TOPIC, self.registry, {Said.wire_type(): self.hear}, self.copies, "thing", self.clock
        )
        hooks = Hooks(lambda _: None, self.told.extend, lambda: self.seconds, self.waits)
        self.consumer = Consumer(self.store, reading, batch_size, hooks)
        self.source = self.bus.source("thing", TOPIC, self.consumer.claim)

    def waits(self, longest_s: float) -> float:
        self.longest.append(longest_s)
        return longest_s

    def hear(self, heard: Opened, work: Work) -> None:
        word = heard.fact.word  # type: ignore[attr-defined]
        self.calls.append(word)
        if word in self.fails or heard.fact.deal_id == self.fails_for:
            raise self.fails.get(word) or KeyError()
        work.append(
            f"thing.note/{heard.fact.deal_id}",
            Noted(deal_id=heard.fact.deal_id, word=word + self.grows),
        )

        if word in self.overtake:
            self.overtake.remove(word)
            other = Work(self.store, Cause("http", self.clock(), "user/u"))
            other.append(
                f"thing.note/{heard.fact.deal_id}", Noted(deal_id=heard.fact.deal_id, word="http")
            )
            self.store.commit([other])
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()

    def say(self, *records: Sealed) -> None:
        self.bus.produce(TOPIC, records)

    def run(self) -> None:
        for _ in range(50):
            before = self.source.lag()
            self.consumer.step(self.source, 0)
            if not self.source.lag() and not before:
                return

    def retry(self) -> None:
        for _ in range(20):
            self.consumer.step(self.source, 0)
            self.consumer.retry_parked()

    def live_again(self, live: Callable[[], None] | None = None) -> None:
        """Start anew after each time the process is killed."""
        for _ in range(10):
            self.restart()
            try:
                (live or self.run)()
            except Killed:
                continue
            return
        raise AssertionError("it is killed again and again")

    def step(self, times: int) -> None:
        for _ in range(times):
            self.consumer.step(self.source, 0)

    def notes(self, deal: UUID) -> list[str]:
        return [each.fact.word for each in self.store.read(f"thing.note/{deal}")]

    def parked(self) -> list[tuple[str, str]]:
        return [(each.key.decode()[-1], each.code) for each in self.store.parked()]


class InboxConformance:
    """What a consumer promises over every store."""

    @pytest.fixture
    def house(self) -> House:
        raise NotImplementedError

    def test_what_comes_twice_is_applied_once(self, house: House) -> None:
        house.say(said(DEAL_A, 1, "one"), said(DEAL_A, 1, "one"), said(DEAL_A, 2, "two"))
        house.run()
        house.say(said(DEAL_A, 1, "one"), said(DEAL_A, 2, "two"), said(DEAL_A, 3, "three"))
        house.run()
        assert house.notes(DEAL_A) == ["one", "two", "three"]

    def test_a_handler_that_makes_a_fact_too_large_to_carry_parks_what_it_heard(
        self, house: House
    ) -> None:
        house.say(said(DEAL_A, 1, "x" * (FACT_BYTES_MAX - 80)), said(DEAL_B, 1, "small"))
        house.grows = "y" * 200
        house.run()
        assert house.parked() == [("a", "fact.too_large")]
        assert house.notes(DEAL_A) == []
        assert house.notes(DEAL_B) == ["small" + "y" * 200]

    def test_versions_advance_over_facts_that_nobody_hears(self, house: House) -> None:
        stream = f"other.thing/{DEAL_A}"
        house.say(
            said(DEAL_A, 1, "one"),
            sealed(Boring(deal_id=DEAL_A), stream, 2),
            said(DEAL_A, 3, "three"),
        )
        house.run()
        assert house.notes(DEAL_A) == ["one", "three"]
        assert house.store.versions({stream}) == {stream: 3}

    def test_a_restart_goes_on_where_the_effects_stopped(self, house: House) -> None:
        house.say(said(DEAL_A, 1, "one"))
        house.run()
        house.restart()
        house.say(said(DEAL_A, 2, "two"))
        house.run()
        assert house.calls == ["one", "two"]

    def test_an_unreadable_fact_is_parked_and_its_deal_waits_behind_while_others_go_on(
        self, house: House
    ) -> None:
        bad = replace(said(DEAL_A, 2, "bad"), value=b'{"deal_id": 5}')
        house.say(said(DEAL_A, 1, "one"), bad, said(DEAL_B, 1, "else"), said(DEAL_A, 3, "three"))
        house.run()
        house.say(said(DEAL_A, 4, "four"), said(DEAL_B, 2, "more"))
        house.run()
        assert house.notes(DEAL_A) == ["one"]
        assert house.notes(DEAL_B) == ["else", "more"]
        assert house.parked() == [("a", "poison"), ("a", "parked.behind"), ("a", "parked.behind")]
        assert [each.code for each in house.told] == ["poison", "parked.behind", "parked.behind"]

    def test_a_fact_without_attributes_is_parked(self, house: House) -> None:
        house.say(Sealed(b"x", (), b"?"), said(DEAL_B, 1, "else"))
        house.run()
        assert [each.code for each in house.store.parked()] == ["poison"]
        assert house.notes(DEAL_B) == ["else"]

    def test_a_fact_that_breaks_the_handler_is_parked_after_three_attempts(
        self, house: House
    ) -> None:
        house.fails["bug"] = KeyError("secret value")
        house.say(said(DEAL_A, 1, "bug"), said(DEAL_A, 2, "two"), said(DEAL_B, 1, "else"))
        house.run()
        assert house.calls.count("bug") == 3  # once in the batch, then alone
        assert house.notes(DEAL_A) == []
        assert house.notes(DEAL_B) == ["else"]
        assert house.parked() == [("a", "bug"), ("a", "parked.behind")]
        assert "secret" not in house.store.parked()[0].reason

    def test_a_mended_deal_is_retried_in_order(self, house: House) -> None:
        house.fails["bug"] = KeyError()
        house.say(said(DEAL_A, 1, "bug"), said(DEAL_A, 2, "two"))
        house.run()
        house.fails.clear()
        assert house.store.ask_retry(house.store.parked()[1].id) == 2
        assert house.consumer.retry_parked() == 2
        house.say(said(DEAL_A, 3, "three"))
        house.run()
        assert house.notes(DEAL_A) == ["bug", "two", "three"]
        assert house.store.parked() == []

    def test_what_was_parked_behind_after_somebody_asked_is_retried_too(self, house: House) -> None:
        house.fails["bug"] = KeyError()
        house.say(said(DEAL_A, 1, "bug"))
        house.run()
        house.fails.clear()
        house.store.ask_retry(None)
        house.say(said(DEAL_A, 2, "two"))
        house.run()
        assert house.parked() == [("a", "bug"), ("a", "parked.behind")]
        house.consumer.retry_parked()
        house.consumer.retry_parked()
        house.say(said(DEAL_A, 3, "three"))
        house.run()
        assert house.notes(DEAL_A) == ["bug", "two", "three"]
        assert house.parked() == []

    def test_a_retry_that_fails_again_keeps_the_whole_deal_waiting(self, house: House) -> None:
        house.fails["bug"] = KeyError()
        house.say(said(DEAL_A, 1, "bug"), said(DEAL_A, 2, "two"))
        house.run()
        house.store.ask_retry(None)
        assert house.consumer.retry_parked() == 2
        assert house.notes(DEAL_A) == []
        assert [each.attempts for each in house.store.parked()] == [2, 1]
        assert house.consumer.retry_parked() == 0  # nobody asked again

    def test_what_is_not_available_now_is_tried_again_and_nothing_is_parked(
        self, house: House
    ) -> None:
        house.fails["later"] = Unavailable("not now")
        house.say(said(DEAL_A, 1, "later"), said(DEAL_A, 2, "two"))
        for _ in range(12):
            house.consumer.step(house.source, 0)
            house.seconds += 100
        assert house.notes(DEAL_A) == []
        assert house.longest[:4] == [0.1, 0.2, 0.4, 0.8]
        assert house.longest[-1] == 5.0
        house.fails.clear()
        house.run()
        assert house.notes(DEAL_A) == ["later", "two"]
        assert house.parked() == []

    def test_while_a_partition_rests_it_gives_nothing_and_the_others_go_on(
        self, house: House
    ) -> None:
        house.bus = MemoryBus(partitions=3)
        house.restart()
        assert len({crc32(str(deal).encode()) % 3 for deal in (DEAL_A, DEAL_B)}) == 2
        house.fails["later"] = Unavailable("not now")
        house.say(said(DEAL_A, 1, "later"))
        house.step(2)
        house.say(said(DEAL_A, 2, "two"), said(DEAL_B, 1, "else"), said(DEAL_B, 2, "more"))
        house.step(6)
        assert house.notes(DEAL_B) == ["else", "more"]
        assert house.calls == ["later", "else", "more"]
        house.fails.clear()
        house.seconds += house.longest[-1]
        house.step(2)
        assert house.notes(DEAL_A) == ["later", "two"]

    def test_after_an_unclean_end_facts_go_one_at_a_time_and_the_crasher_is_parked(
        self, house: House
    ) -> None:
        house.fails["crash"] = Killed()  # type: ignore[assignment]
        house.say(said(DEAL_B, 1, "fine"), said(DEAL_A, 1, "crash"), said(DEAL_B, 2, "after"))
        for _ in range(6):
            house.restart()
            try:
                house.run()
            except Killed:
                continue
            break
        assert house.notes(DEAL_B) == ["fine", "after"]
        assert house.parked() == [("a", "parked.never_back")]
        assert house.calls.count("crash") == 4

    def test_a_lost_race_is_decided_again_alone(self, house: House) -> None:
        hear = house.hear
        raced: list[str] = []

        def hear_and_be_overtaken(heard: Opened, work: Work) -> None:
            hear(heard, work)
            if not raced:
                raced.append("once")
                other = Work(house.store, Cause("http", house.clock(), "user/u"))
                other.append(f"thing.note/{DEAL_A}", Noted(deal_id=DEAL_A, word="http"))
                house.store.commit([other])

        house.hear = hear_and_be_overtaken  # type: ignore[method-assign]
        house.restart()
        house.say(said(DEAL_A, 1, "one"), said(DEAL_A, 2, "two"))
        house.run()
        assert house.notes(DEAL_A) == ["http", "one", "two"]

    def test_a_retry_that_finds_another_owner_claims_anew_and_goes_on(self, house: House) -> None:
        """It forgot the partition and went on reading it, so every later step broke."""
        house.fails["bad"] = RuntimeError("a bug")
        house.say(said(DEAL_A, 1, "bad"))
        house.run()
        house.fails.clear()
        house.store.ask_retry(None)
        house.store.claim(TOPIC, 0)
        house.say(said(DEAL_B, 1, "next"))
        assert house.consumer.retry_parked() == 0
        house.step(3)
        house.consumer.retry_parked()
        assert (house.notes(DEAL_A), house.notes(DEAL_B)) == (["bad"], ["next"])
        assert house.parked() == []

    def test_a_hole_in_a_stream_is_parked_for_a_person_to_look_at(self, house: House) -> None:
        house.say(said(DEAL_A, 1, "one"), said(DEAL_A, 3, "three"))
        house.run()
        assert house.notes(DEAL_A) == ["one"]
        assert house.parked() == [("a", "parked.missing")]

    def test_what_nobody_hears_is_passed_over_without_a_commit_until_there_is_one(
        self, house: House
    ) -> None:
        boring = [
            sealed(Boring(deal_id=DEAL_A), f"other.thing/{DEAL_A}", each) for each in (1, 2, 3)
        ]
        house.restart(batch_size=1)
        house.say(*boring)
        for _ in boring:
            house.consumer.step(house.source, 0)
        assert house.store.claim(TOPIC, 0).position == 0
        house.restart(batch_size=1)
        house.say(boring[0], said(DEAL_A, 4, "four"))
        house.run()
        assert house.notes(DEAL_A) == ["four"]
        assert house.parked() == []
        assert house.store.claim(TOPIC, 0).position == 5

    def test_what_nobody_hears_is_written_before_it_is_too_much_for_one_statement(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A new service walks through a long log of which it hears nothing."""
        monkeypatch.setattr("infra.keeping.LATE_MAX", 3)
        deals = [uuid4() for _ in range(8)]
        house.restart(batch_size=1)
        house.say(*(sealed(Boring(deal_id=each), f"other.thing/{each}", 1) for each in deals))
        house.step(8)
        assert house.store.claim(TOPIC, 0).position == 5

    def test_what_was_passed_over_and_written_with_another_deal_is_no_hole(
        self, house: House
    ) -> None:
        """Found by a reviewer: the good fact behind it was parked as if one were missing."""
        for each in (
            said(DEAL_A, 1, "one"),
            sealed(Boring(deal_id=DEAL_A), f"other.thing/{DEAL_A}", 2),
            said(DEAL_B, 1, "other"),
            said(DEAL_A, 3, "three"),
        ):
            house.say(each)
            house.consumer.step(house.source, 0)
        assert house.notes(DEAL_A) == ["one", "three"]
        assert house.parked() == []

    @pytest.mark.parametrize(
        ("name", "value"),
        [("ce_id", f"other.thing/{DEAL_A}/{2**31}"), ("ce_subject", "a\0b"), ("ce_id", "a\0b/1")],
    )
    def test_what_no_table_can_hold_is_parked_and_others_go_on(
        self, house: House, name: str, value: str
    ) -> None:
        """Found by a reviewer: such a record stopped its whole partition, and nobody was told."""
        bad = said(DEAL_A, 1, "one")
        headers = tuple((n, value.encode() if n == name else v) for n, v in bad.headers)
        house.say(replace(bad, headers=headers), said(DEAL_B, 1, "other"))
        house.run()
        assert house.notes(DEAL_B) == ["other"]
        assert len(house.parked()) == 1

    def test_an_idle_consumer_writes_what_it_passed_over(self, house: House) -> None:
        house.say(sealed(Boring(deal_id=DEAL_A), f"other.thing/{DEAL_A}", 1))
        house.consumer.step(house.source, 0)
        house.consumer.step(house.source, 0)
        assert house.store.claim(TOPIC, 0).position == 1

    def test_two_facts_of_a_batch_see_one_another(self, house: House) -> None:
        seen: list[int] = []
        hear = house.hear

        def counting(heard: Opened, work: Work) -> None:
            seen.append(len(work.read(f"thing.note/{heard.fact.deal_id}")))
            hear(heard, work)

        house.hear = counting  # type: ignore[method-assign]
        house.restart()
        house.say(said(DEAL_A, 1, "one"), said(DEAL_A, 2, "two"))
        house.run()
        assert seen == [0, 1]

    def test_a_crasher_behind_many_facts_that_nobody_hears_is_parked_too(
        self, house: House
    ) -> None:
        boring = [
            sealed(Boring(deal_id=DEAL_B), f"other.thing/{DEAL_B}", each) for each in range(1, 26)
        ]
        house.fails["crash"] = Killed()  # type: ignore[assignment]
        house.say(*boring, said(DEAL_A, 1, "crash"))
        house.live_again()
        assert house.calls.count("crash") == 4
        assert house.parked() == [("a", "parked.never_back")]

    def test_after_an_unclean_end_only_so_many_facts_go_one_at_a_time(self, house: House) -> None:
        commits: list[int] = []
        commit = house.store.commit

        def counted(works: Any, progress: Any = None) -> None:
            commits.append(len(works))
            commit(works, progress)

        house.store.commit = counted
        house.say(said(DEAL_A, 1, "one"))
        house.run()
        house.restart(batch_size=2)  # nobody gave the partition back
        house.say(*(said(DEAL_A, each, "more") for each in range(2, 8)))
        house.run()
        assert commits == [1, 1, 1, 2, 2]

    def test_a_partition_that_was_given_back_is_read_in_batches_at_once(self, house: House) -> None:
        commits: list[int] = []
        commit = house.store.commit

        def counted(works: Any, progress: Any = None) -> None:
            commits.append(len(works))
            commit(works, progress)

        house.store.commit = counted
        house.say(said(DEAL_A, 1, "one"))
        house.run()
        house.consumer.release()
        house.restart()
        house.say(*(said(DEAL_A, each, "more") for each in range(2, 5)))
        house.run()
        assert commits == [1, 3]
        assert house.store.claim(TOPIC, 0).attempts == 0

    def test_giving_back_what_somebody_else_has_by_now_changes_nothing(self, house: House) -> None:
        house.say(said(DEAL_A, 1, "one"))
        house.run()
        house.store.claim(TOPIC, 0)
        house.consumer.release()
        assert house.store.claim(TOPIC, 0).unclean

    # ---- holes: what comes out of order

    def test_a_fact_that_fills_a_hole_is_applied_and_then_what_waited_for_it(
        self, house: House
    ) -> None:
        """Found by a reviewer: it was dropped as a double, and a retry went past the hole."""
        house.say(*(said(DEAL_A, each, f"{each}") for each in (1, 3, 5)))
        house.run()
        house.say(*(said(DEAL_A, each, f"{each}") for each in (2, 4, 6)))
        house.retry()
        assert house.notes(DEAL_A) == ["1", "2", "3", "4", "5", "6"]
        assert house.parked() == []
        house.say(*(said(DEAL_A, each, f"{each}") for each in range(1, 8)))
        house.run()
        assert house.notes(DEAL_A) == ["1", "2", "3", "4", "5", "6", "7"]

    def test_a_hole_and_what_fills_it_in_one_slice_go_in_order_too(self, house: House) -> None:
        house.say(*(said(DEAL_A, each, f"{each}") for each in (1, 4, 3, 2)))
        house.retry()
        assert house.notes(DEAL_A) == ["1", "2", "3", "4"]
        assert house.parked() == []

    def test_a_fact_that_nobody_hears_does_not_hide_a_hole_before_it(self, house: House) -> None:
        stream = f"other.thing/{DEAL_A}"
        house.say(
            said(DEAL_A, 1, "one"),
            sealed(Boring(deal_id=DEAL_A), stream, 3),
            said(DEAL_A, 2, "two"),
        )
        house.retry()
        assert house.notes(DEAL_A) == ["one", "two"]
        assert house.store.versions({stream}) == {stream: 3}
        assert house.parked() == []

    @pytest.mark.parametrize("size", [1, 3, 10])
    def test_facts_in_any_order_are_handled_in_theirs_also_round_what_nobody_hears(
        self, house: House, size: int
    ) -> None:
        """Found by a reviewer: what nobody hears woke nobody, or left a hole of its own."""
        house.restart(batch_size=size)
        deals = {uuid4(): order for order in permutations((1, 2, 3, 4, 5))}
        for deal, order in deals.items():
            facts = {each: said(deal, each, f"{each}") for each in (1, 3, 5)}
            for each in (2, 4):
                facts[each] = sealed(Boring(deal_id=deal), f"other.thing/{deal}", each)
            house.say(*(facts[each] for each in order))
        until(lambda: house.retry() or not house.parked(), "everything is through")
        assert {deal for deal in deals if house.notes(deal) != ["1", "3", "5"]} == set()
        streams = {f"other.thing/{deal}" for deal in deals}
        assert set(house.store.versions(streams).values()) == {5}

    def test_what_nobody_hears_does_not_wake_a_deal_that_waits_for_a_person(
        self, house: House
    ) -> None:
        house.fails["bug"] = KeyError()
        stream = f"other.thing/{DEAL_A}"
        house.say(
            said(DEAL_A, 1, "bug"),
            said(DEAL_A, 3, "three"),
            sealed(Boring(deal_id=DEAL_A), stream, 2),
        )
        house.retry()
        assert house.calls == ["bug"] * 3
        house.fails.clear()
        house.store.ask_retry(None)
        house.retry()
        assert house.notes(DEAL_A) == ["bug", "three"]
        assert house.parked() == []

    def test_a_record_that_fails_behind_a_hole_still_waits_for_what_is_missing(
        self, house: House
    ) -> None:
        """Found by a reviewer: the reason of a failure took the place of the hole."""

        def copies(meta: Meta, value: bytes, work: Work) -> None:
            del value, work
            if broken and meta.stream_version == 3:
                raise KeyError

        broken = [True]
        house.copies = copies
        house.restart()
        house.say(said(DEAL_A, 1, "one"), said(DEAL_A, 3, "three"))
        house.run()
        house.store.ask_retry(None)
        house.retry()
        broken.clear()
        house.store.ask_retry(None)
        house.retry()
        assert house.notes(DEAL_A) == ["one"]
        house.say(said(DEAL_A, 2, "two"))
        house.retry()
        assert house.notes(DEAL_A) == ["one", "two", "three"]

    def test_a_record_that_waits_still_does_so_after_it_failed_of_something_else(
        self, house: House
    ) -> None:
        house.say(*(said(DEAL_A, each, f"{each}") for each in (1, 3)))
        house.run()
        epoch = house.store.claim(TOPIC, 0).epoch
        house.store.still_parked(house.store.parked()[0], epoch, KeyError())
        house.restart()
        house.store.ask_retry(None)
        house.retry()
        assert (house.notes(DEAL_A), house.parked()) == (["1"], [("a", "parked.missing")])

    def test_what_waits_for_a_record_given_up_waits_for_what_that_one_waited_for(
        self, house: House
    ) -> None:
        house.say(*(said(DEAL_A, each, f"{each}") for each in (1, 3, 4)))
        house.run()
        three = house.store.parked()[0]
        assert house.store.discard(three.id, "user/admin-7", "not wanted")
        house.say(said(DEAL_A, 2, "2"))
        house.retry()
        assert house.notes(DEAL_A) == ["1", "2", "4"]
        assert house.parked() == []

    @pytest.mark.parametrize("order", [(2, 5), (5, 2)])
    @pytest.mark.parametrize("apart", [True, False])
    def test_what_comes_after_records_were_given_up_does_not_wait_for_them(
        self, house: House, order: tuple[int, int], apart: bool
    ) -> None:
        house.say(*(said(DEAL_A, each, f"{each}") for each in (1, 3, 4)))
        house.run()
        for each in house.store.parked():
            assert house.store.discard(each.id, "user/admin-7", "not wanted")
        for each in order:
            house.say(said(DEAL_A, each, f"{each}"))
            if apart:
                house.retry()
        house.retry()
        assert house.notes(DEAL_A) == ["1", "2", "5"]
        assert house.parked() == []

    def test_what_comes_after_a_record_was_given_up_overtakes_nothing(self, house: House) -> None:
        """Found by a reviewer: it alone was tried, past what waited for a person."""
        house.fails["bug"] = KeyError()
        house.say(said(DEAL_A, 1, "bug"), said(DEAL_A, 3, "3"))
        house.run()
        assert house.store.discard(house.store.parked()[1].id, "user/admin-7", "not wanted")
        house.say(said(DEAL_A, 2, "2"), said(DEAL_A, 4, "4"))
        house.retry()
        assert house.notes(DEAL_A) == []
        house.fails.clear()
        house.store.ask_retry(None)
        house.retry()
        assert house.notes(DEAL_A) == ["bug", "2", "4"]

    def test_a_fact_that_comes_again_in_other_bytes_is_the_same_fact(self, house: House) -> None:
        """Found by a reviewer: the first was dropped as handled, with nothing handled yet."""
        house.fails["2"] = KeyError()
        house.say(said(DEAL_A, 1, "1"), said(DEAL_A, 3, "3"), said(DEAL_A, 2, "2"))
        other = said(DEAL_A, 3, "3")
        house.say(replace(other, value=other.value + b" "))
        house.run()
        house.retry()
        assert sorted(each.version for each in house.store.parked()) == [2, 3]
        house.fails.clear()
        house.store.ask_retry(None)
        house.retry()
        assert house.notes(DEAL_A) == ["1", "2", "3"]
        assert house.parked() == []

    def test_a_record_that_only_a_later_release_can_place_leaves_no_hole(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unread(headers: Any) -> Meta:
            meta = read_meta(headers)
            if meta.stream_version == 2:
                raise Poison("its attributes can not be read")
            return meta

        monkeypatch.setattr("infra.reading._meta", unread)
        house.say(*(said(DEAL_A, each, f"{each}") for each in (1, 2, 3)))
        house.run()
        assert [each.stream for each in house.store.parked()] == [None, f"other.thing/{DEAL_A}"]
        monkeypatch.undo()
        house.store.ask_retry(None)
        house.retry()
        house.say(said(DEAL_A, 4, "4"))
        house.run()
        assert house.notes(DEAL_A) == ["1", "2", "3", "4"]
        assert house.parked() == []

    def test_a_newer_version_that_something_late_goes_before_is_tried_after_an_upgrade(
        self, house: House
    ) -> None:
        house.say(said(DEAL_A, 1, "1"), newer(DEAL_A, 3, "3"))
        house.run()
        house.store.ask_retry(house.store.parked()[0].id, without_missing=True)
        house.retry()
        assert house.parked() == [("a", "poison.newer_version")]
        house.say(said(DEAL_A, 2, "2"))
        house.run()
        house.registry = Registry([SaidNow, Noted], {(Said.wire_type(), 1): lambda body: body})
        house.restart()
        house.retry()
        assert house.notes(DEAL_A) == ["1", "2", "3"]

    def test_a_record_parked_raw_leaves_no_hole(self, house: House) -> None:
        def copies(meta: Meta, value: bytes, work: Work) -> None:
            del value, work
            if meta.stream_version == 2:
                raise KeyError

        house.copies = copies
        house.restart()
        house.say(*(said(DEAL_A, each, f"{each}") for each in (1, 2, 3)))
        house.run()
        assert house.parked() == [("a", "bug"), ("a", "parked.behind")]
        assert house.store.discard(house.store.parked()[0].id, "user/admin-7", "not wanted")
        house.store.ask_retry(None)
        house.retry()
        assert house.notes(DEAL_A) == ["1", "3"]

    def test_a_retry_stops_at_a_hole_until_somebody_goes_on_without_it(self, house: House) -> None:
        house.say(said(DEAL_A, 1, "one"), said(DEAL_A, 3, "three"), said(DEAL_A, 4, "four"))
        house.run()
        house.store.ask_retry(None)
        house.retry()
        assert house.parked() == [("a", "parked.missing")] * 2
        assert house.notes(DEAL_A) == ["one"]
        house.store.ask_retry(house.store.parked()[0].id, without_missing=True)
        house.retry()
        house.say(said(DEAL_A, 5, "five"))
        house.run()
        assert house.notes(DEAL_A) == ["one", "three", "four", "five"]
        assert house.parked() == []

    def test_a_filled_hole_does_not_wake_a_deal_that_waits_for_a_person(self, house: House) -> None:
        house.fails["bug"] = KeyError()
        house.say(said(DEAL_A, 1, "bug"), said(DEAL_A, 3, "three"), said(DEAL_A, 2, "two"))
        house.retry()
        assert house.calls.count("bug") == 3
        house.fails.clear()
        house.store.ask_retry(None)
        house.retry()
        assert house.notes(DEAL_A) == ["bug", "two", "three"]
        assert house.parked() == []

    @pytest.mark.parametrize("again", [(1, 2, 3, 4), (2, 3), (2, 3, 2, 3, 4)])
    def test_all_published_again_loses_nothing_that_waited_behind_the_hole(
        self, house: House, again: tuple[int, ...]
    ) -> None:
        """Found by a reviewer: what came again in the same slice was dropped as handled."""
        house.say(*(said(DEAL_A, each, f"{each}") for each in (1, 3)))
        house.run()
        house.say(*(said(DEAL_A, each, f"{each}") for each in again))
        house.run()
        house.retry()
        assert house.notes(DEAL_A) == [f"{each}" for each in range(1, max(again) + 1)]
        assert house.parked() == []

    def test_what_fills_a_hole_while_the_deal_is_to_be_tried_is_not_skipped(
        self, house: House
    ) -> None:
        """Found by a reviewer: only the later one was marked, and went first."""
        house.fails["bug"] = KeyError()
        other = said(DEAL_A, 1, "bug", "another.thing")
        house.say(said(DEAL_A, 1, "1"), other, said(DEAL_A, 4, "4"))
        house.run()
        house.fails.clear()
        house.store.ask_retry(None)
        house.say(said(DEAL_A, 2, "2"), said(DEAL_A, 3, "3"))
        house.run()
        house.retry()
        assert house.notes(DEAL_A) == ["1", "bug", "2", "3", "4"]
        assert house.parked() == []

    def test_after_a_retry_whose_answer_was_lost_the_next_fact_is_no_hole(
        self, house: House
    ) -> None:
        house.say(said(DEAL_A, 1, "1"), said(DEAL_A, 3, "3"), said(DEAL_A, 2, "2"))
        house.run()
        unpark = house.store.unpark

        def unanswered(*args: Any) -> None:
            unpark(*args)
            raise Unavailable("the answer is lost")

        house.store.unpark = unanswered
        house.consumer.retry_parked()
        house.store.unpark = unpark
        house.say(said(DEAL_A, 4, "4"))
        house.run()
        house.seconds += 100
        house.retry()
        assert house.notes(DEAL_A) == ["1", "2", "3", "4"]
        assert [each.code for each in house.told] == ["parked.missing", "parked.behind"]

    # ---- what can not even be parked as usual

    def test_a_key_of_any_length_and_an_id_beyond_an_index_are_parked_and_others_go_on(
        self, house: House
    ) -> None:
        """Found by a reviewer: an index refused them, and their partition stood for ever."""
        long = "".join(uuid4().hex for _ in range(100))
        bad = said(DEAL_A, 1, "one")
        headers = tuple((n, f"{long}/1".encode() if n == "ce_id" else v) for n, v in bad.headers)
        house.say(
            Sealed(randbytes(6000), (), b"?"), replace(bad, headers=headers), said(DEAL_B, 1, "b")
        )
        house.run()
        assert house.notes(DEAL_B) == ["b"]
        assert [each.code for each in house.store.parked()] == ["poison", "poison"]

    def test_a_fact_that_fails_also_in_what_is_done_to_every_fact_is_parked_raw(
        self, house: House
    ) -> None:
        def copies(meta: Meta, value: bytes, work: Work) -> None:
            del value, work
            if broken and meta.deal_id == DEAL_A:
                raise KeyError

        broken = [True]
        house.copies = copies
        house.restart()
        house.say(said(DEAL_A, 1, "one"), said(DEAL_A, 2, "two"), said(DEAL_B, 1, "else"))
        house.run()
        assert house.notes(DEAL_B) == ["else"]
        assert house.parked() == [("a", "bug"), ("a", "bug")]
        broken.clear()
        house.store.ask_retry(None)
        house.retry()
        assert house.notes(DEAL_A) == ["one", "two"]
        assert house.parked() == []

    def test_after_a_fault_of_ours_in_a_commit_nothing_counts_as_read(self, house: House) -> None:
        """Found by a reviewer: the slice was lost until a restart, and no lag was shown."""
        commit = house.store.commit

        def breaks(works: Any, progress: Any = None) -> None:
            raise ZeroDivisionError

        house.store.commit = breaks
        house.say(said(DEAL_A, 1, "one"))
        with pytest.raises(ZeroDivisionError):
            house.consumer.step(house.source, 0)
        assert house.source.lag() == 1
        house.store.commit = commit
        house.run()
        assert house.notes(DEAL_A) == ["one"]

    def test_a_fact_that_was_answered_before_is_consumed_all_the_same(self, house: House) -> None:
        other = Work(house.store, Cause(f"other.thing/{DEAL_A}/1>thing", house.clock(), "user/u"))
        other.append("thing.else/1", Noted(deal_id=DEAL_A, word="x"))
        house.store.commit([other])
        house.say(said(DEAL_A, 1, "one"))
        house.run()
        house.say(said(DEAL_A, 2, "two"))
        house.run()
        assert house.notes(DEAL_A) == ["two"]
        assert house.parked() == []

    # ---- parked records

    def test_what_is_delivered_twice_while_it_is_parked_is_parked_once(self, house: House) -> None:
        bad = replace(said(DEAL_A, 1, "bad"), value=b"{")
        nameless = Sealed(b"x", (("ce_id", b"?"),), b"?")
        behind = said(DEAL_A, 2, "two")
        house.say(bad, nameless, behind)
        house.run()
        house.say(bad, nameless, nameless, behind, bad)
        house.run()
        assert sorted(house.parked()) == [("a", "parked.behind"), ("a", "poison"), ("x", "poison")]

    def test_facts_of_a_newer_version_are_retried_by_themselves_after_an_upgrade(
        self, house: House
    ) -> None:
        house.fails["bug"] = KeyError()
        house.say(newer(DEAL_A, 1, "one"), said(DEAL_A, 2, "two"), said(DEAL_B, 1, "bug"))
        house.run()
        assert house.parked() == [
            ("a", "poison.newer_version"), ("a", "parked.behind"), ("b", "bug"),
        ]  # fmt: skip
        house.fails.clear()
        house.restart()
        house.retry()
        assert house.notes(DEAL_A) == []  # the same release still can not read it
        house.registry = Registry([SaidNow, Noted], {(Said.wire_type(), 1): lambda body: body})
        house.restart()
        house.say(said(DEAL_A, 3, "three"))
        house.run()
        house.retry()
        house.say(said(DEAL_A, 4, "four"))
        house.run()
        assert house.notes(DEAL_A) == ["one", "two", "three", "four"]
        assert house.parked() == [("b", "bug")]  # of no other kind: that is for a person to say

    def test_a_retry_that_kills_the_process_is_given_up_after_a_few_starts(
        self, house: House
    ) -> None:
        house.fails["bug"] = KeyError()
        house.say(said(DEAL_A, 1, "bug"), said(DEAL_B, 1, "bug"), said(DEAL_A, 2, "two"))
        house.run()
        house.fails["bug"] = Killed()  # type: ignore[assignment]
        house.calls.clear()
        house.store.ask_retry(house.store.parked()[0].id)
        house.live_again(house.retry)
        assert house.parked() == [("a", "parked.never_back"), ("b", "bug"), ("a", "parked.behind")]
        assert house.calls == ["bug"] * 4
        house.fails.clear()
        house.store.ask_retry(None)
        house.retry()
        assert house.notes(DEAL_A) == ["bug", "two"]
        assert house.notes(DEAL_B) == ["bug"]

    def test_a_retry_waits_while_something_is_not_available_and_live_facts_go_on(
        self, house: House
    ) -> None:
        house.fails["bug"] = KeyError()
        house.say(said(DEAL_A, 1, "bug"))
        house.run()
        house.fails["bug"] = Unavailable("not now")
        house.store.ask_retry(None)
        for _ in range(8):
            house.retry()
            house.seconds += 100
        house.say(said(DEAL_B, 1, "else"))
        house.run()
        assert house.notes(DEAL_B) == ["else"]
        house.fails.clear()
        house.retry()
        assert house.notes(DEAL_A) == ["bug"]

    def test_a_retry_that_loses_a_race_decides_again(self, house: House) -> None:
        house.fails["bug"] = KeyError()
        house.say(said(DEAL_A, 1, "bug"), said(DEAL_A, 2, "two"))
        house.run()
        house.fails.clear()
        house.overtake = ["bug"]
        house.store.ask_retry(None)
        house.retry()
        assert house.notes(DEAL_A) == ["http", "bug", "two"]
        assert house.parked() == []

    def test_a_page_with_one_bad_record_frees_the_others(self, house: House) -> None:
        house.fails["bug"] = KeyError()
        house.say(*(said(deal, 1, "bug") for deal in DEALS), *(said(d, 2, "two") for d in DEALS))
        house.run()
        del house.fails["bug"]
        house.fails_for = DEALS[3]
        house.store.ask_retry(None)
        house.retry()
        assert [house.notes(deal) for deal in DEALS] == [
            [] if deal == DEALS[3] else ["bug", "two"] for deal in DEALS
        ]
        assert [each.key for each in house.store.parked()] == [str(DEALS[3]).encode()] * 2

    def test_what_follows_a_discarded_record_waits_until_it_is_retried(self, house: House) -> None:
        house.fails["bug"] = KeyError()
        house.say(said(DEAL_A, 1, "bug"), said(DEAL_A, 2, "two"))
        house.run()
        assert house.store.discard(house.store.parked()[0].id, "user/admin-1", "not wanted")
        house.say(said(DEAL_A, 3, "three"))
        house.run()
        house.retry()
        assert house.notes(DEAL_A) == []
        house.store.ask_retry(house.store.parked()[0].id)
        house.retry()
        house.say(said(DEAL_A, 4, "four"))
        house.run()
        assert house.notes(DEAL_A) == ["two", "three", "four"]

    def test_a_fact_parked_behind_what_was_just_discarded_frees_itself(self, house: House) -> None:
        house.fails["bug"] = KeyError()
        house.say(said(DEAL_A, 1, "bug"))
        house.run()
        assert house.store.discard(house.store.parked()[0].id, "user/admin-1", "not wanted")
        assert not house.store.discard(1, "user/admin-1", "again")
        house.say(said(DEAL_A, 2, "two"))  # the consumer still thinks that the deal waits
        house.run()
        house.retry()
        assert house.notes(DEAL_A) == ["two"]
        assert house.parked() == []

    def test_a_record_discarded_while_it_is_retried_has_no_effect(self, house: House) -> None:
        house.fails["bug"] = KeyError()
        house.say(said(DEAL_A, 1, "bug"), said(DEAL_A, 2, "two"))
        house.run()
        house.fails.clear()
        house.store.ask_retry(None)
        first = house.store.parked()[0].id
        house.meanwhile = lambda: house.store.discard(first, "user/admin-1", "not wanted")
        house.retry()
        house.retry()
        assert house.notes(DEAL_A) == ["two"]
        assert house.parked() == []

    # ---- zombies

    def test_a_zombies_retry_fails_when_another_process_has_the_partition(
        self, house: House
    ) -> None:
        house.fails["bug"] = KeyError()
        house.say(said(DEAL_A, 1, "bug"))
        house.run()
        house.fails.clear()
        house.store.ask_retry(None)
        zombie = house.consumer

        def new_owner() -> None:
            house.restart()
            house.retry()
            house.say(said(DEAL_A, 2, "two"))
            house.run()

        house.meanwhile = new_owner
        assert zombie.retry_parked() == 0
        assert house.notes(DEAL_A) == ["bug", "two"]
        assert house.parked() == []

    def test_a_zombies_slice_fails_when_another_process_has_the_partition(
        self, house: House
    ) -> None:
        house.say(said(DEAL_A, 1, "one"), said(DEAL_A, 2, "two"))
        zombie, source = house.consumer, house.source

        def new_owner() -> None:
            house.restart()
            house.run()

        house.meanwhile = new_owner
        assert zombie.step(source, 0) == 0
        assert house.notes(DEAL_A) == ["one", "two"]


class TestInboxOverMemory(InboxConformance):
    @pytest.fixture
    def house(self, clock: Any) -> House:
        return House(MemoryStore("thing", REGISTRY), clock)


class TestInboxOverPostgres(InboxConformance):
    @pytest.fixture
    def house(self, clock: Any, open_service: Callable[..., Any]) -> House:
        return House(PostgresLedger("thing", open_service(), REGISTRY), clock)

    def test_what_an_earlier_release_left_waiting_goes_on_when_it_is_published_again(
        self, house: House
    ) -> None:
        """Found by a reviewer: what nobody hears had come by then, and had woken nobody."""
        house.say(said(DEAL_A, 1, "1"), said(DEAL_A, 3, "3"))
        house.run()
        with house.store.pool.connection() as connection:
            connection.execute("UPDATE inbox SET version = 2")
        house.restart()
        house.say(said(DEAL_A, 3, "3"), said(DEAL_A, 4, "4"))
        house.retry()
        assert house.notes(DEAL_A) == ["1", "3", "4"]
        assert house.parked() == []

    @pytest.mark.parametrize("many", [1, 3000])
    def test_what_waits_behind_many_given_up_is_found_at_once(
        self, house: House, many: int
    ) -> None:
        with house.store.pool.connection() as connection:
            connection.execute(
                "INSERT INTO discarded (id, topic, partition, offset_, key, headers, value, reason,"
                " code, attempts, parked_at, discarded_by, why, stream, version)"
                " SELECT n, 'facts', 0, n, 'a', '[]', '', 'r', 'c', 1, now(), 'u', 'w', 's', n"
                " FROM generate_series(3, %s + 2) AS n",
                (many,),
            )
            found = connection.execute(
                "SELECT waits_for('a', 's', %s + 3), waits_for('a', 's', %s + 5),"
                " waits_for('b', 's', 7)",
                (many, many),
            ).fetchone()
        assert found == (2, many + 4, 6)

    def test_what_is_parked_while_the_deals_last_record_is_discarded_frees_itself(
        self, house: House
    ) -> None:
        house.fails["bug"] = KeyError()
        house.say(said(DEAL_A, 1, "bug"))
        house.run()
        waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        # A discard that is not committed yet.
        with house.store.pool.connection() as other, other.transaction():
            other.execute("SELECT hold_deal(key), id FROM parked")
            other.execute("DELETE FROM parked")
            house.say(said(DEAL_A, 2, "two"))
            consuming = Thread(target=house.run)
            consuming.start()
            until(lambda: other.execute(waits).fetchone(), "the consumer waits its turn")
        consuming.join(30)
        house.retry()
        assert house.notes(DEAL_A) == ["two"]
        assert house.parked() == []


HOW = ("heard", "heard", "not heard", "bug", "copy bug")
MEANWHILE = (
    "", "run", "try parked", "ask", "ask one", "mend", "read on anew", "restart", "zombie", "discard",
)  # fmt: skip


@st.composite
def disordered(draw: Any) -> tuple[list[tuple[str, int, str]], list[int], list[str]]:
    """Facts of two streams, an order in which they come (some twice), what happens after each."""
    facts = [
        (stream, version, draw(st.sampled_from(HOW)))
        for stream in ("one.thing", "other.thing")
        for version in range(1, draw(st.integers(1, 5)) + 1)
    ]
    twice = draw(st.lists(st.sampled_from(range(len(facts))), max_size=4))
    order = draw(st.permutations([*range(len(facts)), *twice]))
    return facts, order, draw(st.lists(st.sampled_from(MEANWHILE), max_size=len(order)))


class Disorder:
    """A deal whose facts come in any order, some of them with a bug that somebody mends."""

    def __init__(self, facts: list[tuple[str, int, str]], size: int) -> None:
        self.clock = Clock(datetime(2026, 3, 2, tzinfo=UTC))
        self.house = House(MemoryStore("thing", REGISTRY), self.clock)
        self.facts = facts
        self.size = size
        self.mended = False
        self.said: set[int] = set()
        self.given_up: set[tuple[str, int]] = set()
        self.house.copies = self.copies
        self.house.restart(size)
        for stream, version, how in facts:
            if how == "bug":
                self.house.fails[f"{stream} {version}"] = KeyError()

    def copies(self, meta: Meta, value: bytes, work: Work) -> None:
        """Stand for what is done to every fact, heard or not."""
        del value, work
        place = (*meta.stream.split("/")[:1], meta.stream_version, "copy bug")
        if not self.mended and place in self.facts:
            raise KeyError

    def come(self, number: int) -> None:
        stream, version, how = self.facts[number]
        if how == "not heard":
            self.house.say(sealed(Boring(deal_id=DEAL_A), f"{stream}/{DEAL_A}", version))
        else:
            fact = said(DEAL_A, version, f"{stream} {version}", stream)
            # The second time it comes in other bytes.
            again = replace(fact, value=fact.value + b" ")
            self.house.say(again if number in self.said else fact)
        self.said.add(number)

    def happens(self, what: str) -> None:
        house, parked = self.house, self.house.store.parked()
        match what:
            case "run":
                house.run()
            case "try parked":
                house.consumer.retry_parked()
            case "ask":
                house.store.ask_retry(None)
            case "ask one" if parked:
                house.store.ask_retry(parked[-1].id)
            case "mend":
                self.mended = True
                house.fails.clear()
            case "read on anew":
                house.source.disown(0)
            case "restart":
                house.restart(self.size)
            case "discard" if parked:
                gone = parked[len(parked) // 2]
                self.given_up.add((gone.stream.split("/")[0], gone.version))
                house.store.discard(gone.id, "user/admin-7", "not wanted")
            case "zombie":
                house.store.claim(TOPIC, 0)

    def ends(self) -> None:
        self.happens("mend")
        self.house.retry()
        self.house.store.ask_retry(None)
        self.house.retry()


@given(disordered(), st.sampled_from([1, 2, 10]), st.booleans())
@settings(max_examples=300, deadline=None)
def test_in_whatever_order_facts_come_every_stream_is_handled_in_its_own_and_nothing_is_left(
    drawn: tuple[list[tuple[str, int, str]], list[int], list[str]], size: int, copying: bool
) -> None:
    facts, order, meanwhile = drawn
    deal = Disorder(facts, size)
    if not copying:
        deal.house.copies = None
        deal.house.restart(size)
    with capture_logs():
        for number, what in zip_longest(order, meanwhile, fillvalue=""):
            deal.come(number)
            deal.happens(what)
        deal.ends()
    assert deal.house.parked() == []
    notes = deal.house.notes(DEAL_A)
    for stream in ("one.thing", "other.thing"):
        handled = [int(each.split()[1]) for each in notes if each.startswith(stream)]
        heard = {version for name, version, how in facts if name == stream and how != "not heard"}
        # What was given up may have come again.
        assert handled == sorted(set(handled))
        assert heard - set(handled) <= {v for name, v in deal.given_up if name == stream}


@given(disordered(), st.sampled_from([1, 2, 10]))
@settings(max_examples=300, deadline=None)
def test_where_nothing_fails_disorder_heals_without_anybody(
    drawn: tuple[list[tuple[str, int, str]], list[int], list[str]], size: int
) -> None:
    facts = [(s, v, "heard" if "bug" in how else how) for s, v, how in drawn[0]]
    deal = Disorder(facts, size)
    deal.house.copies = None
    deal.house.restart(size)
    with capture_logs():
        for number in drawn[1]:
            deal.come(number)
        deal.house.retry()
        deal.house.retry()
    assert deal.house.parked() == []
    heard = {f"{s} {v}" for s, v, how in facts if how == "heard"}
    assert sorted(deal.house.notes(DEAL_A)) == sorted(heard)
