"""Is there a valid configuration inside these domains? A SAT solver that learns arithmetic.

Every value of every variable is a literal; a rule becomes clauses under a literal of its own, so
that an answer "there is none" names the rules it needs. A rule whose clauses would be too many
(sums of power, of weight) is looked at where the solver believes to be done: if it does not hold
there, the widest box of reasons is learned as one more clause, and the solver goes on. What it
learned makes it faster and changes no verdict: every clause follows from its rule alone.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from weakref import finalize

from pysat.solvers import Glucose4

from services.configurator.domain.solving.constraints import Condition
from services.configurator.domain.solving.effort import TRY, Allowance, Effort, SearchBound, hardest
from services.configurator.domain.solving.encoding import Encoding, encoded
from services.configurator.domain.solving.literals import Model
from services.configurator.domain.solving.space import Domains, Masks, Space, bits

# The solver lets no other thread run while it searches: it is asked in slices of so many
# contradictions, some tens of milliseconds each.
SLICE = 500
# One question: so many slices without an answer and so many lemmas learned, at most.
SLICES_MAX = 400
LEMMAS_MAX = 2_000
# All questions: what was learned is forgotten beyond this, so that a process does not grow.
KEPT_MAX = 100_000
KNOWN_MAX = 20_000


# The literals that say one wish or one rule.
Part = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Clash:
    """A minimal contradiction: wishes and rules, by number, that can not all hold."""

    wishes: tuple[int, ...]
    rules: tuple[int, ...]


_State = tuple[Masks, tuple[Condition, ...], Masks, Encoding]


@dataclass(frozen=True, slots=True)
class _Refuted:
    """What was assumed can not hold; these literals of it are enough."""

    core: frozenset[int]


class Solver:
    """Answers for one model; may be asked by several threads."""

    def __init__(
        self,
        space: Space,
        constraints: Sequence[Condition],
        first: Masks,
        allowance: Allowance | None = None,
    ) -> None:
        """Encode the constraints; `first` is the point that is tried first.   Raises: WorkBound."""
        encoding = encoded(space, constraints, allowance or Allowance())
        self.__setstate__((space.full(), tuple(constraints), first, encoding))

    def __getstate__(self) -> _State:
        """Return what another process needs to begin where this one began."""
        return self._full, self.constraints, self._first, self._encoding

    def __setstate__(self, state: _State) -> None:
        """Begin with what is encoded."""
        self._full, self.constraints, self._first, encoding = state
        self._encoding = encoding
        self._lock = threading.Lock()
        self._literals = encoding.literals
        self._rules, self._all_rules = encoding.rules, encoding.every
        self._learned = encoding.demanded
        self._point = self._literals.reader(range(len(self._full)))
        # What the rules learned box by box look at.
        self._sensitive = {place for each in self._learned.values() for place in each.scope}
        self._looked_at = self._literals.reader(self._sensitive)
        self._touching: list[list[Condition]] = [[] for _ in self._full]
        for constraint in self.constraints:
            for place in constraint.scope:
                self._touching[place].append(constraint)
        # How many parts are computed to see that all hold.
        self._sizes = [sum(rule.size for rule in each) for each in self._touching]
        self._demanded_size = sum(each.size for each in self._learned.values())
        self._known_rules: dict[tuple[int, ...], tuple[int, ...]] = {}
        self.effort = Effort()
        self._start()

    def solve(self, domains: Domains, rules: Iterable[int] | None = None) -> Masks | None:
        """Return a valid configuration inside the domains; None, if there is none.

        `rules` are the numbers of those that count, by default all. Raises: SearchBound.
        """
        counted = [self._all_rules] if rules is None else [self._rules[each] for each in rules]
        found = self._settled([*counted, *self._inside(domains)])
        return None if isinstance(found, _Refuted) else self._point(found)

    def possible(
        self, domains: Domains, witness: Masks, places: Iterable[int] | None = None
    ) -> Masks:
        """Return for every variable exactly the values that some valid configuration has.

        `witness` is one inside the domains. `places` are the variables asked about, by default all;
        of others it returns some of their values. Raises: SearchBound.
        """
        seen, near = list(witness), witness
        follows = self._follows(domains)
        for place in range(len(self._full)) if places is None else places:
            for bit in bits(domains.get(place, self._full[place])):
                if seen[place] & bit or not follows.isdisjoint(self._literals.outside(place, bit)):
                    continue
                if self.admits(near, {place: bit}):
                    seen[place] |= bit
                    continue
                self._lean(seen, domains)
                if (found := self.solve({**domains, place: bit})) is not None:
                    near = found
                    seen = [one | other for one, other in zip(seen, found, strict=True)]
        self._lean(self._first)
        return seen

    def admits(self, point: Masks, changed: Domains) -> bool:
        """Say whether a valid configuration stays valid with these values changed.

        It looks at the rules that name them and asks nothing: much cheaper than `solve`.
        """
        near = list(point)
        for place, bit in changed.items():
            near[place] = bit
        self.effort.computed(sum(map(self._sizes.__getitem__, changed)))
        return all(each.holds(near) for place in changed for each in self._touching[place])

    def clash(self, hard: Domains, wishes: Sequence[Domains]) -> Clash | None:
        """Return a minimal contradiction of wishes inside the hard domains; None: there is none.

        Wishes are let go from the last to the first, then rules from the first to the last, each if
        a contradiction remains. So it depends on verdicts only which one is found, never on the
        proof that the solver happened to find: a proof saves asking about what it does not need.
        Raises: SearchBound.
        """
        firm = tuple(self._inside(hard))
        parts = {number: tuple(self._inside(each)) for number, each in enumerate(wishes)}
        kept = self._needed((*firm, self._all_rules), dict(reversed(parts.items())))
        if kept is None:
            return None
        fixed = (*firm, *chain.from_iterable(parts[each] for each in kept))
        return Clash(tuple(kept), self._needed_rules(fixed))

    def needed(self, wishes: Sequence[Domains]) -> list[int]:
        """Return by number wishes that can not all hold, and without any one of them could.

        They are let go in turn, the first first. Raises: ValueError, if all can hold; SearchBound.
        """
        parts = {number: tuple(self._inside(each)) for number, each in enumerate(wishes)}
        found = self._needed((self._all_rules,), parts)
        if found is None:
            raise ValueError("these wishes can all hold")
        return found

    def _needed_rules(self, fixed: tuple[int, ...]) -> tuple[int, ...]:
        """Return the rules of the clash; which, depends on what is fixed alone, so it is kept."""
        known = self._known_rules.get(fixed)
        if known is None:
            found = self._needed(fixed, {each: (rule,) for each, rule in enumerate(self._rules)})
            if found is None:
                raise AssertionError("all rules together contradict what is fixed")
            if len(self._known_rules) >= KNOWN_MAX:
                self._known_rules.clear()
            known = self._known_rules[fixed] = tuple(found)
        return known

    def _needed(self, firm: tuple[int, ...], parts: Mapping[int, Part]) -> list[int] | None:
        """Return the numbers of parts without any one of which all could hold; None: it can."""
        kept = dict(parts)
        proof = self._settled([*firm, *chain.from_iterable(kept.values())])
        if not isinstance(proof, _Refuted):
            return None
        for number, part in parts.items():
            del kept[number]
            if proof.core.isdisjoint(part):
                continue
            found = self._settled([*firm, *chain.from_iterable(kept.values())])
            if isinstance(found, _Refuted):
                proof = found
            else:
                kept[number] = part
        return sorted(kept)

    # ---- the session

    def _start(self) -> None:
        self._sat = Glucose4(bootstrap_with=self._encoding.clauses)
        # Also at the end of the process, while the library is still there to do it.
        self._end = finalize(self, self._sat.delete)
        self._sat.set_phases(
            [
                literal
                for place, value in enumerate(self._first)
                for literal in self._literals.wished(place, value)
            ]
        )
        self._lemmas = 0

    def _lean(self, seen: Masks, domains: Domains | None = None) -> None:
        """Let the next configuration show as many values as it can that were not seen yet.

        What rules learned box by box look at stays: new values there mostly break such a rule.
        Without domains, those that are seen are tried first. It is a hint and changes no verdict.
        """
        phases: list[int] = []
        for place, mask in enumerate(seen):
            fresh = mask if domains is None else domains.get(place, self._full[place]) & ~mask
            if fresh and (domains is None or place not in self._sensitive):
                phases.extend(self._literals.wished(place, fresh & -fresh))
        with self._lock:
            self._sat.set_phases(phases)

    def _follows(self, domains: Domains) -> frozenset[int]:
        """Return literals that hold wherever all rules hold inside the domains; not all of them."""
        with self._lock:
            _, found = self._sat.propagate([self._all_rules, *self._inside(domains)])
        return frozenset(found)

    def _settled(self, assumed: list[int]) -> Model | _Refuted:
        """Return a model of all that is assumed, learned rules too, or why there is none."""
        with self._lock:
            if self._lemmas > KEPT_MAX:
                self._end()
                self._start()
        slices = lemmas = 0
        while slices < SLICES_MAX and lemmas < LEMMAS_MAX:
            self.effort.check(partial(self._hardest, assumed))
            found = self._ask(assumed)
            if found is None:
                slices += 1
                continue
            learned = 0 if isinstance(found, _Refuted) else self._learn(found)
            if not learned:
                return found
            lemmas += learned
        raise SearchBound(
            "this question needs more steps than the configurator allows;"
            " decide more attributes first, or simplify the rules of the model"
        )

    def _hardest(self, assumed: Sequence[int]) -> list[str]:
        """Return ids of rules that are hard together, under what else is assumed."""
        counted = self._rules if self._all_rules in assumed else assumed
        names = dict(zip(self._rules, self.constraints, strict=True))
        fixed = [each for each in assumed if each not in names and each != self._all_rules]

        def is_hard(rules: Sequence[int]) -> bool:
            with self._lock:
                self._sat.conf_budget(TRY)
                return self._sat.solve_limited(assumptions=[*fixed, *rules]) is None

        return [names[each].id for each in hardest([r for r in counted if r in names], is_hard)]

    def _ask(self, assumed: list[int]) -> Model | _Refuted | None:
        """Return what the clauses known so far say; None, if a slice does not tell."""
        with self._lock:
            self._sat.conf_budget(SLICE)
            found = self._sat.solve_limited(assumptions=assumed)
            self.effort.searched(self._sat.accum_stats()["conflicts"], self._encoding.weight)
            if found:
                model: Model = self._sat.get_model()
                return model
            return None if found is None else _Refuted(frozenset(self._sat.get_core() or ()))

    def _learn(self, model: Model) -> int:
        """Learn why the model does not meet rules that it counts; returns how many it does not."""
        point = self._looked_at(model)
        counted = ((each, rule) for each, rule in self._learned.items() if model[each - 1] > 0)
        broken = [(each, rule) for each, rule in counted if not rule.holds(point)]
        lemmas = [
            self._literals.clause(each, rule.lemma(point, self._full)) for each, rule in broken
        ]
        self.effort.computed(self._demanded_size)
        self.effort.learned(rule for _, rule in broken)
        if lemmas:
            with self._lock:
                self._lemmas += len(lemmas)
                self._sat.append_formula(lemmas)
        return len(lemmas)

    def _inside(self, domains: Domains) -> Iterator[int]:
        for place, mask in domains.items():
            yield from self._literals.inside(place, mask)
