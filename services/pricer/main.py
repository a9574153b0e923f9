"""Wire the pricer: the library of price books, the consumer, the doors."""

from functools import partial
from pathlib import Path

from fastapi import APIRouter

from contracts import places
from contracts.charges import say_charge
from contracts.envelope import Registry
from contracts.pricing import UPCASTERS, PricingFailed, QuotePriced
from contracts.quote import PricingRequested
from infra.bus import Bell
from infra.live import Live
from infra.pages import Link, Menu, Pages
from infra.parts import Chore, Parts, Plumbing
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
    selling_units,
    what_if_api,
)
from services.pricer.asks import Asks
from services.pricer.authoring import Author
from services.pricer.library import Library
from services.pricer.pages import what_ifs as what_if_pages
from services.pricer.tries import Tries
from services.pricer.trying import Trying
from services.pricer.what_if_api import WhatIfDesk
from services.pricer.what_ifs import Changed, Progress, WhatIfs


def build(settings: Settings, plumbing: Plumbing) -> Parts:
    """Wire.   Raises: BookRefused, BadSellingUnits, if the catalogue can not be used."""
    library = Library(plumbing, books.load(settings.catalog_dir))
    author = Author(plumbing, library)
    bell = Bell()
    asks = Asks(plumbing)
    what_ifs = WhatIfs(plumbing, asks)
    desk = WhatIfDesk(what_ifs, asks, library, bell)
    trying = Trying(asks, Progress(plumbing.pool), library, plumbing.asker)
    live = Live(Changed(plumbing).look)
    face = Pages(
        prefix="/pricer",
        menu=Menu(tuple(Link(*each) for each in places.MENU), places.SIGN_IN, places.SIGN_OUT),
        templates=Path(__file__).parent / "templates",
        globals_={"places": places, "say_charge": say_charge},
    )
    router = APIRouter()
    for each in (
        what_if_pages.routes(desk, face, live),
        pages.routes(author, library, Tries(plumbing, what_ifs), face),
        api.routes(plumbing, library),
        authoring_api.routes(author, library),
        importing_api.routes(author, library),
        what_if_api.routes(desk),
        levers_api.routes(library, plumbing.asker, selling_units.load(settings.catalog_dir)),
        replay_api.routes(plumbing, library),
    ):
        router.routes.extend(each.routes)
    return Parts(
        name="pricer",
        hears=consumer.hears(library),
        registry=Registry([PricingRequested, QuotePriced, PricingFailed], UPCASTERS),
        router=router,
        reminders={},
        batch_size=20,
        chores={"what-ifs": Chore(trying.step, bell)},
        face=face,
        close=partial(_close, trying, live),
        migrations=Path(__file__).parent / "migrations",
    )


def _close(trying: Trying, live: Live) -> None:
    trying.close()
    live.close()


if __name__ == "__main__":
    serve("pricer", build)
