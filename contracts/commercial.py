"""What a seller settles besides discounts: currency, validity, terms of recurring charges."""

from typing import Self

from pydantic import Field, model_validator

from contracts.values import Currency, Money, Percent, Quantity, Value

# Ten years: longer than any frame agreement that a quote stands for.
MONTHS_MAX = 120
SEGMENTS_MAX = 24
VALIDITY_DAYS_MAX = 366


class RampSegment(Value):
    """So many months of a term with an own quantity of the item, or an own discount on it.

    `quantity` counts for recurring charges only; None is the item's. `percent` stands in place of
    the discount on the item in these months; None leaves that as it is.
    """

    months: int = Field(ge=1, le=MONTHS_MAX)
    quantity: Quantity | None = None
    percent: Percent | None = None


class TermAsk(Value):
    """How many months the recurring charges of one item run, or (no item) of all others.

    `ramp` divides the term into segments, in turn; without one, all months are alike.
    """

    months: int = Field(ge=1, le=MONTHS_MAX)
    item_id: str | None = None
    ramp: tuple[RampSegment, ...] = Field(default=(), max_length=SEGMENTS_MAX)
    rationale: str | None = Field(default=None, min_length=3, max_length=1000)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.ramp and sum(each.months for each in self.ramp) != self.months:
            raise ValueError(f"the segments must fill the {self.months} months of the term exactly")
        if self.rationale is None and any(each.percent is not None for each in self.ramp):
            raise ValueError("a discount in a segment needs a reason")
        if self.item_id is None and any(each.quantity is not None for each in self.ramp):
            raise ValueError("a segment has a quantity of one item only; name the item")
        return self


class CommercialAsk(Value):
    """What holds for the whole quote; None is what holds without being asked for.

    `currency`: else the opportunity's. `validity_days`: else the selling unit's.
    """

    currency: Currency | None = None
    validity_days: int | None = Field(default=None, ge=1, le=VALIDITY_DAYS_MAX)
    terms: tuple[TermAsk, ...] = Field(default=(), max_length=200)

    @model_validator(mode="after")
    def _one_term_each(self) -> Self:
        if len({each.item_id for each in self.terms}) < len(self.terms):
            raise ValueError("each item has one term, and the quote has one")
        return self


NOTHING_ASKED = CommercialAsk()


class TermPeriod(Value):
    """Months in which nothing changes; `recurring` is the net of all of them together."""

    first_month: int = Field(ge=1)
    months: int = Field(ge=1)
    recurring: Money


class TermTotals(Value):
    """What the offer comes to over its whole term, net.

    `tcv`, total contract value: one-time charges and all recurring ones. `acv`, annual contract
    value: what each item's recurring charges come to in twelve months of its term on average;
    one-time charges are no part of it.
    """

    months: int = Field(ge=1)
    one_time: Money
    recurring: Money
    tcv: Money
    acv: Money
    periods: tuple[TermPeriod, ...]
