"""The projector against PostgreSQL alone: a batch of the live path, and a rebuild of all views.

The facts are those of two walks played in memory by the real handlers with the real catalogue (one
at list price, one with an approval), copied under new ids for as many deals as wanted: 7 kB each
on average, 25 kB where a whole priced offer travels.

The reference is one SQL statement that folds the same facts into ONE view: a row per quote with
its number, who drafted it, its newest revision and status, list and net, validity, outcome and
order. It reads the projector's own copy of the facts and parses only the bodies that it needs. It
does not make the opportunities, revisions and approval cases, no waiting list, no states to go on
from, no margins; it drops no duplicates, stops at no unreadable fact, and saves no position: our
side of each row does all of that, and the live path copies every fact first.
"""

import gc
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from psycopg import Connection

from contracts.envelope import Sealed, read_meta
from infra.clock import wall_clock
from infra.inbox import Consumer, Hooks
from infra.postgres import provision
from infra.reading import FactReading
from infra.service import House
from quotewright.demo import opportunity
from quotewright.laptop import Laptop
from services.crm_projector import main
from services.crm_projector.handlers import ATTRIBUTES
from services.crm_projector.switching import Generations
from services.quotes.handlers.customers import AcceptOffer, accept_offer
from tests.bench.report import Row, median
from tests.unit.house.memory_house import TOPIC, MemoryHouse

NAME = "crm_projector"
BATCH = 1_000
REBUILDS = 3
DEALS = UUID("6b1f64d5-7a2e-4c1b-9a53-0f4b7a1d2c3e")
UUIDS = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

REFERENCE = """
CREATE TABLE IF NOT EXISTS reference_quote (
    quote_id uuid PRIMARY KEY, deal_id uuid NOT NULL, number text, drafted_at timestamptz, drafted_by text,
    revision integer, status text, list numeric, net numeric, currency text, valid_until date,
    outcome text, order_id uuid, changed_at timestamptz NOT NULL
)
"""
FOLD = """
WITH facts AS MATERIALIZED (
    SELECT seq, deal_id, time, substr(type, 13) AS fact, substr(subject, 7)::uuid AS quote_id,
           CASE WHEN type IN ('quotewright.QuoteDrafted', 'quotewright.RevisionPriced',
                              'quotewright.RevisionSubmitted', 'quotewright.QuotePresented',
                              'quotewright.OrderPlaced')
                THEN convert_from(value, 'UTF8')::jsonb END AS body
    FROM fact_log WHERE seq > %(after)s AND subject LIKE 'quote/%%'
)
INSERT INTO reference_quote
SELECT quote_id, (array_agg(deal_id))[1],
       max(body ->> 'number') FILTER (WHERE fact = 'QuoteDrafted'),
       max(time) FILTER (WHERE fact = 'QuoteDrafted'),
       max(body ->> 'drafted_by') FILTER (WHERE fact = 'QuoteDrafted'),
       max((body ->> 'revision')::integer),
       (array_agg(fact ORDER BY seq DESC) FILTER (WHERE fact IN (
            'QuoteDrafted', 'ConfigurationRequested', 'PricingRequested', 'RevisionPriced',
            'RevisionSubmitted', 'RevisionApproved', 'DocumentAttached', 'QuotePresented',
            'QuoteAccepted', 'OrderPlaced')))[1],
       (array_agg((body #>> '{offer,totals,list,amount}')::numeric ORDER BY seq DESC)
            FILTER (WHERE fact = 'RevisionPriced'))[1],
       (array_agg((body #>> '{offer,totals,net,amount}')::numeric ORDER BY seq DESC)
            FILTER (WHERE fact = 'RevisionPriced'))[1],
       (array_agg(body #>> '{offer,totals,net,currency}' ORDER BY seq DESC)
            FILTER (WHERE fact = 'RevisionPriced'))[1],
       (array_agg((body ->> 'valid_until')::date ORDER BY seq DESC)
            FILTER (WHERE fact IN ('RevisionSubmitted', 'QuotePresented')))[1],
       CASE WHEN bool_or(fact = 'OrderPlaced') THEN 'ordered' ELSE 'open' END,
       (array_agg((body ->> 'order_id')::uuid) FILTER (WHERE fact = 'OrderPlaced'))[1],
       max(time)
FROM facts GROUP BY quote_id
ON CONFLICT (quote_id) DO UPDATE SET
    number = coalesce(excluded.number, reference_quote.number),
    drafted_at = coalesce(excluded.drafted_at, reference_quote.drafted_at),
    drafted_by = coalesce(excluded.drafted_by, reference_quote.drafted_by),
    revision = greatest(excluded.revision, reference_quote.revision),
    status = coalesce(excluded.status, reference_quote.status),
    list = coalesce(excluded.list, reference_quote.list),
    net = coalesce(excluded.net, reference_quote.net),
    currency = coalesce(excluded.currency, reference_quote.currency),
    valid_until = coalesce(excluded.valid_until, reference_quote.valid_until),
    outcome = CASE WHEN excluded.outcome = 'open' THEN reference_quote.outcome ELSE excluded.outcome END,
    order_id = coalesce(excluded.order_id, reference_quote.order_id),
    changed_at = greatest(excluded.changed_at, reference_quote.changed_at)
"""


def measured(home: Path, rounds: int, facts: int) -> list[Row]:
    """Measure batches of the live path, then rebuilds, each in turn with the SQL statement."""
    with projector(home) as place:
        return [*_batches(place, rounds), *_rebuilds(place, facts)]


class Place:
    """crm_projector on a database of its own, stepped by hand."""

    def __init__(self, house: House) -> None:
        (self.service,) = house.services
        self.pool = self.service.plumbing.pool
        parts = self.service.parts
        hears = {each.wire_type(): handler for each, handler in parts.hears.items()}
        reading = FactReading(TOPIC, parts.registry, hears, parts.copies, parts.name, wall_clock)
        hooks = Hooks(lambda _: None, lambda _: None)
        self.consumer = Consumer(self.service.plumbing.ledger, reading, BATCH, hooks)
        self.source = self.service.bus.source(NAME, TOPIC, self.consumer.claim)
        self.pattern = pattern()
        self.deals = 0

    def fresh(self, count: int) -> list[Sealed]:
        """Return so many facts of deals that nobody has heard of."""
        found: list[Sealed] = []
        while len(found) < count:
            found += renamed(self.pattern, self.deals)
            self.deals += 1
        return found[:count]


@contextmanager
def projector(home: Path) -> Iterator[Place]:
    """Run crm_projector without its threads, on the PostgreSQL of a laptop."""
    with Laptop(home, "embedded") as laptop:
        provision(laptop.admin_dsn, {NAME: [NAME, "bi"]})
        house = House(laptop.settings(), {NAME: main.build}, wall_clock)
        gc.freeze()  # as a house does when it starts
        try:
            yield Place(house)
        finally:
            house.stop()


def pattern() -> list[Sealed]:
    """Play two walks in memory; returns their facts as they travel."""
    house = MemoryHouse(lambda: datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
    discount = [{"percent": "15", "rationale": "Reference customer"}]
    house.crm_says("opportunity.opened", opportunity("bench-1", "city_macro"), "e1")
    house.crm_says(
        "opportunity.opened", opportunity("bench-2", "rural_lte", discounts=discount), "e2"
    )
    house.settle()
    offer = house.of("QuotePresented")[-1]
    yes = AcceptOffer(offer.quote_id, offer.revision, "A. Example", offer.document_sha256, "nonce")
    house.run("quotes", "accept", lambda work: accept_offer(work, yes, house.units), "anonymous")
    house.settle()
    return list(house.bus.topics[TOPIC])


def renamed(records: Sequence[Sealed], number: int) -> list[Sealed]:
    """Return the records with every id in them made another one, the same for the same."""

    def other(found: re.Match[bytes]) -> bytes:
        return str(uuid5(DEALS, f"{number}/{found[0].decode()}")).encode()

    return [
        Sealed(
            UUIDS.sub(other, each.key),
            tuple((name, UUIDS.sub(other, value)) for name, value in each.headers),
            UUIDS.sub(other, each.value),
        )
        for each in records
    ]


# ---- one batch of the live path


def _batches(place: Place, rounds: int) -> list[Row]:
    ours, alone = [], []
    with place.pool.connection() as connection:
        connection.execute(REFERENCE)
    for _ in range(rounds + 1):
        place.service.bus.produce(TOPIC, place.fresh(BATCH))
        with place.pool.connection() as connection:
            (after,) = connection.execute("SELECT coalesce(max(seq), 0) FROM fact_log").fetchone()
            began = time.perf_counter()
            handled = 0
            while handled < BATCH:  # the embedded bus gives half of it at a time
                handled += place.consumer.step(place.source, 5.0)
            ours.append(BATCH / (time.perf_counter() - began))
            began = time.perf_counter()
            connection.execute(FOLD, {"after": after})
            alone.append(BATCH / (time.perf_counter() - began))
    return [
        Row(
            metric=f"projection, batch of {BATCH} facts",
            value=round(median(ours[1:])),
            unit="1/s",
            better="higher",
            bound="ratio",
            reference="one SQL statement folds them into one view",
            reference_value=round(median(alone[1:])),
            floor=0.25,
            goal=0.50,
        )
    ]


# ---- a rebuild


def _rebuilds(place: Place, facts: int) -> list[Row]:
    ours, alone = [], []
    with place.pool.connection() as connection:
        connection.execute("SET statement_timeout = 0; SET transaction_timeout = 0")
        _fill(connection, place.pattern, facts)
        (total,) = connection.execute("SELECT count(*) FROM fact_log").fetchone()
        for _ in range(REBUILDS if facts <= 200_000 else 1):
            ours.append(total / _rebuilt(place))
            connection.execute("TRUNCATE reference_quote")
            began = time.perf_counter()
            connection.execute(FOLD, {"after": 0})
            alone.append(total / (time.perf_counter() - began))
        connection.execute("RESET statement_timeout; RESET transaction_timeout")
    rows = {"value": round(median(ours)), "unit": "1/s", "better": "higher"}
    return [
        Row(
            metric=f"rebuild of all views from {total} facts",
            **rows,
            bound="ratio",
            reference="one SQL statement folds them into one view",
            reference_value=round(median(alone)),
            floor=0.40,
            goal=0.75,
        )
    ]


def _rebuilt(place: Place) -> float:
    """Rebuild from start to swap, compared with what stood there; returns seconds."""
    rebuilding = place.service.parts.chores["rebuild"]
    began = time.perf_counter()
    Generations(place.pool).start()
    while rebuilding.step():
        pass
    took = time.perf_counter() - began
    with place.pool.connection() as connection:
        (stage,) = connection.execute(
            "SELECT stage FROM generation ORDER BY number DESC LIMIT 1"
        ).fetchone()
    if stage != "current":
        raise AssertionError(f"the rebuild ended as {stage}")
    return took


def _fill(connection: Connection[Any], records: Sequence[Sealed], facts: int) -> None:
    """Copy the pattern into the fact log under new ids, in the database: for millions of facts."""
    ids = sorted(
        {found for each in records for part in _texts(each) for found in UUIDS.findall(part)}
    )
    connection.execute("CREATE TEMP TABLE pattern (n integer, m text[], value text)")
    for n, each in enumerate(records):
        meta = read_meta(each.headers)
        texts = [
            str(getattr(meta, name)) if getattr(meta, name) is not None else None
            for name in ATTRIBUTES
        ]
        connection.execute(
            "INSERT INTO pattern VALUES (%s, %s, %s)", (n, texts, each.value.decode())
        )

    def other(text: str) -> str:
        for each in ids:
            known = each.decode()
            text = f"replace({text}, '{known}', md5('{known}' || deal)::uuid::text)"
        return text

    columns = {name: other(f"m[{place}]") for place, name in enumerate(ATTRIBUTES, 1)}
    kinds = {"version": "integer", "deal_id": "uuid", "time": "timestamptz"}
    chosen = ", ".join(f"({text})::{kinds.get(name, 'text')}" for name, text in columns.items())
    copies = -(-facts // len(records))
    for first in range(0, copies, 1000):
        connection.execute(
            f"INSERT INTO fact_log ({', '.join(ATTRIBUTES)}, value)"
            f" SELECT {chosen}, convert_to({other('value')}, 'UTF8')"
            " FROM generate_series(%s::int, %s::int) AS deal, pattern ORDER BY deal, n",
            (first, min(first + 1000, copies) - 1),
        )
    connection.execute("DROP TABLE pattern")
    connection.execute("VACUUM ANALYZE fact_log")


def _texts(record: Sealed) -> Iterator[bytes]:
    yield record.value
    for _, value in record.headers:
        yield value
