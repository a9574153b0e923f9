"""The renderer: page model in, PDF bytes out, by a warm worker process and a synchronous call.

Layout takes CPU and memory in proportion to what somebody else wrote, so it never happens in this
process: the worker has limits, an empty environment and a deadline, and may die without harm.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from contracts.errors import Unavailable
from services.documents.domain.page import Page
from services.documents.domain.refusals import (
    DocumentRefused,
    RenderTooSlow,
    TemplateFailed,
    UnprintableText,
)
from services.documents.process import WorkerProcess, WorkerSetup

REFUSALS: dict[str, type[DocumentRefused]] = {
    "unprintable": UnprintableText,
    "template": TemplateFailed,
}


class RendererDown(Unavailable):
    """The worker died, did not start, or is busy for longer than anybody should wait."""

    code = "documents.renderer_down"


@dataclass(frozen=True, slots=True)
class Printed:
    """A finished document; `engine` names every version that the bytes depend on."""

    content: bytes
    pages: int
    engine: str
    spent_ms: float


class Renderer(Protocol):
    """Makes PDFs: the same page model gives the same bytes."""

    def render(self, page: Page) -> Printed:
        """Return the document.

        Raises: RendererDown (ask again); UnprintableText, TemplateFailed, RenderTooSlow (do not).
        """
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Deadlines in seconds, and after what a worker is replaced by a fresh one."""

    start_s: float = 60.0
    render_s: float = 20.0
    documents: int = 200
    rss_bytes: int = 400 * 1024 * 1024


class WarmRenderer:
    """A renderer with one worker, warm before the first document, replaced in the background."""

    def __init__(self, setup: WorkerSetup, limits: Limits | None = None) -> None:
        """Start the worker without waiting for it."""
        self._setup = setup
        self._limits = limits or Limits()
        self._turn = threading.Lock()
        self._worker = WorkerProcess.start(setup)
        self._successor: WorkerProcess | None = None

    def ready(self) -> bool:
        """Say whether the next document finds a warm worker, without waiting."""
        if not self._turn.acquire(blocking=False):
            return True
        try:
            return self._worker.greeted()
        finally:
            self._turn.release()

    @property
    def process_id(self) -> int:
        """The process that renders now."""
        return self._worker.process_id

    def render(self, page: Page) -> Printed:
        """Return the document; documents wait for one another."""
        with self._my_turn():
            worker = self._warm_worker()
            try:
                head, content = worker.ask(page.model_dump_json().encode(), self._limits.render_s)
            except TimeoutError:
                self._replace(worker)
                raise RenderTooSlow(
                    f"the document was not ready after {self._limits.render_s:g} s; "
                    "make it shorter or raise the limit",
                    limit=str(self._limits.render_s),
                ) from None
            except (OSError, EOFError, ValueError) as fault:
                self._replace(worker)
                raise RendererDown("the render worker died; a fresh one is starting") from fault
            self._plan_succession(head)
        if not head["ok"]:
            refusal = REFUSALS[head["code"]]
            raise refusal(head["message"], field="offer")
        return Printed(content, head["pages"], worker.engine, head["spent_ms"])

    def close(self) -> None:
        """End the worker."""
        for worker in (self._worker, self._successor):
            if worker is not None:
                worker.stop()

    # ---- inside, with the turn held

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=self._limits.render_s):
            raise RendererDown("the render worker is busy with other documents; ask again")
        try:
            yield
        finally:
            self._turn.release()

    def _warm_worker(self) -> WorkerProcess:
        if self._successor is not None and self._successor.greeted():
            self._worker.stop()
            self._worker, self._successor = self._successor, None
        try:
            self._worker.await_greeting(self._limits.start_s)
        except (OSError, EOFError, ValueError, RuntimeError) as fault:
            self._replace(self._worker)
            raise RendererDown(f"the render worker did not start: {fault}") from fault
        return self._worker

    def _replace(self, worker: WorkerProcess) -> None:
        worker.stop()
        self._worker = self._successor or WorkerProcess.start(self._setup)
        self._successor = None

    def _plan_succession(self, head: dict[str, Any]) -> None:
        used_up = (
            self._worker.documents >= self._limits.documents
            or head.get("rss_bytes", 0) > self._limits.rss_bytes
        )
        if used_up and self._successor is None:
            self._successor = WorkerProcess.start(self._setup)
