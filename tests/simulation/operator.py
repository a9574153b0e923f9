"""Operators and foreign hands: poison in the log, second owners, clocks that jump, mends."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, UUID, uuid5

from contracts.envelope import Sealed
from tests.simulation.bus import TOPIC

if TYPE_CHECKING:
    from tests.simulation.room import Room
    from tests.simulation.world import World

JUMPS = (-20, 30, 600, 3600, 30 * 3600, 8 * 86400, 35 * 86400)
FOREIGN = "foreign.thing"
# One that everybody parks, one that quotes and the projector park, one that needs a newer release.
UNREADABLE = ("headers", "body", "newer")


@dataclass(slots=True)
class Operator:
    """What happens to the house from outside of its business."""

    world: "World"
    written: int = 0

    def disturb(self) -> bool:
        """Let one of the mood's disturbances strike, if the dice say so."""
        dice = self.world.dice
        for fault, does in (
            ("unreadable", self._unreadable),
            ("unknown_type", self._unknown_type),
            ("second_owner", self._second_owner),
            ("clock_jump", self._clock_jump),
        ):
            if dice.strikes(fault):
                does()
                return True
        return False

    def mend(self, room: "Room") -> bool:
        """Mend a service's bugs and ask for a retry of everything that it parked."""
        if not room.store.parked():
            return False
        for place in self.world.bugs:
            if place[0] == room.name:
                self.world.bugs[place] = False
        marked = room.store.ask_retry(None)
        self.world.note(f"an operator mends {room.name} and retries {marked} parked records")
        return True

    def discard_foreign(self, room: "Room") -> int:
        """Discard what no retry can mend: foreign records, and what a CRM said wrongly."""
        gone = 0
        for each in room.store.parked():
            foreign = dict(each.headers).get("ce_source") == b"foreign"
            if foreign or each.topic != TOPIC:
                room.store.discard(each.id, "user/operator", "it can not be mended")
                self.world.note(f"an operator discards {room.name}'s record {each.id}")
                gone += 1
        return gone

    # ---- disturbances

    def _second_owner(self) -> None:
        room = self.world.rng.choice(list(self.world.rooms.values()))
        room.second_owner()
        self.world.note(f"another process of {room.name} claims its partitions and its relay")

    def _clock_jump(self) -> None:
        jump = timedelta(seconds=self.world.rng.choice(JUMPS))
        self.world.time += jump
        self.world.note(f"the clock jumps by {jump}")

    def _unreadable(self) -> None:
        kind = self.world.rng.choice(UNREADABLE)
        version = "99" if kind == "newer" else "1"
        self._write("quotewright.QuotePriced", version, broken_headers=kind == "headers")

    def _unknown_type(self) -> None:
        self._write("quotewright.SomethingNew", "1", broken_headers=False)

    def _write(self, wire_type: str, version: str, *, broken_headers: bool) -> None:
        deals = list(self.world.watch.deals)
        if not deals:
            return
        deal_id: UUID = self.world.rng.choice(deals)
        self.written += 1
        thing = uuid5(NAMESPACE_URL, f"{self.world.seed}/{self.written}")
        headers = {
            "ce_specversion": "7" if broken_headers else "1.0",
            "ce_id": f"{FOREIGN}/{thing}/1",
            "ce_source": "foreign",
            "ce_type": wire_type,
            "ce_schemaversion": version,
            "ce_time": self.world.now().isoformat(),
            "ce_partitionkey": str(deal_id),
        }
        packed = tuple((name, text.encode()) for name, text in headers.items())
        record = Sealed(str(deal_id).encode(), packed, json.dumps({"words": 1}).encode())
        self.world.bus.append(TOPIC, [record])
        what = "with unreadable headers" if broken_headers else f"version {version}"
        self.world.note(f"a foreign {wire_type} {what} stands in the log of {deal_id}")
