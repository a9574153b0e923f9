"""What somebody asks of a what-if: which book to try, on which past quotes, against what."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from contracts.errors import NotFound
from contracts.values import Value
from services.pricer.asks import Chosen, Name
from services.pricer.books import Shelf
from services.pricer.domain.book import Code, PriceBook, read_book
from services.pricer.domain.candidate import CandidateRefused, Changes, changed, refuse_faults
from services.pricer.domain.canonical import canonical
from services.pricer.domain.lint import Finding
from services.pricer.domain.replay import Key
from services.pricer.what_ifs import Tried


class WhatIfBookUnknown(NotFound):
    """There is no such version of a price book to try or to compare with."""

    code = "pricer.what_if_version_unknown"


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
    day: date | None = None
    quotes: Chosen = Chosen()
    approvals: bool = True

    @model_validator(mode="after")
    def _one_book(self) -> Self:
        if sum(each is not None for each in (self.version, self.document, self.changed)) != 1:
            raise ValueError("give exactly one of version, document and changed")
        return self


def candidate(ask: WhatIfAsk, shelf: Shelf) -> tuple[Tried, bytes]:
    """Return the book to try, linted, and how a list shows it.

    Raises: WhatIfBookUnknown; CandidateRefused, with what to change.
    """
    base = ask.compare_with.key if ask.compare_with else None
    if base is not None and base not in shelf.compiled:
        raise _unknown(base)
    book, told = _book(ask, shelf)
    refuse_faults(book, list(shelf.tables.values()))
    if ask.day is not None:
        told |= {"day": ask.day.isoformat()}
    tried = Tried(**told, base=base, approvals=ask.approvals)
    return tried, canonical(book.model_dump(mode="json"))


def _book(ask: WhatIfAsk, shelf: Shelf) -> tuple[PriceBook, dict[str, Any]]:
    if ask.document is not None:
        book = _read(ask.document)
        return book, {"kind": "document", "book": f"{book.id} version {book.version}"}
    wanted = ask.version or (ask.changed.of if ask.changed else None)
    assert wanted is not None, "exactly one is given"  # noqa: S101
    found = shelf.books.get(wanted.key)
    if found is None:
        raise _unknown(wanted.key)
    name = f"{found.id} version {found.version}"
    if ask.changed is None:
        return found, {"kind": "version", "book": name}
    ids = ask.changed.changes.ids()
    if not ids:
        raise CandidateRefused([Finding("changes", "nothing is changed; name an entry or rule")])
    return changed(found, ask.changed.changes), {"kind": "changed", "book": name, "ids": ids}


def _read(document: Mapping[str, Any]) -> PriceBook:
    try:
        return read_book({**document, "status": "draft"})
    except ValidationError as fault:
        found = [
            Finding(".".join(str(each) for each in one["loc"]) or "document", one["msg"])
            for one in fault.errors()[:100]
        ]
        raise CandidateRefused(found) from None
    except TypeError as fault:
        raise CandidateRefused([Finding("document", str(fault))]) from None


def _unknown(key: Key) -> WhatIfBookUnknown:
    name = f"{key[0]} version {key[1]}"
    text = f"there is no price book {name} that can be used here; GET /pricer/books lists them"
    return WhatIfBookUnknown(text, book=key[0], version=key[1])
