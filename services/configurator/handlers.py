"""Answer an ask for configuration: configure every item on the model of the day, say the fact."""

from datetime import UTC, date, datetime

from contracts.configuration import (
    ConfigurationRejected,
    ConfigurationValidated,
    ConfiguredItem,
    RejectedItem,
    RequestedItem,
)
from contracts.envelope import Opened
from contracts.errors import Refused
from contracts.pricing import PriceColumn
from contracts.quote import ConfigurationRequested
from contracts.values import Money
from infra.work import Work
from services.configurator.domain.answers.configuring import configure
from services.configurator.domain.prices.aiming import Goal, cheapest, lead_days, quickest
from services.configurator.domain.prices.pricing import Mark, Pricing
from services.configurator.domain.products.catalogue import Catalogue, UnknownProduct
from services.configurator.domain.products.decisions import DecisionsRefused, binding
from services.configurator.domain.products.product import Product


class ConfigurationRefused(Refused):
    """The item has no valid, complete configuration; names code, field, conflict and repairs."""

    code = "configuration.refused"
    title = "This can not be configured"

    def __init__(self, item: RejectedItem) -> None:
        super().__init__(
            item.message,
            reason=item.code,
            field=item.field,
            conflict=item.conflict,
            rules=item.rules,
            repairs=item.repairs,
            open_questions=item.open_questions,
        )


def configure_quote(heard: Opened, work: Work, catalogue: Catalogue) -> None:
    """Answer ConfigurationRequested: ConfigurationValidated if every item is valid and complete.

    Otherwise ConfigurationRejected, with each item that is not. The models are those effective on
    the day of the ask (UTC), so that hearing the ask again gives the same answer.
    """
    ask = heard.fact
    if not isinstance(ask, ConfigurationRequested):
        raise TypeError(f"{heard.meta.type} is no ask for a configuration")
    day = day_of(heard.meta.time)
    answers = [configured(catalogue, item, day) for item in ask.items]
    rejected = tuple(each for each in answers if isinstance(each, RejectedItem))
    known = {
        "deal_id": ask.deal_id,
        "quote_id": ask.quote_id,
        "revision": ask.revision,
        "answers": heard.meta.id,
    }
    stream = f"configurator.answer/{ask.quote_id}"
    if rejected:
        work.append(stream, ConfigurationRejected.model_validate({**known, "items": rejected}))
        return
    valid = tuple(each for each in answers if isinstance(each, ConfiguredItem))
    work.append(stream, ConfigurationValidated.model_validate({**known, "items": valid}))


def configured(
    catalogue: Catalogue, item: RequestedItem, day: date
) -> ConfiguredItem | RejectedItem:
    """Configure one item on the model effective on the day; an unknown product is a rejection."""
    try:
        product = catalogue.product(item.product, day)
    except UnknownProduct as fault:
        return RejectedItem(
            item_id=item.item_id,
            product=item.product,
            code=fault.code,
            message=fault.message,
            field="product",
        )
    return configure(product, item)


def completed(catalogue: Catalogue, item: RequestedItem, day: date) -> ConfiguredItem:
    """Configure one item without a fact.   Raises: UnknownProduct, ConfigurationRefused."""
    return completed_on(catalogue.product(item.product, day), item)


def completed_on(product: Product, item: RequestedItem) -> ConfiguredItem:
    """Configure one item on a version of its model.   Raises: ConfigurationRefused."""
    answer = configure(product, item)
    if isinstance(answer, RejectedItem):
        raise ConfigurationRefused(answer)
    return answer


class AimedItem(ConfiguredItem):
    """A configured item that a goal led to, and its list price if prices are known.

    What the goal chose are decisions of source `user`: put into a quote, the item stays as it is.
    `proved`: no valid configuration of the decisions is cheaper, or can leave earlier.
    """

    objective: Goal
    proved: bool
    amount: Money | None
    mark: Mark | None
    lead_days: int


def aimed(
    product: Product, item: RequestedItem, goal: Goal, column: PriceColumn | None
) -> AimedItem | RejectedItem:
    """Configure one item towards a goal; the cheapest needs a column.   Raises: SearchBound."""
    pricing = None if column is None else Pricing(product, column)
    try:
        decisions = binding(product, item.decisions)
    except DecisionsRefused:
        return _rejection(configure(product, item))
    if goal == "price" and pricing is not None:
        aim = cheapest(product, decisions, pricing)
    else:
        aim = quickest(product, decisions, pricing)
    if aim is None:
        return _rejection(configure(product, item))
    found = configure(product, item.model_copy(update={"decisions": aim.decisions}))
    if isinstance(found, RejectedItem):
        return found
    cost = None if pricing is None else pricing.at(aim.point)
    return AimedItem(
        **dict(found),
        objective=goal,
        proved=aim.proved,
        amount=pricing.amount(cost) if pricing and cost is not None else None,
        mark=pricing.mark(cost) if pricing and cost is not None else None,
        lead_days=lead_days(product, aim.point),
    )


def reached(
    product: Product, item: RequestedItem, goal: Goal, column: PriceColumn | None
) -> AimedItem:
    """Configure one item towards a goal.   Raises: ConfigurationRefused, SearchBound."""
    answer = aimed(product, item, goal, column)
    if isinstance(answer, RejectedItem):
        raise ConfigurationRefused(answer)
    return answer


def _rejection(answer: ConfiguredItem | RejectedItem) -> RejectedItem:
    if isinstance(answer, ConfiguredItem):
        raise TypeError(f"{answer.item_id} can be configured")
    return answer


def day_of(moment: datetime) -> date:
    """Return the day (UTC) whose models answer at this moment."""
    return moment.astimezone(UTC).date()
