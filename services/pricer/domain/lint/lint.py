"""Lint of a price book before it is used: each finding names the place and says what to change."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from contracts.values import EXACT, Period, unit_of
from services.pricer.domain.asks.sizes import AMOUNT_MAX
from services.pricer.domain.books.book import FxTable, PriceBook
from services.pricer.domain.books.compiled import CompiledBook, compile_book
from services.pricer.domain.books.offers import BookUnfit
from services.pricer.domain.lint.lint_entries import lint_days, lint_entry, lint_totals
from services.pricer.domain.lint.lint_guardrails import lint_guardrails
from services.pricer.domain.lint.lint_known import Found, Known, Spent, known_of
from services.pricer.domain.lint.lint_models import cliffs, decimals
from services.pricer.domain.lint.lint_rules import lint_reach, lint_rules
from services.pricer.domain.lint.lint_ties import lint_shadows, lint_ties

# Of one look; more would help nobody.
FINDINGS_MAX = 10_000
RATE_DECIMALS = 10
Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to change: where, and what to do about it.

    An error bars a book from pricing; a warning is for whoever publishes it to judge.
    """

    place: str
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


def errors_of(findings: Iterable[Finding]) -> list[Finding]:
    """Return what bars a book from pricing."""
    return [each for each in findings if each.severity == "error"]


@dataclass(frozen=True, slots=True)
class Part:
    """What the part master says about one part."""

    sku: str
    unit: str
    charge: str


def lint_book(
    book: PriceBook,
    parts: Mapping[str, Part],
    tables: Sequence[FxTable],
    parent: CompiledBook | None = None,
) -> list[Finding]:
    """Return what must change before the book may price, and what should be looked at.

    A sound book has nothing. `parent` is the published book that it is derived from.
    """
    known = known_of(book)
    # First what stands alone; what follows computes with it.
    found = [
        *_once(known),
        *_period("effective", book.effective),
        *_cash(book),
        *_categories(book),
        *_found(each for entry in book.entries for each in lint_entry(entry, known)),
    ]
    if not found:
        found = _together(known, parts, tables)
    if not found and (parent is None) == (book.parent is None):
        try:
            compile_book(book, parent)
        except BookUnfit as fault:
            found = [Finding("book", str(fault))]
    return sorted({*found, *_warnings(known)}, key=str)


def _together(known: Known, parts: Mapping[str, Part], tables: Sequence[FxTable]) -> list[Finding]:
    """Return what does not fit together: parts, rules, guardrails, rates, totals."""
    found = [
        *_parts(known, parts),
        *_found(lint_rules(known)),
        *_fx(known.book, tables),
    ]
    for look in (lint_ties, lint_guardrails, lint_totals):
        found.extend(_within_bounds(look, known, "error"))
    return found


def _warnings(known: Known) -> Iterable[Finding]:
    for entry in known.book.entries:
        for place, message in cliffs(f"entries.{entry.sku}.price", entry.price):
            yield Finding(place, message, "warning")
    for look in (lint_days, lint_reach, lint_shadows):
        yield from _within_bounds(look, known, "warning")


def _within_bounds(
    look: Callable[[Known], Iterable[Found]], known: Known, severity: Severity
) -> list[Finding]:
    """Return what a look finds; what would take too long is told, never passed over."""
    found: list[Finding] = []
    try:
        for place, message in islice(look(known), FINDINGS_MAX):
            found.append(Finding(place, message, severity))
    except Spent:
        text = (
            "so many rules may meet that not all are compared; let rules name parts or categories"
        )
        found.append(Finding("rules", text, "warning"))
    return found


def lint_fx(table: FxTable) -> list[Finding]:
    """Return everything that must change before the FX table may be used."""
    found = _period("effective", table.effective)
    pairs = Counter((pair.base, pair.quote) for pair in table.pairs)
    for pair in table.pairs:
        place = f"pairs {pair.base}/{pair.quote}"
        if pairs[pair.base, pair.quote] > 1:
            found.append(Finding(place, "stands twice; keep one"))
        if pair.base == pair.quote:
            found.append(Finding(place, "names one currency twice; drop it"))
        if not 0 < pair.rate < AMOUNT_MAX or decimals(pair.rate) > RATE_DECIMALS:
            text = f"give a rate above zero with at most {RATE_DECIMALS} decimals"
            if pair.rate >= AMOUNT_MAX:
                text = f"give a rate below {AMOUNT_MAX:f}"
            found.append(Finding(place, text))
    return found


def _once(known: Known) -> list[Finding]:
    book = known.book
    found = []
    for kind, ids in (
        ("categories", [each.id for each in book.categories]),
        ("groups", [each.id for each in book.groups]),
        ("rules", [each.id for each in book.rules]),
        ("guardrails", [each.id for each in book.guardrails]),
    ):
        for name, count in Counter(ids).items():
            if count > 1:
                found.append(Finding(f"{kind}.{name}", f"stands {count} times; keep one"))
    for sku, entries in known.by_sku.items():
        # A part may have a price for each charge, and another from a later day on.
        begins = Counter((it.charge, it.effective and it.effective.first) for it in entries)
        if doubled := [count for count in begins.values() if count > 1]:
            found.append(Finding(f"entries.{sku}", f"stands {max(doubled)} times; keep one"))
    return found


def _period(place: str, period: Period) -> list[Finding]:
    if period.last is not None and period.last < period.first:
        return [Finding(place, "ends before it begins; swap first and last")]
    return []


def _categories(book: PriceBook) -> Iterable[Finding]:
    """Find parents of categories that are none."""
    names = {each.id for each in book.categories}
    for each in book.categories:
        if each.parent is not None and each.parent not in names:
            text = f"its parent {each.parent} is not in this book; correct it or add it"
            yield Finding(f"categories.{each.id}", text)


def _cash(book: PriceBook) -> Iterable[Finding]:
    """Find cash rounding that never applies, or that makes an amount the currency does not have."""
    times = Counter(each.currency for each in book.rounding.cash)
    for currency, count in times.items():
        if count > 1:
            yield Finding(f"rounding.cash.{currency}", f"stands {count} times; keep one")
        if currency not in {book.currency, *book.currencies}:
            text = f"the book is not sold in {currency}; drop it, or add the currency"
            yield Finding(f"rounding.cash.{currency}", text)
    for each in book.rounding.cash:
        if EXACT.remainder(each.multiple, unit_of(each.currency)):
            text = f"the multiple {each.multiple:f} is finer than {each.currency} has; give whole"
            text += f" multiples of {unit_of(each.currency)}"
            yield Finding(f"rounding.cash.{each.currency}", text)


def _found(found: Iterable[Found]) -> Iterable[Finding]:
    return (Finding(*each) for each in found)


def _parts(known: Known, parts: Mapping[str, Part]) -> Iterable[Finding]:
    if not known.inherits:
        for sku in sorted(set(parts) - set(known.by_sku)):
            yield Finding(f"entries.{sku}", "the part master has this part; add an entry for it")
    for sku, entries in known.by_sku.items():
        part = parts.get(sku)
        if part is None:
            yield Finding(f"entries.{sku}", "the part master has no such part; drop it or add it")
        elif all((part.unit, part.charge) != (each.unit, each.charge) for each in entries):
            text = f"is sold per {entries[0].unit}, {entries[0].charge}; the part master says"
            yield Finding(f"entries.{sku}", f"{text} {part.unit}, {part.charge}: make them agree")


def _fx(book: PriceBook, tables: Sequence[FxTable]) -> Iterable[Finding]:
    """Find rates that are missing: from each currency that amounts are in to each that is sold."""
    priced = {book.currency: "the book"}
    for entry in book.entries:
        if entry.currency:
            priced.setdefault(entry.currency, f"entry {entry.sku}")
    for rule in book.rules:
        if rule.currency:
            priced.setdefault(rule.currency, f"rule {rule.id}")
    published = [each for each in tables if each.status == "published"]
    for base, why in priced.items():
        for currency in book.currencies:
            if currency == base:
                continue
            place = f"currencies.{currency}"
            if not published:
                yield Finding(place, "no FX table is published; publish one")
            for table in published:
                if not table.rate(base, currency):
                    text = f"FX table {table.id} version {table.version} has no rate"
                    text += f" {base}/{currency}; add it or drop the currency"
                    text += "" if base == book.currency else f", in which {why} is priced"
                    yield Finding(place, text)
