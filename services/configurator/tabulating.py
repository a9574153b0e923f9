"""The CSV files of table rules, read beside the model that names them.

Nothing here knows the model: `domain.tables` reads the cells. A file must stand below the folder of
its model, also after following links; one that is too large is not read further than its bound.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.configurator.domain.language.model import (
    CELL_LENGTH_MAX,
    TABLE_COLUMNS_MAX,
    TABLE_ROWS_MAX,
    Table,
)
from services.configurator.opening import TooLarge, content

FILE_BYTES_MAX = 2_000_000
# Of all tables of a model together; each cell is at most a clause of the solver.
CELLS_MAX = 200_000
FILE = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+){0,4}\.csv")

Rows = list[list[str]]


class Unreadable(Exception):
    """A file is no table; says where in the file, and what to change."""


def fill(folder: Path, tree: dict[str, Any]) -> list[str]:
    """Put into each table of a model what its file says; returns what can not be read.

    What is no table by its shape is left for the check of the whole.
    """
    tables = tree.get("tables")
    faults: list[str] = []
    cells = 0
    for each in tables if isinstance(tables, list) else ():
        if not isinstance(each, dict) or not isinstance(each.get("file"), str):
            continue
        where = f"table {each.get('id')}"
        if given := sorted({"columns", "rows"} & each.keys()):
            faults.append(f"{where}: '{given[0]}' stand in the CSV file; remove them here")
            continue
        try:
            header, *rows = read(folder, each["file"])
        except Unreadable as fault:
            faults.append(f"{where}: {fault}")
            continue
        cells += len(header) * len(rows)
        if cells > CELLS_MAX:
            more = f"with {each['file']} the tables have {cells} cells, more than {CELLS_MAX}"
            return [*faults, f"{where}: {more}; say them with ranges, alternatives and *"]
        each.update(columns=header, rows=rows)
    return faults


def read(folder: Path, file: str) -> Rows:
    """Return the cells of a CSV file, the line of column names first; line n is row n - 1.

    Raises: Unreadable.
    """
    lines = _text(folder, file).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    while lines and not lines[-1].strip(", \t"):
        lines.pop()
    if not lines:
        raise Unreadable(f"{file} is empty; write a line of column names and a row for each case")
    if len(lines) - 1 > TABLE_ROWS_MAX:
        raise Unreadable(
            f"{file} has {len(lines) - 1} rows, more than {TABLE_ROWS_MAX}; say them with ranges"
            " (1..4), alternatives (a|b) and * for any value, or split the table"
        )
    return list(_cells(file, lines))


def has(folder: Path, table: Table) -> bool:
    """Say whether the file of a table can be read and has exactly its rows."""
    try:
        return read(folder, table.file) == [list(each) for each in (table.columns, *table.rows)]
    except Unreadable:
        return False


def content_of(folder: Path, file: str) -> bytes:
    """Return the bytes of a table's file.   Raises: Unreadable."""
    if not FILE.fullmatch(file):
        raise Unreadable(
            "'file' must be the path of a CSV file below the folder of the model,"
            " as tables/bands.csv, in letters, digits, - and _"
        )
    path = folder / file
    try:
        if not path.resolve(strict=True).is_relative_to(folder.resolve()):
            raise Unreadable(f"{file} leads out of the folder of the model; put a copy there")
        return content(path, FILE_BYTES_MAX)
    except TooLarge:
        raise Unreadable(f"{file} is larger than {FILE_BYTES_MAX} bytes; split the table") from None
    except (OSError, RuntimeError) as fault:
        words = getattr(fault, "strerror", None) or "it leads in a circle"
        raise Unreadable(f"{file} can not be read: {words}") from None


def _text(folder: Path, file: str) -> str:
    raw = content_of(folder, file)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = raw[: fault.start].count(b"\n") + 1
        raise Unreadable(f"{file} line {line}: is not UTF-8; save the file as UTF-8") from None


def _cells(file: str, lines: list[str]) -> Iterator[list[str]]:
    for number, line in enumerate(lines, start=1):
        fault = None
        cells: list[str] = []
        if not line.isprintable():
            fault = "holds a character that can not be printed; separate cells by commas"
        elif not line.strip(", "):
            fault = "is empty; remove it"
        else:
            try:
                cells = [each.strip() for each in next(csv.reader([line], strict=True))]
            except csv.Error as wrong:
                fault = f"can not be read as CSV ({wrong}); cells need no quotes"
        if fault is None:
            fault = _misfit(cells, number, line)
        if fault is not None:
            raise Unreadable(f"{file} line {number}: {fault}")
        yield cells


def _misfit(cells: list[str], number: int, line: str) -> str | None:
    if number == 1 and len(cells) == 1 and ";" in line:
        return "cells are separated by semicolons; save the file with commas"
    if len(cells) > TABLE_COLUMNS_MAX:
        return f"has {len(cells)} cells, more than {TABLE_COLUMNS_MAX}; split the table"
    if any(len(each) > CELL_LENGTH_MAX for each in cells):
        return f"has a cell longer than {CELL_LENGTH_MAX}; use ranges (1..4), * or more rows"
    return None
