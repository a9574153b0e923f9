"""Which parts another book prices otherwise: a quote without any of them costs the same."""

from collections.abc import Sequence
from typing import TypeVar

from services.pricer.domain.books.book import Guardrail, PriceBook
from services.pricer.domain.books.compiled import CompiledBook
from services.pricer.domain.books.rules import FreeGoods, Rule

T = TypeVar("T", bound=Rule | Guardrail)

# What names a book and says when it may be used decides no price.
NAMES = {"id", "version", "name", "status", "effective", "sha256"}
APART = {"entries", "rules", "guardrails"}


def affected(before: CompiledBook, after: CompiledBook) -> frozenset[str] | None:
    """Return the parts whose price may differ between two books; None, where it may be any.

    A price hangs on the entry, on rules and guardrails that cover the part, on other parts of the
    same quote, and on what holds for the whole book; nothing else of a book is looked at.
    """
    old, new = before.book, after.book
    if _whole(old) != _whole(new) or old.parent is not None or _order(old, new):
        return None
    found = {
        sku
        for sku in before.offers.keys() | after.offers.keys()
        if [each.entry for each in before.offers.get(sku, ())]
        != [each.entry for each in after.offers.get(sku, ())]
    }
    for rule in _differing(old.rules, new.rules):
        found |= _covered(rule, before) | _covered(rule, after)
    for rail in _differing(old.guardrails, new.guardrails):
        if rail.scope == "quote":
            return None
        found |= _under(rail, before) | _under(rail, after)
    for rule in new.rules:
        if isinstance(rule.effect, FreeGoods) and rule.effect.sku in found:
            found |= _covered(rule, after)
    return frozenset(found)


def _whole(book: PriceBook) -> dict[str, object]:
    """Return what holds for all parts of a book."""
    names = set(PriceBook.model_fields) - NAMES - APART
    return {name: getattr(book, name) for name in names}


def _order(old: PriceBook, new: PriceBook) -> bool:
    """Say whether rules that both books have stand in another order: it decides between equals."""
    both = {each.id for each in old.rules} & {each.id for each in new.rules}
    ours, theirs = ([each.id for each in book.rules if each.id in both] for book in (old, new))
    return ours != theirs


def _differing(old: Sequence[T], new: Sequence[T]) -> list[T]:
    """Return all that is in one of them only, in both shapes where it was changed."""
    ours, theirs = {each.id: each for each in old}, {each.id: each for each in new}
    return [
        *(each for each in old if theirs.get(each.id) != each),
        *(each for each in new if ours.get(each.id) != each),
    ]


def _covered(rule: Rule, book: CompiledBook) -> set[str]:
    return _parts(book, rule.when.skus, rule.when.categories)


def _under(rail: Guardrail, book: CompiledBook) -> set[str]:
    return _parts(book, rail.skus, rail.categories)


def _parts(book: CompiledBook, skus: tuple[str, ...], categories: tuple[str, ...]) -> set[str]:
    return {
        sku
        for sku, offers in book.offers.items()
        if any(each.covered(skus, categories) for each in offers)
    }
