"""The command desk: runs a handler as one command, once per command id.

The first try decides on what is kept in memory, and the commit checks that this was the newest.
Whatever comes out otherwise (a lost race, a refusal, nothing to say, a lost answer) is settled by
looking the command id up and deciding again on what is committed, until a deadline.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from contracts.errors import Conflict, QuotewrightError, Unavailable
from infra.patience import Patience
from infra.postgres import NoDatabase
from infra.rows import CommandRepeated, LostRace
from infra.view import RememberingDesk, View
from infra.work import Body, Cause, Recorded, Work

T = TypeVar("T")


class Store(RememberingDesk, Protocol):
    """A desk that carries out commands and remembers them."""

    def by_command(self, command_id: str) -> tuple[tuple[Recorded, ...], str | None]:
        """Return the facts recorded under a command id, and the hash of its request."""
        ...

    def carry_out(self, work: Work, stands_on: Mapping[str, int]) -> None:
        """Write a work, or nothing, if a stream has grown past the version it was decided on.

        Raises: LostRace, CommandRepeated; Unavailable, and then it may be written.
        """
        ...

    def query_together(
        self, *asked: tuple[str, Mapping[str, Any]]
    ) -> tuple[list[dict[str, Any]], ...]:
        """Read committed rows by several statements in one snapshot."""
        ...


class CommandReused(Conflict):
    """The command id came with another request body before; use a fresh Idempotency-Key."""

    code = "command.reused"


class StillRacing(Conflict):
    """Others keep changing the same thing; try again."""

    code = "conflict.still_racing"


class _Unsettled(Exception):
    """Decided on memory without facts to commit, so nothing has checked that it was the newest."""


class CommandDesk:
    """`Commands` over a store; `committed`, called after every commit, wakes relay and senders."""

    def __init__(
        self,
        store: Store,
        committed: Callable[[Sequence[Work]], None],
        patience: Patience | None = None,
    ) -> None:
        self._store = store
        self._committed = committed
        self._patience = patience or Patience()

    def run(self, cause: Cause, handler: Callable[[Work], None]) -> tuple[Recorded, ...]:
        """Run a handler as one command; see `Commands.run`."""
        trying = self._patience.begin()
        try:
            return self._attempt(cause, handler, fresh=False)
        except (_Unsettled, LostRace, CommandRepeated, NoDatabase):
            pass
        while True:
            try:
                return self._recorded(cause) or self._attempt(cause, handler, fresh=True)
            except (LostRace, CommandRepeated):
                if not trying.again():
                    raise StillRacing("others keep changing the same thing; try again") from None
            except NoDatabase:
                if not trying.again():
                    raise

    def _attempt(
        self, cause: Cause, handler: Callable[[Work], None], *, fresh: bool
    ) -> tuple[Recorded, ...]:
        """Decide and write; the commit itself finds out whether the command is a new one.

        Raises: _Unsettled, if memory may be to blame for a refusal, or for nothing to say.
        """
        view = View(self._store, fresh=fresh)
        work = Work(view, cause)
        try:
            handler(work)
            work.batch.decided()
        except NoDatabase:
            raise
        except QuotewrightError:
            if view.remembered:
                raise _Unsettled from None
            # Perhaps refused because it was carried out before.
            if before := self._recorded(cause):
                return before
            raise
        if not work.facts:
            if view.remembered:
                raise _Unsettled
            if before := self._recorded(cause):
                return before
        return self._write(work, view)

    def _write(self, work: Work, view: View) -> tuple[Recorded, ...]:
        try:
            self._store.carry_out(work, view.stands_on)
        except Unavailable as fault:
            raise NoDatabase(fault.message) from fault
        work.batch.committed()
        self._committed([work])
        return tuple(work.facts)

    def _recorded(self, cause: Cause) -> tuple[Recorded, ...]:
        """Return the facts of this command, if it was carried out before.

        Raises: CommandReused.
        """
        before, request = self._store.by_command(cause.command_id)
        if before and cause.request_sha256 and request and request != cause.request_sha256:
            raise CommandReused(
                "this Idempotency-Key came with another request before; use a new one"
            )
        return before

    # ---- reading

    def read(self, stream: str) -> Sequence[Recorded]:
        """Return all committed facts of a stream."""
        return self._patiently(lambda: self._store.read(stream))

    def find(self, name: str) -> str | None:
        """Return the stream of a human name."""
        return self._patiently(lambda: self._store.find(name))

    def body(self, digest: str) -> Body | None:
        """Return a kept body."""
        return self._patiently(lambda: self._store.body(digest))

    def query(
        self, statement: str, params: Mapping[str, Any] | Sequence[Any] = ()
    ) -> list[dict[str, Any]]:
        """Read rows of the service's own schema."""
        return self._patiently(lambda: self._store.query(statement, params))

    def query_together(
        self, *asked: tuple[str, Mapping[str, Any]]
    ) -> tuple[list[dict[str, Any]], ...]:
        """Read by several statements in one snapshot."""
        return self._patiently(lambda: self._store.query_together(*asked))

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Ask again while the database is away, until the deadline."""
        trying = self._patience.begin()
        while True:
            try:
                return ask()
            except NoDatabase:
                if not trying.again():
                    raise
