"""CloudEvents 1.0 envelope (binary mode): seal a fact into headers and bytes, open it again.

Wire type `quotewright.QuotePriced`, integer version. Classes and upcasters are registered by each
service's main; a type that nobody registered is skipped, a version newer than ours is Poison.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from pydantic import ValidationError

from contracts.errors import Poison
from contracts.parsed import Parsed
from contracts.upcasts import Upcasters, oldest_alike
from contracts.values import Value

PREFIX = "quotewright."
SPEC = "1.0"
CONTENT_TYPE = "application/json"
# Versions are kept as 32-bit integers.
COUNT_MAX = 2**31 - 1
# Ids and types are kept in indexes, whose entries end at 2,700 bytes.
NAME_BYTES_MAX = 1_000
_SPEC_HEADER = ("ce_specversion", SPEC.encode())
_CONTENT_HEADER = ("content-type", CONTENT_TYPE.encode())
_HEADERS = (
    ("id", "ce_id"),
    ("source", "ce_source"),
    ("type", "ce_type"),
    ("version", "ce_schemaversion"),
    ("subject", "ce_subject"),
    ("time", "ce_time"),
    ("deal_id", "ce_partitionkey"),
    ("correlation", "ce_correlationid"),
    ("causation", "ce_causationid"),
    ("actor", "ce_actor"),
    ("traceparent", "ce_traceparent"),
)
_INDEXED = ("ce_id", "ce_source", "ce_type", "ce_causationid")


class NewerVersion(Poison):
    """The fact was written by a newer release: it is readable after our upgrade."""

    code = "poison.newer_version"


class Fact(Value):
    """Base of all facts: past tense, business words, frozen, self-contained.

    `deal_id` is the record key of the log, so every fact has one; `VERSION` counts incompatible
    changes.
    """

    VERSION: ClassVar[int] = 1

    deal_id: UUID

    @classmethod
    def wire_type(cls) -> str:
        """Return the CloudEvents type, `quotewright.<Name>`."""
        return PREFIX + cls.__name__

    def subject(self) -> str:
        """Return what the fact is about: the quote where there is one, else the deal."""
        quote = getattr(self, "quote_id", None)
        return f"quote/{quote}" if quote else f"deal/{self.deal_id}"


@dataclass(frozen=True, slots=True)
class Meta:
    """Attributes of one recorded fact; `id` is `<stream>/<version>`, unique in the whole log."""

    id: str
    source: str
    type: str
    version: int
    deal_id: UUID
    subject: str
    time: datetime
    correlation: str
    causation: str | None = None
    actor: str | None = None
    traceparent: str | None = None

    @property
    def stream(self) -> str:
        """The stream part of the id."""
        return self.id.rpartition("/")[0]

    @property
    def stream_version(self) -> int:
        """The position in the stream, from 1."""
        return int(self.id.rpartition("/")[2])


@dataclass(frozen=True, slots=True)
class Sealed:
    """A fact on the wire: record key, CloudEvents headers, JSON body."""

    key: bytes
    headers: tuple[tuple[str, bytes], ...]
    value: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """A fact that was read, with its attributes."""

    meta: Meta
    fact: "Fact"


T = TypeVar("T")

_PARSED = Parsed()


def body_of(fact: Fact) -> bytes:
    """Return the canonical JSON of a fact."""
    value = fact.model_dump_json().encode()
    _PARSED.keep(fact, value)
    return value


class Registry:
    """The closed list of facts a service can read, with the upcasters from older versions."""

    def __init__(
        self,
        facts: Iterable[type[Fact]],
        upcasters: Upcasters | None = None,
    ) -> None:
        self._facts = {each.wire_type(): each for each in facts}
        self._upcasters = dict(upcasters or {})
        self._alike = {
            name: oldest_alike(name, each.VERSION, self._upcasters)
            for name, each in self._facts.items()
        }

    def knows(self, wire_type: str) -> bool:
        """Say whether this service can read the type at all."""
        return wire_type in self._facts

    def steps(self) -> frozenset[tuple[str, int]]:
        """Return from which version of which type a body can be brought one version on."""
        return frozenset(self._upcasters)

    def read(self, wire_type: str, version: int, value: bytes) -> Fact:
        """Read a body of any released version with today's class.

        Unknown members are ignored (readers are tolerant). Raises: NewerVersion; Poison, if
        the type is unknown or the body does not fit.
        """
        cls = self._facts.get(wire_type)
        if cls is None:
            raise Poison(f"nobody here reads {wire_type}", fact_type=wire_type)
        if version > cls.VERSION:
            raise NewerVersion(
                f"{wire_type} version {version} is newer than {cls.VERSION}; deploy this service",
                fact_type=wire_type,
                version=version,
            )
        try:
            if version >= self._alike[wire_type]:
                return self._read_today(cls, value)
            return cls.model_validate(self._upcast(wire_type, version, cls, value), extra="ignore")
        except ValidationError as fault:
            where = [".".join(map(str, each["loc"])) or "body" for each in fault.errors()[:3]]
            raise Poison(
                f"{wire_type} version {version} does not fit its contract at {', '.join(where)}",
                fact_type=wire_type,
                version=version,
                fields=where,
            ) from None

    def _read_today(self, cls: type[Fact], value: bytes) -> Fact:
        """Read a body that is, or reads as, today's version.   Raises: ValidationError."""
        return _PARSED.read(cls, value)

    def _upcast(
        self, wire_type: str, version: int, cls: type[Fact], value: bytes
    ) -> dict[str, Any]:
        try:
            body = json.loads(value)
        except (ValueError, RecursionError):
            raise Poison(f"{wire_type} is not JSON", fact_type=wire_type) from None
        if not isinstance(body, dict):
            raise Poison(f"{wire_type} is not a JSON object", fact_type=wire_type)
        for step in range(version, cls.VERSION):
            body = self._upcasters[wire_type, step](body)
        return dict(body)


def seal(fact: Fact, meta: Meta) -> Sealed:
    """Put a fact into binary-mode CloudEvents headers and a JSON body.

    The deal is the record key.
    """
    return Sealed(str(meta.deal_id).encode(), headers_of(meta), body_of(fact))


def headers_of(meta: Meta) -> tuple[tuple[str, bytes], ...]:
    """Return the CloudEvents headers of a fact, in a fixed order."""
    known = {name: getattr(meta, name) for name, _ in _HEADERS}
    texts = {name: str(value) for name, value in known.items() if value is not None}
    return headers_from({**texts, "time": meta.time.isoformat()})


def headers_from(attributes: Mapping[str, str]) -> tuple[tuple[str, bytes], ...]:
    """Return a fact's CloudEvents headers from attributes that are text, named as in `Meta`.

    For who has them as text already: a relay that reads them only to write them.
    """
    found = [_SPEC_HEADER]
    for name, header in _HEADERS:
        text = attributes.get(name)
        if text is not None:
            found.append((header, text.encode()))
    found.append(_CONTENT_HEADER)
    return tuple(found)


def read_meta(headers: Iterable[tuple[str, bytes]]) -> Meta:
    """Read the attributes without touching the body.

    So that a consumer can skip what it does not want.

    Raises: Poison, naming the missing or malformed attribute.
    """
    found = {
        name: bytes(value).decode("utf-8", "replace")
        for name, value in headers
        if value is not None
    }
    for name, text in found.items():
        if name.startswith("ce_") and "\0" in text:
            raise Poison(f"the attribute {name} is malformed", attribute=name)
    for name in _INDEXED:
        if len(found.get(name, "").encode()) > NAME_BYTES_MAX:
            raise Poison(f"{name} has more than {NAME_BYTES_MAX} bytes", attribute=name)
    if _read(found, "ce_specversion", str) != SPEC:
        raise Poison("only CloudEvents 1.0 is read here", attribute="ce_specversion")
    deal_id = _read(found, "ce_partitionkey", UUID)
    return Meta(
        id=_read(found, "ce_id", _record_id),
        source=_read(found, "ce_source", str),
        type=_read(found, "ce_type", str),
        version=_read(found, "ce_schemaversion", _counted),
        deal_id=deal_id,
        subject=found.get("ce_subject", ""),
        time=_read(found, "ce_time", _instant),
        correlation=found.get("ce_correlationid", str(deal_id)),
        causation=found.get("ce_causationid"),
        actor=found.get("ce_actor"),
        traceparent=found.get("ce_traceparent"),
    )


def _read(found: Mapping[str, str], name: str, parse: Callable[[str], T]) -> T:
    """Parse one attribute; a fault names the attribute and never repeats what stands in it."""
    if name not in found:
        raise Poison(f"the attribute {name} is missing", attribute=name)
    try:
        return parse(found[name])
    except ValueError:
        raise Poison(f"the attribute {name} is malformed", attribute=name) from None


def _record_id(text: str) -> str:
    stream, _, version = text.rpartition("/")
    if not stream:
        raise ValueError("no stream")
    _counted(version)
    return text


def _counted(text: str) -> int:
    number = int(text)
    if not 1 <= number <= COUNT_MAX:
        raise ValueError("counts from 1, as far as a table can")
    return number


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return moment


def open_(registry: Registry, headers: Iterable[tuple[str, bytes]], value: bytes) -> Opened:
    """Read attributes and body of a sealed fact.   Raises: Poison."""
    meta = read_meta(headers)
    return Opened(meta, registry.read(meta.type, meta.version, value))
