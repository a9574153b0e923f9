"""Table rules: what goes together, said by rows.

A configuration meets a table if it lies in at least one of its rows, and a row if it has one of the
values of every cell. A column is an attribute (choice, integer, flag) or an option of a
multi-choice, `extras.sensor`. A cell is one value, `a|b` alternatives, `1..4` a range of whole
numbers, `*` any value.
"""

import re
from collections.abc import Iterator
from typing import NoReturn

from contracts.errors import Refused
from services.configurator.domain.language.model import (
    ChoiceAttribute,
    FlagAttribute,
    IntegerAttribute,
    MultiAttribute,
    Table,
)
from services.configurator.domain.language.naming import nearest
from services.configurator.domain.solving.constraints import Box, Permitted
from services.configurator.domain.solving.space import FALSE, TRUE, Space

ANY = "*"
# Beyond this the rest of a table's faults is counted, not told.
FAULTS_MAX = 10
SHOWN_MAX = 40

_NUMBER = re.compile(r"[-+]?[0-9]{1,18}")
_RANGE = re.compile(r"([-+]?[0-9]{1,18})\s*\.\.\s*([-+]?[0-9]{1,18})")
_YES_NO = {"no": FALSE, "yes": TRUE}


class TableFault(Refused):
    """A table can not be read against its model; the message says what to write."""

    code = "model.table"
    title = "The table does not fit the model"


def permitted(table: Table, space: Space) -> Permitted | list[str]:
    """Return the table as a condition, or its faults: file, line, column, and what to write."""
    where = f"table {table.id}: {table.file}"
    if not table.columns or not table.rows:
        return [f"{where} needs a line of column names and at least one row below it"]
    columns, faults = _columns(table, space, where)
    if faults:
        return faults
    boxes: list[Box] = []
    for number, row in enumerate(table.rows, start=2):
        if len(row) != len(columns):
            words = f"{len(row)} cells, but {len(columns)} columns; write one cell for each"
            faults.append(f"{where} line {number}: has {words}")
            continue
        box = []
        for column, cell in zip(columns, row, strict=True):
            try:
                mask = column.mask(cell)
            except TableFault as fault:
                faults.append(f"{where} line {number}, column '{column.name}': {fault.message}")
                continue
            if mask != column.full:
                box.append((column.place, mask))
        boxes.append(tuple(box))
    return list(_told(faults, where)) if faults else Permitted(table.id, boxes)


class _Column:
    """One column: the variable that its cells speak of; equal cells are read once."""

    def __init__(self, name: str, space: Space) -> None:
        self.name = name
        self.place, self._names, self._first = _variable(name, space)
        self.full = space.full()[self.place]
        self._seen = {ANY: self.full}

    def mask(self, cell: str) -> int:
        """Return the values that a cell names.   Raises: TableFault."""
        known = self._seen.get(cell)
        if known is None:
            if not cell:
                _fault(f"the cell is empty; write {ANY} for any value, or {self._wanted()}")
            known = 0
            for part in cell.split("|"):
                known |= self._part(part.strip())
            self._seen[cell] = known
        return known

    def _part(self, text: str) -> int:
        if text == ANY:
            _fault(f"{ANY} already is any value; write it alone")
        if self._names is not None:
            if text not in self._names:
                hint = nearest(text, self._names) or f"; write {self._wanted()}"
                _fault(f"'{_shown(text)}' is no value of '{self.name}'{hint}")
            return self._names[text]
        if _NUMBER.fullmatch(text):
            low = high = int(text)
        elif match := _RANGE.fullmatch(text):
            low, high = int(match[1]), int(match[2])
        else:
            _fault(f"'{_shown(text)}' is no whole number; write {self._wanted()}")
        if low > high:
            _fault(f"the range runs from {low} down to {high}; write {high}..{low}")
        last = self._first + self.full.bit_length() - 1
        if low < self._first or high > last:
            _fault(f"'{self.name}' runs from {self._first} to {last}; {_shown(text)} lies outside")
        return (1 << (high - self._first + 1)) - (1 << (low - self._first))

    def _wanted(self) -> str:
        if self._names is None:
            return "a number, a range as 1..4, or several with | between"
        return "yes or no" if self._names is _YES_NO else "an option, or several with | between"


def _variable(name: str, space: Space) -> tuple[int, dict[str, int] | None, int]:
    """Return a column's variable, its values by name (None: numbers), and the first number."""
    owner, dot, option = name.partition(".")
    attribute = space.attributes.get(owner)
    if attribute is None:
        _fault(f"there is no attribute '{_shown(owner)}'{nearest(owner, space.attributes)}")
    places = space.places[owner]
    if isinstance(attribute, MultiAttribute):
        ids = [each.id for each in attribute.options]
        if not dot:
            _fault(
                f"'{owner}' is a multi-choice; give each option that matters a column of its own,"
                f" as {owner}.{ids[0]}, and write yes or no below it"
            )
        if option not in ids:
            _fault(f"'{owner}' has no option '{_shown(option)}'{nearest(option, ids)}")
        return places[ids.index(option)], _YES_NO, 0
    if dot:
        _fault(f"'{owner}' is a {attribute.kind}; write '{owner}' alone")
    if isinstance(attribute, ChoiceAttribute):
        ids = [each.id for each in attribute.options]
        return places[0], {each: 1 << bit for bit, each in enumerate(ids)}, 0
    if isinstance(attribute, FlagAttribute):
        return places[0], _YES_NO, 0
    if isinstance(attribute, IntegerAttribute):
        return places[0], None, attribute.range[0]
    raise AssertionError(attribute)


def _columns(table: Table, space: Space, where: str) -> tuple[list[_Column], list[str]]:
    columns: list[_Column] = []
    faults = []
    for number, name in enumerate(table.columns, start=1):
        at = f"{where} line 1, column {number}"
        if any(name == each.name for each in columns):
            faults.append(f"{at}: '{_shown(name)}' stands twice; keep one")
            continue
        try:
            columns.append(_Column(name, space))
        except TableFault as fault:
            faults.append(f"{at}: {fault.message}")
    return columns, faults


def _told(faults: list[str], where: str) -> Iterator[str]:
    yield from faults[:FAULTS_MAX]
    if len(faults) > FAULTS_MAX:
        yield f"{where}: and {len(faults) - FAULTS_MAX} more of these"


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}..."


def _fault(message: str) -> NoReturn:
    raise TableFault(message)
