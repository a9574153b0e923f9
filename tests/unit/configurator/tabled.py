"""Tables of the small pump: how tests write them, and an oracle that reads cells by definition."""

from itertools import product as every

from hypothesis import strategies as st

CELLS = {
    "pump": ["low", "mid", "high", "low|high", "mid | low", "*"],
    "motor": ["small", "medium", "big", "medium|big", "*"],
    "stages": ["0", "3", "1..2", "0|2..3", "1|1..3", "*"],
    "extras.sensor": ["yes", "no", "yes|no", "*"],
    "extras.valve": ["yes", "no", "*"],
    "outdoor": ["no", "yes", "no|yes", "*"],
}


def a_table(columns, *rows, number=1, **changes):
    """Return a table of `pump motor` columns and `low small` rows, as the file would say them."""
    return {
        "id": f"T-{number}",
        "owner": "lab",
        "file": f"tables/t_{number}.csv",
        "message": f"See table {number}.",
        "columns": columns.split(),
        "rows": [row.split() for row in rows],
        **changes,
    }


@st.composite
def tables(draw, most=2):
    """Draw up to `most` tables over some columns of the pump."""
    return [_table(draw, number) for number in range(1, draw(st.integers(0, most)) + 1)]


def _table(draw, number):
    columns = draw(st.lists(st.sampled_from(list(CELLS)), min_size=1, max_size=4, unique=True))
    row = st.tuples(*(st.sampled_from(CELLS[each]) for each in columns))
    rows = draw(st.lists(row, min_size=1, max_size=8))
    return {**a_table("", number=number), "columns": columns, "rows": rows}


VALUES = {
    "pump": ["low", "mid", "high"],
    "motor": ["small", "medium", "big"],
    "stages": ["0", "1", "2", "3"],
    "extras.sensor": ["yes", "no"],
    "extras.valve": ["yes", "no"],
    "outdoor": ["yes", "no"],
}


def written_out(table):
    """Return the table without ranges, alternatives or wildcards: every row that it stands for."""
    every_row = every(*(VALUES[each] for each in table["columns"]))
    return {
        **table,
        "rows": [
            plain
            for plain in every_row
            if any(
                all(
                    cell == "*" or any(_says(part.strip(), _read(one)) for part in cell.split("|"))
                    for cell, one in zip(row, plain, strict=True)
                )
                for row in table["rows"]
            )
        ],
    }


def _read(text):
    return int(text) if text.isdecimal() else text


def allows(table, point):
    """Say whether a point lies in one of the rows."""
    return any(
        all(_has(point, *each) for each in zip(table.columns, row, strict=True))
        for row in table.rows
    )


def _has(point, column, cell):
    attribute, _, option = column.partition(".")
    value = option in point[attribute] if option else point[attribute]
    if isinstance(value, bool):
        value = "yes" if value else "no"
    return cell == "*" or any(_says(each.strip(), value) for each in cell.split("|"))


def _says(part, value):
    low, dots, high = part.partition("..")
    return int(low) <= value <= int(high) if dots else part == str(value)
