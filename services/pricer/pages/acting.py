"""The pages on which versions are published, retired, given up, and price lists are read in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from contracts.errors import Conflict, NotFound, QuotewrightError, Refused
from contracts.values import Sha256
from infra.auth import Principal
from infra.pages import FormInvalid, Pages, filled, form, page_router, see
from infra.work import Cause
from services.pricer.authoring import Author
from services.pricer.authoring_api import Asked, Which, Writer, linted
from services.pricer.books import Key
from services.pricer.domain.releases.releasing import Kind, Release
from services.pricer.importing import ImportRefused
from services.pricer.importing_api import ImportAsk, import_into
from services.pricer.library import Library
from services.pricer.pages.comparing import Compared, differs
from services.pricer.pages.frame import PATHS, Insider, Keeper, place, told
from services.pricer.pages.listing import in_force
from services.pricer.pages.what_ifs import STATES
from services.pricer.sheets import BYTES_MAX, SheetRefused
from services.pricer.tries import Tries

SAID = (Refused, Conflict, NotFound)


class Decided(BaseModel):
    """Why somebody acts on a version, and the content that he has seen."""

    model_config = ConfigDict(extra="ignore")

    sha256: Sha256
    reason: str = Field(default="", max_length=1000)


class Pasted(ImportAsk):
    """A price list pasted into a form."""

    model_config = ConfigDict(extra="ignore")

    prices: str = Field(min_length=1, max_length=BYTES_MAX)


def routes(author: Author, library: Library, tries: Tries, pages: Pages) -> APIRouter:
    """Return the pages that act on versions."""
    router = page_router()
    drawn = ActPages(author, library, tries, pages)
    kinds: tuple[Kind, ...] = ("book", "fx")
    for kind in kinds:
        _publishing(router, kind, drawn)
        _ending(router, kind, drawn)
    _importing(router, drawn)
    return router


def _publishing(router: APIRouter, kind: Kind, drawn: "ActPages") -> None:
    path = f"{PATHS[kind]}/{{key}}/{{version}}/publish"

    @router.get(path)
    def publishing(it: Which, request: Request, caller: Insider) -> Response:
        """Show what publishing a draft means: its lint, its changes, from when it prices."""
        return drawn.publishing(request, drawn.library.release(kind, it), caller)

    @router.post(path)
    def published(it: Which, request: Request, caller: Keeper, why: Asked) -> Response:
        """Publish the draft that was seen."""
        return drawn.decide(Deciding(request, kind, it, caller, why), "publish")


def _ending(router: APIRouter, kind: Kind, drawn: "ActPages") -> None:
    path = f"{PATHS[kind]}/{{key}}/{{version}}"

    @router.post(path + "/retire")
    def retired(it: Which, request: Request, caller: Keeper, why: Asked) -> Response:
        """Take a version out of use."""
        return drawn.decide(Deciding(request, kind, it, caller, why), "retire")

    @router.post(path + "/discard")
    def discarded(it: Which, request: Request, caller: Keeper, why: Asked) -> Response:
        """Give up the draft that was seen."""
        return drawn.decide(Deciding(request, kind, it, caller, why), "discard")


def _importing(router: APIRouter, drawn: "ActPages") -> None:
    path = f"{PATHS['book']}/{{key}}/{{version}}/import"

    @router.get(path)
    def importing(it: Which, request: Request, caller: Keeper) -> Response:
        """Show where a price list is pasted."""
        return drawn.importing(request, drawn.library.release("book", it), caller, {})

    @router.post(path)
    def read_in(it: Which, request: Request, caller: Writer, why: Asked) -> Response:
        """Read a price list: show what it changes, or keep the draft that it makes."""
        return drawn.read_in(Deciding(request, "book", it, caller, why))


def errors_of(fault: QuotewrightError | None) -> Mapping[str, str]:
    """Return what a refusal says beside which field; nothing, where it is of no field."""
    match fault:
        case FormInvalid():
            return fault.errors
        case SheetRefused() | ImportRefused():
            return {"prices": fault.message}
        case QuotewrightError(facts={"field": str(field)}):
            return {field: fault.message}
    return {}


@dataclass(frozen=True, slots=True)
class Deciding:
    """A form that acts on a version."""

    request: Request
    kind: Kind
    key: Key
    caller: Principal
    why: Cause


class ActPages:
    """Draws the pages on which somebody acts, and does what he decides."""

    def __init__(self, author: Author, library: Library, tries: Tries, pages: Pages) -> None:
        self._author = author
        self.library = library
        self._tries = tries
        self._pages = pages

    def publishing(
        self,
        request: Request,
        release: Release,
        caller: Principal,
        fault: QuotewrightError | None = None,
    ) -> Response:
        """Draw the page of publishing, or of retiring what is published already."""
        today = request.app.state.clock().date()
        day = max(release.effective.first, today)
        others = self.library.releases(release.kind)
        more: dict[str, Any] = {
            "report": linted(self._author.lint(self.library.document(release))),
            "now_in_force": in_force(others, day),
            "from_day": day,
            "tries": self._tries.of(release),
            "states": STATES,
            "fault": fault,
            "values": form(request) if fault else {},
            "errors": errors_of(fault),
            **differs(self.library, release, Compared()),
        }
        status = fault.status if fault else 200
        return self._pages.show(
            request, "price_book_publish.html", status, **told(release, caller), **more
        )

    def decide(self, it: Deciding, act: str) -> Response:
        """Do what a form says; what can not be done is said on the page it came from."""
        release = self.library.release(it.kind, it.key)
        try:
            said = filled(Decided, form(it.request))
            if act == "publish":
                self._author.publish(it.why, it.kind, it.key, said.sha256, said.reason)
            elif act == "retire":
                self._author.retire(it.why, it.kind, it.key, said.sha256, said.reason)
            else:
                self._author.discard(it.why, it.kind, it.key, said.sha256)
                return see(PATHS[it.kind])
        except SAID as fault:
            return self.publishing(it.request, release, it.caller, fault)
        return see(place(release))

    # ---- price lists

    def importing(
        self,
        request: Request,
        release: Release,
        caller: Principal,
        more: dict[str, Any],
    ) -> Response:
        """Draw the page of reading a price list, with the report of one that was read."""
        fault = more.get("fault")
        shown = {
            "found": None,
            "fault": None,
            "values": form(request) if request.method == "POST" else {},
            "errors": errors_of(fault),
            "today": request.app.state.clock().date(),
        }
        status = fault.status if fault else 200
        return self._pages.show(
            request, "price_book_import.html", status, **told(release, caller), **{**shown, **more}
        )

    def read_in(self, it: Deciding) -> Response:
        """Read a pasted list; kept, it becomes a draft, and its page is shown."""
        release = self.library.release("book", it.key)
        try:
            said = filled(Pasted, {**form(it.request), "keep": "keep" in form(it.request)})
            ask = ImportAsk(**said.model_dump(exclude={"prices"}))
            raw = said.prices.encode()
            found = import_into(self._author, self.library, it.key, (ask, raw), it.why)
        except SAID as fault:
            return self.importing(it.request, release, it.caller, {"fault": fault})
        if "draft" in found:
            return see(f"{PATHS['book']}/{found['draft']['id']}/{found['draft']['version']}")
        return self.importing(it.request, release, it.caller, {"found": found})
