"""What a work writes: facts in their streams, large bodies, reminders, deliveries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.envelope import Fact, Meta


@dataclass(frozen=True, slots=True)
class Recorded:
    """A fact in its stream: attributes, body, place in the service's table (0 while pending)."""

    meta: Meta
    fact: Fact
    position: int = 0

    @property
    def id(self) -> str:
        """The CloudEvents id, `<stream>/<version>`."""
        return self.meta.id

    @property
    def originator_id(self) -> str:
        """The stream, in the words of the eventsourcing library."""
        return self.meta.stream

    @property
    def originator_version(self) -> int:
        """The version in the stream, in the words of the eventsourcing library."""
        return self.meta.stream_version


@dataclass(frozen=True, slots=True)
class Body:
    """A large body kept with its owner under its content hash (a price trace, a PDF)."""

    sha256: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Reminder:
    """Something to look at again at a time; the same key replaces the earlier reminder.

    `kind` chooses the service's handler. A reminder fires at least once, its effects happen once.
    """

    key: str
    kind: str
    due_at: datetime
    deal_id: UUID
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message to an outside system, sent as a signed webhook until it is taken.

    `target` names an endpoint of the settings. One undelivered message stands per key: a newer one
    takes its place, so a receiver sees the newest state of a record and never an older one after
    it.
    """

    key: str
    target: str
    event_type: str
    body: Mapping[str, Any]
    deal_id: UUID
