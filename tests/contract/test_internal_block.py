"""Costs and margins stand in blocks named `internal`, which no customer page, document or CRM ever shows."""

import re
import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from contracts.approval import CaseInternal
from contracts.catalogue import FACTS
from contracts.envelope import Fact
from contracts.pricing import PriceInternal
from contracts.quote import (
    DocumentRequested,
    OrderPlaced,
    PricedOffer,
    QuotePresented,
    RevisionSubmitted,
)
from contracts.values import Money, Value

SECRET = re.compile(r"cost|margin|floor|pocket")
# Who may carry such a block at all: what pricer and quotes say to approvals and record, and the case itself.
INSIDERS = {"QuotePriced", "RevisionPriced", "RevisionSubmitted", "DiscountApprovalRequested"}


def models_in(kind: Any) -> Iterator[type[BaseModel]]:
    """Give every model that a type can hold."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    elif get_origin(kind) is not None:
        inner = get_args(kind)[:1] if get_origin(kind) is Annotated else get_args(kind)
        for each in inner:
            yield from models_in(each)


def fields_of(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give the path of every field, through all models below."""
    for name, field in model.model_fields.items():
        yield (*path, name)
        for below in models_in(field.annotation):
            yield from fields_of(below, (*path, name))


def leaks(model: type[BaseModel]) -> list[str]:
    """Name the fields that speak of costs outside an `internal` block."""
    return [
        ".".join(path)
        for path in fields_of(model)
        if SECRET.search(path[-1]) and "internal" not in path[:-1]
    ]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.__name__)
def test_cost_margin_and_floor_stand_in_internal_only(fact: type[Fact]) -> None:
    assert leaks(fact) == []


@pytest.mark.parametrize(
    "fact",
    [each for each in FACTS if each.__name__ not in INSIDERS],
    ids=lambda fact: fact.__name__,
)
def test_only_insiders_carry_an_internal_block(fact: type[Fact]) -> None:
    assert [path for path in fields_of(fact) if "internal" in path] == []


@pytest.mark.parametrize("model", [PricedOffer, DocumentRequested, QuotePresented, OrderPlaced])
def test_what_a_customer_sees_has_no_internal_figure(model: type[BaseModel]) -> None:
    assert [
        path for path in fields_of(model) if "internal" in path or SECRET.search(path[-1])
    ] == []


def test_the_walk_reaches_the_figures_it_watches() -> None:
    below = {".".join(path) for path in fields_of(RevisionSubmitted)}

    assert {
        "internal.cost",
        "internal.lines.margin_percent",
        "offer.lines.list_unit.amount",
    } <= below
    assert leaks(PriceInternal) == [
        "cost",
        "margin",
        "margin_percent",
        "lines.cost",
        "lines.margin",
        "lines.margin_percent",
        "pocket",
        "pocket_margin",
        "pocket_margin_percent",
    ]
    assert leaks(CaseInternal) == ["margin_percent", "margin"]


def test_a_planted_cost_is_seen_behind_lists_and_optionals() -> None:
    class Line(Value):
        floor_price: Money

    class Planted(Fact):
        lines: tuple[Line, ...] | None

    assert leaks(Planted) == ["lines.floor_price"]
    assert [each.__name__ for each in models_in(Union[Line, None])] == ["Line"]  # noqa: UP007
    assert isinstance(Line | None, types.UnionType)
