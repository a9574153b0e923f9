"""The bus in a table of PostgreSQL, `bus.log`, which every service appends to and reads."""

import time
from collections.abc import Iterator, Mapping, Sequence

from psycopg_pool import ConnectionPool

from contracts.envelope import Sealed
from infra.bus import Bell, Claim, Slice
from infra.leadership import Leadership
from infra.postgres import LOOK_S, PgConnection, reachable
from infra.tail import LogTail
from infra.wire import Arrived, pack_headers, unpack_headers

POLL_MIN_S, POLL_MAX_S = 0.025, 0.25
REST_ROWS = 1000


class Here:
    """What the embedded buses of one process share: a bell, and the rows read lately."""

    def __init__(self) -> None:
        self.bell = Bell()
        self.tail = LogTail()


class EmbeddedBus:
    """The bus in a PostgreSQL table, `bus.log`: one partition, one active consumer per group."""

    def __init__(
        self, pool: ConnectionPool[PgConnection], leadership: Leadership, here: Here
    ) -> None:
        self.pool = pool
        self.leadership = leadership
        self.here = here

    def produce(self, topic: str, records: Sequence[Sealed]) -> None:
        """Insert the records in order in one statement, then wake this process's consumers.

        Commits without waiting for the disk: the facts stand in their service's table, and a crash
        that loses these rows also loses the later relay position that says they were published.
        """
        with reachable(), self.pool.connection() as connection:
            connection.execute(
                # %b: arrays in binary form, which need no escaping: a tenth of the work.
                "INSERT INTO bus.log (topic, key, headers, value)"
                " SELECT %s, rows.* FROM unnest(%b::bytea[], %b::json[], %b::bytea[]) AS rows,"
                " (SELECT set_config('synchronous_commit', 'off', true)) AS lightly",
                (
                    topic,
                    [each.key for each in records],
                    [pack_headers(each.headers) for each in records],
                    [each.value for each in records],
                ),
                prepare=True,
            )
        self.here.bell.ring()

    def source(self, group: str, topic: str, claim: Claim) -> "EmbeddedSource":
        """Return the source of a group.

        It yields records only while this process leads the group. The lock and the position are
        the service's own, so the group's name adds nothing here.
        """
        del group
        return EmbeddedSource(self, topic, claim)

    def after(self, topic: str, positions: Mapping[int, int]) -> Iterator[tuple[int, Arrived]]:
        """Give what the log holds after a position; see `Bus.after`."""
        after = positions.get(EmbeddedSource.PARTITION, 0)
        while True:
            with reachable(), self.pool.connection() as connection:
                rows = connection.execute(
                    "SELECT position, key, headers, value FROM bus.log"
                    " WHERE position > %s AND topic = %s ORDER BY position LIMIT %s",
                    (after, topic, REST_ROWS),
                ).fetchall()
            for position, key, headers, value in rows:
                after = position
                record = Arrived(position - 1, bytes(key), unpack_headers(headers), bytes(value))
                yield EmbeddedSource.PARTITION, record
            if not rows:
                return

    def close(self) -> None:
        """Nothing of its own to release."""


class EmbeddedSource:
    """Exact reader of `bus.log` for one topic.

    Offset = log position - 1, as Kafka counts from 0.
    """

    PARTITION = 0

    def __init__(self, bus: "EmbeddedBus", topic: str, claim: Claim) -> None:
        self._pool = bus.pool
        self._leadership = bus.leadership
        self._bell = bus.here.bell
        self._tail = bus.here.tail
        self._topic = topic
        self._claim = claim
        self._next: int | None = None
        self._paused = False
        self._ended_at: float | None = None
        self._idle_s = POLL_MIN_S

    def poll(self, limit: int, timeout_s: float) -> Slice | None:
        """Return the next settled records; see `Source.poll`."""
        until = time.monotonic() + timeout_s
        while True:
            seen = self._bell.count()
            piece = self._read(limit, seen)
            if piece is not None:
                self._idle_s = POLL_MIN_S
                return piece
            left = until - time.monotonic()
            if left <= 0:
                return None
            self._bell.wait(seen, min(left, self._idle_s))
            self._idle_s = min(self._idle_s * 2, POLL_MAX_S)

    def _read(self, limit: int, rung: int) -> Slice | None:
        if not self._leadership.holds(f"consume:{self._topic}"):
            self._let_go()
            if self._leadership.answers:
                self._ended_at = None
            return None
        if self._paused:
            return None
        if self._next is None:
            self._next = self._claim(self.PARTITION)
            self._ended_at = self._ended_at or time.monotonic()
        start = self._next
        rows = self._tail.read(self._pool, start, limit, rung)
        if not rows:
            self._ended_at = time.monotonic()
            return None
        self._next = after = rows[-1][0]
        mine = tuple(record for _, topic, record in rows if topic == self._topic)
        return Slice(self._topic, self.PARTITION, start, after, mine)

    def rewind(self, piece: Slice) -> None:
        """Read the piece again."""
        self._next = piece.start

    def disown(self, partition: int) -> None:
        """Ask for the position anew, after checking that the lock is still ours."""
        del partition
        self._leadership.confirm()
        self._let_go()

    def _let_go(self) -> None:
        """Remember nothing: a crash of the database may have taken rows that we have seen."""
        if self._next is not None:
            self._next = None
            self._tail.forget()

    def pause(self, partition: int) -> None:
        """Read nothing until resumed; there is one partition only."""
        del partition
        self._paused = True

    def resume(self, partition: int) -> None:
        """Read on."""
        del partition
        self._paused = False

    def lag(self) -> int:
        """Return how far the log's end is ahead of us; 0 while another process consumes."""
        after = self._next
        if after is None:
            return 0
        with reachable(), self._pool.connection(LOOK_S) as connection:
            row = connection.execute("SELECT COALESCE(max(position), 0) FROM bus.log").fetchone()
        return max(0, (row[0] if row else 0) - after)

    def ended_at(self) -> float | None:
        """Return when a read found nothing more; see `Source.ended_at`."""
        return self._ended_at

    def close(self) -> None:
        """Nothing of its own to release."""
