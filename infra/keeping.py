"""What a consumer keeps: the port to its store, and what it knows by heart of its partitions."""

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from infra.rows import Parked, Progress
from infra.view import RememberingDesk
from infra.work import Work

STREAMS_MAX = 20_000
LATE_MAX = 5_000

Waiting = dict[bytes, set[str]]
"""Per key that has parked records, the streams of which something that is missing is waited for."""


def waits(waiting: Waiting, parked: Parked) -> None:
    """Note that a record is parked."""
    streams = waiting.setdefault(parked.key, set())
    if parked.stream and parked.follows is not None:
        streams.add(parked.stream)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A partition as its new owner finds it.

    `unclean`: its last owner did not give it back. `attempts`: how often a record was begun alone.
    """

    position: int
    epoch: int
    attempts: int
    unclean: bool


class Ledger(RememberingDesk, Protocol):
    """What a consumer keeps: positions, versions, parked records; and the commit of it all."""

    def claim(self, topic: str, partition: int, *, clean: bool = False) -> Claimed:
        """Become the partition's owner: fence earlier ones, return where to go on.

        `clean` forgets the attempts counted: nothing crashed, something was only not available.
        """
        ...

    def release(self, topic: str, epochs: Mapping[int, int]) -> None:
        """Give back partitions in order, those whose epoch is still ours."""
        ...

    def attempt(self, topic: str, partition: int, epoch: int) -> int:
        """Count one more attempt at the partition's next record; returns how many it makes."""
        ...

    def versions(self, streams: Collection[str]) -> Mapping[str, int]:
        """Return the last version consumed of each stream that was consumed at all."""
        ...

    def waiting(self, topic: str, partition: int) -> Waiting:
        """Return the keys of a partition that have parked records."""
        ...

    def commit(self, works: Sequence[Work], progress: Progress | None = None) -> None:
        """Write works and progress together, or nothing."""
        ...

    # ---- trying parked records again

    def retry_newer(self, topic: str, partition: int) -> int:
        """Mark the deals that wait for nothing but a newer release; returns how many rows."""
        ...

    def retries(self, topic: str, partition: int, limit: int) -> Sequence[Parked]:
        """Return the partition's next records that are marked for a retry, in order per key."""
        ...

    def begin_retry(self, parked: Sequence[Parked], count: int = 1) -> None:
        """Count that a retry of the records begins, before it may kill us; -1 takes it back."""
        ...

    def unpark(
        self,
        parked: Sequence[Parked],
        works: Sequence[Work],
        epoch: int,
        stands_on: Mapping[str, int] | None = None,
        inbox: Mapping[str, int] | None = None,
    ) -> None:
        """Write the works (one at least) of a partition's parked records and drop these, together.

        The rest of their deals is marked for a retry. `stands_on` has the versions of streams that
        were only looked at, `inbox` those that are consumed by this.
        Raises: LostRace; Fenced; NotParkedNow.
        """
        ...

    def still_parked(self, parked: Parked, epoch: int, fault: Exception) -> None:
        """Note why a retry failed; the deal keeps waiting until somebody asks again.

        Raises: Fenced, if the partition is no longer ours.
        """
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
        self._waiting: dict[int, Waiting] = {}

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

    def any_waits(self, partition: int) -> bool:
        """Say whether the partition has parked records."""
        return bool(self._all(partition))

    def waiting(self, partition: int, keys: Collection[bytes]) -> Waiting:
        """Return a copy of what waits, of these keys."""
        known = self._all(partition)
        return {key: set(known[key]) for key in keys if key in known}

    def _all(self, partition: int) -> Waiting:
        if partition not in self._waiting:
            self._waiting[partition] = self._ledger.waiting(self._topic, partition)
        return self._waiting[partition]

    def committed(self, progress: Progress) -> None:
        """Learn what was written; the streams not heard of for longest are forgotten."""
        self._versions.update(progress.inbox)
        for each in progress.parked:
            waits(self._waiting.setdefault(progress.partition, {}), each)
        while len(self._versions) > STREAMS_MAX:
            self._versions.popitem(last=False)

    def unparked(self) -> None:
        """Ask again which keys wait and what is consumed: a retry has changed both."""
        self.forget()


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

    def is_much(self, partition: int) -> bool:
        """Say whether so many streams were passed over that they have to be written now."""
        return len(self.inbox(partition)) > LATE_MAX

    def due(self) -> list[Progress]:
        """Return what stands late."""
        return list(self._progress.values())

    def written(self, partition: int) -> None:
        """Forget what was written with a commit."""
        self._progress.pop(partition, None)

    def forget(self, partition: int) -> None:
        """Forget what stands late of a partition that has come, gone or been fenced."""
        self._progress.pop(partition, None)
