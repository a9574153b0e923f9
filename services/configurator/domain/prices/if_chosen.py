"""What a configuration costs at least if an option is chosen, for every option of a question.

Exactly: the least list price of all valid configurations that have the option and the decisions on
the other attributes. Where that is not proved within the bound of steps, the price of the proposal
that choosing it leads to.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from contracts.configuration import Answer, Decision
from contracts.pricing import PriceColumn
from contracts.values import Currency, Money, Pin, Value
from services.configurator.domain.answers.completing import completion, proposal
from services.configurator.domain.answers.explaining import repairs
from services.configurator.domain.answers.options import chosen
from services.configurator.domain.language.model import Attribute
from services.configurator.domain.prices.cheapest import CostBound, Region, Search, Stop
from services.configurator.domain.prices.pricing import Mark, Pricing
from services.configurator.domain.products.decisions import DecisionsRefused, domains_of, unknown
from services.configurator.domain.products.product import Product
from services.configurator.domain.solving.space import Domains, values_of

# For each option; a page waits for all of them.
BOXES_MAX = 400


class OptionPrice(Value):
    """The price of one item if the option is chosen; options that can not be chosen have none.

    `difference` is to the proposal of now, `above_least` to the cheapest configuration that the
    decisions on the other attributes leave, if that is proved. `from`: a part of it is not additive
    or has no price, or the amount is not `proved` to be the least.
    """

    option: Answer
    amount: Money
    difference: Money
    above_least: Money | None
    mark: Mark
    proved: bool


class AttributePrices(Value):
    """The options of one question; not `complete`: time was up before all were priced."""

    attribute: str
    complete: bool
    options: tuple[OptionPrice, ...]


class PricesAnswer(Value):
    """List prices after some decisions, for one item; one period of each recurring charge.

    `proposal` is what preferences lead to now. Where the decisions contradict each other (not
    `valid`), it is asked after the first repair. `missing` are parts without a price.
    """

    model: Pin
    currency: Currency
    valid: bool
    complete: bool
    proposal: Money
    proposal_mark: Mark
    attributes: tuple[AttributePrices, ...]
    missing: tuple[str, ...]


def prices_if_chosen(
    product: Product,
    decisions: Sequence[Decision],
    column: PriceColumn,
    wanted: Sequence[str] | None = None,
    stop: Stop = lambda: False,
) -> PricesAnswer:
    """Price the options of the wanted attributes after the (checked, binding) decisions.

    By default those of every question that is neither answered nor forced. `stop` says that time
    is up: what is not priced by then is left out. Raises: DecisionsRefused, SearchBound.
    """
    kept = list(decisions)
    found = completion(product, kept)
    if found is None:
        dropped = repairs(product, decisions)[0]
        kept = [each for each in decisions if each not in dropped]
        found = completion(product, kept)
    if found is None:
        raise AssertionError("a repair mends")
    attributes = _wanted(product, kept, found.domains, wanted)
    pricing = Pricing(product, column)
    now = proposal(product, domains_of(product, kept))
    if now is None:
        raise AssertionError("these decisions can all hold")
    cost = pricing.at(now)
    asking = _Asking(product, pricing, kept, cost, stop)
    priced = tuple(asking.attribute(each) for each in attributes)
    return PricesAnswer(
        model=product.pin,
        currency=column.currency,
        valid=len(kept) == len(decisions),
        complete=all(each.complete for each in priced),
        proposal=pricing.amount(cost),
        proposal_mark=pricing.mark(cost),
        attributes=priced,
        missing=pricing.missing,
    )


def _wanted(
    product: Product,
    kept: Iterable[Decision],
    domains: Sequence[int],
    wanted: Sequence[str] | None,
) -> list[Attribute]:
    known, places = product.space.attributes, product.space.places
    if wanted is not None:
        if problems := [unknown(product, each) for each in wanted if each not in known]:
            raise DecisionsRefused(problems)
        return [known[each] for each in dict.fromkeys(wanted)]
    answered = {each.attribute for each in kept}
    return [
        each
        for each in product.model.attributes
        if each.id not in answered
        and any(domains[place].bit_count() > 1 for place in places[each.id])
    ]


class _Asking:
    """One question about prices; every search of it serves the next."""

    def __init__(
        self, product: Product, pricing: Pricing, kept: Sequence[Decision], now: int, stop: Stop
    ) -> None:
        self._product = product
        self._pricing = pricing
        self._kept = kept
        self._held = {each.attribute: each.value for each in kept}
        self._now = pricing.amount(now)
        self._stop = stop
        self._domains = domains_of(product, kept)
        self._search = Search(product, pricing.objective, BOXES_MAX, stop)
        self._region = self._search.inside(self._domains)
        self._least: _Cost | None = None

    def attribute(self, attribute: Attribute) -> AttributePrices:
        """Price all options of one attribute that can be chosen, as long as there is time."""
        found: list[OptionPrice] = []
        try:
            region, domains = self._others(attribute)
            least = self._cheapest(region, domains)
            for value in values_of(attribute):
                held = self._held.get(attribute.id)
                hard = chosen(self._product.space, attribute, value, held)
                cost = self._cost(region, domains, hard)
                if cost is not None:
                    found.append(self._price(value, cost, least))
        except CostBound:
            return AttributePrices(attribute=attribute.id, complete=False, options=tuple(found))
        return AttributePrices(attribute=attribute.id, complete=True, options=tuple(found))

    def _others(self, attribute: Attribute) -> tuple[Region, Domains]:
        """Return what the decisions on the other attributes leave, and the region of it."""
        if attribute.id not in self._held:
            return self._region, self._domains
        others = [each for each in self._kept if each.attribute != attribute.id]
        domains = domains_of(self._product, others)
        return self._search.inside(domains), domains

    def _cheapest(self, region: Region, domains: Domains) -> "_Cost | None":
        if region is not self._region:
            return self._cost(region, domains, {})
        if self._least is None:
            self._least = self._cost(region, domains, {})
        return self._least

    def _cost(self, region: Region, domains: Domains, hard: Domains) -> "_Cost | None":
        """Return the least cost; None, if nothing is valid.   Raises: CostBound, if time is up."""
        try:
            least = self._search.least(region, hard)
            return None if least is None else _Cost(least.cost, proved=True)
        except CostBound:
            if self._stop():
                raise
        point = proposal(self._product, {**domains, **hard})
        return None if point is None else _Cost(self._pricing.at(point), proved=False)

    def _price(self, value: Answer, cost: "_Cost", least: "_Cost | None") -> OptionPrice:
        amount = self._pricing.amount(cost.total)
        known = least is not None and least.proved
        return OptionPrice(
            option=value,
            amount=amount,
            difference=amount - self._now,
            above_least=amount - self._pricing.amount(least.total) if least and known else None,
            mark=self._pricing.mark(cost.total) if cost.proved else "from",
            proved=cost.proved,
        )


class _Cost(NamedTuple):
    total: int
    proved: bool
