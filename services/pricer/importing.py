"""Import price lists: files in, a report and the document of a draft out. Nothing is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from contracts.errors import Refused
from services.pricer import sheets
from services.pricer.domain.books.book import PriceBook
from services.pricer.domain.lint.lint import Part
from services.pricer.domain.releases import salesforce
from services.pricer.domain.releases.price_list import REQUIRED, Imported, Target, read_list

ROWS_SHOWN = 1000
# How a file of an export may be called: Product2.csv, SBQQ__DiscountTier__c.csv, DiscountTier.csv.
PREFIX, SUFFIX = "sbqq__", "__c"


class ImportRefused(Refused):
    """The files are no price list that can be read; the message says what is missing."""

    code = "pricer.import_refused"
    title = "The price list can not be read"


@dataclass(frozen=True, slots=True)
class Source:
    """The files by name, which sheet of a workbook, and what is wanted of an export."""

    files: Mapping[str, bytes]
    sheet: str | None = None
    wanted: salesforce.Wanted = field(default_factory=salesforce.Wanted)


def imported(source: Source, book: PriceBook, parts: Mapping[str, Part], to: Target) -> Imported:
    """Read a price list, or an export of Salesforce, into a book.

    Raises: SheetRefused, ImportRefused.
    """
    tables = {_table(name): name for name in source.files}
    if "pricebookentry" in tables:
        told = {
            table: sheets.read(source.files[name], name).rows
            for table, name in tables.items()
            if table in salesforce.TABLES
        }
        try:
            return salesforce.read_export(told, book, parts, to, source.wanted)
        except salesforce.Unfit as fault:
            raise ImportRefused(str(fault), field="files") from None
    if len(source.files) != 1:
        text = "give one price list, or the tables of an export, PricebookEntry.csv among them"
        raise ImportRefused(text, field="files")
    ((name, raw),) = source.files.items()
    sheet = sheets.read(raw, name, source.sheet)
    if missing := [each for each in REQUIRED if each not in sheet.columns]:
        text = f"{name}: has no column {' and '.join(missing)}; name it in the first line"
        raise ImportRefused(text, field="columns")
    return read_list(sheet.rows, sheet.columns, book, parts, to)


def report(found: Imported, limit: int = ROWS_SHOWN) -> dict[str, Any]:
    """Return the report as JSON, refused rows first; `counts` counts all rows."""
    order = {"refused": 0, "removed": 1, "new": 2, "changed": 3, "unchanged": 4}
    rows = sorted(found.outcomes, key=lambda it: (order[it.verdict], it.number or 0))
    return {
        "counts": found.counts,
        "unread_columns": _listed(found.unread),
        "rows": [
            {"row": it.number, "sku": it.sku, "verdict": it.verdict, "words": it.words}
            for it in rows[:limit]
        ],
    }


def _listed(names: Sequence[str]) -> list[str]:
    return [each[:100] for each in names]


def _table(name: str) -> str:
    return PurePath(name).stem.lower().removeprefix(PREFIX).removesuffix(SUFFIX)
