"""What a line is priced in: the book, the rate, the customer, and the rest of the basket."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation

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
    item_discounts: Mapping[str, Decimal]

    @property
    def currency(self) -> str:
        """The currency of the quote."""
        return self.ask.currency

    def money(self, amount: Decimal) -> Decimal:
        """Convert an amount of the book to the quote's currency, exactly, before anything else."""
        return EXACT.multiply(amount, self.rate)

    def counted(self, skus: Sequence[str], categories: Sequence[str]) -> Decimal:
        """Add up the quantities of all lines of the quote that a scope covers."""
        quantities = [each.quantity for each in self.lines if covers(skus, categories, each.entry)]
        return sum(quantities, Decimal(0))

    def companions(self, line: BasketLine) -> list[Entry]:
        """Return the other parts of the same item."""
        return [
            each.entry
            for each in self.lines
            if each.item_id == line.item_id and each.sku != line.sku
        ]

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
        if point.scale == "minor":
            return minor_unit(self.currency)
        return FINEST if point.scale == "exact" else point.scale


def quantized(amount: Decimal, digits: int, mode: str) -> Decimal:
    """Round a raw amount to a number of decimals; the one operation that may drop digits."""
    return amount.quantize(Decimal(1).scaleb(-digits), rounding=mode, context=ROUNDS)
