"""Handlers that kill their process, or never come back: parked after a few starts, others go on.

The consumer runs in a process of its own and is really killed.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from contracts.envelope import Fact, Meta, Opened, Registry, Sealed, seal
from infra.bus import Bell
from infra.bus_embedded import EmbeddedBus, Here
from infra.inbox import Consumer, Hooks
from infra.leadership import Leadership
from infra.ledger import PostgresLedger
from infra.loops import Job, Loop
from infra.postgres import open_pool, options
from infra.reading import FactReading
from infra.work import Work

ROOT = Path(__file__).parents[2]
TOPIC = "quotewright.facts"
DEADLINE_S = 60.0
DEAL_A, DEAL_B = (UUID(int=each, version=4) for each in (1, 2))


class Said(Fact):
    """A fact that somebody else says."""

    word: str


REGISTRY = Registry([Said])


def said(deal: UUID, version: int, word: str) -> Sealed:
    stream = f"other.thing/{deal}"
    meta = Meta(
        f"{stream}/{version}", "other", Said.wire_type(), 1, deal, f"deal/{deal}",
        datetime(2026, 3, 2, tzinfo=UTC), str(deal),
    )  # fmt: skip
    return seal(Said(deal_id=deal, word=word), meta)


def handler(heard: Opened, work: Work) -> None:
    """Note that it begins, at once and for good; then do what the word says."""
    word = heard.fact.word  # type: ignore[attr-defined]
    with psycopg.connect(os.environ["DSN"], autocommit=True, options=options("thing")) as own:
        own.execute("INSERT INTO calls (word) VALUES (%s)", (word,))
    if word == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    while word == "loop":
        time.sleep(0.01)
    work.sql("INSERT INTO effects (word) VALUES (%s)", (word,))


def consume() -> None:
    """Consume in this process until everything said is handled or parked; then end in order."""
    dsn = os.environ["DSN"]
    pool = open_pool(dsn, "thing", (1, 2))
    leadership = Leadership(dsn, "thing")
    reading = FactReading(
        TOPIC, REGISTRY, {Said.wire_type(): handler}, None, "thing", lambda: datetime.now(UTC)
    )
    hooks = Hooks(lambda _: None, lambda _: None)
    consumer = Consumer(PostgresLedger("thing", pool, REGISTRY), reading, 10, hooks)
    source = EmbeddedBus(pool, leadership, Here()).source("thing", TOPIC, consumer.claim)
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        if not consumer.step(source, 0.2) and not source.lag():
            break
    consumer.release()
    leadership.close()
    pool.close()


@dataclass
class Village:
    """The database of a service whose consumer lives in processes of its own."""

    pool: Any
    dsn: str

    def start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-c",
             "from tests.integration.test_crashing_handlers import consume; consume()"],
            cwd=ROOT,
            env={**os.environ, "DSN": self.dsn},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with self.pool.connection() as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def words(self, table: str) -> list[str]:
        return [row[0] for row in self.sql(f"SELECT word FROM {table} ORDER BY id")]

    def parked(self) -> list[tuple[str, str]]:
        rows = self.sql("SELECT convert_from(key, 'UTF8'), code FROM parked ORDER BY id")
        return [(row[0], row[1]) for row in rows]


@pytest.fixture
def village(make_database: Any, open_service: Callable[..., Any]) -> Village:
    database = make_database()
    found = Village(open_service("thing", database), database.dsn("thing"))
    for table in ("calls", "effects"):
        found.sql(f"CREATE TABLE {table} (id bigint GENERATED ALWAYS AS IDENTITY, word text)")
    return found


def say(village: Village, *records: Sealed) -> None:
    leadership = Leadership(village.dsn, "other")
    EmbeddedBus(village.pool, leadership, Here()).produce(TOPIC, records)
    leadership.close()


@pytest.mark.slow
def test_a_handler_that_kills_its_process_is_parked_and_the_others_go_on(village: Village) -> None:
    say(
        village,
        said(DEAL_B, 1, "before"),
        said(DEAL_A, 1, "kill"),
        said(DEAL_A, 2, "behind"),
        said(DEAL_B, 2, "after"),
    )
    codes = []
    while not codes or codes[-1] == -signal.SIGKILL:
        codes.append(village.start().wait(DEADLINE_S))
        assert len(codes) < 10
    assert codes == [-signal.SIGKILL] * 4 + [0]
    assert village.words("calls").count("kill") == 4
    assert village.words("effects") == ["before", "after"]
    assert village.parked() == [(str(DEAL_A), "parked.never_back"), (str(DEAL_A), "parked.behind")]
    say(village, said(DEAL_B, 3, "later"))
    assert village.start().wait(DEADLINE_S) == 0
    assert village.words("effects") == ["before", "after", "later"]


@pytest.mark.prove
def test_a_handler_that_never_returns_is_parked_after_a_few_restarts(village: Village) -> None:
    say(village, said(DEAL_A, 1, "loop"), said(DEAL_B, 1, "after"))
    for begun in range(1, 5):
        process = village.start()
        until = time.monotonic() + DEADLINE_S
        while len(village.words("calls")) < begun and time.monotonic() < until:
            time.sleep(0.02)
        assert village.words("calls") == ["loop"] * begun
        process.kill()  # as an operator does who sees it in /readyz
        process.wait(DEADLINE_S)
    assert village.start().wait(DEADLINE_S) == 0
    assert village.words("calls") == ["loop"] * 4 + ["after"]
    assert village.words("effects") == ["after"]
    assert village.parked() == [(str(DEAL_A), "parked.never_back")]


def test_a_step_that_does_not_come_back_shows_as_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.loops.STALE_S", 0.05)
    go_on = Bell()
    hung = Loop(Job("thing.consumer", lambda: go_on.wait(0, DEADLINE_S) or 0, Bell()))
    hung.start()
    until = time.monotonic() + DEADLINE_S
    while hung.trouble is None and time.monotonic() < until:
        time.sleep(0.01)
    assert hung.trouble == "thing.consumer does not come back"
    hung.stop()
    go_on.ring()
    assert hung.join(DEADLINE_S)
