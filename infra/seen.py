"""Where taken webhook signings are remembered: in memory or in the service's schema."""

import threading
from datetime import datetime, timedelta

from psycopg_pool import ConnectionPool

from infra.postgres import PgConnection, reachable
from infra.webhooks import TOLERANCE_S

# A time stamp may lie one tolerance ahead and is good one tolerance behind; then the window itself
# refuses.
KEEP = timedelta(seconds=2 * TOLERANCE_S + 60)
SWEEP_EVERY = timedelta(seconds=60)


class MemorySeen:
    """Remembers in a dict, for one process; thread-safe."""

    def __init__(self) -> None:
        self._seen: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def claim(self, digest: str, now: datetime) -> bool:
        """Remember the signing; False if it is remembered already."""
        with self._lock:
            self._seen = {each: at for each, at in self._seen.items() if at > now - KEEP}
            if digest in self._seen:
                return False
            self._seen[digest] = now
            return True

    def release(self, digest: str) -> None:
        """Forget the signing."""
        with self._lock:
            self._seen.pop(digest, None)


class PostgresSeen:
    """Remembers in the table `webhook_seen`, for all processes of the service."""

    def __init__(self, pool: ConnectionPool[PgConnection]) -> None:
        self._pool = pool
        self._swept_at: datetime | None = None

    def claim(self, digest: str, now: datetime) -> bool:
        """Remember the signing; False if it is remembered already.   Raises: Unavailable."""
        with reachable(), self._pool.connection() as connection:
            if self._swept_at is None or now - self._swept_at >= SWEEP_EVERY:
                self._swept_at = now
                # Old by both clocks: ours may run hours ahead for a while, and must not forget.
                connection.execute(
                    "DELETE FROM webhook_seen WHERE seen_at <= LEAST(%s, clock_timestamp()) - %s",
                    (now, KEEP),
                )
            row = connection.execute(
                "INSERT INTO webhook_seen (signature_sha256, seen_at) VALUES (%s, %s)"
                " ON CONFLICT DO NOTHING RETURNING 1",
                (digest, now),
            ).fetchone()
        return row is not None

    def release(self, digest: str) -> None:
        """Forget the signing.   Raises: Unavailable."""
        with reachable(), self._pool.connection() as connection:
            connection.execute("DELETE FROM webhook_seen WHERE signature_sha256 = %s", (digest,))
