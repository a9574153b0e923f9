"""The systems outside: a CRM that takes write-backs, the approvers' system that takes asks."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from infra.deliveries import webhook_id
from infra.outbox import DueDelivery, Setback

if TYPE_CHECKING:
    from tests.simulation.room import Room
    from tests.simulation.world import World

AGAIN = timedelta(seconds=20)


@dataclass(slots=True)
class Partners:
    """Both systems, and the way there: a message may be lost, or its answer."""

    world: "World"
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    asks: dict[str, dict[str, Any]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def send(self, room: "Room") -> bool:
        """Start sending a due message, or let one that flies arrive; True, if there was one."""
        rng, outbox = self.world.rng, room.store.outbox
        due = outbox.due(self.world.now(), 32, list(room.flying), ())
        if due and (not room.flying or rng.random() < 0.5):
            chosen = rng.choice(due)
            room.flying[chosen.key] = chosen
            return True
        if not room.flying:
            return False
        flown = room.flying.pop(rng.choice(sorted(room.flying)))
        if self.world.dice.strikes("message_lost"):
            taken = rng.random() < 0.5
            if taken:
                self._take(flown)
            setback = Setback("no answer", self.world.now() + AGAIN, stuck=False)
            outbox.retry(flown.key, flown.generation, setback)
            return True
        self._take(flown)
        outbox.done(flown.key, flown.generation)
        return True

    def _take(self, due: DueDelivery) -> None:
        """Take a message once; of one key the newest counts."""
        message = webhook_id(due)
        if message in self.taken:
            return
        self.taken.add(message)
        if due.target == "approvals":
            self.asks[due.key] = {**due.body, "_event": due.event_type}
            return
        known = self.records.get(due.body["quote_id"])
        if known is None or due.body["sequence"] > known["sequence"]:
            self.records[due.body["quote_id"]] = dict(due.body)
