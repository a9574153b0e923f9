"""The relay: every fact, in the order of the table, also with two at once, crashes and an old backup."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from contracts.envelope import Fact, Registry, Sealed
from contracts.errors import Unavailable
from infra.comparing import BehindLog
from infra.leadership import Leadership
from infra.ledger import PostgresLedger
from infra.memory import MemoryBus
from infra.reader import BYTES_MAX
from infra.relay import Relay
from infra.work import Cause, Work
from tests.e2e.place import until

TOPIC = "facts"
DEAL = UUID("00000000-0000-4000-8000-00000000000a")
NOW = datetime(2026, 3, 2, tzinfo=UTC)


class Said(Fact):
    """A fact of the service."""

    word: str


class Bus(MemoryBus):
    """A bus that notes its batches, and does something before or after it took one."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[Sealed]] = []
        self.before: Callable[[], Any] = lambda: None
        self.after: Callable[[], Any] = lambda: None

    def produce(self, topic: str, records: Sequence[Sealed]) -> None:
        before, self.before = self.before, lambda: None
        before()
        super().produce(topic, records)
        self.batches.append(list(records))
        after, self.after = self.after, lambda: None
        after()


class Killed(BaseException):
    """Stands for the process being killed."""


class Publishing:
    """A service's table, a bus, and relays of as many processes as wanted."""

    def __init__(self, database: Any, pool: Any) -> None:
        self.database = database
        self.pool = pool
        self.bus = Bus()
        self.ledger = PostgresLedger("thing", pool, Registry([Said]))
        self.leaderships: list[Leadership] = []

    def relay(self) -> Relay:
        self.leaderships.append(Leadership(self.database.dsn("thing"), "thing"))
        return Relay(self.pool, self.leaderships[-1], self.bus, TOPIC)

    def say(self, number: int, word: str = "") -> None:
        for _ in range(number):
            at = len(self.ledger.read("thing.said/1")) + 1
            work = Work(self.ledger, Cause(f"say/{at}", NOW, "user/u"))
            work.append("thing.said/1", Said(deal_id=DEAL, word=word or str(at)))
            self.ledger.commit([work])

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.admin_dsn, autocommit=True) as admin:
            cursor = admin.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def ids(self) -> list[int]:
        """Return the stream versions on the bus, as they came."""
        headers = [dict(each.headers) for each in self.bus.topics.get(TOPIC, [])]
        return [int(each["ce_id"].rpartition(b"/")[2]) for each in headers]

    def first_heard(self) -> list[int]:
        """Return them as a consumer applies them: duplicates dropped."""
        return list(dict.fromkeys(self.ids()))

    def position(self) -> int:
        return int(self.sql("SELECT position FROM thing.relay")[0][0])

    def cut_sessions(self) -> None:
        """End the sessions that hold the leaders' locks, as a firewall does."""
        self.sql(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE application_name = 'thing-lead'"
        )


@pytest.fixture
def publishing(make_database: Any, open_service: Any) -> Iterator[Publishing]:
    database = make_database()
    found = Publishing(database, open_service("thing", database))
    yield found
    for each in found.leaderships:
        each.close()


def test_the_position_is_saved_after_every_acknowledged_batch(publishing: Publishing) -> None:
    publishing.say(3)
    relay = publishing.relay()
    assert relay.step() == 3
    assert publishing.position() == 3
    assert relay.step() == 0
    assert publishing.ids() == [1, 2, 3]


def test_a_batch_that_is_not_acknowledged_is_sent_again_whole(publishing: Publishing) -> None:
    publishing.say(3)
    relay = publishing.relay()
    publishing.bus.broken = True
    with pytest.raises(Unavailable):
        relay.step()
    assert publishing.position() == 0
    publishing.bus.broken = False
    relay.step()
    assert publishing.ids() == [1, 2, 3]


def test_a_crash_between_producing_and_saving_makes_duplicates_only(
    publishing: Publishing,
) -> None:
    def killed() -> None:
        raise Killed

    publishing.say(3)
    publishing.bus.after = killed
    with pytest.raises(Killed):
        publishing.relay().step()
    publishing.leaderships[0].close()
    publishing.say(2)
    publishing.relay().step()
    assert publishing.ids() == [1, 2, 3, 1, 2, 3, 4, 5]
    assert publishing.first_heard() == [1, 2, 3, 4, 5]


def test_of_two_relays_one_publishes_and_the_other_takes_over(publishing: Publishing) -> None:
    one, two = publishing.relay(), publishing.relay()
    publishing.say(2)
    assert (one.step(), two.step()) == (2, 0)
    publishing.leaderships[0].close()
    publishing.say(1)
    assert two.step() == 1
    assert publishing.ids() == [1, 2, 3]


def test_a_relay_that_lost_its_session_is_fenced_and_nothing_is_skipped_or_reordered(
    publishing: Publishing,
) -> None:
    old, new = publishing.relay(), publishing.relay()
    publishing.say(2)
    old.step()
    publishing.say(3)
    producing, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        producing.set()
        assert go_on.wait(30)

    publishing.bus.before = hang
    thread = threading.Thread(target=old.step)
    thread.start()
    assert producing.wait(30)
    publishing.cut_sessions()
    assert until(new.step, "the other relay leads") == 3
    publishing.say(2)
    assert new.step() == 2
    go_on.set()  # the old one wakes up, believing that it leads
    thread.join(30)
    assert old.step() == 0
    publishing.say(1)
    assert new.step() == 1
    assert publishing.first_heard() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert publishing.position() == 8


def test_what_is_held_in_memory_is_bounded_by_bytes(publishing: Publishing) -> None:
    large = "x" * 900_000
    publishing.say(40, large)
    relay = publishing.relay()
    while relay.step():
        pass
    assert publishing.ids() == list(range(1, 41))
    weights = [sum(len(each.value) for each in batch) for batch in publishing.bus.batches]
    assert max(weights) < BYTES_MAX + 1_000_000
    assert len(weights) >= 40 * 900_000 // (BYTES_MAX + 1_000_000)


def test_a_relay_ahead_of_its_table_stops_and_goes_on_after_the_mend(
    publishing: Publishing,
) -> None:
    publishing.say(2)
    publishing.sql("UPDATE thing.relay SET position = 7")
    relay = publishing.relay()
    with pytest.raises(BehindLog, match="fact number 7 is published, and the table ends at 2"):
        relay.step()
    publishing.say(1)
    with pytest.raises(BehindLog):
        relay.step()
    assert publishing.ids() == []
    publishing.sql("UPDATE thing.relay SET position = 2")
    assert relay.step() == 1
    assert publishing.ids() == [3]
