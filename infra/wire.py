"""Records as they travel: raw bytes with headers, and headers as JSON for a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Json


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
