"""The consumer: hears records, lets handlers decide, and writes effects and position together.

Read a slice -> decide outside -> one short transaction. Duplicates drop out by stream version. What
can not be read, or fails again and again, is parked raw, and later facts of the same deal wait
behind it while other deals go on. What is not available now lets its partition rest, and only that.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from contracts.errors import Poison, Unavailable
from infra.bus import Slice, Source
from infra.deciding import Care, Deciding
from infra.keeping import Known, Late, Ledger
from infra.parking import ATTEMPTS_MAX, NeverBack
from infra.reading import Reading
from infra.resting import Jitter, Rests, full_jitter
from infra.retrying import Retrying
from infra.rows import CommandRepeated, Fenced, LostRace, Parked, Progress
from infra.work import Work

log = structlog.get_logger()
RACES_MAX = 30


@dataclass(frozen=True, slots=True)
class Hooks:
    """A consumer's surroundings: whom it tells of commits and parked records, its clock and dice.

    `now` counts seconds and never turns back; `jitter` chooses a wait up to the longest; `dropped`
    hears how many facts came that were consumed before.
    """

    committed: Callable[[Sequence[Work]], None]
    parked: Callable[[Sequence[Parked]], None]
    now: Callable[[], float] = time.monotonic
    jitter: Jitter = full_jitter
    dropped: Callable[[int], None] = lambda _: None


class Consumer:
    """Consumes one topic for one service. One thread calls `step` again and again."""

    def __init__(self, ledger: Ledger, reading: Reading, batch_size: int, hooks: Hooks) -> None:
        self._ledger = ledger
        self._reading = reading
        self._batch_size = batch_size
        self._hooks = hooks
        self._epochs: dict[int, int] = {}
        # Per partition, how many records that matter still go one at a time after an unclean end.
        self._careful: dict[int, int] = {}
        self._asked_newer: set[int] = set()
        # Partitions that a retry found to be another's: the source still has to hear of it.
        self._overtaken: set[int] = set()
        self._rests = Rests(hooks.now, hooks.jitter)
        self._retry_rests = Rests(hooks.now, hooks.jitter)
        self._known = Known(ledger, reading.topic)
        self._late = Late()
        self._deciding = Deciding(ledger, reading, self._known)
        self._retrying = Retrying(ledger, reading, batch_size, hooks.committed)
        self._log = log.bind(topic=reading.topic, consumer=ledger.source)

    def claim(self, partition: int) -> int:
        """Take over a partition; after an unclean end its records go one at a time for a while."""
        claimed = self._ledger.claim(self._reading.topic, partition)
        before = self._epochs.get(partition)
        self._forget(partition)
        self._epochs[partition] = claimed.epoch
        if partition not in self._asked_newer:
            self._ledger.retry_newer(self._reading.topic, partition)
            self._asked_newer.add(partition)
        if before == claimed.epoch - 1:
            return claimed.position  # nobody else had it: we know how it was left
        if claimed.unclean or claimed.attempts:
            # Whoever died did so over a slice that began before so many records that matter.
            self._careful[partition] = self._batch_size
            self._log.warning("unclean_end_seen", partition=partition, attempts=claimed.attempts)
        return claimed.position

    def release(self) -> None:
        """Give the partitions back in order; call it when no step runs and none will.

        The next owner then need not be careful. Raises: Unavailable; then he will be.
        """
        calm = {p: epoch for p, epoch in self._epochs.items() if p not in self._careful}
        self._ledger.release(self._reading.topic, calm)
        self._epochs.clear()

    def step(self, source: Source, timeout_s: float) -> int:
        """Handle the next slice, if one comes within the timeout.

        Returns how many records it had.
        """
        for partition in self._rests.rested():
            source.resume(partition)
        for partition in self._overtaken:
            source.disown(partition)
        self._overtaken.clear()
        piece = source.poll(self._batch_size, self._rests.at_most(timeout_s))
        if piece is None:
            self._idle(source)
            return 0
        try:
            self._handle(piece)
            self._rests.worked(piece.partition)
            return len(piece.records)
        except Fenced:
            self._fenced(source, piece.partition)
        except Unavailable as fault:
            self._rest(source, piece, fault)
        except Exception:
            # A fault of ours: nothing of the slice is written, so it must not count as read.
            self._forget(piece.partition)
            source.disown(piece.partition)
            raise
        return 0

    def retry_parked(self) -> int:
        """Try a page of what somebody asked for, in order per deal; returns how many were tried.

        A deal stops at its first failure.
        """
        tried = 0
        for partition, epoch in list(self._epochs.items()):
            if self._retry_rests.resting(partition) or not self._known.any_waits(partition):
                continue
            try:
                tried += self._retrying.page(partition, epoch)
                self._retry_rests.worked(partition)
            except Fenced:  # its new owner retries; if that is us, after claiming it anew
                self._forget(partition)
                self._overtaken.add(partition)
            except Unavailable as fault:
                self._known.unparked()  # some of it may be written
                wait_s = self._retry_rests.rest(partition)
                self._log.warning(
                    "retry_not_available", reason=fault.message, wait_s=round(wait_s, 3)
                )
        if tried:
            self._known.unparked()
        return tried

    # ---- inside

    def _idle(self, source: Source) -> None:
        """Write positions that only passed over what nobody hears, when nothing else is to do."""
        for progress in self._late.due():
            try:
                self._commit([], progress)
            except Fenced:
                self._fenced(source, progress.partition)

    def _fenced(self, source: Source, partition: int) -> None:
        self._log.warning("fenced", partition=partition)
        self._forget(partition)
        source.disown(partition)

    def _forget(self, partition: int) -> None:
        self._known.forget()
        self._late.forget(partition)

    def _handle(self, piece: Slice) -> None:
        if piece.partition in self._careful:
            self._one_by_one(piece, None)
            return
        try:
            self._take(piece, care=Care.TOGETHER)
        except (Fenced, Unavailable):
            raise
        except (LostRace, CommandRepeated, Poison):
            self._one_by_one(piece, None)
        except Exception:  # whether the record fails alone too is found out next
            self._log.exception("batch_failed", partition=piece.partition, start=piece.start)
            self._one_by_one(piece, self._deciding.at)

    def _one_by_one(self, piece: Slice, failed: int | None) -> None:
        """Handle each record by itself; `failed` is the offset of the one that broke the batch."""
        before = piece.start
        for record in piece.records:
            alone = replace(piece, start=before, after=record.offset + 1, records=(record,))
            if self._deciding.matters(record):
                self._alone(alone, tried=int(record.offset == failed))
            else:
                self._take(alone)
            before = record.offset + 1
        if before != piece.after:
            self._take(replace(piece, start=before, records=()))

    def _alone(self, piece: Slice, tried: int) -> None:
        """Handle one record; while careful, count the attempt first: we may not come back."""
        careful = piece.partition in self._careful
        if careful:
            epoch = self._epochs[piece.partition]
            begun = self._ledger.attempt(piece.topic, piece.partition, epoch)
            if begun > ATTEMPTS_MAX:
                self._take(piece, NeverBack("the handler did not come back from this fact"))
                return
            tried = max(tried, begun - 1)
        for _ in range(RACES_MAX):
            try:
                self._take(piece)
            except CommandRepeated:
                self._commit([], self._progress(piece, self._deciding.repeated(piece)))
            except LostRace:
                continue
            except (Fenced, Unavailable):
                raise
            except Exception as fault:
                tried += 1
                self._log.exception("handler_failed", attempts=tried, start=piece.start)
                if tried < ATTEMPTS_MAX:
                    continue
                self._park(piece, fault)
            if careful:
                self._calmer(piece.partition)
            return
        raise Unavailable("the race for a stream does not end")

    def _calmer(self, partition: int) -> None:
        self._careful[partition] -= 1
        if not self._careful[partition]:
            del self._careful[partition]

    def _take(self, piece: Slice, fault: Exception | None = None, care: Care = Care.ALONE) -> None:
        """Handle the records of a slice and commit; with a fault, park its only record instead."""
        late = self._late.inbox(piece.partition)
        decided = self._deciding.decide(piece, late, fault, care)
        progress = self._progress(piece, decided.inbox, decided.parked, decided.stands_on)
        if decided.matters or self._late.is_much(piece.partition):
            self._commit(decided.works, progress)
            decided.batch.committed()
        else:
            self._late.add(progress)
        if decided.dropped:
            self._hooks.dropped(decided.dropped)

    def _park(self, piece: Slice, fault: Exception) -> None:
        """Park the only record of a slice; raw, if what is done to every record fails too."""
        try:
            self._take(piece, fault)
        except (Fenced, Unavailable):
            raise
        except Exception:
            self._log.exception("parked_raw", start=piece.start)
            self._take(piece, fault, Care.RAW)

    def _progress(
        self,
        piece: Slice,
        inbox: Mapping[str, int],
        parked: Sequence[Parked] = (),
        stands_on: Mapping[str, int] | None = None,
    ) -> Progress:
        place = piece.topic, piece.partition, self._epochs[piece.partition]
        step = piece.start, piece.after
        return Progress(*place, *step, inbox, tuple(parked), stands_on or {})

    def _commit(self, works: Sequence[Work], progress: Progress) -> None:
        """Write works and progress, with what was passed over before."""
        progress = self._late.before(progress)
        self._ledger.commit(works, progress)
        self._late.written(progress.partition)
        self._known.committed(progress)
        self._hooks.committed(works)
        if progress.parked:
            self._hooks.parked(progress.parked)

    def _rest(self, source: Source, piece: Slice, fault: Unavailable) -> None:
        """Let the slice's partition rest and come again; the others go on."""
        wait_s = self._rests.rest(piece.partition)
        self._log.warning(
            "not_available",
            partition=piece.partition,
            reason=fault.message,
            wait_s=round(wait_s, 3),
        )
        source.rewind(piece) if self._reclaim(piece) else source.disown(piece.partition)
        source.pause(piece.partition)

    def _reclaim(self, piece: Slice) -> bool:
        """Check that the partition is still where we think.

        The last commit's answer may be lost.
        """
        try:
            claimed = self._ledger.claim(piece.topic, piece.partition, clean=True)
        except Unavailable:
            return False
        self._epochs[piece.partition] = claimed.epoch
        self._forget(piece.partition)
        return claimed.position == piece.start
