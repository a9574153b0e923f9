"""One running service: its loops over its own database, a relay, its consumers, timers.

A sender.
"""

import random
import time
from collections.abc import Callable, Sequence

import structlog

from contracts.envelope import Sealed
from contracts.errors import Unavailable
from infra.bus import Bell, Bus, EmbeddedBus, Here
from infra.bus_kafka import KafkaBus
from infra.clock import wall_clock
from infra.deliveries import Sender, client
from infra.inbox import Consumer, Hooks
from infra.loops import Job, Loop
from infra.outbox import PostgresOutbox
from infra.parts import Builder, Plumbing
from infra.postgres import PLUMBING, migrate
from infra.reading import Clock, DoorReading, FactReading
from infra.relay import Relay
from infra.rows import Parked
from infra.settings import Settings
from infra.timers import Timers
from infra.web import Readiness

log = structlog.get_logger("infra.running")
STOP_S = 10.0
POLL_S = 0.5
RETRY_LOOK_S = 0.25
TIMERS_S = 1.0


class World:
    """What the services of one process share: the clock, and what embedded buses share."""

    def __init__(self, settings: Settings, clock: Clock = wall_clock) -> None:
        self.clock = clock
        self._settings = settings
        self._here = Here()

    def bus(self, plumbing: Plumbing) -> Bus:
        """Return the bus of one service."""
        if self._settings.bus == "kafka":
            return KafkaBus(
                self._settings.kafka_bootstrap,
                self._settings.kafka_client(),
                self._settings.instance,
            )
        return EmbeddedBus(plumbing.pool, plumbing.leadership, self._here)


class Service:
    """One running service: its loops over its own database, a relay, its consumers."""

    def __init__(self, settings: Settings, name: str, build: Builder, world: World) -> None:
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
        self._consumers: list[tuple[Loop, Consumer]] = []
        self._lags: dict[str, Callable[[], int]] = {"relay": self.relay.lag}
        self._closing: list[Callable[[], None]] = []
        self._settings = settings

    def start(self) -> None:
        """Start relay, consumers, timers and sender."""
        plumbing, parts = self.plumbing, self.parts
        self._loop(Job(f"{parts.name}.relay", self.relay.step, plumbing.facts_bell))
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
        led = self._led("sender", sender)
        self._loop(Job(f"{parts.name}.sender", led, plumbing.deliveries_bell))
        for loop in self._loops:
            loop.start()

    def readiness(self) -> Readiness:
        """Say whether every loop works, and how far relay and consumers are behind."""
        reasons = [trouble for loop in self._loops if (trouble := loop.trouble)]
        if (own := self.parts.trouble()) is not None:
            reasons.append(f"{self.parts.name}: {own}")
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
        until = time.monotonic() + STOP_S
        late = [loop for loop in self._loops if not loop.join(max(0.0, until - time.monotonic()))]
        if late:
            log.warning("stopped_late", service=self.parts.name, loops=len(late))
        self._release()
        self._drain()
        for close in (*self._closing, self.parts.close, self.bus.close, self.plumbing.close):
            close()

    # ---- inside

    def _loop(self, job: Job) -> Loop:
        loop = Loop(job)
        self._loops.append(loop)
        return loop

    def _consume(self, reading: FactReading | DoorReading) -> None:
        plumbing, name = self.plumbing, self.parts.name
        hooks = Hooks(plumbing.committed, self._copy_parked)
        consumer = Consumer(plumbing.ledger, reading, self.parts.batch_size, hooks)
        source = self.bus.source(name, reading.topic, consumer.claim)
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
        self._lags[reading.topic] = source.lag
        self._closing.append(source.close)

    def _led(self, job: str, sender: Sender) -> Callable[[], int]:
        def step() -> int:
            if not self.plumbing.leadership.holds(job):
                return 0
            return len(sender.dispatch(self.plumbing.deliveries_bell.ring))

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
        try:
            while self.relay.step():
                pass
        except Unavailable as fault:
            log.warning("not_drained", service=self.parts.name, reason=fault.message)
