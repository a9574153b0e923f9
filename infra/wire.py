"""Records as they travel: raw bytes with headers, and headers as JSON for a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Json

from contracts.errors import Refused

# Kafka takes records of 1 MiB (`max.message.bytes`); the rest is for the headers.
FACT_BYTES_MAX = 900 * 1024


class FactTooLarge(Refused):
    """A fact that no bus would carry; keep large content as a body, under its hash."""

    code = "fact.too_large"


def carried(fact_type: str, body: bytes) -> bytes:
    """Return the body of a fact, if every bus can carry it.   Raises: FactTooLarge."""
    if len(body) > FACT_BYTES_MAX:
        raise FactTooLarge(
            f"{fact_type} has {len(body)} bytes, a fact may have {FACT_BYTES_MAX}:"
            " keep large content as a body and say its hash",
            fact_type=fact_type,
            size_bytes=len(body),
            limit_bytes=FACT_BYTES_MAX,
        )
    return body


@dataclass(frozen=True, slots=True)
class Arrived:
    """One record of a partition, raw: nothing is trusted about it but its key and place."""

    offset: int
    key: bytes
    headers: tuple[tuple[str, bytes], ...]
    value: bytes


def pack_headers(headers: Sequence[tuple[str, bytes]]) -> Json:
    """Turn headers into JSON without loss: Latin-1 maps every byte to one character and back."""
    return Json([[name, value.decode("latin-1")] for name, value in headers])


def unpack_headers(packed: Any) -> tuple[tuple[str, bytes], ...]:
    """Undo `pack_headers`."""
    return tuple((name, value.encode("latin-1")) for name, value in packed)
