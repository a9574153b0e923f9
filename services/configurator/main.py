"""Wire the configurator: the catalogue of models, the consumer, the doors, the guided page."""

from pathlib import Path

from fastapi import APIRouter

from contracts import places
from contracts.configuration import ConfigurationRejected, ConfigurationValidated
from contracts.envelope import Registry
from contracts.quote import ConfigurationRequested
from infra.pages import Link, Menu, Pages
from infra.parts import Parts, Plumbing
from infra.service import serve
from infra.settings import Settings
from services.configurator import (
    api,
    consumer,
    counts,
    pages,
    picture_api,
    pictures,
    session_api,
    shelf,
)
from services.configurator.counter import Counter
from services.configurator.keeping import Keeper
from services.configurator.sessions import Sessions

FACTS = (ConfigurationRequested, ConfigurationValidated, ConfigurationRejected)
TEMPLATES = Path(__file__).parent / "templates"


def build(settings: Settings, plumbing: Plumbing) -> Parts:
    """Wire the service.   Raises: ModelRefused, if a product model or a picture has faults."""
    catalogue = shelf.load(settings.catalog_dir, Keeper(settings.local_dir / "models"))
    drawn = pictures.load(settings.catalog_dir, catalogue)
    face = Pages(
        prefix="/configurator",
        menu=Menu(tuple(Link(*each) for each in places.MENU), places.SIGN_IN, places.SIGN_OUT),
        templates=TEMPLATES,
        globals_={"places": places, "picture_at": drawn.at},
    )
    router = APIRouter()
    asker = plumbing.asker
    counter = Counter(settings.local_dir / "circuits", clock=plumbing.clock)
    for each in (
        pages.routes(asker, catalogue, face, Sessions(plumbing), counter),
        session_api.routes(plumbing, catalogue, asker),
        api.routes(plumbing, catalogue, asker, drawn),
        picture_api.routes(drawn),
        counts.routes(catalogue, counter),
    ):
        router.routes.extend(each.routes)
    return Parts(
        name="configurator",
        hears=consumer.hears(catalogue),
        registry=Registry(FACTS),
        router=router,
        face=face,
        reminders={},
        batch_size=20,
        migrations=Path(__file__).parent / "migrations",
    )


if __name__ == "__main__":
    serve("configurator", build)
