"""How an amount follows from a quantity: the price models of an entry.

Amounts are in the currency of the entry, else of the book, and quantities in base units. A bound
`up_to` is inclusive; the last one may be open (None). Each model is linear in its amounts, so that
a rate or a percentage of a parent book goes through it exactly.
"""

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from contracts.values import ExactDecimal, Percent, Value

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Mode = Literal["half_up", "half_even", "up", "down"]
STEPS_MAX = 1000


def _above_zero(value: Decimal) -> Decimal:
    if value <= 0:
        raise ValueError("must be above zero")
    return value


Above = Annotated[ExactDecimal, AfterValidator(_above_zero)]

# "up" is towards more money, so that a floor holds.
MODES: Mapping[Mode, str] = {
    "half_up": ROUND_HALF_UP,
    "half_even": ROUND_HALF_EVEN,
    "up": ROUND_CEILING,
    "down": ROUND_DOWN,
}


class PricePoint(Value):
    """Round to a multiple, then add (or, negative, take off): to 10 less 0.01 gives 9.99."""

    multiple: Above
    mode: Mode
    add: ExactDecimal | None = None


class Tier(Value):
    """Units up to and with `up_to` (None: all further ones) cost `unit` each.

    `flat` is due once as soon as the tier is reached; the first tier's also for a quantity of zero.
    """

    up_to: ExactDecimal | None
    unit: ExactDecimal
    flat: ExactDecimal | None = None


class PerUnit(Value):
    """The same amount for each unit."""

    model: Literal["per_unit"]
    amount: ExactDecimal


class Tiered(Value):
    """`volume`: all units at the tier that is reached; `graduated`: each unit at its own tier.

    The list price is the first tier's; what the other tiers take off shows in the stage `volume`.
    With flat fees the list price is the amount of the whole line.
    """

    model: Literal["tiered"]
    mode: Literal["volume", "graduated"]
    tiers: tuple[Tier, ...] = Field(min_length=1, max_length=STEPS_MAX)

    @property
    def has_flat_fees(self) -> bool:
        """Whether any tier is due once."""
        return any(tier.flat for tier in self.tiers)


class BlockStep(Value):
    """Any quantity up to and with `up_to` costs `amount`, the whole line.

    Each unit above `overage_above` costs `overage_unit` more; None: above the block before.
    """

    up_to: ExactDecimal | None
    amount: ExactDecimal
    overage_unit: ExactDecimal | None = None
    overage_above: ExactDecimal | None = None


class Block(Value):
    """One amount for the whole line, by the block that the quantity falls in.

    There is no price above a last block that is closed.
    """

    model: Literal["block"]
    blocks: tuple[BlockStep, ...] = Field(min_length=1, max_length=STEPS_MAX)


class Package(Value):
    """Sold in packages of `size` for `amount` each; a started package counts as `rounding` says.

    The first `free_units` are not counted.
    """

    model: Literal["package"]
    size: Above
    amount: ExactDecimal
    free_units: ExactDecimal | None = None
    rounding: Literal["up", "down", "half_up"] = "up"


class PackageTier(Value):
    """Units up to and with `up_to` are sold in packages of `size` for `amount` each."""

    up_to: ExactDecimal | None
    size: Above
    amount: ExactDecimal


class PackageTiers(Value):
    """Packages by tiers; started packages count whole, in each tier (`graduated`) or over all."""

    model: Literal["package_tiers"]
    mode: Literal["volume", "graduated"]
    tiers: tuple[PackageTier, ...] = Field(min_length=1, max_length=STEPS_MAX)


class CostPlus(Value):
    """The price follows the cost: exactly one of a markup on the cost or a margin on the price.

    Never below `floor`, where there is one.
    """

    model: Literal["cost_plus"]
    markup_on_cost: Percent | None = None
    margin_on_price: Percent | None = None
    floor: ExactDecimal | None = None


class PercentOfTotal(Value):
    """A percentage of what other lines come to, for each unit; a scope that names nothing is all.

    `basis`: their list price; their `regular` price, before the seller's discounts; their `net`
    price; or their `final` price, with their shares of discounts on the quote. `within`: lines of
    the same item, or of the quote.
    """

    model: Literal["percent_of_total"]
    percent: Percent
    skus: tuple[Code, ...] = ()
    categories: tuple[Code, ...] = ()
    within: Literal["item", "quote"] = "quote"
    basis: Literal["list", "regular", "net", "final"] = "final"
    minimum: ExactDecimal | None = None
    maximum: ExactDecimal | None = None


class Derived(Value):
    """The price of the same part in the parent book, less a percentage (a surcharge is negative).

    `round` takes the unit price to a price point. What is not said is as the book says of its
    parent.
    """

    model: Literal["derived"]
    percent_off: Percent | None = None
    round: PricePoint | None = None


PriceModel = Annotated[
    PerUnit | Tiered | Block | Package | PackageTiers | CostPlus | PercentOfTotal | Derived,
    Field(discriminator="model"),
]
