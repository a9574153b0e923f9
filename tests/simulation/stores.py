"""The stores of a run: the memory store with faults, and read tables for the projector."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts.envelope import Registry
from contracts.errors import Unavailable
from infra.keeping import Claimed
from infra.memory import MemoryStore
from infra.outbox import MemoryOutbox
from infra.rows import Parked, Progress
from infra.work import Recorded, Work
from services.crm_projector import generations
from services.crm_projector.handlers import COPY
from services.crm_projector.rows import KEYS
from tests.simulation.faults import Dice
from tests.simulation.watch import Watch

# The projector's generation that is read; a run has no other.
CURRENT = 1
SAVE = generations.save(CURRENT)


class Surroundings(ABC):
    """What a store needs of the run: dice, watch, clock, and a way to let others move."""

    def __init__(self, dice: Dice, watch: Watch) -> None:
        self.dice = dice
        self.watch = watch

    @abstractmethod
    def now(self) -> datetime:
        """Return the time."""

    @abstractmethod
    def interlude(self) -> None:
        """Let somebody else move between a decision and its commit."""


class SimStore(MemoryStore):
    """A memory store that may be away, crash around a commit, or lose the commit's answer."""

    def __init__(self, source: str, registry: Registry, around: Surroundings) -> None:
        super().__init__(source, registry)
        self.outbox = MemoryOutbox()
        self._around = around

    def commit(self, works: Sequence[Work], progress: Progress | None = None) -> None:
        """Commit as the memory store does, with what may go wrong before and after."""
        self._before()
        super().commit(works, progress)
        self._after()

    def kept(self, stream: str) -> Sequence[Recorded]:
        """Return what a process may have in memory of a stream: all, or only its first facts."""
        dice, facts = self._around.dice, self.read(stream)
        if not self._around.dice.strikes("old_memory"):
            return facts
        return facts[: dice.rng.randint(0, len(facts))]

    def carry_out(self, work: Work, stands_on: Mapping[str, int]) -> None:
        """Carry out a command as the memory store does, with what may go wrong around it."""
        self._before()
        super().carry_out(work, stands_on)
        self._after()

    def unpark(
        self,
        parked: Sequence[Parked],
        works: Sequence[Work],
        epoch: int,
        stands_on: Mapping[str, int] | None = None,
        inbox: Mapping[str, int] | None = None,
    ) -> None:
        """Write works and drop their parked records; one commit."""
        self._before()
        super().unpark(parked, works, epoch, stands_on, inbox)
        self._after()

    def claim(self, topic: str, partition: int, *, clean: bool = False) -> Claimed:
        """Claim a partition, if the store is there."""
        self._around.dice.maybe_away("store_away", self.source)
        return super().claim(topic, partition, clean=clean)

    def attempt(self, topic: str, partition: int, epoch: int) -> int:
        """Count an attempt, if the store is there."""
        self._around.dice.maybe_away("store_away", self.source)
        return super().attempt(topic, partition, epoch)

    def save_relay(self, before: int, after: int, epoch: int) -> bool:
        """Save the relay's position, if the store is there."""
        self._around.dice.maybe_away("store_away", self.source)
        return super().save_relay(before, after, epoch)

    def log(self) -> list[tuple[Any, bytes]]:
        """Return all facts as they stand in the table."""
        return self._log

    def state(self) -> dict[str, Any]:
        """Return everything but the facts, for a digest."""
        return {
            "names": self._names,
            "numbers": self._numbers,
            "bodies": sorted(self._bodies),
            "inbox": self._inbox,
            "positions": [[*map(str, place), *kept] for place, kept in self._positions.items()],
            "parked": [(each.id, each.offset, each.reason) for each in self._parked],
            "reminders": {each.key: each.due_at.isoformat() for each in self.reminders.values()},
            "published": self.published,
        }

    def asked(self) -> bool:
        """Say whether somebody asked to retry a parked record."""
        return bool(self._retry)

    def _before(self) -> None:
        dice = self._around.dice
        self._around.interlude()
        dice.maybe_away("store_away", self.source)
        dice.maybe_crash("crash_before_commit")

    def _after(self) -> None:
        dice = self._around.dice
        dice.maybe_crash("crash_after_commit")
        if dice.strikes("answer_lost"):
            raise Unavailable("the commit's answer is lost")

    def _write(self, work: Work) -> None:
        super()._write(work)
        for each in work.deliveries:
            self.outbox.put(each, self._around.now())
        self._around.watch.committed(self.source, work)


class RowStore(SimStore):
    """The projector's store: keeps what its live path writes, in dicts, as the tables would."""

    def __init__(self, source: str, registry: Registry, around: Surroundings) -> None:
        super().__init__(source, registry, around)
        self.copies: dict[str, dict[str, Any]] = {}
        self.states: dict[str, tuple[int, str]] = {}
        self.rows: dict[tuple[str, ...], dict[str, Any]] = {}
        self._seq = 0

    def query(
        self, statement: str, params: Mapping[str, Any] | Sequence[Any] = ()
    ) -> list[dict[str, Any]]:
        """Answer the two questions of the live path: what to feed, and some deals' states."""
        if statement == generations.FEEDING:
            return [{"epoch": 1, "numbers": [CURRENT]}]
        if statement == generations.states_of(CURRENT) and isinstance(params, Mapping):
            found = {each: self.states.get(str(each)) for each in params["deals"]}
            return [
                {"deal_id": deal, "revision": kept[0], "state": kept[1]}
                for deal, kept in found.items()
                if kept
            ]
        raise AssertionError(f"the simulation knows no such question: {statement}")

    def in_the_order_taken_up(self) -> list[dict[str, Any]]:
        """Return the copied facts as a rebuild reads them: in order, without what is parked."""
        return sorted(
            (each for each in self.copies.values() if not each["held"]),
            key=lambda each: each["seq"],
        )

    def _check(self, works: Sequence[Work], progress: Progress | None) -> None:
        super()._check(works, progress)
        for work in works:
            for statement, params in work.statements:
                if statement == SAVE and isinstance(params, Mapping):
                    self._check_revisions(json.loads(params["states"]))

    def _check_revisions(self, told: Sequence[Mapping[str, Any]]) -> None:
        for each in told:
            if self.states.get(each["deal_id"], (0, ""))[0] != each["expected"]:
                raise Unavailable("a deal was folded by somebody else")

    def _write(self, work: Work) -> None:
        for statement, params in work.statements:
            if isinstance(params, Mapping):
                self._carry_out(statement, params)
        super()._write(work)

    def _carry_out(self, statement: str, params: Mapping[str, Any]) -> None:
        if statement == COPY:
            for values in zip(*params.values(), strict=True):
                self._copy(dict(zip(params, values, strict=True)))
        elif statement == SAVE:
            self._save(params)
        elif statement != generations.FEED:
            raise AssertionError(f"the simulation knows no such statement: {statement}")

    def _copy(self, copy: dict[str, Any]) -> None:
        known = self.copies.get(copy["id"])
        self._seq += 1
        if known is None:
            self.copies[copy["id"]] = {**copy, "seq": self._seq}
        elif known["held"] and not copy["held"]:
            known |= {"held": False, "seq": self._seq}

    def _save(self, params: Mapping[str, Any]) -> None:
        for told in json.loads(params["states"]):
            text = json.dumps(told["state"])
            self.states[told["deal_id"]] = (told["expected"] + 1, text)
        for table, columns in KEYS.items():
            for row in json.loads(params[table]):
                self.rows[table, *(str(row[each]) for each in columns)] = row
