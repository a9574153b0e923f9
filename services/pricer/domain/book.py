"""A price book: entries, price models, rules in stacking groups, guardrails, rounding; and FX.

A book is data, versioned, immutable once published, known by the hash of its content. The *set*
of rules is the book's; the *order* of stages belongs to the engine (`waterfall.STAGES`). Amounts
are in the book's currency, written as text; a tier's `up_to` is inclusive and the last tier is
open.
"""

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP
from typing import Annotated, Any, Literal

from pydantic import Field

from contracts.pricing import Charge, FxRate
from contracts.values import Currency, ExactDecimal, Percent, Period, Pin, Sha256, Value
from services.pricer.domain.canonical import digest

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Status = Literal["draft", "published", "retired"]
RuleStage = Literal["contracted_price", "volume", "segment", "bundle"]
Select = Literal["most_specific", "best_for_customer", "all"]
Mode = Literal["half_up", "half_even", "up", "down"]

# "up" is towards more money, so that a floor holds.
MODES: Mapping[Mode, str] = {
    "half_up": ROUND_HALF_UP,
    "half_even": ROUND_HALF_EVEN,
    "up": ROUND_CEILING,
    "down": ROUND_DOWN,
}


# ---- price models


class Tier(Value):
    """Units up to and with `up_to` (None: all further ones) cost `unit` each."""

    up_to: ExactDecimal | None
    unit: ExactDecimal


class PerUnit(Value):
    """The same amount for each unit."""

    model: Literal["per_unit"]
    amount: ExactDecimal


class Tiered(Value):
    """`volume`: all units at the tier that is reached; `graduated`: each unit at its own tier.

    The list price is the first tier's; what the other tiers take off shows in the stage `volume`.
    """

    model: Literal["tiered"]
    mode: Literal["volume", "graduated"]
    tiers: tuple[Tier, ...] = Field(min_length=1, max_length=1000)


class CostPlus(Value):
    """The price follows the cost: exactly one of a markup on the cost or a margin on the price."""

    model: Literal["cost_plus"]
    markup_on_cost: Percent | None = None
    margin_on_price: Percent | None = None


PriceModel = Annotated[PerUnit | Tiered | CostPlus, Field(discriminator="model")]


class Category(Value):
    """A family of parts that rules and guardrails may name; sellers may discount it or not."""

    id: Code
    name: str
    discountable: bool


class Entry(Value):
    """What one part costs: its charge, unit, category, price model and our own cost per unit."""

    sku: Code
    category: Code
    charge: Charge
    unit: str
    price: PriceModel
    cost: ExactDecimal | None = None


# ---- rules


class PercentOff(Value):
    """A percentage off the running price; a surcharge is negative."""

    kind: Literal["percent_off"]
    percent: Percent


class AmountOff(Value):
    """An amount off each unit."""

    kind: Literal["amount_off"]
    amount: ExactDecimal


class UnitPrice(Value):
    """A price for each unit in place of the running one."""

    kind: Literal["unit_price"]
    amount: ExactDecimal


class Break(Value):
    """A quantity up to and with `up_to` (None: any larger one) gets this percentage off."""

    up_to: ExactDecimal | None
    percent: Percent


class QuantityBreaks(Value):
    """A discount schedule: the range that the quantity falls in decides for all units.

    `counted` is the quantity of the line, or of all lines of the quote that the rule covers.
    """

    kind: Literal["quantity_breaks"]
    mode: Literal["range"]
    counted: Literal["line", "quote"]
    breaks: tuple[Break, ...] = Field(min_length=1, max_length=1000)


Effect = Annotated[PercentOff | AmountOff | UnitPrice | QuantityBreaks, Field(discriminator="kind")]


class Condition(Value):
    """When a rule applies; what is not named does not matter.

    `alongside_*`: at least one such part must stand in the same item (a bundle).
    """

    skus: tuple[Code, ...] = ()
    categories: tuple[Code, ...] = ()
    tiers: tuple[Code, ...] = ()
    regions: tuple[Code, ...] = ()
    accounts: tuple[str, ...] = ()
    alongside_skus: tuple[Code, ...] = ()
    alongside_categories: tuple[Code, ...] = ()
    effective: Period | None = None


class Rule(Value):
    """An adjustment rule; `name` is what a customer may read."""

    id: Code
    version: int = Field(ge=1)
    name: str = Field(min_length=3, max_length=200)
    group: Code
    priority: int = 0
    when: Condition
    effect: Effect


class StackingGroup(Value):
    """Rules that compete (most specific, best for the customer) or all apply in turn."""

    id: Code
    stage: RuleStage
    select: Select


class Guardrail(Value):
    """A floor under a line, or under the margin of the whole quote; exactly one of margin or price.

    `clamp` lifts a line to the floor; `approval` lets the price stand and says that somebody must
    agree.
    """

    id: Code
    version: int = Field(ge=1)
    name: str
    scope: Literal["line", "quote"]
    skus: tuple[Code, ...] = ()
    categories: tuple[Code, ...] = ()
    margin_on_price: Percent | None = None
    price: ExactDecimal | None = None
    action: Literal["clamp", "approval"]


# ---- rounding, the book, FX


class RoundingPoint(Value):
    """Where and how to round: so many decimals, the currency's `minor` unit, or `exact`: not."""

    scale: Literal["minor", "exact"] | Annotated[int, Field(ge=0, le=6)]
    mode: Mode


class RoundingPolicy(Value):
    """The named rounding points: list price after FX, net unit price, line (always minor units)."""

    list: RoundingPoint
    unit: RoundingPoint
    line: Mode


class PriceBook(Value):
    """One version of a price book; `sha256` hashes its content without `status` and `sha256`."""

    id: Code
    version: int = Field(ge=1)
    name: str
    status: Status
    effective: Period
    currency: Currency
    currencies: tuple[Currency, ...] = Field(min_length=1)
    tiers: tuple[Code, ...] = Field(min_length=1)
    regions: tuple[Code, ...] = Field(min_length=1)
    rounding: RoundingPolicy
    categories: tuple[Category, ...]
    entries: tuple[Entry, ...] = Field(min_length=1)
    groups: tuple[StackingGroup, ...] = ()
    rules: tuple[Rule, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    sha256: Sha256

    @property
    def pin(self) -> Pin:
        """Which version this is, as a fact says it."""
        return Pin(id=self.id, version=self.version, sha256=self.sha256)


class FxPair(Value):
    """One unit of `base` is `rate` units of `quote`; the other way round is a pair of its own."""

    base: Currency
    quote: Currency
    rate: ExactDecimal


class FxTable(Value):
    """One version of a table of exchange rates, all of one day."""

    id: Code
    version: int = Field(ge=1)
    status: Status
    effective: Period
    source: str
    pairs: tuple[FxPair, ...]
    sha256: Sha256

    @property
    def pin(self) -> Pin:
        """Which version this is, as a fact says it."""
        return Pin(id=self.id, version=self.version, sha256=self.sha256)

    def rate(self, base: str, quote: str) -> FxRate | None:
        """Return the rate, dated by the first day of the table; None if there is none."""
        for pair in self.pairs:
            if (pair.base, pair.quote) == (base, quote):
                day = self.effective.first
                return FxRate(base=base, quote=quote, rate=pair.rate, day=day)
        return None


UNHASHED = ("sha256", "status")


def content_sha256(document: Mapping[str, Any]) -> str:
    """Return the hash of an authored document; retiring or sealing it does not change it.

    Raises: TypeError, for a binary float.
    """
    return digest({name: value for name, value in document.items() if name not in UNHASHED})


def read_book(document: Mapping[str, Any]) -> PriceBook:
    """Make a book of an authored document.   Raises: ValidationError, TypeError."""
    return PriceBook.model_validate({**document, "sha256": content_sha256(document)})


def read_fx(document: Mapping[str, Any]) -> FxTable:
    """Make an FX table of an authored document.   Raises: ValidationError, TypeError."""
    return FxTable.model_validate({**document, "sha256": content_sha256(document)})
