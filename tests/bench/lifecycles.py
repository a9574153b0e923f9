"""Whole lifecycles per second without PDF: from the opportunity to the placed order, embedded bus.

All six services in one process, as on a laptop; documents answers with a fixed body instead of layout.
A buyer hears what is presented, on the bus like everybody, and accepts it. Beside it: the rows of the
same lifecycles inserted one by one into a table of the same shape, nothing else done.
"""

import json
import queue
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from fastapi import APIRouter
from psycopg.types.json import Json

from contracts.envelope import Opened, Registry
from contracts.quote import OrderPlaced, QuotePresented
from infra.parts import Builder, Parts, Plumbing, wall_clock
from infra.postgres import provision
from infra.service import House
from infra.settings import Settings
from infra.work import Cause, Work
from quotewright.demo import opportunity
from quotewright.house import BUILDERS
from quotewright.laptop import CRM, Laptop
from services.crm_projector import handlers as crm
from services.crm_projector.crm.generic import normalised, parsed
from services.documents import brands, consumer
from services.documents.domain.page import Page
from services.documents.main import READS
from services.documents.render import Printed
from services.quotes import units
from services.quotes.handlers.customers import AcceptOffer, accept_offer
from tests.bench.report import Row

EXAMPLES = ("city_macro", "rural_lte", "street_micro")
DEADLINE_S = 180.0
FLOOR, GOAL = 12.0, 40.0


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
def market(home: Path) -> Iterator[tuple[House, Buyer]]:
    """Run the house with a buyer in it."""
    laptop = Laptop(home, "embedded")
    with laptop:
        provision(laptop.admin_dsn, {"buyer": ["buyer"]})
        buyer = Buyer()
        builders: dict[str, Builder] = {**BUILDERS, "documents": documents, "buyer": buyer.build}
        house = House(laptop.settings(endpoints={}), builders)
        house.start()
        try:
            yield house, buyer
        finally:
            house.stop()


def run(house: House, buyer: Buyer, count: int) -> float:
    """Let so many opportunities run to their orders; returns lifecycles per second."""
    services = {each.parts.name: each for each in house.services}
    desk, quotes = services["crm_projector"].plumbing, services["quotes"].plumbing
    found = units.load(house.settings.catalog_dir)
    began = time.monotonic()
    for number in range(count):
        record = f"bench-{secrets.token_hex(6)}"
        asked = opportunity(record, EXAMPLES[number % len(EXAMPLES)])
        event = {
            "id": record,
            "type": "opportunity.opened",
            "occurred_at": wall_clock().isoformat(),
            "opportunity": asked,
        }
        told = normalised(f"crm://{CRM}", parsed(json_of(event)))
        cause = Cause(told.command_id, wall_clock(), f"system/{CRM}")
        desk.run(cause, lambda work, told=told: crm.receive(told, work))
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
        quotes.run(cause, lambda work, yes=yes: accept_offer(work, yes, found))
    for _ in range(count):
        buyer.ordered.get(timeout=DEADLINE_S)
    return count / (time.monotonic() - began)


def raw(house: House, count: int) -> float:
    """Insert the rows of the same lifecycles again, one statement each; returns lifecycles per second.

    The rows are the facts in their services' tables and on the bus, which is where they must be.
    """
    took, rows = 0.0, 0
    for service in house.services:
        with service.plumbing.pool.connection() as connection:
            took += _again(connection, "events", "stream, version, topic, state, deal_id, meta")
    with house.services[0].plumbing.pool.connection() as connection:
        took += _again(connection, "bus.log", "topic, key, headers, value")
        rows = connection.execute("SELECT count(*) FROM bus.log").fetchone()[0]  # type: ignore[index]
    assert rows > count
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


def json_of(event: object) -> bytes:
    """Return the JSON of an event."""
    return json.dumps(event).encode()


def measured(home: Path, count: int, rounds: int) -> Row:
    """Return the median of several rounds after one to warm up."""
    with market(home) as (house, buyer):
        run(house, buyer, min(count, 20))
        speeds = sorted(run(house, buyer, count) for _ in range(rounds))
        floor = raw(house, min(count, 20) + rounds * count)
    return Row(
        metric="whole lifecycles without PDF, embedded",
        value=round(speeds[len(speeds) // 2], 2),
        unit="1/s",
        better="higher",
        bound="value",
        reference="raw INSERTs of the same facts, table and bus",
        reference_value=round(floor, 2),
        floor=FLOOR,
        goal=GOAL,
    )
