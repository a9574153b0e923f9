"""One run from one seed: steps by the dice under faults, then calm, and everything is checked."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

import structlog

from tests.simulation import ending
from tests.simulation.bus import SimBus
from tests.simulation.catalogue import remembered_answers
from tests.simulation.crm import Crm
from tests.simulation.desks import Desks
from tests.simulation.faults import Broken
from tests.simulation.operator import Operator
from tests.simulation.people import Speaker
from tests.simulation.story import tell
from tests.simulation.world import World

PEOPLE = 0.2
# How often services go on for a while, and for how many steps at most.
BURSTS, BURST = 0.06, 40
SLOWNESS = 0.95
LATE_ANSWERS = 3
ROUNDS_MAX = 3000
QUIET_ROUNDS = 3
FAR = timedelta(days=70)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: the digest of everything it left behind, or the story of what broke."""

    seed: int
    digest: str
    facts: int
    faults: dict[str, int]
    broken: str | None = None
    rule: str | None = None


class Run:
    """Moves a world. People speak, services work, things go wrong, each by the dice."""

    def __init__(self, seed: int) -> None:
        self.world = World(seed)
        speaker = Speaker(self.world)
        self.crm = Crm(self.world, speaker)
        self.desks = Desks(self.world, speaker)
        self.operator = Operator(self.world)
        self.speaker = speaker
        self.world.meanwhile = self.meanwhile

    def whole(self) -> None:
        """Run under faults, then let the house come to rest and check it.   Raises: Broken."""
        world, rng = self.world, self.world.rng
        for step in range(world.dice.mood.steps):
            world.watch.step = step + 1
            if self.operator.disturb():
                continue
            if rng.random() < PEOPLE:
                self.somebody()
            elif rng.random() < BURSTS:
                self.burst()
            else:
                self.pump()
        self.rest()

    def burst(self) -> None:
        """Let the services work for a while undisturbed by people, so that walks get far."""
        for _ in range(BURST):
            if not self.pump():
                return

    def somebody(self) -> bool:
        """Let one person speak."""
        rng = self.world.rng
        watch = self.world.watch
        offered = any(each.outcome is None and each.on_the_table for each in watch.quotes.values())
        asked = any(each.closed is None for each in watch.cases.values())
        speaks: list[Callable[[], bool]] = [
            self.crm.speak,
            *[self.desks.sell] * 3,
            *[self.desks.buy] * (3 if offered else 1),
            *[self.desks.approve] * (3 if asked else 1),
            self.speaker.say_again,
        ]
        if not self.crm.opened:
            return self.crm.speak()
        if rng.random() < 0.15:
            return self.operator.mend(rng.choice(list(self.world.rooms.values())))
        return rng.choice(speaks)()

    def pump(self) -> bool:
        """Let one part of one service work, of those that have something to do."""
        busy = [each for each, _ in self.world.busy]
        ready = [
            (room, step)
            for room in self.world.rooms.values()
            for step in room.ready()
            if not any(step[1] is each for each in busy)
        ]
        if self.world.rng.random() < SLOWNESS:
            slow = self.world.dice.mood.slow
            ready = [each for each in ready if each[0].name != slow or each[1][0] != "consumer"]
        if not ready:
            return False
        room, (what, who, does) = self.world.rng.choice(ready)
        self.world.act(f"{room.name} {what}", who, does, room)
        return True

    def meanwhile(self) -> None:
        """Let somebody else move within a step: a person, or a part that is not at it already."""
        if self.world.rng.random() < 0.5:
            self.somebody()
        else:
            self.pump()

    def rest(self) -> None:
        """Faults stop; everything drains, is mended, drains again, and is checked each time."""
        world = self.world
        world.dice.calm = True
        world.note("faults stop")
        self._drain()
        ending.check_unafflicted(world)
        for _ in range(ROUNDS_MAX):
            mended = [self.operator.mend(room) for room in world.rooms.values()]
            self._drain()
            if not any(mended):
                break
            for room in world.rooms.values():
                self.operator.discard_foreign(room)
        ending.check_rest(world)
        if world.rng.random() < 0.4:
            world.time += FAR
            world.note("all validities pass")
            for _ in range(LATE_ANSWERS):
                self.desks.buy()
            self._drain()
            ending.check_rest(world)

    def _drain(self) -> None:
        """Let every part work until nothing moves; of several owners the newest is left.

        A fenced owner moves nothing in one round and all of it in the next, so one quiet round is
        no rest yet.
        """
        still = 0
        for _ in range(ROUNDS_MAX):
            moved = False
            for room in self.world.rooms.values():
                room.only_newest_owners()
                for what, who, does in room.steps():
                    moved |= self.world.act(f"{room.name} {what}", who, does, room)
            still = 0 if moved else still + 1
            if still == QUIET_ROUNDS:
                return
        raise Broken("the house comes to rest", f"something moves after {ROUNDS_MAX} rounds")


def run(seed: int) -> Outcome:
    """Run one seed to its end; the same seed leaves the same digest."""
    return replay(seed)[1]


def replay(seed: int) -> tuple[list[str], Outcome]:
    """Run one seed; returns its whole story too."""
    with quiet(), remembered_answers():
        running = Run(seed)
        world, broken, rule = running.world, None, None
        try:
            running.whole()
        except Broken as fault:
            broken, rule = tell(world, fault), fault.rule
    faults, facts = world.dice.thrown, len(world.watch.moments)
    return world.story, Outcome(seed, digest(world), facts, faults, broken, rule)


def digest(world: World) -> str:
    """Return one hash over all streams, rows, positions, messages and the log itself."""
    found = sha256()
    for name, room in world.rooms.items():
        for recorded, value in room.store.log():
            found.update(repr(recorded.meta).encode() + value)
        found.update(json.dumps([name, room.store.state()], default=str).encode())
    found.update(repr(_records(world.bus)).encode())
    found.update(repr(sorted(world.partners.records.items())).encode())
    found.update("\n".join(world.story).encode())
    return found.hexdigest()


def _records(bus: SimBus) -> list:
    return [(name, topic.partitions) for name, topic in bus.topics.items()]


@contextmanager
def quiet() -> Iterator[None]:
    """Drop log lines while a run lasts; they would be thousands, and slower than the run."""
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)
