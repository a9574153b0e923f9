"""A sum that is at most so much, as a diagram: which values leave how much for the others.

A node says that the variables from its step on add at most what is left. What leaves the same
answers is one node, so that round numbers make few. Each node becomes clauses: a value that adds
more leads to a node with less left, and the least that a variable adds is always taken away.
Assigning values by unit propagation alone then finds every value that would be too much.
Source: Abio, Nieuwenhuis, Oliveras, Rodriguez-Carbonell, Mayer-Eichberger, A New Look at BDDs for
Pseudo-Boolean Constraints, 2012.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

from services.configurator.domain.solving.sums import Staircase

PLACES_MAX = 60
# One diagram: so many values are looked at; round numbers need few.
LOOKS_MAX = 100_000


class Allowed(NamedTuple):
    """The last variable must have one of these values: all is no condition, none can not be met."""

    place: int
    mask: int


# The number of a branch, or what is left to the last variable.
Node = int | Allowed


class Branch(NamedTuple):
    """A node: where the variable has one of the values, what they lead to must hold.

    The first are all its values.
    """

    place: int
    leads: tuple[tuple[int, Node], ...]


@dataclass(frozen=True, slots=True)
class Descent:
    """The diagram: its first node, and the branches by number."""

    first: Node
    branches: tuple[Branch, ...]


def descent(question: Staircase, nodes_max: int) -> Descent | None:
    """Return the diagram of a question about one variable at least; None, if it is too large."""
    if len(question.steps) > PLACES_MAX:
        return None
    making = _Making(question, nodes_max)
    first = making.node(0, question.most)
    return None if first is None else Descent(first[0], tuple(making.branches))


# A node, and the least and the most that is left (None: without end) where it is the same one.
_Found = tuple[Node, int | None, int | None]


class _Making:
    def __init__(self, question: Staircase, nodes_max: int) -> None:
        self._steps = question.steps
        self._nodes_max = nodes_max
        self._looks = 0
        place, values = self._steps[-1]
        self._always = Allowed(place, sum(mask for _, mask in values))
        self._never = Allowed(place, 0)
        self.branches: list[Branch] = []
        self._numbers: dict[Branch, int] = {}
        # What the variables from a step on can add at most.
        self._rest = [0]
        for _, values in reversed(self._steps):
            self._rest.append(self._rest[-1] + values[-1][0])
        self._rest.reverse()
        # By step, in order: from how much left on, and the node with its interval.
        self._begins: list[list[int]] = [[] for _ in self._steps]
        self._known: list[list[tuple[Node, int, int]]] = [[] for _ in self._steps]

    def node(self, step: int, left: int) -> _Found | None:
        """Return the node for so much left at a step; None, if there are too many."""
        if left < 0:
            return self._never, None, -1
        if left >= self._rest[step]:
            return self._always, self._rest[step], None
        at = bisect_right(self._begins[step], left) - 1
        if at >= 0 and left <= self._known[step][at][2]:
            return self._known[step][at]
        found = self._last(left) if step + 1 == len(self._steps) else self._inner(step, left)
        if found is not None:
            self._begins[step].insert(at + 1, found[1])
            self._known[step].insert(at + 1, found)
        return found

    def _last(self, left: int) -> tuple[Node, int, int]:
        place, values = self._steps[-1]
        taken = [each for each in values if each[0] <= left]
        mask = sum(mask for _, mask in taken)
        return Allowed(place, mask), taken[-1][0], values[len(taken)][0] - 1

    def _inner(self, step: int, left: int) -> tuple[Node, int, int] | None:
        place, values = self._steps[step]
        self._looks += len(values)
        if self._looks > LOOKS_MAX:
            return None
        least, most = 0, self._rest[step] - 1
        leads: list[tuple[int, Node]] = []
        for number, (above, _) in enumerate(values):
            found = self.node(step + 1, left - above)
            if found is None:
                return None
            node, low, high = found
            least = least if low is None else max(least, low + above)
            most = most if high is None else min(most, high + above)
            if not leads or leads[-1][1] != node:
                leads.append((sum(mask for _, mask in values[number:]), node))
        if len(leads) == 1:
            return leads[0][1], least, most
        branch = Branch(place, tuple(leads))
        number_of = self._numbers.setdefault(branch, len(self.branches))
        if number_of == len(self.branches):
            if number_of >= self._nodes_max:
                return None
            self.branches.append(branch)
        return number_of, least, most
