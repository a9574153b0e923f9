"""One unit of work: what a handler reads and what it wants written.

Nothing is written before commit.

A handler gets a `Work`, reads streams, decides, appends. The desk (PostgreSQL or memory) then
writes the whole work in one short transaction: facts, rows, bodies, reminders, deliveries, and for
a consumer its position. The decision happens outside that transaction, so a handler may be slow but
must be repeatable.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol, TypeVar

from contracts.envelope import Fact, Meta, Opened
from infra.batch import Batch as Batch
from infra.written import Body as Body
from infra.written import Delivery as Delivery
from infra.written import Recorded as Recorded
from infra.written import Reminder as Reminder

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a work happens: who asked, after which fact, under which correlation."""

    command_id: str
    now: datetime
    actor: str
    correlation: str | None = None
    causation: str | None = None
    traceparent: str | None = None
    request_sha256: str | None = None


class Desk(Protocol):
    """Where works read from: committed facts, bodies and names of one service."""

    source: str

    def read(self, stream: str) -> Sequence[Recorded]:
        """Return all facts of a stream in order; empty if there is none."""
        ...

    def body(self, digest: str) -> Body | None:
        """Return a kept body by its hash."""
        ...

    def find(self, name: str) -> str | None:
        """Return the stream that bears this name."""
        ...

    def next_number(self, series: str) -> int:
        """Return the next number of a series; numbers may have holes, never doubles."""
        ...

    def query(
        self, statement: str, params: "Mapping[str, Any] | Sequence[Any]" = ()
    ) -> list[dict[str, Any]]:
        """Read committed rows of the service's own schema; a memory desk has none."""
        ...


class Work:
    """What one command, reminder or heard fact reads and wants written."""

    def __init__(self, desk: Desk, cause: Cause, batch: "Batch | None" = None) -> None:
        self._desk = desk
        self.cause = cause
        self.batch = batch or Batch()
        self._streams = self.batch.streams
        self.scratch = self.batch.scratch
        self.facts: list[Recorded] = []
        self.bodies: dict[str, Body] = {}
        self.names: dict[str, str] = {}
        self.reminders: list[Reminder] = []
        self.forgotten: list[str] = []
        self.fired: Reminder | None = None
        self.deliveries: list[Delivery] = []
        self.statements: list[tuple[str, Mapping[str, Any] | Sequence[Any]]] = []

    @property
    def now(self) -> datetime:
        """The one moment of this work, with time zone; domains never ask a clock."""
        return self.cause.now

    @property
    def actor(self) -> str:
        """Who acts: `user/<id>`, `system/<name>` or `service/<name>`."""
        return self.cause.actor

    # ---- streams

    def read(self, stream: str) -> Sequence[Recorded]:
        """Return the stream as this work sees it.

        Committed facts, then what this batch has appended.
        """
        if stream not in self._streams:
            self._streams[stream] = list(self._desk.read(stream))
        return self._streams[stream]

    def fold(self, stream: str, state: S, evolve: Callable[[S, Recorded], S]) -> S:
        """Fold the stream from a first state."""
        for recorded in self.read(stream):
            state = evolve(state, recorded)
        return state

    def append(self, stream: str, *facts: Fact) -> list[Recorded]:
        """Append facts to the stream.

        The commit fails if somebody else appended since it was read.
        """
        seen = self.read(stream)
        done = []
        for fact in facts:
            recorded = Recorded(self._meta(stream, len(seen) + 1, fact), fact)
            self._streams[stream].append(recorded)
            self.facts.append(recorded)
            done.append(recorded)
        return done

    def _meta(self, stream: str, version: int, fact: Fact) -> Meta:
        return Meta(
            id=f"{stream}/{version}",
            source=self._desk.source,
            type=fact.wire_type(),
            version=fact.VERSION,
            deal_id=fact.deal_id,
            subject=fact.subject(),
            time=self.cause.now,
            correlation=self.cause.correlation or str(fact.deal_id),
            causation=self.cause.causation,
            actor=self.cause.actor,
            traceparent=self.cause.traceparent,
        )

    # ---- bodies and names

    def keep(self, content: bytes, media_type: str) -> str:
        """Keep a body with this work; returns its hex SHA-256. Keeping it again changes nothing."""
        digest = sha256(content).hexdigest()
        self.bodies[digest] = self.batch.bodies[digest] = Body(digest, media_type, content)
        return digest

    def body(self, digest: str) -> Body | None:
        """Return a kept body, also one that this batch keeps."""
        return self.batch.bodies.get(digest) or self._desk.body(digest)

    def name(self, name: str, stream: str) -> None:
        """Give the stream a human name (`Q-1042`); a name is unique in the service."""
        self.names[name] = self.batch.names[name] = stream

    def find(self, name: str) -> str | None:
        """Return the stream of a human name, also one that this batch gives."""
        return self.batch.names.get(name) or self._desk.find(name)

    def next_number(self, series: str) -> int:
        """Return the next number of a series; it is used up even if the work fails."""
        return self._desk.next_number(series)

    # ---- later and elsewhere

    def remind(self, reminder: Reminder) -> None:
        """Ask to be called at a time."""
        self.reminders.append(reminder)

    def forget(self, key: str) -> None:
        """Drop the reminder of this key, if there is one."""
        self.forgotten.append(key)

    def fires(self, reminder: Reminder) -> None:
        """Carry this reminder out: it goes with the commit, which fails if it is not as read."""
        self.fired = reminder

    def deliver(self, delivery: Delivery) -> None:
        """Send a message to an outside system after the commit, until it is taken."""
        self.deliveries.append(delivery)

    def sql(self, statement: str, params: Mapping[str, Any] | Sequence[Any] = ()) -> None:
        """Write rows of the service's own schema in the same transaction (PostgreSQL only)."""
        self.statements.append((statement, params))

    def rows(
        self, statement: str, params: Mapping[str, Any] | Sequence[Any] = ()
    ) -> list[dict[str, Any]]:
        """Read committed rows; what this batch writes is not in them: keep that in `scratch`."""
        return self._desk.query(statement, params)


Handler = Callable[[Opened, Work], None]
"""What a service does with a heard fact. Raises Refused never: a refusal is a fact of its own."""

ReminderHandler = Callable[[Reminder, Work], None]


class Commands(Protocol):
    """What an api may do: run a handler as one command, and read what is committed."""

    def run(self, cause: Cause, handler: Callable[[Work], None]) -> tuple[Recorded, ...]:
        """Run a handler as one command and commit it; returns the facts recorded.

        The same command id again returns the facts of the first time and records nothing; with
        another request body it is a Conflict (`command.reused`). The handler may run several times:
        a lost race is decided again, and so is what was decided on memory without a fact to show
        for it, until a deadline. Raises: what the handler raises; Conflict, if the race does not
        end; Unavailable, if the database does not come back.
        """
        ...

    def read(self, stream: str) -> Sequence[Recorded]:
        """Return all committed facts of a stream."""
        ...

    def find(self, name: str) -> str | None:
        """Return the stream of a human name."""
        ...

    def body(self, digest: str) -> Body | None:
        """Return a kept body by its hash."""
        ...

    def query(
        self, statement: str, params: Mapping[str, Any] | Sequence[Any] = ()
    ) -> list[dict[str, Any]]:
        """Read rows of the service's own schema (PostgreSQL only), as dicts."""
        ...

    def query_together(
        self, *asked: tuple[str, Mapping[str, Any]]
    ) -> tuple[list[dict[str, Any]], ...]:
        """Read by several statements in one snapshot, so that their rows fit together."""
        ...
