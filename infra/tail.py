"""The newest part of the embedded log, as this process has read it.

Six services of one process ask for the same rows at the same moment; each row is fetched once, by
whoever asks first, and read from here by the others. Only settled rows are kept, so nothing changes
about what a reader may see.
"""

import threading
import time
from bisect import bisect_right

from psycopg_pool import ConnectionPool

from infra.postgres import PgConnection, reachable
from infra.reader import SettledReader
from infra.wire import Arrived, unpack_headers

ROWS_MAX, BYTES_MAX = 2_000, 32 * 1024 * 1024
FETCH = 500
# How long "nothing new" stays the answer while nobody of this process has published anything.
EMPTY_S = 0.02


class LogTail:
    """Rows of `bus.log` from some position to the last one read; thread-safe."""

    def __init__(self) -> None:
        self._reader = SettledReader("bus.log", "topic, key, headers, value", body="value")
        self._after = 0
        self._rows: list[tuple[int, str, Arrived]] = []
        self._empty = (-1, 0.0)
        self._guard = threading.Lock()

    def read(
        self, pool: ConnectionPool[PgConnection], after: int, limit: int, rung: int
    ) -> list[tuple[int, str, Arrived]]:
        """Return the next settled rows after a position: position, topic, record.

        `rung` counts what this process has published so far. Where somebody has just looked and
        found nothing, and nothing was published since, nobody looks again for a moment.
        """
        with self._guard:
            if after < self._after:
                return self._fetch(pool, after, limit)  # far behind: catches up on its own
            if after > self._last():
                self._after, self._rows = after, []  # far ahead: the tail begins anew here
            first = bisect_right(self._rows, after, key=lambda row: row[0])
            fetched: list[tuple[int, str, Arrived]] = []
            if first == len(self._rows) and not self._known_empty(rung):
                looked = time.monotonic()
                fetched = self._fetch(pool, after, FETCH)
                self._rows += fetched
                self._empty = (-1, 0.0) if fetched else (rung, looked)
            found = self._rows[first : first + limit]
            if fetched:
                self._trim()
            return found

    def forget(self) -> None:
        """Read everything anew: after a crash the log may hold other rows at the same positions."""
        with self._guard:
            self._after, self._rows, self._empty = 0, [], (-1, 0.0)

    def _known_empty(self, rung: int) -> bool:
        before, looked = self._empty
        return before == rung and time.monotonic() - looked < EMPTY_S

    def _last(self) -> int:
        return self._rows[-1][0] if self._rows else self._after

    def _fetch(
        self, pool: ConnectionPool[PgConnection], after: int, limit: int
    ) -> list[tuple[int, str, Arrived]]:
        with reachable(), pool.connection() as connection:
            rows = self._reader.read(connection, after, limit)
        return [
            (
                position,
                topic,
                Arrived(position - 1, bytes(key), unpack_headers(headers), bytes(value)),
            )
            for position, topic, key, headers, value in rows
        ]

    def _trim(self) -> None:
        """Drop the older half when there is too much; who still needs it fetches it alone."""
        heavy = len(self._rows) > 1 and sum(len(row[2].value) for row in self._rows) > BYTES_MAX
        if heavy or len(self._rows) > ROWS_MAX:
            half = len(self._rows) // 2
            self._after = self._rows[half - 1][0]
            self._rows = self._rows[half:]
