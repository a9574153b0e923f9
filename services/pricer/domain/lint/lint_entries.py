"""Lint of entries, and of percentages of totals that go round in a circle."""

from collections.abc import Iterable

from contracts.values import Period
from services.pricer.domain.books.book import Entry
from services.pricer.domain.books.days import gaps
from services.pricer.domain.books.price_models import Derived, PercentOfTotal
from services.pricer.domain.lint.lint_known import Found, Known
from services.pricer.domain.lint.lint_models import amount_faults, fee_faults, lint_price


def lint_entry(entry: Entry, known: Known) -> Iterable[Found]:
    """Find what is wrong with an entry by itself."""
    place = f"entries.{entry.sku}"
    if entry.category not in known.families:
        yield place, f"category {entry.category} is not declared; add it to categories"
    if entry.cost is not None:
        yield from amount_faults(f"{place}.cost", entry.cost)
    elif not isinstance(entry.price, Derived | PercentOfTotal):
        yield place, "has no cost, which margins, cost-plus and guardrails need; add one"
    if isinstance(entry.price, Derived) and known.book.parent is None:
        yield f"{place}.price", "is derived, and the book names no parent; add it, or a price"
    yield from lint_price(f"{place}.price", entry.price)
    yield from fee_faults(place, "minimum", entry.minimum)
    yield from fee_faults(place, "maximum", entry.maximum)
    if entry.minimum is not None and entry.maximum is not None and entry.minimum > entry.maximum:
        yield place, "its minimum is above its maximum; swap them"
    period = entry.effective
    if period is not None and period.last is not None and period.last < period.first:
        yield place, "ends before it begins; swap first and last"
    yield from _units(place, entry)


def lint_days(known: Known) -> Iterable[Found]:
    """Find days between two prices of a part on which it has none.

    On days of several the price that begins last is taken, so those are no fault.
    """
    for sku, entries in known.by_sku.items():
        by_charge: dict[str, list[Period]] = {}
        for each in entries:
            if each.effective is not None:
                by_charge.setdefault(each.charge, []).append(each.effective)
        always = {each.charge for each in entries if each.effective is None}
        for charge, periods in by_charge.items():
            for first, last in () if charge in always else gaps(periods):
                days = f"on {first}" if first == last else f"from {first} to {last}"
                text = f"has no price {days}; let one of its entries begin or end there"
                yield f"entries.{sku}", text


def _units(place: str, entry: Entry) -> Iterable[Found]:
    names = [entry.unit, *(each.unit for each in entry.units)]
    if len(set(names)) < len(names):
        yield f"{place}.units", "names a unit twice; keep one factor for each"
    for each in entry.units:
        yield from amount_faults(f"{place}.units.{each.unit}", each.factor)
    sold = entry.quantities
    if sold is None:
        return
    if sold.multiple_of is not None:
        yield from amount_faults(f"{place}.quantities.multiple_of", sold.multiple_of)
    if sold.at_least is not None and sold.at_most is not None and sold.at_least > sold.at_most:
        text = f"no quantity is from {sold.at_least} up to {sold.at_most}; swap them"
        yield f"{place}.quantities", text


# ---- percentages of totals


def lint_totals(known: Known) -> Iterable[Found]:
    """Find percentages of unknown parts, and those that are of one another.   Raises: Spent."""
    needs: dict[str, set[str]] = {}
    for entry in known.book.entries:
        price = entry.price
        if not isinstance(price, PercentOfTotal):
            continue
        place = f"entries.{entry.sku}.price"
        for kind, names, there in (
            ("sku", price.skus, known.by_sku),
            ("category", price.categories, known.families),
        ):
            for name in names:
                if name not in there and not (kind == "sku" and known.inherits):
                    yield place, f"{kind} {name} is not in this book; correct it or add it"
        found = needs.setdefault(entry.sku, set())
        if price.skus or price.categories:
            found |= {
                each.sku
                for each in known.covered(price.skus, price.categories)
                if each.sku != entry.sku and isinstance(each.price, PercentOfTotal)
            }
    yield from _circles(needs)


def _circles(needs: dict[str, set[str]]) -> Iterable[Found]:
    """Take away what hangs on nothing that is left, until only circles are left."""
    users: dict[str, list[str]] = {}
    for sku, theirs in needs.items():
        for each in theirs:
            users.setdefault(each, []).append(sku)
    left = {sku: len(theirs) for sku, theirs in needs.items()}
    ready = [sku for sku, number in left.items() if not number]
    while ready:
        for user in users.get(ready.pop(), ()):
            left[user] -= 1
            if not left[user]:
                ready.append(user)
    for sku in sorted(sku for sku, number in left.items() if number):
        others = ", ".join(sorted(needs[sku])[:3])
        text = f"is a percentage of {others}, which hangs on it in turn; narrow one of their scopes"
        yield f"entries.{sku}.price", text
