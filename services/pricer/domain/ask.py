"""What is asked of the pricer, and what is answered: the basket, its lines, the problems."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import ConfigDict, Field, ValidationError

from contracts.commercial import TermAsk
from contracts.configuration import BomLine
from contracts.pricing import (
    COLUMN_MAX,
    DiscountAsk,
    FxRate,
    GuardrailBreach,
    LineProblem,
    PricedLine,
    PriceInternal,
    PricingPins,
    Totals,
)
from contracts.quote import PricingRequested
from contracts.values import Currency, Pin, Quantity, Sha256, Value
from services.pricer.domain.book import Entry
from services.pricer.domain.compiled import CompiledBook


class BasketItem(Value):
    """The part of a configured item that a price depends on; reads a whole ConfiguredItem too."""

    model_config = ConfigDict(extra="ignore")

    item_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")
    product: str = Field(min_length=1, max_length=100)
    quantity: Quantity
    bill_of_materials: tuple[BomLine, ...]


class PriceAsk(Value):
    """Everything that a price depends on, besides the book and the FX table."""

    items: tuple[BasketItem, ...] = Field(min_length=1)
    account_id: str
    customer_tier: str
    region: str
    currency: Currency
    discounts: tuple[DiscountAsk, ...] = ()
    terms: tuple[TermAsk, ...] = Field(default=(), max_length=200)
    day: date

    @classmethod
    def of(cls, fact: PricingRequested) -> "PriceAsk":
        """Take what matters from the fact."""
        return cls(
            items=tuple(
                BasketItem(
                    item_id=each.item_id,
                    product=each.product,
                    quantity=each.quantity,
                    bill_of_materials=each.bill_of_materials,
                )
                for each in fact.items
            ),
            account_id=fact.account_id,
            customer_tier=fact.customer_tier,
            region=fact.region,
            currency=fact.currency,
            discounts=fact.discounts,
            terms=fact.commercial.terms if fact.commercial else (),
            day=fact.day,
        )

    def tree(self) -> dict[str, Any]:
        """Return what decides the price, for hashing; names and reasons in words do not.

        What was not asked for is not in it, so that older asks keep their hash.
        """
        terms = {"terms": [_term_tree(each) for each in self.terms]} if self.terms else {}
        return {
            "items": [
                {
                    "item_id": item.item_id,
                    "product": item.product,
                    "quantity": str(item.quantity),
                    "parts": [[part.sku, str(part.quantity)] for part in item.bill_of_materials],
                }
                for item in self.items
            ],
            "account_id": self.account_id,
            "customer_tier": self.customer_tier,
            "region": self.region,
            "currency": self.currency,
            "discounts": [_discount_tree(each) for each in self.discounts],
            "day": self.day,
            **terms,
        }


def _discount_tree(ask: DiscountAsk) -> list[Any]:
    plain = [ask.item_id, f"{ask.percent.root:f}"]
    amounts = [("amount", ask.amount), ("unit_price", ask.unit_price)]
    named = [[name, str(each)] for name, each in amounts if each is not None]
    return plain + ([["sku", ask.sku]] if ask.sku else []) + named


def _term_tree(term: TermAsk) -> list[Any]:
    ramp = [
        [each.months, *(None if part is None else f"{part.root:f}" for part in parts)]
        for each in term.ramp
        for parts in [(each.quantity, each.percent)]
    ]
    return [term.item_id, term.months, ramp]


class ColumnAsk(Value):
    """For which parts and which customer list prices are wanted, and the versions to use."""

    skus: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(
        min_length=1, max_length=COLUMN_MAX
    )
    account_id: str
    customer_tier: str
    region: str
    currency: Currency
    day: date
    pins: PricingPins = PricingPins()

    def basket(self) -> PriceAsk:
        """Return an ask for one of each part."""
        one = Quantity(1)
        skus = dict.fromkeys(self.skus)
        parts = tuple(BomLine(sku=sku, name=sku, quantity=one, option="-") for sku in skus)
        item = BasketItem(item_id="one", product="-", quantity=one, bill_of_materials=parts)
        context = self.model_dump(exclude={"skus", "pins"})
        return PriceAsk(items=(item,), **context)


@dataclass(frozen=True, slots=True)
class BasketLine:
    """One line to price: one part of one item; the quantity is parts per item times items."""

    number: int
    item_id: str
    entry: Entry
    name: str
    quantity: Decimal
    discountable: bool

    @property
    def sku(self) -> str:
        """The part."""
        return self.entry.sku

    @property
    def place(self) -> str:
        """How a person finds the line."""
        return f"line {self.number} ({self.sku} of item {self.item_id})"


@dataclass(frozen=True, slots=True)
class Priced:
    """The whole answer: every line has a price. `trace` is canonical JSON, kept under its hash."""

    engine: str
    book: Pin
    fx: Pin
    fx_rate: FxRate | None
    input_sha256: Sha256
    trace: bytes
    lines: tuple[PricedLine, ...]
    totals: Totals
    breaches: tuple[GuardrailBreach, ...]
    internal: PriceInternal


def problem(
    code: str, message: str, field: str | None = None, line: BasketLine | None = None
) -> LineProblem:
    """Make a problem of the pricer; without a line it is about the whole ask."""
    return LineProblem(
        item_id=line.item_id if line else None,
        sku=line.sku if line else None,
        code=f"pricer.{code}",
        field=field,
        message=message,
    )


def part_problem(code: str, item: BasketItem, sku: str | None, message: str) -> LineProblem:
    """Make a problem about one part (or the whole bill) of one item."""
    field = f"items.{item.item_id}.bill_of_materials" + (f".{sku}" if sku else "")
    return LineProblem(
        item_id=item.item_id, sku=sku, code=f"pricer.{code}", field=field, message=message
    )


def lines_of(ask: PriceAsk, book: CompiledBook) -> tuple[list[BasketLine], list[LineProblem]]:
    """Make one line per (item, part), in the order of the items and their bills.

    A part that stands twice in a bill becomes one line. A part without a price, or an item
    without parts, is a problem, never a line of zero.
    """
    lines: list[BasketLine] = []
    problems: list[LineProblem] = []
    for item in ask.items:
        if not item.bill_of_materials:
            text = f"item {item.item_id} has no parts to price; configure it first"
            problems.append(part_problem("empty_item", item, None, text))
        for sku, parts in _by_sku(item.bill_of_materials).items():
            found = _line(len(lines) + 1, item, parts, book.entries.get(sku))
            if isinstance(found, BasketLine):
                lines.append(found)
            else:
                problems.append(_of_book(found, book))
    return lines, problems


def _by_sku(parts: Iterable[BomLine]) -> dict[str, list[BomLine]]:
    found: dict[str, list[BomLine]] = {}
    for part in parts:
        found.setdefault(part.sku, []).append(part)
    return found


def _line(
    number: int, item: BasketItem, parts: list[BomLine], entry: tuple[Entry, bool] | None
) -> BasketLine | LineProblem:
    sku = parts[0].sku
    if entry is None:
        return part_problem("no_price", item, sku, f"{sku} has no price")
    try:
        each = Quantity(sum((part.quantity.root for part in parts), Decimal(0)))
        quantity = (each * item.quantity).root
    except (ValidationError, ArithmeticError):
        text = f"the quantity of {sku} in all {item.quantity} items is absurd or too fine; lower it"
        return part_problem("quantity", item, sku, text)
    return BasketLine(number, item.item_id, entry[0], parts[0].name, quantity, entry[1])


def _of_book(found: LineProblem, book: CompiledBook) -> LineProblem:
    if found.code != "pricer.no_price":
        return found
    pin = book.pin
    text = f"{found.sku} has no entry in price book {pin.id} version {pin.version}; add one"
    return found.model_copy(update={"message": text + ", or choose another part"})
