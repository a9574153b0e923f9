"""Slow commits and rollback storms: the exact reader sees every committed row, a naive one does not."""

import multiprocessing
import time
from collections.abc import Callable

import psycopg
import pytest

from infra.local import SUPERUSER
from infra.reader import SettledReader
from tests.chaos.ground import Ground
from tests.chaos.loading import SCALE, WAIT_S
from tests.chaos.proof import Proof
from tests.chaos.storm import write

pytestmark = [pytest.mark.prove]
WRITERS = 8
EVENTS = 100_000 if SCALE > 1 else 10_000
SLOW = """
CREATE TABLE events (position bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY, name text);
CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF random() < 0.01 THEN PERFORM pg_sleep(random() * 0.03); END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION slowly();
"""


def test_the_exact_reader_equals_the_table_where_a_naive_one_misses_rows(
    servers: Ground, prove: Callable[[str], Proof]
) -> None:
    proof = prove(f"PostgreSQL: slow commits and rollback storms, {WRITERS} writers")
    with psycopg.connect(servers.postgres.dsn(SUPERUSER, "postgres"), autocommit=True) as admin:
        admin.execute("CREATE DATABASE exact")
    dsn = servers.postgres.dsn(SUPERUSER, "exact")
    spawn = multiprocessing.get_context("spawn")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SLOW)
        writers = [
            spawn.Process(target=write, args=(dsn, seed, EVENTS // WRITERS), daemon=True)
            for seed in range(WRITERS)
        ]
        for writer in writers:
            writer.start()
        exact = SettledReader("events", "name", body="name")
        seen, naive, naive_at = list[int](), set[int](), 0
        end = time.monotonic() + WAIT_S * (5 if SCALE > 1 else 1)
        while time.monotonic() < end:
            running = any(writer.is_alive() for writer in writers)
            found = exact.read(connection, seen[-1] if seen else 0, 500)  # type: ignore[arg-type]
            seen += [row[0] for row in found]
            later = connection.execute(
                "SELECT position FROM events WHERE position > %s", (naive_at,)
            ).fetchall()
            naive |= {row[0] for row in later}
            naive_at = max([naive_at, *(row[0] for row in later)])
            if not running and not found:
                break
        stored = [row[0] for row in connection.execute("SELECT position FROM events ORDER BY 1")]
    assert len(stored) >= EVENTS
    proof.facts = len(stored)
    missed, doubled = len(set(stored) - set(seen)), len(seen) - len(set(seen))
    proof.check("missed", [] if not missed else [f"{missed} rows"])
    proof.check("doubled", [] if not doubled else [f"{doubled} rows"])
    proof.check("order", [] if seen == sorted(seen) else ["rows out of order"])
    proof.check("a naive reader misses", [] if len(naive) < len(stored) else ["too weak a fault"])
    proof.note = f"a naive reader missed {len(stored) - len(naive)}"
    proof.holds()
