"""The rows of a price list: what they say of one price."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.pricer.domain.lint.lint_models import amount_faults

MODELS = ("per_unit", "volume", "graduated", "block", "package", "markup", "margin")
STEPPED = ("volume", "graduated", "block")
NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A row as a person sees it; `wrong` says why its cells can not be read."""

    number: int
    cells: Mapping[str, str]
    wrong: str = ""

    def of(self, column: str) -> str:
        """Return a cell; empty, if the table has no such column."""
        return self.cells.get(column, "")


class Wrong(Exception):
    """Why rows are refused."""


def one(rows: Sequence[Row], column: str) -> str:
    """Return what the rows of one price say; Raises: Wrong, if they differ."""
    said = list(dict.fromkeys(each.of(column) for each in rows if each.of(column)))
    if len(said) > 1:
        raise Wrong(f"its rows say {said[0][:40]} and {said[1][:40]} for {column}; let them agree")
    return said[0] if said else ""


def price_of(rows: Sequence[Row]) -> Tree:
    """Return the price model that rows of one entry say.   Raises: Wrong."""
    model = one(rows, "model") or (
        "volume" if any(each.of("up_to") for each in rows) else "per_unit"
    )
    if model not in MODELS:
        raise Wrong(f"model {model[:40]} is unknown; use one of {', '.join(MODELS)}")
    if len(rows) > 1 and model not in STEPPED:
        numbers = ", ".join(str(each.number) for each in rows[:5])
        raise Wrong(f"stands in rows {numbers}; keep one, or say up to which quantity each holds")
    first = rows[0]
    match model:
        case "volume" | "graduated":
            return {"model": "tiered", "mode": model, "tiers": list(_tiers(rows))}
        case "block":
            blocks = [
                {"up_to": _up_to(it), "amount": amount_of("price", it.of("price"))} for it in rows
            ]
            return {"model": "block", "blocks": blocks}
        case "package":
            size = amount_of("size", first.of("size"))
            return {
                "model": "package",
                "size": size,
                "amount": amount_of("price", first.of("price")),
            }
        case "markup":
            return {"model": "cost_plus", "markup_on_cost": _number("price", first.of("price"))}
        case "margin":
            return {"model": "cost_plus", "margin_on_price": _number("price", first.of("price"))}
        case _:
            return {"model": "per_unit", "amount": amount_of("price", first.of("price"))}


def _tiers(rows: Sequence[Row]) -> Iterator[Tree]:
    for row in rows:
        tier: Tree = {"up_to": _up_to(row), "unit": amount_of("price", row.of("price"))}
        if row.of("flat"):
            tier["flat"] = _number("flat", row.of("flat"))
        yield tier


def _up_to(row: Row) -> str | None:
    return _number("up_to", row.of("up_to")) if row.of("up_to") else None


def amount_of(name: str, text: str) -> str:
    """Read an amount that may stand in a book."""
    number = _number(name, text)
    for _, message in amount_faults("", Decimal(number)):
        raise Wrong(f"{name} {message}")
    return number


def _number(name: str, text: str) -> str:
    if not text:
        raise Wrong(f"has no {name}; fill it in, or leave the row out")
    if text.startswith("="):
        raise Wrong(f"{name} is a formula; paste its value")
    if not NUMBER.fullmatch(text):
        raise Wrong(f"{name} {text[:40]} is no plain number; write it as 1234.50")
    return text
