"""What a line is priced in: the book, the rates, the customer, and the rest of the basket."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from contracts.pricing import DiscountAsk
from contracts.values import EXACT, SCALES, minor_unit
from services.pricer.domain.asks.ask import PriceAsk, parameters_of
from services.pricer.domain.asks.basket import BasketLine
from services.pricer.domain.asks.engines import Engine
from services.pricer.domain.books.allocation import decimals, to_multiple
from services.pricer.domain.books.book import FxTable, RoundingPolicy
from services.pricer.domain.books.compiled import CompiledBook
from services.pricer.domain.books.price_models import MODES, PercentOfTotal
from services.pricer.domain.books.rules import AmountRange, Counted, RoundingPoint

# Money holds six decimals at most.
FINEST = 6
# Rounding and the few divisions that are rounded at once; everywhere else a lost digit is an error.
ROUNDS = Context(prec=60, traps=[InvalidOperation])
Scope = tuple[tuple[str, ...], tuple[str, ...]]


class NoRate(Exception):
    """An amount is in a currency that the FX table does not convert to the quote's."""

    def __init__(self, base: str, quote: str) -> None:
        super().__init__(base, quote)
        self.pair = (base, quote)


@dataclass(frozen=True, slots=True)
class Scene:
    """The context of all lines of one ask; the same for each, so the order of lines can not matter.

    `rate` is units of the quote's currency for one unit of the book's (1 if they are the same).
    `plans` are what the book says of its parts to such a customer, as far as it was looked up.
    `listed` are the exact amounts of the lines at their list prices, as soon as they are known.
    """

    book: CompiledBook
    ask: PriceAsk
    engine: Engine
    fx: FxTable
    rate: Decimal
    lines: Sequence[BasketLine]
    granted: Mapping[tuple[str | None, str | None], DiscountAsk]
    by_item: Mapping[str, Sequence[BasketLine]]
    parameters: Mapping[str, Mapping[str, str]]
    products: Mapping[str, str]
    moment: datetime
    plans: dict[Hashable, Any]
    listed: dict[int, Decimal] = field(default_factory=dict)
    counts: dict[tuple[Scope, str], Decimal] = field(default_factory=dict)
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
        return EXACT.multiply(amount, self.rate_of(currency))

    def rate_of(self, currency: str | None) -> Decimal:
        """Return units of the quote's currency for one of this; None means the book's.

        Raises: NoRate.
        """
        if currency is None or currency == self.book.book.currency:
            return self.rate
        if currency == self.ask.currency:
            return Decimal(1)
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

    def companions(self, line: BasketLine) -> list[BasketLine]:
        """Return the lines of the other parts of the same item."""
        return [each for each in self.by_item[line.item_id] if each.sku != line.sku]

    def round_at(self, amount: Decimal, point: RoundingPoint) -> Decimal:
        """Round at a named point of the book's policy; `exact` keeps every digit."""
        if point.multiple is not None:
            return to_multiple(amount, point.multiple, point.mode)
        if point.scale == "exact":
            return amount
        digits = minor_unit(self.currency) if point.scale == "minor" else point.scale
        return quantized(amount, digits, MODES[point.mode])

    def round_line(self, amount: Decimal) -> Decimal:
        """Round a line: to the minor unit of the currency, or as the book says otherwise."""
        line = self.book.book.rounding.line
        if isinstance(line, RoundingPoint):
            return self.round_at(amount, line)
        return quantized(amount, minor_unit(self.currency), MODES[line])

    def digits_of(self, point: RoundingPoint) -> int:
        """Return the decimals that a point rounds to; `exact` shows the finest that Money holds."""
        return digits_at(point, self.currency)

    @property
    def line_digits(self) -> int:
        """The decimals of what is split over lines: those of a line, at the finest a minor unit."""
        return line_digits(self.book.book.rounding, self.currency)

    @property
    def line_mode(self) -> str:
        """How a line is rounded."""
        return line_mode(self.book.book.rounding)


def digits_at(point: RoundingPoint, currency: str) -> int:
    """Return the decimals that a point rounds to in a currency; `exact` has what Money holds."""
    if point.multiple is not None:
        return decimals(point.multiple)
    if point.scale == "minor":
        return minor_unit(currency)
    return FINEST if point.scale == "exact" else point.scale


def line_digits(policy: RoundingPolicy, currency: str) -> int:
    """Return the decimals of what is split over lines."""
    line = policy.line
    if isinstance(line, RoundingPoint) and line.scale != "exact":
        return digits_at(line, currency)
    return minor_unit(currency)


def line_mode(policy: RoundingPolicy) -> str:
    """Return how a line is rounded."""
    line = policy.line
    return MODES[line.mode if isinstance(line, RoundingPoint) else line]


def quantized(amount: Decimal, digits: int, mode: str) -> Decimal:
    """Round a raw amount to a number of decimals; the one operation that may drop digits."""
    return amount.quantize(SCALES[digits], rounding=mode, context=ROUNDS)


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    """Add exactly; the builtin sum would round in whatever context the thread happens to have."""
    total = Decimal(0)
    for each in amounts:
        total = EXACT.add(total, each)
    return total


def _context(book: CompiledBook, ask: PriceAsk, engine: Engine) -> Hashable:
    """Return all of an ask that says which rules are for others."""
    account = ask.account_id if ask.account_id in book.accounts else None
    who = (account, ask.customer_tier, ask.region, ask.segment, ask.channel, ask.partner)
    return who, ask.currency, ask.day, ask.clock, engine.as_listed


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
        rate=rate.rate if rate else Decimal(1),
        lines=lines,
        granted={each.target: each for each in ask.discounts},
        by_item=by_item,
        parameters=parameters_of(ask.items),
        products={item.item_id: item.product for item in ask.items},
        moment=datetime.combine(ask.day, ask.clock or time()),
        plans=book.kept.of(_context(book, ask, engine)),
    )
