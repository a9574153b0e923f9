"""What one transaction of a service writes beside facts: its rows, and how far its consumer is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
from psycopg.types.json import Jsonb

from contracts.errors import Conflict
from infra.postgres import PgConnection
from infra.wire import Arrived, pack_headers
from infra.work import Delivery, Work


class LostRace(Conflict):
    """Somebody appended to a stream since it was read; decide again."""

    code = "conflict.lost_race"


class CommandRepeated(Conflict):
    """This command id has been carried out before."""

    code = "command.repeated"


class NotParkedNow(Conflict):
    """A parked record was discarded while it was tried again; nothing of it was written."""

    code = "parked.gone"


class Fenced(Conflict):
    """Another process consumes this partition by now; whatever we decided is dropped."""

    code = "consumer.fenced"


@dataclass(frozen=True, slots=True)
class Parked:
    """A record that could not be handled, raw, with the reason in words."""

    id: int
    topic: str
    partition: int
    offset: int
    key: bytes
    headers: tuple[tuple[str, bytes], ...]
    value: bytes
    reason: str
    code: str
    attempts: int = 1
    parked_at: datetime | None = None
    begun: int = 0
    """How often a retry began and nobody came back to tell how it ended."""
    stream: str | None = None
    version: int | None = None
    """Its place in a stream, where it has one."""
    follows: int | None = None
    """The version of its stream that it waits for; None, if it came in its turn."""

    def arrived(self) -> Arrived:
        """Return the record as it came."""
        return Arrived(self.offset, self.key, self.headers, self.value)


@dataclass(frozen=True, slots=True)
class Discarded:
    """A record that somebody gave up, raw, with who and why: kept for ever."""

    id: int
    parked: Parked
    by: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a consumer is after a batch: written with the effects, in the same transaction."""

    topic: str
    partition: int
    epoch: int
    before: int
    after: int
    inbox: Mapping[str, int]
    parked: tuple[Parked, ...] = ()
    stands_on: Mapping[str, int] = field(default_factory=dict)
    """Streams that were decided on, at these versions: they must not have grown."""


def only_facts(work: Work) -> bool:
    """Say whether one INSERT is the whole commit."""
    return not (
        work.bodies
        or work.names
        or work.reminders
        or work.forgotten
        or work.deliveries
        or work.statements
        or work.fired
    )


def must_last(work: Work) -> bool:
    """Say whether losing this commit in a crash would lose something."""
    return bool(work.facts or work.deliveries or work.bodies or work.reminders)


PUT_BODY = """
INSERT INTO bodies (sha256, media_type, content) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""
PUT_NAME = """
INSERT INTO names VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET stream = excluded.stream
"""
PUT_REMINDER = """
INSERT INTO reminders (key, kind, due_at, deal_id, body) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (key) DO UPDATE SET kind = excluded.kind, due_at = excluded.due_at,
    deal_id = excluded.deal_id, body = excluded.body, attempts = 0
"""
PUT_DELIVERY = """
INSERT INTO deliveries (key, target, event_type, body, deal_id, generation)
VALUES (%(key)s, %(target)s, %(type)s, %(body)s, %(deal)s,
        COALESCE((SELECT generation FROM delivered WHERE key = %(key)s), 0) + 1)
ON CONFLICT (key) DO UPDATE SET target = excluded.target, event_type = excluded.event_type,
    body = excluded.body, generation = deliveries.generation + 1, attempts = 0, state = 'due',
    due_at = clock_timestamp(), created_at = clock_timestamp(), last_error = NULL
"""


def write_rows(connection: PgConnection, work: Work) -> None:
    """Write everything of a work but its facts."""
    for body in work.bodies.values():
        connection.execute(PUT_BODY, (body.sha256, body.media_type, body.content))
    for name, stream in work.names.items():
        connection.execute(PUT_NAME, (name, stream))
    if work.fired is not None:
        connection.execute(FIRED, (work.fired.key, work.fired.due_at))
    for key in work.forgotten:
        connection.execute("DELETE FROM reminders WHERE key = %s", (key,))
    for each in work.reminders:
        row = (each.key, each.kind, each.due_at, each.deal_id, Jsonb(dict(each.body)))
        connection.execute(PUT_REMINDER, row)
    for delivery in work.deliveries:
        connection.execute(PUT_DELIVERY, _delivery_row(delivery))
    for statement, params in work.statements:
        connection.execute(statement, params or None)


def _delivery_row(delivery: Delivery) -> dict[str, object]:
    return {
        "key": delivery.key,
        "target": delivery.target,
        "type": delivery.event_type,
        "body": Jsonb(dict(delivery.body)),
        "deal": delivery.deal_id,
    }


# Losing a commit that only says "seen" loses nothing: the slice is read and skipped again. So it
# does not wait for the disk; `set_config(..., true)` lasts to the end of its own transaction.
CONSUMED = "SELECT consumed(%s, %s, %s, %s, %s, %b::text[], %b::int[])"
CONSUMED_LIGHTLY = CONSUMED + ", set_config('synchronous_commit', 'off', true)"
PUT_PARKED = "SELECT park(%s, %s, %s, %s, %s, %s, %s, %s, %s::text, %s::int)"
UNPARKED = "SELECT unparked(%s, %s, %s, %s::bytea[], %s::bigint[])"
UNMOVED = "SELECT unmoved(%b::text[], %b::int[])"
CONSUMED_AGAIN = """
INSERT INTO inbox SELECT * FROM unnest(%b::text[], %b::int[])
ON CONFLICT (stream) DO UPDATE SET version = excluded.version
WHERE inbox.version < excluded.version
"""
FIRED = "SELECT fired(%s, %s)"
FENCED, NOT_PARKED, MOVED, REPEATED = "QW001", "QW002", "QW003", "QW004"


def advance(connection: PgConnection, progress: Progress, *, lightly: bool) -> None:
    """Write versions, parked records and the position; the position must stand where we found it.

    Raises: psycopg's error with the state `FENCED`, if it does not, or another owner has claimed
    the partition, or `MOVED`; perhaps later, where the connection is in a pipeline.
    """
    # By deal, as `unparked` does: two who hold several deals never wait for each other in a circle.
    for each in sorted(progress.parked, key=lambda parked: parked.key):
        place = (each.topic, each.partition, each.offset, each.key)
        what = (pack_headers(each.headers), each.value, each.reason, each.code)
        connection.execute(PUT_PARKED, (*place, *what, each.stream, each.version))
    if progress.stands_on:
        stands = (list(progress.stands_on), list(progress.stands_on.values()))
        connection.execute(UNMOVED, stands, prepare=True)
    # Sorted, so that two consumers of one service never wait for each other in a circle.
    streams = sorted(progress.inbox)
    connection.execute(
        CONSUMED_LIGHTLY if lightly else CONSUMED,
        (
            progress.topic,
            progress.partition,
            progress.epoch,
            progress.before,
            progress.after,
            streams,
            [progress.inbox[stream] for stream in streams],
        ),
        prepare=True,
    )


def told(fault: psycopg.DatabaseError) -> Exception:
    """Say in our words which rule of the tables a commit broke; anything else stays as it is."""
    if fault.sqlstate == FENCED:
        return Fenced("another process consumes this partition")
    if fault.sqlstate == REPEATED:
        return CommandRepeated("this reminder has been carried out before, or was set anew")
    if fault.sqlstate == MOVED:
        return LostRace("somebody else was faster on a stream it was decided on")
    if isinstance(fault, psycopg.errors.UniqueViolation):
        if fault.diag.constraint_name == "events_command":
            return CommandRepeated("this command has been carried out before")
        if fault.diag.constraint_name == "events_stream":
            return LostRace("somebody else was faster on this stream")
    return fault
