"""Exact reader of a numbered table: never skips a row that a slower writer commits later.

Numbers are drawn before commit, so a reader can see 7 before 6. Guessing by a timeout loses facts;
we decide exactly. Every inserter takes RowExclusiveLock on the table before it draws a number and
keeps it to its end. So once all holders seen *after* a hole was seen have ended, whatever is still
missing in the hole was rolled back for good.

This holds for killed sessions and timeouts (they roll back and let go), for subtransactions (a
rolled back one lets go, and its numbers are burnt), for a prepared transaction (it holds its locks
without a session), and while a commit waits for a standby (it is invisible and holds its lock).
It does not hold on a standby, with a sequence cache above 1, where numbers are drawn apart from the
insert, after TRUNCATE or a reset of the sequence, or if the caller's connection is inside a
transaction: each statement here must see the newest commits. docs/adr/0003 says more.
"""

import time
from typing import Any

from infra.postgres import PgConnection

POLL_S = 0.001
# A page in memory is at most this and one row more, however large the rows are.
BYTES_MAX = 8 * 1024 * 1024
NO_END = 2**63 - 1


class SettledReader:
    """Reads rows of one table in number order, never passing over one that may still appear."""

    def __init__(self, table: str, columns: str, body: str, patience_s: float = 5.0) -> None:
        """Read `columns`, of which `body` may be large: it is what a page is weighed by."""
        self._table = table
        self._select = (
            f"SELECT position, {columns} FROM (SELECT *, sum(octet_length({body}))"  # noqa: S608, our own constants
            " OVER (ORDER BY position ROWS UNBOUNDED PRECEDING) AS weight"
            f" FROM (SELECT position, {columns} FROM {table} WHERE position > %s"
            " AND position <= %s ORDER BY position LIMIT %s) AS next) AS weighed"
            f" WHERE weight - octet_length({body}) < {BYTES_MAX} ORDER BY position"
        )
        self._patience_s = patience_s

    def read(self, connection: PgConnection, after: int, limit: int) -> list[tuple[Any, ...]]:
        """Return the next settled rows after a position; empty if there is none yet.

        At most `limit` rows, and not much more than `BYTES_MAX` of bodies, but one row at least.
        Never blocks longer than the patience: a writer that holds a hole open that long makes it
        return nothing, and the caller asks again.
        """
        rows = self._page(connection, after, NO_END, limit)
        contiguous = _contiguous(rows, after)
        if contiguous or not rows:
            return rows[:contiguous]
        last = rows[-1][0]
        if not self._writers_ended(connection):
            return []
        return self._page(connection, after, last, last - after)

    def _page(
        self, connection: PgConnection, after: int, last: int, limit: int
    ) -> list[tuple[Any, ...]]:
        # Binary: a body in text form is twice as long, and turned into it and back.
        bounds = (after, last, limit)
        return connection.execute(self._select, bounds, prepare=True, binary=True).fetchall()

    def _writers_ended(self, connection: PgConnection) -> bool:
        holders = self._holders(connection)
        give_up = time.monotonic() + self._patience_s
        while holders:
            if time.monotonic() > give_up:
                return False
            time.sleep(POLL_S)
            holders &= self._holders(connection)
        return True

    def _holders(self, connection: PgConnection) -> set[str]:
        rows = connection.execute(
            "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation'"
            " AND relation = %s::regclass AND mode = 'RowExclusiveLock'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            (self._table,),
            prepare=True,
        ).fetchall()
        return {row[0] for row in rows}


def _contiguous(rows: list[tuple[Any, ...]], after: int) -> int:
    """Count the rows that follow `after` without a hole."""
    count = 0
    for row in rows:
        if row[0] != after + count + 1:
            break
        count += 1
    return count
