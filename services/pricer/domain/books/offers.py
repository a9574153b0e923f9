"""What a price book sells: one offer for each price of a part, its own or derived from a parent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from contracts.values import EXACT, Period
from services.pricer.domain.books.book import Category, Entry, ParentBook, PriceBook
from services.pricer.domain.books.days import shared
from services.pricer.domain.books.price_models import Derived, PercentOfTotal, PricePoint

DEPTH_MAX = 20


class BookUnfit(Exception):
    """A book can not be made ready; the message says what to change. Its lint says it before."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One entry as it is sold: its families, and where its price comes from.

    `source` is the entry whose model and cost make the price: its own, or that of a parent book,
    whose amounts (in `currency`) are multiplied by `factor` and taken to the price `points`.
    """

    entry: Entry
    discountable: bool
    families: tuple[str, ...]
    keys: tuple[str, ...]
    source: Entry
    currency: str
    factor: Decimal
    points: tuple[PricePoint, ...] = ()

    def covered(self, skus: tuple[str, ...], categories: tuple[str, ...]) -> bool:
        """Say whether a scope covers the part; a scope that names nothing covers everything."""
        if categories:
            for each in self.families:
                if each in categories:
                    return True
        elif not skus:
            return True
        return self.entry.sku in skus


class Parent(NamedTuple):
    """What a derived book goes by: the currency of its parent, and what that sells."""

    currency: str
    offers: Mapping[str, tuple[Offer, ...]]


def offers_of(book: PriceBook, parent: Parent | None) -> dict[str, tuple[Offer, ...]]:
    """Return what a book sells, by part; with what it takes over from its parent.

    Raises: BookUnfit.
    """
    families = _families(book.categories)
    sold = {each.id: each.discountable for each in book.categories}
    offers: dict[str, tuple[Offer, ...]] = {}
    if parent is not None and book.parent is not None and book.parent.inherit:
        for sku, theirs in parent.offers.items():
            offers[sku] = tuple(_inherited(each, parent, book, (sold, families)) for each in theirs)
    own: dict[str, list[Offer]] = {}
    for entry in book.entries:
        category = entry.category
        places = families.get(category, (category,))
        offered = _offered(entry, (sold.get(category, False), places), book, parent)
        own.setdefault(entry.sku, []).extend(offered)
    offers.update((sku, tuple(found)) for sku, found in own.items())
    return offers


def _families(categories: Sequence[Category]) -> dict[str, tuple[str, ...]]:
    """Return for each category itself and its ancestors, nearest first.   Raises: BookUnfit."""
    above = {each.id: each.parent for each in categories}
    found = {}
    for each in above:
        line: list[str] = [each]
        while (up := above.get(line[-1])) is not None:
            if up in line or len(line) > DEPTH_MAX:
                raise BookUnfit(f"category {each} is its own ancestor or too deep; correct parent")
            line.append(up)
        found[each] = tuple(line)
    return found


def _offered(
    entry: Entry,
    place: tuple[bool, tuple[str, ...]],
    book: PriceBook,
    parent: Parent | None,
) -> list[Offer]:
    """Make what is offered by an entry: one offer, or if derived one for each price of the parent.

    `place` is whether it may be discounted, and its families.
    """
    discountable, families = place
    keys = (f"sku:{entry.sku}", *(f"category:{each}" for each in families), "any")
    currency = entry.currency or book.currency
    if not isinstance(entry.price, Derived):
        return [Offer(entry, discountable, families, keys, entry, currency, Decimal(1))]
    found = []
    for above, days in _above(entry, parent):
        own = entry if days == entry.effective else entry.but({"effective": days})
        factor, points = _derivation(entry.price, above, book.parent)
        source, currency = above.source, above.currency
        found.append(Offer(own, discountable, families, keys, source, currency, factor, points))
    if not found:
        text = f"entry {entry.sku} is derived, and the parent has no price to derive it from"
        raise BookUnfit(f"{text}; give it a price of its own")
    return found


def _above(entry: Entry, parent: Parent | None) -> list[tuple[Offer, Period | None]]:
    """Return the parent's offers that a derived entry follows, and the days on which it does.

    The one that begins last comes first, as it goes before the others on days of both.
    """
    theirs = parent.offers.get(entry.sku, ()) if parent else ()
    offers = [
        each
        for each in theirs
        if each.entry.charge == entry.charge and not isinstance(each.source.price, PercentOfTotal)
    ]
    offers.sort(key=lambda it: it.entry.effective.first if it.entry.effective else date.min)
    return [
        (each, days.period)
        for each in reversed(offers)
        if (days := shared(entry.effective, each.entry.effective))
    ]


def _derivation(
    price: Derived, above: Offer, policy: ParentBook | None
) -> tuple[Decimal, tuple[PricePoint, ...]]:
    """Return what the amounts of the parent are multiplied by, and the price points they go to."""
    percent, point = price.percent_off, price.round
    if policy is not None:
        percent, point = policy.percent_off if percent is None else percent, point or policy.round
    factor = above.factor
    if percent is not None:
        factor = EXACT.multiply(factor, EXACT.subtract(Decimal(1), percent.fraction))
    return factor, above.points if point is None else (*above.points, point)


def _inherited(
    above: Offer,
    parent: Parent,
    book: PriceBook,
    known: tuple[Mapping[str, bool], Mapping[str, tuple[str, ...]]],
) -> Offer:
    """Make the offer of a part that only the parent names; its cost stays in its own currency."""
    policy = book.parent
    sold, families = known
    category = above.entry.category
    places = families.get(category, above.families)
    keys = (f"sku:{above.entry.sku}", *(f"category:{each}" for each in places), "any")
    entry = above.entry.but({"currency": above.entry.currency or parent.currency})
    factor, points = above.factor, above.points
    if policy is not None and not isinstance(above.source.price, PercentOfTotal):
        factor = EXACT.multiply(factor, EXACT.subtract(Decimal(1), policy.percent_off.fraction))
        points = points if policy.round is None else (*points, policy.round)
    discountable = sold.get(category, above.discountable)
    return Offer(entry, discountable, places, keys, above.source, above.currency, factor, points)
