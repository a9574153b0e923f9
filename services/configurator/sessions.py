"""Where sessions are kept: rows of our own, read by their owner only. They make no facts.

A command writes one entry, if the session stands at the revision that it was decided on; who lost
that race decides again on what there is now.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from psycopg.types.json import Jsonb

from infra.desk import CommandReused
from infra.work import Cause, Commands, Work
from services.configurator.domain.sessions.session import (
    Entry,
    Head,
    NoSuchSession,
    Place,
    Session,
    SessionChanged,
    evolve,
    fold,
)
from services.configurator.domain.sessions.session_steps import (
    SESSIONS_MAX,
    Signed,
    TooManySessions,
)

# A session that nobody touches for so long is forgotten, when somebody next begins one.
KEPT = timedelta(days=90)
FORGOTTEN_AT_ONCE = 200
ROW = "session_id, owner, product, name, deal_id, quote, item_id, copied_from, begun_at"
READ = f"""
SELECT {ROW},
       (SELECT jsonb_agg(jsonb_build_object(
                   'revision', revision, 'kind', kind, 'by', by, 'at', at,
                   'command_id', command_id, 'request_sha256', request_sha256) || body
               ORDER BY revision)
        FROM session_entries AS each WHERE each.session_id = it.session_id) AS entries
FROM sessions AS it
WHERE session_id = %(session_id)s AND owner = %(owner)s
"""  # noqa: S608  the names of columns are our own
MINE = f"""
SELECT {ROW}, revision, touched_at, submitted FROM sessions
WHERE owner = %(owner)s AND (%(deal_id)s::uuid IS NULL OR deal_id = %(deal_id)s)
ORDER BY touched_at DESC, session_id
LIMIT %(limit)s
"""  # noqa: S608  the names of columns are our own
OWNED = "SELECT session_id FROM sessions WHERE owner = %(owner)s"
BEGIN = "SELECT session_begins(%(head)s, %(entry)s, %(most)s)"
GROW = "SELECT session_grows(%(entry)s)"
FORGET = "DELETE FROM sessions WHERE session_id = %(session_id)s AND owner = %(owner)s"
FORGET_OLD = """
DELETE FROM sessions WHERE session_id IN
    (SELECT session_id FROM sessions WHERE touched_at < %(before)s
     ORDER BY session_id LIMIT %(most)s)
"""
OWN = frozenset({"revision", "kind", "by", "at", "command_id", "request_sha256"})

Decide = Callable[[Session], Entry | None]


class Listed(Head):
    """A session in a list: how many entries it has, when the last came, whether it is over."""

    revision: int
    touched_at: datetime
    submitted: bool


class Sessions:
    """Keeps and finds sessions; `owner` is the actor who asks, and sees his own only."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def of(self, session_id: UUID, owner: str) -> Session:
        """Return a session.   Raises: NoSuchSession, also where it is somebody else's."""
        rows = self._commands.query(READ, {"session_id": session_id, "owner": owner})
        return _session(rows, session_id)

    def mine(self, owner: str, limit: int, deal_id: UUID | None = None) -> tuple[Listed, ...]:
        """Return somebody's sessions, the last touched first; of one deal, if it is given."""
        asked = {"owner": owner, "limit": limit, "deal_id": deal_id}
        rows = self._commands.query(MINE, asked)
        return tuple(Listed(**_headed(row), **_touched(row)) for row in rows)

    def begin(self, cause: Cause, head: Head, entry: Entry) -> Session:
        """Begin a session; the same command again finds it.   Raises: TooManySessions."""
        where = {"session_id": head.session_id, "owner": head.owner}
        stands = [fold(head, [entry])]

        def handler(work: Work) -> None:
            if rows := work.rows(READ, where):
                stands[0] = _session(rows, head.session_id)
                _only_once(stands[0], work.cause)
                return
            stands[0] = fold(head, [entry])
            if len(work.rows(OWNED, where)) >= SESSIONS_MAX:
                raise TooManySessions(
                    f"you have {SESSIONS_MAX} configurations; forget one to begin another"
                )
            work.sql(FORGET_OLD, {"before": work.now - KEPT, "most": FORGOTTEN_AT_ONCE})
            row = {**head.model_dump(mode="json", exclude={"place"}), **_placed(head.place)}
            row |= {"revision": 1, "touched_at": row["begun_at"], "submitted": False}
            told = {"head": Jsonb(row), "entry": _row(head.session_id, entry)}
            work.sql(BEGIN, {**told, "most": SESSIONS_MAX})

        self._commands.run(cause, handler)
        return stands[0]

    def change(
        self, cause: Cause, whose: tuple[UUID, str], decide: Decide, seen: str | None = None
    ) -> Session:
        """Append what is decided on the session, once per command; `seen` is its revision.

        Returns the session as this command left it.
        Raises: NoSuchSession; SessionChanged, if it is not at `seen`; what `decide` raises.
        """
        session_id, owner = whose
        stands: list[Session] = []

        def handler(work: Work) -> None:
            rows = work.rows(READ, {"session_id": session_id, "owner": owner})
            found = _session(rows, session_id)
            stands[:] = [found]
            if _only_once(found, work.cause):
                return
            if seen is not None and seen != str(found.revision):
                raise SessionChanged(
                    f"this configuration is at revision {found.revision}, not {seen[:20]};"
                    " look at it and decide again",
                    revision=found.revision,
                )
            if (entry := decide(found)) is not None:
                work.sql(GROW, {"entry": _row(session_id, entry)})
                stands[:] = [evolve(found, entry)]

        self._commands.run(cause, handler)
        return stands[0]

    def forget(self, cause: Cause, session_id: UUID, owner: str) -> None:
        """Remove a session with all its entries; what is gone already stays gone."""
        asked = {"session_id": session_id, "owner": owner}
        self._commands.run(cause, lambda work: work.sql(FORGET, asked))


def session_id_of(command_id: str) -> UUID:
    """Return the id of the session that a command begins: the same command, the same session."""
    return uuid5(NAMESPACE_URL, f"quotewright:configurator.session:{command_id}")


def signed(cause: Cause) -> Signed:
    """Return who acts, when, and under which command."""
    return Signed(cause.actor, cause.now, cause.command_id, cause.request_sha256)


def _only_once(session: Session, cause: Cause) -> bool:
    """Say whether the command was carried out before.   Raises: CommandReused."""
    before = session.done(cause.command_id)
    if before is None:
        return False
    told = (before.request_sha256, cause.request_sha256)
    if all(told) and told[0] != told[1]:
        raise CommandReused("this Idempotency-Key came with another request before; use a new one")
    return True


def _row(session_id: UUID, entry: Entry) -> Jsonb:
    row = entry.model_dump(mode="json", include=set(OWN))
    body = entry.model_dump(mode="json", exclude=set(OWN), exclude_defaults=True)
    return Jsonb({**row, "session_id": str(session_id), "body": body})


def _session(rows: Sequence[Mapping[str, Any]], session_id: UUID) -> Session:
    if not rows:
        raise NoSuchSession(
            "you have no such configuration; it may have been forgotten", session_id=session_id
        )
    (row,) = rows
    return fold(Head(**_headed(row)), [Entry.model_validate(each) for each in row["entries"]])


def _headed(row: Mapping[str, Any]) -> dict[str, Any]:
    place = Place(**{name: row[name] for name in Place.model_fields})
    kept = {name: row[name] for name in Head.model_fields if name != "place"}
    return {**kept, "place": place}


def _touched(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("revision", "touched_at", "submitted")}


def _placed(place: Place) -> dict[str, Any]:
    return place.model_dump(mode="json")
