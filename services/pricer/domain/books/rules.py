"""Adjustment rules: when they apply, what they do, and how those of one group compete."""

from typing import Annotated, Literal

from pydantic import Field

from contracts.values import Currency, ExactDecimal, LocalMoment, Percent, Period, Value
from services.pricer.domain.books.price_models import STEPS_MAX, Above, Code, Mode, PriceModel

RuleStage = Literal[
    "option_price",
    "contracted_price",
    "volume",
    "segment",
    "promotion",
    "bundle",
    "partner_discount",
    "distributor_discount",
    "header_discount",
    "off_invoice",
]
Select = Literal["most_specific", "highest_priority", "best_for_customer", "all"]
Counted = Literal["line", "item", "quote"]


class RoundingPoint(Value):
    """Where and how to round: so many decimals, the currency's `minor` unit, or `exact`: not.

    With `multiple` to that instead.
    """

    scale: Literal["minor", "exact"] | Annotated[int, Field(ge=0, le=6)] = "minor"
    mode: Mode
    multiple: Above | None = None


# ---- effects


class PercentOff(Value):
    """A percentage off the running price; a surcharge is negative.

    `round` rounds the discount itself, on each unit.
    """

    kind: Literal["percent_off"]
    percent: Percent
    round: RoundingPoint | None = None


class AmountOff(Value):
    """An amount off each base unit, or once off the line; never below zero."""

    kind: Literal["amount_off"]
    amount: ExactDecimal
    per: Literal["unit", "line"] = "unit"


class UnitPrice(Value):
    """A price for each base unit in place of the running one."""

    kind: Literal["unit_price"]
    amount: ExactDecimal


class SetPrice(Value):
    """Another price model in place of the running price: contracted tiers, blocks, packages."""

    kind: Literal["price_model"]
    price: PriceModel


class Markup(Value):
    """A markup on the cost in place of the running price, or on the running price."""

    kind: Literal["markup"]
    percent: Percent
    on: Literal["cost", "running"]


class MarginFloor(Value):
    """The running price, or where it is lower the price that leaves this margin, rounded up."""

    kind: Literal["margin_floor"]
    margin_on_price: Percent


class RoundTo(Value):
    """Take the unit price to a multiple, then add: the price points of a list.

    The multiple is in the currency of the quote, unless the rule names one.
    """

    kind: Literal["round_to"]
    multiple: Above
    mode: Mode
    add: ExactDecimal | None = None


class LineLimits(Value):
    """The least and the most that the line comes to."""

    kind: Literal["line_limits"]
    minimum: ExactDecimal | None = None
    maximum: ExactDecimal | None = None


class FreeGoods(Value):
    """For every `per` units of the line, `quantity` units of a part for nothing, as lines.

    Without a `sku` it is the same part. `at_most` bounds what is given; `repeat: false` gives once.
    """

    kind: Literal["free_goods"]
    per: Above
    quantity: Above
    sku: Code | None = None
    at_most: ExactDecimal | None = None
    repeat: bool = True


class Break(Value):
    """A quantity up to and with `up_to` (None: any larger one) gets this much off.

    Exactly one of a percentage or an amount off each unit.
    """

    up_to: ExactDecimal | None
    percent: Percent | None = None
    amount: ExactDecimal | None = None


class QuantityBreaks(Value):
    """A discount schedule. `range`: the break that the quantity falls in decides for all units.

    `slab`: each unit has the discount of its own break; counted on the line only. `counted` is the
    quantity of the line, or of all lines of the item or the quote that the rule covers.
    """

    kind: Literal["quantity_breaks"]
    mode: Literal["range", "slab"]
    counted: Counted
    breaks: tuple[Break, ...] = Field(min_length=1, max_length=STEPS_MAX)


Effect = Annotated[
    PercentOff
    | AmountOff
    | UnitPrice
    | SetPrice
    | Markup
    | MarginFloor
    | RoundTo
    | LineLimits
    | FreeGoods
    | QuantityBreaks,
    Field(discriminator="kind"),
]


# ---- conditions


class QuantityRange(Value):
    """A quantity in base units, both ends included, counted as in a discount schedule."""

    at_least: ExactDecimal | None = None
    up_to: ExactDecimal | None = None
    counted: Counted = "line"


class AmountRange(Value):
    """An amount at list prices, both ends included.

    Of the line, of all lines of the quote that the rule covers, or of the whole quote. Its ends
    are in `currency`, else in the book's.
    """

    at_least: ExactDecimal | None = None
    up_to: ExactDecimal | None = None
    currency: Currency | None = None
    counted: Literal["line", "quote", "whole_quote"] = "whole_quote"


class Moments(Value):
    """From one moment to another, both included, in the local time of the seller."""

    first: LocalMoment | None = None
    last: LocalMoment | None = None


class PartCount(Value):
    """So many of a part."""

    sku: Code
    at_least: ExactDecimal


class Attribute(Value):
    """A named property of the item or the quote, and the values that are meant."""

    name: str = Field(min_length=1, max_length=100)
    values: tuple[str, ...] = Field(min_length=1)


class Condition(Value):
    """When a rule applies; what is not named does not matter.

    `alongside_*`: at least one such part must stand in the same item (a bundle); `together`: all of
    these parts must, in these quantities. `between` narrows `effective` to times of a day.
    """

    skus: tuple[Code, ...] = ()
    categories: tuple[Code, ...] = ()
    tiers: tuple[Code, ...] = ()
    regions: tuple[Code, ...] = ()
    accounts: tuple[str, ...] = ()
    alongside_skus: tuple[Code, ...] = ()
    alongside_categories: tuple[Code, ...] = ()
    effective: Period | None = None
    segments: tuple[Code, ...] = ()
    channels: tuple[Code, ...] = ()
    partners: tuple[str, ...] = ()
    currencies: tuple[Currency, ...] = ()
    products: tuple[str, ...] = ()
    charges: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    together: tuple[PartCount, ...] = ()
    quantity: QuantityRange | None = None
    amount: AmountRange | None = None
    between: Moments | None = None


class Rule(Value):
    """An adjustment rule; `name` is what a customer may read.

    Its amounts are in `currency`, or else in the book's. An `exclusive` rule that applies is the
    only one of its group; a contracted price that is `stackable` lets the later stages work on it.
    """

    id: Code
    version: int = Field(ge=1)
    name: str = Field(min_length=3, max_length=200)
    group: Code
    priority: int = 0
    when: Condition
    effect: Effect
    currency: Currency | None = None
    exclusive: bool = False
    stackable: bool = False


class StackingGroup(Value):
    """Rules that compete (one wins) or all apply: in turn, or percentages added on one base."""

    id: Code
    stage: RuleStage
    select: Select
    stacking: Literal["sequential", "additive_on_base"] = "sequential"
