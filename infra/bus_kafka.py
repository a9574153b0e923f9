"""The bus over Apache Kafka, by kafka-python.

Idempotent producer, bytes in, positions kept in PostgreSQL.

No Kafka transactions and no deserialisers (a record that makes one raise makes its poll spin for
ever). The group only shares out partitions; where to go on is asked of the service's own store at
every assignment, and an epoch there fences a zombie.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import structlog
from kafka import (
    ConsumerRebalanceListener,
    KafkaConsumer,
    KafkaProducer,
    TopicPartition,
)
from kafka.coordinator.base import MemberState
from kafka.errors import (
    KafkaError,
    LogTruncationError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from contracts.envelope import Sealed
from contracts.errors import Unavailable
from infra.bus import Claim, Slice
from infra.kafka_rest import records_after
from infra.topic_watch import LogChanged, TopicIds, TopicWatch
from infra.wire import Arrived

log = structlog.get_logger()
PRODUCE_DEADLINE_S = 15.0
FOR_EVER_MS = 2_000_000_000
COMMIT_EVERY_S = 2.0
SESSION_MS = 10_000
END_EVERY_S, END_MS = 1.0, 1000


class KafkaBus:
    """Produces to and consumes from one Kafka cluster. Producing is thread-safe."""

    def __init__(
        self,
        bootstrap: Sequence[str],
        security: Mapping[str, Any],
        instance: str | None = None,
        topic_ids: TopicIds | None = None,
    ) -> None:
        """Connect lazily; `instance` names this process stably: its restart is then no rebalance.

        `topic_ids` tells a topic that was made again from the one that was read.
        """
        self._client = {
            "bootstrap_servers": list(bootstrap),
            "reconnect_backoff_max_ms": 1000,
            "bootstrap_timeout_ms": 10_000,
            **security,
        }
        self._instance = instance
        self._topic_ids = topic_ids
        self._producer: KafkaProducer | None = None
        self._guard = threading.Lock()

    def produce(self, topic: str, records: Sequence[Sealed]) -> None:
        """Send the records in order and wait until all replicas in sync have acknowledged them.

        A delivery never expires inside the client: it would let later records overtake the lost
        one. When our own deadline passes, the producer is thrown away with everything unsent.
        Raises: Unavailable; producing all of them again is right, consumers drop what came twice.
        """
        with self._guard:
            try:
                producer = self._connected()
                sent = [
                    producer.send(
                        topic,
                        key=each.key,
                        value=each.value,
                        headers=list(each.headers),
                    )
                    for each in records
                ]
                producer.flush(timeout=PRODUCE_DEADLINE_S)
                for each in sent:
                    each.get(timeout=0)
            except (KafkaError, AssertionError) as fault:
                self._discard()
                raise Unavailable(
                    f"Kafka does not take records now: {type(fault).__name__}"
                ) from fault

    def _connected(self) -> KafkaProducer:
        if self._producer is None:
            self._producer = KafkaProducer(
                acks="all",
                enable_idempotence=True,
                delivery_timeout_ms=FOR_EVER_MS,
                request_timeout_ms=10_000,
                max_block_ms=10_000,
                linger_ms=1,
                batch_size=131_072,
                allow_auto_create_topics=False,
                **self._client,
            )
        return self._producer

    def _discard(self) -> None:
        if self._producer is not None:
            self._producer.close(timeout=0)
            self._producer = None

    def source(self, group: str, topic: str, claim: Claim) -> "KafkaSource":
        """Return a member of a consumer group.   Raises: Unavailable."""
        name = None if self._instance is None else f"{group}-{topic}-{self._instance}"
        try:
            consumer = KafkaConsumer(
                # A group per topic: a leader assigns only topics that it subscribes to itself.
                group_id=f"quotewright.{group}.{topic}",
                group_instance_id=name,
                enable_auto_commit=False,
                # Our own position or none: a reset skips records, or repeats them, in silence.
                auto_offset_reset="none",
                session_timeout_ms=SESSION_MS,
                heartbeat_interval_ms=2_000,
                fetch_max_wait_ms=250,
                max_partition_fetch_bytes=4 * 1024 * 1024,
                allow_auto_create_topics=False,
                metadata_max_age_ms=10_000,
                **self._client,
            )
        except KafkaError as fault:
            raise Unavailable(f"Kafka does not answer: {type(fault).__name__}") from fault
        watch = TopicWatch(consumer, topic, self._topic_ids)
        return KafkaSource(consumer, topic, claim, watch)

    def after(self, topic: str, positions: Mapping[int, int]) -> Iterator[tuple[int, Arrived]]:
        """Give what the topic holds from these positions to its end now; see `Bus.after`."""
        return records_after(self._client, topic, positions)

    def close(self) -> None:
        """Send what is left and close; safe to repeat."""
        with self._guard:
            if self._producer is not None:
                self._producer.close(timeout=5)
                self._producer = None


class _Assignment(ConsumerRebalanceListener):  # type: ignore[misc]
    """Notes that partitions came or went; on the client's own thread, so nothing slow."""

    def __init__(self, moved: set[int], disowned: set[int], guard: threading.Lock) -> None:
        self._moved = moved
        self._disowned = disowned
        self._guard = guard

    def on_partitions_revoked(self, revoked: Any) -> None:
        """Remember which partitions went."""
        with self._guard:
            self._moved.update(each.partition for each in revoked)

    def on_partitions_assigned(self, assigned: Any) -> None:
        """Remember which partitions came: each is claimed anew before a record is believed."""
        with self._guard:
            self._moved.update(each.partition for each in assigned)
            self._disowned.difference_update(each.partition for each in assigned)


class KafkaSource:
    """Reads the partitions that the group gives us, from the positions that our own store says."""

    def __init__(
        self, consumer: KafkaConsumer, topic: str, claim: Claim, watch: TopicWatch
    ) -> None:
        self._consumer = consumer
        self._topic = topic
        self._claim = claim
        self._watch = watch
        self._next: dict[int, int] = {}
        self._waiting: deque[Slice] = deque()
        self._moved: set[int] = set()
        self._disowned: set[int] = set()
        self._paused: set[int] = set()
        self._dropped: set[int] = set()
        self._guard = threading.Lock()
        self._committed_at = 0.0
        self._asked_end_at = 0.0
        self._ended_at = time.monotonic()
        self._ends: dict[int, int] = {}
        consumer.subscribe([topic], listener=_Assignment(self._moved, self._disowned, self._guard))

    def poll(self, limit: int, timeout_s: float) -> Slice | None:
        """Return the next records of one partition; see `Source.poll`.

        Raises: LogChanged, if the topic does not have what stands at our position.
        """
        try:
            self._settle()
            piece = self._ready()
            if piece is None:
                self._fetch(limit, timeout_s)
                self._settle()
                piece = self._ready()
        except (OffsetOutOfRangeError, LogTruncationError) as fault:
            self._lost(fault)
            return None
        except KafkaError as fault:
            raise Unavailable(f"Kafka does not give records now: {type(fault).__name__}") from fault
        if piece is not None:
            self._waiting.remove(piece)
            self._next[piece.partition] = piece.after
        return piece

    def _ready(self) -> Slice | None:
        """Return the first slice that is here and whose partition is not paused."""
        return next((each for each in self._waiting if each.partition not in self._paused), None)

    def _fetch(self, limit: int, timeout_s: float) -> None:
        self._commit_for_show()
        self._go_on_joining()
        self._watch.look()
        if self._next and self._next.keys() <= self._paused and not self._disowned:
            time.sleep(timeout_s)  # what would come would only be dropped
            return
        try:
            fetched = self._consumer.poll(
                timeout_ms=max(1, int(timeout_s * 1000)), max_records=limit
            )
        except NoOffsetForPartitionError:
            return  # new to the group, which does not matter: `_settle` seeks to where we say
        if not fetched:
            self._ask_for_end()
            return
        try:
            self._watch.confirm()
        except BaseException:
            # The client takes them for read; the next poll must begin with them again.
            for place in fetched.keys() & self._consumer.assignment():
                if place.partition in self._next:
                    self._seek(place.partition)
            raise
        for place, records in fetched.items():
            self._take_in(place.partition, records)

    def _go_on_joining(self) -> None:
        """Have the client finish a join that outlived a poll.

        kafka-python 3.0.12 forgets one that changed metadata began: once the poll in which it
        began times out between its two answers, nothing tells the client to look at the second,
        and it neither gets its partitions nor sends a heartbeat again.
        """
        if self._consumer.group_metadata().state is not MemberState.STABLE:
            self._consumer._coordinator.request_rejoin()  # noqa: SLF001 (no public way)

    def _take_in(self, partition: int, records: Sequence[Any]) -> None:
        start = self._next.get(partition)
        if partition in self._paused:
            self._dropped.add(partition)
            return
        if start is None or partition in self._moved or records[0].offset < start:
            # Not claimed yet: `_settle` seeks to where our store says, and they come again.
            return
        arrived = tuple(
            Arrived(each.offset, each.key or b"", tuple(each.headers or ()), each.value or b"")
            for each in records
        )
        self._waiting.append(Slice(self._topic, partition, start, arrived[-1].offset + 1, arrived))

    def _settle(self) -> None:
        """Drop what belongs to moved partitions; claim those that are ours now and seek."""
        with self._guard:
            moved = set(self._moved)
            self._moved.clear()
            disowned = set(self._disowned)
        ours = {each.partition for each in self._consumer.assignment()} - disowned
        new = moved | disowned | (ours - self._next.keys())
        # All of them first: a claim that fails is made again by the next call.
        for partition in new:
            self._forget(partition)
        for partition in new & ours:
            self._watch.confirm()
            self._next[partition] = self._claim(partition)
            self._seek(partition)

    def _forget(self, partition: int) -> None:
        self._next.pop(partition, None)
        self._waiting = deque(each for each in self._waiting if each.partition != partition)

    def _seek(self, partition: int) -> None:
        self._dropped.discard(partition)
        self._consumer.seek(TopicPartition(self._topic, partition), self._next[partition])

    def _lost(self, fault: KafkaError) -> None:
        """Say that our positions are not in the log; those of the group do not matter to us."""
        for place, position in self._next.items():
            where = TopicPartition(self._topic, place)
            if where not in fault.args[0]:
                continue
            first = self._consumer.beginning_offsets([where])[where]
            after = self._consumer.end_offsets([where])[where]
            if isinstance(fault, OffsetOutOfRangeError) and first <= position <= after:
                continue
            what = (
                f"records {position} to {first - 1} were deleted before we read them"
                if position < first
                else f"it ends at {after}, we have read up to {position}: records were lost"
            )
            raise LogChanged(
                f"partition {place} of the topic {self._topic} does not go on where we are:"
                f" {what}; nothing is read before somebody decides"
                " (docs/operations.md, A log that changed)",
                topic=self._topic,
                partition=place,
                position=position,
            )

    def rewind(self, piece: Slice) -> None:
        """Read the piece again."""
        self._forget(piece.partition)
        place = TopicPartition(self._topic, piece.partition)
        if place in self._consumer.assignment():
            self._next[piece.partition] = piece.start
            self._seek(piece.partition)

    def disown(self, partition: int) -> None:
        """Give nothing of the partition, and claim it only when the group gives it to us anew.

        What the client says is ours may be old news: a member that was paused past its session and
        its successor would claim in turn, and a fact that each began would look like one that
        nobody comes back from. So the group is asked again.
        """
        with self._guard:
            self._disowned.add(partition)
        self._consumer._coordinator.request_rejoin()  # noqa: SLF001 (no public way)

    def pause(self, partition: int) -> None:
        """Give nothing of the partition; polling goes on, so we stay a member of the group.

        The client's own pause is not used: kafka-python 3.0.12 sets half-read records of a paused
        partition aside and, once it is resumed, neither gives them nor fetches others.
        """
        self._paused.add(partition)

    def resume(self, partition: int) -> None:
        """Give it again, from the first record that was dropped meanwhile."""
        self._paused.discard(partition)
        place = TopicPartition(self._topic, partition)
        if partition not in self._dropped or partition not in self._next:
            return
        if place in self._consumer.assignment():
            start = self._next[partition]
            self._forget(partition)
            self._next[partition] = start
            self._seek(partition)

    def lag(self) -> int:
        """Return how many records of our partitions are known to the client and not polled."""
        behind = 0
        for partition, position in list(self._next.items()):
            try:
                end = self._consumer.highwater(TopicPartition(self._topic, partition)) or 0
            except KafkaError:  # it is not ours any more
                continue
            behind += max(0, end - position, self._ends.get(partition, 0) - position)
        return behind

    def ended_at(self) -> float | None:
        """Return when the brokers said that there is no more; see `Source.ended_at`."""
        return self._ended_at if self._next else None

    def _ask_for_end(self) -> None:
        """Ask the brokers, now and then, whether there is really no more.

        The client's poll returns nothing as well when no broker answers.
        """
        now = time.monotonic()
        if not self._next or self._waiting or now - self._asked_end_at < END_EVERY_S:
            return
        self._asked_end_at = now
        places = [TopicPartition(self._topic, each) for each in self._next]
        try:
            found = self._consumer.end_offsets(places, timeout_ms=END_MS)
        except KafkaError as fault:
            log.debug("kafka_end_not_told", error=type(fault).__name__)
            return
        self._ends = {place.partition: end for place, end in found.items()}
        if all(end <= self._next.get(partition, 0) for partition, end in self._ends.items()):
            self._ended_at = now

    def _commit_for_show(self) -> None:
        """Tell Kafka our positions now and then, for its own tools only; ours are the truth."""
        now = time.monotonic()
        if not self._next or now - self._committed_at < COMMIT_EVERY_S:
            return
        self._committed_at = now
        try:
            self._consumer.commit_async()
        except KafkaError as fault:
            log.debug("kafka_commit_for_show_failed", error=type(fault).__name__)

    def close(self) -> None:
        """Leave the group; safe to repeat."""
        self._consumer.close(autocommit=False)
