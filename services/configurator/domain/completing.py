"""Completion: what is still possible, and the rest filled in by defaults and preferences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from contracts.configuration import Decision
from services.configurator.domain.decisions import domains_of
from services.configurator.domain.model import (
    Attribute,
    ChoiceAttribute,
    MultiAttribute,
)
from services.configurator.domain.product import Product
from services.configurator.domain.search import Attempt
from services.configurator.domain.space import FALSE, TRUE, Masks

Source = Literal["user", "requirement", "default", "rule"]


@dataclass(frozen=True, slots=True)
class Completion:
    """A consistent state: exact domains after the decisions, and where the defaults lead.

    `open_questions` are attributes without a default that the decisions leave more than one answer;
    while there are any, the point is one possible configuration and not an offer.
    """

    domains: Masks
    point: Masks
    decisions: tuple[Decision, ...]
    open_questions: tuple[str, ...]


def exact_domains(product: Product, domains: Masks, witness: Masks) -> Masks:
    """Return for every variable exactly the values that some valid configuration has.

    `witness` is such a configuration. Raises: SearchBound.
    """
    settled = Attempt(product.network).settled(domains)
    if settled is None:
        raise AssertionError("a witness lies inside the domains")
    seen = list(witness)
    latest = witness
    for place, mask in enumerate(settled):
        rest = mask & ~seen[place]
        while rest:
            bit = rest & -rest
            rest ^= bit
            trial = [*settled[:place], bit, *settled[place + 1 :]]
            found = Attempt(product.network, hint=latest).solve(trial, place)
            if found is not None:
                latest = found
                seen = [one | other for one, other in zip(seen, found, strict=True)]
                rest &= ~seen[place]
    return seen


def completion(product: Product, decisions: Sequence[Decision]) -> Completion | None:
    """Return the completion of the decisions; None if they contradict each other.

    Attributes with a default are filled in the order of the model, each with the first of its
    preferences that still leads to a valid configuration. The same decisions give the same
    completion. Raises: SearchBound.
    """
    domains = domains_of(product, decisions)
    wishes = preferences(product)
    hint = [wish[0] for wish in wishes]
    witness = Attempt(product.network, hint=hint).solve(domains)
    if witness is None:
        return None
    exact = exact_domains(product, domains, witness)
    masks, point = list(exact), witness
    for attribute in product.model.attributes:
        if attribute.default is not None:
            for place in product.space.places[attribute.id]:
                point = _prefer(product, masks, place, wishes[place], point)
    open_questions = tuple(
        each.id
        for each in product.model.attributes
        if each.default is None and not _is_forced(product, each, exact)
    )
    answers = _answers(product, decisions, exact, point)
    return Completion(exact, point, answers, open_questions)


def preferences(product: Product) -> list[tuple[int, ...]]:
    """Return for each variable its values, one bit each, the preferred first."""
    return [
        wish for attribute in product.model.attributes for wish in _preferences(product, attribute)
    ]


def _preferences(product: Product, attribute: Attribute) -> list[tuple[int, ...]]:
    if isinstance(attribute, MultiAttribute):
        wanted = set(attribute.default or ())
        return [(TRUE, FALSE) if each.id in wanted else (FALSE, TRUE) for each in attribute.options]
    place = product.space.places[attribute.id][0]
    values = product.space.variables[place].values
    first = 0 if attribute.default is None else values.index(attribute.default)
    if isinstance(attribute, ChoiceAttribute):
        order = [first, *(each for each in range(len(values)) if each != first)]
    else:
        # A number moves away from its default as little as possible, downwards first.
        order = sorted(range(len(values)), key=lambda each: (abs(each - first), each))
    return [tuple(1 << each for each in order)]


def _prefer(
    product: Product, masks: Masks, place: int, wish: tuple[int, ...], point: Masks
) -> Masks:
    """Fix the variable at its first possible preference, in place; return a proof of it."""
    for bit in wish:
        if not masks[place] & bit:
            continue
        found: Masks | None = point
        if point[place] != bit:
            trial = [*masks[:place], bit, *masks[place + 1 :]]
            found = Attempt(product.network, hint=point).solve(trial)
        if found is not None:
            masks[place] = bit
            return found
    return point


def _is_forced(product: Product, attribute: Attribute, exact: Masks) -> bool:
    """Say whether the decisions leave the attribute one possible answer only."""
    return all(exact[place].bit_count() == 1 for place in product.space.places[attribute.id])


def _answers(
    product: Product, decisions: Sequence[Decision], exact: Masks, point: Masks
) -> tuple[Decision, ...]:
    """Return one decision per attribute: those given, `rule` where nothing else was possible."""
    given = {each.attribute: each for each in decisions}
    answers = []
    for attribute in product.model.attributes:
        if attribute.id in given:
            answers.append(given[attribute.id])
            continue
        source: Source = "rule" if _is_forced(product, attribute, exact) else "default"
        value = product.space.answer(attribute.id, point)
        answers.append(Decision(attribute=attribute.id, value=value, source=source))
    return tuple(answers)
