"""Minimum repairs with what each would change in the price."""

from collections.abc import Sequence

from contracts.configuration import Decision, Repair
from contracts.values import Money
from services.configurator.domain.answers.completing import proposal
from services.configurator.domain.answers.explaining import repairs
from services.configurator.domain.prices.pricing import Mark, Pricing
from services.configurator.domain.products.decisions import domains_of
from services.configurator.domain.products.product import Product
from services.configurator.domain.products.wording import repair_words
from services.configurator.domain.solving.space import Domains


class PricedRepair(Repair):
    """A repair and the list price of one item of the proposal that it leads to, if known.

    `difference` is to the proposal of the decisions as they are; none, if they contradict each
    other.
    """

    amount: Money | None = None
    difference: Money | None = None
    mark: Mark | None = None


def priced_repairs(
    product: Product,
    decisions: Sequence[Decision],
    others: Sequence[Decision],
    hard: Domains,
    pricing: Pricing | None,
) -> tuple[PricedRepair, ...]:
    """Return up to three minimum repairs of the other decisions, so that `hard` can stand.

    Of the same size and the same number of requirements, the cheapest come first.
    Raises: SearchBound.
    """
    if pricing is None:
        found = repairs(product, others, hard)
        return tuple(PricedRepair(**_words(product, drop)) for drop in found)
    costs: dict[tuple[str, ...], int] = {}

    def cost(drop: Sequence[Decision]) -> int:
        key = tuple(each.attribute for each in drop)
        if key not in costs:
            kept = [each for each in others if each not in drop]
            costs[key] = _cost(product, {**domains_of(product, kept), **hard}, pricing)
        return costs[key]

    now = _now(product, decisions, pricing)
    found = repairs(product, others, hard, cost=cost)
    return tuple(_priced(product, drop, (cost(drop), now), pricing) for drop in found)


def _cost(product: Product, domains: Domains, pricing: Pricing) -> int:
    point = proposal(product, domains)
    if point is None:
        raise AssertionError("a repair mends")
    return pricing.at(point)


def _now(product: Product, decisions: Sequence[Decision], pricing: Pricing) -> int | None:
    point = proposal(product, domains_of(product, decisions))
    return None if point is None else pricing.at(point)


def _priced(
    product: Product, drop: Sequence[Decision], costs: tuple[int, int | None], pricing: Pricing
) -> PricedRepair:
    after, now = costs
    amount = pricing.amount(after)
    return PricedRepair(
        **_words(product, drop),
        amount=amount,
        difference=None if now is None else amount - pricing.amount(now),
        mark=pricing.mark(after),
    )


def _words(product: Product, drop: Sequence[Decision]) -> dict[str, object]:
    names = tuple(each.attribute for each in drop)
    return {"drop": names, "message": repair_words(product, drop)}
