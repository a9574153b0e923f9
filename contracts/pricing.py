"""Facts and values of the pricer: discounts asked for, priced lines, totals, guardrails."""

from typing import ClassVar, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from contracts.charges import Charge
from contracts.commercial import TermTotals
from contracts.envelope import Fact
from contracts.upcasts import Upcaster, unchanged
from contracts.values import (
    Currency,
    Day,
    ExactDecimal,
    LineQuantity,
    Money,
    Percent,
    Pin,
    Sha256,
    Value,
    is_none,
)

# Parts of one product: more than any bill of materials has.
COLUMN_MAX = 2000


class DiscountAsk(Value):
    """What a seller grants, with the reason: on a part of an item, on an item, or on the quote.

    At most one of `percent`, `amount` (off the whole of it) and `unit_price` (a manual price of one
    unit of a part) counts; `percent` is 0 beside the others. What is asked for a part stands in
    place of what is asked for its item; what is asked for the quote comes on top.
    """

    percent: Percent = Percent(0)
    rationale: str = Field(min_length=3, max_length=1000)
    item_id: str | None = None
    sku: str | None = Field(default=None, min_length=1, max_length=100, exclude_if=is_none)
    amount: Money | None = Field(default=None, exclude_if=is_none)
    unit_price: Money | None = Field(default=None, exclude_if=is_none)

    @property
    def target(self) -> tuple[str | None, str | None]:
        """What it is granted on: item and part, an item, or nothing for the quote."""
        return self.item_id, self.sku

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (bool(self.percent.root), self.amount is not None, self.unit_price is not None)
        if sum(ways) > 1:
            raise ValueError("give one of percent, amount and unit_price; leave the others out")
        if self.sku is not None and self.item_id is None:
            raise ValueError("a part is one of an item; name its item_id")
        if self.unit_price is not None and self.sku is None:
            raise ValueError("a manual price is of one part; name its item_id and sku")
        return self


class PricingPins(Value):
    """The versions to price with; None means the newest that is effective on the date."""

    book: Pin | None = None
    fx: Pin | None = None


class PricedLine(Value):
    """One line of the offer, as the customer may see it.

    `list_total - discount == net_total`, exactly; `discount` collects every step of the waterfall,
    so a surcharge makes it smaller. `net_total` includes this line's share of discounts on the
    whole quote. `estimate`: billed by what is used, the quantity is a guess.
    """

    line: int = Field(ge=1)
    item_id: str
    sku: str
    name: str
    quantity: LineQuantity
    unit: str
    charge: Charge
    list_unit: Money
    net_unit: Money
    list_total: Money
    discount: Money
    net_total: Money
    estimate: bool = False


class UnitPrice(Value):
    """The list price of one unit of a part.

    `additive`: what is paid for it grows evenly with its quantity and hangs on no other part. If
    not, tiers, quantity breaks or bundles may make it another price than its list price.
    """

    sku: str = Field(min_length=1, max_length=100)
    unit: str
    charge: Charge
    list_unit: Money
    additive: bool

    @model_validator(mode="after")
    def _not_below_zero(self) -> Self:
        if self.list_unit.amount < 0:
            raise ValueError("a list price is not below zero")
        return self


class PriceColumn(Value):
    """List prices of parts for one customer, day and currency; `missing` have none in the book.

    Recurring charges are those of one period, as in the totals of a quote.
    """

    book: Pin
    fx: Pin
    currency: Currency
    day: Day
    prices: tuple[UnitPrice, ...] = Field(max_length=COLUMN_MAX)
    missing: tuple[str, ...] = Field(default=(), max_length=COLUMN_MAX)

    @model_validator(mode="after")
    def _one_price_each(self) -> Self:
        if len({each.sku for each in self.prices}) < len(self.prices):
            raise ValueError("each sku has one price")
        if any(each.list_unit.currency != self.currency for each in self.prices):
            raise ValueError(f"all prices are in {self.currency}")
        return self


class ChargeTotal(Value):
    """Totals of one kind of charge; recurring charges are per period."""

    charge: Charge
    list: Money
    discount: Money
    net: Money


class Totals(Value):
    """What the offer comes to; `term`: over its whole term, where one was asked for.

    `discount_percent` is for display and thresholds, never an input of a price. Where a currency
    is paid in multiples, `payable` is `net` and `cash_rounding` together; the lines stay.
    """

    currency: Currency
    by_charge: tuple[ChargeTotal, ...]
    list: Money
    discount: Money
    net: Money
    discount_percent: Percent
    sales_discount_percent: Percent
    term: TermTotals | None = Field(default=None, exclude_if=is_none)
    cash_rounding: Money | None = None
    payable: Money | None = None


class GuardrailBreach(Value):
    """A floor that a line or the quote falls below; says what happened, not what it costs us."""

    guardrail: str
    line: int | None
    action: Literal["clamped", "approval"]
    message: str


class LineMargin(Value):
    """Cost and margin of one line; for our own eyes."""

    line: int
    cost: Money
    margin: Money
    margin_percent: Percent


class PriceInternal(Value):
    """Costs and margins; stands in blocks named `internal` only, which no customer ever sees.

    `pocket` is what remains of the net price after rebates, freight and payment terms.
    """

    cost: Money
    margin: Money
    margin_percent: Percent
    lines: tuple[LineMargin, ...]
    pocket: Money | None = None
    pocket_margin: Money | None = None
    pocket_margin_percent: Percent | None = None


class LineProblem(Value):
    """Why a line has no price, and what to do; never a silent zero."""

    item_id: str | None
    sku: str | None
    code: str
    field: str | None
    message: str


class FxRate(Value):
    """The dated rate used: one unit of `base` is `rate` units of `quote`."""

    base: Currency
    quote: Currency
    rate: ExactDecimal
    day: Day


class QuotePriced(Fact):
    """Every line has a price. `answers` is the id of the ask.

    The trace lies with the pricer under its hash. Version 1 knew one-time, monthly and yearly
    charges only.
    """

    VERSION: ClassVar[int] = 2

    quote_id: UUID
    revision: int
    answers: str
    book: Pin
    fx: Pin
    fx_rate: FxRate | None
    engine: str
    input_sha256: Sha256
    trace_sha256: Sha256
    lines: tuple[PricedLine, ...]
    totals: Totals
    breaches: tuple[GuardrailBreach, ...]
    internal: PriceInternal


class PricingFailed(Fact):
    """At least one line has no price; none is given in part."""

    quote_id: UUID
    revision: int
    answers: str
    problems: tuple[LineProblem, ...]
    who_can_move_it: Literal["seller", "admin"]


UPCASTERS: dict[tuple[str, int], Upcaster] = {("quotewright.QuotePriced", 1): unchanged}
