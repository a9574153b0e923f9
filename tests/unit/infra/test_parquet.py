"""What we write as Parquet, another reader reads: values, gaps, scales, days, any number of groups."""

from datetime import date
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.parquet import Column, parquet

COLUMNS = (
    Column("name", "text"),
    Column("count", "whole"),
    Column("amount", "decimal", 6),
    Column("day", "day"),
)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
WIDE = Context(prec=60)
rows = st.tuples(
    st.none() | texts,
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.integers(-(10**38) + 1, 10**38 - 1),
    st.none() | st.dates(),
)


def read(path: Path, groups: list[list[tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
    path.write_bytes(b"".join(parquet(COLUMNS, groups)))
    return duckdb.sql(f"SELECT * FROM '{path}'").fetchall()


def as_read(row: tuple[Any, ...]) -> tuple[Any, ...]:
    name, count, amount, day = row
    return name, count, None if amount is None else WIDE.scaleb(Decimal(amount), -6), day


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(rows, min_size=1, max_size=30), max_size=4))
def test_every_row_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, groups: list[list[tuple[Any, ...]]]
) -> None:
    path = tmp_path_factory.mktemp("parquet") / "table.parquet"
    assert read(path, groups) == [as_read(row) for rows_ in groups for row in rows_]


def test_a_day_may_be_text_and_an_empty_table_has_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    assert read(path, [[("x", 1, 2, "2026-02-28")]])[0][3] == date(2026, 2, 28)
    assert read(path, []) == []
    kinds = duckdb.sql(f"DESCRIBE SELECT * FROM '{path}'").fetchall()
    assert [each[1] for each in kinds] == ["VARCHAR", "BIGINT", "DECIMAL(38,6)", "DATE"]


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(OverflowError):
        list(parquet(COLUMNS, [[("x", 2**63, 0, None)]]))
