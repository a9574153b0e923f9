"""Whether a service's tables hold every fact of its own that the log holds; asked when it starts.

A database that was restored, or failed over, to before facts that are published gives their places
out a second time, and everybody else takes the new facts for doubles. So such a service does not
start. Its own consumer has passed over every fact before its position, and that was written later
than the fact: so only the rest of the log is read, by headers, as the consumer is about to anyway.
"""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import md5
from itertools import islice

import structlog
from psycopg_pool import ConnectionPool

from contracts.errors import Unavailable
from infra.bus import Bus
from infra.postgres import PgConnection, reachable
from infra.wire import Arrived

log = structlog.get_logger("infra.comparing")
AT_ONCE = 1000
SLOW_S = 5.0


class BehindLog(Unavailable):
    """The log has a fact that the tables lack.   Attributes: fact, partition, offset."""

    code = "store.behind_log"
    title = "The database is behind the log"


def compare_with_log(
    service: str, pool: ConnectionPool[PgConnection], bus: Bus, topic: str
) -> None:
    """Check that the service may go on over its tables.

    Raises: BehindLog, naming the first fact that the tables do not have; Unavailable, if database
    or bus do not answer.
    """
    began = time.monotonic()
    with reachable(), pool.connection() as connection:
        rows = connection.execute(
            "SELECT partition, position FROM positions WHERE topic = %s", (topic,)
        ).fetchall()
        records = _own(service, bus, topic, dict(rows))
        read = 0
        while batch := list(islice(records, AT_ONCE)):
            read += len(batch)
            _check(service, connection, batch)
    took_s = time.monotonic() - began
    if took_s > SLOW_S:
        log.info("compared_with_log", service=service, facts=read, took_s=round(took_s, 1))


@dataclass(frozen=True, slots=True)
class Own:
    """A fact of this service as the log holds it."""

    stream: str
    version: int
    digest: str
    partition: int
    offset: int


def _own(service: str, bus: Bus, topic: str, positions: Mapping[int, int]) -> Iterator[Own]:
    for partition, record in bus.after(topic, positions):
        place = _place(service, record)
        if place is not None:
            digest = md5(record.value, usedforsecurity=False).hexdigest()
            yield Own(*place, digest, partition, record.offset)


def _place(service: str, record: Arrived) -> tuple[str, int] | None:
    """Return stream and version of a fact of this service; None for anything else."""
    headers = dict(record.headers)
    if headers.get("ce_source") != service.encode():
        return None
    stream, _, version = headers.get("ce_id", b"").decode("utf-8", "replace").rpartition("/")
    fits = re.fullmatch(r"[1-9][0-9]{0,8}", version)
    return (stream, int(version)) if stream and fits else None


def _check(service: str, connection: PgConnection, batch: list[Own]) -> None:
    """Find each fact in the tables, with the same body."""
    rows = connection.execute(
        "SELECT stream, version, md5(state) FROM events WHERE (stream, version) IN"
        " (SELECT * FROM unnest(%s::text[], %s::int[]))",
        ([each.stream for each in batch], [each.version for each in batch]),
    ).fetchall()
    digests = {(stream, version): digest for stream, version, digest in rows}
    for each in batch:
        held = digests.get((each.stream, each.version))
        if held == each.digest:
            continue
        fact = f"{each.stream}/{each.version}"
        why = "do not" if held is None else "hold as another fact"
        raise BehindLog(
            f"the log holds {fact} (partition {each.partition}, offset {each.offset}), which the"
            f" tables of {service} {why}: the database was set back to before it; restore a later"
            " moment, or see docs/operations.md, backup and restore",
            fact=fact,
            partition=each.partition,
            offset=each.offset,
        )
