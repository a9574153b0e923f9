"""What each answer to a question costs if it is chosen, as the page says it."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from contracts.configuration import Answer, Decision
from contracts.pricing import PricingPins
from infra.ask import Asker
from services.configurator.domain.language.model import Attribute, MultiAttribute
from services.configurator.domain.prices.if_chosen import PricesAnswer
from services.configurator.domain.products.product import Product
from services.configurator.domain.products.wording import answer_words
from services.configurator.pages.setting import Setting
from services.configurator.peers import PRICED_FOR, PriceContext
from services.configurator.priced import Columns, Prices, priced


class OptionPrices:
    """Prices the answers of one question."""

    def __init__(self, asker: Asker) -> None:
        self._columns = Columns(asker)

    def told(
        self,
        setting: Setting,
        product: Product,
        decisions: Sequence[Decision],
        asked: tuple[str, date],
    ) -> dict[str, Any]:
        """Return the prices for the page, or a sentence in their place.

        `asked`: the question's id, and the day.   Raises: DecisionsRefused, if there is no such
        question; SearchBound.
        """
        name, today = asked
        column, words = self._columns.tried(product, _asked(setting), today)
        if column is None:
            return {"words": words, "rows": [], "answer": None}
        answer = priced(product, decisions, column, [name])
        return {
            "words": "",
            "rows": _rows(product, answer),
            "answer": answer.model_dump(mode="json"),
        }


def _asked(setting: Setting) -> Prices:
    details = setting.deal["details"]
    pins = PricingPins.model_validate(setting.pins)
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
