"""Wire the pricer: the shelf from the catalogue, the consumer, the doors."""

from contracts.envelope import Registry
from contracts.pricing import PricingFailed, QuotePriced
from contracts.quote import PricingRequested
from infra.parts import Parts
from infra.service import serve
from infra.settings import Settings
from infra.work import Commands
from services.pricer import api, books, consumer


def build(settings: Settings, commands: Commands) -> Parts:
    """Wire the service.   Raises: BookRefused, if the catalogue can not be used."""
    shelf = books.load(settings.catalog_dir)
    return Parts(
        name="pricer",
        hears=consumer.hears(shelf),
        registry=Registry([PricingRequested, QuotePriced, PricingFailed]),
        router=api.routes(commands, shelf),
        reminders={},
        batch_size=20,
    )


if __name__ == "__main__":
    serve("pricer", build)
