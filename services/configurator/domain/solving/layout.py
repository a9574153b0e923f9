"""How the nodes and edges of a circuit lie in arrays."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.configurator.domain.solving.space import bits

Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]

AND, OR = 0, 1


class Edge(NamedTuple):
    """From a node to a node, under these literals: a variable's number, negative for "not"."""

    source: int
    target: int
    literals: tuple[int, ...]


class CircuitFault(ValueError):
    """A text is not a circuit; the message says where."""


def layers_of(kinds: Mapping[int, int], edges: Sequence[Edge]) -> dict[int, int]:
    """Return for each node the length of the longest way down from it."""
    below: dict[int, list[int]] = {node: [] for node in kinds}
    for each in edges:
        below[each.source].append(each.target)
    layers: dict[int, int] = {}
    for start in kinds:
        pending = [start]
        waiting: set[int] = set()
        while pending:
            node = pending[-1]
            open_ = [each for each in below[node] if each not in layers]
            if node in layers or not open_:
                pending.pop()
                layers[node] = 1 + max((layers[each] for each in below[node]), default=-1)
                continue
            if node in waiting:
                raise CircuitFault(f"node {node} is below itself")
            waiting.add(node)
            pending.extend(open_)
    return layers


def free_of(
    variables: int, kinds: Mapping[int, int], rows: Sequence[Edge], order: Sequence[int]
) -> list[list[int]]:
    """Return the variables that nothing mentions, then for each edge those free in its branch."""
    mentioned = dict.fromkeys(order, 0)
    branch = []
    for each in rows:
        own = mentioned[each.target]
        for literal in each.literals:
            own |= 1 << (abs(literal) - 1)
        branch.append(own)
        mentioned[each.source] |= own
    every = (1 << variables) - 1
    loose = _members(every & ~mentioned[1])
    return [
        loose,
        *(
            _members(mentioned[each.source] & ~own) if kinds[each.source] == OR else []
            for each, own in zip(rows, branch, strict=True)
        ),
    ]


def _members(mask: int) -> list[int]:
    """Return the numbers of the bits that are set."""
    return [bit.bit_length() - 1 for bit in bits(mask)]


def slices_of(layers: Sequence[int], source: Numbers) -> list[tuple[slice, Numbers, Numbers]]:
    """Return for each layer its edges, its nodes, and where the edges of each node begin."""
    found = []
    first = 0
    while first < len(layers):
        last = first
        while last < len(layers) and layers[last] == layers[first]:
            last += 1
        nodes, starts = np.unique(source[first:last], return_index=True)
        found.append((slice(first, last), nodes, starts.astype(np.int64)))
        first = last
    return found
