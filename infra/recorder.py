"""Our recorder and mapper behind the eventsourcing library's extension points.

The library's own PostgreSQL recorder locks the whole table for every save; ours is one INSERT whose
numbered rows are the outbox. The mapper writes plain JSON under a closed list of types, so that
moving a class never orphans history and the table's content never chooses an import.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    JSONTranscoder,
    Mapper,
    Notification,
    StoredEvent,
    Subscription,
)
from psycopg_pool import ConnectionPool

from contracts.envelope import Meta, Registry, body_of
from infra.postgres import PgConnection
from infra.reader import SettledReader
from infra.wire import carried
from infra.work import Recorded

COLUMNS = "stream, version, topic, state, deal_id, meta"
FACT_COLUMNS = f"{COLUMNS}, command_id, ordinal"
# Binary, since the driver escapes every element of a text array; PostgreSQL parses the JSON.
FACT_TYPES = (
    "%b::text[], %b::int[], %b::text[], %b::bytea[], %b::uuid[], %b::text[], %b::text[], %b::int[]"
)


@dataclass(frozen=True)
class StoredFact(StoredEvent):
    """A stored event with the columns that a fact has beside its body."""

    deal_id: UUID | None = None
    meta: dict[str, Any] | None = None
    position: int = 0


class FactMapper(Mapper[str]):
    """Turns facts into rows and back by a closed registry; imports nothing that a row names."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(transcoder=JSONTranscoder())
        self._registry = registry

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredFact:
        """Return the row of a recorded fact.   Raises: FactTooLarge."""
        recorded = cast("Recorded", domain_event)
        meta = recorded.meta
        return StoredFact(
            originator_id=meta.stream,
            originator_version=meta.stream_version,
            topic=f"{meta.type}/{meta.version}",
            state=carried(meta.type, body_of(recorded.fact)),
            deal_id=meta.deal_id,
            meta=meta_columns(meta),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[str]:
        """Return the recorded fact of a row.

        Raises: Poison, also for a version newer than ours.
        """
        row = cast("StoredFact", stored_event)
        meta = meta_of_row(row)
        recorded = Recorded(
            meta, self._registry.read(meta.type, meta.version, row.state), row.position
        )
        return cast("DomainEventProtocol[str]", recorded)


def meta_columns(meta: Meta) -> dict[str, Any]:
    """Return the attributes of a fact that no other column holds."""
    known = {
        "source": meta.source,
        "subject": meta.subject,
        "time": meta.time.isoformat(),
        "correlation": meta.correlation,
        "causation": meta.causation,
        "actor": meta.actor,
        "traceparent": meta.traceparent,
    }
    return {name: value for name, value in known.items() if value is not None}


def meta_of_row(row: StoredFact) -> Meta:
    """Rebuild the attributes of a stored fact."""
    wire_type, _, version = row.topic.rpartition("/")
    meta = row.meta or {}
    deal_id = row.deal_id
    if deal_id is None:
        raise IntegrityError(f"the row {row.originator_id}/{row.originator_version} is no fact")
    return Meta(
        id=f"{row.originator_id}/{row.originator_version}",
        source=meta["source"],
        type=wire_type,
        version=int(version),
        deal_id=deal_id,
        subject=meta["subject"],
        time=datetime.fromisoformat(meta["time"]),
        correlation=meta["correlation"],
        causation=meta.get("causation"),
        actor=meta.get("actor"),
        traceparent=meta.get("traceparent"),
    )


class PostgresRecorder(ApplicationRecorder):
    """Records events of one service by single INSERT statements, without lock and NOTIFY."""

    INSERT_MANY = (
        f"INSERT INTO events ({FACT_COLUMNS})"  # noqa: S608, our own constants
        " SELECT stream, version, topic, state, deal_id, meta::jsonb, command_id, ordinal"
        f" FROM unnest({FACT_TYPES}) WITH ORDINALITY AS asked ({FACT_COLUMNS}, place)"
        " ORDER BY place RETURNING position"
    )
    INSERT_ONE = (
        f"INSERT INTO events ({FACT_COLUMNS})"  # noqa: S608, our own constants
        " VALUES (%s, %s, %s, %s, %s, %s::jsonb, %s, %s) RETURNING position"
    )

    def __init__(self, pool: ConnectionPool[PgConnection]) -> None:
        self._pool = pool
        self._reader = SettledReader("events", COLUMNS, body="state")

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Write all events or none; returns their positions.

        Keyword `connection`: write inside that connection's transaction. Keyword `commands`: the
        (command id, ordinal) of each event. Raises: IntegrityError, if a version of a stream or an
        ordinal of a command exists already.
        """
        if not stored_events:
            return []
        connection = kwargs.get("connection")
        if connection is not None:
            return self._insert(connection, stored_events, kwargs.get("commands"))
        with self._pool.connection() as borrowed:
            return self._insert(borrowed, stored_events, kwargs.get("commands"))

    def _insert(
        self,
        connection: PgConnection,
        events: Sequence[StoredEvent],
        commands: Sequence[tuple[str, int]] | None,
    ) -> list[int]:
        try:
            return [row[0] for row in self.write(connection, events, commands).fetchall()]
        except psycopg.errors.UniqueViolation as fault:
            raise IntegrityError(fault.diag.constraint_name or "unique") from fault

    def write(
        self,
        connection: PgConnection,
        events: Sequence[StoredEvent],
        commands: Sequence[tuple[str, int]] | None,
    ) -> psycopg.Cursor[tuple[Any, ...]]:
        """Send the one INSERT; its cursor yields the positions, or the database's own error."""
        keys: Sequence[tuple[str | None, int | None]] = commands or [(None, None)] * len(events)
        if len(events) == 1:
            return connection.execute(self.INSERT_ONE, _row(events[0], keys[0]), prepare=True)
        return connection.execute(self.INSERT_MANY, columns_of(events, keys), prepare=True)

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Return the events of a stream, in order; without a limit all of them."""
        query = (
            f"SELECT position, {COLUMNS} FROM events WHERE stream = %s"  # noqa: S608, our own constants
            " AND version > %s AND version <= %s"
            f" ORDER BY version {'DESC' if desc else 'ASC'} LIMIT %s"
        )
        bounds = (
            str(originator_id),
            -1 if gt is None else gt,
            2**31 - 1 if lte is None else lte,
            limit,
        )
        with self._pool.connection() as connection:
            rows = connection.execute(query, bounds, prepare=True).fetchall()
        return [row_to_stored(row) for row in rows]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Return settled events in the order of positions.

        See `SettledReader` for what that promises.
        """
        after = 0 if start is None else (start - 1 if inclusive_of_start else start)
        found: list[Notification] = []
        while len(found) < limit:
            with self._pool.connection() as connection:
                rows = self._reader.read(connection, after, limit)
            for row in rows:
                after = row[0]
                if stop is not None and after > stop:
                    return found
                if not topics or row[3] in topics:
                    found.append(Notification(row[1], row[2], row[3], bytes(row[4]), id=after))
                if len(found) == limit:
                    return found
            if not rows:
                break
        return found

    def max_notification_id(self) -> int | None:
        """Return the highest position."""
        with self._pool.connection() as connection:
            row = connection.execute("SELECT max(position) FROM events", prepare=True).fetchone()
        return row[0] if row else None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Return an iterator over settled events that waits for new ones."""
        return PollingSubscription(self, gt, topics)


def columns_of(
    events: Sequence[StoredEvent], keys: Sequence[tuple[str | None, int | None]]
) -> list[list[Any]]:
    """Return the columns of events, as `FACT_TYPES` wants them."""
    rows = [_row(event, key) for event, key in zip(events, keys, strict=True)]
    return [list(column) for column in zip(*rows, strict=True)]


def _row(event: StoredEvent, key: tuple[str | None, int | None]) -> tuple[Any, ...]:
    """Return a row as `FACT_COLUMNS` has it; what is no fact has neither deal nor meta."""
    deal_id, meta = (event.deal_id, event.meta) if isinstance(event, StoredFact) else (None, None)
    return (
        str(event.originator_id),
        event.originator_version,
        event.topic,
        event.state,
        deal_id,
        None if meta is None else json.dumps(meta),
        *key,
    )


def row_to_stored(row: tuple[Any, ...]) -> StoredEvent:
    """Turn (position, stream, version, topic, state, deal, meta) into a stored event."""
    position, stream, version, topic, state, deal_id, meta = row
    if meta is None:
        return StoredEvent(stream, version, topic, bytes(state))
    return StoredFact(stream, version, topic, bytes(state), deal_id, meta, position)


class PollingSubscription(Subscription[ApplicationRecorder]):
    """Asks the recorder again and again: polling is the truth, so nothing can be missed."""

    IDLE_S = 0.02

    def __init__(
        self, recorder: ApplicationRecorder, gt: int | None, topics: Sequence[str]
    ) -> None:
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._ahead: list[Notification] = []

    def __next__(self) -> Notification:
        """Return the next event; blocks until there is one or the subscription is stopped."""
        while not self._has_been_stopped:
            if self._ahead:
                notification = self._ahead.pop(0)
                self._last_notification_id = notification.id
                return notification
            self._ahead = list(
                self._recorder.select_notifications(
                    self._last_notification_id,
                    500,
                    topics=self._topics,
                    inclusive_of_start=False,
                )
            )
            if not self._ahead:
                time.sleep(self.IDLE_S)
        raise StopIteration


class FactApplication(Application[str]):
    """The library's application over our recorder and mapper: its event store and repository."""

    def __init__(self, recorder: ApplicationRecorder, registry: Registry) -> None:
        self._given_recorder = recorder
        self._given_mapper = FactMapper(registry)
        super().__init__()

    def construct_recorder(self) -> ApplicationRecorder:
        """Return the recorder we were given."""
        return self._given_recorder

    def construct_mapper(self) -> Mapper[str]:
        """Return the mapper over the closed registry."""
        return self._given_mapper
