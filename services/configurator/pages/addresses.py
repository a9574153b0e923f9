"""The three addresses at which an item is configured, for whatever is asked at each of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from infra.ask import Asker
from infra.auth import Principal
from infra.pages import credential
from infra.web import allow, cause_of
from infra.work import Cause
from services.configurator import handlers
from services.configurator.pages import setting as settings
from services.configurator.pages.setting import Setting
from services.configurator.peers import Quotes

Seller = Annotated[Principal, Depends(allow("seller", "admin"))]
Asked = Annotated[Cause, Depends(cause_of)]


@dataclass(frozen=True, slots=True)
class Asking:
    """A request at one of the addresses: who sent it, and where the item stands."""

    request: Request
    caller: Principal
    cause: Cause
    setting: Setting

    @property
    def day(self) -> date:
        """The day (UTC) whose models answer."""
        return handlers.day_of(self.cause.now)

    def at(self, setting: Setting) -> "Asking":
        """Return the same request where the item stands otherwise now."""
        return replace(self, setting=setting)


Answer = Callable[[Asking], Response]


def everywhere(router: APIRouter, asker: Asker, method: str, below: str, answer: Answer) -> None:
    """Add a route `below` each address; what an item stands in is asked in its reader's name."""

    @router.api_route(f"/deals/{{deal_id}}/new{below}", methods=[method])
    def first(deal_id: UUID, request: Request, caller: Seller, asked: Asked) -> Response:
        """Answer for the first item of a new quote."""
        found = settings.of_deal(quotes(asker, request), deal_id)
        return answer(Asking(request, caller, asked, found))

    @router.api_route(f"/quotes/{{quote}}/new{below}", methods=[method])
    def further(quote: str, request: Request, caller: Seller, asked: Asked) -> Response:
        """Answer for one more item of a quote."""
        found = settings.of_quote(quotes(asker, request), quote)
        return answer(Asking(request, caller, asked, found))

    @router.api_route(f"/quotes/{{quote}}/items/{{item_id}}{below}", methods=[method])
    def item(quote: str, item_id: str, request: Request, caller: Seller, asked: Asked) -> Response:
        """Answer for an item of a quote."""
        found = settings.of_item(quotes(asker, request), quote, item_id)
        return answer(Asking(request, caller, asked, found))


def quotes(asker: Asker, request: Request) -> Quotes:
    """Return quotes as this reader may ask it."""
    return Quotes(asker, credential(request))
