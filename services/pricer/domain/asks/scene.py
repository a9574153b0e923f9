"""What a line is priced in: the book, the rates, the customer, and the rest of the basket."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from functools import reduce
from typing import Any

from contracts.pricing import DiscountAsk, FxRate
from contracts.values import EXACT
from services.pricer.domain.asks.ask import PriceAsk, parameters_of
from services.pricer.domain.asks.basket import BasketLine
from services.pricer.domain.asks.engines import Engine
from services.pricer.domain.asks.rounding import Rounding, rounding_of
from services.pricer.domain.books.book import FxTable
from services.pricer.domain.books.compiled import CompiledBook
from services.pricer.domain.books.price_models import PercentOfTotal
from services.pricer.domain.books.rules import AmountRange, Counted

ZERO, ONE = Decimal(0), Decimal(1)
Scope = tuple[tuple[str, ...], tuple[str, ...]]


class NoRate(Exception):
    """An amount is in a currency that the FX table does not convert to the quote's."""

    def __init__(self, base: str, quote: str) -> None:
        super().__init__(base, quote)
        self.pair = (base, quote)


@dataclass(frozen=True, slots=True)
class Scene:
    """The context of all lines of one ask; the same for each, so the order of lines can not matter.

    `rate` is units of the quote's currency for one unit of the book's (1 if they are the same);
    `fx_rate` is where it stands.
    `plans` are what the book says of its parts to such a customer, as far as it was looked up.
    `granted` is what a seller asks for items, and parts of items; `on_quote` for the quote.
    `listed` are the exact amounts of the lines at their list prices, as soon as they are known.
    """

    book: CompiledBook
    ask: PriceAsk
    engine: Engine
    fx: FxTable
    fx_rate: FxRate | None
    rate: Decimal
    lines: Sequence[BasketLine]
    granted: Mapping[tuple[str, str | None], DiscountAsk]
    on_quote: DiscountAsk | None
    by_item: Mapping[str, Sequence[BasketLine]]
    parameters: Mapping[str, Mapping[str, str]]
    products: Mapping[str, str]
    moment: datetime
    rounding: Rounding
    plans: dict[Hashable, Any]
    listed: dict[int, Decimal] = field(default_factory=dict)
    counts: dict[tuple[Scope, str], Decimal] = field(default_factory=dict)
    covered: dict[tuple[Scope, str], set[str]] = field(default_factory=dict)
    amounts: dict[Scope, Decimal] = field(default_factory=dict)
    rates: dict[str, Decimal] = field(default_factory=dict)

    @property
    def currency(self) -> str:
        """The currency of the quote."""
        return self.ask.currency

    def money(self, amount: Decimal, currency: str | None = None) -> Decimal:
        """Convert an amount to the quote's currency, exactly, before anything else.

        Without a currency it is one of the book.   Raises: NoRate.
        """
        return amount * self.rate_of(currency)

    def rate_of(self, currency: str | None) -> Decimal:
        """Return units of the quote's currency for one of this; None means the book's.

        Raises: NoRate.
        """
        if currency is None or currency == self.book.book.currency:
            return self.rate
        if currency == self.ask.currency:
            return ONE
        found = self.rates.get(currency)
        if found is None:
            rate = self.fx.rate(currency, self.ask.currency)
            if rate is None:
                raise NoRate(currency, self.ask.currency)
            found = self.rates[currency] = rate.rate
        return found

    def counted(self, scope: Scope, counted: Counted, line: BasketLine) -> Decimal:
        """Return the quantity of the line, or of all lines of the item or quote in the scope.

        In base units and without their sign; added up once for each scope.
        """
        if counted == "line":
            return abs(line.base)
        place = (scope, line.item_id if counted == "item" else "")
        if place not in self.counts:
            lines = self.by_item[line.item_id] if counted == "item" else self.lines
            self.counts[place] = exact_sum(
                abs(each.base) for each in lines if each.offer.covered(*scope)
            )
        return self.counts[place]

    def amount_of(self, scope: Scope, wanted: AmountRange, line: BasketLine) -> Decimal:
        """Return what the line, the lines in the scope, or all lines come to at list prices.

        Lines that are a percentage of others count for nothing but themselves.
        """
        if wanted.counted == "line":
            return self.listed.get(line.number, Decimal(0))
        scope = scope if wanted.counted == "quote" else ((), ())
        if scope not in self.amounts:
            self.amounts[scope] = exact_sum(
                self.listed[each.number]
                for each in self.lines
                if each.number in self.listed
                and not isinstance(each.offer.source.price, PercentOfTotal)
                and each.offer.covered(*scope)
            )
        return self.amounts[scope]

    def stands_beside(self, scope: Scope, line: BasketLine) -> bool:
        """Say whether another part of the same item is in the scope; looked up once for an item."""
        place = (scope, line.item_id)
        skus = self.covered.get(place)
        if skus is None:
            lines = self.by_item[line.item_id]
            skus = self.covered[place] = {each.sku for each in lines if each.offer.covered(*scope)}
        return len(skus) > 1 or (bool(skus) and line.sku not in skus)


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    """Add exactly; the builtin sum would round in whatever context the thread happens to have."""
    return reduce(EXACT.add, amounts, ZERO)


def _context(book: CompiledBook, ask: PriceAsk, fx: FxTable, engine: Engine) -> Hashable:
    """Return who asks, as far as a book can tell, and what currencies are worth.

    Not the day: it stands in the words of rules that are not in force.
    """
    account = ask.account_id if ask.account_id in book.accounts else None
    who = (account, ask.customer_tier, ask.region, ask.segment, ask.channel, ask.partner)
    return who, ask.currency, fx.sha256, engine.name


def _rounding(book: CompiledBook, currency: str) -> Rounding:
    known = book.kept.of("rounding")
    found: Rounding | None = known.get(currency)
    if found is None:
        found = rounding_of(book.book.rounding, currency)
        book.kept.keep(known, currency, found)
    return found


def scene_of(
    book: CompiledBook, ask: PriceAsk, fx: FxTable, lines: Sequence[BasketLine], engine: Engine
) -> Scene:
    """Set the scene of one ask; the FX table has the rate of the book's currency."""
    rate = fx.rate(book.book.currency, ask.currency)
    by_item: dict[str, list[BasketLine]] = {}
    for line in lines:
        by_item.setdefault(line.item_id, []).append(line)
    return Scene(
        book=book,
        ask=ask,
        engine=engine,
        fx=fx,
        fx_rate=rate,
        rate=rate.rate if rate else ONE,
        lines=lines,
        granted={(each.item_id, each.sku): each for each in ask.discounts if each.item_id},
        on_quote=next((each for each in ask.discounts if each.item_id is None), None),
        by_item=by_item,
        parameters=parameters_of(ask.items),
        products={item.item_id: item.product for item in ask.items},
        moment=datetime.combine(ask.day, ask.clock or time()),
        rounding=_rounding(book, ask.currency),
        plans=book.kept.of(_context(book, ask, fx, engine)),
    )
