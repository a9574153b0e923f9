"""Complete search over finite domains: propagation by exact bounds, then branching.

An answer does not depend on what was asked before: constraints remember their own narrowings, which
are proofs and change the time only.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from contracts.errors import Refused
from services.configurator.domain.bounds import Bounds
from services.configurator.domain.space import Masks

STEPS_MAX = 2_000
REMEMBERED_MAX = 20_000
UNCHANGED: tuple[int, ...] = ()


class SearchBound(Refused):
    """The search passed its bound of steps; nothing is claimed about the question."""

    code = "configuration.undecided"
    title = "Too hard to decide"


class Constraint:
    """A condition that must hold, under the id of its rule or budget."""

    def __init__(self, id_: str, scope: Iterable[int], bounds: Bounds) -> None:
        self.id = id_
        self.scope = tuple(sorted(scope))
        self.bounds = bounds
        self._seen: dict[object, tuple[int, ...] | None] = {}
        # One place gives its mask, several a tuple of masks: each a key of what is remembered.
        self._key: Callable[[Masks], object] = (
            itemgetter(*self.scope) if self.scope else lambda _: None
        )

    def narrowed(self, masks: Masks) -> tuple[int, ...] | None:
        """Return the domains of the scope without values that can not hold.

        UNCHANGED, if that is all of them; None, if nothing can hold. Leaves the masks as they were.
        """
        key = self._key(masks)
        try:
            return self._seen[key]
        except KeyError:
            before = tuple(masks[place] for place in self.scope)
            found = self._narrow(masks)
        for place, mask in zip(self.scope, before, strict=True):
            masks[place] = mask
        if found == before:
            found = UNCHANGED
        if len(self._seen) >= REMEMBERED_MAX:
            self._seen.clear()
        self._seen[key] = found
        return found

    def _narrow(self, masks: Masks) -> tuple[int, ...] | None:
        low, high = self.bounds(masks)
        if high == 0:
            return None
        if low == 1:
            return UNCHANGED
        for place in self.scope:
            rest = masks[place]
            if rest & (rest - 1) == 0:
                continue
            kept = 0
            while rest:
                bit = rest & -rest
                rest ^= bit
                masks[place] = bit
                if self.bounds(masks)[1]:
                    kept |= bit
            if kept == 0:
                return None
            masks[place] = kept
        return tuple(masks[place] for place in self.scope)


class Network:
    """The constraints of a model and which of them watch which variable."""

    def __init__(self, variables: int, constraints: Sequence[Constraint]) -> None:
        self.constraints = tuple(constraints)
        self.watchers: list[list[int]] = [[] for _ in range(variables)]
        for number, constraint in enumerate(self.constraints):
            for place in constraint.scope:
                self.watchers[place].append(number)


@dataclass(slots=True)
class Attempt:
    """One question to the network: which constraints count, which were used, steps left.

    After "there is none", `used` are constraints that prove it together.

    `hint` is a point whose values are tried first; it changes the witness, never the verdict.
    """

    network: Network
    active: frozenset[int] | None = None
    hint: Sequence[int] | None = None
    steps: int = STEPS_MAX
    used: set[int] = field(default_factory=set)
    _trail: list[tuple[int, int]] = field(default_factory=list)

    def settled(self, masks: Sequence[int]) -> Masks | None:
        """Return the domains without what propagation alone excludes; None if one is empty."""
        domains = list(masks)
        return domains if self._settle(domains, range(len(self.network.constraints))) else None

    def solve(self, masks: Sequence[int], changed: int | None = None) -> Masks | None:
        """Return a point inside the domains that meets the active constraints; None: there is none.

        `changed` says that the domains were settled but for this one variable, which saves time.
        Raises: SearchBound, after `steps` branchings.
        """
        awake: Iterable[int] = range(len(self.network.constraints))
        if changed is not None:
            awake = self.network.watchers[changed]
        pending: list[tuple[Masks, Iterable[int]]] = [(list(masks), awake)]
        while pending:
            domains, awake = pending.pop()
            if not self._settle(domains, awake):
                continue
            point = self._guess(domains)
            broken = self._broken(point)
            if broken is None:
                return point
            self._step()
            place = _branching(domains, broken.scope)
            for mask in (domains[place] ^ point[place], point[place]):
                branch = list(domains)
                branch[place] = mask
                pending.append((branch, self.network.watchers[place]))
        return None

    def _guess(self, domains: Masks) -> Masks:
        """Return the point nearest to the hint inside the domains, else of first values."""
        if self.hint is None:
            return [mask & -mask for mask in domains]
        return [mask & wish or mask & -mask for mask, wish in zip(domains, self.hint, strict=True)]

    def _broken(self, point: Masks) -> Constraint | None:
        """Return the first active constraint that the point does not meet."""
        numbers = (
            range(len(self.network.constraints)) if self.active is None else sorted(self.active)
        )
        for number in numbers:
            constraint = self.network.constraints[number]
            if constraint.narrowed(point) is None:
                return constraint
        return None

    def _step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise SearchBound(
                "this question needs more steps than the configurator allows;"
                " decide more attributes first, or simplify the rules of the model"
            )

    def _blame(self, number: int) -> None:
        """Add to the used constraints the one that failed and all that led there.

        Walks the trail of narrowings backwards; what other branches left there may be blamed too
        much, never too little.
        """
        self.used.add(number)
        reasons = set(self.network.constraints[number].scope)
        for other, place in reversed(self._trail):
            if place in reasons:
                self.used.add(other)
                reasons.update(self.network.constraints[other].scope)

    def _settle(self, domains: Masks, start: Iterable[int]) -> bool:
        """Narrow the domains to a fixed point; False if one gets empty."""
        active, watchers = self.active, self.network.watchers
        queue = deque(start if active is None else [each for each in start if each in active])
        waiting = set(queue)
        while queue:
            number = queue.popleft()
            waiting.discard(number)
            constraint = self.network.constraints[number]
            found = constraint.narrowed(domains)
            if found is None:
                self._blame(number)
                return False
            if not found:
                continue
            for place, mask in zip(constraint.scope, found, strict=True):
                if domains[place] == mask:
                    continue
                domains[place] = mask
                self._trail.append((number, place))
                for other in watchers[place]:
                    if other not in waiting and (active is None or other in active):
                        waiting.add(other)
                        queue.append(other)
        return True


def _branching(domains: Masks, scope: Iterable[int]) -> int:
    """Return the undecided variable of the scope with the fewest values, the first of equals.

    There is one: a constraint whose variables are all decided is met, or settling has failed.
    """
    return min(
        (place for place in scope if domains[place].bit_count() > 1),
        key=lambda place: domains[place].bit_count(),
    )
