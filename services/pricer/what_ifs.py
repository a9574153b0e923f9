"""What-ifs that were asked for: rows of our own, how far each is, and what it found.

A what-if makes no fact and changes no price. It may be asked, watched and cancelled by several
people; one chore carries them out, the oldest first (`trying.py`).
"""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool
from pydantic import Field

from contracts.errors import Conflict, NotFound
from contracts.values import Value
from infra.postgres import PgConnection, reachable
from infra.work import Cause, Commands, Work
from services.pricer.asks import Asks, Chosen
from services.pricer.domain.books.book import PriceBook
from services.pricer.domain.what_ifs.outcome import Row
from services.pricer.domain.what_ifs.tally import Tally
from services.pricer.domain.what_ifs.trial import Key, Terms

State = Literal["waiting", "running", "done", "cancelled", "failed"]
UNFINISHED_MAX = 20
# What somebody found out so long ago is forgotten, when somebody next asks.
KEPT = timedelta(days=365)

HEAD = """what_if_id, name, asked_by, asked_at, chosen, changes, state, until_seq, quotes,
    cursor_seq, quotes_done, lines_done, begun_at, ended_at, trouble"""
ONE = f"SELECT {HEAD}, report FROM what_ifs WHERE what_if_id = %(id)s"  # noqa: S608  our own words
LIST = f"""
SELECT {HEAD}, NULL AS report FROM what_ifs ORDER BY asked_at DESC, what_if_id LIMIT %(limit)s
"""  # noqa: S608  our own words
UNFINISHED = "SELECT what_if_id FROM what_ifs WHERE state IN ('waiting', 'running')"
BEGIN = """
INSERT INTO what_ifs
    (what_if_id, name, asked_by, asked_at, chosen, changes, book, until_seq, quotes)
VALUES (%(id)s, %(name)s, %(by)s, %(at)s, %(chosen)s, %(changes)s, %(book)s, %(until)s, %(quotes)s)
ON CONFLICT (what_if_id) DO NOTHING
"""
FORGET_OLD = """
DELETE FROM what_ifs WHERE asked_at < %(before)s AND state NOT IN ('waiting', 'running')
"""
CANCEL = """
UPDATE what_ifs SET state = 'cancelled', ended_at = %(at)s
WHERE what_if_id = %(id)s AND state IN ('waiting', 'running')
"""
NEXT = f"""
SELECT {HEAD} FROM what_ifs WHERE state IN ('waiting', 'running')
ORDER BY state = 'running' DESC, asked_at, what_if_id LIMIT 1
"""  # noqa: S608  our own words
BOOK = "SELECT book FROM what_ifs WHERE what_if_id = %(id)s"
# A part is saved only on top of the one that it went on from, and never after the end.
ADVANCE = """
UPDATE what_ifs SET state = 'running', begun_at = coalesce(begun_at, clock_timestamp()),
    cursor_seq = %(to)s, quotes_done = quotes_done + %(quotes)s, lines_done = lines_done + %(lines)s
WHERE what_if_id = %(id)s AND state IN ('waiting', 'running') AND cursor_seq = %(after)s
"""
ADD_PART = """
INSERT INTO what_if_parts SELECT %(id)s, coalesce(max(number), 0) + 1, %(tally)s, %(rows)s
FROM what_if_parts WHERE what_if_id = %(id)s
"""
END = """
UPDATE what_ifs SET state = %(state)s, ended_at = clock_timestamp(), report = %(report)s,
    trouble = %(trouble)s
WHERE what_if_id = %(id)s AND state IN ('waiting', 'running')
"""
# Those that may still change, and the newest of the rest: their end is news as well.
LATELY = """
SELECT what_if_id, state, quotes_done FROM what_ifs ORDER BY asked_at DESC, what_if_id LIMIT 40
"""
TALLIES = "SELECT tally FROM what_if_parts WHERE what_if_id = %(id)s ORDER BY number"
PART = """
SELECT rows FROM what_if_parts WHERE what_if_id = %(id)s AND number > %(after)s
ORDER BY number LIMIT 1
"""


class NoSuchWhatIf(NotFound):
    """There is no what-if of this id."""

    code = "pricer.what_if_unknown"


class TooManyWhatIfs(Conflict):
    """So many what-ifs wait already that another one would wait for long."""

    code = "pricer.what_ifs_many"
    title = "Too many what-ifs wait"


class Tried(Value):
    """Which book is tried, and against which: in words that a list shows."""

    kind: Literal["version", "document", "changed"]
    book: str
    base: Key | None = None
    day: str | None = None
    ids: tuple[str, ...] = Field(default=(), max_length=4000)
    approvals: bool = True


class WhatIf(Value):
    """One what-if as it stands."""

    what_if_id: UUID
    name: str
    asked_by: str
    asked_at: datetime
    chosen: Chosen
    changes: Tried
    state: State
    until_seq: int
    quotes: int
    cursor_seq: int
    quotes_done: int
    lines_done: int
    begun_at: datetime | None
    ended_at: datetime | None
    trouble: str | None
    report: dict[str, Any] | None = None
    """The tally of all parts, once there are no more."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.state in {"done", "cancelled", "failed"}

    @property
    def percent(self) -> int:
        """How much is done, in whole per cent."""
        if not self.quotes:
            return 100 if self.is_over else 0
        return min(100, 100 * self.quotes_done // self.quotes)


class WhatIfs:
    """What people do with what-ifs."""

    def __init__(self, commands: Commands, asks: Asks) -> None:
        self._commands = commands
        self._asks = asks

    def begin(self, cause: Cause, name: str, chosen: Chosen, book: tuple[Tried, bytes]) -> WhatIf:
        """Ask for one; the same command again finds it.   Raises: TooManyWhatIfs."""
        id_ = what_if_id_of(cause.command_id)
        changes, content = book
        until = self._asks.newest()
        row = {
            "id": id_,
            "name": name,
            "by": cause.actor,
            "at": cause.now,
            "chosen": Jsonb(chosen.model_dump(mode="json")),
            "changes": Jsonb(changes.model_dump(mode="json")),
            "book": content,
            "until": until,
            "quotes": self._asks.count(chosen, until),
        }

        def handler(work: Work) -> None:
            waiting = work.rows(UNFINISHED)
            if len(waiting) >= UNFINISHED_MAX and id_ not in {w["what_if_id"] for w in waiting}:
                text = f"{UNFINISHED_MAX} what-ifs are not over yet; cancel one, or wait"
                raise TooManyWhatIfs(text)
            work.sql(FORGET_OLD, {"before": work.now - KEPT})
            work.sql(BEGIN, row)

        self._commands.run(cause, handler)
        return self.of(id_)

    def of(self, what_if_id: UUID) -> WhatIf:
        """Return one.   Raises: NoSuchWhatIf."""
        rows = self._commands.query(ONE, {"id": what_if_id})
        if not rows:
            text = "there is no such what-if; it may have been forgotten"
            raise NoSuchWhatIf(text, what_if_id=what_if_id)
        return WhatIf.model_validate(rows[0])

    def newest(self, limit: int) -> tuple[WhatIf, ...]:
        """Return what was asked for, the newest first, without what was found."""
        rows = self._commands.query(LIST, {"limit": limit})
        return tuple(WhatIf.model_validate(row) for row in rows)

    def cancel(self, cause: Cause, what_if_id: UUID) -> WhatIf:
        """End one that is not over; what it found so far stays.   Raises: NoSuchWhatIf."""
        self.of(what_if_id)
        asked = {"id": what_if_id, "at": cause.now}
        self._commands.run(cause, lambda work: work.sql(CANCEL, asked))
        return self.of(what_if_id)

    def tally(self, what_if: WhatIf) -> Tally:
        """Return what was found, also where it is not over yet or was cancelled."""
        if what_if.report is not None:
            return Tally.read(what_if.report)
        whole = Tally()
        for row in self._commands.query(TALLIES, {"id": what_if.what_if_id}):
            whole.merge(Tally.read(row["tally"]))
        return whole

    def parts(self, what_if_id: UUID) -> Iterator[list[Row]]:
        """Yield the rows of all quotes, part by part, in the order in which they were priced."""
        number = 0
        while found := self._commands.query(PART, {"id": what_if_id, "after": number}):
            number += 1
            yield rows_read(bytes(found[0]["rows"]))


class Changed:
    """Names the what-ifs that got farther since the last look; used by one thread."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self._seen: dict[str, tuple[str, int]] | None = None

    def look(self) -> set[str] | None:
        """Return the ids of those that changed; None, when asked the first time."""
        rows = self._commands.query(LATELY)
        found = {str(row["what_if_id"]): (row["state"], row["quotes_done"]) for row in rows}
        before, self._seen = self._seen, found
        if before is None:
            return None
        return {each for each in found if before.get(each) != found[each]}


class Progress:
    """What the chore reads and writes; each write is one short transaction."""

    def __init__(self, pool: ConnectionPool[PgConnection]) -> None:
        self._pool = pool

    def next(self) -> WhatIf | None:
        """Return the what-if to go on with; None, if there is nothing to do."""
        with reachable(), self._pool.connection() as connection:
            row = connection.cursor(row_factory=dict_row).execute(NEXT).fetchone()
        return None if row is None else WhatIf.model_validate(row)

    def book(self, job: WhatIf) -> PriceBook:
        """Return the book that it tries.   Raises: ValidationError."""
        with reachable(), self._pool.connection() as connection:
            row = connection.execute(BOOK, {"id": job.what_if_id}).fetchone()
        return PriceBook.model_validate_json(bytes(row[0]) if row else b"")

    def save(self, job: WhatIf, to: int, tally: Tally, rows: Sequence[Row]) -> bool:
        """Save a part that went on from the job's cursor; False, if the job is over or moved."""
        lines = sum(each.lines or 0 for each in rows)
        step = {"id": job.what_if_id, "after": job.cursor_seq, "to": to}
        with reachable(), self._pool.connection() as connection, connection.transaction():
            done = connection.execute(ADVANCE, {**step, "quotes": len(rows), "lines": lines})
            if not done.rowcount:
                return False
            part = {"tally": Jsonb(tally.tree()), "rows": rows_packed(rows)}
            connection.execute(ADD_PART, {"id": job.what_if_id, **part})
        return True

    def end(self, job: WhatIf, trouble: str | None = None) -> None:
        """Add everything up and end it: done, or failed if there is trouble."""
        whole = Tally()
        with reachable(), self._pool.connection() as connection, connection.transaction():
            for (tree,) in connection.execute(TALLIES, {"id": job.what_if_id}):
                whole.merge(Tally.read(tree))
            state = "failed" if trouble else "done"
            told = {"state": state, "trouble": trouble, "report": Jsonb(whole.tree())}
            connection.execute(END, {"id": job.what_if_id, **told})


def what_if_id_of(command_id: str) -> UUID:
    """Return the id of the what-if that a command asks for: the same command, the same id."""
    return uuid5(NAMESPACE_URL, f"quotewright:pricer.what_if:{command_id}")


def rows_packed(rows: Sequence[Row]) -> bytes:
    """Return rows as they are stored."""
    return gzip.compress(json.dumps(rows, separators=(",", ":")).encode(), 6, mtime=0)


def rows_read(packed: bytes) -> list[Row]:
    """Read stored rows."""
    return [_row(each) for each in json.loads(gzip.decompress(packed))]


def _row(tree: Sequence[Any]) -> Row:
    found = Row(*tree)
    terms: Mapping[str, Any] = {
        "terms_before": found.terms_before and Terms(*found.terms_before),
        "terms_after": found.terms_after and Terms(*found.terms_after),
        "products": tuple(found.products),
    }
    return found._replace(**terms)
