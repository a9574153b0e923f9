"""Commands against PostgreSQL alone: what the store costs over the INSERT of the same row.

A command is what a route runs behind its door: `run` with a handler that folds a stream, decides
and appends one fact of 440 bytes; every stream grows to 20 facts. Raw is one prepared INSERT of such
a row per connection and thread, autocommit, into the same table. Beside them the eventsourcing
library as it is shipped: one event per save of a small aggregate. All on one durable server, in
turn.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from psycopg_pool import ConnectionPool

from contracts.envelope import Fact, Registry, body_of
from contracts.errors import Refused
from infra.clock import wall_clock
from infra.desk import CommandDesk
from infra.ledger import PostgresLedger
from infra.local import LocalPostgres
from infra.postgres import PLUMBING, PgConnection, migrate, open_pool, provision
from infra.recorder import FACT_COLUMNS, meta_columns
from infra.sessions import options
from infra.work import Cause, Recorded, Work
from tests.bench.report import Row, median, percentile

THREADS = 16
ROUND_S = 2.0
FACTS_PER_STREAM = 20
POOL = (1, 6)  # as the settings have it
FILLER = "x" * 300

Step = Callable[[], None]
Arm = Callable[[ExitStack], Step]


class Counted(Fact):
    """A fact of this benchmark, 440 bytes with its attributes."""

    number: int
    remark: str


class Full(Refused):
    """The stream has all the facts it may have."""

    code = "bench.full"


def count(so_far: int, recorded: Recorded) -> int:
    """Evolve: how many there are."""
    fact = recorded.fact
    return fact.number if isinstance(fact, Counted) else so_far


def count_one_more(work: Work, deal_id: UUID, stream: str) -> None:
    """Decide: one more, if there is room.   Raises: Full."""
    so_far = work.fold(stream, 0, count)
    if so_far >= FACTS_PER_STREAM:
        raise Full("the stream is full; begin another", stream=stream)
    work.append(stream, Counted(deal_id=deal_id, number=so_far + 1, remark=FILLER))


class Tally(Aggregate):
    """The same in the words of the library."""

    def __init__(self, deal_id: str) -> None:
        self.deal_id = deal_id
        self.number = 0

    @event("Counted")
    def count_one_more(self, number: int, remark: str) -> None:
        """Count; the remark stands in the event only."""
        del remark
        self.number = number


@dataclass(slots=True)
class Took:
    """What one arm did in all its rounds: commands per second, and the 99th percentile in seconds."""

    rates: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)


class Place:
    """The durable server of this benchmark, with a schema for us and one for the library."""

    def __init__(self, server: LocalPostgres) -> None:
        self.dsn = server.dsn("quotewright_thing", "postgres")
        provision(server.dsn("postgres", "postgres"), {"thing": ["thing", "library"]})
        self.pool: ConnectionPool[PgConnection] = open_pool(self.dsn, "thing", POOL)
        with self.pool.connection() as connection:
            migrate(connection, [PLUMBING])
        self.store = PostgresLedger("thing", self.pool, Registry([Counted]))
        self.desk = CommandDesk(self.store, lambda _: None)
        self.library = library_of(self.dsn)

    def close(self) -> None:
        """Give everything back."""
        self.library.close()
        self.pool.close()

    # ---- the arms: each makes the step of one thread

    def ours(self, stack: ExitStack) -> Step:
        """Run commands through the desk."""
        del stack
        here = _Streams()

        def step() -> None:
            deal_id, stream, _ = here.next()
            cause = Cause(f"user/u-1:{uuid4()}", wall_clock(), "user/u-1")
            self.desk.run(cause, lambda work: count_one_more(work, deal_id, stream))

        return step

    def raw(self, stack: ExitStack) -> Step:
        """Insert a row like those of `ours`, made beforehand but for its keys."""
        connection = stack.enter_context(
            psycopg.connect(self.dsn, autocommit=True, options=options("thing"))
        )
        here, row = _Streams(), _row()
        insert = (
            f"INSERT INTO events ({FACT_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s::jsonb, %s, %s)"
        )

        def step() -> None:
            deal_id, stream, version = here.next()
            keys = (f"user/u-1:{uuid4()}", 0)
            connection.execute(
                insert, (stream, version, *row[:2], deal_id, row[2], *keys), prepare=True
            )

        return step

    def shipped(self, stack: ExitStack) -> Step:
        """Save an event of a small aggregate, which is kept in hand."""
        del stack
        tally, left = Tally(deal_id=str(uuid4())), 0

        def step() -> None:
            nonlocal tally, left
            if not left:
                tally, left = Tally(deal_id=str(uuid4())), FACTS_PER_STREAM
            else:
                tally.count_one_more(tally.number + 1, FILLER)
            left -= 1
            self.library.save(tally)

        return step


def library_of(dsn: str) -> Application[UUID]:
    """Return the library's application as it is shipped, on the schema `library`."""
    info = psycopg.conninfo.conninfo_to_dict(dsn)
    return Application[UUID](
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_HOST": str(info["host"]),
            "POSTGRES_DBNAME": str(info["dbname"]),
            "POSTGRES_USER": str(info["user"]),
            "POSTGRES_PASSWORD": "",
            "POSTGRES_SCHEMA": "library",
            "POSTGRES_POOL_SIZE": str(THREADS),
        }
    )


class _Streams:
    """The streams of one thread, each to be filled."""

    def __init__(self) -> None:
        self._used = FACTS_PER_STREAM

    def next(self) -> tuple[UUID, str, int]:
        """Return deal, stream and next version."""
        if self._used == FACTS_PER_STREAM:
            self._deal_id, self._used = uuid4(), 0
            self._stream = f"thing.tally/{self._deal_id}"
        self._used += 1
        return self._deal_id, self._stream, self._used


def _row() -> tuple[str, bytes, str]:
    """Return topic, state and meta of a row, as the store writes them."""
    work = Work(_NoFacts(), Cause("c", wall_clock(), "user/u-1"))
    deal_id = uuid4()
    (recorded,) = work.append(
        f"thing.tally/{deal_id}", Counted(deal_id=deal_id, number=1, remark=FILLER)
    )
    meta = recorded.meta
    return f"{meta.type}/1", body_of(recorded.fact), json.dumps(meta_columns(meta))


class _NoFacts:
    """A desk without facts, to make an example with."""

    source = "thing"

    def read(self, stream: str) -> Sequence[Recorded]:
        """Return nothing."""
        del stream
        return ()

    body = find = next_number = query = None  # type: ignore[assignment]


def timed(arm: Arm, threads: int, seconds: float) -> list[tuple[float, list[float]]]:
    """Let threads take steps for some seconds; returns of each how long it took and its steps."""
    done: list[tuple[float, list[float]]] = []
    ready = threading.Barrier(threads)

    def go() -> None:
        with ExitStack() as stack:
            step = arm(stack)
            step()
            ready.wait()
            took: list[float] = []
            began = last = time.perf_counter()
            while last - began < seconds:
                step()
                now = time.perf_counter()
                took.append(now - last)
                last = now
            done.append((last - began, took))

    runners = [threading.Thread(target=go) for _ in range(threads)]
    for each in runners:
        each.start()
    for each in runners:
        each.join()
    if len(done) != threads:
        raise RuntimeError("a thread of the benchmark failed; see above")
    return done


@contextmanager
def open_place(home: Path) -> Iterator[Place]:
    """Open a durable server and everything on it."""
    with LocalPostgres(home) as server:
        place = Place(server)
        try:
            yield place
        finally:
            place.close()


def measured(home: Path, rounds: int, seconds: float = ROUND_S) -> list[Row]:
    """Measure all arms in turn, one round to warm up; medians."""
    arms = ("raw", "ours", "shipped")
    took = {(name, threads): Took() for name in arms for threads in (1, THREADS)}
    with open_place(home) as place:
        for number in range(rounds + 1):
            for (name, threads), mine in took.items():
                done = timed(getattr(place, name), threads, seconds if number else 0.5)
                if number:
                    mine.rates.append(sum(len(each) / wall for wall, each in done))
                    every = [step for _, each in done for step in each]
                    mine.p99s.append(percentile(every, 0.99))
    return _rows(took)


def _rows(took: dict[tuple[str, int], Took]) -> list[Row]:
    rows = []
    for threads, floor, goal in ((THREADS, 0.60, 0.80), (1, 0.40, 0.75)):
        who = f"{threads} threads" if threads > 1 else "one writer"
        raw = median(took["raw", threads].rates)
        for name, what in (("ours", "commands"), ("shipped", "saves of eventsourcing as shipped")):
            limits = (floor, goal) if name == "ours" else (None, None)
            rate = median(took[name, threads].rates)
            insert = f"raw INSERT, {who}"
            rows.append(
                Row(
                    f"{what}, {who}",
                    round(rate),
                    "1/s",
                    "higher",
                    "ratio",
                    insert,
                    round(raw),
                    *limits,
                )
            )
    raw = median(took["raw", THREADS].p99s)
    for name, what in (("ours", "command"), ("shipped", "save of eventsourcing as shipped")):
        limits = (2.0, 1.2) if name == "ours" else (None, None)
        p99 = 1000 * median(took[name, THREADS].p99s)
        insert = f"raw INSERT p99, {THREADS} threads"
        rows.append(
            Row(
                f"{what} p99, {THREADS} threads",
                round(p99, 2),
                "ms",
                "lower",
                "ratio",
                insert,
                round(1000 * raw, 2),
                *limits,
            )
        )
    return rows
