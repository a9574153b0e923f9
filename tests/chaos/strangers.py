"""Facts that a test puts on the log itself: sound ones, and every kind that can not be handled."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from contracts.envelope import Meta, Sealed, seal
from tests.chaos.checks import Stored
from tests.chaos.load import NumberTold

AT = datetime(2026, 3, 2, tzinfo=UTC)


def stranger(deal: UUID, number: int, actor: str = "a stranger") -> Sealed:
    """Return a sound fact: the number is also the version in its stream."""
    fact = NumberTold(deal_id=deal, number=number)
    stream = f"teller.stranger/{deal}"
    meta = Meta(
        id=f"{stream}/{number}",
        source="stranger",
        type=fact.wire_type(),
        version=fact.VERSION,
        deal_id=deal,
        subject=fact.subject(),
        time=AT,
        correlation=str(deal),
        actor=actor,
    )
    return seal(fact, meta)


def with_header(record: Sealed, name: str, value: str) -> Sealed:
    """Return the record with one attribute changed."""
    headers = tuple((n, value.encode() if n == name else v) for n, v in record.headers)
    return replace(record, headers=headers)


def broken_json(record: Sealed) -> Sealed:
    return replace(record, value=b'{"deal_id": ')


def of_unknown_type(record: Sealed) -> Sealed:
    return with_header(record, "ce_type", "quotewright.NobodyKnows")


def of_newer_version(record: Sealed) -> Sealed:
    return with_header(record, "ce_schemaversion", "99")


def as_stored(record: Sealed, *, handled: bool) -> Stored:
    """Return the row that the checks expect of it; `handled`: its number counts."""
    headers = {name: value.decode() for name, value in record.headers}
    stream, _, version = headers["ce_id"].rpartition("/")
    body = {"number": int(version)} if handled else {}
    deal, kind = record.key.decode(), headers["ce_type"]
    return Stored("teller", 0, stream, int(version), kind, deal, headers["ce_id"], 0, body)
