"""What becomes of a slice of records: works to write, records to park, versions to remember.

Nothing is written here. Duplicates drop out by stream version; what can not be read is parked raw,
and so is whatever of its deal follows it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

import structlog

from contracts.errors import Poison
from infra.bus import Slice
from infra.keeping import Known, Ledger, Waiting, waits
from infra.parking import Behind, Missing, park, reason_of
from infra.reading import Reading, Sifted, sifted_by
from infra.rows import Parked
from infra.view import View
from infra.wire import Arrived
from infra.work import Batch, Work

log = structlog.get_logger()


@dataclass(slots=True)
class Decided:
    """What a slice comes to; `matters` says whether a record of it was wanted, or parked.

    `stands_on` has the versions of the streams that were decided on and not appended to. `dropped`
    counts the records that were consumed before.
    """

    matters: bool = False
    works: list[Work] = field(default_factory=list)
    inbox: dict[str, int] = field(default_factory=dict)
    parked: list[Parked] = field(default_factory=list)
    stands_on: dict[str, int] = field(default_factory=dict)
    dropped: int = 0
    batch: Batch = field(default_factory=Batch)

    def follows(self, sifted: Sifted, seen: dict[str, int]) -> bool:
        """Note that a record's stream is consumed up to it; False if it was before.

        After a hole it is not: what is missing may still come.
        """
        if sifted.stream:
            last = seen[sifted.stream]
            if sifted.version <= last:
                self.dropped += sifted.wanted
                return False
            if sifted.version == last + 1:
                seen[sifted.stream] = self.inbox[sifted.stream] = sifted.version
        return True

    def parks(self, parked: Parked) -> None:
        """Note that a record is parked, whether or not anybody wanted it."""
        self.parked.append(parked)
        self.matters = True


class Care(Enum):
    """How carefully a slice is taken: many records at once, one, or one that is only parked."""

    TOGETHER = auto()
    """Decided on what is kept in memory, which the commit then checks."""
    ALONE = auto()
    """Decided on what is committed now."""
    RAW = auto()
    """Parked, without what is done to every record: that failed too."""


@dataclass(frozen=True, slots=True)
class _Sight:
    """What the handlers of one slice look at together."""

    view: View
    batch: Batch
    care: Care


class Deciding:
    """Lets handlers decide about records, in order, outside any transaction."""

    def __init__(self, ledger: Ledger, reading: Reading, known: Known) -> None:
        self._ledger = ledger
        self._reading = reading
        self._known = known
        self._log = log.bind(topic=reading.topic, consumer=ledger.source)
        self.at: int | None = None
        """The offset of the record whose handler runs, or raised what came out of `decide`."""

    def matters(self, record: Arrived) -> bool:
        """Say whether anybody here wants the record; one that can not be read, yes."""
        try:
            return self._reading.matters(record)
        except Poison:
            return True

    def repeated(self, piece: Slice) -> dict[str, int]:
        """Return what is consumed by a slice whose only record was carried out before."""
        return {each.stream: each.version for each in self._sift(piece) if each.stream}

    def decide(
        self,
        piece: Slice,
        late: Mapping[str, int],
        fault: Exception | None = None,
        care: Care = Care.ALONE,
    ) -> Decided:
        """Handle the records of a slice; with a fault, park its only record instead.

        `late` are versions passed over that are not written yet. What nobody hears is parked too
        where it leaves a hole, or may fill one.
        Raises: Poison, if one of others can not be read; whatever a handler raises.
        """
        self.at = None
        sifted = self._sift(piece)
        streams = {each.stream for each in sifted if each.stream}
        seen = self._known.versions(streams, late)
        held = self._known.waiting(piece.partition, {each.record.key for each in sifted})
        decided = Decided(any(each.wanted for each in sifted))
        sight = _Sight(View(self._ledger, fresh=care is not Care.TOGETHER), decided.batch, care)
        for each in sifted:
            last = seen.get(each.stream, 0)
            if not decided.follows(each, seen):
                continue
            why = _obstacle(each, last, fault, held)
            if not each.wanted and why is None:
                continue
            self.at = each.record.offset
            work, why = self._handled(each, sight, why)
            decided.works += [work] if work else []
            if why is not None:
                decided.parks(park(piece, each, why))
                waits(held, decided.parked[-1])
                self._log.warning("parked", offset=each.record.offset, reason=reason_of(why))
        self.at = None
        decided.batch.decided()
        decided.stands_on = sight.view.only_seen(decided.works)
        return decided

    def _sift(self, piece: Slice) -> list[Sifted]:
        return [sifted_by(self._reading, each) for each in piece.records]

    def _handled(
        self, sifted: Sifted, sight: _Sight, why: Exception | None
    ) -> tuple[Work | None, Exception | None]:
        """Handle a record, or (with a reason not to) do only what is done to every record."""
        if why is None:
            return self._try(sifted.record, sight)
        if sifted.fault is not None or sight.care is Care.RAW or not sifted.wanted:
            return None, why
        return self._reading.begin(sifted.record, sight.view, sight.batch), why

    def _try(self, record: Arrived, sight: _Sight) -> tuple[Work, Poison | None]:
        """Handle one record; a Poison leaves only what `begin` did.

        Among others it is raised: the batch may hold half of what the handler appended, and what
        it was decided on may be old.
        """
        work = self._reading.begin(record, sight.view, sight.batch)
        try:
            self._reading.handle(record, work)
        except Poison as fault:
            if sight.care is Care.TOGETHER:
                raise
            return self._reading.begin(record, sight.view, Batch()), fault
        return work, None


def _obstacle(
    sifted: Sifted, last: int, fault: Exception | None, held: Waiting
) -> Exception | None:
    """Say why a record can not be handled now, if so; `fault` is what it failed of before."""
    if sifted.stream and sifted.version > last + 1:
        return Missing()
    if fault or sifted.fault:
        return fault or sifted.fault
    awaited = held.get(sifted.record.key)
    if awaited is None or not (sifted.wanted or sifted.stream in awaited):
        return None
    return Behind("an earlier fact of this deal is parked")
