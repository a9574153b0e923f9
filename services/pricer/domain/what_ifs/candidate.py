"""The book that a what-if tries: a whole draft, or a published book with single parts changed.

A candidate is linted as a book is before it is published, so that what is found holds for it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from contracts.errors import Refused
from contracts.values import Value
from services.pricer.domain.books.book import (
    Entry,
    FxTable,
    Guardrail,
    PriceBook,
    Rule,
    read_book,
)
from services.pricer.domain.lint.lint import Finding, Part, errors_of, lint_book

CHANGES_MAX = 1000
FINDINGS_MAX = 20


class CandidateRefused(Refused):
    """The book of a what-if can not be used; `findings` say what to change."""

    code = "pricer.what_if_book"
    title = "This book can not be tried"

    def __init__(self, findings: Sequence[Finding]) -> None:
        said = "; ".join(str(each) for each in findings[:FINDINGS_MAX])
        more = len(findings) - FINDINGS_MAX
        super().__init__(
            said + (f" (and {more} more)" if more > 0 else ""),
            field="book",
            findings=[str(each) for each in findings],
        )


class Changes(Value):
    """Parts of a book in place of its own of the same id; new ones are added at the end.

    `without` are ids of entries, rules and guardrails that are left out.
    """

    entries: tuple[Entry, ...] = Field(default=(), max_length=CHANGES_MAX)
    rules: tuple[Rule, ...] = Field(default=(), max_length=CHANGES_MAX)
    guardrails: tuple[Guardrail, ...] = Field(default=(), max_length=CHANGES_MAX)
    without: tuple[str, ...] = Field(default=(), max_length=CHANGES_MAX)

    def __bool__(self) -> bool:
        return bool(self.entries or self.rules or self.guardrails or self.without)

    def ids(self) -> list[str]:
        """Return the ids of all that is changed, added or left out."""
        return [
            *(each.sku for each in self.entries),
            *(each.id for each in self.rules),
            *(each.id for each in self.guardrails),
            *self.without,
        ]


def changed(book: PriceBook, changes: Changes) -> PriceBook:
    """Return the book with its changes, as the next version, a draft.

    Raises: CandidateRefused, if something to leave out is not there, or an id stands twice.
    """
    ids = changes.ids()
    twice = sorted(each for each, times in Counter(ids).items() if times > 1)
    own = {each.sku for each in book.entries}
    own |= {each.id for each in book.rules} | {each.id for each in book.guardrails}
    found = [Finding(f"changes.{each}", "stands twice; keep one") for each in twice]
    found += [
        Finding("changes.without", f"{each} is not in the book; name an entry, rule or guardrail")
        for each in changes.without
        if each not in own
    ]
    if found:
        raise CandidateRefused(found)
    tree = book.model_dump(mode="json", exclude={"sha256"})
    tree |= {"version": book.version + 1, "status": "draft"}
    for kind, name in (("entries", "sku"), ("rules", "id"), ("guardrails", "id")):
        tree[kind] = _merged(tree[kind], getattr(changes, kind), name, changes.without)
    return read_book(tree)


def _merged(
    tree: Sequence[Mapping[str, Any]], given: Sequence[Value], name: str, without: Sequence[str]
) -> list[Any]:
    new = {str(getattr(each, name)): each.model_dump(mode="json") for each in given}
    kept = [new.pop(each[name], each) for each in tree if each[name] not in without]
    return [*kept, *new.values()]


def refuse_faults(book: PriceBook, tables: Sequence[FxTable]) -> None:
    """Lint a candidate by itself; it may lack parts that are sold.   Raises: CandidateRefused."""
    parts = {each.sku: Part(each.sku, each.unit, each.charge) for each in book.entries}
    if errors := errors_of(lint_book(book, parts, tables)):
        raise CandidateRefused(errors)
