"""The exact reader misses nothing under slow commits and rollbacks, where a naive one does."""

import random
import threading
import time
from typing import Any

import psycopg
import pytest

from infra.reader import BYTES_MAX, SettledReader
from infra.sessions import options

WRITERS, EACH = 8, 1_420
INSERT = {
    "events": "INSERT INTO events (stream, version, topic, state) VALUES (%s, %s, 't', '')",
    "bus.log": "INSERT INTO bus.log (topic, key, headers, value)"
    " VALUES (%s, int4send(%s::int), '[]', '')",
}
COLUMNS = {"events": ("stream, state", "state"), "bus.log": ("topic, value", "value")}


def write(dsn: str, seed: int, insert: str) -> None:
    """Insert with random slow commits and 10 % rollbacks, some of them of a subtransaction."""
    chance = random.Random(seed)
    with psycopg.connect(dsn, autocommit=True, options=options("thing")) as connection:
        connection.execute("SET synchronous_commit = off")  # the order of commits is what matters
        for number in range(EACH):
            with connection.transaction():
                draw = chance.random()
                with connection.transaction():
                    connection.execute(insert, (f"s{seed}", number), prepare=True)
                    if draw < 0.05:
                        raise psycopg.Rollback
                if chance.random() < 0.1:
                    time.sleep(chance.random() * 0.01)
                if draw > 0.95:
                    raise psycopg.Rollback


class Naive:
    """Reads on from the highest number seen."""

    def __init__(self, table: str) -> None:
        self._select = f"SELECT position FROM {table} WHERE position > %s"
        self.seen: set[int] = set()
        self._at = 0

    def read(self, connection: Any) -> None:
        self.seen |= {row[0] for row in connection.execute(self._select, (self._at,))}
        self._at = max([self._at, *self.seen]) if self.seen else 0


@pytest.mark.slow
@pytest.mark.parametrize("table", ["events", pytest.param("bus.log", marks=pytest.mark.prove)])
def test_nothing_committed_is_skipped_and_a_naive_reader_would_skip(
    make_database: Any, open_service: Any, table: str
) -> None:
    database = make_database()
    pool = open_service("thing", database)
    writers = [
        threading.Thread(target=write, args=(database.dsn("thing"), seed, INSERT[table]))
        for seed in range(WRITERS)
    ]
    exact, naive = SettledReader(table, *COLUMNS[table]), Naive(table)
    seen: list[int] = []
    for writer in writers:
        writer.start()
    deadline = time.monotonic() + 120
    with pool.connection() as connection:
        while time.monotonic() < deadline:
            running = any(writer.is_alive() for writer in writers)
            naive.read(connection)
            found = exact.read(connection, seen[-1] if seen else 0, 500)
            seen += [row[0] for row in found]
            if not running and not found:
                break
        rows = connection.execute(f"SELECT position FROM {table} ORDER BY 1").fetchall()
    stored = [row[0] for row in rows]
    assert len(stored) >= 10_000
    assert seen == stored
    assert len(naive.seen) < len(stored), "the faults were too weak to fool a naive reader"


class Table:
    """The event table of a service, a writer of one's own, and the reader."""

    def __init__(self, database: Any, pool: Any) -> None:
        self.database = database
        self.pool = pool

    def writer(self) -> Any:
        return psycopg.connect(self.database.dsn("thing"), options=options("thing"))

    def insert(self, connection: Any, stream: str, state: bytes = b"") -> None:
        connection.execute(
            "INSERT INTO events (stream, version, topic, state) VALUES (%s, 1, 't', %s)",
            (stream, state),
        )

    def read(self, after: int = 0, limit: int = 100, patience_s: float = 0.05) -> list[str]:
        with self.pool.connection() as connection:
            reader = SettledReader("events", "stream, state", "state", patience_s)
            return [row[1] for row in reader.read(connection, after, limit)]

    def fast(self, stream: str = "fast", state: bytes = b"") -> None:
        with self.pool.connection() as connection:
            self.insert(connection, stream, state)


@pytest.fixture
def table(make_database: Any, open_service: Any) -> Table:
    database = make_database()
    return Table(database, open_service("thing", database))


def test_a_hole_held_open_longer_than_the_patience_yields_nothing_yet(table: Table) -> None:
    with table.writer() as slow:
        table.insert(slow, "slow")
        table.fast()
        assert table.read() == []
        slow.rollback()
        assert table.read() == ["fast"]


def test_a_hole_is_waited_for_and_read_in_its_place(table: Table) -> None:
    with table.writer() as slow:
        table.insert(slow, "slow")
        table.fast()
        later = threading.Timer(0.2, slow.commit)
        later.start()
        assert table.read(patience_s=30) == ["slow", "fast"]
        later.join()


def test_a_killed_writers_hole_is_closed_for_good(table: Table) -> None:
    with table.writer() as slow:
        table.insert(slow, "slow")
        table.fast()
        assert table.read() == []
        pid = slow.info.backend_pid
        with psycopg.connect(table.database.admin_dsn, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))
        assert table.read(patience_s=30) == ["fast"]
        slow.close()


def test_a_writer_that_idles_in_its_transaction_is_ended_by_the_server(table: Table) -> None:
    with table.writer() as slow:
        slow.execute("SET idle_in_transaction_session_timeout = 200")
        slow.commit()
        table.insert(slow, "slow")
        table.fast()
        assert table.read(patience_s=30) == ["fast"]
        slow.close()


def test_a_subtransaction_rolled_back_burns_its_number_and_the_rest_is_waited_for(
    table: Table,
) -> None:
    with table.writer() as slow:
        with slow.transaction(force_rollback=True):
            table.insert(slow, "burnt")
        table.insert(slow, "slow")
        table.fast()
        assert table.read() == []
        slow.commit()
        assert table.read() == ["slow", "fast"]


def test_a_prepared_transaction_is_waited_for_though_its_session_is_gone(table: Table) -> None:
    with psycopg.connect(table.database.admin_dsn, autocommit=True) as admin:
        if admin.execute("SHOW max_prepared_transactions").fetchone() == ("0",):
            pytest.skip("this server allows no prepared transactions")
    slow = table.writer()
    slow.tpc_begin("later")
    table.insert(slow, "slow")
    slow.tpc_prepare()
    slow.close()
    table.fast()
    assert table.read() == []
    with psycopg.connect(
        table.database.dsn("thing"), autocommit=True, options=options("thing")
    ) as other:
        other.execute("COMMIT PREPARED 'later'")
    assert table.read() == ["slow", "fast"]


def test_vacuum_and_truncation_of_the_tables_end_lose_nothing(table: Table) -> None:
    for stream in ("a", "b", "c"):
        table.fast(stream)
    with psycopg.connect(
        table.database.dsn("thing"), autocommit=True, options=options("thing")
    ) as other:
        with table.writer() as slow:
            table.insert(slow, "rolled back", b"x" * 100_000)
            slow.rollback()
        other.execute("VACUUM (FREEZE, TRUNCATE) events")
        table.fast("d")
        other.execute("VACUUM FULL events")
    assert table.read() == ["a", "b", "c"]
    assert table.read(3) == ["d"]


def test_a_page_is_bounded_by_bytes_and_holds_one_row_at_least(table: Table) -> None:
    large = b"x" * (BYTES_MAX // 4)
    for number in range(10):
        table.fast(f"s{number}", large)
    table.fast("huge", b"x" * (BYTES_MAX + 1))
    table.fast("last")
    assert table.read() == ["s0", "s1", "s2", "s3"]
    assert table.read(8) == ["s8", "s9", "huge"]
    assert table.read(10) == ["huge"]
    assert table.read(11) == ["last"]


def test_the_sequences_hand_out_numbers_one_by_one(table: Table) -> None:
    with psycopg.connect(table.database.admin_dsn) as admin:
        rows = admin.execute(
            "SELECT sequencename, cache_size FROM pg_sequences"
            " WHERE sequencename IN ('events_position_seq', 'log_position_seq')"
        ).fetchall()
    assert dict(rows) == {"events_position_seq": 1, "log_position_seq": 1}
