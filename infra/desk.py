"""The command desk: runs a handler as one command, once per command id.

Deciding again after a lost race.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from contracts.errors import Conflict
from infra.rows import CommandRepeated, LostRace, Progress
from infra.work import Body, Cause, Desk, Recorded, Work

RACES_MAX = 8


class Store(Desk, Protocol):
    """A desk that commits and remembers commands."""

    def by_command(self, command_id: str) -> tuple[tuple[Recorded, ...], str | None]:
        """Return the facts recorded under a command id, and the hash of its request."""
        ...

    def commit(self, works: Sequence[Work], progress: Progress | None = None) -> None:
        """Write works, or nothing."""
        ...


class CommandReused(Conflict):
    """The command id came with another request body before; use a fresh Idempotency-Key."""

    code = "command.reused"


class StillRacing(Conflict):
    """Others keep changing the same thing; try again."""

    code = "conflict.still_racing"


class CommandDesk:
    """`Commands` over a store; `committed` is called after every commit.

    To wake relay and senders.
    """

    def __init__(self, store: Store, committed: Callable[[Sequence[Work]], None]) -> None:
        self._store = store
        self._committed = committed

    def run(self, cause: Cause, handler: Callable[[Work], None]) -> tuple[Recorded, ...]:
        """Run a handler as one command; see `Commands.run`."""
        for _ in range(RACES_MAX):
            before, request = self._store.by_command(cause.command_id)
            if before:
                if cause.request_sha256 and request and request != cause.request_sha256:
                    raise CommandReused(
                        "this Idempotency-Key came with another request before; use a new one"
                    )
                return before
            work = Work(self._store, cause)
            handler(work)
            try:
                self._store.commit([work])
            except (LostRace, CommandRepeated):
                continue
            self._committed([work])
            return tuple(work.facts)
        raise StillRacing("others keep changing the same thing; try again")

    def read(self, stream: str) -> Sequence[Recorded]:
        """Return all committed facts of a stream."""
        return self._store.read(stream)

    def find(self, name: str) -> str | None:
        """Return the stream of a human name."""
        return self._store.find(name)

    def body(self, digest: str) -> Body | None:
        """Return a kept body."""
        return self._store.body(digest)

    def query(
        self, statement: str, params: Mapping[str, Any] | Sequence[Any] = ()
    ) -> list[dict[str, Any]]:
        """Read rows of the service's own schema."""
        return self._store.query(statement, params)
