"""Wire the configurator: the catalogue of models, the consumer, the doors."""

from contracts.configuration import ConfigurationRejected, ConfigurationValidated
from contracts.envelope import Registry
from contracts.quote import ConfigurationRequested
from infra.parts import Parts
from infra.service import serve
from infra.settings import Settings
from infra.work import Commands
from services.configurator import api, consumer, shelf

FACTS = (ConfigurationRequested, ConfigurationValidated, ConfigurationRejected)


def build(settings: Settings, commands: Commands) -> Parts:
    """Wire the service.   Raises: ModelRefused, if a product model does not pass the lint."""
    catalogue = shelf.load(settings.catalog_dir)
    return Parts(
        name="configurator",
        hears=consumer.hears(catalogue),
        registry=Registry(FACTS),
        router=api.routes(commands, catalogue),
        reminders={},
        batch_size=20,
    )


if __name__ == "__main__":
    serve("configurator", build)
