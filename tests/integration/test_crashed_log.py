"""A crash of PostgreSQL loses the newest rows of the embedded log: nobody skips what comes in their place."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from contracts.envelope import Fact, Registry, Sealed
from contracts.errors import Unavailable
from infra.bus_embedded import EmbeddedBus, Here
from infra.leadership import Leadership
from infra.ledger import PostgresLedger
from infra.local import LocalPostgres
from infra.postgres import PLUMBING, migrate, open_pool, provision, role_of
from infra.relay import Relay
from infra.work import Cause, Work

TOPIC = "facts"
DEADLINE_S = 60.0
DEAL = UUID("00000000-0000-4000-8000-00000000000a")
LAZY = ("wal_writer_delay = '10s'", "wal_writer_flush_after = '1GB'")


class Said(Fact):
    """A fact of the service."""

    number: int


class Lazy:
    """A server that flushes late what nobody waits for, and a service on it."""

    def __init__(self, server: LocalPostgres) -> None:
        self.server = server
        with psycopg.connect(server.dsn("postgres", "postgres"), autocommit=True) as admin:
            for setting in LAZY:
                admin.execute(f"ALTER SYSTEM SET {setting}".encode())
            admin.execute("SELECT pg_reload_conf()")
        provision(server.dsn("postgres", "postgres"), {"thing": ["thing"]})
        dsn = server.dsn(role_of("thing"), "postgres")
        self.pool = open_pool(dsn, "thing", (1, 4))
        with self.pool.connection() as connection:
            migrate(connection, [PLUMBING])
        self.leadership = Leadership(dsn, "thing")
        self.bus = EmbeddedBus(self.pool, self.leadership, Here())
        self.ledger = PostgresLedger("thing", self.pool, Registry([Said]))

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.server.dsn("postgres", "postgres"), autocommit=True) as admin:
            cursor = admin.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def crash(self) -> None:
        self.server.crash()
        self.server.start()

    def produce(self, *numbers: int) -> None:
        """Publish, until it works: the first connections after a crash are dead."""
        records = [Sealed(b"k", (("ce_id", b"x"),), f"{each}".encode()) for each in numbers]
        patiently(lambda: self.bus.produce(TOPIC, records))

    def say(self, *numbers: int) -> None:
        for each in numbers:
            work = Work(
                self.ledger, Cause(f"say/{each}", datetime(2026, 3, 2, tzinfo=UTC), "user/u")
            )
            work.append("thing.said/1", Said(deal_id=DEAL, number=each))
            self.ledger.commit([work])

    def log(self) -> list[int]:
        rows = self.sql("SELECT headers FROM bus.log ORDER BY position")
        return [int(dict(row[0])["ce_id"].rpartition("/")[2]) for row in rows]

    def position(self) -> int:
        return int(self.sql("SELECT position FROM thing.relay")[0][0])


def patiently(act: Any) -> Any:
    until = time.monotonic() + DEADLINE_S
    while True:
        try:
            return act()
        except (Unavailable, psycopg.OperationalError):
            assert time.monotonic() < until, "it works again after a crash"


@pytest.fixture
def lazy() -> Iterator[Lazy]:
    with LocalPostgres.ephemeral() as server:
        found = Lazy(server)
        yield found
        found.leadership.close()
        found.pool.close()


def test_who_has_read_rows_that_a_crash_lost_reads_all_that_come_after_it(lazy: Lazy) -> None:
    source = lazy.bus.source("thing", TOPIC, lambda _: 0)
    lazy.produce(*range(40))
    lazy.sql("CHECKPOINT")
    lazy.produce(*range(40, 80))
    piece = source.poll(100, DEADLINE_S)
    assert piece is not None
    assert piece.after == 80
    lazy.crash()
    assert lazy.sql("SELECT count(*), max(position) FROM bus.log") == [(40, 40)]
    lazy.produce(*range(1000, 1050))
    heard: list[int] = []
    until = time.monotonic() + DEADLINE_S
    while 1049 not in heard and time.monotonic() < until:
        piece = patiently(lambda: source.poll(100, 0.5))
        heard += [int(each.value) for each in piece.records] if piece else []
    assert heard == list(range(1000, 1050))


def test_numbers_are_not_given_out_again_after_a_second_crash(lazy: Lazy) -> None:
    lazy.produce(1)
    lazy.crash()
    lazy.produce(2)
    lazy.produce(3)
    ((seen,),) = lazy.sql("SELECT max(position) FROM bus.log")
    lazy.crash()
    lazy.produce(4)
    ((new,),) = lazy.sql("SELECT max(position) FROM bus.log")
    assert new > seen


def test_a_relay_publishes_in_order_what_a_crash_lost_before_what_is_new(lazy: Lazy) -> None:
    relay = Relay(lazy.pool, lazy.leadership, lazy.bus, TOPIC)
    lazy.say(1, 2)
    relay.step()
    lazy.sql("CHECKPOINT")
    lazy.say(3, 4)
    relay.step()
    assert lazy.position() == 4
    lazy.crash()
    assert lazy.position() == 2
    assert lazy.log() == [1, 2]
    patiently(lambda: lazy.say(5))
    while patiently(relay.step):
        pass
    assert list(dict.fromkeys(lazy.log())) == [1, 2, 3, 4, 5]
