"""The one place that knows all six services: their builders."""

from collections.abc import Mapping

from infra.parts import Builder
from services.approvals import main as approvals
from services.configurator import main as configurator
from services.crm_projector import main as crm_projector
from services.documents import main as documents
from services.pricer import main as pricer
from services.quotes import main as quotes

BUILDERS: Mapping[str, Builder] = {
    "crm_projector": crm_projector.build,
    "quotes": quotes.build,
    "configurator": configurator.build,
    "pricer": pricer.build,
    "approvals": approvals.build,
    "documents": documents.build,
}
