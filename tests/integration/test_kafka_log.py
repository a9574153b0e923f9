"""A Kafka log that changed under its readers: they stop and say why, and go on when somebody has decided."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from fastapi import APIRouter
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from contracts.envelope import Opened, Registry, Sealed
from contracts.errors import QuotewrightError
from contracts.quote import QuoteWithdrawn
from infra.bus import Slice
from infra.bus_kafka import KafkaBus
from infra.clock import wall_clock
from infra.local_kafka import LocalKafka
from infra.parts import Parts, Plumbing
from infra.service import House, Serving
from infra.settings import Settings
from infra.topic_watch import FRESH_MS, LogChanged, PostgresTopicIds
from infra.topics import Keeping, create_topics
from infra.work import Cause, Work
from quotewright.laptop import free_port
from tests.manual import reset_of

pytestmark = pytest.mark.kafka
DEADLINE_S = 60.0


def wait_for(what: Callable[[], Any]) -> Any:
    """Return the first answer that is true."""
    until = time.monotonic() + DEADLINE_S
    while True:
        found = what()
        if found or time.monotonic() > until:
            return found
        time.sleep(0.05)


class Log:
    """One topic of a real Kafka, and the one consumer of it whose positions are kept."""

    def __init__(self, kafka: LocalKafka, pool: Any) -> None:
        self.bootstrap = kafka.bootstrap.split(",")
        self.topic = f"facts.{uuid4().hex[:8]}"
        self.saved: dict[int, int] = {}
        self.ids = PostgresTopicIds(pool)
        self.open: list[Any] = []
        self.make()

    def make(self, partitions: int = 1) -> None:
        create_topics(self.bootstrap, {}, {self.topic: partitions}, Keeping())

    def admin(self) -> KafkaAdminClient:
        return KafkaAdminClient(bootstrap_servers=self.bootstrap)

    def delete(self) -> None:
        admin = self.admin()
        admin.delete_topics([self.topic])
        wait_for(lambda: self.topic not in admin.list_topics())
        admin.close()

    def cut(self, first: int) -> None:
        """Delete the records before `first`, as retention does."""
        admin = self.admin()
        admin.delete_records({TopicPartition(self.topic, 0): first})
        admin.close()

    def write(self, *numbers: int, key: str = "deal") -> None:
        bus = KafkaBus(self.bootstrap, {})
        bus.produce(self.topic, [Sealed(key.encode(), (), f"{n}".encode()) for n in numbers])
        bus.close()

    def reader(self) -> Any:
        bus = KafkaBus(self.bootstrap, {}, None, self.ids)
        self.open.append(bus.source("one", self.topic, lambda part: self.saved.get(part, 0)))
        return self.open[-1]

    def save(self, piece: Slice) -> None:
        self.saved[piece.partition] = piece.after

    def read(self, reader: Any, wanted: int) -> list[tuple[bytes, int]]:
        """Read and save until so many records have come; returns key and number of each."""
        heard: list[tuple[bytes, int]] = []
        until = time.monotonic() + DEADLINE_S
        while len(heard) < wanted and time.monotonic() < until:
            piece = reader.poll(10, 0.5)
            if piece is not None:
                self.save(piece)
                heard += [(each.key, int(each.value)) for each in piece.records]
        return heard

    def refused(self, reader: Any) -> tuple[str, list[int]]:
        """Poll until the reader refuses; returns what it says and what it gave before."""
        given: list[int] = []
        until = time.monotonic() + DEADLINE_S
        while time.monotonic() < until:
            try:
                piece = reader.poll(10, 0.5)
            except LogChanged as fault:
                return fault.message, given
            given += [int(each.value) for each in piece.records] if piece else []
        return "", given


@pytest.fixture
def log(kafka: LocalKafka, open_service: Any) -> Iterator[Log]:
    made = Log(kafka, open_service("thing"))
    yield made
    for each in made.open:
        each.close()


def numbers(heard: list[tuple[bytes, int]]) -> list[int]:
    return [number for _, number in heard]


def test_a_reader_that_is_new_to_the_group_begins_at_its_own_position(log: Log) -> None:
    log.write(1, 2, 3)
    log.saved = {0: 1}
    assert numbers(log.read(log.reader(), 2)) == [2, 3]


@pytest.mark.parametrize("refilled", [0, 5])
def test_a_topic_made_again_is_refused_at_the_next_start(log: Log, refilled: int) -> None:
    # With 5 new records the old position 3 lies inside the new log: only the topic's id tells.
    log.write(1, 2, 3)
    reader = log.reader()
    assert numbers(log.read(reader, 3)) == [1, 2, 3]
    reader.close()
    log.delete()
    log.make()
    if refilled:
        log.write(*range(10, 10 + refilled))

    said, given = log.refused(log.reader())
    assert f"the topic {log.topic} was deleted and made again" in said
    assert "A log that changed" in said
    assert given == []


def test_a_topic_made_again_under_a_running_reader_is_refused_too(log: Log) -> None:
    log.write(1, 2, 3)
    reader = log.reader()
    assert numbers(log.read(reader, 3)) == [1, 2, 3]
    log.delete()
    log.make()
    log.write(*range(10, 15))
    away = time.monotonic() + FRESH_MS / 1000  # what is promised not to be noticed
    assert wait_for(lambda: time.monotonic() > away)

    said, given = log.refused(reader)
    assert re.search("was deleted and made again|does not go on where we are", said)
    assert given == []
    # It does not get used to it.
    assert log.refused(reader) == (said, [])


def test_records_that_were_deleted_before_they_were_read_are_not_skipped(log: Log) -> None:
    log.write(1, 2, 3, 4)
    log.saved = {0: 1}
    log.cut(3)

    reader = log.reader()
    said, given = log.refused(reader)
    reader.close()
    assert "partition 0 of the topic" in said
    assert "records 1 to 2 were deleted before we read them" in said
    assert given == []

    log.saved = {0: 3}  # somebody decided
    assert numbers(log.read(log.reader(), 1)) == [4]


def test_a_log_that_ends_before_our_position_is_not_read_from_its_start(log: Log) -> None:
    log.write(1, 2)
    log.saved = {0: 7}

    said, given = log.refused(log.reader())
    assert "it ends at 2, we have read up to 7: records were lost" in said
    assert given == []


def test_a_quiet_topic_grows_without_a_fact_lost_or_out_of_order(log: Log) -> None:
    keys = [f"deal-{number}" for number in range(12)]
    for number in (1, 2):
        for key in keys:
            log.write(number, key=key)
    reader = log.reader()
    heard = log.read(reader, 24)
    reader.close()  # nothing waits, everybody has stopped

    admin = log.admin()
    admin.create_partitions({log.topic: 4})
    admin.close()
    bus = KafkaBus(log.bootstrap, {})
    for number in (3, 4):
        bus.produce(log.topic, [Sealed(k.encode(), (), f"{number}".encode()) for k in keys])
    bus.close()
    heard += log.read(log.reader(), 24)

    assert {key: [n for k, n in heard if k == key.encode()] for key in keys} == {
        key: [1, 2, 3, 4] for key in keys
    }
    # Keys really went elsewhere: in a topic that was not quiet they could have overtaken.
    assert len(log.saved) == 4


# ---- a whole service


class Thing:
    """A service that withdraws quotes and hears that they are withdrawn."""

    def __init__(self, kafka: LocalKafka, dsn: str, topic: str, folder: Path) -> None:
        self.port = free_port()
        self.settings = Settings(
            dsn=dsn, bus="kafka", kafka_bootstrap=tuple(kafka.bootstrap.split(",")),
            facts_topic=topic, inbound_topic=f"{topic}.in", parked_topic=f"{topic}.parked",
            partitions=1, http_port=self.port,
        )  # fmt: skip
        self.folder = folder / "thing" / "migrations"
        self.folder.mkdir(parents=True)
        (self.folder / "0001_heard.sql").write_text("CREATE TABLE heard (id text NOT NULL)")

    def build(self, settings: Settings, plumbing: Plumbing) -> Parts:
        hears = {QuoteWithdrawn: self.note}
        return Parts(
            "thing", hears, Registry(hears), APIRouter(), batch_size=10, migrations=self.folder
        )

    def note(self, heard: Opened, work: Work) -> None:
        work.sql("INSERT INTO heard (id) VALUES (%s)", (heard.meta.id,))

    def house(self) -> House:
        return House(self.settings, {"thing": self.build})

    def say(self, house: House, number: int) -> str:
        """Withdraw a quote; returns the id of the fact."""
        quote_id = UUID(int=number)
        cause = Cause(f"withdraw/{number}", wall_clock(), "user/u-1")
        fact = QuoteWithdrawn(
            deal_id=quote_id, quote_id=quote_id, reason="test", withdrawn_by="u-1"
        )
        (recorded,) = house.services[0].plumbing.run(
            cause, lambda work: work.append(f"thing.quote/{quote_id}", fact) and None
        )
        return recorded.id

    def heard(self, house: House) -> list[str]:
        rows = house.services[0].plumbing.query("SELECT id FROM heard ORDER BY id")
        return [row["id"] for row in rows]

    def ready(self) -> tuple[int, Any]:
        answer = httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=10)
        return answer.status_code, answer.json()["reasons"]


def test_a_service_whose_topic_was_made_again_alarms_and_is_mended_as_the_manual_says(
    kafka: LocalKafka, make_database: Any, tmp_path: Path, log: Log
) -> None:
    dsn = make_database().dsn("thing")
    thing = Thing(kafka, dsn, log.topic, tmp_path)
    house = thing.house()
    with Serving(house):
        said = sorted(thing.say(house, number) for number in range(1, 4))
        assert wait_for(lambda: thing.heard(house) == said)
        log.delete()
        log.make()
        said = sorted([*said, thing.say(house, 4)])
        wanted = f"the topic {log.topic} was deleted and made again"
        status, _ = wait_for(lambda: alarming(thing.ready(), wanted))
        assert status == 503
        assert thing.heard(house) == said[:3]
    with pytest.raises(QuotewrightError, match="made"):
        thing.house()  # nor does it start

    with psycopg.connect(dsn, options="-c search_path=thing") as connection:
        connection.execute(reset_of(log.topic))
    house = thing.house()
    with Serving(house):
        assert wait_for(lambda: thing.heard(house) == said), "each once, and the fourth too"
        assert wait_for(lambda: thing.ready() == (200, []))


def alarming(ready: tuple[int, Any], wanted: str) -> tuple[int, Any] | None:
    """Return what /readyz says, if it says this."""
    return ready if wanted in "".join(ready[1]) else None
