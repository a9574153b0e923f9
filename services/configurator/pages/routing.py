"""Routes of the guided page: look, see what follows, put into the quote, remove, put back."""

import re
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from contracts import places
from contracts.configuration import RequestedItem
from contracts.errors import Conflict, Forbidden, QuotewrightError, Refused, Unavailable
from contracts.pricing import DiscountAsk
from infra.ask import Asker
from infra.auth import Principal
from infra.pages import FormInvalid, Pages, credential, follows, form, page_router, see
from infra.web import allow, cause_of
from infra.work import Cause
from services.configurator import handlers
from services.configurator.domain.products.catalogue import Catalogue
from services.configurator.domain.products.product import Product
from services.configurator.pages import listing, pricing
from services.configurator.pages import setting as settings
from services.configurator.pages.beside import Beside
from services.configurator.pages.drawing import GuidePages, chosen
from services.configurator.pages.resuming import Resuming
from services.configurator.pages.setting import NoSuchItem, Setting
from services.configurator.peers import Json, Quotes
from services.configurator.sessions import Sessions

Seller = Annotated[Principal, Depends(allow("seller", "admin"))]
Asked = Annotated[Cause, Depends(cause_of)]
ONCE = re.compile(r"[A-Za-z0-9-]{8,64}")
SAID = (Refused, Conflict, Unavailable, Forbidden)
_ITEM = TypeAdapter(RequestedItem)
_DISCOUNTS = TypeAdapter(tuple[DiscountAsk, ...])


class LastItem(Refused):
    """A quote keeps at least one item."""

    code = "configuration.last_item"


class NothingToPutBack(Refused):
    """The form does not hold an item that was removed."""

    code = "configuration.nothing_to_put_back"


def routes(asker: Asker, catalogue: Catalogue, pages: Pages, sessions: Sessions) -> APIRouter:
    """Return the routes of the guided page."""
    router = page_router("/configurator")
    drawn = GuidePages(pages, catalogue, Beside(asker, catalogue))
    desk = _Desk(asker, drawn, Resuming(sessions))
    _new(router, desk)
    _existing(router, desk)
    _removing(router, desk)
    pricing.add(router, asker, drawn)
    router.routes.extend(listing.routes(pages, catalogue, sessions).routes)
    return router


def _new(router: APIRouter, desk: "_Desk") -> None:
    @router.get("/deals/{deal_id}/new")
    def first(deal_id: UUID, request: Request, caller: Seller) -> Response:
        """Begin the first item of a new quote."""
        return desk.show(request, settings.of_deal(desk.quotes(request), deal_id), caller)

    @router.post("/deals/{deal_id}/new")
    def first_told(deal_id: UUID, request: Request, caller: Seller, asked: Asked) -> Response:
        """Show what follows from the answers, or put the item into a new quote."""
        return desk.take(request, settings.of_deal(desk.quotes(request), deal_id), caller, asked)

    @router.get("/quotes/{quote}/new")
    def further(quote: str, request: Request, caller: Seller) -> Response:
        """Begin one more item of a quote."""
        return desk.show(request, settings.of_quote(desk.quotes(request), quote), caller)

    @router.post("/quotes/{quote}/new")
    def further_told(quote: str, request: Request, caller: Seller, asked: Asked) -> Response:
        """Show what follows from the answers, or put one more item into the quote."""
        return desk.take(request, settings.of_quote(desk.quotes(request), quote), caller, asked)


def _existing(router: APIRouter, desk: "_Desk") -> None:
    @router.get("/quotes/{quote}/items/{item_id}")
    def item(quote: str, item_id: str, request: Request, caller: Seller) -> Response:
        """Open an item of a quote."""
        found = settings.of_item(desk.quotes(request), quote, item_id)
        return desk.show(request, found, caller)

    @router.post("/quotes/{quote}/items/{item_id}")
    def item_told(
        quote: str, item_id: str, request: Request, caller: Seller, asked: Asked
    ) -> Response:
        """Show what follows from the answers, or put the item back as it is now."""
        found = settings.of_item(desk.quotes(request), quote, item_id)
        return desk.take(request, found, caller, asked)


def _removing(router: APIRouter, desk: "_Desk") -> None:
    @router.post("/quotes/{quote}/items/{item_id}/remove")
    def remove(quote: str, item_id: str, request: Request, _caller: Seller) -> Response:
        """Take an item out of its quote, and offer to put it back."""
        try:
            found = settings.of_item(desk.quotes(request), quote, item_id)
        except NoSuchItem:  # gone already: the button was pressed twice
            return see(places.quote(quote))
        return desk.remove(request, found)

    @router.post("/quotes/{quote}/items")
    def put_back(quote: str, request: Request, _caller: Seller) -> Response:
        """Put an item back that was removed."""
        return desk.put_back(request, settings.of_quote(desk.quotes(request), quote))


class _Desk:
    """Takes what the forms say to quotes, in the name of who sent them."""

    def __init__(self, asker: Asker, drawn: GuidePages, resuming: Resuming) -> None:
        self._asker = asker
        self._drawn = drawn
        self._resuming = resuming

    def quotes(self, request: Request) -> Quotes:
        """Return quotes as this reader may ask it."""
        return Quotes(self._asker, credential(request))

    def show(self, request: Request, setting: Setting, caller: Principal) -> Response:
        """Draw the page, going on from a session if the address names one."""
        if setting.closed() is None:
            name = chosen(request, setting)
            product = self._product(request, name) if name else None
            wanted = request.query_params.get("session", "")
            setting = self._resuming.opened(setting, product, caller.actor, wanted)
        return self._drawn.show(request, setting, caller)

    def take(self, request: Request, setting: Setting, caller: Principal, cause: Cause) -> Response:
        """Put the item into the quote if that is what the form wants; else show what follows."""
        intent = form(request).get("intent")
        name = chosen(request, setting)
        if not name or setting.closed():
            return self._drawn.show(request, setting, caller)
        filled = self._drawn.filled(request, setting, self._product(request, name))
        setting = self._resuming.followed(setting, filled, cause, form(request))
        if intent not in {"save", "submit"}:
            return self._going_on(request, setting, caller, name)
        kept = setting.kept
        try:
            body = self._edit(request, setting, name)
            number = setting.number
            if number is None:
                drafted = self.quotes(request).draft(setting.deal["deal_id"], _key(request, "new"))
                # What follows may fail; then the answers go on standing in the quote there is now.
                setting = settings.of_quote(self.quotes(request), drafted["number"])
            self._put(request, setting, {**body, "submit": intent == "submit"})
        except SAID as fault:
            newest = replace(self._newest(request, setting, fault), kept=kept)
            return self._drawn.show(request, newest, caller, fault)
        self._resuming.submitted(kept, str(setting.number), setting.item_id(name), cause)
        return see(places.quote(str(setting.number)))

    def remove(self, request: Request, setting: Setting) -> Response:
        """Take the item out, and show it once more with the way back."""
        body, item = setting.without_item(), setting.item
        if item is None or not body["items"]:
            raise LastItem(
                f"{setting.number} would be empty; change this item, or withdraw the quote"
            )
        self._put(request, setting, body)
        at = [each.item_id for each in setting.items].index(item.item_id)
        gone = [each for each in setting.discounts if each.item_id == item.item_id]
        told: dict[str, Any] = {
            "setting": setting,
            "item": item,
            "item_json": item.model_dump_json(),
            "discounts_json": _DISCOUNTS.dump_json(tuple(gone)).decode(),
            "at": at,
        }
        return self._drawn.pages.show(request, "removed.html", **told)

    def put_back(self, request: Request, setting: Setting) -> Response:
        """Put the item back where it stood; done already, it changes nothing."""
        given = form(request)
        try:
            item = _ITEM.validate_json(given.get("item", ""))
            own = _DISCOUNTS.validate_json(given.get("discounts", "[]"))
            at = int(given.get("at", "0")[:4] or 0)
        except ValueError:
            raise NothingToPutBack("go back, and remove the item once more") from None
        self._drawn.catalogue.product(item.product, handlers.day_of(request.app.state.clock()))
        if item.item_id not in {each.item_id for each in setting.items}:
            items = list(setting.items)
            items.insert(at, item)
            body = settings.edit(items, [*setting.discounts, *own])
            self._put(request, setting, body, setting.etag)
        return see(places.quote(str(setting.number)))

    # ---- inside

    def _going_on(
        self, request: Request, setting: Setting, caller: Principal, product: str
    ) -> Response:
        """Show what follows, at an address that a reload goes on from."""
        answer = self._drawn.show(request, setting, caller)
        if follows(request) and (session := setting.kept.session) is not None:
            here = places.resumed(setting.here, product, session.head.session_id)
            answer.headers["hx-replace-url"] = here
        return answer

    def _product(self, request: Request, name: str) -> Product:
        day = handlers.day_of(request.app.state.clock())
        return self._drawn.catalogue.product(name, day)

    def _edit(self, request: Request, setting: Setting, name: str) -> Json:
        """Return the edit of the quote that the form makes.

        Raises: FormInvalid, ConfigurationRefused, UnknownProduct.
        """
        day = handlers.day_of(request.app.state.clock())
        product = self._product(request, name)
        filled = self._drawn.filled(request, setting, product)
        item_id = setting.item_id(name)
        item = filled.item(item_id)
        discount = filled.about.discount(item_id, filled.errors)
        if item is None or filled.errors:
            raise FormInvalid(filled.errors)
        handlers.completed(self._drawn.catalogue, item, day)
        return setting.with_item(item, discount)

    def _put(self, request: Request, setting: Setting, body: Json, seen: str | None = None) -> None:
        quotes, number = self.quotes(request), str(setting.number)
        etag = seen or form(request).get("etag") or setting.etag
        quotes.edit(number, body, etag, _key(request, "edit"))
        quotes.settled(number)

    def _newest(self, request: Request, setting: Setting, fault: QuotewrightError) -> Setting:
        """Return the setting as it is now, if it was another one that the form was sent for."""
        if not isinstance(fault, Conflict) or setting.number is None:
            return setting
        if setting.item:
            return settings.of_item(self.quotes(request), setting.number, setting.item.item_id)
        return settings.of_quote(self.quotes(request), setting.number)


def _key(request: Request, what: str) -> str:
    """Return the key under which quotes does this once, however often the form is sent."""
    once = form(request).get("once", "")
    return f"{once if ONCE.fullmatch(once) else request.app.state.new_id()}.{what}"
