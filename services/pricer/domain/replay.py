"""Price a past ask again, by the book it was priced with and by another one, side by side.

The prices are the engine's own (`pricing.price`); nothing is estimated. What is kept of a price is
what a what-if adds up: whole numbers of millionths, so that sums are exact in any order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from contracts.pricing import PricedLine
from contracts.values import EXACT, Percent
from services.pricer.domain.ask import PriceAsk, Priced
from services.pricer.domain.book import FxTable
from services.pricer.domain.compiled import CompiledBook
from services.pricer.domain.pricing import Unpriced, price

Key = tuple[str, int]
"""A version: id and number."""

# Money holds six decimals at most.
DECIMALS = 6
# As approvals counts it: a line that is given away loses all of its cost.
GIVEN_AWAY = Percent(-100)
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
    """An ask that was answered, and the versions of the answer; none where it had no price.

    `quote` is its number, or its id where no number was told.
    """

    quote: str
    revision: int
    selling_unit: str | None
    content: bytes
    book: Key | None
    fx: Key | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """One past ask under both books: figures, or the code of why there is no price."""

    past: Past
    ask: PriceAsk
    before: Figures | str
    after: Figures | str


@dataclass(frozen=True, slots=True)
class Versions:
    """The books and rates that past asks were priced with, and the one book to try."""

    books: Mapping[Key, CompiledBook]
    tables: Mapping[Key, FxTable]
    candidate: CompiledBook
    base: Key | None = None
    """Compare with this version; None: each ask with the book that it was priced with."""
    day: date | None = None
    """Price as if it were asked on this day; None: each ask on its own day."""


class Replayer:
    """Prices past asks under both books; the same input is priced once."""

    def __init__(self, versions: Versions) -> None:
        self._versions = versions
        self._priced: dict[tuple[Key | None, Key | None, bytes], Figures | str] = {}
        self._read: dict[bytes, PriceAsk] = {}

    def replay(self, past: Past) -> Replayed:
        """Price one past ask under both books."""
        ask = self._ask(past.content)
        versions = self._versions
        before: Figures | str = "pricer.not_priced_then"
        base = versions.base or past.book
        if base is not None:
            book = versions.books.get(base)
            before = "pricer.book_gone" if book is None else self._figures(past, ask, base, book)
        return Replayed(past, ask, before, self._figures(past, ask, None, versions.candidate))

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

    def _figures(
        self, past: Past, ask: PriceAsk, key: Key | None, book: CompiledBook
    ) -> Figures | str:
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
    found = price(ask, book, fx)
    return found.problems[0].code if isinstance(found, Unpriced) else figures_of(ask, found)


def figures_of(ask: PriceAsk, priced: Priced) -> Figures:
    """Return what a price comes to."""
    products = {each.item_id: each.product for each in ask.items}
    costs = {each.line: each.cost.amount for each in priced.internal.lines}
    sums: dict[str, list[int]] = {}
    for line in priced.lines:
        held = sums.setdefault(products[line.item_id], [0, 0, 0, 0])
        held[0] += 1
        held[1] += millionths(line.list_total.amount)
        held[2] += millionths(line.net_total.amount)
        held[3] += millionths(costs[line.line])
    terms = Terms(
        f"{priced.totals.sales_discount_percent.root:f}",
        f"{priced.internal.margin_percent.root:f}",
        f"{_worst_line_margin(priced).root:f}",
        sum(each.action == "approval" for each in priced.breaches),
    )
    return Figures(
        tuple(Share(product, *held) for product, held in sorted(sums.items())),
        terms,
        tuple((each.guardrail, each.action) for each in priced.breaches),
    )


def _worst_line_margin(priced: Priced) -> Percent:
    """Return the lowest margin of a line, as approvals counts it."""
    lines: dict[int, PricedLine] = {each.line: each for each in priced.lines if each.list_total}
    margins = [
        each.margin_percent if lines[each.line].net_total else GIVEN_AWAY
        for each in priced.internal.lines
        if each.line in lines
    ]
    return min(margins, default=priced.internal.margin_percent)


def millionths(amount: Decimal) -> int:
    """Return an amount as a whole number of millionths.

    >>> millionths(Decimal("12.345"))
    12345000
    """
    return int(EXACT.to_integral_exact(EXACT.scaleb(amount, DECIMALS)))
