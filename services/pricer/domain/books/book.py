"""A price book: entries, price models, rules in stacking groups, guardrails, rounding; and FX.

A book is data, versioned, immutable once published, known by the hash of its content. The *set*
of rules is the book's; the *order* of stages belongs to the engine (`engines.py`). Amounts
are in the book's currency, written as text; a tier's `up_to` is inclusive and the last tier is
open.
"""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from contracts.charges import Charge
from contracts.pricing import FxRate
from contracts.values import Currency, ExactDecimal, Percent, Period, Pin, Sha256, Value
from services.pricer.domain.books.canonical import digest
from services.pricer.domain.books.price_models import (
    MODES,
    Above,
    Code,
    CostPlus,
    Mode,
    PerUnit,
    PriceModel,
    PricePoint,
    Tier,
    Tiered,
)
from services.pricer.domain.books.rules import (
    AmountOff,
    Break,
    Condition,
    Effect,
    PercentOff,
    QuantityBreaks,
    RoundingPoint,
    Rule,
    RuleStage,
    Select,
    StackingGroup,
    UnitPrice,
)

# The language of a book stands in three files; these are its most used words.
__all__ = [
    "MODES",
    "AmountOff",
    "Break",
    "Category",
    "Code",
    "Condition",
    "CostPlus",
    "Effect",
    "Entry",
    "FxPair",
    "FxTable",
    "Guardrail",
    "Mode",
    "PerUnit",
    "PercentOff",
    "PriceBook",
    "PriceModel",
    "QuantityBreaks",
    "RoundingPoint",
    "Rule",
    "RuleStage",
    "Select",
    "StackingGroup",
    "Status",
    "Tier",
    "Tiered",
    "UnitPrice",
    "content_sha256",
    "read_book",
    "read_fx",
]

Status = Literal["draft", "published", "retired"]


# ---- parts


class Category(Value):
    """A family of parts that rules and guardrails may name; sellers may discount it or not.

    What is said of a `parent` holds for its descendants too.
    """

    id: Code
    name: str
    discountable: bool
    parent: Code | None = None


class UnitOfMeasure(Value):
    """Another unit in which a part is sold, and how many base units one of it is."""

    unit: str = Field(min_length=1, max_length=40)
    factor: Above


class Quantities(Value):
    """Which quantities of a part can be sold, in base units; a negative one is a credit."""

    at_least: ExactDecimal | None = None
    at_most: ExactDecimal | None = None
    multiple_of: Above | None = None
    zero: bool = False
    negative: bool = False


class Entry(Value):
    """What one part costs: its charge, unit, category, price model and our own cost per unit.

    A part may have an entry for each charge (bought, and paid monthly), and for each period of
    days. Amounts are in `currency`, else in the book's. `estimate`: billed by what is used, the
    quantity is a guess. `minimum` and `maximum` bound the line before any discount.
    """

    sku: Code
    category: Code
    charge: Charge
    unit: str
    price: PriceModel
    cost: ExactDecimal | None = None
    currency: Currency | None = None
    effective: Period | None = None
    units: tuple[UnitOfMeasure, ...] = Field(default=(), max_length=100)
    quantities: Quantities | None = None
    minimum: ExactDecimal | None = None
    maximum: ExactDecimal | None = None
    estimate: bool = False


# ---- guardrails


class Guardrail(Value):
    """A floor under a line, or under the margin of the whole quote; exactly one of margin or price.

    `clamp` lifts a line to the floor; `approval` lets the price stand and says that somebody must
    agree; `reject` gives no price. `when` narrows it to customers, regions, days.
    """

    id: Code
    version: int = Field(ge=1)
    name: str
    scope: Literal["line", "quote"]
    skus: tuple[Code, ...] = ()
    categories: tuple[Code, ...] = ()
    margin_on_price: Percent | None = None
    price: ExactDecimal | None = None
    action: Literal["clamp", "approval", "reject"]
    when: Condition | None = None


# ---- rounding, the book, FX


class CashRounding(Value):
    """To which multiple a total is paid in one currency: 0.05 in Swiss francs."""

    currency: Currency
    multiple: Above
    mode: Mode


class RoundingPolicy(Value):
    """The named rounding points: list price after FX, net unit price, line, and what is paid.

    A line is rounded to minor units, unless it says otherwise. `per`: which unit price is stated
    and rounded, of the unit that is sold or of the base unit. Cash rounding is an amount of its
    own, the lines stay.
    """

    list: RoundingPoint
    unit: RoundingPoint
    line: Mode | RoundingPoint
    per: Literal["sold_unit", "base_unit"] = "sold_unit"
    cash: tuple[CashRounding, ...] = ()


class ParentBook(Value):
    """The book that this one is derived from, and how.

    Entries of the model `derived` take the parent's price less `percent_off` and to a price point,
    unless they say it themselves; with `inherit`, so do all parts that have no entry here.
    """

    id: Code
    version: int = Field(ge=1)
    sha256: Sha256 | None = None
    percent_off: Percent = Percent(0)
    round: PricePoint | None = None
    inherit: bool = False


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
    entries: tuple[Entry, ...] = ()
    groups: tuple[StackingGroup, ...] = ()
    rules: tuple[Rule, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    segments: tuple[Code, ...] = ()
    channels: tuple[Code, ...] = ()
    parent: ParentBook | None = None
    sha256: Sha256

    @model_validator(mode="after")
    def _has_entries(self) -> Self:
        if not self.entries and not (self.parent and self.parent.inherit):
            raise ValueError("entries: give at least one, or a parent to inherit from")
        return self

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
        return Pin.made({"id": self.id, "version": self.version, "sha256": self.sha256})

    def rate(self, base: str, quote: str) -> FxRate | None:
        """Return the rate, dated by the first day of the table; None if there is none."""
        for pair in self.pairs:
            if pair.base == base and pair.quote == quote:
                day = self.effective.first
                return FxRate.made({"base": base, "quote": quote, "rate": pair.rate, "day": day})
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
