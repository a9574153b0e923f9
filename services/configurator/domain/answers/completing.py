"""Completion: what is still possible, and the rest filled in by defaults and preferences."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from contracts.configuration import Decision
from services.configurator.domain.products.decisions import domains_of
from services.configurator.domain.products.product import Product
from services.configurator.domain.solving.space import Domains, Masks

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


def completion(product: Product, decisions: Sequence[Decision]) -> Completion | None:
    """Return the completion of the decisions; None if they contradict each other.

    Attributes with a default are filled in the order of the model, each with the first of its
    preferences that still leads to a valid configuration. A number of instances that somebody must
    answer is as low as can be until then. The same decisions give the same completion.
    Raises: SearchBound.
    """
    domains = domains_of(product, decisions)
    witness = product.solver.solve(domains)
    if witness is None:
        return None
    exact = product.solver.possible(domains, witness)
    held, point = dict(domains), witness
    for attribute in product.model.attributes:
        if not product.space.is_there(attribute.id, point):
            held |= product.space.away(attribute.id)
        elif attribute.default is not None or attribute.id in product.space.copies.counts:
            for place in product.space.places[attribute.id]:
                wish = [each for each in product.wishes[place] if each & exact[place]]
                point = _prefer(product, held, place, wish, point)
    open_questions = tuple(
        each.id
        for each in product.model.attributes
        if each.default is None
        and product.space.is_there(each.id, point)
        and not product.space.is_settled(each.id, exact)
    )
    answers = _answers(product, decisions, exact, point)
    return Completion(exact, point, answers, open_questions)


def proposal(product: Product, domains: Domains) -> Masks | None:
    """Return the valid configuration inside the domains that preferences lead to; None: no such.

    Every attribute is decided: those with a default first, as a completion does, then the open
    questions, each by its first possible preference. Raises: SearchBound.
    """
    point = product.solver.solve(domains)
    if point is None:
        return None
    held = dict(domains)
    for place in in_turn(product):
        wish = [each for each in product.wishes[place] if each & domains.get(place, each)]
        point = _prefer(product, held, place, wish, point)
    return point


def in_turn(product: Product) -> Iterator[int]:
    """Yield all variables: first those of attributes with a default, as completion goes."""
    for each in sorted(product.model.attributes, key=lambda each: each.default is None):
        yield from product.space.places[each.id]


def _prefer(
    product: Product, held: dict[int, int], place: int, wish: Sequence[int], point: Masks
) -> Masks:
    """Hold the variable at its first possible preference; return a point that has it."""
    for bit in wish:
        if point[place] == bit:
            break
        found = product.solver.solve({**held, place: bit})
        if found is not None:
            point = found
            break
    held[place] = point[place]
    return point


def _answers(
    product: Product, decisions: Sequence[Decision], exact: Masks, point: Masks
) -> tuple[Decision, ...]:
    """Return one decision per attribute that is there: those given, `rule` for the only way."""
    given = {each.attribute: each for each in decisions}
    answers = []
    for attribute in product.model.attributes:
        if attribute.id in given:
            answers.append(given[attribute.id])
            continue
        if not product.space.is_there(attribute.id, point):
            continue
        settled = product.space.is_settled(attribute.id, exact)
        source: Source = "rule" if settled else "default"
        value = product.space.answer(attribute.id, point)
        answers.append(Decision(attribute=attribute.id, value=value, source=source))
    return tuple(answers)
