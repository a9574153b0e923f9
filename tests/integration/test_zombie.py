"""A consumer paused past its session comes back to life: its commit fails, and nothing happens twice.

Two real processes over a real Kafka; one is stopped in the middle of a handler.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from contracts.envelope import Opened
from infra.bus_kafka import KafkaBus
from infra.inbox import Consumer, Hooks
from infra.ledger import PostgresLedger
from infra.local_kafka import LocalKafka
from infra.postgres import open_pool, options
from infra.reading import FactReading
from infra.topics import Keeping, create_topics
from infra.work import Work
from tests.e2e.place import until
from tests.integration.test_crashing_handlers import DEAL_A, REGISTRY, Said, said

ROOT = Path(__file__).parents[2]
WAIT_S = 120.0


def handler(heard: Opened, work: Work) -> None:
    """Note who begins; the first on `hold` then waits to be let go."""
    word, name = heard.fact.word, os.environ["NAME"]  # type: ignore[attr-defined]
    with psycopg.connect(os.environ["DSN"], autocommit=True, options=options("thing")) as own:
        own.execute("INSERT INTO calls (word, name) VALUES (%s, %s)", (word, name))
        while word == "hold" and name == "first":
            time.sleep(0.05)
            if own.execute("SELECT 1 FROM calls WHERE word = 'go on'").fetchone():
                break
    work.sql("INSERT INTO effects (word, name) VALUES (%s, %s)", (word, name))


def consume() -> None:
    """Consume in this process until told to end; its log says what the Kafka client did."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    pool = open_pool(os.environ["DSN"], "thing", (1, 2))
    topic = os.environ["TOPIC"]
    reading = FactReading(
        topic, REGISTRY, {Said.wire_type(): handler}, None, "thing", lambda: datetime.now(UTC)
    )
    consumer = Consumer(
        PostgresLedger("thing", pool, REGISTRY), reading, 10, Hooks(lambda _: None, lambda _: None)
    )
    bus = KafkaBus(os.environ["KAFKA"].split(","), {}, None)
    source = bus.source("thing", topic, consumer.claim)
    end = time.monotonic() + WAIT_S
    with pool.connection() as own:
        while time.monotonic() < end:
            consumer.step(source, 0.2)
            if own.execute("SELECT 1 FROM calls WHERE word = 'end'").fetchone():
                break
    consumer.release()
    source.close()
    pool.close()


class Pair:
    """A service's database and topic, and its consumers' processes."""

    def __init__(self, pool: Any, environment: dict[str, str], home: Path) -> None:
        self.pool = pool
        self.home = home
        self.environment = environment
        self.bus = KafkaBus(environment["KAFKA"].split(","), {}, None)
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, name: str) -> "subprocess.Popen[bytes]":
        code = "from tests.integration.test_zombie import consume; consume()"
        with (self.home / f"{name}.log").open("wb") as told:
            process = subprocess.Popen(
                [sys.executable, "-c", code],
                cwd=ROOT,
                env={**os.environ, **self.environment, "NAME": name},
                stdout=told,
                stderr=subprocess.STDOUT,
            )
        self.started.append(process)
        return process

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.pool.connection() as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def has(self, table: str, word: str, name: str = "%") -> Callable[[], list[tuple[Any, ...]]]:
        statement = f"SELECT 1 FROM {table} WHERE word = '{word}' AND name LIKE '{name}'"

        def look() -> list[tuple[Any, ...]]:
            ended = [each.returncode for each in self.started if each.poll() is not None]
            assert not ended, f"{ended}\n{self.told()}"
            return self.rows(statement)

        return look

    def await_effect(self, word: str) -> None:
        """Wait for an effect, of whichever process; what is known is told if it does not come."""
        try:
            until(self.has("effects", word), f"the effect of {word}", WAIT_S)
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.told()}") from None

    def told(self) -> str:
        """What the processes and their tables say, for whoever reads why a test failed."""
        logs = [f"{each}\n{each.read_text()[-9000:]}" for each in sorted(self.home.glob("*.log"))]
        tables = [self.rows(f"SELECT * FROM {name}") for name in ("calls", "effects", "positions")]
        return "\n".join([*logs, *map(str, tables)])


@pytest.fixture
def pair(
    make_database: Any, open_service: Any, kafka: LocalKafka, tmp_path: Path
) -> Iterator[Pair]:
    topic = f"facts.{uuid4().hex[:8]}"
    create_topics(kafka.bootstrap.split(","), {}, {topic: 1}, Keeping())
    database = make_database()
    found = Pair(
        open_service("thing", database),
        {"DSN": database.dsn("thing"), "KAFKA": kafka.bootstrap, "TOPIC": topic},
        tmp_path,
    )
    for table in ("calls", "effects"):
        found.rows(f"CREATE TABLE {table} (word text, name text)")
    yield found
    found.bus.close()
    for each in found.started:
        if each.poll() is None:
            each.kill()
            each.wait(WAIT_S)


@pytest.mark.kafka
@pytest.mark.prove
def test_a_member_paused_past_its_session_can_not_commit_what_another_did(pair: Pair) -> None:
    bus, topic = pair.bus, pair.environment["TOPIC"]
    zombie = pair.start("first")
    bus.produce(topic, [said(DEAL_A, 1, "one"), said(DEAL_A, 2, "hold"), said(DEAL_A, 3, "three")])
    until(pair.has("calls", "hold", "first"), "the first is in its handler", WAIT_S)
    zombie.send_signal(signal.SIGSTOP)
    other = pair.start("second")
    pair.await_effect("three")
    pair.rows("INSERT INTO calls (word) VALUES ('go on')")
    zombie.send_signal(signal.SIGCONT)
    bus.produce(topic, [said(DEAL_A, 4, "four")])
    pair.await_effect("four")
    pair.rows("INSERT INTO calls (word) VALUES ('end')")
    assert [each.wait(WAIT_S) for each in (zombie, other)] == [0, 0]
    words = [row[0] for row in pair.rows("SELECT word FROM effects")]
    assert sorted(words) == ["four", "hold", "one", "three"]
    assert pair.rows("SELECT count(*) FROM parked") == [(0,)]
    assert pair.rows(f"SELECT version FROM inbox WHERE stream = 'other.thing/{DEAL_A}'") == [(4,)]
