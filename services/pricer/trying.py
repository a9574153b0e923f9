"""The chore that carries out what-ifs: asks page by page to workers, what they found into rows.

Goes on from what is stored, so a killed process loses the parts it was at and nothing else. What
approvals would say is asked in bulk; what it does not tell counts as unknown.
"""

import os
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from contracts.errors import QuotewrightError
from contracts.values import Value
from infra.ask import Asker
from services.pricer.asks import Asks
from services.pricer.domain.what_ifs.outcome import Row
from services.pricer.domain.what_ifs.tally import Levels, Tally
from services.pricer.domain.what_ifs.trial import Terms
from services.pricer.library import Library
from services.pricer.trial_workers import Part, Workers
from services.pricer.what_if_asks import versions_of
from services.pricer.what_ifs import Progress, WhatIf

log = structlog.get_logger("pricer.trying")
PART_QUOTES = 1000
BULK_MAX = 1000
REMEMBERED_MAX = 500_000
BROKEN_MAX = 3

Question = tuple[str | None, Terms]


class _Told(Value):
    """What approvals answers to a bulk question."""

    levels: tuple[tuple[str, ...], ...]


@dataclass(slots=True)
class _Ahead:
    """A part that is being priced: where it ends, and what comes of it."""

    last: int
    found: "Future[Part]"


@dataclass(slots=True)
class _Running:
    """The what-if at hand, in this process: its workers, and the parts that are ahead."""

    job: WhatIf
    workers: Workers
    read_to: int
    ahead: deque[_Ahead] = field(default_factory=deque)
    levels: dict[Question, Levels] = field(default_factory=dict)


class Trying:
    """Carries out what-ifs, one after the other; a step saves one part."""

    def __init__(self, asks: Asks, progress: Progress, library: Library, asker: Asker) -> None:
        self._asks = asks
        self._progress = progress
        self._library = library
        self._asker = asker
        self._running: _Running | None = None
        self._broken: dict[UUID, int] = {}

    def step(self) -> int:
        """Do the next part; returns how many quotes it had, 0 when there is nothing to do."""
        job = self._progress.next()
        if job is None:
            self.close()
            return 0
        try:
            return self._step(job)
        except QuotewrightError:
            raise  # something is not available; what is stored stays as it is
        except Exception as fault:  # noqa: BLE001  one what-if must not stop the next for ever
            return self._break(job, fault)

    def close(self) -> None:
        """End the workers, if there are any."""
        if self._running is not None:
            self._running.workers.close()
            self._running = None

    # ---- inside

    def _step(self, job: WhatIf) -> int:
        running = self._begun(job)
        self._read_ahead(running)
        if not running.ahead:
            self._progress.end(job)
            self.close()
            log.info("what_if_done", what_if=str(job.what_if_id), quotes=job.quotes_done)
            return 1
        part = running.ahead.popleft()
        tree, rows = part.found.result()
        tally = Tally.read(tree)
        if job.changes.approvals:
            rows = self._approved(running, tally, rows)
        if not self._progress.save(job, part.last, tally, rows):
            self.close()  # cancelled meanwhile, or carried on by somebody else
            return 1
        running.job = job.but({"cursor_seq": part.last})
        return len(rows)

    def _begun(self, job: WhatIf) -> _Running:
        """Return the workers of this job, standing where the job stands."""
        held = self._running
        if held is not None:
            if (held.job.what_if_id, held.job.cursor_seq) == (job.what_if_id, job.cursor_seq):
                return held
            self.close()
        versions = versions_of(self._library, job, self._progress.book(job), self._asks)
        self._running = _Running(job, Workers(versions, workers_wanted()), job.cursor_seq)
        return self._running

    def _read_ahead(self, running: _Running) -> None:
        """Give every worker something to do, and one more."""
        while len(running.ahead) <= workers_wanted():
            page = self._asks.page(
                running.job.chosen, running.job.until_seq, running.read_to, PART_QUOTES
            )
            if not page.asks:
                return
            running.read_to = page.last
            running.ahead.append(_Ahead(page.last, running.workers.part(page.asks)))

    def _break(self, job: WhatIf, fault: Exception) -> int:
        """Begin again where it stands; give up a what-if that fails again and again."""
        self.close()
        times = self._broken.get(job.what_if_id, 0) + 1
        self._broken[job.what_if_id] = times
        why = type(fault).__name__
        log.warning("what_if_broken", what_if=str(job.what_if_id), times=times, why=why)
        if times >= BROKEN_MAX:
            self._progress.end(job, f"it failed {times} times ({why}); look into the log")
        return 1

    def _approved(self, running: _Running, tally: Tally, rows: Sequence[Row]) -> list[Row]:
        """Count who would have to approve the quotes of a part."""
        levels = running.levels
        asked = [each for row in rows for each in _questions(row)]
        self._ask(dict.fromkeys(each for each in asked if each not in levels), levels)
        found = []
        for row in rows:
            both = [levels.get(each) for each in _questions(row)]
            found.append(tally.approve(row, both[0], both[1]) if both else row)
        if len(levels) > REMEMBERED_MAX:
            levels.clear()
        return found

    def _ask(self, questions: Iterable[Question], levels: dict[Question, Levels]) -> None:
        wanted = list(questions)
        for place in range(0, len(wanted), BULK_MAX):
            some = wanted[place : place + BULK_MAX]
            body = {"terms": [_told(each) for each in some]}
            try:
                answer = self._asker.ask("approvals", "POST", "/approvals/preview/bulk", json=body)
                told = _Told.model_validate_json(answer, extra="ignore").levels
            except (QuotewrightError, ValueError) as fault:
                log.warning("approvals_not_told", why=type(fault).__name__)
                return
            levels.update(zip(some, told, strict=False))


def workers_wanted() -> int:
    """Return how many processes may price at once: all processors but one."""
    return max(1, (os.cpu_count() or 1) - 1)


def _questions(row: Row) -> list[Question]:
    if row.terms_before is None or row.terms_after is None:
        return []
    return [(row.selling_unit, row.terms_before), (row.selling_unit, row.terms_after)]


def _told(question: Question) -> dict[str, str | int]:
    unit, terms = question
    return {**terms._asdict(), **({"selling_unit": unit} if unit else {})}
