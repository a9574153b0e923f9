"""Reads CSV and XLSX files that somebody hands in: as text, row by row, in bounded time."""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from contracts.errors import Refused
from services.pricer.domain.releases.price_rows import Row

BYTES_MAX = 32 * 1024 * 1024
UNPACKED_MAX = 200 * 1024 * 1024
MEMBERS_MAX = 500
ROWS_MAX = 200_000
COLUMNS_MAX = 60
CELL_MAX = 500
# A cell with its value is two: more than two million cells take half a minute.
ELEMENTS_MAX = 5_000_000
PROLOG_MAX, CHUNK = 1024, 1 << 20
COMMENT, ELEMENT = re.compile(rb"<!--.*?-->", re.DOTALL), re.compile(rb"<[A-Za-z]")
LINES_MAX = 1_048_576  # what a sheet of Excel has
ZIP, OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
DELIMITERS = ",;\t"
# What openpyxl raises about a file that is no workbook, as it comes.
BROKEN = (
    zlib.error,
    InvalidFileException,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    SyntaxError,  # what its XML parser raises
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
)


class SheetRefused(Refused):
    """A file can not be read as a table; the message says where and what to do."""

    code = "pricer.sheet_refused"
    title = "The file can not be read"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: its columns in lower case, and its rows, numbered as a person sees them."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read(raw: bytes, name: str, sheet: str | None = None) -> Sheet:
    """Read a table; of a workbook the named sheet, else its first.   Raises: SheetRefused."""
    if len(raw) > BYTES_MAX:
        raise _refused(name, f"is larger than {BYTES_MAX // 1024 // 1024} MB; split it")
    if raw.startswith(OLD_EXCEL):
        raise _refused(name, "is an old or encrypted workbook; save it as .xlsx without a password")
    if raw.startswith(ZIP):
        return _tabled(name, _of_workbook(raw, name, sheet))
    if sheet is not None:
        raise _refused(name, "is no workbook and has no sheets; leave the name of the sheet out")
    return _tabled(name, _of_csv(raw, name))


def _tabled(name: str, lines: Iterator[tuple[int, Sequence[str]]]) -> Sheet:
    """Take the first line that says something as the names of the columns."""
    columns: tuple[str, ...] = ()
    rows: list[Row] = []
    for number, cells in lines:
        if number > LINES_MAX:
            raise _refused(name, f"has more than {LINES_MAX} lines, empty or not; shorten it")
        if not any(cells):
            continue
        if not columns:
            columns = _columns(name, cells)
        elif len(rows) >= ROWS_MAX:
            raise _refused(name, f"has more than {ROWS_MAX} rows; split it")
        else:
            rows.append(_row(number, columns, cells))
    if not columns:
        raise _refused(name, "is empty; begin with a line that names the columns")
    return Sheet(name, columns, tuple(rows))


def _columns(name: str, cells: Sequence[str]) -> tuple[str, ...]:
    found = [each.strip().lower().replace(" ", "_") for each in cells]
    while found and not found[-1]:
        found.pop()
    if len(found) > COLUMNS_MAX:
        raise _refused(name, f"has more than {COLUMNS_MAX} columns; keep those that are read")
    twice = next((each for each in found if each and found.count(each) > 1), None)
    if twice:
        raise _refused(name, f"has two columns named {twice[:40]!r}; keep one")
    return tuple(found)


def _row(number: int, columns: tuple[str, ...], cells: Sequence[str]) -> Row:
    wrong = ""
    if any(cells[len(columns) :]):
        wrong = "has more cells than there are columns; put text with commas in quotes"
    elif any(len(each) > CELL_MAX for each in cells):
        wrong = f"has a cell of more than {CELL_MAX} characters"
    elif any(not each.isprintable() for each in cells):
        wrong = "has line breaks or control characters in a cell; take them out"
    values = {name: cell for name, cell in zip(columns, cells, strict=False) if name}
    return Row(number, {} if wrong else values, wrong)


# ---- CSV


def _of_csv(raw: bytes, name: str) -> Iterator[tuple[int, Sequence[str]]]:
    text = _decoded(raw, name)
    head = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, [each.strip() for each in cells]
    except csv.Error as fault:
        text = f"can not be read as CSV in line {reader.line_num}: {fault}; close every quote"
        raise _refused(name, text) from None


def _decoded(raw: bytes, name: str) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = raw[: fault.start].count(b"\n") + 1
        raise _refused(name, f"is not UTF-8 in line {line}; save it as CSV UTF-8") from None
    if "\0" in text:
        raise _refused(name, "holds NUL characters; save it as CSV UTF-8")
    return text


# ---- XLSX


def _of_workbook(raw: bytes, name: str, sheet: str | None) -> Iterator[tuple[int, Sequence[str]]]:
    _refuse_bombs(raw, name)
    try:
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, keep_links=False)
        titles = book.sheetnames
        if sheet is not None and sheet not in titles:
            told = ", ".join(each[:40] for each in titles[:10])
            raise _refused(name, f"has no sheet {sheet[:40]!r}; name one of {told}")
        found = book[sheet] if sheet is not None else book.worksheets[0]
        rows = found.iter_rows(max_col=COLUMNS_MAX + 1, max_row=LINES_MAX + 1)
        empty: Any = None  # the library gives one and the same tuple for all rows that are left out
        for number, cells in enumerate(rows, 1):
            texts = () if cells is empty else [_text(each) for each in cells]
            if not any(texts):
                empty = cells
            yield number, texts
    except BROKEN as fault:
        words = " ".join(str(fault).split())[:100]
        text = f"is no workbook that can be read ({words}); save it as .xlsx again, or as CSV"
        raise _refused(name, text) from None


def _refuse_bombs(raw: bytes, name: str) -> None:
    """Look at what is packed before anything is unpacked; entities are nobody's prices."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            members = packed.infolist()
            if len(members) > MEMBERS_MAX or sum(it.file_size for it in members) > UNPACKED_MAX:
                text = f"unpacks to more than {UNPACKED_MAX // 1024 // 1024} MB"
                raise _refused(name, f"{text}; save only the sheet with the prices")
            if any(it.flag_bits & 1 for it in members):
                raise _refused(name, "is encrypted; save it without a password")
            for member in members:
                if _has_doctype(packed, member):
                    raise _refused(name, "holds a DOCTYPE, as no workbook does; save it anew")
                if _elements(packed, member) > ELEMENTS_MAX:
                    text = f"has a part of more than {ELEMENTS_MAX} cells, rows or strings"
                    raise _refused(name, f"{text}, empty or not; save the prices alone, or split")
    except BROKEN as fault:
        words = " ".join(str(fault).split())[:100]
        raise _refused(name, f"is a broken archive ({words}); save it anew") from None


def _has_doctype(packed: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    if not member.filename.endswith((".xml", ".rels")):
        return False
    with packed.open(member) as opened:
        start = opened.read(PROLOG_MAX)
    # Behind a long comment a DOCTYPE would stand where nobody looks for it.
    told = COMMENT.sub(b"", start)
    return b"<!DOCTYPE" in told or ELEMENT.search(told) is None


def _elements(packed: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """Count the cells, rows and strings of a part: each takes its time, be it empty."""
    found, last = 0, b""
    with packed.open(member) as opened:
        while chunk := opened.read(CHUNK):
            found += chunk.count(b"<") - (last + chunk).count(b"</")
            last = chunk[-1:]
    return found


def _text(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    text = str(value).strip()
    if getattr(cell, "data_type", "") == "n" and text.endswith(".0"):
        return text[:-2]
    return text


def _refused(name: str, text: str) -> SheetRefused:
    return SheetRefused(f"{name}: {text}", field="file")
