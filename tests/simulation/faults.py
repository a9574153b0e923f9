"""What goes wrong in a run: how often, chosen from the seed, and the dice that say when."""

from dataclasses import dataclass, fields
from random import Random

from contracts.errors import Unavailable

# Most faults are absent from most runs, so that rare ones meet in all combinations and a story of a
# broken run stays short (swarm testing).
RATES = (0.0, 0.0, 0.01, 0.04, 0.15)
# A service that hardly gets to hear: what it should do piles up, and it hears it in one batch.
SLOW = ("", "", "", "quotes", "approvals", "approvals", "crm_projector", "pricer")

RARER = {
    "handler_bug": 4,
    "crash_before_commit": 2,
    "unreadable": 20,
    "unknown_type": 10,
    "second_owner": 4,
    "clock_jump": 4,
}


class Crash(BaseException):
    """The process is gone: what stood in its memory is lost, what was committed is not."""


class Broken(BaseException):
    """An invariant does not hold. Not an `Exception`: no consumer may take it for a bad record."""

    def __init__(self, rule: str, what: str, deal_id: object = None) -> None:
        super().__init__(f"{rule}: {what}")
        self.rule = rule
        self.what = what
        self.deal_id = deal_id


@dataclass(frozen=True, slots=True)
class Mood:
    """One run's size and how often each thing goes wrong, from 0 to 1 per occasion."""

    deals: int
    steps: int
    partitions: int
    batch: int
    slow: str
    crash_before_commit: float = 0.0
    crash_after_commit: float = 0.0
    crash_after_produce: float = 0.0
    answer_lost: float = 0.0
    store_away: float = 0.0
    bus_away: float = 0.0
    half_produced: float = 0.0
    race: float = 0.0
    old_memory: float = 0.0
    redelivery: float = 0.0
    handler_away: float = 0.0
    handler_bug: float = 0.0
    unreadable: float = 0.0
    unknown_type: float = 0.0
    second_owner: float = 0.0
    clock_jump: float = 0.0
    message_lost: float = 0.0

    @classmethod
    def of(cls, rng: Random) -> "Mood":
        """Draw a mood."""
        rates = {each.name: rng.choice(RATES) for each in fields(cls) if each.type is float}
        # What strikes at every step, or leaves work for people, must be rarer.
        for name, part in RARER.items():
            rates[name] /= part
        return cls(
            deals=rng.choice((1, 1, 2, 3)),
            steps=rng.choice((60, 100, 160, 220)),
            partitions=rng.choice((1, 1, 2, 4)),
            batch=rng.choice((1, 2, 5, 20)),
            slow=rng.choice(SLOW),
            **rates,
        )


class Dice:
    """Says whether a fault strikes now; never while the run is calm."""

    def __init__(self, rng: Random, mood: Mood) -> None:
        self.rng = rng
        self.mood = mood
        self.calm = False
        self.thrown: dict[str, int] = {}

    def strikes(self, fault: str) -> bool:
        """Throw the dice for a fault of the mood."""
        rate: float = getattr(self.mood, fault)
        if self.calm or not rate or self.rng.random() >= rate:
            return False
        self.thrown[fault] = self.thrown.get(fault, 0) + 1
        return True

    def maybe_away(self, fault: str, what: str) -> None:
        """Raises: Unavailable, if the fault strikes."""
        if self.strikes(fault):
            raise Unavailable(f"{what} is not available ({fault})")

    def maybe_crash(self, fault: str) -> None:
        """Raises: Crash, if the fault strikes."""
        if self.strikes(fault):
            raise Crash(fault)
