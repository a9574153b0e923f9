"""The page of all price books and FX tables, by what they are called."""

from datetime import date
from itertools import groupby

from fastapi import APIRouter, Request
from starlette.responses import Response

from infra.pages import Pages, page_router
from services.pricer.domain.releases.releasing import Kind, Release
from services.pricer.library import Library
from services.pricer.pages.frame import KEEPS, PATHS, TONES, Insider, place


def routes(library: Library, pages: Pages) -> APIRouter:
    """Return the pages that list versions; FX tables stand on a page of their own."""
    router = page_router()
    kinds: tuple[Kind, ...] = ("book", "fx")
    for kind in kinds:
        _listing(router, kind, library, pages)
    return router


def _listing(router: APIRouter, kind: Kind, library: Library, pages: Pages) -> None:
    @router.get(PATHS[kind])
    def versions(request: Request, caller: Insider) -> Response:
        """List the versions, the newest of each first, and say which prices today."""
        found = library.releases(kind)
        today = request.app.state.clock().date()
        now = in_force(found, today)
        by_id = {name: list(each) for name, each in groupby(found, lambda it: it.id)}
        return pages.show(
            request,
            "price_books.html",
            which=kind,
            shelves=by_id,
            now_in_force=now.key if now else None,
            place=place,
            tones=TONES,
            keeps=bool(caller.roles & KEEPS),
        )


def in_force(versions: list[Release], day: date) -> Release | None:
    """Return what prices on a day, where no version is asked for; as the shelf chooses it."""
    usable = [it for it in versions if it.status == "published" and it.effective.holds(day)]
    return max(usable, key=lambda it: (it.effective.first, it.version, it.id), default=None)
