"""What a service hands in (`Parts`) and what it gets to build with (`Plumbing`)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import APIRouter

from contracts.envelope import Fact, Meta, Registry
from infra.ask import Asker, HttpAsker
from infra.bus import Bell
from infra.desk import CommandDesk
from infra.leadership import Leadership
from infra.ledger import PostgresLedger
from infra.mail import Compose
from infra.metrics import CommandMeter
from infra.pages import Pages
from infra.postgres import open_pool
from infra.reading import Clock, Door
from infra.rows import Progress
from infra.seen import PostgresSeen
from infra.settings import Settings
from infra.webhooks import Verifier
from infra.work import Cause, Handler, Recorded, ReminderHandler, Work


@dataclass(frozen=True, slots=True)
class Chore:
    """Work in the background, one step after the other, in one process of the service at a time.

    A step is short, returns how much it did, and goes on from what is stored; `bell` wakes it.
    """

    step: Callable[[], int]
    bell: Bell


@dataclass(frozen=True, slots=True)
class Parts:
    """What makes a service: its name, what it hears, its routes, its timers, its own tables.

    `face` draws its pages; `letters` composes its mail; `trouble` says why the service can not do
    its work yet; `close` ends what it started.
    """

    name: str
    hears: Mapping[type[Fact], Handler]
    registry: Registry
    router: APIRouter
    batch_size: int
    reminders: Mapping[str, ReminderHandler] = field(default_factory=dict)
    copies: Callable[[Meta, bytes, Work], None] | None = None
    doors: Sequence[Door] = ()
    chores: Mapping[str, Chore] = field(default_factory=dict)
    migrations: Path | None = None
    prefix: str | None = None
    face: Pages | None = None
    letters: Compose | None = None
    trouble: Callable[[], str | None] = lambda: None
    close: Callable[[], None] = lambda: None


class CountedLedger(PostgresLedger):
    """The ledger of a running service: its transactions are counted by outcome."""

    meter: CommandMeter

    def commit(self, works: Sequence[Work], progress: Progress | None = None) -> None:
        """Write all works and the progress, or nothing; see `PostgresStore.commit`."""
        with self.meter.commit():
            super().commit(works, progress)

    def carry_out(self, work: Work, stands_on: Mapping[str, int]) -> None:
        """Write a command; see `PostgresStore`, which calls `commit` if it has no facts."""
        if not work.facts:
            super().carry_out(work, stands_on)
            return
        with self.meter.commit():
            super().carry_out(work, stands_on)


class Plumbing(CommandDesk):
    """What a service's main builds on: commands, and the doors to the outside it may use."""

    def __init__(self, settings: Settings, name: str, clock: Clock, meter: CommandMeter) -> None:
        """Open the service's database; the store gets its registry when the parts are built."""
        self.settings = settings
        self.clock = clock
        self.facts_bell = Bell()
        self.deliveries_bell = Bell()
        self.pool = open_pool(settings.dsn_of(name), name, (settings.pool_min, settings.pool_max))
        self.leadership = Leadership(settings.dsn_of(name), name)
        self.ledger = CountedLedger(name, self.pool, Registry([]))
        self.ledger.meter = self._meter = meter
        self.verifier = Verifier(settings.webhook_keys, PostgresSeen(self.pool), clock)
        self._http = HttpAsker(settings.peers, settings.service_key)
        self.asker: Asker = self._http
        super().__init__(self.ledger, self.committed)

    def run(self, cause: Cause, handler: Callable[[Work], None]) -> tuple[Recorded, ...]:
        """Run a handler as one command, timed; see `Commands.run`."""
        with self._meter.command():
            return super().run(cause, handler)

    def committed(self, works: Sequence[Work]) -> None:
        """Wake who has something to do after a commit: the relay, the sender."""
        if any(work.facts for work in works):
            self.facts_bell.ring()
        if any(work.deliveries for work in works):
            self.deliveries_bell.ring()

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()
        self.leadership.close()
        self.pool.close()


Builder = Callable[[Settings, Plumbing], Parts]
