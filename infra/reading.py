"""How a record of a topic becomes a work.

Facts of ours, or a foreign system's messages at a door.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Protocol

from contracts.envelope import NAME_BYTES_MAX, Meta, Opened, Registry, read_meta
from contracts.errors import Poison
from infra.wire import Arrived
from infra.work import Batch, Cause, Desk, Handler, Work

Clock = Callable[[], datetime]


@lru_cache(maxsize=2048)
def _meta(headers: tuple[tuple[str, bytes], ...]) -> Meta:
    """Read attributes once per record, though several steps and services ask for them."""
    return read_meta(headers)


class Reading(Protocol):
    """How records of one topic become works: facts of ours, or a foreign system's messages."""

    @property
    def topic(self) -> str:
        """The topic this reads."""
        ...

    def place(self, record: Arrived) -> tuple[str, int] | None:
        """Return stream and version for dropping duplicates, or None where the command id does it.

        Raises: Poison, if the headers can not be read.
        """
        ...

    def matters(self, record: Arrived) -> bool:
        """Say whether anybody here wants the record.

        What nobody hears is neither handled nor parked.
        """
        ...

    def begin(self, record: Arrived, desk: Desk, batch: Batch) -> Work:
        """Open the work of one record and do what happens to it even if it can not be handled."""
        ...

    def handle(self, record: Arrived, work: Work) -> None:
        """Let the handler decide.   Raises: Poison, Unavailable, or whatever a bug raises."""
        ...


@dataclass(frozen=True, slots=True)
class Sifted:
    """A record with its place in a stream (empty where it has none); does anybody want it?"""

    record: Arrived
    stream: str
    version: int
    wanted: bool
    fault: Poison | None = None


def sifted_by(reading: Reading, record: Arrived) -> Sifted:
    """Look at a record's headers only: where it stands, and whether anybody wants it."""
    try:
        place = reading.place(record)
        wanted = reading.matters(record)
    except Poison as fault:
        return Sifted(record, "", 0, wanted=True, fault=fault)
    return Sifted(record, place[0] if place else "", place[1] if place else 0, wanted)


@dataclass(frozen=True, slots=True)
class FactReading:
    """Reads facts: by header, bodies of wanted types only."""

    topic: str
    registry: Registry
    hears: Mapping[str, Handler]
    copies: Callable[[Meta, bytes, Work], None] | None
    service: str
    clock: Clock

    def place(self, record: Arrived) -> tuple[str, int] | None:
        """Return the place in the stream that the CloudEvents id tells."""
        meta = _meta(record.headers)
        return meta.stream, meta.stream_version

    def matters(self, record: Arrived) -> bool:
        """Say whether this service copies everything or hears the type."""
        return self.copies is not None or _meta(record.headers).type in self.hears

    def begin(self, record: Arrived, desk: Desk, batch: Batch) -> Work:
        """Open a work caused by the fact, and copy the fact raw if this service copies."""
        meta = _meta(record.headers)
        cause = Cause(
            command_id=f"{meta.id}>{self.service}",
            now=self.clock(),
            actor=f"service/{self.service}",
            correlation=meta.correlation,
            causation=meta.id,
            traceparent=meta.traceparent,
        )
        work = Work(desk, cause, batch)
        if self.copies is not None:
            self.copies(meta, record.value, work)
        return work

    def handle(self, record: Arrived, work: Work) -> None:
        """Read the body and let the type's handler decide."""
        meta = _meta(record.headers)
        handler = self.hears.get(meta.type)
        if handler is not None:
            handler(Opened(meta, self.registry.read(meta.type, meta.version, record.value)), work)


@dataclass(frozen=True, slots=True)
class Door:
    """A topic on which a foreign system speaks.

    Its service says how to tell messages apart and what to do.
    """

    topic: str
    identify: Callable[[Arrived], str]
    handle: Callable[[Arrived, Work], None]


@dataclass(frozen=True, slots=True)
class DoorReading:
    """Reads a door topic; a message heard twice is one command."""

    topic: str
    door: Door
    service: str
    clock: Clock

    def place(self, record: Arrived) -> tuple[str, int] | None:
        """A foreign message has no place in a stream of ours."""
        del record
        return None

    def matters(self, record: Arrived) -> bool:
        """Everything said at a door matters."""
        del record
        return True

    def begin(self, record: Arrived, desk: Desk, batch: Batch) -> Work:
        """Open a work under the foreign system's own id, or under the record's place."""
        try:
            command_id = self._identified(record)
        except Poison:
            command_id = f"{self.topic}/{record.offset}"
        cause = Cause(command_id, self.clock(), f"system/{self.topic}")
        return Work(desk, cause, batch)

    def handle(self, record: Arrived, work: Work) -> None:
        """Let the door's handler decide."""
        self._identified(record)
        self.door.handle(record, work)

    def _identified(self, record: Arrived) -> str:
        """Return the message's own id.   Raises: Poison, if it has none that can be kept."""
        command_id = self.door.identify(record)
        if len(command_id.encode()) > NAME_BYTES_MAX:
            raise Poison(f"the message's id has more than {NAME_BYTES_MAX} bytes")
        return command_id
