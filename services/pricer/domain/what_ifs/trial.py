"""Price a past ask again, by the book it was priced with and by another one, side by side.

The prices are the engine's own (`pricing.price`); nothing is estimated. What is kept of a price is
what a what-if adds up: whole numbers of millionths, so that sums are exact in any order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from contracts.pricing import GuardrailBreach
from contracts.values import EXACT, percentage, share
from services.pricer.domain.asks.ask import PriceAsk, Priced, Unpriced
from services.pricer.domain.asks.rounding import exactly
from services.pricer.domain.asks.scene import exact_sum
from services.pricer.domain.books.book import FxTable
from services.pricer.domain.books.compiled import CompiledBook
from services.pricer.domain.prices.figures import Settled, too_fine
from services.pricer.domain.prices.pricing import settle
from services.pricer.domain.what_ifs.affected import affected

Key = tuple[str, int]
"""A version: id and number."""

# Money holds six decimals at most.
DECIMALS = 6
# As approvals counts it: a line that is given away loses all of its cost.
GIVEN_AWAY = Decimal(-100)
REMEMBERED_MAX = 50_000


class Terms(NamedTuple):
    """What decides whether somebody has to approve; percentages as the fact writes them."""

    sales_discount_percent: str
    margin_percent: str
    worst_line_margin_percent: str
    guardrail_breaches: int


class Share(NamedTuple):
    """What the lines of one product come to, in millionths of the quote's currency."""

    product: str
    lines: int
    list: int
    net: int
    cost: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What a price comes to: by product, its terms, and the guardrails that it touches."""

    shares: tuple[Share, ...]
    terms: Terms
    breaches: tuple[tuple[str, str], ...]
    """Guardrail and action, one for each breach."""


@dataclass(frozen=True, slots=True)
class Past:
    """An ask that was answered: for whom, with what, and what the answer came to.

    `quote` is its number, or its id where no number was told. Without a price there are neither
    versions nor figures.
    """

    quote: str
    revision: int
    selling_unit: str | None
    day: str
    account_id: str
    tier: str
    region: str
    currency: str
    products: tuple[str, ...]
    skus: tuple[str, ...]
    content: bytes
    book: Key | None
    fx: Key | None
    answered: Figures | None


@dataclass(frozen=True, slots=True)
class Tried:
    """One past ask before and after: figures, or the code of why there is no price."""

    past: Past
    before: Figures | str
    after: Figures | str


@dataclass(frozen=True, slots=True)
class Versions:
    """The books and rates that past asks were priced with, and the one book to try."""

    books: Mapping[Key, CompiledBook]
    tables: Mapping[Key, FxTable]
    candidate: CompiledBook
    base: Key | None = None
    """Compare with this version; None: each ask with what it was answered."""
    day: date | None = None
    """Price as if it were asked on this day; None: each ask on its own day."""


class Trier:
    """Prices past asks under both books; the same input is priced once."""

    def __init__(self, versions: Versions) -> None:
        self._versions = versions
        self._priced: dict[tuple[Key | None, Key | None, bytes], Figures | str] = {}
        self._read: dict[bytes, PriceAsk] = {}
        self._affected: dict[Key, frozenset[str] | None] = {}

    def tries(self, past: Past) -> Tried:
        """Say what one past ask came to, and price it with the book that is tried."""
        versions = self._versions
        base = versions.base or past.book
        book = versions.books.get(base) if base is not None else None
        before = self._before(past, base, book)
        if base is not None and book is not None and self._is_untouched(past, base, book):
            return Tried(past, before, before)
        return Tried(past, before, self._figures(past, None, versions.candidate))

    def _before(self, past: Past, base: Key | None, book: CompiledBook | None) -> Figures | str:
        """Return what the ask was answered, unless another book or day is to compare with."""
        if self._versions.base is None and self._versions.day is None:
            return past.answered or "pricer.not_priced_then"
        if base is None:
            return "pricer.not_priced_then"
        return "pricer.book_gone" if book is None else self._figures(past, base, book)

    def _is_untouched(self, past: Past, key: Key, book: CompiledBook) -> bool:
        """Say whether the ask has no part that the candidate may price otherwise."""
        if key not in self._affected:
            self._affected[key] = affected(book, self._versions.candidate)
        touched = self._affected[key]
        return touched is not None and touched.isdisjoint(past.skus)

    def _ask(self, content: bytes) -> PriceAsk:
        found = self._read.get(content)
        if found is None:
            found = PriceAsk.model_validate_json(content)
            if self._versions.day is not None:
                found = found.model_copy(update={"day": self._versions.day})
            if len(self._read) >= REMEMBERED_MAX:
                self._read.clear()
            self._read[content] = found
        return found

    def _figures(self, past: Past, key: Key | None, book: CompiledBook) -> Figures | str:
        ask = self._ask(past.content)
        fx = self._fx(past, ask.day)
        if fx is None:
            return "pricer.no_fx"
        known = (key, (fx.id, fx.version), past.content)
        found = self._priced.get(known)
        if found is None:
            if len(self._priced) >= REMEMBERED_MAX:
                self._priced.clear()
            found = self._priced[known] = figures(ask, book, fx)
        return found

    def _fx(self, past: Past, day: date) -> FxTable | None:
        """Return the rates of the answer, or those in force where there was none."""
        if past.fx is not None:
            return self._versions.tables.get(past.fx)
        held = [
            each
            for each in self._versions.tables.values()
            if each.status == "published" and each.effective.holds(day)
        ]
        return max(held, key=lambda each: (each.effective.first, each.version), default=None)


def figures(ask: PriceAsk, book: CompiledBook, fx: FxTable) -> Figures | str:
    """Price an ask and return what it comes to, or the code of its first problem."""
    with exactly():
        settled = settle(ask, book, fx)
        if isinstance(settled, Unpriced):
            return settled.problems[0].code
        if too_fine(settled.runs, ask.currency):
            return settled.problems[0].code if settled.problems else "pricer.inexact"
        return settled.problems[0].code if settled.problems else figures_of(settled)


def figures_of(settled: Settled) -> Figures:
    """Return what a price comes to; percentages as `answer` makes them."""
    products, runs, costs = settled.scene.products, settled.runs, settled.costs
    net = exact_sum(run.amount for run in runs)
    given, regular = exact_sum(run.given for run in runs), exact_sum(run.regular for run in runs)
    return _figures(
        [
            (products[run.line.item_id], run.list_total, run.amount, cost)
            for run, cost in zip(runs, costs, strict=True)
        ],
        (share(given, regular).root, share(EXACT.subtract(net, exact_sum(costs)), net).root),
        settled.breaches,
    )


def figures_of_answer(ask: PriceAsk, answer: Priced) -> Figures:
    """Return what an answer comes to, to be kept beside the ask."""
    products = {each.item_id: each.product for each in ask.items}
    costs = {each.line: each.cost.amount for each in answer.internal.lines}
    return _figures(
        [
            (
                products[line.item_id],
                line.list_total.amount,
                line.net_total.amount,
                costs[line.line],
            )
            for line in answer.lines
        ],
        (answer.totals.sales_discount_percent.root, answer.internal.margin_percent.root),
        answer.breaches,
    )


def _figures(
    lines: Sequence[tuple[str, Decimal, Decimal, Decimal]],
    percents: tuple[Decimal, Decimal],
    breaches: Sequence[GuardrailBreach],
) -> Figures:
    """Add up lines (product, list, net, cost) by product; `percents`: sales discount, margin."""
    sums: dict[str, list[tuple[Decimal, Decimal, Decimal]]] = {}
    for product, *amounts in lines:
        sums.setdefault(product, []).append((amounts[0], amounts[1], amounts[2]))
    discount, margin = percents
    worst = worst_margin([(net, cost) for _, listed, net, cost in lines if listed])
    terms = Terms(
        f"{discount:f}",
        f"{margin:f}",
        f"{margin if worst is None else worst:f}",
        sum(each.action == "approval" for each in breaches),
    )
    shares = [
        Share(product, len(held), *map(_sum, zip(*held, strict=True)))
        for product, held in sorted(sums.items())
    ]
    return Figures(
        tuple(shares),
        terms,
        tuple((each.guardrail, each.action) for each in breaches),
    )


def figures_tree(found: Figures) -> list[Any]:
    """Return figures as plain JSON."""
    return [found.shares, found.terms, found.breaches]


def figures_read(tree: Sequence[Any]) -> Figures:
    """Read stored figures."""
    shares, terms, breaches = tree
    return Figures(
        tuple(Share(*each) for each in shares),
        Terms(*terms),
        tuple((name, action) for name, action in breaches),
    )


def _sum(amounts: Sequence[Decimal]) -> int:
    return millionths(exact_sum(amounts))


def worst_margin(lines: Sequence[tuple[Decimal, Decimal]]) -> Decimal | None:
    """Return the lowest margin of lines (net, cost) in percent, as approvals counts it.

    Of lines that bring money only the one with the highest cost for it is divided.
    """
    worst: tuple[Decimal, Decimal] | None = None
    margins = []
    for net, cost in lines:
        if net <= 0:
            margins.append(_line_margin(net, cost))
        elif worst is None or EXACT.multiply(cost, worst[0]) > EXACT.multiply(worst[1], net):
            worst = net, cost
    if worst is not None:
        margins.append(_line_margin(*worst))
    return min(margins, default=None)


def _line_margin(net: Decimal, cost: Decimal) -> Decimal:
    return percentage(EXACT.subtract(net, cost), net) if net else GIVEN_AWAY


def millionths(amount: Decimal) -> int:
    """Return an amount as a whole number of millionths.

    >>> millionths(Decimal("12.345"))
    12345000
    """
    return int(EXACT.to_integral_exact(EXACT.scaleb(amount, DECIMALS)))
