"""Routes of the guided page: look, see what follows, put into the quote, remove, put back."""

import re
from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from contracts import places
from contracts.configuration import RequestedItem
from contracts.errors import Conflict, Forbidden, QuotewrightError, Refused, Unavailable
from contracts.pricing import DiscountAsk
from infra.ask import Asker
from infra.pages import FormInvalid, Pages, follows, form, page_router, see
from services.configurator import handlers
from services.configurator.counter import Counter
from services.configurator.domain.products.catalogue import Catalogue
from services.configurator.pages import listing, pricing
from services.configurator.pages import setting as settings
from services.configurator.pages.addresses import Asked, Asking, Seller, everywhere, quotes
from services.configurator.pages.beside import Beside
from services.configurator.pages.drawing import Filled, GuidePages, chosen
from services.configurator.pages.resuming import Resuming
from services.configurator.pages.setting import NoSuchItem, Setting
from services.configurator.peers import Json, Quotes
from services.configurator.sessions import Sessions

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


def routes(
    asker: Asker, catalogue: Catalogue, pages: Pages, sessions: Sessions, counter: Counter
) -> APIRouter:
    """Return the routes of the guided page."""
    router = page_router("/configurator")
    drawn = GuidePages(pages, catalogue, Beside(asker, catalogue), counter)
    desk = _Desk(asker, drawn, Resuming(sessions, catalogue))
    everywhere(router, asker, "GET", "", desk.show)
    everywhere(router, asker, "POST", "", desk.take)
    _removing(router, asker, desk)
    pricing.add(router, asker, drawn)
    router.routes.extend(listing.routes(pages, catalogue, sessions).routes)
    return router


def _removing(router: APIRouter, asker: Asker, desk: "_Desk") -> None:
    @router.post("/quotes/{quote}/items/{item_id}/remove")
    def remove(
        quote: str, item_id: str, request: Request, caller: Seller, asked: Asked
    ) -> Response:
        """Take an item out of its quote, and offer to put it back."""
        try:
            found = settings.of_item(quotes(asker, request), quote, item_id)
        except NoSuchItem:  # gone already: the button was pressed twice
            return see(places.quote(quote))
        return desk.remove(Asking(request, caller, asked, found))

    @router.post("/quotes/{quote}/items")
    def put_back(quote: str, request: Request, caller: Seller, asked: Asked) -> Response:
        """Put an item back that was removed."""
        found = settings.of_quote(quotes(asker, request), quote)
        return desk.put_back(Asking(request, caller, asked, found))


class _Desk:
    """Takes what the forms say to quotes, in the name of who sent them."""

    def __init__(self, asker: Asker, drawn: GuidePages, resuming: Resuming) -> None:
        self._asker = asker
        self._drawn = drawn
        self._resuming = resuming

    def show(self, asking: Asking) -> Response:
        """Draw the page, going on from a session if the address names one."""
        request, setting = asking.request, asking.setting
        if setting.closed() is None:
            name = chosen(request, setting)
            product = self._drawn.catalogue.product(name, asking.day) if name else None
            wanted = request.query_params.get("session", "")
            asking = asking.at(self._resuming.opened(asking, product, wanted))
        return self._drawn.show(asking)

    def take(self, asking: Asking) -> Response:
        """Put the item into the quote if that is what the form wants; else show what follows."""
        request, setting = asking.request, asking.setting
        name = chosen(request, setting)
        if not name or setting.closed():
            return self._drawn.show(asking)
        today = self._drawn.catalogue.product(name, asking.day)
        read = partial(self._drawn.filled, request, setting)
        filled, kept = self._resuming.followed(asking, today, read)
        twice = self._resuming.put_already(asking, kept)
        asking = asking.at(replace(setting, kept=kept))
        if kept.newer or form(request).get("intent") not in {"save", "submit"}:
            if twice is not None and not kept.words:
                kept = replace(kept, words=f"{twice.message}.")
            return self._going_on(asking.at(replace(setting, kept=kept)), filled)
        if twice is not None:
            return self._drawn.show(asking, twice)
        try:
            body = self._edit(asking, filled)
            if setting.number is None:
                asked = self._quotes(asking)
                drafted = asked.draft(setting.deal["deal_id"], _key(request, "new"))
                # What follows may fail; then the answers go on standing in the quote there is now.
                setting = settings.of_quote(asked, drafted["number"])
            self._put(asking.at(setting), {**body, "submit": form(request)["intent"] == "submit"})
        except SAID as fault:
            newest = self._newest(asking.at(setting), fault)
            return self._drawn.show(asking.at(replace(newest, kept=kept)), fault)
        number = str(setting.number)
        self._resuming.submitted(kept, number, setting.item_id(name), asking.cause)
        return see(places.quote(number))

    def remove(self, asking: Asking) -> Response:
        """Take the item out, and show it once more with the way back."""
        setting = asking.setting
        body, item = setting.without_item(), setting.item
        if item is None or not body["items"]:
            raise LastItem(
                f"{setting.number} would be empty; change this item, or withdraw the quote"
            )
        self._put(asking, body)
        at = [each.item_id for each in setting.items].index(item.item_id)
        gone = [each for each in setting.discounts if each.item_id == item.item_id]
        told: dict[str, Any] = {
            "setting": setting,
            "item": item,
            "item_json": item.model_dump_json(),
            "discounts_json": _DISCOUNTS.dump_json(tuple(gone)).decode(),
            "at": at,
        }
        return self._drawn.pages.show(asking.request, "removed.html", **told)

    def put_back(self, asking: Asking) -> Response:
        """Put the item back where it stood; done already, it changes nothing."""
        setting, given = asking.setting, form(asking.request)
        try:
            item = _ITEM.validate_json(given.get("item", ""))
            own = _DISCOUNTS.validate_json(given.get("discounts", "[]"))
            at = int(given.get("at", "0")[:4] or 0)
        except ValueError:
            raise NothingToPutBack("go back, and remove the item once more") from None
        self._drawn.catalogue.product(item.product, asking.day)
        if item.item_id not in {each.item_id for each in setting.items}:
            items = list(setting.items)
            items.insert(at, item)
            body = settings.edit(items, [*setting.discounts, *own])
            self._put(asking, body, setting.etag)
        return see(places.quote(str(setting.number)))

    # ---- inside

    def _quotes(self, asking: Asking) -> Quotes:
        return quotes(self._asker, asking.request)

    def _going_on(self, asking: Asking, filled: Filled) -> Response:
        """Show what follows, at an address that a reload goes on from."""
        answer = self._drawn.show(asking, None, filled)
        session = asking.setting.kept.session
        if follows(asking.request) and session is not None:
            product = filled.product.model.id
            here = places.resumed(asking.setting.here, product, session.head.session_id)
            answer.headers["hx-replace-url"] = here
        return answer

    def _edit(self, asking: Asking, filled: Filled) -> Json:
        """Return the edit of the quote that the form makes.

        Raises: FormInvalid, ConfigurationRefused, UnknownProduct.
        """
        item_id = asking.setting.item_id(filled.product.model.id)
        item = filled.item(item_id)
        discount = filled.about.discount(item_id, filled.errors)
        if item is None or filled.errors:
            raise FormInvalid(filled.errors)
        handlers.completed(self._drawn.catalogue, item, asking.day)
        return asking.setting.with_item(item, discount)

    def _put(self, asking: Asking, body: Json, seen: str | None = None) -> None:
        asked, number = self._quotes(asking), str(asking.setting.number)
        etag = seen or form(asking.request).get("etag") or asking.setting.etag
        asked.edit(number, body, etag, _key(asking.request, "edit"))
        asked.settled(number)

    def _newest(self, asking: Asking, fault: QuotewrightError) -> Setting:
        """Return the setting as it is now, if it was another one that the form was sent for."""
        setting = asking.setting
        if not isinstance(fault, Conflict) or setting.number is None:
            return setting
        if setting.item:
            return settings.of_item(self._quotes(asking), setting.number, setting.item.item_id)
        return settings.of_quote(self._quotes(asking), setting.number)


def _key(request: Request, what: str) -> str:
    """Return the key under which quotes does this once, however often the form is sent."""
    once = form(request).get("once", "")
    return f"{once if ONCE.fullmatch(once) else request.app.state.new_id()}.{what}"
