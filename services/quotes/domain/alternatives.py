"""All quotes of a deal side by side: figures, and the answers in which their items differ."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contracts.charges import months_of
from contracts.configuration import Answer, ConfiguredItem, RequestedItem
from services.quotes.domain.deal import Deal
from services.quotes.domain.quote import Quote, Revision
from services.quotes.domain.status import status_of_quote

Cell = str | None


def compared(deal: Deal, quotes: Sequence[Quote]) -> dict[str, Any]:
    """Return a column per quote, by its newest revision, and a row per answer of each item."""
    return {
        "deal_id": str(deal.deal_id),
        "details": deal.details.model_dump(mode="json"),
        "quotes": [_column(each) for each in quotes],
        "charges": _charges(quotes),
        "items": [_item(item_id, quotes) for item_id in _item_ids(quotes)],
    }


def _column(quote: Quote) -> dict[str, Any]:
    revision = quote.current
    totals = revision.price.offer.totals.model_dump(mode="json") if revision.price else None
    until = revision.submission.valid_until.isoformat() if revision.submission else None
    return {
        "quote_id": str(quote.quote_id),
        "number": quote.number,
        "revision": revision.number,
        "status": status_of_quote(quote),
        "is_open": quote.outcome is None,
        "is_configured": revision.is_configured,
        "valid_until": until,
        "totals": totals,
        "net_by_charge": {each["charge"]: each["net"] for each in totals["by_charge"]}
        if totals
        else {},
    }


def _charges(quotes: Iterable[Quote]) -> list[str]:
    """Return the kinds of charges that any of the quotes has, shortest period first."""
    priced = [each.current.price for each in quotes if each.current.price]
    found = [one.charge for price in priced for one in price.offer.totals.by_charge]
    return sorted(set(found), key=months_of)


def _item_ids(quotes: Iterable[Quote]) -> list[str]:
    return list(dict.fromkeys(item.item_id for each in quotes for item in each.current.items))


def _item(item_id: str, quotes: Sequence[Quote]) -> dict[str, Any]:
    """Return an item's rows; what is not configured yet is told in the words of what is."""
    words = _words(quotes, item_id)
    columns = [_answers(each.current, item_id, words) for each in quotes]
    # An answer that is still open is none that differs.
    counts = [_configured(each.current, item_id) is not None for each in quotes]
    # A valid configuration names its answers best, so it has the last word.
    by_trust = sorted(zip(counts, columns, strict=True), key=lambda each: each[0])
    labels = {name: label for _, each in by_trust for name, (label, _) in each.items()}
    order = dict.fromkeys(name for each in columns for name in each)
    rows = [
        _row(labels[name], [each.get(name, ("", None))[1] for each in columns], counts)
        for name in order
    ]
    names = [_quantity_and_name(each.current, item_id) for each in quotes]
    has = {"label": "Item", "cells": names, "differs": len(set(names)) > 1}
    return {"item_id": item_id, "has": has, "rows": rows}


def _row(label: str, cells: list[Cell], counts: list[bool]) -> dict[str, Any]:
    told = {cell for cell, always in zip(cells, counts, strict=True) if always or cell is not None}
    return {"label": label, "cells": cells, "differs": len(told) > 1}


def _requested(revision: Revision, item_id: str) -> RequestedItem | None:
    return next((each for each in revision.items if each.item_id == item_id), None)


def _configured(revision: Revision, item_id: str) -> ConfiguredItem | None:
    if not revision.is_configured:
        return None
    return next((each for each in revision.configured if each.item_id == item_id), None)


def _quantity_and_name(revision: Revision, item_id: str) -> Cell:
    item, known = _requested(revision, item_id), _configured(revision, item_id)
    if item is None:
        return None
    return f"{item.label or (known.name if known else item.product)}, {item.quantity}"


Answers = dict[str, tuple[str, str]]
"""Label and value of each answer, by its attribute."""
Words = Mapping[tuple[str, str], tuple[str, str]]
"""Label and value in words of an answer as it is given."""


def _answers(revision: Revision, item_id: str, words: Words) -> Answers:
    known, item = _configured(revision, item_id), _requested(revision, item_id)
    if known is not None:
        return _chosen(known)
    return {
        each.attribute: words.get(
            (each.attribute, said(each.value)), (each.attribute, said(each.value))
        )
        for each in (item.decisions if item else ())
    }


def _words(quotes: Iterable[Quote], item_id: str) -> Words:
    """Return how valid configurations of the item say their answers."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for quote in quotes:
        known = _configured(quote.current, item_id)
        chosen = _chosen(known) if known else {}
        for each in known.decisions if known else ():
            if each.attribute in chosen:
                found[each.attribute, said(each.value)] = chosen[each.attribute]
    return found


def _chosen(item: ConfiguredItem) -> Answers:
    """Return the answers of a valid configuration; those of a multiple choice as one."""
    found: Answers = {}
    for each in item.options:
        before = found.get(each.attribute)
        value = f"{before[1]}, {each.value}" if before else each.value
        found[each.attribute] = (each.label, value)
    return found


def said(value: Answer | tuple[str, ...]) -> str:
    """Write an answer as it was given."""
    return ", ".join(value) if isinstance(value, tuple) else f"{value}"
