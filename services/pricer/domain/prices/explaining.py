"""Why a rule applied to a line: the parts of its condition that are met, read from the pinned book.

A trace keeps the rule and its version, not its condition: the book never changes, so the condition
is there as long as the price is.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from services.pricer.domain.books.compiled import CompiledBook
from services.pricer.domain.books.rules import Condition, Rule
from services.pricer.domain.waterfall.conditions import said

# What a condition is about, as a reader calls it, by its member.
NAMED = {
    "tiers": "tier",
    "regions": "region",
    "segments": "segment",
    "channels": "channel",
    "partners": "partner",
    "currencies": "currency",
    "products": "product",
    "charges": "charge",
}


def with_matched(tree: dict[str, Any], book: CompiledBook | None) -> dict[str, Any]:
    """Add to every step of a shown trace which conditions of its rule were met.

    Steps that no rule made, and all where the book is not there, have none.
    """
    by_item: dict[str, set[str]] = {}
    for line in tree["lines"]:
        by_item.setdefault(line["item_id"], set()).add(line["sku"])
    for line in tree["lines"]:
        for step in line["steps"]:
            rule, parts = _rule(book, step) if book else None, by_item[line["item_id"]]
            step["matched"] = matched(rule, line["sku"], parts, book) if rule and book else {}
    return tree


def matched(rule: Rule, sku: str, in_item: Iterable[str], book: CompiledBook) -> dict[str, str]:
    """Return what a rule asks for and a line of this part has, in words by name.

    Of several categories, or other parts of the same item, those that are there.
    """
    when = rule.when
    found = {
        name: ", ".join(values)
        for member, name in NAMED.items()
        if (values := getattr(when, member))
    }
    families = _families(sku, book)
    if sku in when.skus:
        found["part"] = sku
    elif when.categories:
        found["category"] = ", ".join(each for each in when.categories if each in families)
    if when.alongside_skus or when.alongside_categories:
        found["alongside"] = ", ".join(
            each
            for each in sorted(set(in_item) - {sku})
            if each in when.alongside_skus or _families(each, book) & {*when.alongside_categories}
        )
    return {name: value for name, value in (found | _more(when)).items() if value}


def _families(sku: str, book: CompiledBook) -> set[str]:
    return {family for offer in book.offers.get(sku, ()) for family in offer.families}


def _more(when: Condition) -> dict[str, str]:
    found = {each.name: ", ".join(each.values) for each in when.attributes}
    if when.accounts:
        found["account"] = "contracted"
    if when.quantity:
        found["quantity"] = said(when.quantity)
    if when.amount:
        found["amount"] = said(when.amount)
    if when.together:
        found["together"] = ", ".join(f"{each.at_least:f} x {each.sku}" for each in when.together)
    if when.effective:
        last = when.effective.last
        end = f" to {last.isoformat()}" if last else " on"
        found["in force"] = f"{when.effective.first.isoformat()}{end}"
    return found


def _rule(book: CompiledBook, step: Mapping[str, Any]) -> Rule | None:
    place = book.positions.get(step["rule"])
    if place is None:
        return None
    rule = book.book.rules[place]
    return rule if rule.version == step["version"] else None
