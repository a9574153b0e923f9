"""All facts that exist, and the registry that reads every one: the projector's and the tests'."""

from contracts import approval, configuration, document, opportunity, pricing, quote
from contracts.envelope import Fact, Registry

_MODULES = (opportunity, quote, configuration, pricing, approval, document)
_BASES = {Fact, quote.QuoteFact, quote.RevisionFact}

UPCASTERS = pricing.UPCASTERS | quote.UPCASTERS

FACTS: tuple[type[Fact], ...] = tuple(
    each
    for module in _MODULES
    for each in vars(module).values()
    if isinstance(each, type)
    and issubclass(each, Fact)
    and each not in _BASES
    and each.__module__ == module.__name__
)


def every_fact() -> Registry:
    """Return a registry of every released fact with all upcasters."""
    return Registry(FACTS, UPCASTERS)
