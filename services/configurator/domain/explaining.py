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
from services.configurator.domain.search import Attempt, SearchBound
from services.configurator.domain.space import Masks
from services.configurator.domain.witnesses import Witnesses

REPAIRS_MAX = 3
CONFLICTS_MAX = 300
RULE_STEPS_MAX = 100


@dataclass(frozen=True, slots=True)
class Conflict:
    """Decisions and rules (by id) that can not all hold; both minimal."""

    decisions: tuple[Decision, ...]
    rules: tuple[str, ...]


def conflict(
    product: Product,
    decisions: Sequence[Decision],
    hard: Masks | None = None,
    near: Witnesses | None = None,
) -> Conflict | None:
    """Return a minimal conflict of the decisions, or None if they can all hold.

    `hard` are domains that stand in any case (the option asked about), by default the whole space;
    `near` are valid configurations known already. Raises: SearchBound.
    """
    used = _proof(product, domains_of(product, decisions, hard), near)
    if used is None:
        return None
    # The last decisions are let go first: a reason names the basic choices, asked early.
    kept = _touched(product, decisions, used)
    needed: list[Decision] = []
    while kept:
        without = kept[:-1]
        proof = _proof(product, domains_of(product, [*without, *needed], hard), near)
        if proof is None:
            needed.insert(0, kept[-1])
            kept = without
        else:
            used = proof
            kept = _touched(product, without, used)
    rules = _needed_rules(product, domains_of(product, needed, hard), used, near)
    return Conflict(tuple(needed), tuple(product.network.constraints[each].id for each in rules))


def _proof(product: Product, domains: Masks, near: Witnesses | None) -> set[int] | None:
    """Return constraints that prove the domains hold no valid configuration; None if they do."""
    if near is not None and near.inside(domains):
        return None
    attempt = Attempt(product.network, hint=near.home if near else None)
    point = attempt.solve(domains)
    if point is None:
        return attempt.used
    if near is not None:
        near.add(point)
    return None


def _touched(product: Product, decisions: Sequence[Decision], used: set[int]) -> Sequence[Decision]:
    """Return the decisions that the proof can have used: those its rules look at."""
    scope = {place for number in used for place in product.network.constraints[number].scope}
    return [each for each in decisions if scope.intersection(product.space.places[each.attribute])]


def _needed_rules(
    product: Product, domains: Masks, used: set[int], near: Witnesses | None
) -> list[int]:
    """Return the rules without those that the contradiction does not need.

    A rule whose part can not be settled within a bound of steps is kept: a reason too many harms
    less than no answer.
    """
    kept = sorted(used)
    at = 0
    while at < len(kept):
        active = frozenset(kept[:at] + kept[at + 1 :])
        hint = near.home if near else None
        trial = Attempt(product.network, active=active, hint=hint, steps=RULE_STEPS_MAX)
        try:
            needed = trial.solve(domains) is not None
        except SearchBound:
            needed = True
        if needed:
            at += 1
        else:
            kept = sorted(trial.used)
    return kept


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
