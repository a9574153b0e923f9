"""Is there a valid configuration inside these domains? A SAT solver that learns arithmetic.

Every value of every variable is a literal; a rule becomes clauses under a literal of its own, so
that an answer "there is none" names the rules it needs. A rule whose clauses would be too many
(sums of power, of weight) is looked at where the solver believes to be done: if it does not hold
there, the widest box of reasons is learned as one more clause, and the solver goes on. What it
learned makes it faster and changes no verdict: every clause follows from its rule alone.
"""

import threading
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from pysat.solvers import Glucose4

from contracts.errors import Refused
from services.configurator.domain.constraints import Box, Constraint
from services.configurator.domain.space import FALSE, TRUE, Masks, Space, bits

# Rules with more boxes than this are learned box by box, where they matter.
BOXES_MAX = 100
# One question: so many contradictions met and so many lemmas learned, at most.
CONTRADICTIONS_MAX = 200_000
LEMMAS_MAX = 2_000
# All questions: what was learned is forgotten beyond this, so that a process does not grow.
KEPT_MAX = 100_000
SEEN_MAX = 20_000


class SearchBound(Refused):
    """The search passed its bound of steps; nothing is claimed about the question."""

    code = "configuration.undecided"
    title = "Too hard to decide"


@dataclass(frozen=True, slots=True)
class Refutation:
    """A proof that there is none: the variables it needs, by place, and the rules, by number."""

    places: frozenset[int]
    rules: frozenset[int]


class Solver:
    """Answers for one model; may be asked by several threads."""

    def __init__(self, space: Space, constraints: Sequence[Constraint], first: Masks) -> None:
        """Encode the constraints; `first` is the point whose values are tried first."""
        self.constraints = tuple(constraints)
        self._full = space.full()
        self._first = first
        self._lock = threading.Lock()
        self._literals = _Literals(space)
        top = self._literals.top
        self._rules = [top + 1 + number for number in range(len(constraints))]
        self._numbers = {rule: number for number, rule in enumerate(self._rules)}
        self._clauses = list(self._literals.clauses)
        self._learned: list[int] = []
        for number, constraint in enumerate(constraints):
            boxes = constraint.lemmas(self._full, BOXES_MAX)
            if boxes is None:
                self._learned.append(number)
            else:
                self._clauses.extend(self._clause(number, box) for box in boxes)
        self._start()

    def solve(self, domains: Masks, active: AbstractSet[int] | None = None) -> Masks | Refutation:
        """Return a valid configuration inside the domains, or the proof that there is none.

        `active` are the numbers of the constraints that count, by default all.
        Raises: SearchBound.
        """
        rules = self._rules if active is None else [self._rules[each] for each in sorted(active)]
        assumed = list(rules)
        for place, (mask, full) in enumerate(zip(domains, self._full, strict=True)):
            if mask != full:
                assumed += self._literals.inside(place, mask)
        for _ in range(LEMMAS_MAX):
            found = self._ask(assumed)
            if found is None:
                break
            if isinstance(found, Refutation) or not self._learn(found, active):
                return found
        raise SearchBound(
            "this question needs more steps than the configurator allows;"
            " decide more attributes first, or simplify the rules of the model"
        )

    def possible(self, domains: Masks, witness: Masks) -> Masks:
        """Return for every variable exactly the values that some valid configuration has.

        `witness` is one inside the domains. Raises: SearchBound.
        """
        seen = list(witness)
        for place, mask in enumerate(domains):
            for bit in bits(mask):
                if seen[place] & bit:
                    continue
                found = self.solve([*domains[:place], bit, *domains[place + 1 :]])
                if not isinstance(found, Refutation):
                    seen = [one | other for one, other in zip(seen, found, strict=True)]
        return seen

    def _start(self) -> None:
        self._sat = Glucose4(bootstrap_with=self._clauses)
        self._sat.set_phases(
            [
                literal
                for place, value in enumerate(self._first)
                for literal in self._literals.wished(place, value)
            ]
        )
        self._lemmas = 0

    def _ask(self, assumed: Sequence[int]) -> Masks | Refutation | None:
        """Return what the clauses known so far say; None, if that takes too long."""
        with self._lock:
            self._sat.conf_budget(CONTRADICTIONS_MAX)
            found = self._sat.solve_limited(assumptions=assumed)
            if found is None:
                return None
            return self._literals.point(self._sat.get_model()) if found else self._refutation()

    def _learn(self, point: Masks, active: AbstractSet[int] | None) -> bool:
        """Learn why the point does not meet a constraint; False if it meets all that count."""
        lemmas = [
            self._clause(number, self.constraints[number].lemma(point, self._full))
            for number in self._learned
            if (active is None or number in active) and not self.constraints[number].holds(point)
        ]
        with self._lock:
            if self._lemmas > KEPT_MAX:
                self._sat.delete()
                self._start()
            self._lemmas += len(lemmas)
            self._sat.append_formula(lemmas)
        return bool(lemmas)

    def _clause(self, number: int, box: Box) -> list[int]:
        """Say: where the rule holds, some variable lies outside the box."""
        clause = [-self._rules[number]]
        for place, mask in zip(self.constraints[number].scope, box, strict=True):
            clause.extend(self._literals.outside(place, mask))
        return clause

    def _refutation(self) -> Refutation:
        core = frozenset(self._sat.get_core() or ())
        rules = core & self._numbers.keys()
        return Refutation(
            frozenset(self._literals.place[abs(each)] for each in core - rules),
            frozenset(self._numbers[each] for each in rules),
        )


class _Literals:
    """The literals of the variables' values: a ladder of "at least the n-th value" for each.

    The ladder alone says "exactly one value", and its two ends all that a sum needs to know of an
    interval. A value inside has a literal of its own beside it.
    """

    def __init__(self, space: Space) -> None:
        self.top = 0
        self.place: dict[int, int] = {}
        self.clauses: list[list[int]] = []
        self._full = space.full()
        self._ladders: list[list[int]] = []
        self._values: list[list[int]] = []
        self._seen: dict[tuple[int, int], tuple[int, ...]] = {}
        for place, full in enumerate(self._full):
            ladder = self._fresh(place, full.bit_count() - 1)
            inner = self._fresh(place, max(0, len(ladder) - 1))
            self._ladders.append(ladder)
            self._values.append([-ladder[0], *inner, ladder[-1]] if ladder else [])
            for value, low, high in zip(inner, ladder, ladder[1:], strict=False):
                self.clauses += [[-high, low], [-value, low], [-value, -high], [value, -low, high]]
        ladders = list(enumerate(self._ladders))
        self._pairs = [(place, ladder[0]) for place, ladder in ladders if len(ladder) == 1]
        self._longer = [(place, ladder) for place, ladder in ladders if len(ladder) > 1]

    def point(self, model: Sequence[int]) -> Masks:
        """Return the values that a model of the solver gives."""
        found = list(self._full)
        for place, step in self._pairs:
            found[place] = TRUE if model[step - 1] > 0 else FALSE
        for place, ladder in self._longer:
            bit = 1
            for step in ladder:
                if model[step - 1] < 0:
                    break
                bit <<= 1
            found[place] = bit
        return found

    def inside(self, place: int, mask: int) -> tuple[int, ...]:
        """Return literals that all hold where the variable's value is in the mask."""
        known = self._seen.get((place, mask))
        if known is None:
            ladder, low, high = self._ladders[place], _lowest(mask), mask.bit_length() - 1
            first = (ladder[low - 1],) if low else ()
            last = (-ladder[high],) if high < len(ladder) else ()
            known = first + last + tuple(-each for each in self._gaps(place, mask))
            if len(self._seen) < SEEN_MAX:
                self._seen[place, mask] = known
        return known

    def outside(self, place: int, mask: int) -> tuple[int, ...]:
        """Return literals of which one holds where the variable's value is not in the mask."""
        return tuple(-each for each in self.inside(place, mask))

    def wished(self, place: int, value: int) -> Iterator[int]:
        """Yield the ladder as it stands where the variable has this one value."""
        for number, step in enumerate(self._ladders[place]):
            yield step if value >> (number + 1) else -step

    def _gaps(self, place: int, mask: int) -> Iterator[int]:
        """Yield the values between the first and the last of the mask that are not in it."""
        middle = range(_lowest(mask) + 1, mask.bit_length() - 1)
        return (self._values[place][each] for each in middle if not mask >> each & 1)

    def _fresh(self, place: int, count: int) -> list[int]:
        found = [self.top + 1 + each for each in range(count)]
        self.top += count
        self.place.update(dict.fromkeys(found, place))
        return found


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1
