"""The consumer: hears records, lets handlers decide, and writes effects and position together.

Read a slice -> decide outside -> one short transaction. Duplicates drop out by stream version. What
can not be read, or fails again and again, is parked raw, and later facts of the same deal wait
behind it while other deals go on.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from contracts.errors import Poison, Unavailable
from infra.bus import Slice, Source
from infra.keeping import Known, Late, Ledger
from infra.parking import Behind, Missing, park, reason_of
from infra.reading import Reading, Sifted, sifted_by
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
        self._late = Late()
        self._log = log.bind(topic=reading.topic, consumer=ledger.source)

    def claim(self, partition: int) -> int:
        """Take over a partition; after an unclean end its records go one at a time."""
        claimed = self._ledger.claim(self._reading.topic, partition)
        self._forget()
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
            self._idle(source)
            return 0
        try:
            if piece.partition in self._careful:
                self._one_by_one(piece)
            else:
                self._whole(piece)
            self._failures = 0
            return len(piece.records)
        except Fenced:
            self._fenced(source, piece.partition)
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
            except Exception as fault:
                # A retry must not take the consumer down; the reason is kept.
                stuck.add(parked.key)
                self._ledger.still_parked(parked, reason_of(fault))
                self._log.warning("still_parked", parked_id=parked.id, reason=reason_of(fault))
        if done:
            self._known.unparked()
        return done

    # ---- inside

    def _idle(self, source: Source) -> None:
        try:
            self._write_late()
        except Fenced:
            for partition in list(self._epochs):
                self._fenced(source, partition)

    def _fenced(self, source: Source, partition: int) -> None:
        self._log.warning("fenced", partition=partition)
        self._forget()
        source.disown(partition)

    def _forget(self) -> None:
        self._known.forget()
        self._late.forget()

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
        if not any(map(self._matters, piece.records)):
            self._take(piece)
            return
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
        sifted = [sifted_by(self._reading, each) for each in piece.records]
        streams = {each.stream for each in sifted if each.wanted and each.stream}
        seen = self._known.versions(streams, self._late.inbox(piece.partition))
        held = self._known.waiting(piece.partition)
        batch, inbox = Batch(), dict[str, int]()
        works: list[Work] = []
        parked: list[Parked] = []
        for each in sifted:
            last = seen.get(each.stream, 0)
            if each.stream:
                if each.wanted and each.version <= last:
                    continue
                seen[each.stream] = inbox[each.stream] = max(each.version, last)
            if not each.wanted:
                continue
            why = each.fault or fault
            if why is None and each.stream and each.version > last + 1:
                why = Missing("facts of its stream before this one are missing")
            if why is None and each.record.key in held:
                why = Behind("an earlier fact of this deal is parked")
            work, why = self._handled(each, batch, why, alone=len(sifted) == 1)
            works += [work] if work else []
            if why is not None:
                held.add(each.record.key)
                parked.append(park(piece, each.record, why))
                self._log.warning("parked", offset=each.record.offset, reason=reason_of(why))
        progress = self._progress(piece, inbox, tuple(parked))
        if any(each.wanted for each in sifted):
            self._commit(works, progress)
        else:
            self._late.add(progress)

    def _progress(
        self, piece: Slice, inbox: Mapping[str, int], parked: tuple[Parked, ...]
    ) -> Progress:
        epoch = self._epochs[piece.partition]
        topic, partition = piece.topic, piece.partition
        return Progress(topic, partition, epoch, piece.start, piece.after, inbox, parked)

    def _commit(self, works: Sequence[Work], progress: Progress) -> None:
        """Write works and progress, with what was passed over before."""
        self._ledger.commit(works, self._late.before(progress))
        self._late.written(progress.partition)
        self._known.committed(progress)
        self._hooks.committed(works)
        if progress.parked:
            self._hooks.parked(progress.parked)

    def _write_late(self) -> None:
        """Write positions that only passed over what nobody hears, when nothing else is to do."""
        for progress in self._late.due():
            self._commit([], progress)

    def _handled(
        self, sifted: Sifted, batch: Batch, why: Exception | None, *, alone: bool
    ) -> tuple[Work | None, Exception | None]:
        """Handle a record, or (with a reason not to) do only what is done to every record."""
        if why is None:
            return self._try(sifted.record, batch, alone)
        if sifted.fault is not None:
            return None, why
        return self._reading.begin(sifted.record, self._ledger, batch), why

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
        self._forget()
        return claimed.position == piece.start

    def _back_off(self, reason: str) -> None:
        self._failures += 1
        ceiling = min(BACKOFF_MAX_S, BACKOFF_MIN_S * 2**self._failures)
        wait_s = random.uniform(0, ceiling)  # noqa: S311, jitter, not a secret
        self._log.warning("not_available", reason=reason, wait_s=round(wait_s, 3))
        self._hooks.pause(wait_s)
