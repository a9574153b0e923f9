"""`*.tables.json`: finite domains and tables of allowed rows, as clauses.

The layout is

    {"variables": {"engine": ["petrol", "diesel"], "gear": [5, 6]},
     "tables": [{"variables": ["engine", "gear"], "tuples": [["petrol", 5], ["diesel", 6]]}]}

Read as well: `domains` for `variables`; a list of `{"name": …, "values": […]}` or of pairs; names in
`variables` with their values in `domains`; `{"min": 1, "max": 9}` for values; `scope` or `columns`
for the variables of a table, by name or number; `rows` for its tuples; a pair `[scope, tuples]`;
and numbers of values (from 0) instead of the values, if so in all tables. Rows of one table are
united, tables are conjoined. The options are `variable=value`, in the order of the file.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.configurator.domain.solving.diagrams import Encoding, Row
from tests.peer.clauses import Clauses
from tests.peer.reading import Case, CaseFault, case_of, one_of

VARIABLES = ("variables", "domains", "vars", "attributes")
TABLES = ("tables", "constraints", "relations")
NAME = ("name", "id", "variable")
VALUES_UNDER = ("values", "domain", "options", "range")
SCOPE = ("scope", "variables", "vars", "columns", "attributes")
ROWS = ("tuples", "rows", "allowed", "values", "supports")
VALUES_MAX = 100_000
ROWS_MAX = 5_000_000


Values = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Table:
    """The variables of a table, by name, and its rows as they were written."""

    scope: tuple[str, ...]
    rows: Sequence[Any]


def read_tables(path: Path) -> Clauses:
    """Read a file of tables.   Raises: CaseFault."""
    found = case_of(path)
    domains = dict(_domains(found))
    if not domains or sum(map(len, domains.values())) > VALUES_MAX:
        raise CaseFault(f"1 to {VALUES_MAX} values of variables were expected")
    for name, values in domains.items():
        if not values or len(set(map(_words, values))) < len(values):
            raise CaseFault(f"the values of '{name}' are not one or more, all different")
        # Python takes true for 1, so a domain of both would be read wrongly.
        if {bool, int} <= set(map(type, values)):
            raise CaseFault(f"the values of '{name}' are numbers and truth values mixed")
    tables = [_table(number, each, list(domains)) for number, each in _tables(found)]
    if sum(len(each.rows) for each in tables) > ROWS_MAX:
        raise CaseFault(f"there are more than {ROWS_MAX} rows, the bound")
    return encoded(domains, tables)


def encoded(domains: Mapping[str, Values], tables: Sequence[Table]) -> Clauses:
    """Return the options and clauses of tables over domains.   Raises: CaseFault."""
    places, top = {}, 0
    for name, values in domains.items():
        places[name] = range(top + 1, top + len(values) + 1)
        top += len(values)
    encoding = Encoding(places)
    for table, rows in zip(tables, _numbered(domains, tables), strict=True):
        encoding.add(table.scope, rows)
    names = [f"{name}={_words(value)}" for name, values in domains.items() for value in values]
    return Clauses(tuple(names), tuple(encoding.clauses), encoding.top)


# ---- domains


def _domains(found: Case) -> Iterator[tuple[str, Sequence[Any]]]:
    given = one_of(found, VARIABLES, "the variables with their values")
    shared = found.get("domains")
    if isinstance(given, dict):
        pairs = list(given.items())
    elif isinstance(given, list):
        pairs = [_pair(number, each, shared) for number, each in enumerate(given)]
    else:
        raise CaseFault("variables were expected as an object or a list")
    for name, values in pairs:
        if isinstance(values, str) and isinstance(shared, dict) and values in shared:
            values = shared[values]
        yield str(name), _values(str(name), values)


def _pair(number: int, given: Any, shared: Any) -> tuple[str, Any]:
    """Return the name and the values of one entry in a list of variables."""
    if isinstance(given, dict):
        return str(one_of(given, NAME, f"the name of variable {number}")), given
    if isinstance(given, list) and len(given) == 2:
        return str(given[0]), given[1]
    if isinstance(given, str) and isinstance(shared, list) and number < len(shared):
        return given, shared[number]
    if isinstance(given, str) and isinstance(shared, dict) and given in shared:
        return given, shared[given]
    raise CaseFault(f"variable {number} has no values; write its name and its values")


def _values(name: str, given: Any) -> Sequence[Any]:
    if isinstance(given, dict):
        ends = [given[each] for each in ("min", "low", "max", "high") if each in given]
        given = ends if len(ends) == 2 else one_of(given, VALUES_UNDER, f"the values of '{name}'")
        if len(ends) == 2 and all(isinstance(each, int) for each in ends):
            given = range(ends[0], min(ends[1] + 1, ends[0] + VALUES_MAX + 1))
    if isinstance(given, int) and not isinstance(given, bool):
        given = range(min(given, VALUES_MAX + 1))
    if not isinstance(given, list | range):
        raise CaseFault(f"the values of '{name}' were expected as a list")
    return given


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise CaseFault(f"a value is a text or a number, not a {type(value).__name__}")


# ---- tables


def _tables(found: Case) -> Iterator[tuple[str, Any]]:
    given = one_of(found, TABLES, "the tables")
    if isinstance(given, dict):
        yield from given.items()
    elif isinstance(given, list):
        yield from ((str(number), each) for number, each in enumerate(given))
    else:
        raise CaseFault("tables were expected as a list or an object")


def _table(name: str, given: Any, variables: Sequence[str]) -> Table:
    if isinstance(given, list) and len(given) == 2:
        given = {"scope": given[0], "rows": given[1]}
    if not isinstance(given, dict):
        raise CaseFault(f"table {name}: an object with its variables and tuples was expected")
    if any(given.get(each) for each in ("forbidden", "conflicts", "negative")):
        raise CaseFault(f"table {name}: rows that are forbidden were found, allowed ones expected")
    scope = one_of(given, SCOPE, f"the variables of table {name}")
    rows = one_of(given, ROWS, f"the tuples of table {name}")
    if not isinstance(scope, list) or not isinstance(rows, list) or not scope:
        raise CaseFault(f"table {name}: variables and tuples were expected as lists")
    names = tuple(_variable(name, each, variables) for each in scope)
    if len(set(names)) < len(names):
        raise CaseFault(f"table {name}: it names a variable twice")
    return Table(names, [_row(name, each, names) for each in rows])


def _variable(table: str, given: Any, variables: Sequence[str]) -> str:
    if str(given) in variables:
        return str(given)
    if isinstance(given, int) and 0 <= given < len(variables):
        return variables[given]
    raise CaseFault(f"table {table}: there is no variable {given!r}")


def _row(table: str, given: Any, names: Sequence[str]) -> Sequence[Any]:
    if isinstance(given, dict):
        given = [given.get(each) for each in names]
    if not isinstance(given, list):
        given = [given]
    if len(given) != len(names):
        raise CaseFault(f"table {table}: a row has {len(given)} values, for {len(names)} variables")
    return given


def _numbered(domains: Mapping[str, Values], tables: Sequence[Table]) -> Iterator[list[Row]]:
    """Yield the rows of each table as numbers of values: by value, or all of them by number."""
    known = {name: {_words(each): n for n, each in enumerate(domains[name])} for name in domains}
    written = [_written(number, table) for number, table in enumerate(tables)]
    fault = None
    for number, (table, columns) in enumerate(zip(tables, written, strict=True)):
        for name, column in zip(table.scope, columns, strict=True):
            unknown = sorted(words for words in column.values() if words not in known[name])
            if unknown and fault is None:
                fault = (
                    f"table {number}: '{unknown[0]}' is no value of '{name}'; values of the"
                    " variables were expected, or their numbers in all tables"
                )
    for table, columns in zip(tables, written, strict=True):
        places = [
            {each: known[name][words] for each, words in column.items()}
            if fault is None
            else _counted(column, len(domains[name]), fault)
            for name, column in zip(table.scope, columns, strict=True)
        ]
        yield [
            tuple([at[each] for at, each in zip(places, row, strict=True)]) for row in table.rows
        ]


def _written(number: int, table: Table) -> list[dict[Any, str]]:
    """Return for each column of a table what is written in it, and as words."""
    try:
        return [
            {each: _words(each) for each in {row[place] for row in table.rows}}
            for place in range(len(table.scope))
        ]
    except TypeError:
        raise CaseFault(f"table {number}: a value is a text or a number, not a list") from None


def _counted(column: Iterable[Any], size: int, fault: str) -> dict[Any, int]:
    """Return what is written in a column as numbers of values from 0.   Raises: CaseFault."""
    if not all(type(each) is int and 0 <= each < size for each in column):
        raise CaseFault(fault)
    return {each: each for each in column}
