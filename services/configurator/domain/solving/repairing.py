"""The smallest sets of wishes to give up, so that the rest can hold: proved, not guessed.

By implicit hitting sets: whatever mends must take at least one wish of each contradiction. The
smallest set that does so for all contradictions known so far either mends, and no smaller one does,
or shows one more contradiction.
"""

from collections.abc import Iterable, Iterator, Sequence

from services.configurator.domain.solving.effort import SearchBound
from services.configurator.domain.solving.solver import Solver
from services.configurator.domain.solving.space import Domains

# Sets looked at for one question; whether that is enough depends on the question alone.
SETS_MAX = 20_000

Drop = frozenset[int]


def minimum_repairs(
    solver: Solver, hard: Domains, wishes: Sequence[Domains], known: Iterable[Drop] = ()
) -> list[Drop]:
    """Return every smallest set of wishes, by number, without which the rest can hold.

    One that is empty, if all can; none, if the hard domains alone can not. `known` are
    contradictions found before: they save asking for them, and change no answer.
    Raises: SearchBound.
    """
    search = _Search(solver, hard, wishes)
    search.known.extend(known)
    for size in range(len(wishes) + 1):
        found = search.of_size(size)
        if found or Drop() in search.known:
            return found
    return []


class _Search:
    """One question: the contradictions known so far, and how many sets may still be looked at."""

    def __init__(self, solver: Solver, hard: Domains, wishes: Sequence[Domains]) -> None:
        self._solver = solver
        self._hard = hard
        self._wishes = wishes
        self._left = SETS_MAX
        self.known: list[Drop] = []

    def of_size(self, size: int) -> list[Drop]:
        """Return every repair of this size, if no smaller one exists; adds to what is known."""
        proven: set[Drop] = set()
        while True:
            fresh = None
            for drop in self._hitting(Drop(), size):
                if drop in proven:
                    continue
                fresh = self._contradiction(drop)
                if fresh is not None:
                    break
                proven.add(drop)
            if fresh is None:
                return sorted(proven, key=sorted)
            self.known.append(fresh)

    def _contradiction(self, drop: Drop) -> Drop | None:
        """Return a contradiction among the wishes that are left, by their numbers."""
        left = [number for number in range(len(self._wishes)) if number not in drop]
        clash = self._solver.clash(self._hard, [self._wishes[number] for number in left])
        return None if clash is None else Drop(left[each] for each in clash.wishes)

    def _hitting(self, chosen: Drop, size: int) -> Iterator[Drop]:
        """Yield sets of at most `size` members that take one of each known contradiction."""
        self._left -= 1
        if self._left < 0:
            raise SearchBound("these decisions contradict each other in too many ways; drop some")
        missed = next((each for each in self.known if not each & chosen), None)
        if missed is None:
            yield chosen
        elif len(chosen) < size:
            for each in sorted(missed):
                yield from self._hitting(chosen | {each}, size)
