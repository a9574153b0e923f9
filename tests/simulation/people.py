"""People and their commands: each may be said twice, again after a lost answer, or too late."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from contracts.errors import Unavailable
from infra.desk import CommandReused
from infra.work import Cause, Work
from tests.simulation.faults import Broken

if TYPE_CHECKING:
    from tests.simulation.world import World

REMEMBERED = 12


@dataclass(frozen=True, slots=True)
class Said:
    """One command as somebody said it."""

    room: str
    command_id: str
    actor: str
    what: str
    handler: Callable[[Work], None]


@dataclass(slots=True)
class Speaker:
    """Says commands to the services' desks and remembers them, to say them again."""

    world: "World"
    count: int = 0
    said: list[Said] = field(default_factory=list)
    unanswered: list[Said] = field(default_factory=list)
    outcomes: dict[str, list[str]] = field(default_factory=dict)

    def say(self, room: str, actor: str, what: str, handler: Callable[[Work], None]) -> bool:
        """Say a new command."""
        self.count += 1
        return self._run(Said(room, f"{actor}:{self.count}", actor, what, handler), "")

    def say_as(
        self, room: str, command_id: str, what: str, handler: Callable[[Work], None]
    ) -> bool:
        """Say a command under an id that the speaker's system chose."""
        return self._run(Said(room, command_id, "system/crm", what, handler), "")

    def say_again(self) -> bool:
        """Say a command again: one whose answer was lost, or any of the last ones."""
        rng = self.world.rng
        if self.unanswered and rng.random() < 0.8:
            return self._run(self.unanswered.pop(0), "again: ")
        if not self.said:
            return False
        earlier = rng.choice(self.said)
        # What a CRM says may have come by the topic, which knows no requests.
        ours = earlier.room != "crm_projector"
        if ours and self.outcomes.get(earlier.command_id) and rng.random() < 0.1:
            return self._abuse(earlier)
        return self._run(earlier, "again: ")

    def _run(self, said: Said, again: str) -> bool:
        room = self.world.rooms[said.room]
        self.said = [*self.said[-REMEMBERED:], said]

        def run() -> bool:
            digest = sha256(said.what.encode()).hexdigest()
            cause = Cause(said.command_id, self.world.now(), said.actor, request_sha256=digest)
            try:
                facts = room.desk.run(cause, said.handler)
            except Unavailable:
                self.unanswered.append(said)
                raise
            self._compare(said, [each.id for each in facts])
            return True

        what = f"{said.actor} {again}{said.what}"
        return self.world.act(what, object(), run, room)

    def _compare(self, said: Said, ids: list[str]) -> None:
        earlier = self.outcomes.setdefault(said.command_id, ids)
        if earlier and earlier != ids:
            raise Broken("the same command id twice is one outcome", f"{earlier}, then {ids}")
        self.outcomes[said.command_id] = earlier or ids

    def _abuse(self, earlier: Said) -> bool:
        """Use a command id for another request; it must be refused."""
        room = self.world.rooms[earlier.room]

        def run() -> bool:
            cause = Cause(earlier.command_id, self.world.now(), earlier.actor, request_sha256="x")
            try:
                room.desk.run(cause, earlier.handler)
            except CommandReused:
                return True
            raise Broken("a command id is not reused for another request", earlier.command_id)

        return self.world.act(f"{earlier.actor} reuses an id", object(), run, room)
