"""Who does what only one may do: leaders by session advisory locks."""

import threading
import time

import psycopg

from infra.postgres import PgConnection
from infra.sessions import LINE, options

# A leader that is not heard of for so long is one no more; it says something far more often.
LEASE_MS = 30_000
RENEW_S = 5
CONNECT_S = 5


class Leadership:
    """Session advisory locks on one connection of their own: who holds one alone does that job.

    A broken connection loses all locks; the next `holds` opens a new one and asks again. The
    session is a lease: the server ends it when we have been silent for too long, so a process that
    stands still, or that a cut line keeps from us, leads nothing for ever.   Thread-safe.
    """

    def __init__(self, dsn: str, schema: str) -> None:
        self._dsn = dsn
        self._schema = schema
        self._connection: PgConnection | None = None
        self._held: set[str] = set()
        self._guard = threading.Lock()
        self._renewed_at = 0.0
        # Whether the server answered last: if not, not holding a lock tells nothing of others.
        self.answers = True

    def holds(self, job: str) -> bool:
        """Say whether we lead this job of this service, trying to become leader if not."""
        with self._guard:
            try:
                held = self._ask(job)
            except psycopg.Error:
                self.answers = False
                self._drop()
                return False
            self.answers = True
            return held

    def has(self, job: str) -> bool:
        """Say whether we led this job when we asked last; asks nobody."""
        return job in self._held

    def confirm(self) -> bool:
        """Ask the server whether the session still lives; if not, every lock is gone."""
        with self._guard:
            try:
                if self._connection is not None:
                    self._connection.execute("SELECT 1")
                    return True
            except psycopg.Error:
                self._drop()
            return False

    def _ask(self, job: str) -> bool:
        if job in self._held and self._connection is not None and not self._connection.closed:
            self._renew(self._connection)
            return True
        if self._connection is None or self._connection.closed:
            self._held.clear()
            self._connection = PgConnection.connect(
                self._dsn,
                autocommit=True,
                options=f"{options(self._schema)} -c idle_session_timeout={LEASE_MS}",
                application_name=f"{self._schema}-lead",
                connect_timeout=CONNECT_S,
                **{**LINE, "tcp_user_timeout": RENEW_S * 1000},
            )
        self._renewed_at = time.monotonic()
        name = f"quotewright:{self._schema}:{job}"
        row = self._connection.execute(
            "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (name,)
        ).fetchone()
        if row is not None and row[0]:
            self._held.add(job)
            return True
        return False

    def _renew(self, connection: PgConnection) -> None:
        """Let the server hear of us now and then.   Raises: psycopg.Error, if the lease is over."""
        if time.monotonic() - self._renewed_at > RENEW_S:
            connection.execute("SELECT 1")
            self._renewed_at = time.monotonic()

    def _drop(self) -> None:
        self._held.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Give every lock back; safe to repeat."""
        with self._guard:
            self._drop()
