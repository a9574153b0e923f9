"""Facts read leanly: of a large body only what the fold looks at is checked and made.

A priced offer weighs 25 kB, of which the projector reads four totals. What it does not use can not
make a fact unreadable for it. Small facts, and our own, are read whole.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, get_args
from uuid import UUID

from pydantic import BaseModel, ConfigDict, create_model

from contracts import approval, configuration, document, pricing, quote
from contracts.catalogue import FACTS, UPCASTERS
from contracts.envelope import Fact, Registry

Wanted = Mapping[str, Any]
"""Members by name, each with the members wanted of it; nothing: the whole of it."""


def _whole(*names: str) -> dict[str, Any]:
    return {name: {} for name in names}


# Bodies begin with their ids; where nothing else is wanted, 20 kB of lines need not be parsed.
_UUID = rb"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
HEAD = re.compile(
    rb'\{"deal_id":"%b","quote_id":"%b","revision":([1-9][0-9]{0,8}),' % (_UUID, _UUID)
)
IDS = ("deal_id", "quote_id", "revision", "case_id")
_TOTALS = _whole("list", "net", "discount_percent", "sales_discount_percent")
WANTED: Mapping[type[Fact], Wanted] = {
    configuration.ConfigurationRejected: {},
    configuration.ConfigurationValidated: {},
    pricing.QuotePriced: {},
    pricing.PricingFailed: {},
    document.QuoteDocumentRendered: {},
    approval.ApprovalNotRequired: {},
    approval.DiscountApprovalRequested: {
        **_whole("answers", "requested_by", "rationale", "net", "discount_percent", "due_at"),
        "steps": _whole("step", "level", "approvers"),
    },
    quote.QuoteDrafted: _whole("number", "drafted_by", "clone_of"),
    quote.QuoteRevised: {},
    quote.ConfigurationRequested: {},
    quote.PricingRequested: _whole("customer_tier", "region", "segment", "channel", "partner"),
    quote.RevisionPriced: {
        "offer": {"totals": _TOTALS},
        "internal": _whole("margin", "margin_percent"),
    },
    quote.RevisionSubmitted: _whole("valid_until"),
    quote.DocumentRequested: {},
    quote.OrderPlaced: _whole("order_id", "accepted_at"),
}


class LeanRegistry(Registry):
    """Every fact; those of `WANTED` with its members only, the others are not there.

    A rebuild reads more bodies than any memory of parsed ones can hold, so none is asked.
    """

    def __init__(self) -> None:
        super().__init__(FACTS, UPCASTERS)

    def _read_today(self, cls: type[Fact], value: bytes) -> Fact:
        read = _READERS.get(cls)
        return read(value) if read else cls.model_validate_json(value, extra="ignore")


def _reader(cls: type[Fact], wanted: Wanted) -> Callable[[bytes], Fact]:
    """Return what reads a body into a fact of the class that has the wanted members only."""
    ids = [name for name in IDS if name in cls.model_fields]
    parse = _lean(cls, {**wanted, **_whole(*ids)}).model_validate_json
    has_head = not wanted and tuple(ids) == IDS[:3]

    def read(value: bytes) -> Fact:
        head = HEAD.match(value) if has_head else None
        return _made(cls, _ids(head) if head else parse(value).__dict__)

    return read


def _ids(head: re.Match[bytes]) -> dict[str, Any]:
    deal, quote_id, revision = (part.decode() for part in head.groups())
    return {"deal_id": UUID(deal), "quote_id": UUID(quote_id), "revision": int(revision)}


def _made(cls: type[Fact], members: dict[str, Any]) -> Fact:
    """Make a fact of checked members, as `model_construct` does without a walk over the others."""
    fact = cls.__new__(cls)
    object.__setattr__(fact, "__dict__", members)
    object.__setattr__(fact, "__pydantic_fields_set__", set(members))
    object.__setattr__(fact, "__pydantic_extra__", None)
    object.__setattr__(fact, "__pydantic_private__", None)
    return fact


def _lean(cls: type[BaseModel], wanted: Wanted) -> type[BaseModel]:
    """Return a model with the wanted members of another, each as checked as there."""
    members: dict[str, Any] = {}
    for name, inner in wanted.items():
        info = cls.model_fields[name]
        members[name] = (_narrowed(info.annotation, inner) if inner else info.annotation, info)
    config = ConfigDict(frozen=True, extra="ignore")
    return create_model(f"Lean{cls.__name__}", __config__=config, **members)


def _narrowed(annotation: Any, wanted: Wanted) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _lean(annotation, wanted)
    (item, _) = get_args(annotation)  # a tuple of any length
    return tuple[_lean(item, wanted), ...]  # type: ignore[misc]


_READERS: Mapping[type[Fact], Callable[[bytes], Fact]] = {
    cls: _reader(cls, wanted) for cls, wanted in WANTED.items()
}
