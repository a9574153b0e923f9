"""One service of a run: the real consumer, relay, timers and desk over a simulated store."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from contracts.catalogue import every_fact
from contracts.envelope import Opened
from infra.desk import CommandDesk
from infra.inbox import Consumer, Hooks
from infra.memory import MemoryRelay
from infra.outbox import DueDelivery
from infra.parking import Missing
from infra.patience import Patience
from infra.reading import Door, DoorReading, FactReading
from infra.rows import Parked
from infra.timers import Timers
from infra.work import Handler, Work
from tests.simulation.bus import INBOUND, TOPIC, SimSource
from tests.simulation.faults import Broken
from tests.simulation.stores import RowStore, SimStore

if TYPE_CHECKING:
    from tests.simulation.world import World

Step = tuple[str, object, Callable[[], object]]
"""What a part is called, who it is, and what it does."""

OLD_OWNERS_MAX = 2
COMMAND_S = 2.0


class Leader:
    """Always leads: who else thinks so is fenced by position and epoch."""

    def holds(self, job: str) -> bool:
        """Say yes."""
        return bool(job)


@dataclass(frozen=True, slots=True)
class Hearing:
    """What a service hears and does later: its tables, as its `main` hands them in."""

    hears: Mapping[Any, Handler]
    reminders: Mapping[str, Any] = field(default_factory=dict)
    copies: Any = None
    doors: Sequence[Door] = ()
    rows: bool = False


@dataclass(slots=True, eq=False)
class Ear:
    """One consumer with its source; several of one topic are owners that do not know better."""

    topic: str
    consumer: Consumer
    source: SimSource


class Room:
    """One service. `start` is a new process: it keeps nothing but what the store has."""

    def __init__(self, world: "World", name: str, hearing: Hearing) -> None:
        self.world = world
        self.name = name
        self.hearing = hearing
        around = world.around
        store = RowStore if hearing.rows else SimStore
        self.store: SimStore = store(name, every_fact(), around)
        self.life = 0
        self.start()

    def start(self) -> None:
        """Begin a process."""
        self.life += 1
        world = self.world
        patience = Patience(COMMAND_S, world.seconds, world.sleep, world.jitter)
        self.desk = CommandDesk(self.store, lambda _: None, patience)
        self.relays = [self._relay()]
        self.timers = Timers(
            self.store, Leader(), self.hearing.reminders, self.world.now, lambda _: None
        )
        self.ears = [self._ear(TOPIC), *(self._ear(INBOUND) for _ in self.hearing.doors)]
        self.flying: dict[str, DueDelivery] = {}

    def second_owner(self) -> None:
        """Let another process of this service claim what this one still works on."""
        self.ears = [*self.ears[-OLD_OWNERS_MAX:], self._ear(TOPIC)]
        self.relays = [*self.relays[-OLD_OWNERS_MAX:], self._relay()]

    def only_newest_owners(self) -> None:
        """End the processes that others have taken over from."""
        self.relays = self.relays[-1:]
        self.ears = list({each.topic: each for each in self.ears}.values())

    def steps(self) -> Iterator[Step]:
        """Give what every part of the service can do next."""
        yield from (("relay", each, each.step) for each in self.relays)
        for ear in self.ears:
            yield "consumer", ear, partial(ear.consumer.step, ear.source, 0)
            yield "retries", ear, ear.consumer.retry_parked
        yield "timers", self.timers, self.timers.step
        yield "sender", self.flying, partial(self.world.partners.send, self)

    def ready(self) -> Iterator[Step]:
        """Give only what has something to do now, as far as one can see from outside."""
        store = self.store
        idle = {
            "relay": store.published == len(store.log()),
            "retries": not store.asked(),
            "timers": not store.due_reminders(self.world.now(), 1),
            "sender": not self.flying and not store.outbox.due(self.world.now(), 1, (), ()),
        }
        for what, who, does in self.steps():
            nothing = not who.source.behind() if isinstance(who, Ear) else True
            if not idle.get(what, nothing):
                yield what, who, does

    def _relay(self) -> MemoryRelay:
        return MemoryRelay(self.store, self.world.bus, TOPIC)

    def _ear(self, topic: str) -> Ear:
        hooks = Hooks(lambda _: None, self._parked, self.world.seconds, self.world.jitter)
        reading = self._door() if topic == INBOUND else self._facts()
        consumer = Consumer(self.store, reading, self.world.dice.mood.batch, hooks)
        return Ear(topic, consumer, self.world.bus.source(self.name, topic, consumer.claim))

    def _facts(self) -> FactReading:
        hears = {each.wire_type(): self._heard(does) for each, does in self.hearing.hears.items()}
        copies, clock = self.hearing.copies, self.world.now
        return FactReading(TOPIC, every_fact(), hears, copies, self.name, clock)

    def _door(self) -> DoorReading:
        return DoorReading(INBOUND, self.hearing.doors[0], self.name, self.world.now)

    def _heard(self, handler: Handler) -> Handler:
        """Let the handler fail where the dice say so, and mark what it has handled."""

        def heard(opened: Opened, work: Work) -> None:
            self.world.before_handler(self.name, opened.meta)
            handler(opened, work)
            work.handled = opened.meta  # type: ignore[attr-defined]

        return heard

    def _parked(self, parked: Sequence[Parked]) -> None:
        for each in parked:
            self.world.note(f"{self.name} parks offset {each.offset}: {each.reason}")
            if each.code == Missing.code:
                rule = "no fact is taken for one behind a hole"
                raise Broken(rule, f"{self.name}, offset {each.offset}", each.key.decode())
