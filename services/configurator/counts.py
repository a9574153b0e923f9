"""The door that counts: how many valid configurations remain. Makes no facts."""

from fastapi import APIRouter

from contracts.values import Pin, Value
from services.configurator import handlers
from services.configurator.api import Asked, Caller, OptionsAsk
from services.configurator.counter import Counter
from services.configurator.domain.answers.counting import Remaining
from services.configurator.domain.products.catalogue import Catalogue
from services.configurator.domain.products.decisions import binding


class CountAnswer(Value):
    """How many valid configurations remain after these decisions, under which model."""

    model: Pin
    remaining: Remaining


def routes(catalogue: Catalogue, counter: Counter) -> APIRouter:
    """Return the route beside those of `api`; the first count of a model takes seconds."""
    router = APIRouter(prefix="/configurator")

    @router.post("/products/{product}/count")
    def count(product: str, ask: OptionsAsk, _caller: Caller, asked: Asked) -> CountAnswer:
        """Say how many configurations remain; budgets and rules it names are not looked at."""
        found = catalogue.product(product, handlers.day_of(asked.now))
        remaining = counter.remaining(found, binding(found, ask.decisions))
        return CountAnswer(model=found.pin, remaining=remaining)

    return router
