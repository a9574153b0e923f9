"""Wire crm_projector: the generic CRM, the projection of every fact, the doors."""

from functools import partial
from pathlib import Path

from infra.bus import Bell
from infra.parts import Chore, Parts, Plumbing
from infra.service import serve
from infra.settings import Settings
from services.crm_projector import api, consumer, handlers
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
    return Parts(
        name="crm_projector",
        hears=consumer.hears(outward),
        registry=registry,
        router=api.routes(plumbing, crm, Generations(plumbing.pool), rebuilding.bell),
        batch_size=BATCH_SIZE,
        copies=partial(handlers.copy_raw, registry=registry),
        doors=(consumer.door(settings.inbound_topic),),
        chores={"rebuild": rebuilding},
        migrations=Path(__file__).parent / "migrations",
        prefix="/crm",
    )


if __name__ == "__main__":
    serve("crm_projector", build)
