"""A compiled model: exact answers about every option by two passes over arrays, without search.

A circuit is a set of clauses compiled to deterministic decomposable negation normal form (d-DNNF):
a graph of and- and or-nodes whose edges carry literals. The branches of an or-node exclude each
other, the branches of an and-node share no variable. So "is there a configuration", "how many" and
"what is the cheapest" are one pass upwards, and "for every option" is one more pass downwards.
Source: Darwiche and Marquis, A Knowledge Compilation Map, JAIR 17 (2002).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.configurator.domain.solving.layout import (
    OR,
    CircuitFault,
    Edge,
    Flags,
    Numbers,
    free_of,
    layers_of,
    slices_of,
)

# Above any sum of prices in the least unit of a currency; twice of it does not overflow.
NEVER = 1 << 61
TOTAL_MAX = 1 << 60


@dataclass(frozen=True, slots=True)
class Marginals:
    """For every literal (by place, see `Circuit.place`) the least total if it is chosen."""

    least: int
    chosen: Numbers


class Circuit:
    """Answers for one set of clauses under any consistent assumptions.

    Nodes stand in layers: an edge leads from a higher layer to a lower one. Where branches of an
    or-node mention different variables, those that a branch leaves out are free in it; they are
    kept with its edges, so that no option is missed (smoothing).
    """

    def __init__(self, variables: int, kinds: Mapping[int, int], edges: Sequence[Edge]) -> None:
        """Lay out a circuit whose root is node 1; a node without edges is true.

        Raises: CircuitFault.
        """
        self.variables = variables
        layers = layers_of(kinds, edges)
        order = sorted(kinds, key=lambda node: (layers[node], node))
        at = {node: number for number, node in enumerate(order)}
        if 1 not in at:
            raise CircuitFault("node 1, the root, is missing")
        self._root = at[1]
        rows = sorted(edges, key=lambda each: (layers[each.source], at[each.source]))
        self._is_or = np.array([kinds[node] == OR for node in order], dtype=bool)
        self._source = np.array([at[each.source] for each in rows], dtype=np.int64)
        self._target = np.array([at[each.target] for each in rows], dtype=np.int64)
        free = free_of(variables, kinds, rows, order)
        self._mentions = _Table([list(map(self.place, each.literals)) for each in rows])
        self._free = _Table(free[1:])
        self._loose = np.array(free[0], dtype=np.int64)
        self._layers = slices_of([layers[each.source] for each in rows], self._source)

    @property
    def size(self) -> int:
        """How many edges a pass goes over."""
        return len(self._source)

    @staticmethod
    def place(literal: int) -> int:
        """Return where the arrays keep a literal: two places for each variable, "not" first."""
        return 2 * abs(literal) - 2 + (literal > 0)

    def possible(self, assumed: Iterable[int]) -> Flags | None:
        """Return for every literal whether some configuration has it, given what is assumed.

        None, if there is no configuration. The assumed literals must not contradict each other.
        """
        barred = self._barred(assumed)
        good, holds = self._satisfiable(barred)
        if not holds[self._root]:
            return None
        used = self._used(good, holds)
        found = np.zeros(2 * self.variables, dtype=bool)
        self._mentions.mark(used, found)
        free = np.zeros(self.variables, dtype=bool)
        self._free.mark(used, free)
        free[self._loose] = True
        found |= np.repeat(free, 2)
        return found & ~barred

    def least(self, prices: Sequence[int] | Numbers, assumed: Iterable[int]) -> Marginals | None:
        """Return the least total of prices, at all and for each literal; None: no configuration.

        `prices` has one whole number for each literal, by place. Raises: ValueError, if they are
        so large that their sum would not be exact.
        """
        barred = self._barred(assumed)
        if np.abs(np.asarray(prices, dtype=np.float64)).sum() > TOTAL_MAX:
            raise ValueError("these prices may sum to more than the circuit can add exactly")
        given = np.asarray(prices, dtype=np.int64)
        each = np.where(barred, NEVER, given)
        both = np.minimum(each[0::2], each[1::2])
        own = _plus(self._mentions.sums(each), self._free.sums(both))
        branch, total = self._totals(own)
        loose = int(both[self._loose].sum())
        if total[self._root] >= NEVER:
            return None
        best = int(total[self._root]) + loose
        through = self._through(branch, total)
        found = np.full(2 * self.variables, NEVER, dtype=np.int64)
        self._mentions.lower(through, found)
        left = np.full(self.variables, NEVER, dtype=np.int64)
        self._free.lower(through, left)
        left[self._loose] = total[self._root]
        # A free variable costs its cheaper side; choosing the other adds the difference.
        twice = np.repeat(left, 2)
        can = (twice < NEVER) & (each < NEVER)
        instead = np.where(can, twice + each - np.repeat(both, 2), NEVER)
        found = np.minimum(found, instead)
        return Marginals(best, np.where(found < NEVER, found + loose, NEVER))

    def count(self, assumed: Iterable[int]) -> int:
        """Return exactly how many configurations there are."""
        held = set(assumed)
        barred = set(self._barred(held).nonzero()[0].tolist())
        decided = {abs(each) for each in held}

        def doubled(free: Iterable[int]) -> int:
            return 1 << sum(each + 1 not in decided for each in free)

        ways = [0 if is_or else 1 for is_or in self._is_or.tolist()]
        mentions, free = self._mentions.rows(), self._free.rows()
        for edge, (source, target) in enumerate(
            zip(self._source.tolist(), self._target.tolist(), strict=True)
        ):
            good = barred.isdisjoint(mentions[edge])
            found = ways[target] * doubled(free[edge]) if good else 0
            ways[source] = ways[source] + found if self._is_or[source] else ways[source] * found
        return ways[self._root] * doubled(self._loose.tolist())

    # ---- the passes

    def _barred(self, assumed: Iterable[int]) -> Flags:
        held = set(assumed)
        if any(-each in held for each in held):
            raise ValueError("what is assumed contradicts itself")
        barred = np.zeros(2 * self.variables, dtype=bool)
        barred[[self.place(-each) for each in held]] = True
        return barred

    def _satisfiable(self, barred: Flags) -> tuple[Flags, Flags]:
        """Return which edges can hold, and which nodes."""
        good = ~self._mentions.any(barred)
        holds = ~self._is_or
        for edges, sources, starts in self._layers:
            good[edges] &= holds[self._target[edges]]
            some = np.logical_or.reduceat(good[edges], starts)
            every = np.logical_and.reduceat(good[edges], starts)
            holds[sources] = np.where(self._is_or[sources], some, every)
        return good, holds

    def _used(self, good: Flags, holds: Flags) -> Flags:
        """Return which edges are part of some configuration."""
        reached = np.zeros(len(self._is_or), dtype=bool)
        reached[self._root] = True
        used = good.copy()
        for edges, _, _ in reversed(self._layers):
            used[edges] &= reached[self._source[edges]] & holds[self._source[edges]]
            reached[self._target[edges][used[edges]]] = True
        return used

    def _totals(self, own: Numbers) -> tuple[Numbers, Numbers]:
        """Return the least total below each edge, with its own, and below each node."""
        total = np.where(self._is_or, NEVER, 0)
        branch = own.copy()
        for edges, sources, starts in self._layers:
            branch[edges] = _plus(branch[edges], total[self._target[edges]])
            cheapest = np.minimum.reduceat(branch[edges], starts)
            blocked = branch[edges] >= NEVER
            sums = np.add.reduceat(np.where(blocked, 0, branch[edges]), starts)
            whole = np.where(np.logical_or.reduceat(blocked, starts), NEVER, sums)
            total[sources] = np.where(self._is_or[sources], cheapest, whole)
        return branch, total

    def _through(self, branch: Numbers, total: Numbers) -> Numbers:
        """Return for each edge the least total of all configurations that use it."""
        around = np.full(len(total), NEVER, dtype=np.int64)
        around[self._root] = 0
        through = np.full(len(branch), NEVER, dtype=np.int64)
        for edges, _, _ in reversed(self._layers):
            source = self._source[edges]
            below = np.where(self._is_or[source], branch[edges], total[source])
            through[edges] = _plus(around[source], below)
            target = self._target[edges]
            rest = np.where(through[edges] < NEVER, through[edges] - total[target], NEVER)
            np.minimum.at(around, target, rest)
        return through


def _plus(one: Numbers, other: Numbers) -> Numbers:
    """Add, where both can be."""
    return np.where((one < NEVER) & (other < NEVER), one + other, NEVER)


class _Table:
    """Rows of numbers of different length, one row for each edge."""

    def __init__(self, rows: Sequence[Sequence[int]]) -> None:
        self._of = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        self._items = np.array([each for row in rows for each in row], dtype=np.int64)
        self._count = len(rows)

    def rows(self) -> list[list[int]]:
        """Return the rows as they were given."""
        found: list[list[int]] = [[] for _ in range(self._count)]
        for row, item in zip(self._of.tolist(), self._items.tolist(), strict=True):
            found[row].append(item)
        return found

    def any(self, flags: Flags) -> Flags:
        """Return for each row whether one of its items is flagged."""
        found = np.zeros(self._count, dtype=bool)
        found[self._of[flags[self._items]]] = True
        return found

    def sums(self, numbers: Numbers) -> Numbers:
        """Return for each row the sum of its items' numbers, at most NEVER."""
        given = numbers[self._items]
        never = given >= NEVER
        found = np.zeros(self._count, dtype=np.int64)
        np.add.at(found, self._of, np.where(never, 0, given))
        found[self._of[never]] = NEVER
        return found

    def mark(self, rows: Flags, flags: Flags) -> None:
        """Flag the items of the chosen rows."""
        flags[self._items[rows[self._of]]] = True

    def lower(self, rows: Numbers, numbers: Numbers) -> None:
        """Lower the number of each item to the least of its rows."""
        np.minimum.at(numbers, self._items, rows[self._of])
