"""Whole lifecycles per second without PDF: from the opportunity to the placed order, embedded bus.

documents answers with a fixed body instead of layout. A buyer hears what is presented, on the bus
like everybody, and accepts it. Measured in three processes, since one Python process uses one core,
and in one, as the demo runs. Beside it: the rows of the same lifecycles inserted one by one into a
table of the same shape, nothing else done.
"""

import json
import multiprocessing
import queue
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
from infra.postgres import options, provision
from infra.service import House
from infra.settings import Settings
from infra.work import Cause, Work
from quotewright.demo import opportunity
from quotewright.house import BUILDERS
from quotewright.laptop import CRM, Laptop
from services.documents import brands, consumer
from services.documents.domain.page import Page
from services.documents.main import READS
from services.documents.render import Printed
from services.quotes import units
from services.quotes.handlers.customers import AcceptOffer, accept_offer
from tests.bench.report import Row

APART = (("crm_projector", "configurator"), ("pricer", "approvals", "documents"))
EXAMPLES = ("city_macro", "rural_lte", "street_micro")
DEADLINE_S = 180.0
FLOOR, GOAL = 12.0, 40.0
WARM_UP = 20


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
def market(home: Path, *, apart: bool) -> Iterator[tuple[House, Buyer]]:
    """Run the house with a buyer in it, in one process, or in three."""
    with Laptop(home, "embedded") as laptop, ExitStack() as stack:
        provision(laptop.admin_dsn, {"buyer": ["buyer"]})
        buyer = Buyer()
        values = {**laptop.values(), "endpoints": {}}
        here: dict[str, Builder] = {**BUILDERS, "documents": documents, "buyer": buyer.build}
        if apart:
            for names in APART:
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


def raw(home: Path, count: int) -> float:
    """Insert the rows of the same lifecycles again, one statement each; lifecycles per second.

    The rows are the facts in their services' tables and on the bus, which is where they must be.
    """
    took = 0.0
    with Laptop(home, "embedded") as laptop:
        for service in BUILDERS:
            dsn = laptop.admin_dsn
            with psycopg.connect(dsn, autocommit=True, options=options(service)) as connection:
                took += _again(connection, "events", "stream, version, topic, state, deal_id, meta")
        with psycopg.connect(laptop.admin_dsn, autocommit=True) as connection:
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
    """Measure in two processes and in one; each the median of rounds after one to warm up."""
    rows = []
    for apart, where in ((True, "three processes"), (False, "one process")):
        place = home / str(apart)
        with market(place, apart=apart) as (house, buyer):
            run(house, buyer, WARM_UP)
            speeds = sorted(run(house, buyer, count) for _ in range(rounds))
        reference = raw(place, WARM_UP + rounds * count)
        rows.append(
            Row(
                metric=f"whole lifecycles without PDF, embedded, {where}",
                value=round(speeds[len(speeds) // 2], 2),
                unit="1/s",
                better="higher",
                bound="value",
                reference="raw INSERTs of the same facts, table and bus",
                reference_value=round(reference, 2),
                floor=FLOOR if apart else None,
                goal=GOAL if apart else None,
            )
        )
    return rows
