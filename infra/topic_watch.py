"""Tells a topic that was made again from the one in which a consumer's positions count."""

import time
from typing import Protocol

from kafka import KafkaConsumer
from psycopg_pool import ConnectionPool

from contracts.errors import Unavailable
from infra.postgres import PgConnection, reachable

ASK_MS = 10_000
FRESH_MS = 1000.0


class LogChanged(Unavailable):
    """A consumer's position does not fit the topic: nothing is read until somebody decides."""

    code = "kafka.log_changed"
    title = "The log is not the one that was read so far"


class TopicIds(Protocol):
    """Remembers by id which log the positions of a topic count in."""

    def first(self, topic: str, found: str) -> str:
        """Return the id under which the topic was read first; it is this one, if none was."""
        ...


class PostgresTopicIds:
    """Topic ids beside the positions of one service. Thread-safe."""

    def __init__(self, pool: ConnectionPool[PgConnection]) -> None:
        self._pool = pool

    def first(self, topic: str, found: str) -> str:
        """Return the id under which the topic was read first."""
        with reachable(), self._pool.connection() as connection:
            row = connection.execute(
                "INSERT INTO topics (topic, id) VALUES (%s, %s)"
                " ON CONFLICT (topic) DO UPDATE SET topic = EXCLUDED.topic RETURNING id",
                (topic, found),
            ).fetchone()
        return str(row[0]) if row else found


class TopicWatch:
    """Tells whether a consumer still reads the topic in which its positions count.

    The client fetches by name, so records of a topic that was made again could come unnoticed until
    its metadata are renewed. We believe records only if metadata of the last second name the same
    id; who deletes a topic, makes it again and fills it beyond our position within that second is
    not noticed.
    """

    def __init__(self, consumer: KafkaConsumer, topic: str, ids: TopicIds | None) -> None:
        self._consumer = consumer
        self._cluster = consumer._cluster  # noqa: SLF001, there is no public way to the topic's id
        self._topic = topic
        self._ids = ids
        self._expected: str | None = None

    def confirm(self) -> None:
        """Look at fresh metadata.   Raises: LogChanged; KafkaError, if they can not be had."""
        cluster, age_ms = self._cluster, time.monotonic() * 1000
        age_ms -= cluster._last_successful_refresh_ms  # noqa: SLF001
        if self._ids is not None and (age_ms > FRESH_MS or cluster.need_update):
            renewed = cluster.request_update()
            # The same two calls that the client's own `topics()` makes, with a deadline.
            self._consumer._net.run(self._consumer._manager.wait_for, renewed, ASK_MS)  # noqa: SLF001
        self.look()

    def look(self) -> None:
        """Look at the metadata that are at hand.   Raises: LogChanged."""
        if self._ids is None:
            return
        found = self._cluster.topic_id(self._topic)
        if not found or not found.int:
            if self._expected is not None:
                raise LogChanged(f"the topic {self._topic} is gone, or hidden from us")
            return
        if self._expected is None:
            self._expected = self._ids.first(self._topic, str(found))
        if self._expected != str(found):
            raise LogChanged(
                f"the topic {self._topic} was deleted and made again: it has the id {found}, our"
                f" positions count in {self._expected}; nothing is read before they are reset"
                " (docs/operations.md, A log that changed)",
                topic=self._topic,
            )
