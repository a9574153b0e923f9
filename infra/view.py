"""A desk as one decision sees it: from memory where it can, noting on what the decision stands."""

from collections.abc import Sequence
from typing import Protocol

from infra.work import Desk, Recorded, Work


class RememberingDesk(Desk, Protocol):
    """A desk that keeps in memory what it read or wrote lately."""

    def kept(self, stream: str) -> Sequence[Recorded]:
        """Return what is in memory of a stream: its first facts, perhaps not the newest."""
        ...


class View:
    """A desk whose streams come from memory, or all `fresh`; whoever commits checks `stands_on`."""

    def __init__(self, desk: RememberingDesk, *, fresh: bool) -> None:
        self.source = desk.source
        self.body = desk.body
        self.find = desk.find
        self.next_number = desk.next_number
        self.query = desk.query
        self.stands_on: dict[str, int] = {}
        """The version of every stream read: what the decision has seen of it."""
        self.remembered = False
        """Whether anything came from memory, so that it may be old."""
        self._desk = desk
        self._fresh = fresh

    def read(self, stream: str) -> Sequence[Recorded]:
        """Return the facts of a stream: those kept in memory, or all that are committed."""
        facts = () if self._fresh else self._desk.kept(stream)
        if facts:
            self.remembered = True
        else:
            facts = self._desk.read(stream)
        self.stands_on[stream] = len(facts)
        return facts

    def only_seen(self, works: Sequence[Work]) -> dict[str, int]:
        """Return what the commit must check: streams that were read and are not appended to."""
        appended = {each.meta.stream for work in works for each in work.facts}
        return {name: at for name, at in self.stands_on.items() if name not in appended}
