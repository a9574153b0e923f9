"""What a what-if found, quote by quote, as a CSV or a Parquet file: written as it is read."""

import csv
import io
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from contracts.values import EXACT
from infra.parquet import Column, parquet
from services.pricer.domain.what_ifs.outcome import Row
from services.pricer.domain.what_ifs.trial import DECIMALS

PERCENT_SCALE = 2
# What a spreadsheet takes for a formula is told as text.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SIDES = ("before", "after")
_MONEY = ("list", "net", "cost")
_PERCENT = ("sales_discount_percent", "margin_percent", "worst_line_margin_percent")
COLUMNS = (
    Column("quote", "text"),
    Column("revision", "whole"),
    Column("day", "day"),
    *(Column(each, "text") for each in ("account_id", "tier", "region", "selling_unit")),
    *(Column(each, "text") for each in ("currency", "products")),
    Column("lines", "whole"),
    *(Column(f"{what}_{side}", "decimal", DECIMALS) for what in _MONEY for side in _SIDES),
    *(
        Column(f"{what}_{side}", "decimal", PERCENT_SCALE)
        for what in _PERCENT
        for side in _SIDES
    ),
    *(Column(f"guardrails_{side}", "text") for side in _SIDES),
    *(Column(f"approval_{side}", "text") for side in _SIDES),
    *(Column(f"problem_{side}", "text") for side in _SIDES),
)  # fmt: skip


def csv_file(parts: Iterable[list[Row]]) -> Iterator[bytes]:
    """Yield a CSV file (UTF-8, a header, one line per quote); amounts are plain decimals."""
    yield _lines([[each.name for each in COLUMNS]])
    for rows in parts:
        yield _lines([[_cell(c, v) for c, v in zip(COLUMNS, _values(row), strict=True)]
                      for row in rows])  # fmt: skip


def parquet_file(parts: Iterable[list[Row]]) -> Iterator[bytes]:
    """Yield a Parquet file with the same columns; a row group per part."""
    return parquet(COLUMNS, ([_values(row) for row in rows] for rows in parts if rows))


def _values(row: Row) -> list[Any]:
    both = (row.terms_before, row.terms_after)
    return [
        row.quote,
        row.revision,
        row.day,
        row.account_id,
        row.tier,
        row.region,
        row.selling_unit,
        row.currency,
        " ".join(row.products),
        row.lines,
        *(getattr(row, f"{what}_{side}") for what in _MONEY for side in _SIDES),
        *(None if t is None else _hundredths(getattr(t, what)) for what in _PERCENT for t in both),
        row.breaches_before or None,
        row.breaches_after or None,
        row.approval_before,
        row.approval_after,
        row.problem_before,
        row.problem_after,
    ]


def _hundredths(percent: str) -> int:
    return int(EXACT.to_integral_exact(EXACT.scaleb(Decimal(percent), PERCENT_SCALE)))


def _cell(column: Column, value: Any) -> str:
    if value is None:
        return ""
    if column.kind == "decimal":
        return f"{EXACT.scaleb(Decimal(value), -column.scale):f}"
    text = str(value)
    return f"'{text}" if column.kind == "text" and text.startswith(FORMULA) else text


def _lines(cells: Iterable[Iterable[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(cells)
    return out.getvalue().encode()
