"""The smallest sets of wishes to give up, so that the rest can hold: proved, not guessed.

By implicit hitting sets: whatever mends must take at least one wish of each contradiction. The
smallest set that does so for all contradictions known so far either mends, and no smaller one does,
or shows one more contradiction.
"""

from collections.abc import Iterator, Sequence

from services.configurator.domain.solver import SearchBound, Solver
from services.configurator.domain.space import Domains

CONTRADICTIONS_MAX = 300

Drop = frozenset[int]


def minimum_repairs(solver: Solver, hard: Domains, wishes: Sequence[Domains]) -> list[Drop]:
    """Return every smallest set of wishes, by number, without which the rest can hold.

    One that is empty, if all can; none, if the hard domains alone can not.
    Raises: SearchBound.
    """
    known: list[Drop] = []
    for size in range(len(wishes) + 1):
        found = _of_size(solver, hard, wishes, size, known)
        if found or Drop() in known:
            return found
    return []


def _of_size(
    solver: Solver, hard: Domains, wishes: Sequence[Domains], size: int, known: list[Drop]
) -> list[Drop]:
    """Return every repair of this size, if no smaller one exists; adds to what is known."""
    proven: set[Drop] = set()
    while True:
        fresh = None
        for drop in _hitting(known, Drop(), size):
            if drop in proven:
                continue
            fresh = _contradiction(solver, hard, wishes, drop)
            if fresh is not None:
                break
            proven.add(drop)
        if fresh is None:
            return sorted(proven, key=sorted)
        known.append(fresh)
        if len(known) > CONTRADICTIONS_MAX:
            raise SearchBound("these decisions contradict each other in too many ways; drop some")


def _contradiction(
    solver: Solver, hard: Domains, wishes: Sequence[Domains], drop: Drop
) -> Drop | None:
    """Return a contradiction among the wishes that are left, by their numbers."""
    left = [number for number in range(len(wishes)) if number not in drop]
    clash = solver.clash(hard, [wishes[number] for number in left])
    return None if clash is None else Drop(left[each] for each in clash.wishes)


def _hitting(known: Sequence[Drop], chosen: Drop, size: int) -> Iterator[Drop]:
    """Yield sets of at most `size` members that take at least one of each known contradiction."""
    missed = next((each for each in known if not each & chosen), None)
    if missed is None:
        yield chosen
    elif len(chosen) < size:
        for each in sorted(missed):
            yield from _hitting(known, chosen | {each}, size)
