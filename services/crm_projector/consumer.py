"""What crm_projector hears: every fact of the log, and CRMs at the door topic."""

from contracts.catalogue import FACTS
from contracts.envelope import Fact
from infra.reading import Door
from infra.wire import Arrived
from infra.work import Handler, Work
from services.crm_projector import handlers
from services.crm_projector.crm.generic import read_envelope, refusals_as_poison
from services.crm_projector.handlers import Outward, Projection


def hears(outward: Outward) -> dict[type[Fact], Handler]:
    """Return the table from fact to handler: all of them, to one."""
    return dict.fromkeys(FACTS, Projection(outward).project)


def door(topic: str) -> Door:
    """Return the door at which CRMs speak CloudEvents; a message heard twice is one command."""
    return Door(topic, _identify, _take)


def _identify(record: Arrived) -> str:
    """Return the command id of a message.   Raises: Poison, if it can not be read."""
    return read_envelope(record.headers, record.value).command_id


def _take(record: Arrived, work: Work) -> None:
    """Take in a message.   Raises: Poison, also for a refusal: it is parked and can be retried."""
    with refusals_as_poison():
        handlers.receive(read_envelope(record.headers, record.value), work)
