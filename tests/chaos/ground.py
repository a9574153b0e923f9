"""The ground under a proof: servers of its own that may be killed, and how to start services on it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from kafka import KafkaConsumer, TopicPartition

from contracts.envelope import Sealed
from infra.local import SUPERUSER, LocalPostgres
from infra.local_kafka import LocalKafka
from infra.postgres import provision
from quotewright.demo import stage
from quotewright.laptop import Laptop, Servers
from tests.chaos.loading import SERVICES, Load
from tests.chaos.proxy import Wire
from tests.e2e.place import Place
from tests.e2e.processes import HOUSE, Apart, Program

_numbers = count(1)
PARTITIONS = 3


@dataclass
class Ground:
    """PostgreSQL and Kafka that belong to the proofs, with a wire in front of each."""

    postgres: LocalPostgres
    kafka: LocalKafka
    postgres_wire: Wire
    kafka_wires: list[Wire]
    home: Path

    @property
    def through_wires(self) -> str:
        """The brokers' addresses through the wires."""
        return ",".join(f"127.0.0.1:{wire.port}" for wire in self.kafka_wires)

    @contextmanager
    def load(self, bus: str = "kafka", *, wired: bool = False, **settings: Any) -> Iterator[Load]:
        """Run teller and hearer on a database and topics of their own; `wired`: through the wires."""
        number = next(_numbers)
        database = f"load_{number}"
        servers = Servers(self.postgres, self.kafka if bus == "kafka" else None, database)
        laptop = Laptop(self.home / database, bus, servers)  # type: ignore[arg-type]
        changes = {**topics_of(database), "partitions": PARTITIONS, "instance": "", **settings}
        if wired:
            changes["kafka_bootstrap"] = self.through_wires.split(",") if bus == "kafka" else ()
            changes["dsn_template"] = (
                "postgresql://quotewright_{service}@127.0.0.1:"
                f"{self.postgres_wire.port}/{database}"
            )
        programs = {
            name: Program(("-m", "tests.chaos.load", name), f"/{name}") for name in SERVICES
        }
        with ExitStack() as stack:
            stack.enter_context(laptop)
            provision(laptop.admin_dsn, {name: [name] for name in SERVICES})
            apart = stack.enter_context(Apart(laptop, programs, **changes))
            dsn = self.postgres.dsn(SUPERUSER, database)
            load = Load(laptop, apart, dsn, lambda: self.doubles(bus, dsn, database))
            load.topic = changes["facts_topic"]
            stack.callback(load.close)
            yield load

    @contextmanager
    def house(self, **settings: Any) -> Iterator[Place]:
        """Run the six services over Kafka, with a CRM and approvers around them."""
        database = f"house_{next(_numbers)}"
        topics = topics_of(database)
        laptop = Laptop(self.home / "house", "kafka", Servers(self.postgres, self.kafka, database))
        apart: list[Apart] = []

        def serve(prepared: Laptop) -> Apart:
            apart.append(Apart(prepared, HOUSE, **topics, **settings))
            return apart[0]

        with stage(laptop, serve) as running:
            dsn = self.postgres.dsn(SUPERUSER, database)
            named = {"quotewright.facts": topics["facts_topic"]}
            place = Place(running, dsn, named, apart[0], self.kafka.bootstrap)
            yield place
            place.close()

    def mend(self) -> None:
        """Start what was killed and open what was shut."""
        for wire in (self.postgres_wire, *self.kafka_wires):
            wire.loses, wire.down = None, False
        if not self.postgres.running:
            self.postgres.start()
        if not self.kafka.running:
            self.kafka.start()

    def doubles(self, bus: str, dsn: str, database: str) -> int:
        """Count the records of the log that repeat an earlier one."""
        if bus == "kafka":
            return doubles_on(self.kafka.bootstrap, topics_of(database)["facts_topic"])
        with psycopg.connect(dsn) as connection:
            rows = connection.execute("SELECT headers FROM bus.log").fetchall()
        ids = [dict(row[0])["ce_id"] for row in rows]
        return len(ids) - len(set(ids))


def topics_of(name: str) -> dict[str, str]:
    """Return the topics of one house."""
    return {
        "facts_topic": f"{name}.facts",
        "inbound_topic": f"{name}.inbound",
        "parked_topic": f"{name}.parked",
    }


def doubles_on(bootstrap: str, topic: str) -> int:
    """Read a topic to its end and count what came twice."""
    ids = [dict(each.headers)["ce_id"] for part in records_on(bootstrap, topic) for each in part]
    return len(ids) - len(set(ids))


def records_on(bootstrap: str, topic: str) -> list[list[Sealed]]:
    """Read a topic to its end; returns the records of each partition."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap.split(","), enable_auto_commit=False)
    try:
        places = [
            TopicPartition(topic, each) for each in consumer.partitions_for_topic(topic) or ()
        ]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = consumer.end_offsets(places)
        found: dict[TopicPartition, list[Sealed]] = {place: [] for place in places}
        while any(consumer.position(place) < ends[place] for place in places):
            for place, records in consumer.poll(timeout_ms=1000).items():
                found[place] += [
                    Sealed(each.key, tuple(each.headers), each.value) for each in records
                ]
        return list(found.values())
    finally:
        consumer.close(autocommit=False)


@contextmanager
def ground(nodes: int = 1) -> Iterator[Ground]:
    """Start servers for the proofs and remove all they leave."""
    home = Path(tempfile.mkdtemp(prefix="quotewright-chaos-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        postgres = stack.enter_context(LocalPostgres.ephemeral())
        postgres_wire = stack.enter_context(Wire(postgres.socket))
        wires = [stack.enter_context(Wire()) for _ in range(nodes)]
        kafka = LocalKafka.ephemeral(nodes=nodes, fronts=[wire.port for wire in wires])
        for number, wire in enumerate(wires, start=1):
            wire.upstream = ("127.0.0.1", kafka.back_port(number))
        stack.enter_context(kafka)
        yield Ground(postgres, kafka, postgres_wire, wires, home)
