"""What each option costs if it is chosen; a page asks for it question by question."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from contracts.configuration import Answer
from contracts.pricing import PricingPins
from infra.ask import Asker
from infra.pages import form
from services.configurator.domain.language.model import Attribute, MultiAttribute
from services.configurator.domain.prices.if_chosen import PricesAnswer
from services.configurator.domain.products.product import Product
from services.configurator.domain.products.wording import answer_words
from services.configurator.pages.addresses import Asking, everywhere
from services.configurator.pages.beside import pins_of
from services.configurator.pages.drawing import GuidePages, chosen
from services.configurator.pages.setting import Setting
from services.configurator.peers import PRICED_FOR, PriceContext
from services.configurator.priced import Columns, Prices, priced


def add(router: APIRouter, asker: Asker, drawn: GuidePages) -> None:
    """Add the routes that answer a form of the guided page with the prices of one question."""
    prices = _QuestionPrices(Columns(asker), drawn)

    everywhere(router, asker, "POST", "/prices", prices.show)


class _QuestionPrices:
    """Draws prices, or a sentence in their place."""

    def __init__(self, columns: Columns, drawn: GuidePages) -> None:
        self._columns = columns
        self._drawn = drawn

    def show(self, asking: Asking) -> Response:
        """Draw the prices of the question that the field `attribute` names.

        Raises: UnknownProduct; DecisionsRefused, if there is no such question; SearchBound.
        """
        request, setting, today = asking.request, asking.setting, asking.day
        name = form(request).get("attribute", "")
        product = self._drawn.catalogue.product(chosen(request, setting), today)
        filled = self._drawn.filled(request, setting, product)
        told: dict[str, Any] = {"words": "", "rows": [], "answer": None}
        column, told["words"] = self._columns.tried(product, _asked(setting), today)
        if column is not None:
            answer = priced(product, filled.decisions, column, [name])
            told |= {"rows": _rows(product, answer), "answer": answer.model_dump(mode="json")}
        return self._drawn.pages.show(request, "guide_prices.html", **told)


def _asked(setting: Setting) -> Prices:
    details = setting.deal["details"]
    pins = PricingPins.model_validate(pins_of(setting))
    return Prices(context=PriceContext(pins=pins, **{name: details[name] for name in PRICED_FOR}))


def _rows(product: Product, answer: PricesAnswer) -> list[dict[str, Any]]:
    """Return each priced option with its words; `above` the cheapest only where it is."""
    rows = []
    for each in answer.attributes:
        attribute = product.space.attributes[each.attribute]
        for option in each.options:
            told = option.model_dump(mode="json")
            told["words"] = answer_words(attribute, _one(attribute, option.option))
            told["above"] = told["above_least"] if option.above_least else None
            rows.append(told)
    return rows


def _one(attribute: Attribute, option: Answer) -> Answer | tuple[str, ...]:
    return (str(option),) if isinstance(attribute, MultiAttribute) else option
