"""What the lint looks up in a book: parts by name and family; and how much it may compare."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.pricer.domain.books.book import Category, Entry, PriceBook

Found = tuple[str, str]
"""Place and message of a finding."""
# Comparisons of pairs in one lint: some seconds. What is left then is told.
PAIRS_MAX = 1_000_000


class Spent(Exception):
    """More would have to be compared than is done in one lint."""


class Budget:
    """Counts comparisons, so that a hostile book is linted in bounded time."""

    def __init__(self, most: int = PAIRS_MAX) -> None:
        self._left = most

    def spend(self, number: int = 1) -> None:
        """Take some.   Raises: Spent."""
        self._left -= number
        if self._left < 0:
            raise Spent


@dataclass(frozen=True, slots=True)
class Known:
    """A book with its look-ups; a part belongs to its category and to all above it."""

    book: PriceBook
    by_sku: Mapping[str, Sequence[Entry]]
    families: Mapping[str, tuple[str, ...]]
    by_family: Mapping[str, Sequence[Entry]]
    budget: Budget

    @property
    def inherits(self) -> bool:
        """Whether further parts come from a parent book."""
        return self.book.parent is not None and self.book.parent.inherit

    def covered(self, skus: Sequence[str], categories: Sequence[str]) -> Iterator[Entry]:
        """Give the entries that a scope covers, some perhaps twice.   Raises: Spent."""
        found: Iterable[Sequence[Entry]] = (self.book.entries,)
        if skus or categories:
            found = (
                *(self.by_sku.get(each, ()) for each in skus),
                *(self.by_family.get(each, ()) for each in categories),
            )
        for entries in found:
            for entry in entries:
                self.budget.spend()
                yield entry

    def covers_any(self, skus: Sequence[str], categories: Sequence[str]) -> bool:
        """Say whether a scope covers a part of this book."""
        return next(self.covered(skus, categories), None) is not None


def known_of(book: PriceBook) -> Known:
    """Look once through a book."""
    families = _families(book.categories)
    by_sku: dict[str, list[Entry]] = {}
    by_family: dict[str, list[Entry]] = {}
    for entry in book.entries:
        by_sku.setdefault(entry.sku, []).append(entry)
        for family in families.get(entry.category, (entry.category,)):
            by_family.setdefault(family, []).append(entry)
    return Known(book, by_sku, families, by_family, Budget())


def _families(categories: Sequence[Category]) -> dict[str, tuple[str, ...]]:
    """Return each category with those above it; where they go round in a circle, once round."""
    above = {each.id: each.parent for each in categories}
    found = {}
    for each in above:
        line = [each]
        while (up := above.get(line[-1])) is not None and up not in line:
            line.append(up)
        found[each] = tuple(line)
    return found
