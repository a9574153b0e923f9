"""Whole lifecycles per second without PDF: from the opportunity to the placed order.

documents answers with a fixed body instead of layout. A buyer hears what is presented, on the bus
like everybody, and accepts it. Measured on the embedded bus in three processes, since one Python
process uses one core, and in one, as the demo runs; and over Kafka in six, as a company runs it.
Beside it: the rows of the same lifecycles inserted one by one into tables of the same shape,
nothing else done.
"""

import json
import multiprocessing
import queue
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import psycopg
from fastapi import APIRouter
from psycopg.types.json import Json

from contracts.envelope import Opened, Registry, Sealed
from contracts.errors import Unavailable
from contracts.quote import OrderPlaced, QuotePresented
from infra import log as logs
from infra.clock import wall_clock
from infra.parts import Builder, Parts, Plumbing
from infra.postgres import provision
from infra.service import House
from infra.sessions import options
from infra.settings import Settings
from infra.work import Cause, Work
from quotewright.demo import opportunity
from quotewright.house import BUILDERS
from quotewright.laptop import CRM, BusName, Laptop
from services.documents import brands, consumer
from services.documents.domain.page import Page
from services.documents.main import READS
from services.documents.render import Printed
from services.quotes import units
from services.quotes.handlers.customers import AcceptOffer, accept_offer
from tests.bench.report import Row, median

Apart = tuple[tuple[str, ...], ...]
THREE: Apart = (("crm_projector", "configurator"), ("pricer", "approvals", "documents"))
SIX: Apart = tuple((name,) for names in THREE for name in names)
EXAMPLES = ("city_macro", "rural_lte", "street_micro")
DEADLINE_S = 180.0
FLOOR, GOAL = 15.0, 60.0
WARM_UP = 20


@dataclass(frozen=True, slots=True)
class Setting:
    """Where it is measured: the bus, which services run in processes of their own, the floor."""

    name: str
    bus: BusName
    apart: Apart
    floor: float | None = None
    goal: float | None = None


SETTINGS = (
    Setting("embedded, three processes", "embedded", THREE, FLOOR, GOAL),
    Setting("embedded, one process", "embedded", ()),
    Setting("kafka, six processes", "kafka", SIX),
)


class NoLayout:
    """A renderer that lays nothing out: this benchmark is about everything else."""

    def render(self, page: Page) -> Printed:
        """Return the same few bytes for every page."""
        del page
        return Printed(b"%PDF-1.7 benchmark", 1, "none", 0.0)


def documents(settings: Settings, plumbing: Plumbing) -> Parts:
    """Wire documents with the renderer that lays nothing out."""
    del plumbing
    stationery = brands.load(settings.catalog_dir)
    hears = consumer.hears(stationery, NoLayout())
    return Parts("documents", hears, READS, APIRouter(), batch_size=20)


class Buyer:
    """A service of this benchmark: hears what is presented and what is ordered."""

    def __init__(self) -> None:
        self.presented: queue.SimpleQueue[QuotePresented] = queue.SimpleQueue()
        self.ordered: queue.SimpleQueue[OrderPlaced] = queue.SimpleQueue()

    def build(self, settings: Settings, plumbing: Plumbing) -> Parts:
        """Wire the buyer."""
        del settings, plumbing
        hears = {QuotePresented: self._presented, OrderPlaced: self._ordered}
        return Parts("buyer", hears, Registry(hears), APIRouter(), batch_size=50)

    def _presented(self, heard: Opened, work: Work) -> None:
        del work
        assert isinstance(heard.fact, QuotePresented)
        self.presented.put(heard.fact)

    def _ordered(self, heard: Opened, work: Work) -> None:
        del work
        assert isinstance(heard.fact, OrderPlaced)
        self.ordered.put(heard.fact)


@contextmanager
def market(home: Path, bus: BusName, apart: Apart) -> Iterator[tuple[House, Buyer]]:
    """Run the house with a buyer in it; quotes and the buyer stay in this process."""
    with Laptop(home, bus) as laptop, ExitStack() as stack:
        provision(laptop.admin_dsn, {"buyer": ["buyer"]})
        buyer = Buyer()
        values = {**laptop.values(), "endpoints": {}}
        here: dict[str, Builder] = {**BUILDERS, "documents": documents, "buyer": buyer.build}
        for names in apart:
            stack.enter_context(_answering(values, names))
            here = {name: build for name, build in here.items() if name not in names}
        house = House(Settings(**values), here)
        house.start()
        stack.callback(house.stop)
        yield house, buyer


@contextmanager
def _answering(values: dict[str, Any], names: tuple[str, ...]) -> Iterator[None]:
    """Run services in a process of their own."""
    spawn = multiprocessing.get_context("spawn")
    ready, end = spawn.Event(), spawn.Event()
    process = spawn.Process(target=_answer, args=(values, names, ready, end))
    process.start()
    try:
        if not ready.wait(DEADLINE_S):
            raise Unavailable("the answering services do not start")
        yield
    finally:
        end.set()
        process.join(DEADLINE_S)


def _answer(values: dict[str, Any], names: tuple[str, ...], ready: Event, end: Event) -> None:
    logs.configure("error", "console")
    builders = {**BUILDERS, "documents": documents}
    house = House(Settings(**values), {name: builders[name] for name in names})
    house.start()
    ready.set()
    end.wait()
    house.stop()


def run(house: House, buyer: Buyer, count: int) -> float:
    """Let so many opportunities run to their orders; returns lifecycles per second."""
    services = {each.parts.name: each for each in house.services}
    quotes = services["quotes"]
    found = units.load(house.settings.catalog_dir)
    asked = [_opened(number) for number in range(count)]  # the CRM's own work is not measured
    began = time.monotonic()
    for event in asked:
        quotes.bus.produce(house.settings.inbound_topic, [event])
    for _ in range(count):
        offer = buyer.presented.get(timeout=DEADLINE_S)
        yes = AcceptOffer(
            offer.quote_id,
            offer.revision,
            "A. Example",
            offer.document_sha256,
            secrets.token_hex(16),
        )
        cause = Cause(f"accept/{offer.quote_id}", wall_clock(), "anonymous")
        quotes.plumbing.run(cause, lambda work, yes=yes: accept_offer(work, yes, found))
    for _ in range(count):
        buyer.ordered.get(timeout=DEADLINE_S)
    return count / (time.monotonic() - began)


RAW: dict[BusName, str] = {
    "embedded": "raw INSERTs of the same facts, table and bus",
    "kafka": "raw INSERTs of the same facts, table",
}


def raw(home: Path, bus: BusName, count: int) -> float:
    """Insert the rows of the same lifecycles again, one statement each; lifecycles per second.

    The rows are the facts in their services' tables and on the embedded bus, which is where they
    must be.
    """
    took = 0.0
    with Laptop(home, bus) as laptop:
        for service in BUILDERS:
            dsn = laptop.admin_dsn
            with psycopg.connect(dsn, autocommit=True, options=options(service)) as connection:
                took += _again(connection, "events", "stream, version, topic, state, deal_id, meta")
        with psycopg.connect(laptop.admin_dsn, autocommit=True) as connection:
            # Over Kafka this table is empty: its copy costs nothing.
            took += _again(connection, "bus.log", "topic, key, headers, value")
    return count / took


def _again(connection: psycopg.Connection[tuple[object, ...]], table: str, columns: str) -> float:
    copied = connection.execute(f"SELECT {columns} FROM {table}").fetchall()
    shape = (
        "LIKE events INCLUDING INDEXES" if table == "events" else "LIKE bus.log INCLUDING INDEXES"
    )
    name = "raw_" + table.replace(".", "_")
    connection.execute(f"CREATE TABLE {name} ({shape} INCLUDING DEFAULTS INCLUDING IDENTITY)")
    marks = ", ".join(["%s"] * len(columns.split(",")))
    insert = f"INSERT INTO {name} ({columns}) VALUES ({marks})"
    packed = [tuple(_json(each) for each in row) for row in copied]
    began = time.monotonic()
    for row in packed:
        connection.execute(insert, row, prepare=True)
    took = time.monotonic() - began
    connection.execute(f"DROP TABLE {name}")
    return took


def _json(value: object) -> object:
    return Json(value) if isinstance(value, dict | list) else value


def _opened(number: int) -> Sealed:
    """Return a new opportunity of the CRM as a CloudEvent of the door topic."""
    record = f"bench-{secrets.token_hex(6)}"
    event = {
        "id": record,
        "type": "opportunity.opened",
        "occurred_at": wall_clock().isoformat(),
        "opportunity": opportunity(record, EXAMPLES[number % len(EXAMPLES)]),
    }
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event["id"],
        "ce_source": f"crm://{CRM}",
        "ce_type": f"quotewright.crm.{event['type']}",
    }
    packed = tuple((name, text.encode()) for name, text in headers.items())
    return Sealed(event["id"].encode(), packed, json.dumps(event).encode())


def measured(home: Path, count: int, rounds: int) -> list[Row]:
    """Measure in each setting; the median of rounds after one to warm up."""
    rows = []
    for number, setting in enumerate(SETTINGS):
        place = home / str(number)
        with market(place, setting.bus, setting.apart) as (house, buyer):
            run(house, buyer, WARM_UP)
            speeds = [run(house, buyer, count) for _ in range(rounds)]
        reference = raw(place, setting.bus, WARM_UP + rounds * count)
        rows.append(
            Row(
                metric=f"whole lifecycles without PDF, {setting.name}",
                value=round(median(speeds), 2),
                unit="1/s",
                better="higher",
                bound="value",
                reference=RAW[setting.bus],
                reference_value=round(reference, 2),
                floor=setting.floor,
                goal=setting.goal,
            )
        )
    return rows
