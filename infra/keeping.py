"""What a consumer keeps: the port to its store, and what it knows by heart of its partitions."""

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from infra.rows import Parked, Progress
from infra.work import Desk, Work

STREAMS_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Claimed:
    """A partition as its new owner finds it; `attempts` above 0 tells of an unclean end."""

    position: int
    epoch: int
    attempts: int


class Ledger(Desk, Protocol):
    """What a consumer keeps: positions, versions, parked records; and the commit of it all."""

    def claim(self, topic: str, partition: int, *, clean: bool = False) -> Claimed:
        """Become the partition's owner: fence earlier ones, return where to go on.

        `clean` forgets the attempts counted: nothing crashed, something was only not available.
        """
        ...

    def attempt(self, topic: str, partition: int, epoch: int) -> int:
        """Count one more attempt at the partition's next records; returns how many it makes."""
        ...

    def versions(self, streams: Collection[str]) -> Mapping[str, int]:
        """Return the last version consumed of each stream that was consumed at all."""
        ...

    def waiting_keys(self, topic: str, partition: int) -> set[bytes]:
        """Return the keys of a partition that have parked records."""
        ...

    def retries(self, topic: str, partitions: Collection[int]) -> Sequence[Parked]:
        """Return the partitions' parked records that somebody asked to retry, in order per key."""
        ...

    def commit(self, works: Sequence[Work], progress: Progress | None = None) -> None:
        """Write works and progress together, or nothing."""
        ...

    def unpark(self, parked: Parked, work: Work) -> None:
        """Write the work of a parked record and drop the record, together."""
        ...

    def still_parked(self, parked: Parked, fault: str) -> None:
        """Note that a retry failed; the deal keeps waiting."""
        ...


class Known:
    """Versions and waiting keys of the partitions we own, asked of the ledger once.

    Only the owner of a partition writes them, and his commit fails once he is not; so what we wrote
    ourselves since we claimed it is what stands there.
    """

    def __init__(self, ledger: Ledger, topic: str) -> None:
        self._ledger = ledger
        self._topic = topic
        self._versions: OrderedDict[str, int] = OrderedDict()
        self._waiting: dict[int, set[bytes]] = {}

    def forget(self) -> None:
        """Know nothing: a partition has come, gone or been fenced."""
        self._versions.clear()
        self._waiting.clear()

    def versions(self, streams: Collection[str], late: Mapping[str, int]) -> dict[str, int]:
        """Return the last version consumed of each stream, 0 for a new one.

        `late` are versions passed over that are not written yet.
        """
        unknown = [each for each in streams if each not in self._versions]
        if unknown:
            found = self._ledger.versions(unknown)
            self._versions.update({each: found.get(each, 0) for each in unknown})
        return {each: max(self._versions[each], late.get(each, 0)) for each in streams}

    def waiting(self, partition: int) -> set[bytes]:
        """Return a copy of the keys that have parked records."""
        if partition not in self._waiting:
            self._waiting[partition] = self._ledger.waiting_keys(self._topic, partition)
        return set(self._waiting[partition])

    def committed(self, progress: Progress) -> None:
        """Learn what was written; the streams not heard of for longest are forgotten.

        A stream that was only passed over stays unknown: its written version may be higher.
        """
        for stream, version in progress.inbox.items():
            if stream in self._versions:
                self._versions[stream] = max(version, self._versions[stream])
        for each in progress.parked:
            self._waiting.setdefault(progress.partition, set()).add(each.key)
        while len(self._versions) > STREAMS_MAX:
            self._versions.popitem(last=False)

    def unparked(self) -> None:
        """Ask again which keys wait: some may have been freed."""
        self._waiting.clear()


class Late:
    """Progress over records that nobody hears, not written yet: it goes with the next real commit.

    Losing it in a crash costs nothing: the records are read and passed over again.
    """

    def __init__(self) -> None:
        self._progress: dict[int, Progress] = {}

    def add(self, progress: Progress) -> None:
        """Keep one more slice that was passed over."""
        self._progress[progress.partition] = self.before(progress)

    def before(self, progress: Progress) -> Progress:
        """Return the progress together with what was passed over before it."""
        late = self._progress.get(progress.partition)
        if late is None:
            return progress
        inbox = dict(late.inbox)
        for stream, version in progress.inbox.items():  # a repeated record must not turn it back
            inbox[stream] = max(version, inbox.get(stream, 0))
        return replace(progress, before=late.before, inbox=inbox)

    def inbox(self, partition: int) -> Mapping[str, int]:
        """Return the versions passed over and not written."""
        late = self._progress.get(partition)
        return late.inbox if late else {}

    def due(self) -> list[Progress]:
        """Return what stands late."""
        return list(self._progress.values())

    def written(self, partition: int) -> None:
        """Forget what was written with a commit."""
        self._progress.pop(partition, None)

    def forget(self) -> None:
        """Forget everything: a partition has come, gone or been fenced."""
        self._progress.clear()
