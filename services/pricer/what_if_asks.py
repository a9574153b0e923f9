"""What somebody asks of a what-if: which book to try, on which past quotes, against what."""

from datetime import date
from typing import Any, Self

from pydantic import Field, model_validator

from contracts.values import Day, Value
from services.pricer.asks import Asks, Chosen, Name
from services.pricer.books import Shelf
from services.pricer.documents import read
from services.pricer.domain.books.book import Code, FxTable, PriceBook
from services.pricer.domain.books.canonical import canonical
from services.pricer.domain.books.compiled import CompiledBook, compile_book
from services.pricer.domain.books.offers import BookUnfit
from services.pricer.domain.lint.lint import Finding
from services.pricer.domain.what_ifs.candidate import (
    CandidateRefused,
    Changes,
    changed,
    refuse_faults,
)
from services.pricer.domain.what_ifs.trial import Key, Versions
from services.pricer.library import Library
from services.pricer.what_ifs import Tried, WhatIf


class Version(Value):
    """A version of a price book on the shelf; a draft can be tried too."""

    id: Code
    version: int = Field(ge=1, le=1_000_000)

    @property
    def key(self) -> Key:
        """Where it stands on the shelf."""
        return self.id, self.version


class Changed(Value):
    """A version, with single entries, rules or guardrails changed."""

    of: Version
    changes: Changes


class WhatIfAsk(Value):
    """What to try: a version, a whole document, or a version with single changes; exactly one.

    Without `compare_with` each quote is compared with the book that it was priced with. `day`
    prices all of them as if they were asked on that day, under both books.
    """

    name: Name
    version: Version | None = None
    document: dict[str, Any] | None = None
    changed: Changed | None = None
    compare_with: Version | None = None
    day: Day | None = None
    quotes: Chosen = Chosen()
    approvals: bool = True

    @model_validator(mode="after")
    def _one_book(self) -> Self:
        if sum(each is not None for each in (self.version, self.document, self.changed)) != 1:
            raise ValueError("give exactly one of version, document and changed")
        return self

    @model_validator(mode="after")
    def _days_in_order(self) -> Self:
        first, last = self.quotes.first, self.quotes.last
        if first is not None and last is not None and first > last:
            raise ValueError(f"first {first} is after last {last}; turn them round")
        return self


def candidate(ask: WhatIfAsk, library: Library) -> tuple[Tried, bytes]:
    """Return the book to try, linted, and how a list shows it.

    Raises: BookUnknown; CandidateRefused, BookRefused with what to change.
    """
    base = ask.compare_with.key if ask.compare_with else None
    if base is not None and library.release("book", base).status == "draft":
        raise CandidateRefused(
            [Finding("compare_with", "is a draft; compare with a published one")]
        )
    book, told = _book(ask, library)
    shelf = library.now()
    refuse_faults(book, list(shelf.tables.values()))
    compiled(book, shelf)
    if ask.day is not None:
        told |= {"day": ask.day.isoformat()}
    tried = Tried(**told, base=base, approvals=ask.approvals)
    return tried, canonical(book.model_dump(mode="json"))


def _book(ask: WhatIfAsk, library: Library) -> tuple[PriceBook, dict[str, Any]]:
    if ask.document is not None:
        found = read("book", {**ask.document, "status": "draft"}, "document")
        assert isinstance(found, PriceBook)  # noqa: S101  a book was asked for
        return found, {"kind": "document", "book": f"{found.id} version {found.version}"}
    wanted = ask.version or (ask.changed.of if ask.changed else None)
    assert wanted is not None, "exactly one is given"  # noqa: S101
    release = library.release("book", wanted.key)
    name = f"{release.id} version {release.version}"
    if ask.changed is None:
        return library.book(release), {"kind": "version", "book": name}
    ids = ask.changed.changes.ids()
    if not ids:
        raise CandidateRefused([Finding("changes", "nothing is changed; name an entry or rule")])
    book = changed(library.book(release), ask.changed.changes)
    return book, {"kind": "changed", "book": name, "ids": ids}


def compiled(book: PriceBook, shelf: Shelf) -> CompiledBook:
    """Return a book ready to price with, on its parent.   Raises: CandidateRefused."""
    named = book.parent
    parent = shelf.compiled.get((named.id, named.version)) if named else None
    try:
        return compile_book(book, parent)
    except BookUnfit as fault:
        raise CandidateRefused([Finding("parent", str(fault))]) from None


def versions_of(library: Library, what_if: WhatIf, book: PriceBook, asks: Asks) -> Versions:
    """Return what the workers of a what-if must know: its book, and those of the chosen asks."""
    tried = what_if.changes
    books, tables = asks.pinned(what_if.chosen, what_if.until_seq)
    wanted = {tried.base} if tried.base else books
    shelf = library.now()
    return Versions(
        {key: shelf.compiled[key] for key in sorted(wanted) if key in shelf.compiled},
        {key: table for key, table in shelf.tables.items() if key in tables or _in_force(table)},
        compiled(book, shelf),
        tried.base,
        date.fromisoformat(tried.day) if tried.day else None,
    )


def _in_force(table: FxTable) -> bool:
    """Say whether an ask that had no price may be priced with these rates."""
    return table.status == "published"
