"""Trying parked records again: from their raw bytes, through today's upcasters, in order per deal.

A page at a time, so that what arrives in between is not kept waiting. A page is handled and written
as one; if that fails, its records go one by one, and a deal stops at its first failure.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import structlog

from contracts.errors import Poison, Unavailable
from infra.keeping import Ledger
from infra.parking import ATTEMPTS_MAX, Missing, NeverBack
from infra.reading import Reading
from infra.rows import CommandRepeated, Fenced, LostRace, NotParkedNow, Parked
from infra.view import View
from infra.work import Batch, Work

log = structlog.get_logger()
RACES_MAX = 30


class Retrying:
    """Retries the parked records of one topic that are marked for it."""

    def __init__(
        self,
        ledger: Ledger,
        reading: Reading,
        page_size: int,
        committed: Callable[[Sequence[Work]], None],
    ) -> None:
        self._ledger = ledger
        self._reading = reading
        self._page_size = page_size
        self._committed = committed
        self._log = log.bind(topic=reading.topic, consumer=ledger.source)

    def page(self, partition: int, epoch: int) -> int:
        """Try the next records of a partition that are marked; returns how many were tried.

        Raises: Fenced, if the partition is no longer ours; Unavailable, and the marks stay.
        """
        marked = self._ledger.retries(self._reading.topic, partition, self._page_size)
        if not marked:
            return 0
        page = [self._placed(each) for each in marked]
        # Records that a process died over before go one at a time, and only so often.
        if not any(each.begun for each in page) and self._whole(page, epoch):
            return len(page)
        stuck = set[bytes]()  # keys
        for parked in page:
            if parked.key in stuck:
                continue
            fault = self._alone(parked, epoch)
            if fault is None:
                continue
            stuck.add(parked.key)
            if not isinstance(fault, NotParkedNow):
                self._ledger.still_parked(parked, epoch, fault)
                self._log.warning("still_parked", parked_id=parked.id, error=type(fault).__name__)
        return len(page)

    # ---- inside

    def _whole(self, page: Sequence[Parked], epoch: int) -> bool:
        """Handle a page and write it as one; False, if that does not work."""
        self._ledger.begin_retry(page)
        try:
            batch, view, standing = Batch(), View(self._ledger, fresh=True), self._standing(page)
            works = [self._handled(each, view, batch, standing) for each in page]
            batch.decided()
            self._ledger.unpark(page, works, epoch, view.only_seen(works), standing)
        except (Unavailable, Fenced):  # nobody died
            self._came_back(page)
            raise
        except Exception as fault:  # whose fault it is shows when each goes alone
            self._log.info("retry_one_by_one", records=len(page), error=type(fault).__name__)
            return False
        batch.committed()
        self._committed(works)
        return True

    def _alone(self, parked: Parked, epoch: int) -> Exception | None:
        """Try one record; returns what it failed of, None if it is through."""
        if parked.begun > ATTEMPTS_MAX:
            return NeverBack("the handler did not come back from this fact")
        self._ledger.begin_retry([parked])
        fault: Exception = LostRace("the race for a stream does not end")
        for _ in range(RACES_MAX):
            try:
                view, standing = View(self._ledger, fresh=True), self._standing([parked])
                work = self._handled(parked, view, Batch(), standing)
                work.batch.decided()
                self._write(parked, work, epoch, (view.only_seen([work]), standing))
            except LostRace:
                continue
            except (Unavailable, Fenced):
                self._came_back([parked])
                raise
            except Exception as found:  # a retry must not take the consumer down
                fault = found
                break
            return None
        return fault

    def _came_back(self, page: Sequence[Parked]) -> None:
        """Take the count back: nothing died, something was only not available, or not ours."""
        with suppress(Unavailable):
            self._ledger.begin_retry(page, -1)

    def _write(
        self,
        parked: Parked,
        work: Work,
        epoch: int,
        stands: tuple[Mapping[str, int], Mapping[str, int]],
    ) -> None:
        """Write one record's work; `stands`: what it was decided on, and what is consumed by it."""
        try:
            self._ledger.unpark([parked], [work], epoch, *stands)
        except CommandRepeated:  # it was carried out before: only the record is to go
            self._ledger.unpark([parked], [Work(self._ledger, work.cause)], epoch, {}, stands[1])
        else:
            work.batch.committed()
            self._committed([work])

    def _placed(self, parked: Parked) -> Parked:
        """Return the record with its place, also where only today's code can read it."""
        if parked.stream is None:
            with suppress(Poison):
                if place := self._reading.place(parked.arrived()):
                    return replace(parked, stream=place[0], version=place[1])
        return parked

    def _standing(self, page: Sequence[Parked]) -> dict[str, int]:
        """Return the last version consumed of each stream that the records stand in."""
        streams = {each.stream for each in page if each.stream}
        return dict.fromkeys(streams, 0) | dict(self._ledger.versions(streams))

    def _handled(self, parked: Parked, view: View, batch: Batch, standing: dict[str, int]) -> Work:
        """Handle a record and note that its stream is consumed up to it.

        Raises: Missing, if it waits for earlier ones; whatever the handler raises.
        """
        last, version = standing.get(parked.stream or "", 0), parked.version or 0
        if parked.follows is not None and parked.follows > last:
            raise Missing
        work = self._reading.begin(parked.arrived(), view, batch)
        self._reading.handle(parked.arrived(), work)
        if parked.stream:
            standing[parked.stream] = max(version, last)
        return work
