"""Write Parquet files: flat tables of text, whole numbers, exact decimals and days.

The smallest part of the format that every reader knows: one page per column and row group, plain
values, gzip. Written piece by piece, so that a table of any length needs the memory of one group.
"""

import gzip
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, Literal

Kind = Literal["text", "whole", "decimal", "day"]
"""A decimal comes as a whole number of its smallest unit: `Column.scale` digits."""

MAGIC = b"PAR1"
INT32, INT64, BYTES, FIXED = 1, 2, 6, 7
PHYSICAL: dict[Kind, int] = {"text": BYTES, "whole": INT64, "decimal": FIXED, "day": INT32}
PLAIN, RLE = 0, 3
GZIP = 2
OPTIONAL = 1
DECIMAL_BYTES, PRECISION = 16, 38
EPOCH = date(1970, 1, 1).toordinal()
LEVEL = 6


@dataclass(frozen=True, slots=True)
class Column:
    """A column; any of its values may be missing."""

    name: str
    kind: Kind
    scale: int = 0


@dataclass(frozen=True, slots=True)
class _Chunk:
    column: Column
    values: int
    offset: int
    plain: int
    packed: int


def parquet(
    columns: Sequence[Column], groups: Iterable[Sequence[Sequence[Any]]]
) -> Iterator[bytes]:
    """Yield the pieces of a file; each group is rows in the order of the columns.

    A day is a `date` or its ISO text. Raises: OverflowError, where a number does not fit.
    """
    yield MAGIC
    offset = len(MAGIC)
    written: list[tuple[int, list[_Chunk]]] = []
    for rows in groups:
        chunks = []
        for place, column in enumerate(columns):
            page, chunk = _page(column, [row[place] for row in rows], offset)
            chunks.append(chunk)
            offset += len(page)
            yield page
        written.append((len(rows), chunks))
    footer = _footer(columns, written)
    yield footer + struct.pack("<I", len(footer)) + MAGIC


# ---- values


def _page(column: Column, values: Sequence[Any], offset: int) -> tuple[bytes, _Chunk]:
    present = [each for each in values if each is not None]
    levels = b"".join(
        _varint(len(list(run)) << 1) + bytes([is_there])
        for is_there, run in groupby(each is not None for each in values)
    )
    body = struct.pack("<I", len(levels)) + levels + _plain(column, present)
    packed = gzip.compress(body, LEVEL, mtime=0)
    about = _struct((1, _i32(len(values))), (2, _i32(PLAIN)), (3, _i32(RLE)), (4, _i32(RLE)))
    head = _struct((1, _i32(0)), (2, _i32(len(body))), (3, _i32(len(packed))), (5, about))[1]
    page = head + packed
    sizes = len(head) + len(body), len(page)
    return page, _Chunk(column, len(values), offset, *sizes)


def _plain(column: Column, values: Iterable[Any]) -> bytes:
    match column.kind:
        case "text":
            texts = [str(each).encode() for each in values]
            return b"".join(struct.pack("<I", len(each)) + each for each in texts)
        case "whole":
            return b"".join(int(each).to_bytes(8, "little", signed=True) for each in values)
        case "decimal":
            return b"".join(
                int(each).to_bytes(DECIMAL_BYTES, "big", signed=True) for each in values
            )
        case "day":
            return b"".join(struct.pack("<i", _days(each)) for each in values)


def _days(day: date | str) -> int:
    found = date.fromisoformat(day) if isinstance(day, str) else day
    return found.toordinal() - EPOCH


# ---- what the file says of itself


def _footer(columns: Sequence[Column], groups: Sequence[tuple[int, list[_Chunk]]]) -> bytes:
    root = _struct((4, _text("table")), (5, _i32(len(columns))))
    found = _struct(
        (1, _i32(2)),
        (2, _list(STRUCT, [root, *map(_element, columns)])),
        (3, _i64(sum(count for count, _ in groups))),
        (4, _list(STRUCT, [_group(count, chunks) for count, chunks in groups])),
        (6, _text("quotewright")),
    )
    return found[1]


def _element(column: Column) -> "_Typed":
    """Describe a column: how it is stored, and what that means, in the old words and the new."""
    fields = [(1, _i32(PHYSICAL[column.kind])), (3, _i32(OPTIONAL)), (4, _text(column.name))]
    match column.kind:
        case "text":
            fields += [(6, _i32(0)), (10, _struct((1, _struct())))]
        case "decimal":
            meaning = _struct((1, _i32(column.scale)), (2, _i32(PRECISION)))
            fields.insert(1, (2, _i32(DECIMAL_BYTES)))
            fields += [(6, _i32(5)), (7, _i32(column.scale)), (8, _i32(PRECISION))]
            fields.append((10, _struct((5, meaning))))
        case "day":
            fields += [(6, _i32(6)), (10, _struct((6, _struct())))]
        case "whole":
            pass
    return _struct(*fields)


def _group(count: int, chunks: Sequence[_Chunk]) -> "_Typed":
    return _struct(
        (1, _list(STRUCT, [_chunk(each) for each in chunks])),
        (2, _i64(sum(each.plain for each in chunks))),
        (3, _i64(count)),
    )


def _chunk(chunk: _Chunk) -> "_Typed":
    about = _struct(
        (1, _i32(PHYSICAL[chunk.column.kind])),
        (2, _list(I32, [_i32(PLAIN), _i32(RLE)])),
        (3, _list(BINARY, [_text(chunk.column.name)])),
        (4, _i32(GZIP)),
        (5, _i64(chunk.values)),
        (6, _i64(chunk.plain)),
        (7, _i64(chunk.packed)),
        (9, _i64(chunk.offset)),
    )
    return _struct((2, _i64(chunk.offset)), (3, about))


# ---- Thrift's compact protocol, in which it says so

I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12
_Typed = tuple[int, bytes]
"""A kind of Thrift, and the value as bytes."""


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)


def _zigzag(number: int) -> bytes:
    return _varint(number << 1 if number >= 0 else (-number << 1) - 1)


def _i32(number: int) -> _Typed:
    return I32, _zigzag(number)


def _i64(number: int) -> _Typed:
    return I64, _zigzag(number)


def _text(text: str) -> _Typed:
    body = text.encode()
    return BINARY, _varint(len(body)) + body


def _list(kind: int, values: Sequence[_Typed]) -> _Typed:
    few = len(values) < 15
    head = bytes([len(values) << 4 | kind]) if few else bytes([240 | kind]) + _varint(len(values))
    return LIST, head + b"".join(body for _, body in values)


def _struct(*fields: tuple[int, _Typed]) -> _Typed:
    """Return a struct of fields by number; the numbers grow, each by less than 16."""
    found, last = [], 0
    for number, (kind, body) in fields:
        found.append(bytes([number - last << 4 | kind]) + body)
        last = number
    return STRUCT, b"".join(found) + b"\x00"
