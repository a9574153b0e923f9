"""Price books as Salesforce exports them, read as a price list and discount schedules.

Product2, Pricebook2, PricebookEntry, and where there are any DiscountSchedule and DiscountTier: one
table each, with or without the prefix of the managed package. There an upper bound is exclusive;
here `up_to` is inclusive, so it becomes the last quantity below it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from pydantic import ValidationError

from contracts.values import EXACT
from services.pricer.domain.asks.trace import say_number
from services.pricer.domain.books.book import PriceBook, Rule
from services.pricer.domain.books.faults import rule_of
from services.pricer.domain.lint.lint import Part
from services.pricer.domain.releases.billing import NoCharge, charge_of
from services.pricer.domain.releases.price_list import (
    COLUMNS,
    Imported,
    Outcome,
    Target,
    Verdict,
    read_list,
)
from services.pricer.domain.releases.price_rows import NUMBER, Row, Tree

TABLES = ("product2", "pricebook2", "pricebookentry", "discountschedule", "discounttier")
# The smallest step between two quantities: a quantity has three decimals.
FINEST = Decimal("0.001")
TRUE = {"true", "1", "yes"}
MODES = {"range": "range", "slab": "slab"}
UNITS = {"percent": ("percent", "discount"), "amount": ("amount", "discountamount")}
COUNTED = {"": "line", "none": "line", "quote": "quote"}
NO_SLUG = re.compile(r"[^a-z0-9]+")
Table = Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which price book of the export: its name or id, or None for the standard one.

    `step` is the least step between two quantities of what is sold.
    """

    pricebook: str | None = None
    step: Decimal = FINEST


class Unfit(Exception):
    """The export as a whole can not be read; says why."""


class _Wrong(Exception):
    """Why a schedule is refused."""


def read_export(
    tables: Table, book: PriceBook, parts: Mapping[str, Part], to: Target, wanted: Wanted
) -> Imported:
    """Read an export into a book.   Raises: Unfit."""
    told = {name: [_named(row) for row in rows] for name, rows in tables.items()}
    for name in TABLES[:3]:
        if name not in told:
            raise Unfit(f"the table {name} is missing; export it too")
    products = {row.of("id"): row for row in told["product2"]}
    chosen = _chosen(told["pricebook2"], wanted.pricebook)
    rows = list(_rows(told["pricebookentry"], products, chosen, book))
    found = read_list(rows, COLUMNS, book, parts, to)
    rules, outcomes = _schedules(told, book, wanted.step)
    return replace(
        found,
        outcomes=(*found.outcomes, *outcomes),
        document=_ruled(found.document, book, rules),
    )


def _named(row: Row) -> Row:
    """Drop the package's prefix and suffix: SBQQ__LowerBound__c is lowerbound."""
    cells = {
        name.removeprefix("sbqq__").removesuffix("__c").replace("_", ""): it
        for name, it in row.cells.items()
    }
    return replace(row, cells=cells)


def _is(row: Row, column: str, *, otherwise: bool) -> bool:
    said = row.of(column).lower()
    return said in TRUE if said else otherwise


def _chosen(books: Sequence[Row], wanted: str | None) -> tuple[str, str]:
    """Return the ids of the price book that is read, and of the standard one."""
    standard = next((it for it in books if _is(it, "isstandard", otherwise=False)), None)
    if wanted is None:
        if standard is None and len(books) != 1:
            names = ", ".join(each.of("name")[:40] for each in books[:10])
            raise Unfit(f"no price book is the standard one; name one of {names}")
        return ((standard or books[0]).of("id"), standard.of("id") if standard else "")
    for each in books:
        if wanted in {each.of("id"), each.of("name")}:
            return each.of("id"), standard.of("id") if standard else ""
    names = ", ".join(each.of("name")[:40] for each in books[:10])
    raise Unfit(f"there is no price book {wanted[:40]!r}; name one of {names}")


# ---- prices


def _rows(
    entries: Sequence[Row], products: Mapping[str, Row], chosen: tuple[str, str], book: PriceBook
) -> Iterator[Row]:
    """Give the entries of the chosen book as rows of a price list."""
    own, standard = chosen
    usual = {
        (it.of("product2id"), it.of("currencyisocode")): it
        for it in entries
        if it.of("pricebook2id") == standard
    }
    for entry in entries:
        if not entry.wrong and entry.of("pricebook2id") != own:
            continue
        product = products.get(entry.of("product2id"))
        wrong = entry.wrong or _why_not(entry, product)
        cells = {"sku": product.of("productcode") if product else entry.of("productcode")}
        if product is not None and not wrong:
            price = entry
            if _is(entry, "usestandardprice", otherwise=False):
                price = usual.get((entry.of("product2id"), entry.of("currencyisocode")), entry)
            cells |= _cells(price, product, book)
        yield Row(entry.number, cells, wrong)


def _why_not(entry: Row, product: Row | None) -> str:
    if product is None:
        return f"product {entry.of('product2id')[:40]} is not in Product2; export it too"
    if not _is(entry, "isactive", otherwise=True) or not _is(product, "isactive", otherwise=True):
        return "is not active there; activate it, or leave it out"
    try:
        charge_of(product.of("chargetype"), product.of("billingfrequency"))
    except NoCharge as fault:
        return str(fault)
    return ""


def _cells(price: Row, product: Row, book: PriceBook) -> dict[str, str]:
    family = product.of("family")
    known = {name.lower(): each.id for each in book.categories for name in (each.id, each.name)}
    return {
        "price": price.of("unitprice"),
        "currency": price.of("currencyisocode"),
        "category": known.get(family.lower(), family),
        "charge": charge_of(product.of("chargetype"), product.of("billingfrequency")),
        "unit": product.of("quantityunitofmeasure"),
    }


# ---- discount schedules


def _schedules(
    told: Mapping[str, Sequence[Row]], book: PriceBook, step: Decimal
) -> tuple[list[Tree], list[Outcome]]:
    """Return rules for the schedules that products use, and what became of each."""
    users: dict[str, list[str]] = {}
    for product in told["product2"]:
        users.setdefault(product.of("discountschedule"), []).append(product.of("productcode"))
    tiers: dict[str, list[Row]] = {}
    for tier in told.get("discounttier", ()):
        tiers.setdefault(tier.of("schedule"), []).append(tier)
    rules: list[Tree] = []
    outcomes = []
    old = {each.id: each for each in book.rules}
    for row in told.get("discountschedule", ()):
        name = row.of("name") or row.of("id")
        skus = [*users.get(row.of("id"), ()), *users.get(row.of("name"), ())] if name else []
        try:
            rule = _rule(row, skus, tiers.get(row.of("id"), []), step)
        except _Wrong as fault:
            outcomes.append(Outcome(row.number, f"schedule {name}", "refused", str(fault)))
            continue
        before = old.get(rule["id"])
        rules.append({**rule, "version": 1 if before is None else before.version})
        words = f"for {', '.join(skus[:5])}" + (f" and {len(skus) - 5} more" if skus[5:] else "")
        verdict: Verdict = "new" if before is None else "unchanged"
        if before is not None and not _same(before, rule):
            rules[-1]["version"] = before.version + 1
            verdict = "changed"
        outcomes.append(Outcome(row.number, f"schedule {name}", verdict, words))
    return rules, outcomes


def _same(before: Rule, rule: Tree) -> bool:
    told = {"version": before.version, "group": before.group, "priority": before.priority}
    return before == Rule.model_validate(rule | told)


def _rule(row: Row, skus: Sequence[str], tiers: Sequence[Row], step: Decimal) -> Tree:
    if row.wrong:
        raise _Wrong(row.wrong)
    if not skus:
        raise _Wrong("no product uses it; name it in Product2, or leave it out")
    mode = MODES.get(row.of("type").lower())
    unit = UNITS.get(row.of("discountunit").lower() or "percent")
    counted = COUNTED.get(row.of("aggregationscope").lower())
    if mode is None:
        raise _Wrong(f"type {row.of('type')[:20]!r} is unknown; use Range or Slab")
    if unit is None:
        text = "is by price; give these prices as tiers of the price list instead"
        raise _Wrong(f"its discount unit {row.of('discountunit')[:20]!r} {text}")
    if counted is None or (mode == "slab" and counted != "line"):
        raise _Wrong("counts over what we do not count; use the scope None, or Quote for a range")
    rule = _written(row, skus, (mode, counted), list(_breaks(tiers, unit, step)))
    try:
        Rule.model_validate({**rule, "version": 1, "group": "schedules"})
    except ValidationError as fault:
        first = fault.errors()[0]
        raise _Wrong(f"{'.'.join(map(str, first['loc']))}: {rule_of(first)}") from None
    return rule


def _written(row: Row, skus: Sequence[str], how: tuple[str, str], breaks: list[Tree]) -> Tree:
    mode, counted = how
    slug = NO_SLUG.sub("-", row.of("name").lower()).strip("-") or row.of("id")
    return {
        "id": f"schedule-{slug}"[:100],
        "name": (row.of("name") or f"Discount schedule {row.of('id')}")[:200],
        "when": {"skus": list(dict.fromkeys(skus))},
        "effect": {
            "kind": "quantity_breaks",
            "mode": mode,
            "counted": counted,
            "breaks": breaks,
        },
    }


def _breaks(tiers: Sequence[Row], unit: tuple[str, str], step: Decimal) -> Iterator[Tree]:
    """Give inclusive breaks without gaps: none below the first bound, none above a closed last."""
    what, column = unit
    if not tiers:
        raise _Wrong("has no tiers; export DiscountTier too")
    bounds = [(_bound(it, "lowerbound"), it) for it in tiers]
    ordered = sorted(bounds, key=lambda it: it[0])
    start = ordered[0][0]
    if start > 1:
        yield {"up_to": say_number(EXACT.subtract(start, step)), what: "0"}
    reached = start
    for place, (lower, tier) in enumerate(ordered):
        if lower != reached:
            between = f"{say_number(reached)} and {say_number(lower)}"
            raise _Wrong(f"its tiers do not meet between {between}; close the gap or the overlap")
        value = tier.of(column)
        if not NUMBER.fullmatch(value):
            raise _Wrong(f"row {tier.number} has no plain {column}: {value[:20]!r}; fill it in")
        if not tier.of("upperbound"):
            if place < len(ordered) - 1:
                raise _Wrong(f"row {tier.number} is open and others follow; give it an upper bound")
            yield {"up_to": None, what: value}
            return
        reached = _bound(tier, "upperbound")
        yield {"up_to": say_number(EXACT.subtract(reached, step)), what: value}
    yield {"up_to": None, what: "0"}


def _bound(tier: Row, column: str) -> Decimal:
    if tier.wrong:
        raise _Wrong(f"row {tier.number} of its tiers {tier.wrong}")
    text = tier.of(column) or ("0" if column == "lowerbound" else "")
    if not NUMBER.fullmatch(text):
        raise _Wrong(f"row {tier.number} has no plain {column}: {text[:20]!r}; fill it in")
    return Decimal(text)


def _ruled(document: Tree, book: PriceBook, rules: list[Tree]) -> Tree:
    """Put the rules into the first group of the stage volume; make one, if there is none."""
    if not rules:
        return document
    group = next((each.id for each in book.groups if each.stage == "volume"), None)
    groups = list(document.get("groups", ()))
    if group is None:
        group = "schedules"
        groups.append({"id": group, "stage": "volume", "select": "most_specific"})
    made = {each["id"]: {**each, "group": group} for each in rules}
    kept = [made.pop(each["id"], each) for each in document.get("rules", ())]
    return {**document, "groups": groups, "rules": [*kept, *made.values()]}
