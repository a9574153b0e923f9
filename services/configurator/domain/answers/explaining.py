"""Why decisions contradict each other, and the smallest change that mends it.

A conflict is minimal: without any one of its decisions, or any one of its rules, nothing would be
wrong. A repair is minimum: no smaller set of decisions to give up exists. Both are found by proof,
not by rank.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import product as every

from contracts.configuration import Decision
from services.configurator.domain.products.product import Product
from services.configurator.domain.solving.repairing import minimum_repairs
from services.configurator.domain.solving.space import Domains

REPAIRS_MAX = 3
CONFLICTS_MAX = 3
# Repairs whose cost is asked, each some milliseconds.
COSTED_MAX = 12


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
    wishes = _wishes(product, decisions)
    # The last decisions are let go first: a reason names the basic choices, asked early.
    clash = product.solver.clash(hard or {}, wishes)
    if clash is None:
        return None
    rules = product.solver.constraints
    return Conflict(
        tuple(decisions[each] for each in clash.wishes),
        tuple(rules[each].id for each in clash.rules),
    )


def conflicts(
    product: Product, decisions: Sequence[Decision], hard: Domains | None = None
) -> list[Conflict]:
    """Return up to three minimal conflicts, no two of the same decisions; none if all can hold.

    The first is that of `conflict`. One decision of every conflict found so far is left out, in
    each way there is: a conflict that was not found yet lacks one of each, so none is missed.
    Raises: SearchBound.
    """
    first = conflict(product, decisions, hard)
    found = [first] if first else []
    while 0 < len(found) < CONFLICTS_MAX:
        other = _another(product, decisions, hard, found)
        if other is None:
            break
        found.append(other)
    return found


def _another(
    product: Product, decisions: Sequence[Decision], hard: Domains | None, found: Sequence[Conflict]
) -> Conflict | None:
    for away in every(*(each.decisions for each in found)):
        other = conflict(product, [each for each in decisions if each not in away], hard)
        if other is not None:
            return other
    return None


def repairs(
    product: Product,
    decisions: Sequence[Decision],
    hard: Domains | None = None,
    known: Collection[str] = (),
    cost: Callable[[Sequence[Decision]], int] | None = None,
) -> list[tuple[Decision, ...]]:
    """Return up to three minimum sets of decisions to give up; none if nothing is wrong.

    `hard` are domains that stand in any case. Sets that give up fewer requirements of the customer
    come first; among those the ones that cost least, if `cost` says what one comes to; of very many
    the first are asked. `known` are the attributes of a conflict found before, which saves asking
    for it. Raises: SearchBound.
    """
    seen = frozenset(at for at, each in enumerate(decisions) if each.attribute in known)
    wishes = _wishes(product, decisions)
    found = minimum_repairs(product.solver, hard or {}, wishes, [seen] if seen else ())
    ranked = sorted(found, key=lambda drop: _rank(decisions, drop))
    drops = [tuple(decisions[each] for each in sorted(drop)) for drop in ranked if drop]
    if cost is not None and len(drops) > 1:
        drops = drops[:COSTED_MAX]
        drops.sort(key=lambda drop: (_required(drop), cost(drop)))
    return drops[:REPAIRS_MAX]


def _wishes(product: Product, decisions: Sequence[Decision]) -> list[Domains]:
    return [product.space.of_answer(each.attribute, each.value) for each in decisions]


def _rank(decisions: Sequence[Decision], drop: frozenset[int]) -> tuple[int, list[int]]:
    return _required(decisions[each] for each in drop), sorted(drop)


def _required(drop: Iterable[Decision]) -> int:
    return sum(each.source == "requirement" for each in drop)
