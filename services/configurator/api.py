"""The doors of the configurator: products, questions, options, prices, a trial. Makes no facts."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from contracts.configuration import Answer, ConfiguredItem, Decision, RequestedItem
from contracts.pricing import PriceColumn
from contracts.values import Day, Pin, Quantity, Value
from infra.ask import Asker
from infra.web import Principal, allow, cause_of
from infra.work import Cause, Commands
from services.configurator import handlers
from services.configurator.domain.answers.hashing import ProvedOptions, proved
from services.configurator.domain.language.dating import requirements
from services.configurator.domain.language.model import Attribute, Group
from services.configurator.domain.prices.aiming import Goal
from services.configurator.domain.prices.if_chosen import PricesAnswer
from services.configurator.domain.prices.pricing import Pricing
from services.configurator.domain.prices.reasons import Why, why
from services.configurator.domain.products.catalogue import Catalogue
from services.configurator.domain.products.decisions import DECISIONS_MAX, binding
from services.configurator.domain.products.product import Product
from services.configurator.handlers import AimedItem
from services.configurator.pictures import Pictures, ShownPicture
from services.configurator.priced import Columns, Prices, PricesAsk, priced

Caller = Annotated[Principal, Depends(allow("seller", "approver", "manager", "admin", "service"))]
Asked = Annotated[Cause, Depends(cause_of)]
Decisions = Annotated[tuple[Decision, ...], Field(max_length=DECISIONS_MAX)]


class OptionsAsk(Value):
    """The decisions so far; answers of the model itself (`default`, `rule`) do not bind."""

    decisions: Decisions


class PriceOptionsAsk(PricesAsk):
    """The decisions so far, the questions to price, and where prices come from."""

    decisions: Decisions


class ExplainAsk(Prices):
    """An option that somebody wants to choose after these decisions; of a multi-choice, one id.

    With prices, the repairs of the same size and weight come cheapest first.
    """

    decisions: Decisions
    attribute: str = Field(min_length=1, max_length=100)
    option: Answer


class CompleteAsk(Prices):
    """One item to configure, as it would stand in a quote; towards what, if not preference."""

    item_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")
    quantity: Quantity
    decisions: Decisions
    label: str | None = Field(default=None, max_length=200)
    objective: Goal = "preference"


class ProductSummary(Value):
    """A product that can be quoted, with the version of its model in force."""

    product: str
    name: str
    description: str
    effective: Day
    model: Pin


class RuleWords(Value):
    """A rule, table or budget, by id, with its owner and its words."""

    id: str
    owner: str
    message: str


class ProductQuestions(ProductSummary):
    """Everything to ask about a product: steps, questions, options, pictures; rules in words."""

    quantity_max: int
    groups: tuple[Group, ...]
    attributes: tuple[Attribute, ...]
    rules: tuple[RuleWords, ...]
    pictures: tuple[ShownPicture, ...]


def routes(
    commands: Commands, catalogue: Catalogue, asker: Asker, pictures: Pictures | None = None
) -> APIRouter:
    """Return the routes below /configurator; they ask the models and write nothing."""
    del commands  # stateless: every answer comes from the models
    router = APIRouter(prefix="/configurator")
    columns = Columns(asker)
    drawn = pictures or Pictures()

    @router.get("/products")
    def products(_caller: Caller, asked: Asked) -> list[ProductSummary]:
        """List the products that can be quoted today."""
        found = catalogue.products(handlers.day_of(asked.now))
        return [ProductSummary(**_summary(each)) for each in found[:200]]

    @router.get("/products/{product}")
    def product(product: str, _caller: Caller, asked: Asked) -> ProductQuestions:
        """Return the questions and options of a product."""
        found = catalogue.product(product, handlers.day_of(asked.now))
        return _questions(found, drawn.of(found))

    @router.post("/products/{product}/options")
    def judge(product: str, ask: OptionsAsk, _caller: Caller, asked: Asked) -> ProvedOptions:
        """Say after these decisions which options are selectable, and why the others are not."""
        found = catalogue.product(product, handlers.day_of(asked.now))
        return proved(found, binding(found, ask.decisions))

    @router.post("/products/{product}/explain")
    def explain(product: str, ask: ExplainAsk, _caller: Caller, asked: Asked) -> Why:
        """Say why an option can not be chosen, up to three times, and what to give up for it."""
        today = handlers.day_of(asked.now)
        found = catalogue.product(product, today)
        decisions = binding(found, ask.decisions)
        column, words = columns.tried(found, ask, today)
        pricing = Pricing(found, column) if column else None
        answer = why(found, decisions, ask.attribute, ask.option, pricing)
        return answer.but({"prices": words})

    @router.post("/products/{product}/complete")
    def complete(
        product: str, ask: CompleteAsk, _caller: Caller, asked: Asked
    ) -> AimedItem | ConfiguredItem:
        """Complete the decisions to a valid configuration, or say what is in the way."""
        today = handlers.day_of(asked.now)
        given = {name: value for name, value in ask if name in RequestedItem.model_fields}
        item = RequestedItem(product=product[:100], **given)
        if ask.objective == "preference":
            return handlers.completed(catalogue, item, today)
        found = catalogue.product(product, today)
        if ask.objective == "price":
            column: PriceColumn | None = columns.needed(found, ask, today)
        else:
            column, _ = columns.tried(found, ask, today)
        return handlers.reached(found, item, ask.objective, column)

    @router.post("/products/{product}/prices")
    def prices(product: str, ask: PriceOptionsAsk, _caller: Caller, asked: Asked) -> PricesAnswer:
        """Say what one item costs at least if an option is chosen, for each of these questions."""
        today = handlers.day_of(asked.now)
        found = catalogue.product(product, today)
        column = columns.needed(found, ask, today)
        return priced(found, ask.decisions, column, ask.attributes)

    return router


def _summary(product: Product) -> dict[str, Any]:
    model = product.model
    return {
        "product": model.id,
        "name": model.name,
        "description": model.description,
        "effective": model.effective,
        "model": product.pin,
    }


def _questions(product: Product, pictures: tuple[ShownPicture, ...] = ()) -> ProductQuestions:
    model = product.model
    rules = requirements(product.written)
    return ProductQuestions(
        **_summary(product),
        quantity_max=model.quantity_max,
        groups=model.groups,
        attributes=model.attributes,
        rules=tuple(RuleWords(id=r.id, owner=r.owner, message=r.message) for r in rules),
        pictures=pictures,
    )
