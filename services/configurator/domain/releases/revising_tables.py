"""What changed between two versions of a table: columns, and the rows added and removed."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from services.configurator.domain.language.model import Table

Kind = Literal["added", "removed", "changed"]
# So many rows are told of each kind; the rest is counted.
ROWS_TOLD = 20
Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: what became of which piece of the model."""

    kind: Kind
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where} {self.message}"


def row_changes(old: Table, new: Table) -> Iterator[Change]:
    """Yield what became of the columns and rows; their order says nothing.

    Rows are compared as the newer version has its columns. Where columns came or went, every row
    says something else, and how many there are is told.
    """
    where = f"table '{new.id}'"
    added = [each for each in new.columns if each not in old.columns]
    gone = [each for each in old.columns if each not in new.columns]
    for each in added:
        yield Change("added", where, f"column {each} is new")
    for each in gone:
        yield Change("removed", where, f"column {each} is gone")
    if added or gone:
        words = f"has {len(new.rows)} rows of other columns, had {len(old.rows)}"
        yield Change("changed", where, words)
        return
    order = [old.columns.index(each) for each in new.columns]
    was = Counter(tuple(row[at] for at in order) for row in old.rows)
    now = Counter(new.rows)
    yield from _told("added", where, "is new", (now - was).elements())
    yield from _told("removed", where, "is gone", (was - now).elements())


def _told(kind: Kind, where: str, became: str, rows: Iterable[Row]) -> Iterator[Change]:
    found = list(rows)
    for each in found[:ROWS_TOLD]:
        yield Change(kind, where, f"row {became}: {', '.join(each)}")
    if len(found) > ROWS_TOLD:
        yield Change(kind, where, f"and {len(found) - ROWS_TOLD} more rows: each {became}")
