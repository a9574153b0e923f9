"""Which fact the pricer hears, and who answers it."""

from functools import partial

from contracts.envelope import Fact
from contracts.quote import PricingRequested
from infra.work import Handler
from services.pricer import handlers
from services.pricer.books import Shelves


def hears(shelf: Shelves) -> dict[type[Fact], Handler]:
    """Return the table of facts and handlers."""
    return {PricingRequested: partial(handlers.price_quote, shelf=shelf)}
