"""Wire crm_projector: the generic CRM, the projection of every fact, the doors."""

from pathlib import Path

from contracts.catalogue import every_fact
from infra.parts import Parts, Plumbing
from infra.service import serve
from infra.settings import Settings
from services.crm_projector import api, consumer, handlers
from services.crm_projector.crm.generic import GenericCrm

BATCH_SIZE = 50


def build(settings: Settings, plumbing: Plumbing) -> Parts:
    """Wire the service."""
    crm = GenericCrm(plumbing.verifier.only(settings.crms))
    registry = every_fact()
    outward = handlers.Outward(crm, frozenset(settings.endpoints))
    return Parts(
        name="crm_projector",
        hears=consumer.hears(outward),
        registry=registry,
        router=api.routes(plumbing, crm, registry),
        batch_size=BATCH_SIZE,
        copies=handlers.copy_raw,
        doors=(consumer.door(settings.inbound_topic),),
        migrations=Path(__file__).parent / "migrations",
        prefix="/crm",
    )


if __name__ == "__main__":
    serve("crm_projector", build)
