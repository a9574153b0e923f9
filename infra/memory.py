"""The store and the bus in a dict, for tests and trials; held to the tests of the real ones.

Facts go through the same JSON and the same registry as in PostgreSQL, so that what can not be
stored or read back fails here too. One lock per store stands for the transaction.
"""

import threading
import time
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zlib import crc32

from contracts.envelope import NewerVersion, Registry, Sealed, body_of, headers_of
from contracts.errors import Unavailable
from infra.bus import Bell, Bus, Claim, Slice
from infra.keeping import Claimed, Waiting, waits
from infra.parking import Behind, Missing, code_of, reason_of
from infra.rows import CommandRepeated, Fenced, LostRace, NotParkedNow, Parked, Progress
from infra.timers import RETRY_MAX
from infra.wire import Arrived, carried
from infra.work import Body, Delivery, Recorded, Reminder, Work


class MemoryStore:
    """A `Ledger` in memory: facts, bodies, names, reminders, deliveries, positions, parked."""

    def __init__(self, source: str, registry: Registry) -> None:
        self.source = source
        self.reminders: dict[str, Reminder] = {}
        self.deliveries: dict[str, Delivery] = {}
        self.published = 0
        self._relay_epoch = 0
        self._failed: dict[str, int] = {}
        self._registry = registry
        self._log: list[tuple[Recorded, bytes]] = []
        self._streams: dict[str, list[int]] = {}
        self._commands: dict[str, tuple[list[int], str | None]] = {}
        self._bodies: dict[str, Body] = {}
        self._names: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._inbox: dict[str, int] = {}
        self._positions: dict[tuple[str, int], list[int]] = {}
        self._parked: list[Parked] = []
        self._retry: set[int] = set()
        self._discarded: set[tuple[Any, ...]] = set()
        self._held: set[tuple[str, int]] = set()
        self._guard = threading.RLock()

    # ---- reading

    def read(self, stream: str) -> Sequence[Recorded]:
        """Return all facts of a stream, read back from their JSON."""
        with self._guard:
            found = [self._log[position] for position in self._streams.get(stream, ())]
        return tuple(
            Recorded(each.meta, self._registry.read(each.meta.type, each.meta.version, value))
            for each, value in found
        )

    def by_command(self, command_id: str) -> tuple[tuple[Recorded, ...], str | None]:
        """Return the facts of a command and the hash of its request."""
        with self._guard:
            positions, request = self._commands.get(command_id, ([], None))
            return tuple(self._log[position][0] for position in positions), request

    def body(self, digest: str) -> Body | None:
        """Return a kept body."""
        return self._bodies.get(digest)

    def find(self, name: str) -> str | None:
        """Return the stream of a name."""
        return self._names.get(name)

    def next_number(self, series: str) -> int:
        """Return the next number of a series."""
        with self._guard:
            self._numbers[series] = self._numbers.get(series, 0) + 1
            return self._numbers[series]

    def query(
        self, statement: str, params: Mapping[str, Any] | Sequence[Any] = ()
    ) -> list[dict[str, Any]]:
        """A memory store has no rows."""
        del statement, params
        return []

    def query_together(
        self, *asked: tuple[str, Mapping[str, Any]]
    ) -> tuple[list[dict[str, Any]], ...]:
        """A memory store has no rows."""
        return tuple([] for _ in asked)

    # ---- publishing

    def unpublished(self, limit: int, after: int | None = None) -> list[Sealed]:
        """Return the next facts that are not published, or that follow a position."""
        with self._guard:
            start = self.published if after is None else after
            rows = self._log[start : start + limit]
        return [
            Sealed(str(recorded.meta.deal_id).encode(), headers_of(recorded.meta), value)
            for recorded, value in rows
        ]

    def lead_relay(self) -> tuple[int, int]:
        """Become the one relay; returns the position and the epoch that fences earlier ones."""
        with self._guard:
            self._relay_epoch += 1
            return self.published, self._relay_epoch

    def save_relay(self, before: int, after: int, epoch: int) -> bool:
        """Move the relay's position; False, if another relay has taken over or has moved it."""
        with self._guard:
            if (before, epoch) != (self.published, self._relay_epoch):
                return False
            self.published = after
            return True

    # ---- reminders

    def due_reminders(self, now: datetime, limit: int) -> list[tuple[Reminder, int]]:
        """Return the reminders due by now, the longest due first, with their failed attempts."""
        with self._guard:
            due = [
                each
                for each in self.reminders.values()
                if each.due_at <= now
                or (each.key in self._failed and each.due_at > now + RETRY_MAX)
            ]
            due.sort(key=lambda each: (each.due_at, each.key))
            return [(each, self._failed.get(each.key, 0)) for each in due[:limit]]

    def postpone(self, reminder: Reminder, due_at: datetime) -> None:
        """Count a failed attempt at a reminder and let it fall due later, if it is as read."""
        with self._guard:
            if self._stands(reminder):
                self.reminders[reminder.key] = replace(self.reminders[reminder.key], due_at=due_at)
                self._failed[reminder.key] = self._failed.get(reminder.key, 0) + 1

    def _stands(self, reminder: Reminder) -> bool:
        """Say whether a reminder is as it was read."""
        found = self.reminders.get(reminder.key)
        return found is not None and found.due_at == reminder.due_at

    def is_done(self, reminder: Reminder) -> None:
        """Drop a reminder that somebody else has carried out, unless it was set anew since."""
        with self._guard:
            if self._stands(reminder):
                del self.reminders[reminder.key]

    # ---- writing

    def kept(self, stream: str) -> Sequence[Recorded]:
        """Return nothing: here `read` is as fast as memory."""
        del stream
        return ()

    def carry_out(self, work: Work, stands_on: Mapping[str, int]) -> None:
        """Write a command, if no stream has grown since it was decided.

        Raises: LostRace, CommandRepeated.
        """
        with self._guard:
            if self._grown(stands_on):
                raise LostRace("somebody else was faster on a stream it was decided on")
            self._check([work], None)
            self._write(work)

    def commit(self, works: Sequence[Work], progress: Progress | None = None) -> None:
        """Write everything or nothing; statements are dropped, since there are no rows.

        Raises: LostRace, CommandRepeated, Fenced.
        """
        with self._guard:
            self._check(works, progress)
            for work in works:
                self._write(work)
            if progress is not None:
                self._advance(progress)

    def _check(self, works: Sequence[Work], progress: Progress | None) -> None:
        heads: dict[str, int] = {}
        for work in works:
            if work.facts and work.cause.command_id in self._commands:
                raise CommandRepeated("this command has been carried out before")
            if work.fired is not None and not self._stands(work.fired):
                raise CommandRepeated("this reminder has been carried out before, or was set anew")
            for recorded in work.facts:
                stream, version = recorded.meta.stream, recorded.meta.stream_version
                if version != heads.get(stream, len(self._streams.get(stream, ()))) + 1:
                    raise LostRace("somebody else was faster on this stream")
                heads[stream] = version
                carried(recorded.meta.type, body_of(recorded.fact))
        if progress is not None:
            position, epoch = self._positions[progress.topic, progress.partition][:2]
            if (position, epoch) != (progress.before, progress.epoch):
                raise Fenced(
                    "another process consumes this partition",
                    partition=progress.partition,
                )
            if self._grown(progress.stands_on):
                raise LostRace("somebody else was faster on a stream it was decided on")

    def _grown(self, stands_on: Mapping[str, int]) -> bool:
        """Say whether a stream has grown past the version that was decided on."""
        return any(len(self._streams.get(name, ())) > stands_on[name] for name in stands_on)

    def _write(self, work: Work) -> None:
        for recorded in work.facts:
            positions, _ = self._commands.setdefault(
                work.cause.command_id, ([], work.cause.request_sha256)
            )
            positions.append(len(self._log))
            self._streams.setdefault(recorded.meta.stream, []).append(len(self._log))
            self._log.append((recorded, recorded.fact.model_dump_json().encode()))
        self._bodies.update(work.bodies)
        self._names.update(work.names)
        for key in (*work.forgotten, *([work.fired.key] if work.fired else [])):
            self.reminders.pop(key, None)
        for each in work.reminders:
            self.reminders[each.key] = each
            self._failed.pop(each.key, None)
        self.deliveries.update({each.key: each for each in work.deliveries})

    def _advance(self, progress: Progress) -> None:
        for stream, version in progress.inbox.items():
            self._inbox[stream] = max(version, self._inbox.get(stream, 0))
        place = progress.topic, progress.partition
        self._positions[place] = [progress.after, progress.epoch, 0]
        for each in sorted(progress.parked, key=lambda parked: parked.key):
            self._park(each)

    def _park(self, new: Parked) -> None:
        deal = [each for each in self._parked if each.key == new.key]
        if lies := next((each for each in deal if _same(each, new)), None):
            if lies.follows is not None and new.follows is None:  # now it has come in its turn
                anew = replace(lies, follows=None)
                if lies.code == Missing.code:
                    anew = replace(anew, code=new.code, reason=new.reason)
                self._parked[self._parked.index(lies)] = anew
                self._wake(new.key)
            return
        given, late = new.follows, _waits_without(new, self._discarded)
        new = replace(new, id=self.next_number("parked"), follows=late)
        asked = any(e.id in self._retry for e in deal)
        later = [i for i, each in enumerate(self._parked) if _follows(each, new)]
        self._parked.insert(later[0] if later else len(self._parked), new)
        if not deal and new.code == Behind.code:  # what it waits for was just discarded
            self._retry.add(new.id)
        if later and asked:  # what it goes before is being tried
            self._retry.add(new.id)
        if later or late != given:  # or what it waits for may be here, since the rest was given up
            self._wake(new.key)

    def _wake(self, key: bytes) -> None:
        """Have a deal tried again, unless something of it waits for a person."""
        deal = [each for each in self._parked if each.key == key]
        if all(each.code in {Missing.code, Behind.code} for each in deal):
            self._retry |= {each.id for each in deal}

    # ---- consuming

    def claim(self, topic: str, partition: int, *, clean: bool = False) -> Claimed:
        """Raise the partition's epoch."""
        with self._guard:
            place = self._positions.setdefault((topic, partition), [0, 0, 0])
            place[1] += 1
            if clean:
                place[2] = 0
            unclean = (topic, partition) in self._held
            self._held.add((topic, partition))
            position, epoch, attempts = place
            return Claimed(position, epoch, attempts, unclean)

    def release(self, topic: str, epochs: Mapping[int, int]) -> None:
        """Give back partitions whose epoch is still ours."""
        with self._guard:
            for partition, epoch in epochs.items():
                if self._positions[topic, partition][1] == epoch:
                    self._held.discard((topic, partition))

    def attempt(self, topic: str, partition: int, epoch: int) -> int:
        """Count one more attempt."""
        with self._guard:
            place = self._positions[topic, partition]
            if place[1] == epoch:
                place[2] += 1
            return place[2]

    def versions(self, streams: Collection[str]) -> Mapping[str, int]:
        """Return the last consumed versions."""
        return {stream: self._inbox[stream] for stream in streams if stream in self._inbox}

    def waiting(self, topic: str, partition: int) -> Waiting:
        """Return the keys of a partition with parked records."""
        found: Waiting = {}
        for each in self._parked:
            if (each.topic, each.partition) == (topic, partition):
                waits(found, each)
        return found

    def parked(self, limit: int = 200) -> list[Parked]:
        """Return the parked records, oldest first."""
        return self._parked[:limit]

    def parked_one(self, parked_id: int) -> Parked | None:
        """Return one parked record."""
        return next((each for each in self._parked if each.id == parked_id), None)

    def ask_retry(self, parked_id: int | None, *, without_missing: bool = False) -> int:
        """Mark a deal's records (None: all) for a retry."""
        with self._guard:
            keys = {each.key for each in self._parked if parked_id in {None, each.id}}
            marked = {each.id for each in self._parked if each.key in keys}
            self._retry |= marked
            self._parked = [
                replace(
                    each,
                    begun=0,
                    follows=0 if without_missing and each.follows else each.follows,
                )
                if each.id in marked
                else each
                for each in self._parked
            ]
            return len(marked)

    def retry_newer(self, topic: str, partition: int) -> int:
        """Mark the deals that wait for nothing but a newer release."""
        with self._guard:
            mine = [e for e in self._parked if (e.topic, e.partition) == (topic, partition)]
            newer = {each.key for each in mine if each.code == NewerVersion.code}
            others = {NewerVersion.code, Missing.code, Behind.code}
            newer -= {each.key for each in mine if each.code not in others}
            marked = {each.id for each in mine if each.key in newer}
            self._retry |= marked
            return len(marked)

    def retries(self, topic: str, partition: int, limit: int) -> Sequence[Parked]:
        """Return the partition's next records that are marked for a retry, in order."""
        marked = [each for each in self._parked if each.id in self._retry]
        return [e for e in marked if (e.topic, e.partition) == (topic, partition)][:limit]

    def begin_retry(self, parked: Sequence[Parked], count: int = 1) -> None:
        """Count that a retry of the records begins."""
        ids = {each.id for each in parked}
        self._parked = [
            replace(each, begun=each.begun + count) if each.id in ids else each
            for each in self._parked
        ]

    def unpark(
        self,
        parked: Sequence[Parked],
        works: Sequence[Work],
        epoch: int,
        stands_on: Mapping[str, int] | None = None,
        inbox: Mapping[str, int] | None = None,
    ) -> None:
        """Write the works and drop the records."""
        ids, keys = {each.id for each in parked}, {each.key for each in parked}
        with self._guard:
            if self._positions[parked[0].topic, parked[0].partition][1] != epoch:
                raise Fenced("another process consumes this partition")
            if not ids <= {each.id for each in self._parked}:
                raise NotParkedNow("the record was discarded while it was tried again")
            if self._grown(stands_on or {}):
                raise LostRace("somebody else was faster on a stream it was decided on")
            self._check(works, None)
            for work in works:
                self._write(work)
            self._parked = [each for each in self._parked if each.id not in ids]
            for stream, version in (inbox or {}).items():
                self._inbox[stream] = max(version, self._inbox.get(stream, 0))
            self._retry -= ids
            self._retry |= {each.id for each in self._parked if each.key in keys}

    def still_parked(self, parked: Parked, epoch: int, fault: Exception) -> None:
        """Keep the reason; stop retrying the deal."""
        reason, code = reason_of(fault), code_of(fault)
        with self._guard:
            if self._positions[parked.topic, parked.partition][1] != epoch:
                raise Fenced("another process consumes this partition")
            self._parked = [
                replace(each, attempts=each.attempts + 1, begun=0, reason=reason, code=code)
                if each.id == parked.id
                else each
                for each in self._parked
            ]
            self._retry -= {each.id for each in self._parked if each.key == parked.key}

    def discard(self, parked_id: int, by: str, why: str) -> bool:
        """Give a record up; who and why are not kept here."""
        del by, why
        with self._guard:
            gone = self.parked_one(parked_id)
            if gone is None:
                return False
            self._parked = [
                replace(each, follows=gone.follows) if _waits_for(each, gone) else each
                for each in self._parked
                if each is not gone
            ]
            self._discarded.add((*_place(gone), gone.version))
            return True


def _waits_for(parked: Parked, gone: Parked) -> bool:
    """Say whether a record waits for one that itself waits for another."""
    if gone.follows is None or parked.follows is None:
        return False
    return (*_place(parked), parked.follows) == (*_place(gone), gone.version)


def _waits_without(new: Parked, discarded: Collection[tuple[Any, ...]]) -> int | None:
    """Return the version that a record waits for, if nothing that was given up counts."""
    version = new.follows
    while version and (*_place(new), version) in discarded:
        version -= 1
    return version


def _place(parked: Parked) -> tuple[bytes, str | None]:
    return parked.key, parked.stream


def _same(parked: Parked, new: Parked) -> bool:
    """Say whether a record is a second delivery of one that lies here."""
    if new.stream and (*_place(parked), parked.version) == (*_place(new), new.version):
        return True
    return (parked.headers, parked.value) == (new.headers, new.value)


def _follows(parked: Parked, new: Parked) -> bool:
    """Say whether a parked record is a later one of the same stream."""
    return bool(
        new.stream and _place(parked) == _place(new) and (parked.version or 0) > (new.version or 0)
    )


class MemoryBus:
    """A bus in lists: a topic has its partitions (one, unless told otherwise), a group one member.

    The newest claim of a partition fences the earlier ones.
    """

    def __init__(self, partitions: int = 1) -> None:
        self.topics: dict[str, list[Sealed]] = {}
        self.broken = False
        self._partitions = partitions
        self._bell = Bell()

    def produce(self, topic: str, records: Sequence[Sealed]) -> None:
        """Append the records; raises Unavailable while `broken` is set."""
        if self.broken:
            raise Unavailable("the bus is broken on purpose")
        self.topics.setdefault(topic, []).extend(records)
        self._bell.ring()

    def source(self, group: str, topic: str, claim: Claim) -> "MemorySource":
        """Return a source of all partitions."""
        del group
        records = self.topics.setdefault(topic, [])
        return MemorySource(Topic(topic, records, self._partitions), claim, self._bell)

    def after(self, topic: str, positions: Mapping[int, int]) -> Iterator[tuple[int, Arrived]]:
        """Give what a topic holds from these positions on; see `Bus.after`."""
        whole = Topic(topic, list(self.topics.get(topic, ())), self._partitions)
        for partition in range(self._partitions):
            for offset, each in enumerate(whole.records):
                if offset >= positions.get(partition, 0) and whole.has(partition, each):
                    yield partition, Arrived(offset, each.key, each.headers, each.value)

    def close(self) -> None:
        """Nothing to release."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic's records; offsets count through all its partitions, so each has holes."""

    name: str
    records: list[Sealed]
    partitions: int

    def has(self, partition: int, record: Sealed) -> bool:
        """Say whether the record's key puts it into the partition."""
        return self.partitions == 1 or crc32(record.key) % self.partitions == partition


class MemorySource:
    """Reads the partitions of a topic in turn, each from its claimed position on."""

    def __init__(self, topic: Topic, claim: Claim, bell: Bell) -> None:
        self._topic = topic
        self._claim = claim
        self._bell = bell
        self._next: dict[int, int] = {}
        self._paused: set[int] = set()
        self._turn = deque(range(topic.partitions))
        self._ended_at: float | None = None

    def poll(self, limit: int, timeout_s: float) -> Slice | None:
        """Return the next records, waiting at most the timeout."""
        until = time.monotonic() + timeout_s
        self._ended_at = self._ended_at or time.monotonic()
        while True:
            seen = self._bell.count()
            self._turn.rotate(-1)
            for partition in self._turn:
                piece = None if partition in self._paused else self._read(partition, limit)
                if piece is not None:
                    return piece
            if not self._paused:
                self._ended_at = time.monotonic()
            left = until - time.monotonic()
            if left <= 0:
                return None
            self._bell.wait(seen, left)

    def _read(self, partition: int, limit: int) -> Slice | None:
        if partition not in self._next:
            self._next[partition] = self._claim(partition)
        start = self._next[partition]
        found = [
            Arrived(offset, each.key, each.headers, each.value)
            for offset, each in enumerate(self._topic.records[start:], start)
            if self._topic.has(partition, each)
        ][:limit]
        if not found:
            return None
        self._next[partition] = after = found[-1].offset + 1
        return Slice(self._topic.name, partition, start, after, tuple(found))

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
        return sum(
            self._topic.has(partition, each)
            for partition in self._turn
            for each in self._topic.records[self._next.get(partition, 0) :]
        )

    def ended_at(self) -> float | None:
        """Return when everything there was had been polled last."""
        return self._ended_at

    def close(self) -> None:
        """Nothing to release."""


class MemoryRelay:
    """Publishes a memory store's facts, in the steps of the real relay.

    Read -> produce -> save the position by compare-and-set, fenced by an epoch.
    """

    def __init__(self, store: MemoryStore, bus: Bus, topic: str) -> None:
        self._store = store
        self._bus = bus
        self._topic = topic
        self._position = 0
        self._epoch: int | None = None

    def step(self) -> int:
        """Publish what is not published; returns how many facts.   Raises: Unavailable."""
        if self._epoch is None:
            self._position, self._epoch = self._store.lead_relay()
        records = self._store.unpublished(500, self._position)
        if records:
            self._bus.produce(self._topic, records)
            self._save(self._position + len(records))
        return len(records)

    def lag(self) -> int:
        """Return how many facts are not published."""
        return len(self._store.unpublished(10_000))

    def _save(self, after: int) -> None:
        if self._epoch is not None and self._store.save_relay(self._position, after, self._epoch):
            self._position = after
        else:
            self._epoch = None
