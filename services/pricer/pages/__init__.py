"""The pages of price books: what there is, what is in it, what changes, publishing, trying."""

from fastapi import APIRouter

from infra.pages import Pages
from services.pricer.authoring import Author
from services.pricer.library import Library
from services.pricer.pages import acting, comparing, listing, looking, testing
from services.pricer.tries import Tries


def routes(author: Author, library: Library, tries: Tries, pages: Pages) -> APIRouter:
    """Return the pages; they come before the JSON routes of the same addresses."""
    router = APIRouter()
    for each in (
        listing.routes(library, pages),
        looking.routes(author, library, pages),
        comparing.routes(library, pages),
        acting.routes(author, library, tries, pages),
        testing.routes(author, library, pages),
    ):
        router.routes.extend(each.routes)
    return router
