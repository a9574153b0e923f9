"""What survives a crash of PostgreSQL in memory never outweighs what is stored.

The embedded log and light commits are not flushed one by one, so a crash may take the last of them
back, and the log then gives the same positions to other records.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from contracts.envelope import Fact, Meta, Opened, Registry, Sealed, seal
from contracts.errors import Unavailable
from infra import leadership as leading
from infra.bus_embedded import EmbeddedBus, Here
from infra.inbox import Consumer, Hooks
from infra.leadership import Leadership
from infra.ledger import PostgresLedger
from infra.local import SUPERUSER, LocalPostgres
from infra.postgres import PLUMBING, migrate, open_pool, provision
from infra.reading import FactReading
from infra.work import Work

TOPIC = "facts"
DEADLINE_S = 60.0


class Said(Fact):
    """What another service says."""

    word: str


REGISTRY = Registry([Said])


def now() -> datetime:
    return datetime(2026, 3, 2, tzinfo=UTC)


class Place:
    """A server of its own, and one consumer on the embedded bus that outlives its crashes."""

    def __init__(self, server: LocalPostgres) -> None:
        self.server = server
        self.admin_dsn = server.dsn(SUPERUSER, "postgres")
        provision(self.admin_dsn, {"thing": ["thing"]})
        self.dsn = server.dsn("quotewright_thing", "postgres")
        self.pool = open_pool(self.dsn, "thing", (1, 3))
        with self.pool.connection() as connection:
            migrate(connection, [PLUMBING])
        self.leadership = Leadership(self.dsn, "thing")
        self.bus = EmbeddedBus(self.pool, self.leadership, Here())
        self.ledger = PostgresLedger("thing", self.pool, REGISTRY)
        self.heard: list[str] = []
        self.meanwhile: dict[str, Callable[[], None]] = {}
        reading = FactReading(TOPIC, REGISTRY, {Said.wire_type(): self.hear}, None, "thing", now)
        hooks = Hooks(lambda _: None, lambda _: None)
        self.consumer = Consumer(self.ledger, reading, 10, hooks)
        self.source = self.bus.source("thing", TOPIC, self.consumer.claim)

    def hear(self, heard: Opened, work: Work) -> None:
        assert isinstance(heard.fact, Said)
        self.heard.append(heard.fact.word)
        self.meanwhile.pop(heard.fact.word, lambda: None)()
        work.append(f"thing.note/{uuid4()}", heard.fact)

    def say(self, word: str) -> None:
        """Publish, again and again until it is taken, as the relay does."""
        until = time.monotonic() + DEADLINE_S
        while True:
            try:
                self.bus.produce(TOPIC, [said(word)])
            except Unavailable:
                assert time.monotonic() < until, "the log takes nothing"
                time.sleep(0.05)
            else:
                return

    def listen(self, *words: str) -> None:
        """Let the consumer go on until it has stored these words, in spite of what is away."""
        until = time.monotonic() + DEADLINE_S
        while self.stored() != sorted(words):
            assert time.monotonic() < until, f"stored: {self.stored()}, heard: {self.heard}"
            try:
                self.consumer.step(self.source, 0.05)
            except Unavailable:
                time.sleep(0.05)

    def stored(self) -> list[str]:
        with psycopg.connect(self.admin_dsn) as admin:
            rows = admin.execute("SELECT state FROM thing.events").fetchall()
        return sorted(Said.model_validate_json(bytes(row[0])).word for row in rows)

    def close(self) -> None:
        self.leadership.close()
        self.pool.close()


def said(word: str) -> Sealed:
    deal: UUID = uuid4()
    fact = Said(deal_id=deal, word=word)
    meta = Meta(
        f"other.thing/{deal}/1",
        "other",
        fact.wire_type(),
        1,
        deal,
        fact.subject(),
        now(),
        str(deal),
    )
    return seal(fact, meta)


@pytest.fixture
def place() -> Iterator[Place]:
    with LocalPostgres.ephemeral() as server:
        found = Place(server)
        yield found
        found.close()


def test_a_consumer_that_outlives_a_crash_claims_its_partition_anew(place: Place) -> None:
    place.say("one")
    place.listen("one")
    place.server.crash()
    place.server.start()
    with psycopg.connect(place.admin_dsn) as admin:
        assert admin.execute("SELECT count(*) FROM thing.marks").fetchall() == [(0,)]
    place.say("two")
    place.listen("one", "two")
    with psycopg.connect(place.admin_dsn) as admin:
        found = admin.execute("SELECT epoch, marked FROM thing.positions").fetchall()
    assert found == [(2, 2)]
    assert place.heard.count("one") == 1


def test_records_that_take_the_place_of_lost_ones_are_heard(place: Place) -> None:
    """The crash takes back what the consumer just decides on; its relay says it again, later."""
    place.say("kept")
    place.listen("kept")

    def crash() -> None:
        take_back(place, 1)
        place.say("instead")
        place.pool.check()  # so that the commit meets a live session, as it may

    place.meanwhile["lost"] = crash
    place.say("lost")
    while place.meanwhile:
        place.consumer.step(place.source, 0.05)
    place.say("lost")
    place.listen("kept", "instead", "lost")


def take_back(place: Place, position: int) -> None:
    """Do what a crash does to what was not flushed: rows, their positions, every mark, each session."""
    with psycopg.connect(place.admin_dsn, autocommit=True) as admin:
        admin.execute("DELETE FROM bus.log WHERE position > %s", (position,))
        admin.execute("SELECT setval('bus.log_position_seq', %s)", (position,))
        admin.execute("TRUNCATE thing.marks")
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = 'quotewright_thing'"
        )


def test_an_idle_leader_finds_out_that_its_session_is_gone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leading, "RENEW_S", 0)
    assert place.leadership.holds("job")
    with psycopg.connect(place.admin_dsn, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'thing-lead'"
        )
    assert not place.leadership.holds("job")
    assert place.leadership.holds("job")


def test_the_server_ends_the_lease_of_a_leader_that_is_silent(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leading, "LEASE_MS", 200)
    frozen, other = Leadership(place.dsn, "thing"), Leadership(place.dsn, "thing")
    assert frozen.holds("job")
    assert not other.has("job")
    until = time.monotonic() + DEADLINE_S
    while not other.holds("job"):  # each look keeps the other's own lease
        assert time.monotonic() < until, "the silent leader leads for ever"
        time.sleep(0.05)
    frozen.close()
    other.close()


def test_a_leader_that_speaks_keeps_its_lease(place: Place, monkeypatch: Any) -> None:
    monkeypatch.setattr(leading, "LEASE_MS", 1_000)
    monkeypatch.setattr(leading, "RENEW_S", 0)
    leader, other = Leadership(place.dsn, "thing"), Leadership(place.dsn, "thing")
    until = time.monotonic() + 2.0
    while time.monotonic() < until:
        assert leader.holds("job")
        assert not other.holds("job")
        time.sleep(0.05)
    leader.close()
    other.close()
