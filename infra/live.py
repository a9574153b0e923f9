"""Pages that change while one looks at them: one stream per page, one look per process.

While somebody listens, a thread asks the database what is new, and wakes the pages that show it. A
page is drawn anew and sent only if it differs from what its reader has: the event's id is the hash
of what was drawn, so a reader who comes back with `Last-Event-ID` gets nothing twice.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from hashlib import sha256

import structlog
from fastapi import Request
from psycopg_pool import ConnectionPool
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from contracts.errors import QuotewrightError
from infra.postgres import PgConnection, reachable

log = structlog.get_logger("infra.live")
LOOK_S = 0.1
# A page is drawn anew so often at least: what a look has missed is shown then.
ANEW_S = 5.0
# What others keep of a change comes a moment after it: so soon a changed page is drawn again.
SOON_S = 0.5
NOBODY_S = 30.0

News = Callable[[], set[str] | None]
Draw = Callable[[], str]


class Changes:
    """Names the deals of which a table of facts got news; used by one thread.

    Rows are numbered before they are committed, so each look goes back over the last numbers and
    leaves out those that it has named.
    """

    BACK = 500

    def __init__(
        self, pool: ConnectionPool[PgConnection], table: str = "events", number: str = "position"
    ) -> None:
        self._pool = pool
        self._last = f"SELECT coalesce(max({number}), 0) FROM {table}"  # noqa: S608, our own names
        self._since = f"SELECT {number}, deal_id::text FROM {table} WHERE {number} > %s"  # noqa: S608
        self._newest: int | None = None
        self._named: set[int] = set()

    def look(self) -> set[str] | None:
        """Return the deals with news, and "*" if there are any; None, when asked the first time.

        Raises: Unavailable.
        """
        is_first = self._newest is None
        with reachable(), self._pool.connection() as connection:
            if self._newest is None:
                row = connection.execute(self._last).fetchone()
                self._newest = row[0] if row else 0
            rows = connection.execute(self._since, (self._newest - self.BACK,)).fetchall()
        fresh = [(number, deal) for number, deal in rows if number not in self._named]
        self._newest = max([self._newest, *(number for number, _ in rows)])
        self._named = {number for number, _ in rows if number > self._newest - self.BACK}
        if is_first:
            return None
        return {deal for _, deal in fresh if deal} | ({"*"} if fresh else set())


class Listener:
    """One open page: which keys it shows, and the bell that wakes its stream."""

    def __init__(self, keys: set[str], loop: asyncio.AbstractEventLoop) -> None:
        self.keys = keys
        self.bell = asyncio.Event()
        self._loop = loop

    def ring(self) -> None:
        """Wake the stream; from any thread."""
        self._loop.call_soon_threadsafe(self.bell.set)


class Live:
    """Wakes open pages when what they show has changed.

    `news` returns the keys that changed since it was asked last; None says that anything may have.
    """

    def __init__(self, news: News) -> None:
        self._news = news
        self._listeners: set[Listener] = set()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    def stream(self, request: Request, keys: set[str], draw: Draw) -> StreamingResponse:
        """Answer with the stream of a page that shows these keys."""
        last = request.headers.get("last-event-id", "")
        body = self._events(keys, draw, last, request)
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(body, media_type="text/event-stream", headers=headers)

    async def _events(
        self, keys: set[str], draw: Draw, last: str, request: Request
    ) -> AsyncIterator[str]:
        listener = Listener(keys, asyncio.get_running_loop())
        wait_s = SOON_S
        self._add(listener)
        try:
            yield "retry: 1000\n\n"
            while not self._closing.is_set() and not await request.is_disconnected():
                listener.bell.clear()
                try:
                    drawn = await run_in_threadpool(draw)
                except QuotewrightError as fault:
                    log.debug("not_drawn", reason=fault.message)
                else:
                    digest = sha256(drawn.encode()).hexdigest()[:16]
                    if digest != last:
                        last = digest
                        yield _event(digest, drawn)
                    else:
                        yield ": here\n\n"
                wait_s = SOON_S if await _heard(listener.bell, wait_s) else ANEW_S
        finally:
            self._remove(listener)

    def _add(self, listener: Listener) -> None:
        with self._guard:
            self._listeners.add(listener)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="live", daemon=True)
                self._thread.start()

    def _remove(self, listener: Listener) -> None:
        with self._guard:
            self._listeners.discard(listener)

    def _look(self) -> None:
        """Look for news until the house closes, or nobody has listened for a while."""
        idle_s = 0.0
        while not self._closing.wait(LOOK_S):
            with self._guard:
                listeners = list(self._listeners)
                idle_s = 0.0 if listeners else idle_s + LOOK_S
                if idle_s > NOBODY_S:
                    self._thread = None
                    return
            try:
                changed = self._news()
            except QuotewrightError:
                continue  # the database is away; the next look finds what was missed
            for each in listeners:
                if changed is None or changed & each.keys:
                    each.ring()

    def close(self) -> None:
        """End the streams; safe to repeat."""
        self._closing.set()
        with self._guard:
            listeners = list(self._listeners)
        for each in listeners:
            each.ring()


async def _heard(bell: asyncio.Event, wait_s: float) -> bool:
    try:
        return await asyncio.wait_for(bell.wait(), wait_s)
    except TimeoutError:
        return False


def _event(id_: str, drawn: str) -> str:
    lines = "".join(f"data: {line}\n" for line in drawn.splitlines())
    return f"id: {id_}\n{lines}\n"
