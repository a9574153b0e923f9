"""What each option costs if it is chosen; a page asks for it question by question."""

from fastapi import APIRouter
from starlette.responses import Response

from infra.ask import Asker
from infra.pages import form
from services.configurator.pages.addresses import Asking, everywhere
from services.configurator.pages.drawing import PRICES, GuidePages, chosen


def add(router: APIRouter, asker: Asker, drawn: GuidePages) -> None:
    """Add the routes that answer a form of the guided page with the prices of one question."""

    def show(asking: Asking) -> Response:
        """Draw the prices of the question that the form asks for.

        Raises: UnknownProduct; DecisionsRefused, if there is no such question; SearchBound.
        """
        request, setting, today = asking.request, asking.setting, asking.day
        product = drawn.catalogue.product(chosen(request, setting), today)
        decisions = drawn.filled(request, setting, product).decisions
        asked = (form(request).get(PRICES, ""), today)
        told = drawn.beside.options.told(setting, product, decisions, asked)
        return drawn.pages.show(request, "guide_prices.html", plain=False, **told)

    everywhere(router, asker, "POST", "/prices", show)
