"""What differs between two generations: which table, which row, which columns.

Both are fed by the same transactions while this is asked, so one statement sees them at the same
fact. Columns that only one of them has are not compared.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from contracts.values import Value
from infra.postgres import PgConnection
from services.crm_projector.rows import KEYS

EXAMPLES_MAX = 20
DEALS_PAGE = 500

NEXT_DEALS = """
(SELECT deal_id FROM deal_state_{old:d} WHERE deal_id > %(after)s
 ORDER BY deal_id LIMIT %(limit)s)
UNION
(SELECT deal_id FROM deal_state_{new:d} WHERE deal_id > %(after)s
 ORDER BY deal_id LIMIT %(limit)s)
ORDER BY deal_id LIMIT %(limit)s
"""
COMMON = """
SELECT a.attname FROM pg_attribute a
JOIN pg_attribute b ON b.attname = a.attname AND b.attrelid = %(new)s::regclass
    AND b.attnum > 0 AND NOT b.attisdropped
WHERE a.attrelid = %(old)s::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
RANGE = "deal_id > %(after)s AND (%(last)s::uuid IS NULL OR deal_id <= %(last)s)"


class Difference(Value):
    """A row that differs: its table, its key, and the columns; none if only one side has the row.

    `only` says which side has it: the old generation, the new one, or both.
    """

    table: str
    key: tuple[str, ...]
    only: str | None
    columns: tuple[str, ...]


class Compared(Value):
    """What one page of deals showed; `next` is where to go on, None at the end."""

    deals: int
    differences: tuple[Difference, ...]
    next: UUID | None


def compare(connection: PgConnection, old: int, new: int, after: UUID) -> Compared:
    """Compare the rows of the next deals, in the order of their ids."""
    asked = {"after": after, "limit": DEALS_PAGE}
    statement = NEXT_DEALS.format(old=old, new=new)
    deals = [row[0] for row in connection.execute(statement, asked)]
    last = deals[-1] if len(deals) == DEALS_PAGE else None
    found = [
        each for table in KEYS for each in _table(connection, table, (old, new), (after, last))
    ]
    return Compared(deals=len(deals), differences=tuple(found), next=last)


def _table(
    connection: PgConnection, table: str, sides: tuple[int, int], deals: tuple[UUID, UUID | None]
) -> list[Difference]:
    key = KEYS[table]
    old, new = (f"{table}_{number:d}" for number in sides)
    columns = [row[0] for row in connection.execute(COMMON, {"old": old, "new": new})]
    statement = _statement(old, new, key, columns)
    rows = connection.execute(statement, {"after": deals[0], "last": deals[1]}).fetchall()
    return [_difference(table, row, len(key)) for row in rows]


def _statement(old: str, new: str, key: Sequence[str], columns: Sequence[str]) -> str:
    """Return the question; every name in it is a column or table of our own."""
    joined = ", ".join(key)
    wrong = ", ".join(
        f"CASE WHEN o.{name} IS DISTINCT FROM n.{name} THEN '{name}' END" for name in columns
    )
    whole = "({})".format
    olds, news = (", ".join(f"{side}.{name}" for name in columns) for side in "on")
    return (
        f"SELECT {joined}, o.deal_id IS NULL, n.deal_id IS NULL,"  # noqa: S608
        f" array_remove(ARRAY[{wrong}], NULL)"
        f" FROM (SELECT * FROM {old} WHERE {RANGE}) o"
        f" FULL JOIN (SELECT * FROM {new} WHERE {RANGE}) n USING ({joined})"
        f" WHERE {whole(olds)} IS DISTINCT FROM {whole(news)} ORDER BY {joined}"
    )


def _difference(table: str, row: Sequence[Any], width: int) -> Difference:
    not_old, not_new, columns = row[width:]
    only = "new" if not_old else "old" if not_new else None
    key = tuple(map(str, row[:width]))
    return Difference(table=table, key=key, only=only, columns=() if only else tuple(columns))
