"""The relay against the Kafka client alone: facts published per second.

Stored facts of 440 bytes are published to a real broker by the relay: read settled, sent,
acknowledged, position saved. Beside it the same records, already in memory, sent by kafka-python
with the same settings, and nothing else done.
"""

import time
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

from kafka import KafkaProducer

from contracts.envelope import Registry, Sealed
from infra.bus_kafka import KafkaBus
from infra.clock import wall_clock
from infra.leadership import Leadership
from infra.postgres import PLUMBING, migrate, open_pool, provision
from infra.recorder import COLUMNS
from infra.relay import Relay, sealed
from infra.store import PostgresStore
from infra.topics import Keeping, create_topics
from infra.work import Cause, Work
from quotewright.laptop import Laptop
from tests.bench.report import Row, median
from tests.bench.visible import Noted, noted

FACTS, STREAMS = 10_000, 500
PARTITIONS = 3


def measured(home: Path, rounds: int) -> list[Row]:
    """Publish and send in turn, after one round to warm up; medians."""
    ours, alone = [], []
    with Laptop(home, "kafka") as laptop, ExitStack() as stack:
        provision(laptop.admin_dsn, {"writer": ["writer"]})
        settings = laptop.settings()
        topics = {"published": PARTITIONS, "alone": PARTITIONS}
        create_topics(settings.kafka_bootstrap, {}, topics, Keeping())
        pool = open_pool(settings.dsn_of("writer"), "writer", (1, 4))
        stack.callback(pool.close)
        with pool.connection() as connection:
            migrate(connection, [PLUMBING])
        store = PostgresStore("writer", pool, Registry([Noted]))
        leadership = Leadership(settings.dsn_of("writer"), "writer")
        stack.callback(leadership.close)
        bus = KafkaBus(settings.kafka_bootstrap, {})
        stack.callback(bus.close)
        relay = Relay(pool, leadership, bus, "published")
        for _ in range(rounds + 1):
            records = _stored(store)
            ours.append(_published(relay))
            alone.append(_sent(settings.kafka_bootstrap, records))
    return [
        Row(
            metric="relay, facts published",
            value=round(median(ours[1:])),
            unit="1/s",
            better="higher",
            bound="ratio",
            reference="kafka-python sends the same records",
            reference_value=round(median(alone[1:])),
            floor=0.35,
            goal=0.75,
        )
    ]


def _stored(store: PostgresStore) -> list[Sealed]:
    """Store the facts of one round; returns them as they will travel."""
    per_stream = FACTS // STREAMS
    for _ in range(STREAMS):
        deal_id = uuid4()
        work = Work(store, Cause(f"{deal_id}", wall_clock(), "system/bench"))
        work.append(f"writer.thing/{deal_id}", *[noted(deal_id) for _ in range(per_stream)])
        store.commit([work])
    with store.pool.connection() as connection:
        rows = connection.execute(
            f"SELECT position, {COLUMNS} FROM events ORDER BY position DESC LIMIT %s", (FACTS,)
        ).fetchall()
    return [sealed(row) for row in reversed(rows)]


def _published(relay: Relay) -> float:
    began, done = time.monotonic(), 0
    while done < FACTS:
        done += relay.step()
    return FACTS / (time.monotonic() - began)


def _sent(bootstrap: tuple[str, ...], records: list[Sealed]) -> float:
    producer = KafkaProducer(
        bootstrap_servers=list(bootstrap),
        acks="all",
        enable_idempotence=True,
        linger_ms=1,
        batch_size=131_072,
    )
    producer.partitions_for("alone")  # connected before the clock starts, as the relay is
    began = time.monotonic()
    for each in records:
        producer.send("alone", key=each.key, value=each.value, headers=list(each.headers))
    producer.flush()
    took = time.monotonic() - began
    producer.close()
    return len(records) / took
