"""The pages of one version: its entries and rules, searchable; its settings; its lint report."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from contracts.values import Value
from infra.auth import Principal
from infra.pages import Pages, page_router
from services.pricer.authoring import Author
from services.pricer.authoring_api import Which, linted
from services.pricer.domain.books.book import FxTable, Guardrail, PriceBook, Rule
from services.pricer.domain.releases.price_words import derived_words, rounding_words
from services.pricer.domain.releases.releasing import Kind, Release
from services.pricer.domain.releases.rule_words import brief, condition_words, covered_words
from services.pricer.library import Library
from services.pricer.pages.frame import PAGE_ROWS, PATHS, Insider, told
from services.pricer.pages.searching import Search

Part = Literal["entries", "rules", "guardrails", "settings", "acts"]
PARTS: tuple[Part, ...] = ("entries", "rules", "guardrails", "settings", "acts")


class Looked(BaseModel):
    """Which part of a book is shown, what is searched for in it, and from which row on."""

    model_config = ConfigDict(extra="ignore")

    show: Part = "entries"
    q: str = Field(default="", max_length=100)
    page: int = Field(default=1, ge=1, le=100_000)


def routes(author: Author, library: Library, pages: Pages) -> APIRouter:
    """Return the pages of one version."""
    router = page_router()
    drawn = VersionPages(author, library, pages)
    kinds: tuple[Kind, ...] = ("book", "fx")
    for kind in kinds:
        _looking(router, kind, drawn)
    return router


def _looking(router: APIRouter, kind: Kind, drawn: "VersionPages") -> None:
    path = f"{PATHS[kind]}/{{key}}/{{version}}"

    @router.get(path)
    def version(
        it: Which, request: Request, asked: Annotated[Looked, Query()], caller: Insider
    ) -> Response:
        """Show a version."""
        return drawn.show(request, drawn.library.release(kind, it), asked, caller)

    @router.get(path + "/lint")
    def lint(it: Which, request: Request, caller: Insider) -> Response:
        """Show what is wrong with a version."""
        return drawn.lint(request, drawn.library.release(kind, it), caller)


class VersionPages:
    """Draws one version of a price book or an FX table."""

    def __init__(self, author: Author, library: Library, pages: Pages) -> None:
        self._author = author
        self.library = library
        self._pages = pages
        self._search = Search()

    def show(
        self, request: Request, release: Release, asked: Looked, caller: Principal
    ) -> Response:
        """Draw a version: a part of it, a page of what is searched for."""
        document = self.library.document(release)
        members = _members(document, asked.show)
        found = self._search.found(release.sha256, asked.show, members, asked.q)
        start = (asked.page - 1) * PAGE_ROWS
        rows = [_row(each, document) for each in found[start : start + PAGE_ROWS]]
        more: dict[str, Any] = {
            "parts_shown": PARTS if release.kind == "book" else ("entries", "acts"),
            "asked": asked,
            "rows": rows,
            "total": len(found),
            "start": start,
            "pages": (len(found) + PAGE_ROWS - 1) // PAGE_ROWS,
            **_settings(document),
            "acts": self.library.acts(release),
            "document": document,
        }
        return self._pages.show(request, "price_book.html", **told(release, caller), **more)

    def lint(self, request: Request, release: Release, caller: Principal) -> Response:
        """Draw what is wrong with a version."""
        report = linted(self._author.lint(self.library.document(release)))
        return self._pages.show(
            request, "price_book_lint.html", report=report, **told(release, caller)
        )


def _members(document: PriceBook | FxTable, part: Part) -> Sequence[Value]:
    if isinstance(document, FxTable):
        return document.pairs
    found: dict[Part, Sequence[Value]] = {
        "entries": document.entries,
        "rules": document.rules,
        "guardrails": document.guardrails,
    }
    return found.get(part, ())


def _settings(document: PriceBook | FxTable) -> dict[str, Any]:
    """Return in words what the settings of a book say in numbers."""
    if isinstance(document, FxTable):
        return {}
    parent = document.parent
    return {
        "rounding": rounding_words(document.rounding),
        "parent": parent and derived_words(parent.percent_off, parent.round),
    }


def _row(member: Value, document: PriceBook | FxTable) -> dict[str, Any]:
    """Return what a row of the table shows."""
    shown = member.model_dump(mode="json")
    if isinstance(document, FxTable):
        return shown
    shown["does"] = brief(member, document.currency)
    if isinstance(member, Rule):
        stages = {it.id: it.stage for it in document.groups}
        stage = stages.get(member.group, "").replace("_", " ")
        return {**shown, "stage": stage, "applies": condition_words(member.when)}
    if isinstance(member, Guardrail):
        return {**shown, "applies": covered_words(member)}
    return shown
