"""The rows of a price list: what they say of one price.

Where a price has one row, an empty cell keeps what the price says now, and `-` takes it away.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.pricer.domain.lint.lint_models import amount_faults

NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
NAMES_APART = re.compile(r"[\s|;,]+")
NOTHING = "-"
Tree = dict[str, Any]
Reader = Callable[[str, str], Any]
"""Reads a cell of a column."""


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


def price_of(rows: Sequence[Row], now: Mapping[str, Any] | None = None) -> Tree:
    """Return the price model that rows of one entry say; `now` is its price.   Raises: Wrong."""
    model = one(rows, "model") or (
        "volume" if any(each.of("up_to") for each in rows) else "per_unit"
    )
    if model not in READS:
        raise Wrong(f"model {model[:40]} is unknown; use one of {', '.join(READS)}")
    for column in sorted({each for read in READS.values() for each in read} - set(READS[model])):
        if any(each.of(column) for each in rows):
            owners = " or ".join(name for name, read in READS.items() if column in read)
            raise Wrong(f"{column} is for {owners}, not {model}; empty it, or correct model")
    if model in STEPPED:
        return _stepped(model, rows)
    if len(rows) > 1:
        numbers = ", ".join(str(each.number) for each in rows[:5])
        raise Wrong(f"stands in rows {numbers}; keep one, or say up to which quantity each holds")
    form = FORMS[model]
    kept = dict(now) if now is not None and now["model"] == form.model else {}
    return form.filled(rows[0], kept)


def _stepped(model: str, rows: Sequence[Row]) -> Tree:
    """Return a price of which each row is a tier or a block."""
    match model:
        case "block":
            return {"model": "block", "blocks": list(_blocks(rows))}
        case "package_volume" | "package_graduated":
            mode = model.removeprefix("package_")
            return {"model": "package_tiers", "mode": mode, "tiers": list(_packages(rows))}
        case _:
            return {"model": "tiered", "mode": model, "tiers": list(_tiers(rows))}


def _blocks(rows: Sequence[Row]) -> Iterator[Tree]:
    for row in rows:
        block: Tree = {"up_to": _up_to(row), "amount": amount_of("price", row.of("price"))}
        for column in ("overage_unit", "overage_above"):
            if row.of(column):
                block[column] = _number(column, row.of(column))
        yield block


def _packages(rows: Sequence[Row]) -> Iterator[Tree]:
    for row in rows:
        size, amount = (amount_of(name, row.of(name)) for name in ("size", "price"))
        yield {"up_to": _up_to(row), "size": size, "amount": amount}


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


# ---- prices of one row


@dataclass(frozen=True, slots=True)
class Form:
    """How a row says a price: the model, where its `price` goes, and which cells go where.

    `may_be_empty`: a row without `price` keeps what stands there, also nothing.
    """

    model: str
    price: tuple[str, Reader]
    cells: Mapping[str, tuple[str, Reader]]
    drops: tuple[str, ...] = ()
    may_be_empty: bool = False

    def filled(self, row: Row, kept: Tree) -> Tree:
        """Return the price that a row makes of the one that is kept.   Raises: Wrong."""
        tree = {name: it for name, it in kept.items() if name not in self.drops}
        tree["model"] = self.model
        columns = {"price": self.price, **self.cells}
        for column, (field, read) in columns.items():
            *path, last = field.split(".")
            inner = dict(tree.get(path[0]) or {}) if path else tree
            text = row.of(column)
            if text == NOTHING and (column != "price" or self.may_be_empty):
                inner.pop(last, None)
            elif text or (last not in inner and column in self.needs) or column in self.always:
                inner[last] = read(column, text)
            if path:
                tree[path[0]] = inner
        if (rounds := tree.get("round")) and not {"multiple", "mode"} <= set(rounds):
            raise Wrong("has one of round_to and round_mode; fill in both, or empty both")
        return {name: it for name, it in tree.items() if it != {}}

    @property
    def always(self) -> tuple[str, ...]:
        """What every row must say."""
        return () if self.may_be_empty else ("price",)

    @property
    def needs(self) -> tuple[str, ...]:
        """What a row must say where nothing stands yet."""
        return ("size",) if "size" in self.cells else ()


def _choice(*known: str) -> Reader:
    def read(column: str, text: str) -> str:
        if text not in known:
            raise Wrong(f"{column} {text[:40]} is unknown; use one of {', '.join(known)}")
        return text

    return read


def _names(column: str, text: str) -> list[str]:
    del column
    return [each for each in NAMES_APART.split(text) if each]


FLOOR = {"floor": ("floor", amount_of)}
FORMS: Mapping[str, Form] = {
    "per_unit": Form("per_unit", ("amount", amount_of), {}),
    "package": Form(
        "package",
        ("amount", amount_of),
        {
            "size": ("size", amount_of),
            "free_units": ("free_units", _number),
            "rounding": ("rounding", _choice("up", "down", "half_up")),
        },
    ),
    "markup": Form("cost_plus", ("markup_on_cost", _number), FLOOR, ("margin_on_price",)),
    "margin": Form("cost_plus", ("margin_on_price", _number), FLOOR, ("markup_on_cost",)),
    "percent_of_total": Form(
        "percent_of_total",
        ("percent", _number),
        {
            "of_parts": ("skus", _names),
            "of_categories": ("categories", _names),
            "within": ("within", _choice("item", "quote")),
            "basis": ("basis", _choice("list", "regular", "net", "final")),
            "minimum": ("minimum", amount_of),
            "maximum": ("maximum", amount_of),
        },
    ),
    "derived": Form(
        "derived",
        ("percent_off", _number),
        {
            "round_to": ("round.multiple", _number),
            "round_mode": ("round.mode", _choice("half_up", "half_even", "up", "down")),
            "round_add": ("round.add", _number),
        },
        may_be_empty=True,
    ),
}
STEPPED: Mapping[str, tuple[str, ...]] = {
    "volume": ("up_to", "flat"),
    "graduated": ("up_to", "flat"),
    "block": ("up_to", "overage_unit", "overage_above"),
    "package_volume": ("up_to", "size"),
    "package_graduated": ("up_to", "size"),
}
READS: Mapping[str, tuple[str, ...]] = {
    **{name: tuple(form.cells) for name, form in FORMS.items()},
    **STEPPED,
}
"""Every model that a list can say, and the columns that it reads beside `price`."""
