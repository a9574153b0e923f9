"""A price book made ready for pricing: offers by part, rules and guardrails by what they cover."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from contracts.values import Pin
from services.pricer.domain.books.book import Entry, Guardrail, ParentBook, PriceBook
from services.pricer.domain.books.kept import Kept
from services.pricer.domain.books.offers import BookUnfit, Offer, Parent, offers_of
from services.pricer.domain.books.price_models import PercentOfTotal
from services.pricer.domain.books.rules import Rule, StackingGroup

Index = Mapping[str, Mapping[str, "Scoped"]]
"""The rules by their group, then by what they cover."""


@dataclass(frozen=True, slots=True)
class Scoped:
    """Rules that cover the same: for everybody, and by account for those that are contracted."""

    all: tuple[Rule, ...]
    by_account: Mapping[str, tuple[Rule, ...]]


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

    Raises: BookUnfit, if it is derived from another book than the given parent, or can not be.
    """
    _fits(book.parent, parent)
    above = None if parent is None else Parent(parent.book.currency, parent.offers)
    offers = offers_of(book, above)
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
