"""Which fact documents hears, and who answers it."""

from functools import partial

from contracts.envelope import Fact
from contracts.quote import DocumentRequested
from infra.work import Handler
from services.documents import handlers
from services.documents.brands import Stationery
from services.documents.render import Renderer


def hears(stationery: Stationery, renderer: Renderer) -> dict[type[Fact], Handler]:
    """Return the table of facts and handlers."""
    answer = partial(handlers.render_document, stationery=stationery, renderer=renderer)
    return {DocumentRequested: answer}
