"""Which fact the configurator hears, and who answers it."""

from functools import partial

from contracts.envelope import Fact
from contracts.quote import ConfigurationRequested
from infra.work import Handler
from services.configurator import handlers
from services.configurator.domain.products.catalogue import Catalogue


def hears(catalogue: Catalogue) -> dict[type[Fact], Handler]:
    """Return the table of facts and handlers."""
    return {ConfigurationRequested: partial(handlers.configure_quote, catalogue=catalogue)}
