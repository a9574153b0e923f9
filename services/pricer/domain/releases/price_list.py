"""A price list read into a price book: row by row new, changed, unchanged, or refused with why.

One row is a price, or one tier or block of it. An empty cell keeps what the entry says now. Nothing
is written: the report is what the draft would be.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from pydantic import ValidationError

from services.pricer.domain.books.book import Entry, PriceBook
from services.pricer.domain.books.faults import rule_of
from services.pricer.domain.books.price_models import Derived, PercentOfTotal
from services.pricer.domain.lint.lint import Part
from services.pricer.domain.releases.differing import moved
from services.pricer.domain.releases.price_rows import (
    READS,
    Row,
    Tree,
    Wrong,
    amount_of,
    one,
    price_of,
)

Verdict = Literal["new", "changed", "unchanged", "refused", "removed"]
VERDICTS: tuple[Verdict, ...] = ("new", "changed", "unchanged", "refused", "removed")
REQUIRED = ("sku", "price")
COLUMNS = (
    *REQUIRED,
    "model",
    *dict.fromkeys(column for read in READS.values() for column in read),
    "cost",
    "category",
    "charge",
    "unit",
    "currency",
)
KEPT = ("category", "charge", "unit")
Key = tuple[str, str]
"""Part and charge."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one row; `number` is None for an entry that the list leaves out."""

    number: int | None
    sku: str
    verdict: Verdict
    words: str = ""

    def __str__(self) -> str:
        where = f"row {self.number}" if self.number is not None else "not listed"
        return f"{where}: {self.sku or '-'}: {self.verdict}" + (
            f", {self.words}" * bool(self.words)
        )


@dataclass(frozen=True, slots=True)
class Imported:
    """The report, and the document of the draft that it would make."""

    outcomes: tuple[Outcome, ...]
    unread: tuple[str, ...]
    document: Tree = field(repr=False)

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many rows had which outcome."""
        found = Counter(each.verdict for each in self.outcomes)
        return {verdict: found[verdict] for verdict in VERDICTS}


@dataclass(frozen=True, slots=True)
class Target:
    """The draft to be: which version of the book, and effective from when.

    `complete`: entries that the list leaves out are removed.
    """

    version: int
    first: date
    complete: bool = False


def read_list(
    rows: Sequence[Row],
    columns: Sequence[str],
    book: PriceBook,
    parts: Mapping[str, Part],
    to: Target,
) -> Imported:
    """Read a price list into a book; the book itself stays as it is."""
    found: dict[int, Outcome] = {}
    old: dict[Key, list[Entry]] = {}
    for each in book.entries:
        old.setdefault(key_of(each), []).append(each)
    new: dict[Key, Tree] = {}
    for key, group in _grouped(rows, book, found).items():
        try:
            before = _before(old.get(key, ()))
            entry = _entry(key, group, before, (book, parts))
        except Wrong as fault:
            found.update(
                {it.number: Outcome(it.number, key[0], "refused", str(fault)) for it in group}
            )
            continue
        new[key] = entry.model_dump(mode="json", exclude_defaults=True)
        told = _told(before, entry, book.currency)
        found.update({it.number: Outcome(it.number, key[0], *told) for it in group})
    outcomes = [found[each.number] for each in rows]
    kept = _kept(book, new, to, outcomes)
    document = document_of(book, to, kept)
    unread = tuple(each for each in columns if each and each not in COLUMNS)
    return Imported(tuple(outcomes), unread, document)


def document_of(book: PriceBook, to: Target, entries: Iterable[Tree]) -> Tree:
    """Return a book as the document of its next version, with these entries."""
    tree = book.model_dump(mode="json", exclude_defaults=True, exclude={"sha256", "entries"})
    effective = {"first": to.first.isoformat(), "last": None}
    return tree | {
        "version": to.version,
        "status": "draft",
        "effective": effective,
        "entries": list(entries),
    }


def key_of(entry: Entry) -> Key:
    """Return what a row must name to mean this entry."""
    return entry.sku, entry.charge


def _grouped(
    rows: Sequence[Row], book: PriceBook, found: dict[int, Outcome]
) -> dict[Key, list[Row]]:
    """Put the rows of one price together; those that name no entry are refused."""
    charges: dict[str, list[str]] = {}
    for entry in book.entries:
        charges.setdefault(entry.sku, []).append(entry.charge)
    groups: dict[Key, list[Row]] = {}
    for row in rows:
        sku = row.of("sku")
        try:
            if row.wrong:
                raise Wrong(row.wrong)
            if not sku:
                raise Wrong("names no part; fill in sku")
            known = list(dict.fromkeys(charges.get(sku, ())))
            if not row.of("charge") and len(known) > 1:
                raise Wrong(f"is sold {' and '.join(known)}; fill in charge")
            charge = row.of("charge") or (known[0] if known else "")
            groups.setdefault((sku, charge), []).append(row)
        except Wrong as fault:
            found[row.number] = Outcome(row.number, sku, "refused", str(fault))
    return groups


# ---- one entry of its rows


def _before(entries: Sequence[Entry]) -> Entry | None:
    if len(entries) > 1:
        raise Wrong("has prices for several periods in the book; change them there")
    return entries[0] if entries else None


def _entry(
    key: Key, rows: Sequence[Row], old: Entry | None, known: tuple[PriceBook, Mapping[str, Part]]
) -> Entry:
    book, parts = known
    part = parts.get(key[0])
    if part is None:
        raise Wrong("the part master has no such part; add it there first, or correct sku")
    tree: Tree = {} if old is None else old.model_dump(mode="json", exclude_defaults=True)
    tree |= {"sku": key[0]}
    if currency := one(rows, "currency"):
        tree["currency"] = _currency(currency, book)
    for name in KEPT:
        said = one(rows, name) or tree.get(name) or getattr(part, name, None)
        if not said:
            names = ", ".join(each.id for each in book.categories)
            raise Wrong(f"is new and has no {name}; fill it in, with one of {names}")
        tree[name] = said
    if cost := one(rows, "cost"):
        tree["cost"] = amount_of("cost", cost)
    tree["price"] = price_of(rows, tree.get("price"))
    entry = _checked(tree, book, part)
    _refuse_strangers(entry, book, parts)
    return entry


def _currency(given: str, book: PriceBook) -> str | None:
    """Return the currency of an entry; None, if it is the book's own."""
    if given not in book.currencies:
        known = ", ".join(book.currencies)
        raise Wrong(f"currency {given[:20]} is not sold in; use one of {known}")
    return None if given == book.currency else given


def _checked(tree: Tree, book: PriceBook, part: Part) -> Entry:
    try:
        entry = Entry.model_validate(tree)
    except ValidationError as fault:
        first = fault.errors()[0]
        raise Wrong(f"{'.'.join(map(str, first['loc']))}: {rule_of(first)}") from None
    if entry.category not in {each.id for each in book.categories}:
        raise Wrong(f"category {entry.category} is not declared in the book; correct it")
    if (entry.unit, entry.charge) != (part.unit, part.charge):
        text = f"is sold per {entry.unit}, {entry.charge}; the part master says"
        raise Wrong(f"{text} {part.unit}, {part.charge}: make them agree")
    return entry


def _refuse_strangers(entry: Entry, book: PriceBook, parts: Mapping[str, Part]) -> None:
    """Refuse a price that follows what is not there."""
    match entry.price:
        case Derived() if book.parent is None:
            raise Wrong("is derived, and the book names no parent; add it there, or give a price")
        case PercentOfTotal(skus=skus, categories=categories):
            declared = {each.id for each in book.categories}
            if gone := [each for each in skus if each not in parts]:
                text = f"of_parts names {', '.join(gone[:5])}, and the part master has no such part"
                raise Wrong(f"{text}; correct it")
            if gone := [each for each in categories if each not in declared]:
                text = f"of_categories names {', '.join(gone[:5])}, and the book declares no such"
                raise Wrong(f"{text} category; correct it")


# ---- the report


def _told(old: Entry | None, new: Entry, currency: str) -> tuple[Verdict, str]:
    if old is None:
        return "new", ""
    if old == new:
        return "unchanged", ""
    return "changed", "; ".join(str(each) for each in moved(old, new, currency))


def _kept(
    book: PriceBook, new: Mapping[Key, Tree], to: Target, outcomes: list[Outcome]
) -> Iterator[Tree]:
    """Give the entries of the draft: those of the book in their order, then the new ones.

    Entries that a complete list leaves out go; one that it names and gets wrong stays.
    """
    named = {each.sku for each in outcomes}
    kept: list[Tree] = []
    for entry in book.entries:
        key = key_of(entry)
        if key in new:
            kept.append(new[key])
        elif to.complete and entry.sku not in named:
            outcomes.append(Outcome(None, entry.sku, "removed", "the list leaves it out"))
        else:
            kept.append(entry.model_dump(mode="json", exclude_defaults=True))
    there = {key_of(each) for each in book.entries}
    kept.extend(tree for key, tree in new.items() if key not in there)
    return iter(kept)
