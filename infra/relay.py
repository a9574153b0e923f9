"""The relay: publishes a service's facts in the order of its table, each at least once.

One leader per service by advisory lock, fenced by an epoch. Read settled rows -> produce -> every
one acknowledged -> save the position by compare-and-set. A crash in between sends some facts twice.
"""

import time
from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

import structlog
from psycopg_pool import ConnectionPool

from contracts.envelope import Sealed, headers_from
from contracts.errors import Unavailable
from infra.bus import Bus
from infra.comparing import BehindLog
from infra.leadership import Leadership
from infra.postgres import PgConnection, reachable
from infra.reader import SettledReader
from infra.recorder import COLUMNS

log = structlog.get_logger()
BATCH = 500
LOOK_BACK_S = 1.0


class Relay:
    """Publishes one service's facts. One thread calls `step` again and again.

    What it holds in memory is bounded by a page of the reader, in rows and in bytes.
    """

    def __init__(
        self, pool: ConnectionPool[PgConnection], leadership: Leadership, bus: Bus, topic: str
    ) -> None:
        self._pool = pool
        self._leadership = leadership
        self._bus = bus
        self._topic = topic
        self._reader = SettledReader("events", COLUMNS, body="state")
        self._epoch: int | None = None
        self._position = 0
        self._known: WeakSet[PgConnection] = WeakSet()
        self._looked_at = 0.0

    def step(self) -> int:
        """Publish the next facts, if there are any and we lead; returns how many.

        Raises: Unavailable, if the database or the bus does not answer; calling again is right.
        """
        if not self._leadership.holds("relay"):
            self._epoch = None
            return 0
        with reachable():
            with self._pool.connection() as connection:
                # A new connection may be one to a server that crashed, and forgot what we remember.
                if self._epoch is None or connection not in self._known:
                    self._take_over(connection)
                rows = self._reader.read(connection, self._position, BATCH)
            if not rows:
                self._look_back()
                return 0
        self._bus.produce(self._topic, [sealed(row) for row in rows])
        with reachable():
            self._save(rows[-1][0])
        return len(rows)

    def _look_back(self) -> None:
        """Take over anew if the table does not say what we remember; asked now and then when idle.

        A crash of the server forgets a position saved last, and on the embedded bus the records
        before it: nobody would publish them until the next fact comes.
        """
        now = time.monotonic()
        if now - self._looked_at < LOOK_BACK_S:
            return
        self._looked_at = now
        with self._pool.connection() as connection:
            row = connection.execute("SELECT position, epoch FROM relay", prepare=True).fetchone()
        if row != (self._position, self._epoch):
            log.warning("relay_set_back", topic=self._topic)
            self._leadership.confirm()
            self._epoch = None

    def _take_over(self, connection: PgConnection) -> None:
        """Fence earlier relays and find where to go on.

        Raises: BehindLog, if the table ends before what was published: it was set back meanwhile,
        and whatever is written now stands in the place of facts that others have heard.
        """
        row = connection.execute(
            "UPDATE relay SET epoch = epoch + 1 RETURNING position, epoch,"
            " (SELECT COALESCE(max(events.position), 0) FROM events)"
        ).fetchone()
        if row is None:
            raise Unavailable("the relay's position is missing; run the migrations")
        position, epoch, newest = row
        published = max(position, self._position)
        if newest < published:
            raise BehindLog(
                f"fact number {published} is published, and the table ends at {newest}: it was set"
                " back; stop this service and see docs/operations.md, backup and restore"
            )
        self._position, self._epoch = position, epoch
        self._known.add(connection)

    def _save(self, position: int) -> None:
        with self._pool.connection() as connection:
            # Losing this in a crash repeats some facts, which consumers drop.
            moved = connection.execute(
                "UPDATE relay SET position = %s"
                " FROM (SELECT set_config('synchronous_commit', 'off', true)) AS lightly"
                " WHERE epoch = %s AND position = %s",
                (position, self._epoch, self._position),
                prepare=True,
            )
        if moved.rowcount != 1:
            log.warning("relay_fenced", topic=self._topic)
            self._leadership.confirm()
            self._epoch = None
            return
        self._position = position


def sealed(row: Sequence[Any]) -> Sealed:
    """Turn a row (position, then `COLUMNS`) into a record of the log.

    Neither body nor attributes are read: what was written as text travels as text.
    """
    _, stream, version, topic, state, deal_id, meta = row
    wire_type, _, schema = topic.rpartition("/")
    deal = str(deal_id)
    attributes = {
        **meta,
        "id": f"{stream}/{version}",
        "type": wire_type,
        "version": schema,
        "deal_id": deal,
    }
    return Sealed(deal.encode(), headers_from(attributes), bytes(state))
