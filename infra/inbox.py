"""The consumer: hears records, lets handlers decide, and writes effects and position together.

Read a slice -> decide outside -> one short transaction. Duplicates drop out by stream version. What
can not be read, or fails again and again, is parked raw, and later facts of the same deal wait
behind it while other deals go on.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from contracts.errors import Poison, QuotewrightError, Unavailable
from infra.bus import Slice, Source
from infra.keeping import Known, Ledger
from infra.reading import Reading
from infra.rows import CommandRepeated, Fenced, LostRace, Parked, Progress
from infra.wire import Arrived
from infra.work import Batch, Work

log = structlog.get_logger()
ATTEMPTS_MAX = 3
RACES_MAX = 30
BACKOFF_MIN_S, BACKOFF_MAX_S = 0.05, 5.0


@dataclass(frozen=True, slots=True)
class Hooks:
    """What a consumer does to its surroundings: wait, tell of a commit, tell of parked records."""

    pause: Callable[[float], object]
    committed: Callable[[Sequence[Work]], None]
    parked: Callable[[Sequence[Parked]], None]


class Consumer:
    """Consumes one topic for one service. One thread calls `step` again and again."""

    def __init__(self, ledger: Ledger, reading: Reading, batch_size: int, hooks: Hooks) -> None:
        self._ledger = ledger
        self._reading = reading
        self._batch_size = batch_size
        self._hooks = hooks
        self._epochs: dict[int, int] = {}
        self._careful: set[int] = set()
        self._failures = 0
        self._known = Known(ledger, reading.topic)
        self._log = log.bind(topic=reading.topic, consumer=ledger.source)

    def claim(self, partition: int) -> int:
        """Take over a partition; after an unclean end its records go one at a time."""
        claimed = self._ledger.claim(self._reading.topic, partition)
        self._known.forget()
        self._epochs[partition] = claimed.epoch
        if claimed.attempts:
            self._careful.add(partition)
            self._log.warning("unclean_end_seen", partition=partition, attempts=claimed.attempts)
        return claimed.position

    def step(self, source: Source, timeout_s: float) -> int:
        """Handle the next slice, if one comes within the timeout.

        Returns how many records it had.
        """
        piece = source.poll(self._batch_size, timeout_s)
        if piece is None:
            return 0
        try:
            if piece.partition in self._careful:
                self._one_by_one(piece)
            else:
                self._whole(piece)
            self._failures = 0
            return len(piece.records)
        except Fenced:
            self._log.warning("fenced", partition=piece.partition)
            self._known.forget()
            source.disown(piece.partition)
        except Unavailable as fault:
            self._back_off(str(fault))
            source.rewind(piece) if self._reclaim(piece) else source.disown(piece.partition)
        return 0

    def retry_parked(self) -> int:
        """Retry what somebody asked for, in order per deal.

        Stopping a deal at its first failure.
        """
        done, stuck = 0, set[bytes]()
        if not any(self._known.waiting(each) for each in self._epochs):
            return 0
        for parked in self._ledger.retries(self._reading.topic, self._epochs):
            if parked.key in stuck:
                continue
            try:
                work = self._reading.begin(parked.arrived(), self._ledger, Batch())
                self._reading.handle(parked.arrived(), work)
                self._ledger.unpark(parked, work)
                self._hooks.committed([work])
                done += 1
            except CommandRepeated:
                self._ledger.unpark(parked, Work(self._ledger, work.cause))
            except Unavailable:
                raise
            except (
                Exception
            ) as fault:  # a retry must not take the consumer down; the reason is kept
                stuck.add(parked.key)
                self._ledger.still_parked(parked, _reason(fault))
                self._log.warning("still_parked", parked_id=parked.id, reason=_reason(fault))
        if done:
            self._known.unparked()
        return done

    # ---- inside

    def _whole(self, piece: Slice) -> None:
        if any(self._matters(each) for each in piece.records):
            self._ledger.attempt(piece.topic, piece.partition, self._epochs[piece.partition])
        try:
            self._take(piece)
        except (Fenced, Unavailable):
            raise
        except (LostRace, CommandRepeated, Poison):
            self._one_by_one(piece)
        except Exception:  # which record it was, and whether it fails alone, is found out next
            self._log.exception("batch_failed", partition=piece.partition, start=piece.start)
            self._one_by_one(piece)

    def _one_by_one(self, piece: Slice) -> None:
        before = piece.start
        for record in piece.records:
            alone = replace(piece, start=before, after=record.offset + 1, records=(record,))
            self._alone(alone)
            before = record.offset + 1
        if before != piece.after:
            self._take(replace(piece, start=before, records=()))
        self._careful.discard(piece.partition)

    def _alone(self, piece: Slice) -> None:
        place = piece.topic, piece.partition, self._epochs[piece.partition]
        attempts = self._ledger.attempt(*place)
        for _ in range(RACES_MAX):
            if attempts > ATTEMPTS_MAX:
                self._take(piece, fault=Poison("the handler did not come back from this fact"))
                return
            try:
                self._take(piece)
            except CommandRepeated:
                self._take(replace(piece, records=()))
            except LostRace:
                continue
            except (Fenced, Unavailable):
                raise
            except Exception as fault:
                self._log.exception("handler_failed", attempts=attempts, start=piece.start)
                if attempts < ATTEMPTS_MAX:
                    attempts = self._ledger.attempt(*place)
                    continue
                self._take(piece, fault=fault)
            return
        raise Unavailable("the race for a stream does not end")

    def _take(self, piece: Slice, fault: Exception | None = None) -> None:
        """Handle the records of a slice and commit; with a fault, park its only record instead."""
        batch = Batch()
        works: list[Work] = []
        parked: list[Parked] = []
        places = [_place(self._reading, each) for each in piece.records]
        seen = self._known.versions({place[0] for place in places if isinstance(place, tuple)})
        inbox: dict[str, int] = {}
        held = self._known.waiting(piece.partition)
        for record, place in zip(piece.records, places, strict=True):
            why: Exception | None = place if isinstance(place, Poison) else fault
            if isinstance(place, tuple):
                stream, version = place
                if version <= seen[stream]:
                    continue
                if version > seen[stream] + 1:
                    why = Missing("facts of its stream before this one are missing")
                seen[stream] = inbox[stream] = version
            if why is None and not self._reading.matters(record):
                continue
            if why is None and record.key in held:
                why = Behind("an earlier fact of this deal is parked")
            if why is None:
                work, why = self._try(record, batch, alone=len(piece.records) == 1)
                works.append(work)
            elif not isinstance(place, Poison):
                works.append(self._reading.begin(record, self._ledger, batch))
            if why is not None:
                held.add(record.key)
                parked.append(_park(piece, record, why))
                self._log.warning("parked", offset=record.offset, reason=_reason(why))
        epoch = self._epochs[piece.partition]
        progress = Progress(
            piece.topic,
            piece.partition,
            epoch,
            piece.start,
            piece.after,
            inbox,
            tuple(parked),
        )
        self._ledger.commit(works, progress)
        self._known.committed(progress)
        self._hooks.committed(works)
        if parked:
            self._hooks.parked(parked)

    def _try(self, record: Arrived, batch: Batch, alone: bool) -> tuple[Work, Poison | None]:
        """Handle one record; a Poison leaves only what `begin` did.

        Among other records it is raised: the batch may hold half of what the handler appended.
        """
        work = self._reading.begin(record, self._ledger, batch)
        try:
            self._reading.handle(record, work)
        except Poison as fault:
            if not alone:
                raise
            return self._reading.begin(record, self._ledger, Batch()), fault
        return work, None

    def _matters(self, record: Arrived) -> bool:
        try:
            return self._reading.matters(record)
        except Poison:
            return True

    def _reclaim(self, piece: Slice) -> bool:
        """Check that the partition is still where we think.

        The last commit's answer may be lost.
        """
        try:
            claimed = self._ledger.claim(piece.topic, piece.partition, clean=True)
        except Unavailable:
            return False
        self._epochs[piece.partition] = claimed.epoch
        self._known.forget()
        return claimed.position == piece.start

    def _back_off(self, reason: str) -> None:
        self._failures += 1
        ceiling = min(BACKOFF_MAX_S, BACKOFF_MIN_S * 2**self._failures)
        wait_s = random.uniform(0, ceiling)  # noqa: S311, jitter, not a secret
        self._log.warning("not_available", reason=reason, wait_s=round(wait_s, 3))
        self._hooks.pause(wait_s)


class Missing(Poison):
    """A hole in a stream: the relay never leaves one, so somebody must look."""

    code = "parked.missing"


class Behind(Poison):
    """The record itself is good; an earlier one of its deal is parked."""

    code = "parked.behind"


def _place(reading: Reading, record: Arrived) -> tuple[str, int] | Poison | None:
    try:
        return reading.place(record)
    except Poison as fault:
        return fault


def _park(piece: Slice, record: Arrived, fault: Exception) -> Parked:
    code = fault.code if isinstance(fault, QuotewrightError) else "bug"
    return Parked(
        0,
        piece.topic,
        piece.partition,
        record.offset,
        record.key,
        record.headers,
        record.value,
        _reason(fault),
        code,
    )


def _reason(fault: Exception) -> str:
    """Say what went wrong without the values that a bug's message may carry."""
    if isinstance(fault, QuotewrightError):
        return fault.message
    return f"a bug in the handler: {type(fault).__name__}"
