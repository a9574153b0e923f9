"""One running service: relay, consumers, timers, sender, each a loop over its own database.

And how all of it stands, for who looks from outside.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence

import structlog

from contracts.envelope import Sealed
from contracts.errors import Unavailable
from infra import VERSION
from infra.bus import Bell, Bus
from infra.bus_embedded import EmbeddedBus, Here
from infra.bus_kafka import KafkaBus
from infra.clock import wall_clock
from infra.comparing import compare_with_log
from infra.deliveries import Sender, client
from infra.inbox import Consumer, Hooks
from infra.loops import Job, Loop
from infra.mail import mailer_of
from infra.metrics import Meter
from infra.outbox import PostgresOutbox
from infra.parts import Builder, Plumbing
from infra.postgres import PLUMBING, migrate, migration_files
from infra.reading import Clock, DoorReading, FactReading
from infra.relay import Relay
from infra.rows import Parked
from infra.settings import Settings
from infra.status import Hearing, Status, TablesReader
from infra.timers import Timers
from infra.topic_watch import PostgresTopicIds
from infra.watching import Watched

log = structlog.get_logger("infra.running")
STOP_S = 10.0
POLL_S = 0.5
RETRY_LOOK_S = 0.25
TIMERS_S = 1.0
CHORES_S = 1.0


class World:
    """What the services of one process share: clock, meter, and what embedded buses share."""

    def __init__(
        self, settings: Settings, clock: Clock = wall_clock, meter: Meter | None = None
    ) -> None:
        self.clock = clock
        self.meter = meter or Meter()
        self._settings = settings
        self._here = Here()

    def bus(self, plumbing: Plumbing) -> Bus:
        """Return the bus of one service."""
        if self._settings.bus == "kafka":
            return KafkaBus(
                self._settings.kafka_bootstrap,
                self._settings.kafka_client(),
                self._settings.instance,
                PostgresTopicIds(plumbing.pool),
            )
        return EmbeddedBus(plumbing.pool, plumbing.leadership, self._here)


class Service:
    """One running service: its loops over its own database, a relay, its consumers."""

    def __init__(self, settings: Settings, name: str, build: Builder, world: World) -> None:
        """Open the database, migrate it, build the parts; nothing runs before `start`."""
        self.plumbing = Plumbing(settings, name, world.clock, world.meter.commands(name))
        self.parts = build(settings, self.plumbing)
        self.plumbing.ledger.read_with(self.parts.registry)
        folders = [PLUMBING, *([self.parts.migrations] if self.parts.migrations else [])]
        with self.plumbing.pool.connection() as connection:
            for applied in migrate(connection, folders):
                log.info("migrated", service=name, file=applied)
        self._migrations = [file for file, _ in migration_files(folders)]
        self.bus = world.bus(self.plumbing)
        self._compare(settings.facts_topic)
        self.relay = Relay(
            self.plumbing.pool, self.plumbing.leadership, self.bus, settings.facts_topic
        )
        self._loops: list[Loop] = []
        self._consumers: list[tuple[Loop, Consumer]] = []
        self._relaying: Loop | None = None
        self._watched: dict[str, Watched] = {}
        self._tables = TablesReader(self.plumbing.pool, world.clock)
        self._meter = world.meter
        self._closing: list[Callable[[], None]] = []
        self._settings = settings

    def start(self) -> None:
        """Start relay, consumers, timers and sender."""
        plumbing, parts = self.plumbing, self.parts
        job = Job(f"{parts.name}.relay", self.relay.step, plumbing.facts_bell)
        self._relaying = self._loop(job)
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
        timers = Timers(
            plumbing.ledger,
            plumbing.leadership,
            parts.reminders,
            plumbing.clock,
            plumbing.committed,
        )
        if parts.reminders:
            self._loop(Job(f"{parts.name}.timers", timers.step, Bell(), idle_max_s=TIMERS_S))
        self._send()
        for name, chore in parts.chores.items():
            step = self._led(name, chore.step)
            self._loop(Job(f"{parts.name}.{name}", step, chore.bell, idle_max_s=CHORES_S))
        for loop in self._loops:
            loop.start()

    def status(self, *, look: bool = True) -> Status:
        """Say how the service stands; without a look, only what is known without its database."""
        name = self.parts.name
        reasons = [trouble for loop in self._loops if (trouble := loop.trouble)]
        if (own := self.parts.trouble()) is not None:
            reasons.append(f"{name}: {own}")
        tables = None
        lags: dict[str, int] = {}
        try:
            tables = self._tables.look() if look else None
            if look:
                lags = {each: watched.lag() for each, watched in self._watched.items()}
        except Unavailable as fault:
            reasons.append(f"{name}: {fault.message}")
        if not look:
            reasons.append(f"{name}: the database does not answer in time")
        late_s = self._tables.unpublished_for_s() if tables is None else tables.relay_lag_s
        applied = self._migrations if tables is None else tables.migrations
        return Status(
            service=name,
            version=VERSION,
            bus=self._settings.bus,
            ready=not reasons,
            reasons=reasons,
            consumers=[
                Hearing(topic, each.is_active(), _sum(lags.get(topic), each), each.lag_s())
                for topic, each in self._watched.items()
            ],
            relay_leads=self.plumbing.leadership.has("relay"),
            relay_lag_s=late_s,
            tables=tables,
            migrations_missing=sorted({*self._migrations} - {*applied}),
            connections=_connections(self.plumbing.pool.get_stats()),
            loops={each.name.removeprefix(f"{name}."): not each.trouble for each in self._loops},
        )

    def stop(self) -> None:
        """Stop accepting work, let every step end, publish what is left, close."""
        for loop in self._loops:
            loop.stop()
        until = time.monotonic() + STOP_S
        late = [loop for loop in self._loops if not loop.join(max(0.0, until - time.monotonic()))]
        if late:
            log.warning("stopped_late", service=self.parts.name, loops=len(late))
        self._release()
        self._drain()
        for close in (*self._closing, self.parts.close, self.bus.close, self.plumbing.close):
            close()

    # ---- inside

    def _compare(self, topic: str) -> None:
        """Refuse to go on over tables that were set back to before what is published."""
        try:
            compare_with_log(self.parts.name, self.plumbing.pool, self.bus, topic)
        except BaseException:
            for close in (self.parts.close, self.bus.close, self.plumbing.close):
                close()
            raise

    def _loop(self, job: Job) -> Loop:
        loop = Loop(job)
        self._loops.append(loop)
        return loop

    def _send(self) -> None:
        """Start the sender of deliveries."""
        http = client()
        outbox = PostgresOutbox(self.plumbing.pool)
        jitter = random.SystemRandom().uniform
        sender = Sender(
            outbox,
            self._settings.endpoints,
            http,
            self.plumbing.clock,
            lambda ceiling: jitter(0, ceiling),
        )
        sender.mailer = mailer_of(self._settings, self.parts.letters)
        self._closing += [sender.close, http.close]
        led = self._led("sender", lambda: len(sender.dispatch(self.plumbing.deliveries_bell.ring)))
        self._loop(Job(f"{self.parts.name}.sender", led, self.plumbing.deliveries_bell))

    def _consume(self, reading: FactReading | DoorReading) -> None:
        plumbing, name = self.plumbing, self.parts.name
        meter = self._meter.hearing(name, reading.topic)

        def parked(records: Sequence[Parked]) -> None:
            meter.parked(len(records))
            self._copy_parked(records)

        hooks = Hooks(plumbing.committed, parked, dropped=meter.dropped)
        consumer = Consumer(plumbing.ledger, reading, self.parts.batch_size, hooks)
        ours = isinstance(reading, FactReading)
        found = self.bus.source(name, reading.topic, consumer.claim)
        source = Watched(found, meter, plumbing.clock, ours=ours)
        looked = 0.0
        retried = 0

        def step() -> int:
            nonlocal looked, retried
            done = consumer.step(source, 0 if retried else POLL_S)
            if retried or time.monotonic() - looked > RETRY_LOOK_S:
                looked = time.monotonic()
                retried = consumer.retry_parked()
            return done + retried

        job = Job(f"{name}.consumer.{reading.topic}", step, Bell(), waits_itself=True)
        self._consumers.append((self._loop(job), consumer))
        self._watched[reading.topic] = source
        self._closing.append(source.close)

    def _led(self, job: str, work: Callable[[], int]) -> Callable[[], int]:
        def step() -> int:
            return work() if self.plumbing.leadership.holds(job) else 0

        return step

    def _copy_parked(self, parked: Sequence[Parked]) -> None:
        """Show other teams what could not be handled.

        The rows are the truth, so a failure is only told.
        """
        by = ("parked_by", self.parts.name.encode())
        records = [
            Sealed(each.key, (*each.headers, by, ("parked_code", each.code.encode())), each.value)
            for each in parked
        ]
        try:
            self.bus.produce(self._settings.parked_topic, records)
        except Unavailable as fault:
            log.warning("parked_not_copied", service=self.parts.name, reason=fault.message)

    def _release(self) -> None:
        """Give partitions back, but for those whose step has not come back: it may never do so."""
        for loop, consumer in self._consumers:
            try:
                if loop.join(0):
                    consumer.release()
            except Unavailable as fault:
                log.warning("not_released", service=self.parts.name, reason=fault.message)

    def _drain(self) -> None:
        if self._relaying is not None and not self._relaying.join(0):
            return  # its step has not come back, and two at once would disturb one another
        until = time.monotonic() + STOP_S
        try:
            while self.relay.step() and time.monotonic() < until:
                pass
        except Unavailable as fault:
            log.warning("not_drained", service=self.parts.name, reason=fault.message)


def _sum(lag: int | None, watched: Watched) -> int | None:
    """Add what is in hand to what is not polled yet."""
    return None if lag is None else lag + watched.in_hand()


def _connections(stats: Mapping[str, int]) -> dict[str, int]:
    """Return how many connections of a pool are in use and free, and how many requests wait."""
    size, free = stats.get("pool_size", 0), stats.get("pool_available", 0)
    return {
        "in_use": max(0, size - free),
        "free": free,
        "waiting": stats.get("requests_waiting", 0),
    }
