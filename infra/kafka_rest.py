"""What a Kafka topic holds from some positions to its end now, read outside any group."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from contracts.errors import Unavailable
from infra.wire import Arrived

ANSWER_MS = 10_000
SILENT_S = 30.0


class LogShorter(Unavailable):
    """The log ends before what was consumed of it.   Attributes: partition, position, end."""

    code = "log.shorter"
    title = "The log is not the one that was consumed"


def records_after(
    client: Mapping[str, Any], topic: str, positions: Mapping[int, int]
) -> Iterator[tuple[int, Arrived]]:
    """Give partition and record, in order per partition; a partition without a position wholly.

    Raises: LogShorter; Unavailable, if the brokers do not answer.
    """
    try:
        consumer = KafkaConsumer(
            enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=100, **client
        )
        try:
            yield from _rest(consumer, topic, positions)
        finally:
            consumer.close()
    except KafkaError as fault:
        raise Unavailable(f"Kafka does not give records now: {type(fault).__name__}") from fault


def _rest(
    consumer: KafkaConsumer, topic: str, positions: Mapping[int, int]
) -> Iterator[tuple[int, Arrived]]:
    places = [TopicPartition(topic, each) for each in consumer.partitions_for_topic(topic) or ()]
    ends = consumer.end_offsets(places, timeout_ms=ANSWER_MS) if places else {}
    for place in places:
        position = positions.get(place.partition, 0)
        if position > ends[place]:
            raise LogShorter(
                f"partition {place.partition} of {topic} ends at {ends[place]}, and {position} was"
                " consumed: the topic was made anew or has lost records; see docs/operations.md,"
                " backup and restore",
                partition=place.partition,
                position=position,
                end=ends[place],
            )
    left = {each for each in places if positions.get(each.partition, 0) < ends[each]}
    consumer.assign(sorted(left))
    for place in left:
        consumer.seek(place, positions.get(place.partition, 0))
    heard_at = time.monotonic()
    while left:
        for place, records in consumer.poll(timeout_ms=500).items():
            heard_at = time.monotonic()
            for each in records:
                yield place.partition, _arrived(each)
        left = {each for each in left if consumer.position(each, timeout_ms=ANSWER_MS) < ends[each]}
        if time.monotonic() - heard_at > SILENT_S:
            raise Unavailable(f"Kafka gives no records of {topic}, though there are some")


def _arrived(record: Any) -> Arrived:
    return Arrived(
        record.offset, record.key or b"", tuple(record.headers or ()), record.value or b""
    )
