"""A price book made ready for pricing: offers by part, rules and guardrails by what they cover."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from contracts.values import EXACT, Period, Pin
from services.pricer.domain.books.book import Category, Entry, Guardrail, ParentBook, PriceBook
from services.pricer.domain.books.days import shared
from services.pricer.domain.books.kept import Kept
from services.pricer.domain.books.price_models import Derived, PercentOfTotal, PricePoint
from services.pricer.domain.books.rules import Rule, StackingGroup

DEPTH_MAX = 20
Index = Mapping[str, Mapping[str, "Scoped"]]
"""The rules by their group, then by what they cover."""


@dataclass(frozen=True, slots=True)
class Scoped:
    """Rules that cover the same: for everybody, and by account for those that are contracted."""

    all: tuple[Rule, ...]
    by_account: Mapping[str, tuple[Rule, ...]]


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


@dataclass(frozen=True, slots=True)
class CompiledBook:
    """Lookups over one immutable book; nothing in here is ever changed after `compile_book`."""

    book: PriceBook
    offers: Mapping[str, tuple[Offer, ...]]
    rules: Index
    groups: Mapping[str, tuple[StackingGroup, ...]]
    positions: Mapping[str, int]
    rails: Mapping[str, tuple[Guardrail, ...]]
    attributes: frozenset[str]
    accounts: frozenset[str]
    pin: Pin
    has_percentages: bool
    scopes: frozenset[str]
    kept: Kept = field(default_factory=Kept, compare=False, repr=False)

    def candidates(self, group: StackingGroup, offer: Offer, account: str | None) -> list[Rule]:
        """Return the rules of a group whose scope covers the part, in no order.

        Of the rules for accounts only those of this one; None: none of them.
        """
        places = self.rules.get(group.id)
        if places is None:
            return []
        found: list[Rule] = []
        for key in offer.keys:
            scoped = places.get(key)
            if scoped is not None:
                found += scoped.all
                if account is not None and scoped.by_account:
                    found += scoped.by_account.get(account, ())
        if len(found) < 2:
            return found
        return list({each.id: each for each in found}.values())

    def scope_of(self, offer: Offer) -> tuple[str, ...]:
        """Return by what rules and guardrails find a part: alike for parts under the same."""
        return tuple([key for key in offer.keys if key in self.scopes])

    def guardrails(self, offer: Offer) -> Sequence[Guardrail]:
        """Return the line guardrails that stand under a part, as the book lists them."""
        rails = self.rails
        found = [each for key in offer.keys for each in rails.get(key, ())]
        if len(found) < 2:
            return found
        ids = {each.id for each in found}
        return [each for each in self.book.guardrails if each.id in ids]


def covers(skus: Iterable[str], categories: Iterable[str], entry: Entry) -> bool:
    """Say whether a scope names a part or its own category; one that names nothing names all."""
    skus, categories = tuple(skus), tuple(categories)
    return (not skus and not categories) or entry.sku in skus or entry.category in categories


def compile_book(book: PriceBook, parent: CompiledBook | None = None) -> CompiledBook:
    """Index a book that passed the lint; costs one pass over entries and rules.

    Raises: BookUnfit, if it is derived from another book than the given parent.
    """
    _fits(book.parent, parent)
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
    conditions = [rule.when for rule in book.rules]
    conditions += [rail.when for rail in book.guardrails if rail.when]
    stages: dict[str, tuple[StackingGroup, ...]] = {}
    for group in book.groups:
        stages[group.stage] = (*stages.get(group.stage, ()), group)
    rules, rails = _index(book.rules), _rails(book.guardrails)
    return CompiledBook(
        book=book,
        offers=offers,
        rules=rules,
        groups=stages,
        positions={rule.id: place for place, rule in enumerate(book.rules)},
        rails=rails,
        attributes=frozenset(each.name for when in conditions for each in when.attributes),
        accounts=frozenset(each for when in conditions for each in when.accounts),
        pin=book.pin,
        has_percentages=any(
            isinstance(each.source.price, PercentOfTotal)
            for found in offers.values()
            for each in found
        ),
        scopes=frozenset(rails).union(*rules.values()),
    )


def _fits(wanted: ParentBook | None, given: CompiledBook | None) -> None:
    if wanted is None:
        if given is not None:
            raise BookUnfit("the book has no parent; drop the one that is given")
        return
    name = f"price book {wanted.id} version {wanted.version}"
    if given is None or (given.pin.id, given.pin.version) != (wanted.id, wanted.version):
        raise BookUnfit(f"the parent, {name}, is not there; publish it first")
    if wanted.sha256 is not None and wanted.sha256 != given.pin.sha256:
        raise BookUnfit(f"{name} has another content hash; correct parent.sha256")


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
    parent: CompiledBook | None,
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


def _above(entry: Entry, parent: CompiledBook | None) -> list[tuple[Offer, Period | None]]:
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
    parent: CompiledBook,
    book: PriceBook,
    known: tuple[Mapping[str, bool], Mapping[str, tuple[str, ...]]],
) -> Offer:
    """Make the offer of a part that only the parent names; its cost stays in its own currency."""
    policy = book.parent
    sold, families = known
    category = above.entry.category
    places = families.get(category, above.families)
    keys = (f"sku:{above.entry.sku}", *(f"category:{each}" for each in places), "any")
    entry = above.entry.but({"currency": above.entry.currency or parent.book.currency})
    factor, points = above.factor, above.points
    if policy is not None and not isinstance(above.source.price, PercentOfTotal):
        factor = EXACT.multiply(factor, EXACT.subtract(Decimal(1), policy.percent_off.fraction))
        points = points if policy.round is None else (*points, policy.round)
    discountable = sold.get(category, above.discountable)
    return Offer(entry, discountable, places, keys, above.source, above.currency, factor, points)


def _index(rules: Sequence[Rule]) -> Index:
    found: dict[str, dict[str, dict[str | None, list[Rule]]]] = {}
    for rule in rules:
        places = found.setdefault(rule.group, {})
        for key in _keys(rule.when.skus, rule.when.categories):
            accounts = places.setdefault(key, {})
            for account in rule.when.accounts or (None,):
                accounts.setdefault(account, []).append(rule)
    return {
        group: {key: _scoped(accounts) for key, accounts in places.items()}
        for group, places in found.items()
    }


def _scoped(accounts: dict[str | None, list[Rule]]) -> Scoped:
    everybody = tuple(accounts.pop(None, ()))
    return Scoped(
        everybody, {name: tuple(rules) for name, rules in accounts.items() if name is not None}
    )


def _keys(skus: Iterable[str], categories: Iterable[str]) -> list[str]:
    """Return the keys of a scope; one that names nothing is found under `any`."""
    keys = [f"sku:{each}" for each in skus]
    keys += [f"category:{each}" for each in categories]
    return keys or ["any"]


def _rails(rails: Sequence[Guardrail]) -> dict[str, tuple[Guardrail, ...]]:
    found: dict[str, tuple[Guardrail, ...]] = {}
    for rail in rails:
        if rail.scope == "line":
            for key in _keys(rail.skus, rail.categories):
                found[key] = (*found.get(key, ()), rail)
    return found
