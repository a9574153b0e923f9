"""Completion towards a goal: the cheapest valid configuration, or the one that can leave first.

Answers and facts stay those of completion by preference. What the goal chooses and preference would
not is made a decision of the seller, the fewest that lead there in the order of the model: so the
item, put into a quote, is configured and proved again to the same bytes, and nobody has to know
yesterday's prices or lead days for it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from contracts.configuration import Decision
from services.configurator.domain.answers.completing import completion, proposal
from services.configurator.domain.language.model import Attribute
from services.configurator.domain.prices.cheapest import CostBound, Search
from services.configurator.domain.prices.costing import Objective, Weight
from services.configurator.domain.prices.pricing import Pricing, skus
from services.configurator.domain.products.decisions import domains_of
from services.configurator.domain.products.product import Product
from services.configurator.domain.solving.space import Domains, Masks

Goal = Literal["preference", "price", "lead_time"]


@dataclass(frozen=True, slots=True)
class Aim:
    """The decisions that lead to the goal; if it is `proved`, no valid configuration is better."""

    decisions: tuple[Decision, ...]
    point: Masks
    proved: bool


def cheapest(product: Product, decisions: Sequence[Decision], pricing: Pricing) -> Aim | None:
    """Return the cheapest configuration, of several the preferred; None: a contradiction.

    Raises: SearchBound.
    """
    domains = domains_of(product, decisions)
    return _aimed(product, decisions, _best(product, Objective(product, pricing.bare), domains))


def quickest(
    product: Product, decisions: Sequence[Decision], pricing: Pricing | None = None
) -> Aim | None:
    """Return the configuration whose slowest part takes the fewest days; None: a contradiction.

    Of several the cheapest, if there are prices, then the preferred. A part without lead days waits
    for nobody. Raises: SearchBound.
    """
    domains = domains_of(product, decisions)
    if product.solver.solve(domains) is None:
        return None
    try:
        days = _fewest_days(product, domains)
    except CostBound:
        return _aimed(product, decisions, (proposal(product, domains), False))
    prices = pricing.bare if pricing else {}
    # Above any sum of prices, so that no price makes up for a day.
    late = _late(product, days, Objective(product, prices).most() + 1)
    weights = {
        sku: Weight(prices.get(sku, Weight()).thousandth, late.get(sku, Weight()).once)
        for sku in skus(product)
    }
    return _aimed(product, decisions, _best(product, Objective(product, weights), domains))


def lead_days(product: Product, point: Masks) -> int:
    """Return after how many days the last part of a complete configuration can leave."""
    return max(
        (
            each.part.lead_days or 0
            for each in product.parts
            if each.wanted(point)[0] == 1 and each.quantity.bounds(point)[0] > 0
        ),
        default=0,
    )


def _best(product: Product, objective: Objective, domains: Domains) -> tuple[Masks | None, bool]:
    search = Search(product, objective)
    region = search.inside(domains)
    try:
        least = search.least(region)
        return (search.preferred(region, least) if least else None), True
    except CostBound:
        return proposal(product, domains), False


def _fewest_days(product: Product, domains: Domains) -> int:
    """Return the fewest days, by halving those that parts have; something is valid."""
    steps = sorted({0, *(each.part.lead_days or 0 for each in product.parts)})
    low, high = 0, len(steps) - 1
    while low < high:
        middle = (low + high) // 2
        objective = Objective(product, _late(product, steps[middle], 1))
        search = Search(product, objective)
        if search.least(search.inside(domains), most=0) is None:
            low = middle + 1
        else:
            high = middle
    return steps[low]


def _late(product: Product, days: int, weight: int) -> dict[str, Weight]:
    """Return the parts that take more days, each with a weight for having any of it."""
    return {
        each.part.sku: Weight(once=weight)
        for each in product.parts
        if (each.part.lead_days or 0) > days
    }


def _aimed(
    product: Product, decisions: Sequence[Decision], best: tuple[Masks | None, bool]
) -> Aim | None:
    point, proved = best
    if point is None:
        return None
    given = {each.attribute: each for each in decisions}
    given |= {each.attribute: each for each in _added(product, decisions, point)}
    names = [each for each in product.space.attributes if each in given]
    return Aim(tuple(given[each] for each in names), point, proved)


def _added(product: Product, decisions: Sequence[Decision], point: Masks) -> Iterator[Decision]:
    """Yield what must be decided so that completion by preference comes to the point.

    Open questions, and answers that come after a preference which is still possible.
    """
    found = completion(product, decisions)
    if found is None:
        raise AssertionError("the point is a valid configuration of these decisions")
    given = {each.attribute for each in decisions}
    held = dict(domains_of(product, decisions))
    attributes = [each for each in product.model.attributes if each.id not in given]
    for attribute in sorted(attributes, key=lambda each: each.default is not None):
        if attribute.default is None:
            led = attribute.id not in found.open_questions
        else:
            led = _is_led(product, attribute, held, point)
        for place in product.space.places[attribute.id]:
            held[place] = point[place]
        if not led:
            value = product.space.answer(attribute.id, point)
            yield Decision(attribute=attribute.id, value=value, source="user")


def _is_led(product: Product, attribute: Attribute, held: Domains, point: Masks) -> bool:
    """Say whether preference chooses the point's answer, given what is held."""
    within = dict(held)
    for place in product.space.places[attribute.id]:
        for bit in product.wishes[place]:
            if bit == point[place]:
                break
            if product.solver.solve({**within, place: bit}) is not None:
                return False
        within[place] = point[place]
    return True
