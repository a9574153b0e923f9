"""The bus of a run: partitions with gaps, doubles and outages; what is published is watched."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from zlib import crc32

from contracts.envelope import Sealed
from contracts.errors import Unavailable
from infra.bus import Claim, Slice
from infra.wire import Arrived
from tests.simulation.faults import Broken, Dice

TOPIC = "quotewright.facts"
INBOUND = "quotewright.crm.inbound"
PARKED = "quotewright.parked"


def header(record: Sealed | Arrived, name: str) -> str:
    """Return a header's text, empty if there is none."""
    return dict(record.headers).get(name, b"").decode("utf-8", "replace")


@dataclass(slots=True)
class Topic:
    """One topic: its partitions, each a list of records with offsets that leave gaps."""

    partitions: list[list[Arrived]]


@dataclass(slots=True)
class Published:
    """What was published of our facts: per id, where it stands in the log at first."""

    places: dict[str, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    by_deal: dict[bytes, list[str]] = field(default_factory=dict)

    def saw(self, record: Sealed) -> None:
        """Check one record: a stream without holes, a cause before its effect."""
        fact_id = header(record, "ce_id")
        if fact_id in self.places or not fact_id.partition(".")[2] or "/" not in fact_id:
            return
        stream, _, version = fact_id.rpartition("/")
        if not version.isdigit() or header(record, "ce_source") == "foreign":
            return
        if int(version) != self.versions.get(stream, 0) + 1:
            raise Broken("streams are published without holes", fact_id, record.key.decode())
        cause = header(record, "ce_causationid")
        if cause and cause not in self.places and not cause.startswith("foreign"):
            raise Broken("a cause is published before its effect", f"{cause} after {fact_id}")
        self.versions[stream] = int(version)
        self.places[fact_id] = len(self.places)
        self.by_deal.setdefault(record.key, []).append(fact_id)


class SimBus:
    """A `Bus` in lists; the dice let it fail, lose its answer, and leave gaps between offsets."""

    def __init__(self, dice: Dice, interlude: Callable[[], None]) -> None:
        self.topics: dict[str, Topic] = {}
        self.published = Published()
        self._dice = dice
        self._interlude = interlude

    def topic(self, name: str) -> Topic:
        """Return a topic; the door has one partition."""
        count = self._dice.mood.partitions if name == TOPIC else 1
        return self.topics.setdefault(name, Topic([[] for _ in range(count)]))

    def produce(self, topic: str, records: Sequence[Sealed]) -> None:
        """Append records in order; see `Bus.produce`. Others may move before the answer is there.

        Raises: Unavailable, perhaps after some or all of the records were appended.
        """
        self._dice.maybe_away("bus_away", "the bus")
        if self._dice.strikes("half_produced"):
            self.append(topic, records[: self._dice.rng.randint(1, len(records))])
            raise Unavailable("the bus's answer is lost")
        self.append(topic, records)
        self._interlude()
        self._dice.maybe_crash("crash_after_produce")

    def source(self, group: str, topic: str, claim: Claim) -> "SimSource":
        """Return a source over all partitions of a topic."""
        del group
        return SimSource(topic, self.topic(topic), claim, self._dice)

    def close(self) -> None:
        """Nothing to release."""

    def append(self, name: str, records: Sequence[Sealed]) -> None:
        """Append records without asking the dice; what is ours is watched."""
        topic = self.topic(name)
        for each in records:
            partition = topic.partitions[crc32(each.key) % len(topic.partitions)]
            if name == TOPIC:
                self.published.saw(each)
            last = partition[-1].offset if partition else -1
            offset = last + self._dice.rng.choice((1, 1, 1, 2, 5))
            partition.append(Arrived(offset, each.key, each.headers, each.value))


class SimSource:
    """A `Source` that picks partition and size of a slice by the dice, and may read again."""

    def __init__(self, name: str, topic: Topic, claim: Claim, dice: Dice) -> None:
        self._name = name
        self._topic = topic
        self._claim = claim
        self._dice = dice
        self._next: dict[int, int] = {}
        self._paused: set[int] = set()

    def poll(self, limit: int, timeout_s: float) -> Slice | None:
        """Return the next records of a partition that has some.   Raises: Unavailable."""
        del timeout_s
        for partition in range(len(self._topic.partitions)):
            if partition not in self._next:
                self._next[partition] = self._claim(partition)
        self._maybe_read_again()
        ready = [each for each in self._next if each not in self._paused and self._waiting(each)]
        if not ready:
            return None
        partition = self._dice.rng.choice(ready)
        start = self._next[partition]
        found = self._waiting(partition)[: self._dice.rng.randint(1, limit)]
        after = found[-1].offset + 1
        self._next[partition] = after
        return Slice(self._name, partition, start, after, tuple(found))

    def rewind(self, piece: Slice) -> None:
        """Read the piece again."""
        self._next[piece.partition] = piece.start

    def disown(self, partition: int) -> None:
        """Claim anew at the next poll."""
        self._next.pop(partition, None)

    def pause(self, partition: int) -> None:
        """Give nothing of the partition until it is resumed."""
        self._paused.add(partition)

    def resume(self, partition: int) -> None:
        """Give its records again."""
        self._paused.discard(partition)

    def lag(self) -> int:
        """Return how many records are not polled."""
        return sum(len(self._waiting(each)) for each in self._next)

    def behind(self) -> bool:
        """Say whether a partition has something to claim or to read."""
        claimed = len(self._next) == len(self._topic.partitions)
        return not claimed or any(self._waiting(each) for each in self._next)

    def close(self) -> None:
        """Nothing to release."""

    def _waiting(self, partition: int) -> list[Arrived]:
        records, start = self._topic.partitions[partition], self._next[partition]
        if not records or records[-1].offset < start:
            return []
        return [each for each in records if each.offset >= start]

    def _maybe_read_again(self) -> None:
        if self._next and self._dice.strikes("redelivery"):
            partition = self._dice.rng.choice(sorted(self._next))
            back = self._dice.rng.randint(1, 6)
            self._next[partition] = max(0, self._next[partition] - back)
