"""The door for price lists: a report of what a list changes, and the draft that it makes."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from contracts.values import Day, Sha256
from infra.work import Cause
from services.pricer.authoring import Author, drafted
from services.pricer.authoring_api import Asked, Raw, Which, Writer, linted, summary
from services.pricer.books import Key
from services.pricer.domain.releases.price_list import Target
from services.pricer.importing import Source, imported, report
from services.pricer.library import Library


class ImportAsk(BaseModel):
    """From when the prices hold, which version they become, and whether that draft is kept.

    `complete`: entries that the list leaves out are removed; `replaces` names the draft that this
    one takes the place of.
    """

    model_config = ConfigDict(extra="forbid")

    effective: Day
    version: int | None = Field(default=None, ge=1)
    complete: bool = False
    keep: bool = False
    replaces: Sha256 | None = None
    sheet: str | None = Field(default=None, max_length=100)


def routes(author: Author, library: Library) -> APIRouter:
    """Return the route that imports."""
    router = APIRouter(prefix="/pricer")
    path = "/books/{key}/{version}"

    @router.post(path + "/import")
    def import_list(
        it: Which, asked: Annotated[ImportAsk, Query()], _writer: Writer, why: Asked, raw: Raw
    ) -> dict[str, Any]:
        """Read a price list (CSV or XLSX) into a version; `keep` makes the next draft of it."""
        return import_into(author, library, it, (asked, raw), why)

    return router


def import_into(
    author: Author, library: Library, onto: Key, given: tuple[ImportAsk, bytes], why: Cause
) -> dict[str, Any]:
    """Return the report of an import; with `keep` the draft is made too.

    Raises: SheetRefused, ImportRefused; as `Author.draft`.
    """
    asked, raw = given
    book = library.book(library.release("book", onto))
    versions = [each.version for each in library.releases("book") if each.id == book.id]
    to = Target(asked.version or max(versions) + 1, asked.effective, asked.complete)
    source = Source({"price list": raw}, asked.sheet)
    found = imported(source, book, library.files.parts, to)
    told = report(found)
    draft = drafted("book", found.document, f"{book.id} version {to.version}")
    told["lint"] = linted(author.lint(draft.read))
    if asked.keep:
        release = author.draft(why, "book", draft, asked.replaces)
        told["draft"] = summary(release)
    return told
