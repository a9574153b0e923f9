"""The world of a run: one clock, one bus, six services, and everybody's next step by the dice."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random

from contracts.catalogue import every_fact
from contracts.envelope import Meta
from contracts.errors import QuotewrightError, Unavailable
from services.approvals import consumer as approvals
from services.configurator import consumer as configurator
from services.crm_projector import consumer as crm
from services.crm_projector.crm.generic import GenericCrm
from services.crm_projector.handlers import Outward, copy_raw
from services.documents import consumer as documents
from services.pricer import consumer as pricer
from services.quotes import consumer as quotes
from tests.simulation.bus import INBOUND, SimBus
from tests.simulation.catalogue import NoLayout, load
from tests.simulation.faults import Crash, Dice, Mood
from tests.simulation.partners import Partners
from tests.simulation.room import Hearing, Room
from tests.simulation.stores import Surroundings
from tests.simulation.watch import Watch

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CRM = "example"


class World(Surroundings):
    """Everything of one run; nothing in it asks a real clock, another thread or other dice."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        rng = Random(seed)
        super().__init__(Dice(rng, Mood.of(rng)), Watch(load().authority.directory))
        self.rng = rng
        self.around: Surroundings = self
        self.time = BEGIN
        self.ticks = 0.0
        self.story: list[str] = []
        self.bugs: dict[tuple[str, str], bool] = {}
        self.busy: list[tuple[object, Room]] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.bus = SimBus(self.dice, self.interlude)
        self.partners = Partners(self)
        self.rooms = {name: Room(self, name, each) for name, each in self._hearings().items()}

    def _hearings(self) -> dict[str, Hearing]:
        found = load()
        outward = Outward(GenericCrm(None), frozenset({CRM}))  # type: ignore[arg-type]
        return {
            "crm_projector": Hearing(
                crm.hears(outward),
                copies=partial(copy_raw, registry=every_fact()),
                doors=(crm.door(INBOUND),),
                rows=True,
            ),
            "quotes": Hearing(quotes.hears(found.units), quotes.reminders(found.units)),
            "configurator": Hearing(configurator.hears(found.products)),
            "pricer": Hearing(pricer.hears(found.books)),
            "approvals": Hearing(
                approvals.hears(found.authority), approvals.reminders(found.authority)
            ),
            "documents": Hearing(documents.hears(found.stationery, NoLayout())),
        }

    # ---- what stores, bus and services ask of the world

    def now(self) -> datetime:
        """Return the time of the run."""
        return self.time

    def seconds(self) -> float:
        """Return the seconds of the run so far; clock jumps do not touch them."""
        return self.ticks

    def sleep(self, seconds: float) -> None:
        """Let time pass for everybody: who waits does nothing else."""
        self.ticks += seconds
        self.time += timedelta(seconds=seconds)

    def jitter(self, longest_s: float) -> float:
        """Choose a wait by the dice."""
        return self.rng.uniform(0, longest_s)

    def note(self, what: str) -> None:
        """Write a line of the story."""
        self.story.append(f"{self.watch.step:>5}  {self.time:%m-%d %H:%M:%S}  {what}")

    def interlude(self) -> None:
        """Let somebody else move in the middle of a step, where the dice say so.

        If that ends the process whose step it is, the step ends too.
        """
        if len(self.busy) != 1 or not self.dice.strikes("race"):
            return
        _, room = self.busy[0]
        life = room.life
        self.note("  meanwhile:")
        self.meanwhile()
        if room.life != life:
            raise Crash("the process ended meanwhile")

    def before_handler(self, service: str, meta: Meta) -> None:
        """Let a handler fail: not available now, or a bug that stays until it is mended."""
        self.dice.maybe_away("handler_away", f"what {service} needs")
        place = (service, meta.id)
        if place not in self.bugs and self.dice.strikes("handler_bug"):
            self.bugs[place] = True
        if self.bugs.get(place):
            raise RuntimeError("a bug on purpose")

    # ---- steps

    def act(self, what: str, who: object, does: Callable[[], object], room: Room) -> bool:
        """Do one step and note it; True, if it did something.   Raises: Broken."""
        self.sleep(self.rng.randint(1, 900) / 1000)
        self.busy.append((who, room))
        line = len(self.story)
        try:
            done = bool(does())
            told = ""
        except Crash as crash:
            room.start()
            done, told = True, f" -> {crash}; the process starts anew"
        except Unavailable as fault:
            done, told = True, f" -> not available: {fault.message}"
        except QuotewrightError as fault:
            done, told = True, f" -> refused: {fault.code}"
        finally:
            self.busy.pop()
        if done:
            self.note(what + told)
            # A step reads before what happened within it.
            self.story.insert(line, self.story.pop())
        return done
