"""The page of the difference between two versions."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from contracts.errors import NotFound
from infra.pages import Pages, page_router
from services.pricer.authoring_api import Which
from services.pricer.domain.releases.differing import Difference, difference
from services.pricer.domain.releases.releasing import Kind, Release
from services.pricer.library import Library
from services.pricer.pages.frame import PAGE_ROWS, PATHS, Insider, told

ROWS = 2 * PAGE_ROWS
WORDS = {"entry": "entries", "category": "categories", "settings": "settings", "groups": "groups"}


class Compared(BaseModel):
    """With which version of the same id, and from which row on."""

    model_config = ConfigDict(extra="ignore")

    against: int | None = Field(default=None, ge=1)
    page: int = Field(default=1, ge=1, le=100_000)


def routes(library: Library, pages: Pages) -> APIRouter:
    """Return the pages of differences."""
    router = page_router()
    kinds: tuple[Kind, ...] = ("book", "fx")
    for kind in kinds:
        _comparing(router, kind, library, pages)
    return router


def _comparing(router: APIRouter, kind: Kind, library: Library, pages: Pages) -> None:
    @router.get(f"{PATHS[kind]}/{{key}}/{{version}}/diff")
    def diff(
        it: Which, request: Request, asked: Annotated[Compared, Query()], caller: Insider
    ) -> Response:
        """Show what a version changes."""
        new = library.release(kind, it)
        more = differs(library, new, asked)
        return pages.show(request, "price_book_diff.html", **told(new, caller), **more)


def differs(library: Library, new: Release, asked: Compared) -> dict[str, Any]:
    """Return what is shown of a difference; `old` is None where there is nothing to compare with.

    Raises: BookUnknown, TableUnknown, if a version is named that is not there.
    """
    others = [it for it in library.releases(new.kind) if it.id == new.id and it.key != new.key]
    try:
        old = library.compared(new, None, asked.against)
    except NotFound:
        if asked.against is not None:
            raise
        return {"old": None, "others": others, "found": None, "changes": (), "pages": 0}
    found = difference(library.document(old), library.document(new))
    start = (asked.page - 1) * ROWS
    return {
        "old": old,
        "others": others,
        "found": found,
        "sums": sums(found),
        "changes": found.changes[start : start + ROWS],
        "start": start,
        "page": asked.page,
        "pages": (len(found.changes) + ROWS - 1) // ROWS,
    }


def sums(found: Difference) -> list[str]:
    """Return what a difference comes to, a sentence for each kind of thing."""
    told_ = []
    for what, counts in found.counts.items():
        said = ", ".join(f"{number} {sort}" for sort, number in counts.items() if number)
        told_.append(f"{WORDS.get(what, what + 's')}: {said}")
    return told_
