"""The pages of quotes: a quote for those who work on it, an offer for its customer."""

from fastapi import APIRouter

from infra.live import Live
from infra.pages import Pages
from infra.work import Commands
from services.quotes.api.doorway import Doorway
from services.quotes.pages import moving, offers, pricing
from services.quotes.pages.drawing import QuotePages

__all__ = ["routes"]


def routes(commands: Commands, doorway: Doorway, pages: Pages, live: Live) -> APIRouter:
    """Return the routes of all pages; they come before the JSON routes of the same addresses."""
    router = APIRouter()
    drawn = QuotePages(commands, doorway, pages, live)
    for each in (
        offers.routes(commands, doorway, pages, live),
        moving.routes(commands, doorway, drawn),
        pricing.routes(commands, doorway, pages, live),
    ):
        router.routes.extend(each.routes)
    return router
