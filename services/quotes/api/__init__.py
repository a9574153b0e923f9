"""The HTTP door of quotes: routes of sellers, and of customers who hold a capability link."""

from fastapi import APIRouter

from infra.work import Commands
from services.quotes.api import customers, levers, reading, sellers
from services.quotes.api.doorway import Doorway

__all__ = ["Doorway", "routes"]


def routes(commands: Commands, doorway: Doorway) -> APIRouter:
    """Return all routes of quotes; each declares exactly one policy."""
    router = APIRouter()
    for each in (customers, levers, reading, sellers):
        router.routes.extend(each.routes(commands, doorway).routes)
    return router
