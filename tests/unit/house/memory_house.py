"""Five services and a CRM's door over the memory doubles: the whole walk without a database or a broker."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from contracts.catalogue import every_fact
from contracts.envelope import Fact
from infra.desk import CommandDesk
from infra.inbox import Consumer, Hooks
from infra.memory import MemoryBus, MemoryRelay, MemoryStore
from infra.reading import FactReading
from infra.work import Cause, Handler, Recorded, Work
from services.approvals import consumer as approvals
from services.approvals import policy
from services.configurator import consumer as configurator
from services.configurator import shelf
from services.crm_projector import handlers as crm
from services.crm_projector.crm.generic import normalised, parsed
from services.documents import brands
from services.documents import consumer as documents
from services.documents.domain.page import Page
from services.documents.render import Printed
from services.pricer import books
from services.pricer import consumer as pricer
from services.quotes import consumer as quotes
from services.quotes import units

CATALOG = Path(__file__).resolve().parents[3] / "catalogs" / "telecom"
TOPIC = "quotewright.facts"
ROUNDS_MAX = 200


class PlainPrinter:
    """A renderer that prints the page model as text; real PDFs have tests of their own."""

    def render(self, page: Page) -> Printed:
        return Printed(b"%PDF-plain " + repr(page).encode(), 1, "plain", 0.0)


class Room:
    """One service: its store, its consumer, its relay."""

    def __init__(
        self, name: str, hears: Mapping[type[Fact], Handler], house: "MemoryHouse"
    ) -> None:
        self.store = MemoryStore(name, every_fact())
        by_type = {each.wire_type(): handler for each, handler in hears.items()}
        reading = FactReading(TOPIC, every_fact(), by_type, None, name, house.clock)
        hooks = Hooks(lambda _: None, house.parked.extend)
        self.consumer = Consumer(self.store, reading, 10, hooks)
        self.source = house.bus.source(name, TOPIC, self.consumer.claim)
        self.relay = MemoryRelay(self.store, house.bus, TOPIC)
        self.desk = CommandDesk(self.store, lambda _: None)


class MemoryHouse:
    """The house in memory; `settle` lets every fact travel until nothing moves any more."""

    def __init__(self, clock: Callable[[], datetime], catalog: Path = CATALOG) -> None:
        self.clock = clock
        self.bus = MemoryBus()
        self.parked: list[Any] = []
        self.units = units.load(catalog)
        authority = policy.load(catalog)
        self.rooms = {
            "crm_projector": Room("crm_projector", {}, self),
            "quotes": Room("quotes", quotes.hears(self.units), self),
            "configurator": Room("configurator", configurator.hears(shelf.load(catalog)), self),
            "pricer": Room("pricer", pricer.hears(books.load(catalog)), self),
            "approvals": Room("approvals", approvals.hears(authority), self),
            "documents": Room(
                "documents", documents.hears(brands.load(catalog), PlainPrinter()), self
            ),
        }
        self.authority = authority

    def crm_says(self, kind: str, opportunity: Mapping[str, Any], event_id: str) -> None:
        event = {
            "id": event_id,
            "type": kind,
            "occurred_at": self.clock().isoformat(),
            "opportunity": opportunity,
        }
        told = normalised("crm://example", parsed(json.dumps(event).encode()))
        self.run("crm_projector", told.command_id, lambda work: crm.receive(told, work))

    def run(
        self,
        room: str,
        command_id: str,
        handler: Callable[[Work], None],
        actor: str = "user/seller-1",
    ) -> tuple[Recorded, ...]:
        return self.rooms[room].desk.run(Cause(command_id, self.clock(), actor), handler)

    def settle(self) -> None:
        for _ in range(ROUNDS_MAX):
            moved = sum(room.relay.step() for room in self.rooms.values())
            for room in self.rooms.values():
                moved += room.consumer.step(room.source, 0)
            if not moved:
                return
        raise AssertionError("the house does not come to rest")

    def facts(self) -> list[str]:
        """Return the names of all facts in the order of the log."""
        headers = [dict(each.headers) for each in self.bus.topics.get(TOPIC, [])]
        return [each["ce_type"].decode().removeprefix("quotewright.") for each in headers]

    def of(self, name: str) -> list[Any]:
        """Return all facts of a type."""
        registry = every_fact()
        found = []
        for each in self.bus.topics.get(TOPIC, []):
            headers = dict(each.headers)
            if headers["ce_type"] == f"quotewright.{name}".encode():
                version = int(headers["ce_schemaversion"])
                found.append(registry.read(f"quotewright.{name}", version, each.value))
        return found
