"""The lint of table rules: rows in vain, rows twice, values that no row has."""

from collections.abc import Iterator

from services.configurator.domain.language.model import IntegerAttribute, Table
from services.configurator.domain.products.finding import Finding, undecided
from services.configurator.domain.products.product import Product
from services.configurator.domain.solving.constraints import Permitted
from services.configurator.domain.solving.effort import SearchBound
from services.configurator.domain.solving.proving import value_words
from services.configurator.domain.solving.space import Masks, bits

# Of one table so many rows of a kind are told; the rest is counted.
ROWS_TOLD = 10


def table_findings(product: Product) -> Iterator[Finding]:
    """Yield what the tables that bind say in vain, twice, or not at all."""
    tables = {each.id: each for each in product.model.tables}
    for rows in product.solver.constraints:
        if isinstance(rows, Permitted) and (table := tables.get(rows.id)):
            within = dict(_contained(rows, product.space.full()))
            yield from _told(
                table,
                "model.row_twice",
                [
                    (row, f"says what line {_line(other)} says; remove it")
                    for row, other in within.items()
                ],
            )
            try:
                yield from _unused(product, table, rows, within)
            except SearchBound as bound:
                yield undecided(f"table {table.id}", bound)
            yield from _uncovered(product, table, rows)


def _contained(rows: Permitted, full: Masks) -> Iterator[tuple[int, int]]:
    """Yield each row that lies inside another one, with that one; of equal rows, the later."""
    every = (1 << len(rows.boxes)) - 1
    known: dict[tuple[int, int], int] = {}
    for row, box in enumerate(rows.boxes):
        given = dict(box)
        around = every ^ (1 << row)
        for place in rows.scope:
            key = place, given.get(place, full[place])
            if key not in known:
                known[key] = every
                for bit in bits(key[1]):
                    known[key] &= rows.rows_with(place, bit)
            around &= known[key]
        for other in _numbers(around):
            if other < row or rows.boxes[other] != box:
                yield row, other
                break


def _unused(
    product: Product, table: Table, rows: Permitted, known: dict[int, int]
) -> Iterator[Finding]:
    """Yield the rows that no valid configuration lies in, but those told already.

    Raises: SearchBound.
    """
    words = "no valid configuration is in this row; remove it, or mend what is against it"
    unused = [
        (row, words)
        for row, box in enumerate(rows.boxes)
        if row not in known and product.solver.solve(dict(box)) is None
    ]
    yield from _told(table, "model.row_unused", unused)


def _uncovered(product: Product, table: Table, rows: Permitted) -> Iterator[Finding]:
    """Yield the numbers inside a range that no row has; other values so can never be chosen."""
    for name in table.columns:
        if isinstance(product.space.attributes.get(name), IntegerAttribute):
            (place,) = product.space.places[name]
            missing = [
                value_words(product.space, place, bit.bit_length() - 1).rpartition(".")[2]
                for bit in bits(product.space.full()[place])
                if not rows.has_row_with(place, bit)
            ]
            if missing:
                words = f"no row has {name} {', '.join(missing)}; add a row, or narrow the range"
                yield Finding("warning", "model.uncovered", f"table {table.id}", words)


def _told(table: Table, code: str, found: list[tuple[int, str]]) -> Iterator[Finding]:
    where = f"table {table.id}"
    for row, words in found[:ROWS_TOLD]:
        told = f"{table.file} line {_line(row)}: {words}"
        yield Finding("warning", code, where, told)
    if len(found) > ROWS_TOLD:
        more = f"{table.file}: and {len(found) - ROWS_TOLD} more rows of this kind"
        yield Finding("warning", code, where, more)


def _line(row: int) -> int:
    """Return the line of the file in which a row stands, below that of the column names."""
    return row + 2


def _numbers(rows: int) -> Iterator[int]:
    return (each.bit_length() - 1 for each in bits(rows))
