"""A stream of 50 facts, read from the database by nobody before: facts as objects, folded.

Beside it the SELECT of the same rows by the driver alone, and the eventsourcing library as it is
shipped, with an aggregate of 50 events of the same size. Nothing is taken from memory: each load
has a store of its own, and a stream whose bodies nobody has read. The floor was set for facts of
440 bytes, so they are judged; a quote of our own, whose facts hold whole offers and weigh 1.6 kB,
stands beside them unjudged, cold and as a command finds it.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
from eventsourcing.application import Application
from psycopg_pool import ConnectionPool

from contracts import quote
from contracts.catalogue import FACTS
from contracts.envelope import Fact, Registry, body_of
from contracts.parsed import PARSED_MAX
from infra.clock import wall_clock
from infra.ledger import PostgresLedger
from infra.local import LocalPostgres
from infra.postgres import PLUMBING, PgConnection, migrate, open_pool, provision
from infra.recorder import COLUMNS
from infra.work import Cause, Recorded, Work
from services.quotes.domain.evolving import fold
from services.quotes.domain.quote import Quote
from tests.bench.commands import FILLER, Counted, Tally, count, library_of
from tests.bench.report import Row, median
from tests.contract.samples import sample

FACTS_PER_QUOTE = 50
LOADS = 40
REVISIONS = 4
WALK: tuple[type[Fact], ...] = (
    quote.ConfigurationRequested,
    quote.PricingRequested,
    quote.RevisionPriced,
    quote.RevisionSubmitted,
    quote.RevisionApproved,
    quote.DocumentRequested,
    quote.DocumentAttached,
    quote.QuotePresented,
)


def facts_of(quote_id: UUID, deal_id: UUID) -> list[Fact]:
    """Return the facts of one quote: four revisions, each presented, and looked at till 50 are full."""
    own = {"quote_id": quote_id, "deal_id": deal_id}
    facts: list[Fact] = []
    for revision in range(1, REVISIONS + 1):
        begun = quote.QuoteRevised if facts else quote.QuoteDrafted
        here = own | {"revision": revision}
        since = {"from_revision": revision - 1} if facts else {}
        facts.append(sample(begun).model_copy(update=here | since))
        facts += [sample(each).model_copy(update=here) for each in WALK]
    looks = FACTS_PER_QUOTE - len(facts)
    looked = sample(quote.QuoteViewed)
    return facts + [
        looked.model_copy(
            update=own | {"revision": REVISIONS, "at": looked.at + timedelta(minutes=minute)}
        )
        for minute in range(looks)
    ]


class Quotes:
    """The place of this benchmark: quotes that were written by somebody else."""

    def __init__(self, server: LocalPostgres) -> None:
        self.dsn = server.dsn("quotewright_thing", "postgres")
        provision(server.dsn("postgres", "postgres"), {"thing": ["thing", "library"]})
        self.pool: ConnectionPool[PgConnection] = open_pool(self.dsn, "thing", (1, 6))
        self.registry = Registry([*FACTS, Counted])
        with self.pool.connection() as connection:
            migrate(connection, [PLUMBING])
        self.library: Application[UUID] = library_of(self.dsn)

    def close(self) -> None:
        """Give everything back."""
        self.library.close()
        self.pool.close()

    def written(self) -> str:
        """Write a new quote and return its stream."""
        store = PostgresLedger("thing", self.pool, self.registry)
        quote_id, deal_id = uuid4(), uuid4()
        work = Work(store, Cause(str(quote_id), wall_clock(), "user/u-1"))
        stream = f"quotes.quote/{quote_id}"
        work.append(stream, *facts_of(quote_id, deal_id))
        store.commit([work])
        return stream

    def written_small(self) -> str:
        """Write a stream of as many facts of 440 bytes."""
        store = PostgresLedger("thing", self.pool, self.registry)
        deal_id = uuid4()
        work = Work(store, Cause(str(deal_id), wall_clock(), "user/u-1"))
        stream = f"thing.tally/{deal_id}"
        numbers = range(1, FACTS_PER_QUOTE + 1)
        work.append(stream, *[Counted(deal_id=deal_id, number=n, remark=FILLER) for n in numbers])
        store.commit([work])
        return stream

    def saved(self) -> UUID:
        """Save a new aggregate of as many events and return its id."""
        tally = Tally(deal_id=str(uuid4()))
        for number in range(1, FACTS_PER_QUOTE):
            tally.count_one_more(number, FILLER)
        self.library.save(tally)
        return tally.id

    def ours(
        self, streams: Sequence[str], state: Callable[[Sequence[Recorded]], object]
    ) -> list[float]:
        """Load with a store and a process that remember nothing; returns seconds of each."""
        forget_bodies()
        store = PostgresLedger("thing", self.pool, self.registry)
        return [timed(lambda s: state(store.read(s)), each) for each in streams]

    def kept(self, streams: Sequence[str]) -> list[float]:
        """Load quotes as the next command finds them, in memory; returns seconds of each."""
        store = PostgresLedger("thing", self.pool, self.registry)
        for each in streams:
            store.read(each)
        return [timed(lambda s: whole(store.kept(s)), each) for each in streams]

    def raw(self, streams: Sequence[str]) -> list[float]:
        """Select the same rows; returns seconds of each."""
        select = f"SELECT position, {COLUMNS} FROM events WHERE stream = %s ORDER BY version"
        with psycopg.connect(self.dsn, autocommit=True, options="-c search_path=thing") as one:
            one.execute(select, ("nothing",), prepare=True).fetchall()
            return [
                timed(lambda s: one.execute(select, (s,), prepare=True).fetchall(), each)
                for each in streams
            ]

    def shipped(self, ids: Sequence[UUID]) -> list[float]:
        """Load aggregates by the library's repository; returns seconds of each."""
        return [timed(self.library.repository.get, each) for each in ids]


def timed(load: Callable[..., object], what: object) -> float:
    """Return how long one load took, in seconds."""
    began = time.perf_counter()
    load(what)
    return time.perf_counter() - began


def measured(home: Path, rounds: int) -> list[Row]:
    """Load in turn, one round to warm up; medians."""
    names = ("raw", "ours", "kept", "raw small", "ours small", "shipped")
    took: dict[str, list[float]] = {name: [] for name in names}
    with LocalPostgres(home) as server, closing(Quotes(server)) as place:
        for _ in range(rounds + 1):
            quotes = [place.written() for _ in range(LOADS)]
            small = [place.written_small() for _ in range(LOADS)]
            took["raw"].append(median(place.raw(quotes)))
            took["ours"].append(median(place.ours(quotes, whole)))
            took["kept"].append(median(place.kept(quotes)))
            took["raw small"].append(median(place.raw(small)))
            took["ours small"].append(median(place.ours(small, counted)))
            took["shipped"].append(median(place.shipped([place.saved() for _ in range(LOADS)])))
    ms = {name: round(1000 * median(values[1:]), 3) for name, values in took.items()}
    return [
        Row(
            metric=metric,
            value=ms[name],
            unit="ms",
            better="lower",
            bound="ratio",
            reference="raw SELECT of such rows",
            reference_value=ms[raw],
            floor=floor,
            goal=goal,
        )
        for name, raw, metric, floor, goal in (
            ("ours small", "raw small", "load of 50 facts of 440 bytes, cold", 5.0, 2.5),
            ("shipped", "raw small", "load of 50 events, eventsourcing as shipped", None, None),
            ("ours", "raw", "load of a quote of 50 facts, 78 kB, cold", None, None),
            ("kept", "raw", "the same from memory, as a command finds it", None, None),
        )
    ]


def counted(facts: Sequence[Recorded]) -> int:
    """Fold how many there are."""
    so_far = 0
    for each in facts:
        so_far = count(so_far, each)
    return so_far


def whole(facts: Sequence[Recorded]) -> Quote:
    """Fold the quote of all its facts."""
    found = fold(each.fact for each in facts)
    if found is None or found.version != FACTS_PER_QUOTE:
        raise RuntimeError("the quote is not whole")
    return found


def forget_bodies() -> None:
    """Fill the process's memory of bodies with others."""
    deal_id = uuid4()
    for number in range(PARSED_MAX):
        body_of(Counted(deal_id=deal_id, number=number, remark=""))
