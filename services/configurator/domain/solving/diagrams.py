"""Tables of allowed rows as clauses: reduced decision diagrams, counted rightly.

A table over finite domains is a diagram with one layer for each of its columns: a path from the
root takes one value in each, and every path is an allowed row. Rows that go on in the same way
share a node (reduced), so a table of thousands of rows has a handful. As clauses every node is a
variable, true exactly if the path of the configuration goes through it; so nodes add nothing to
choose, and the number of configurations stays what it was.
Source: Abio et al., On CNF Encodings of Decision Diagrams, CPAIOR (2016).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, pairwise
from operator import itemgetter

# A domain of more values says "at most one" by a chain of variables, not pair by pair.
PAIRS_MAX = 40

Row = tuple[int, ...]
# From a value to the number of the node in the next layer.
Node = tuple[tuple[int, int], ...]
Clause = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Diagram:
    """The nodes of each layer; the first layer is the root alone, the last leads to the end, 0.

    `columns` are the numbers of the table's columns in the order of the layers.
    """

    columns: tuple[int, ...]
    layers: tuple[tuple[Node, ...], ...]

    def size(self) -> int:
        """Return the number of nodes."""
        return sum(map(len, self.layers))


def reduced(rows: Iterable[Row], columns: Sequence[int]) -> Diagram:
    """Return the smallest diagram of the rows with its layers in this order.

    `rows` are of one length, with a value's number in each column; there is one at least.
    """
    pick = itemgetter(*columns) if len(columns) > 1 else lambda row: (row[columns[0]],)
    prefixes: list[tuple[Row, int]] = [(row, 0) for row in sorted({pick(row) for row in rows})]
    layers: list[tuple[Node, ...]] = []
    for depth in reversed(range(len(columns))):
        known: dict[Node, int] = {}
        shorter: list[tuple[Row, int]] = []
        for prefix, group in groupby(prefixes, key=lambda each: each[0][:depth]):
            node = tuple((row[depth], below) for row, below in group)
            shorter.append((prefix, known.setdefault(node, len(known))))
        layers.append(tuple(known))
        prefixes = shorter
    return Diagram(tuple(columns), tuple(reversed(layers)))


def smallest(rows: Sequence[Row]) -> Diagram:
    """Return the smallest diagram of a few orders of the columns: as given, few or many first."""
    given = range(len(rows[0]))
    by_values = sorted(given, key=lambda column: len({row[column] for row in rows}))
    orders = dict.fromkeys([tuple(given), tuple(by_values), tuple(reversed(by_values))])
    return min((reduced(rows, each) for each in orders), key=Diagram.size)


class Encoding:
    """Clauses over literals: those of the values first, then those of the nodes.

    `values` gives the literals of each variable's values, in order, which are 1 up to their number.
    """

    def __init__(self, values: Mapping[str, Sequence[int]]) -> None:
        self.values = values
        self.top = sum(map(len, values.values()))
        self.clauses: list[Clause] = []
        for literals in values.values():
            self.clauses.extend(self._exactly_one(literals))

    def add(self, scope: Sequence[str], rows: Sequence[Row]) -> None:
        """Allow these rows of value numbers for the variables of the scope, and no others."""
        if not rows:
            self.clauses.append(())
            return
        diagram = smallest(rows)
        nodes: list[int] = []
        for depth, layer in enumerate(diagram.layers):
            literals = self.values[scope[diagram.columns[depth]]]
            last = depth + 1 == len(diagram.layers)
            below = [] if last else self._fresh(len(diagram.layers[depth + 1]))
            self.clauses.extend(_forwards(nodes, layer, literals, below))
            if below:
                self.clauses.extend(_backwards(nodes, layer, literals, below))
            nodes = below

    def _fresh(self, count: int) -> list[int]:
        first = self.top + 1
        self.top += count
        return list(range(first, first + count))

    def _exactly_one(self, literals: Sequence[int]) -> Iterator[Clause]:
        yield tuple(literals)
        if len(literals) <= PAIRS_MAX:
            yield from ((-one, -other) for one, other in combinations(literals, 2))
            return
        # "One up to here", exactly: the chain follows from the values, so it adds no choice.
        chain = self._fresh(len(literals))
        yield from ((-each, step) for each, step in zip(literals, chain, strict=True))
        yield (-chain[0], literals[0])
        for (before, step), each in zip(pairwise(chain), literals[1:], strict=True):
            yield from [(-before, step), (-before, -each), (-step, before, each)]


def _forwards(
    nodes: Sequence[int], layer: Sequence[Node], literals: Sequence[int], below: Sequence[int]
) -> Iterator[Clause]:
    """Yield: a node and a value lead to the next node, or do not go together."""
    for number, node in enumerate(layer):
        here = (-nodes[number],) if nodes else ()
        leads = dict(node)
        for value, literal in enumerate(literals):
            if value not in leads:
                yield (*here, -literal)
            elif below:
                yield (*here, -literal, below[leads[value]])


def _backwards(
    nodes: Sequence[int], layer: Sequence[Node], literals: Sequence[int], below: Sequence[int]
) -> Iterator[Clause]:
    """Yield: a node in the next layer was come to from one of this layer, by its value.

    From the root down, so only the node on the path can be true in each layer.
    """
    into: dict[tuple[int, int], list[int]] = {}
    for number, node in enumerate(layer):
        for value, target in node:
            into.setdefault((target, value), []).append(number)
    for target, own in enumerate(below):
        for value, literal in enumerate(literals):
            found = into.get((target, value), [])
            if not found:
                yield (-own, -literal)
            elif nodes:
                yield (-own, -literal, *(nodes[each] for each in found))
