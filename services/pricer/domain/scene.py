"""What a line is priced in: the book, the rate, the customer, and the rest of the basket."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, InvalidOperation

from contracts.pricing import DiscountAsk
from contracts.values import EXACT, minor_unit
from services.pricer.domain.ask import BasketLine, PriceAsk
from services.pricer.domain.book import MODES, Entry, RoundingPoint
from services.pricer.domain.compiled import CompiledBook, covers

# Money holds six decimals at most.
FINEST = 6
# Rounding and the few divisions that are rounded at once; everywhere else a lost digit is an error.
ROUNDS = Context(prec=60, traps=[InvalidOperation])


@dataclass(frozen=True, slots=True)
class Scene:
    """The context of all lines of one ask; the same for each, so the order of lines can not matter.

    `rate` is units of the quote's currency for one unit of the book's (1 if they are the same).
    """

    book: CompiledBook
    ask: PriceAsk
    rate: Decimal
    lines: Sequence[BasketLine]
    granted: Mapping[tuple[str | None, str | None], DiscountAsk]
    by_item: Mapping[str, tuple[Entry, ...]]
    counts: dict[tuple[tuple[str, ...], tuple[str, ...]], Decimal] = field(default_factory=dict)

    @property
    def currency(self) -> str:
        """The currency of the quote."""
        return self.ask.currency

    def money(self, amount: Decimal) -> Decimal:
        """Convert an amount of the book to the quote's currency, exactly, before anything else."""
        return EXACT.multiply(amount, self.rate)

    def counted(self, skus: tuple[str, ...], categories: tuple[str, ...]) -> Decimal:
        """Add up the quantities of all lines of the quote that a scope covers; once per scope."""
        scope = (skus, categories)
        if scope not in self.counts:
            self.counts[scope] = exact_sum(
                each.quantity for each in self.lines if covers(*scope, each.entry)
            )
        return self.counts[scope]

    def companions(self, line: BasketLine) -> list[Entry]:
        """Return the other parts of the same item."""
        return [each for each in self.by_item[line.item_id] if each.sku != line.sku]

    def round_at(self, amount: Decimal, point: RoundingPoint) -> Decimal:
        """Round at a named point of the book's policy; `exact` keeps every digit."""
        if point.scale == "exact":
            return amount
        digits = minor_unit(self.currency) if point.scale == "minor" else point.scale
        return quantized(amount, digits, MODES[point.mode])

    def round_line(self, amount: Decimal) -> Decimal:
        """Round a line to the minor unit of the currency."""
        return quantized(amount, minor_unit(self.currency), MODES[self.book.book.rounding.line])

    def digits_of(self, point: RoundingPoint) -> int:
        """Return the decimals that a point rounds to; `exact` shows the finest that Money holds."""
        return digits_at(point, self.currency)


def digits_at(point: RoundingPoint, currency: str) -> int:
    """Return the decimals that a point rounds to in a currency; `exact` has what Money holds."""
    if point.scale == "minor":
        return minor_unit(currency)
    return FINEST if point.scale == "exact" else point.scale


def quantized(amount: Decimal, digits: int, mode: str) -> Decimal:
    """Round a raw amount to a number of decimals; the one operation that may drop digits."""
    return amount.quantize(Decimal(1).scaleb(-digits), rounding=mode, context=ROUNDS)


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    """Add exactly; the builtin sum would round in whatever context the thread happens to have."""
    total = Decimal(0)
    for each in amounts:
        total = EXACT.add(total, each)
    return total


def scene_of(
    book: CompiledBook, ask: PriceAsk, rate: Decimal, lines: Sequence[BasketLine]
) -> Scene:
    """Set the scene of one ask."""
    by_item: dict[str, tuple[Entry, ...]] = {}
    for line in lines:
        by_item[line.item_id] = (*by_item.get(line.item_id, ()), line.entry)
    granted = {each.target: each for each in ask.discounts}
    return Scene(book, ask, rate, lines, granted, by_item)
