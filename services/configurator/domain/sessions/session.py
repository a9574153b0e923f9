"""A configuration session: what one person decided so far, as a list of entries that only grows.

What stands is found from the entries: decided, taken back, undone, done again, moved to another
version of the model. A session makes no facts; who submits it puts its item into a quote.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from contracts.configuration import Answer, Decision
from contracts.errors import Conflict, NotFound
from contracts.values import Instant, Pin, Value

Kind = Literal["begun", "decided", "moved", "undone", "redone", "submitted"]


class NoSuchSession(NotFound):
    """There is no such session, or it belongs to somebody else."""

    code = "configuration.no_such_session"


class SessionChanged(Conflict):
    """The session has grown since its caller looked, perhaps on another device of his."""

    code = "configuration.session_changed"


class Change(Value):
    """An answer to one question, or, with `value` None, an answer that is taken back."""

    attribute: str
    value: Answer | tuple[str, ...] | None
    source: Literal["user", "requirement"] = "user"


class Entry(Value):
    """One thing that somebody did; `revision` counts from 1 without holes.

    `model`: the version that it chose (`begun`, `moved`); `quote`, `item_id`: where it was put.
    """

    revision: int
    kind: Kind
    by: str
    at: Instant
    command_id: str
    request_sha256: str | None = None
    changes: tuple[Change, ...] = ()
    model: Pin | None = None
    quote: str | None = None
    item_id: str | None = None


class Place(Value):
    """Where the item shall stand: its deal, its quote, and the item it was taken from."""

    deal_id: UUID | None = None
    quote: str | None = None
    item_id: str | None = None


class Head(Value):
    """What a session is called and where it belongs; the rest is found from its entries."""

    session_id: UUID
    owner: str
    product: str
    name: str | None
    place: Place
    copied_from: UUID | None
    begun_at: Instant


@dataclass(frozen=True, slots=True)
class Held:
    """A decision that stands, and the entry that made it."""

    decision: Decision
    by: str
    at: datetime
    revision: int


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its entries leave it; `steps` stand, `undone` can be done again, newest last."""

    head: Head
    entries: tuple[Entry, ...] = ()
    steps: tuple[Entry, ...] = ()
    undone: tuple[Entry, ...] = ()
    submitted: Entry | None = None

    @property
    def revision(self) -> int:
        """How many entries there are."""
        return len(self.entries)

    @property
    def model(self) -> Pin:
        """The version of the model that the decisions are made on."""
        return next(each.model for each in reversed(self.steps) if each.model is not None)

    @property
    def held(self) -> tuple[Held, ...]:
        """What stands, each with who decided it and when; by attribute."""
        found: dict[str, Held] = {}
        for entry in self.steps:
            for change in entry.changes:
                found.pop(change.attribute, None)
                if (decision := answer_of(change)) is not None:
                    held = Held(decision, entry.by, entry.at, entry.revision)
                    found[change.attribute] = held
        return tuple(found[name] for name in sorted(found))

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """What stands, by attribute."""
        return tuple(each.decision for each in self.held)

    @property
    def can_undo(self) -> bool:
        """Whether a step stands that can be undone; that the session began can not."""
        return len(self.steps) > 1 and self.submitted is None

    @property
    def can_redo(self) -> bool:
        """Whether a step was undone since the last one was made."""
        return bool(self.undone) and self.submitted is None

    def done(self, command_id: str) -> Entry | None:
        """Return the entry of a command, if it was carried out."""
        return next((each for each in self.entries if each.command_id == command_id), None)

    def at(self, revision: int) -> "Session":
        """Return the session as it was after that many entries (at least one, at most all)."""
        return fold(self.head, self.entries[: min(max(revision, 1), self.revision)])


def fold(head: Head, entries: Iterable[Entry]) -> Session:
    """Return the session that these entries make, the oldest first."""
    session = Session(head)
    for each in entries:
        session = evolve(session, each)
    return session


def evolve(session: Session, entry: Entry) -> Session:
    """Return the session after one more entry."""
    grown = replace(session, entries=(*session.entries, entry))
    match entry.kind:
        case "undone":
            return replace(grown, steps=grown.steps[:-1], undone=(*grown.undone, grown.steps[-1]))
        case "redone":
            return replace(grown, steps=(*grown.steps, grown.undone[-1]), undone=grown.undone[:-1])
        case "submitted":
            return replace(grown, submitted=entry)
    return replace(grown, steps=(*grown.steps, entry), undone=())


def copied(source: Head, session_id: UUID, begun_at: datetime) -> Head:
    """Return the head of a copy."""
    anew = {"session_id": session_id, "copied_from": source.session_id, "begun_at": begun_at}
    return source.model_copy(update=anew)


def answer_of(change: Change) -> Decision | None:
    """Return the decision that a change makes; None, if it takes one back."""
    if change.value is None:
        return None
    return Decision(attribute=change.attribute, value=change.value, source=change.source)
