"""Writing conditions down as clauses, by their shape.

A clause says of some variables which values they may have, one of these must be so. Logic becomes
clauses as it stands; where that would multiply them, a part gets a literal of its own that demands
it. A comparison of sums becomes a diagram (`descending`), one for each way to settle what is
multiplied. What stays too large is left to be learned, under a literal that demands it.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product as combinations
from typing import NamedTuple

from services.configurator.domain.solving import bounds as b
from services.configurator.domain.solving.constraints import Constraint
from services.configurator.domain.solving.descending import Allowed, Branch, Descent, Node, descent
from services.configurator.domain.solving.effort import Allowance
from services.configurator.domain.solving.literals import Literals
from services.configurator.domain.solving.space import Masks, bits
from services.configurator.domain.solving.sums import points, settling, staircase, summed

# A disjunction that multiplies to more clauses gets literals for its parts.
PRODUCT_MAX = 8
# One comparison: so many cases of what is multiplied, and so many branches in all of them.
CASES_MAX = 64
BRANCHES_MAX = 100


class Clause(NamedTuple):
    """One of the variables has one of its values here, or one of the literals is true."""

    values: dict[int, int]
    literals: frozenset[int]


NEVER = Clause({}, frozenset())
Clauses = list[Clause]


class Writer:
    """Writes the conditions of one solver; `demanded` are those left to be learned, by literal."""

    def __init__(self, literals: Literals, full: Masks, allowance: Allowance) -> None:
        self._literals = literals
        self._full = full
        self._allowance = allowance
        self._id = ""
        self.clauses: list[list[int]] = []
        self.demanded: dict[int, Constraint] = {}
        # What was said of the parts of the rule at hand: "iff" needs both of each, twice.
        self._known: dict[tuple[b.Bounds, bool], Clauses] = {}
        self._truths: dict[b.Bounds, bool] = {}

    def write(self, rule: int, constraint: Constraint) -> None:
        """Write: where the literal of the rule is true, its condition holds.

        Raises: WorkBound.
        """
        self._id = constraint.id
        self._known.clear()
        self._truths.clear()
        self._demand(rule, self._said(constraint.id, constraint.bounds, holds=True))

    def _demand(self, literal: int, clauses: Iterable[Clause]) -> None:
        for each in clauses:
            self._count(1 + len(each.values))
            clause = [-literal, *each.literals]
            for place, mask in each.values.items():
                clause.extend(self._literals.outside(place, self._full[place] & ~mask))
            self.clauses.append(clause)

    def _named(self, clauses: Clauses) -> Clause:
        """Return a literal that demands the clauses."""
        (literal,) = self._literals.fresh(1)
        self._demand(literal, clauses)
        return Clause({}, frozenset({literal}))

    # ---- logic

    def _said(self, id_: str, condition: b.Bounds, *, holds: bool) -> Clauses:
        """Return the clauses that say that the condition holds, or that it does not."""
        key = condition, holds
        if key not in self._known:
            self._known[key] = self._clauses_of(id_, condition, holds=holds)
        return self._known[key]

    def _clauses_of(self, id_: str, condition: b.Bounds, *, holds: bool) -> Clauses:
        if len(condition.places) <= 1:
            return self._of_one(condition, holds=holds)
        match condition:
            case b.Inverse():
                return self._said(id_, condition.parts[0], holds=not holds)
            case b.Extreme() if self._is_truth(condition):
                parts = [self._said(id_, each, holds=holds) for each in condition.parts]
                if (condition.choose is min) == holds:
                    return [each for part in parts for each in part]
                return self._either(parts)
            case b.Equal() if all(map(self._is_truth, condition.parts)):
                one, other = condition.parts
                return [
                    clause
                    for truth in (False, True)
                    for clause in self._either(
                        [
                            self._said(id_, one, holds=truth),
                            self._said(id_, other, holds=truth is not holds),
                        ]
                    )
                ]
            case b.Equal():
                one, other = condition.parts
                pairs = ((one, other), (other, one))
                ways = [self._compared(id_, *pair, below=not holds) for pair in pairs]
                return [*ways[0], *ways[1]] if holds else self._either(ways)
            case b.Less():
                one, other = condition.parts if holds else condition.parts[::-1]
                return self._compared(id_, one, other, below=condition.or_equal is not holds)
        return [self._left(id_, condition if holds else b.inverse(condition))]

    def _of_one(self, condition: b.Bounds, *, holds: bool) -> Clauses:
        self._count(condition.size * (1 + sum(self._full[p].bit_count() for p in condition.places)))
        tried = list(self._full)
        if not condition.places:
            return [] if condition(tried)[0] == holds else [NEVER]
        (place,) = condition.places
        mask = 0
        for bit in bits(self._full[place]):
            tried[place] = bit
            if condition(tried)[0] == holds:
                mask |= bit
        return self._kept({place: mask}, frozenset())

    def _either(self, parts: Sequence[Clauses]) -> Clauses:
        values: dict[int, int] = {}
        literals: set[int] = set()
        for clause in (part[0] for part in parts if len(part) == 1):
            literals |= clause.literals
            for place, mask in clause.values.items():
                values[place] = values.get(place, 0) | mask
        found = self._kept(values, frozenset(literals))
        for part in sorted((each for each in parts if len(each) != 1), key=len):
            several = len(part) > 1 and len(part) * len(found) > PRODUCT_MAX
            others = [self._named(part)] if several else part
            found = [each for one in found for other in others for each in self._joined(one, other)]
        return found

    def _joined(self, one: Clause, other: Clause) -> Clauses:
        values = dict(one.values)
        for place, mask in other.values.items():
            values[place] = values.get(place, 0) | mask
        return self._kept(values, one.literals | other.literals)

    def _kept(self, values: dict[int, int], literals: frozenset[int]) -> Clauses:
        """Return the clause without what says nothing; none, if it always holds."""
        if any(mask == self._full[place] for place, mask in values.items()):
            return []
        return [Clause({place: mask for place, mask in values.items() if mask}, literals)]

    # ---- numbers

    def _compared(self, id_: str, one: b.Bounds, other: b.Bounds, *, below: bool) -> Clauses:
        """Return the clauses of "the one is at most the other", or below it."""
        difference = b.total([one, b.negative(other)])
        self._count(difference.size)
        settled = settling(difference, self._full)
        if points(settled, self._full) <= CASES_MAX:
            found = self._by_case(difference, sorted(settled), below=below)
            if found is not None:
                return found
        return [self._left(id_, b.less(one, other, or_equal=not below))]

    def _by_case(
        self, difference: b.Bounds, settled: Sequence[int], *, below: bool
    ) -> Clauses | None:
        written: list[tuple[dict[int, int], Descent]] = []
        left = BRANCHES_MAX
        for case in combinations(*(list(bits(self._full[place])) for place in settled)):
            masks = list(self._full)
            for place, bit in zip(settled, case, strict=True):
                masks[place] = bit
            unless = {p: self._full[p] ^ masks[p] for p in settled}
            what = summed(difference, masks, self._count)
            if what is None:
                raise AssertionError("what is settled leaves a sum")
            question = staircase(what, below=below)
            if not question.steps:
                if question.most < 0:
                    written.append((unless, Descent(Allowed(0, 0), ())))
                continue
            diagram = descent(question, left)
            if diagram is None:
                return None
            left -= len(diagram.branches)
            written.append((unless, diagram))
        return [
            each
            for unless, diagram in written
            for clause in self._drawn(diagram)
            for each in self._joined(clause, Clause(unless, frozenset()))
        ]

    def _drawn(self, diagram: Descent) -> Clauses:
        """Write the branches below the first; returns the clauses of that."""
        if not isinstance(diagram.first, int):
            return self._led(diagram.first, ())
        # The first branch is made last: none leads to it.
        literals = self._literals.fresh(len(diagram.branches) - 1)
        for literal, branch in zip(literals, diagram.branches, strict=False):
            self._demand(literal, self._branched(branch, literals))
        return list(self._branched(diagram.branches[-1], literals))

    def _branched(self, branch: Branch, literals: Sequence[int]) -> Iterator[Clause]:
        for mask, node in branch.leads:
            unless = Clause({branch.place: self._full[branch.place] & ~mask}, frozenset())
            for each in self._led(node, literals):
                yield from self._joined(unless, each)

    def _led(self, node: Node, literals: Sequence[int]) -> Clauses:
        if isinstance(node, Allowed):
            return self._kept({node.place: node.mask}, frozenset())
        return [Clause({}, frozenset({literals[node]}))]

    def _count(self, parts: int) -> None:
        self._allowance.write(parts, self._id)

    def _left(self, id_: str, condition: b.Bounds) -> Clause:
        """Return a literal that demands a condition which is left to be learned."""
        (literal,) = self._literals.fresh(1)
        self.demanded[literal] = Constraint(id_, condition.places, condition)
        return Clause({}, frozenset({literal}))

    def _is_truth(self, bounds: b.Bounds) -> bool:
        known = self._truths.get(bounds)
        if known is None:
            match bounds:
                case b.Inverse() | b.Less() | b.Equal() | b.Member() | b.Flag():
                    known = True
                case b.Constant():
                    known = bounds([]) in {(0, 0), (1, 1)}
                case b.Extreme():
                    known = all(map(self._is_truth, bounds.parts))
                case _:
                    known = False
            self._truths[bounds] = known
        return known
