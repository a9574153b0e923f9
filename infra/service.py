"""Runs services: one per process in a company, all six in one process on a laptop.

A service hands in its `Parts`; here they get a database, a bus, their loops and an HTTP door.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI

from contracts.envelope import Fact, Meta, Registry, Sealed
from contracts.errors import Unavailable
from infra import log as logs
from infra.admin import admin_routes
from infra.ask import Asker, HttpAsker
from infra.auth import Audience, Security
from infra.bus import Bell, Bus, EmbeddedBus
from infra.bus_kafka import KafkaBus, create_topics
from infra.deliveries import Sender, client
from infra.desk import CommandDesk
from infra.inbox import Consumer, Hooks
from infra.keys import key_set
from infra.ledger import PostgresLedger
from infra.loops import Job, Loop
from infra.outbox import PostgresOutbox
from infra.postgres import PLUMBING, Leadership, migrate, open_pool
from infra.reading import Door, DoorReading, FactReading
from infra.relay import Relay
from infra.rows import Parked
from infra.seen import PostgresSeen
from infra.settings import Settings, load
from infra.timers import Timers
from infra.web import Readiness, Surroundings, application
from infra.webhooks import Verifier
from infra.work import Handler, ReminderHandler, Work

log = structlog.get_logger("infra.service")
Clock = Callable[[], datetime]
STOP_S = 10.0
POLL_S = 0.5
RETRY_LOOK_S = 0.25


def wall_clock() -> datetime:
    """Return now, in UTC: the only clock of a running service."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Parts:
    """What makes a service: its name, what it hears, its routes, its timers, its own tables."""

    name: str
    hears: Mapping[type[Fact], Handler]
    registry: Registry
    router: APIRouter
    batch_size: int
    reminders: Mapping[str, ReminderHandler] = field(default_factory=dict)
    copies: Callable[[Meta, bytes, Work], None] | None = None
    doors: Sequence[Door] = ()
    migrations: Path | None = None
    prefix: str | None = None
    close: Callable[[], None] = lambda: None


class Plumbing(CommandDesk):
    """What a service's main builds on: commands, and the doors to the outside it may use."""

    def __init__(self, settings: Settings, name: str, clock: Clock) -> None:
        """Open the service's database; the store gets its registry when the parts are built."""
        self.settings = settings
        self.clock = clock
        self.bell = Bell()
        self.pool = open_pool(settings.dsn_of(name), name, settings.pool_max)
        self.leadership = Leadership(settings.dsn_of(name), name)
        self.ledger = PostgresLedger(name, self.pool, Registry([]))
        self.verifier = Verifier(settings.webhook_keys, PostgresSeen(self.pool), clock)
        self.asker: Asker = HttpAsker(settings.peers, settings.service_key)
        super().__init__(self.ledger, self.bell.ring)

    def close(self) -> None:
        """Give the connections back."""
        self.leadership.close()
        self.pool.close()


Builder = Callable[[Settings, Plumbing], Parts]


class Service:
    """One running service: its loops over its own database, a relay, its consumers."""

    def __init__(self, settings: Settings, name: str, build: Builder, world: "World") -> None:
        """Open the database, migrate it, build the parts; nothing runs before `start`."""
        self.plumbing = Plumbing(settings, name, world.clock)
        self.parts = build(settings, self.plumbing)
        self.plumbing.ledger.read_with(self.parts.registry)
        folders = [PLUMBING, *([self.parts.migrations] if self.parts.migrations else [])]
        with self.plumbing.pool.connection() as connection:
            for applied in migrate(connection, folders):
                log.info("migrated", service=name, file=applied)
        self.bus = world.bus(self.plumbing)
        self.relay = Relay(
            self.plumbing.pool, self.plumbing.leadership, self.bus, settings.facts_topic
        )
        self._loops: list[Loop] = []
        self._lags: dict[str, Callable[[], int]] = {"relay": self.relay.lag}
        self._closing: list[Callable[[], None]] = []
        self._settings = settings

    def start(self) -> None:
        """Start relay, consumers, timers and sender."""
        plumbing, parts = self.plumbing, self.parts
        self._loop(Job(f"{parts.name}.relay", self.relay.step))
        facts = FactReading(
            self._settings.facts_topic,
            parts.registry,
            {each.wire_type(): handler for each, handler in parts.hears.items()},
            parts.copies,
            parts.name,
            plumbing.clock,
        )
        self._consume(facts)
        for door in parts.doors:
            self._consume(DoorReading(door.topic, door, parts.name, plumbing.clock))
        timers = Timers(plumbing.ledger, plumbing.leadership, parts.reminders, plumbing.clock)
        self._loop(Job(f"{parts.name}.timers", self._then_ring(timers.step)))
        http = client()
        outbox = PostgresOutbox(plumbing.pool)
        jitter = random.SystemRandom().uniform
        sender = Sender(
            outbox,
            self._settings.endpoints,
            http,
            plumbing.clock,
            lambda ceiling: jitter(0, ceiling),
        )
        self._closing += [sender.close, http.close]
        self._loop(Job(f"{parts.name}.sender", self._led("sender", sender)))
        for loop in self._loops:
            loop.start()

    def readiness(self) -> Readiness:
        """Say whether every loop works, and how far relay and consumers are behind."""
        reasons = [trouble for loop in self._loops if (trouble := loop.trouble)]
        lag: dict[str, int] = {}
        for name, measure in self._lags.items():
            try:
                lag[f"{self.parts.name}.{name}"] = measure()
            except Unavailable as fault:
                reasons.append(f"{self.parts.name}.{name}: {fault.message}")
        return Readiness(not reasons, lag, tuple(reasons))

    def stop(self) -> None:
        """Stop accepting work, let every step end, publish what is left, close."""
        for loop in self._loops:
            loop.stop()
        self.plumbing.bell.ring()
        until = time.monotonic() + STOP_S
        late = [loop for loop in self._loops if not loop.join(max(0.0, until - time.monotonic()))]
        if late:
            log.warning("stopped_late", service=self.parts.name, loops=len(late))
        self._drain()
        for close in (*self._closing, self.parts.close, self.bus.close, self.plumbing.close):
            close()

    # ---- inside

    def _loop(self, job: Job) -> Loop:
        loop = Loop(job, self.plumbing.bell)
        self._loops.append(loop)
        return loop

    def _consume(self, reading: FactReading | DoorReading) -> None:
        plumbing, name = self.plumbing, self.parts.name
        stopping = threading.Event()
        hooks = Hooks(stopping.wait, plumbing.bell.ring, self._copy_parked)
        consumer = Consumer(plumbing.ledger, reading, self.parts.batch_size, hooks)
        source = self.bus.source(name, reading.topic, consumer.claim)
        looked = 0.0

        def step() -> int:
            nonlocal looked
            done = consumer.step(source, POLL_S)
            if time.monotonic() - looked > RETRY_LOOK_S:
                looked = time.monotonic()
                done += consumer.retry_parked()
            return done

        self._loop(Job(f"{name}.consumer.{reading.topic}", step, waits_itself=True))
        self._lags[reading.topic] = source.lag
        self._closing += [stopping.set, source.close]

    def _then_ring(self, step: Callable[[], int]) -> Callable[[], int]:
        def rung() -> int:
            done = step()
            if done:
                self.plumbing.bell.ring()
            return done

        return rung

    def _led(self, job: str, sender: Sender) -> Callable[[], int]:
        def step() -> int:
            if not self.plumbing.leadership.holds(job):
                return 0
            return len(sender.dispatch(self.plumbing.bell.ring))

        return step

    def _copy_parked(self, parked: Sequence[Parked]) -> None:
        """Show other teams what could not be handled; the rows are the truth, so a failure is only told."""
        records = [
            Sealed(p.key, (*p.headers, ("parked_by", self.parts.name.encode()), ("parked_code", p.code.encode())),
                   p.value)
            for p in parked
        ]  # fmt: skip
        try:
            self.bus.produce(self._settings.parked_topic, records)
        except Unavailable as fault:
            log.warning("parked_not_copied", service=self.parts.name, reason=fault.message)

    def _drain(self) -> None:
        try:
            while self.relay.step():
                pass
        except Unavailable as fault:
            log.warning("not_drained", service=self.parts.name, reason=fault.message)


class World:
    """What the services of one process share: the clock, and the embedded bus's bell."""

    def __init__(self, settings: Settings, clock: Clock = wall_clock) -> None:
        self.clock = clock
        self._settings = settings
        self._bell = Bell()

    def bus(self, plumbing: Plumbing) -> Bus:
        """Return the bus of one service."""
        if self._settings.bus == "kafka":
            return KafkaBus(
                self._settings.kafka_bootstrap,
                self._settings.kafka_client(),
                self._settings.instance,
            )
        return EmbeddedBus(plumbing.pool, plumbing.leadership, self._bell)


class House:
    """One process with one or more services and one HTTP door."""

    def __init__(
        self, settings: Settings, builders: Mapping[str, Builder], clock: Clock = wall_clock
    ) -> None:
        """Build the services in turn; on failure whatever was opened is closed again."""
        if settings.bus == "kafka":
            topics = {
                settings.facts_topic: settings.partitions,
                settings.inbound_topic: settings.partitions,
                settings.parked_topic: 1,
            }
            create_topics(
                settings.kafka_bootstrap, settings.kafka_client(), topics, settings.replication
            )
        self.settings = settings
        self.services: list[Service] = []
        self._clock = clock
        world = World(settings, clock)
        try:
            for name, build in builders.items():
                self.services.append(Service(settings, name, build, world))
        except BaseException:
            self.stop()
            raise

    def app(self) -> FastAPI:
        """Return the HTTP door of all services here."""
        routers = [service.parts.router for service in self.services]
        routers += [
            admin_routes(service.parts.prefix or f"/{service.parts.name}", service.plumbing.ledger)
            for service in self.services
        ]
        keys = self.settings.jwt_public_keys
        security = Security(
            key_set(keys, time.monotonic) if keys else None,
            Audience(self.settings.jwt_issuer, self.settings.jwt_audience),
            self.settings.service_keys,
            self._clock,
        )
        title = (
            "Quotewright"
            if len(self.services) > 1
            else f"Quotewright {self.services[0].parts.name}"
        )
        return application(
            title, routers, security, self.readiness, Surroundings(clock=self._clock)
        )

    def readiness(self) -> Readiness:
        """Say whether all services here are ready."""
        each = [service.readiness() for service in self.services]
        lag = {name: behind for one in each for name, behind in one.lag.items()}
        return Readiness(
            all(one.ready for one in each), lag, tuple(r for one in each for r in one.reasons)
        )

    def start(self) -> None:
        """Start all loops."""
        for service in self.services:
            service.start()

    def stop(self) -> None:
        """Stop all services; safe after a failed start."""
        threads = [threading.Thread(target=service.stop) for service in self.services]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def serve(name: str, build: Builder) -> None:
    """Run one service in this process until SIGTERM or SIGINT; the end of every services/x/main.py."""
    settings = load()
    logs.configure(settings.log_level, settings.log_format)
    run(House(settings, {name: build}))


def run(house: House) -> None:
    """Serve HTTP and run the loops until a signal; then end the requests, drain, and return."""
    settings = house.settings
    config = uvicorn.Config(
        house.app(),
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
        lifespan="off",
    )
    server = uvicorn.Server(config)
    house.start()
    log.info(
        "serving", port=settings.http_port, services=[each.parts.name for each in house.services]
    )
    try:
        server.run()
    finally:
        house.stop()
        log.info("stopped")
