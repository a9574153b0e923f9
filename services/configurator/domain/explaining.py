"""Why decisions contradict each other, and the smallest change that mends it.

A conflict is minimal: without any one of its decisions, or any one of its rules, nothing would be
wrong. A repair is minimum: no smaller set of decisions to give up exists. Both are found by proof,
not by rank.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contracts.configuration import Decision
from services.configurator.domain.decisions import domains_of
from services.configurator.domain.product import Product
from services.configurator.domain.solver import SearchBound
from services.configurator.domain.space import Domains

REPAIRS_MAX = 3
CONFLICTS_MAX = 300


@dataclass(frozen=True, slots=True)
class Conflict:
    """Decisions and rules (by id) that can not all hold; both minimal."""

    decisions: tuple[Decision, ...]
    rules: tuple[str, ...]


def conflict(
    product: Product, decisions: Sequence[Decision], hard: Domains | None = None
) -> Conflict | None:
    """Return a minimal conflict of the decisions, or None if they can all hold.

    `hard` are domains that stand in any case (the option asked about), by default the whole space.
    Raises: SearchBound.
    """
    wishes = [domains_of(product, [each]) for each in decisions]
    # The last decisions are let go first: a reason names the basic choices, asked early.
    clash = product.solver.clash(hard or {}, wishes)
    if clash is None:
        return None
    rules = product.solver.constraints
    return Conflict(
        tuple(decisions[each] for each in clash.wishes),
        tuple(rules[each].id for each in clash.rules),
    )


def repairs(product: Product, decisions: Sequence[Decision]) -> list[tuple[Decision, ...]]:
    """Return up to three minimum sets of decisions to give up; none if nothing is wrong.

    By hitting sets of growing size over the conflicts found so far: a set that does not mend
    everything shows one more conflict. Sets that give up fewer requirements of the customer come
    first. Raises: SearchBound.
    """
    known: list[frozenset[int]] = []
    for size in range(len(decisions) + 1):
        found = _repairs_of_size(product, decisions, size, known)
        if found:
            if found == [frozenset()]:
                return []
            ranked = sorted(found, key=lambda drop: _rank(decisions, drop))[:REPAIRS_MAX]
            return [tuple(decisions[each] for each in sorted(drop)) for drop in ranked]
    return []


def _repairs_of_size(
    product: Product, decisions: Sequence[Decision], size: int, known: list[frozenset[int]]
) -> list[frozenset[int]]:
    """Return every repair of this size, if no smaller one exists; adds to the known conflicts."""
    proven: set[frozenset[int]] = set()
    while True:
        fresh = None
        for drop in _hitting(known, frozenset(), size):
            if drop in proven:
                continue
            rest = [each for index, each in enumerate(decisions) if index not in drop]
            fresh = conflict(product, rest)
            if fresh is not None:
                break
            proven.add(drop)
        if fresh is None:
            return sorted(proven, key=sorted)
        known.append(frozenset(decisions.index(each) for each in fresh.decisions))
        if len(known) > CONFLICTS_MAX:
            raise SearchBound("these decisions contradict each other in too many ways; drop some")


def _hitting(
    known: Sequence[frozenset[int]], chosen: frozenset[int], size: int
) -> Iterator[frozenset[int]]:
    """Yield sets of at most `size` members that take at least one of each known conflict."""
    missed = next((each for each in known if not each & chosen), None)
    if missed is None:
        yield chosen
    elif len(chosen) < size:
        for each in sorted(missed):
            yield from _hitting(known, chosen | {each}, size)


def _rank(decisions: Sequence[Decision], drop: frozenset[int]) -> tuple[int, list[int]]:
    required = sum(decisions[each].source == "requirement" for each in drop)
    return required, sorted(drop)
