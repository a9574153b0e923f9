"""Wire crm_projector: the generic CRM, the projection of every fact, the doors."""

from functools import partial
from pathlib import Path

from fastapi import APIRouter

from contracts import places
from infra.bus import Bell
from infra.live import Changes, Live
from infra.pages import Link, Menu, Pages
from infra.parts import Chore, Parts, Plumbing
from infra.service import serve
from infra.settings import Settings
from services.crm_projector import api, consumer, handlers, pages, words
from services.crm_projector.crm.generic import GenericCrm
from services.crm_projector.lean import LeanRegistry
from services.crm_projector.rebuild import Rebuilding
from services.crm_projector.switching import Generations

# A batch writes each of its deals once, so a large one costs little more than a small one.
BATCH_SIZE = 500


def build(settings: Settings, plumbing: Plumbing) -> Parts:
    """Wire the service."""
    crm = GenericCrm(plumbing.verifier.only(settings.crms))
    registry = LeanRegistry()
    outward = handlers.Outward(crm, frozenset(settings.endpoints))
    rebuilding = Chore(Rebuilding(plumbing.pool, registry).step, Bell())
    face = Pages(
        prefix="/crm",
        menu=Menu(tuple(Link(*each) for each in places.MENU), places.SIGN_IN, places.SIGN_OUT),
        templates=Path(__file__).parent / "templates",
        globals_={"places": places, "words": words},
    )
    live = Live(Changes(plumbing.pool, "fact_log", "seq").look)
    router = APIRouter()
    for each in (
        pages.routes(plumbing, face, live),
        api.routes(plumbing, crm, Generations(plumbing.pool), rebuilding.bell),
    ):
        router.routes.extend(each.routes)
    return Parts(
        name="crm_projector",
        hears=consumer.hears(outward),
        registry=registry,
        router=router,
        face=face,
        close=live.close,
        batch_size=BATCH_SIZE,
        copies=partial(handlers.copy_raw, registry=registry),
        doors=(consumer.door(settings.inbound_topic),),
        chores={"rebuild": rebuilding},
        migrations=Path(__file__).parent / "migrations",
        prefix="/crm",
    )


if __name__ == "__main__":
    serve("crm_projector", build)
