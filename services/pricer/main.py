"""Wire the pricer: the shelf from the catalogue, the consumer, the doors."""

from contracts.envelope import Registry
from contracts.pricing import PricingFailed, QuotePriced
from contracts.quote import PricingRequested
from infra.parts import Parts, Plumbing
from infra.service import serve
from infra.settings import Settings
from services.pricer import api, books, consumer, levers_api, replay_api


def build(settings: Settings, plumbing: Plumbing) -> Parts:
    """Wire the service.   Raises: BookRefused, if the catalogue can not be used."""
    shelf = books.load(settings.catalog_dir)
    router = api.routes(plumbing, shelf)
    router.routes.extend(levers_api.routes(shelf, plumbing.asker).routes)
    router.routes.extend(replay_api.routes(plumbing, shelf).routes)
    return Parts(
        name="pricer",
        hears=consumer.hears(shelf),
        registry=Registry([PricingRequested, QuotePriced, PricingFailed]),
        router=router,
        reminders={},
        batch_size=20,
    )


if __name__ == "__main__":
    serve("pricer", build)
