"""How a parked record looks: raw, and as today's code would read it."""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from contracts.envelope import Meta, Registry, read_meta
from contracts.errors import Poison
from infra.parking import reason_of
from infra.rows import Parked

CHANGES_MAX = 200
_NOTHING = object()


def summary(parked: Parked) -> dict[str, Any]:
    """Say in a row what is parked: which fact of which deal, since when, why."""
    meta = _meta(parked)
    return {
        "id": parked.id,
        "fact": meta.type if meta else None,
        "fact_id": meta.id if meta else None,
        "version": meta.version if meta else None,
        "subject": meta.subject if meta else None,
        "deal": parked.key.decode("utf-8", "replace"),
        "code": parked.code,
        "reason": parked.reason,
        "attempts": parked.attempts,
        "parked_at": parked.parked_at.isoformat() if parked.parked_at else None,
        "topic": parked.topic,
        "partition": parked.partition,
        "offset": parked.offset,
    }


def whole(parked: Parked, registry: Registry) -> dict[str, Any]:
    """Show a record with its headers and raw body, and what today's code makes of it."""
    return {
        **summary(parked),
        "headers": [[name, value.decode("utf-8", "replace")] for name, value in parked.headers],
        "value": parked.value.decode("utf-8", "replace"),
        "today": today(parked, registry),
    }


def today(parked: Parked, registry: Registry) -> dict[str, Any]:
    """Read a record with today's upcasters and class, and list what differs from its raw body.

    `changes` has a path, what the body says and what is read; an absent side is left out.
    """
    meta = _meta(parked)
    if meta is None or not registry.knows(meta.type):
        why = "this service has no class for it" if meta else "its attributes can not be read"
        return {"readable": False, "why": why, "changes": []}
    try:
        fact = registry.read(meta.type, meta.version, parked.value)
        raw = json.loads(parked.value)
    except Poison as fault:
        return {"readable": False, "why": fault.message, "changes": []}
    except Exception as fault:  # an upcaster with a bug must not hide the record
        return {"readable": False, "why": reason_of(fault), "changes": []}
    read = fact.model_dump(mode="json")
    changes = list(islice(_changes("", raw, read), CHANGES_MAX))
    return {"readable": True, "version": type(fact).VERSION, "changes": changes}


def _meta(parked: Parked) -> Meta | None:
    try:
        return read_meta(parked.headers)
    except Poison:
        return None


def _changes(path: str, raw: Any, read: Any) -> Iterator[dict[str, Any]]:
    """Walk both bodies side by side."""
    if isinstance(raw, Mapping) and isinstance(read, Mapping):
        for name in sorted(raw.keys() | read.keys()):
            here = f"{path}.{name}" if path else name
            yield from _changes(here, raw.get(name, _NOTHING), read.get(name, _NOTHING))
    elif isinstance(raw, list) and isinstance(read, list) and len(raw) == len(read):
        for number, (one, other) in enumerate(zip(raw, read, strict=True)):
            yield from _changes(f"{path}[{number}]", one, other)
    elif raw != read:
        sides = {"raw": raw, "read": read}
        yield {"path": path} | {side: v for side, v in sides.items() if v is not _NOTHING}
