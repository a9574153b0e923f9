"""Wire the pricer: the library of price books, the consumer, the doors."""

from pathlib import Path

from fastapi import APIRouter

from contracts import places
from contracts.envelope import Registry
from contracts.pricing import PricingFailed, QuotePriced
from contracts.quote import PricingRequested
from infra.pages import Link, Menu, Pages
from infra.parts import Parts, Plumbing
from infra.service import serve
from infra.settings import Settings
from services.pricer import (
    api,
    authoring_api,
    books,
    consumer,
    importing_api,
    levers_api,
    pages,
    replay_api,
)
from services.pricer.authoring import Author
from services.pricer.library import Library


def build(settings: Settings, plumbing: Plumbing) -> Parts:
    """Wire the service.   Raises: BookRefused, if the catalogue can not be used."""
    library = Library(plumbing, books.load(settings.catalog_dir))
    author = Author(plumbing, library)
    face = Pages(
        prefix="/pricer",
        menu=Menu(tuple(Link(*each) for each in places.MENU), places.SIGN_IN, places.SIGN_OUT),
        templates=Path(__file__).parent / "templates",
        globals_={"places": places},
    )
    router = APIRouter()
    for each in (
        pages.routes(author, library, face),
        api.routes(plumbing, library),
        authoring_api.routes(author, library),
        importing_api.routes(author, library),
        levers_api.routes(library, plumbing.asker),
        replay_api.routes(plumbing, library),
    ):
        router.routes.extend(each.routes)
    return Parts(
        name="pricer",
        hears=consumer.hears(library),
        registry=Registry([PricingRequested, QuotePriced, PricingFailed]),
        router=router,
        face=face,
        reminders={},
        batch_size=20,
        migrations=Path(__file__).parent / "migrations",
    )


if __name__ == "__main__":
    serve("pricer", build)
