"""The exact reader misses nothing under slow commits and rollbacks, where a naive one does."""

import random
import threading
import time
from typing import Any

import psycopg
import pytest

from infra.reader import SettledReader
from infra.sessions import options

WRITERS, EACH = 6, 150


def write(dsn: str, seed: int) -> None:
    """Insert with random slow commits and 10 % rollbacks."""
    chance = random.Random(seed)
    with psycopg.connect(dsn, autocommit=True, options=options("thing")) as connection:
        for number in range(EACH):
            try:
                with connection.transaction():
                    connection.execute(
                        "INSERT INTO events (stream, version, topic, state) VALUES (%s, %s, 't', '')",
                        (f"s{seed}", number),
                    )
                    if chance.random() < 0.2:
                        time.sleep(chance.random() * 0.01)
                    if chance.random() < 0.1:
                        raise psycopg.Rollback
            except psycopg.Rollback:
                pass


@pytest.mark.slow
def test_nothing_committed_is_skipped_and_a_naive_reader_would_skip(
    make_database: Any, open_service: Any
) -> None:
    database = make_database()
    pool = open_service("thing", database)
    writers = [
        threading.Thread(target=write, args=(database.dsn("thing"), seed))
        for seed in range(WRITERS)
    ]
    exact, naive = SettledReader("events", "stream"), set[int]()
    seen: list[int] = []
    naive_at = 0
    for writer in writers:
        writer.start()
    deadline = time.monotonic() + 60
    with pool.connection() as connection:
        while time.monotonic() < deadline:
            running = any(writer.is_alive() for writer in writers)
            rows = connection.execute(
                "SELECT position FROM events WHERE position > %s", (naive_at,)
            ).fetchall()
            naive |= {row[0] for row in rows}
            naive_at = max([naive_at, *naive])
            found = exact.read(connection, seen[-1] if seen else 0, 50)
            seen += [row[0] for row in found]
            if not running and not found:
                break
        stored = [
            row[0]
            for row in connection.execute("SELECT position FROM events ORDER BY 1").fetchall()
        ]
    assert seen == stored
    assert len(naive) < len(stored), "the faults of this test were too weak to fool a naive reader"


def test_a_hole_held_open_longer_than_the_patience_yields_nothing_yet(
    make_database: Any, open_service: Any
) -> None:
    database = make_database()
    pool = open_service("thing", database)
    insert = "INSERT INTO events (stream, version, topic, state) VALUES (%s, 1, 't', '')"
    reader = SettledReader("events", "stream", patience_s=0.05)
    with (
        psycopg.connect(database.dsn("thing"), options=options("thing")) as slow,
        pool.connection() as connection,
    ):
        slow.execute(insert, ("slow",))
        connection.execute(insert, ("fast",))
        assert reader.read(connection, 0, 10) == []
        slow.rollback()
        assert reader.read(connection, 0, 10) == [(2, "fast")]
