"""What is asked of the pricer, and what is answered: the basket and the problems."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Protocol

from pydantic import BeforeValidator, ConfigDict, Field

from contracts.commercial import TermAsk
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
from contracts.values import (
    Clock,
    Currency,
    Day,
    ExactDecimal,
    LineQuantity,
    Pin,
    Quantity,
    Sha256,
    Value,
)
from services.pricer.domain.asks.trace import say_number


def _plain(value: Any) -> Any:
    return value.root if isinstance(value, LineQuantity) else value


def _text(value: Any) -> Any:
    """Read a flag, a number or a name as text, as a book writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class BasketPart(Value):
    """One part and how many of it one item needs; reads a whole line of a bill of materials too.

    `unit` is the unit in which it is sold, None: the base unit. The quantity may be any number:
    whether so many can be sold is for the price book to say.
    """

    model_config = ConfigDict(extra="ignore", from_attributes=True)

    sku: str = Field(min_length=1, max_length=100)
    name: str = ""
    quantity: Annotated[ExactDecimal, BeforeValidator(_plain)]
    unit: str | None = None


class ItemParameter(Value):
    """A named property that rules may look at; reads a derived parameter of an item too."""

    model_config = ConfigDict(extra="ignore", from_attributes=True)

    name: str = Field(min_length=1, max_length=100)
    value: Annotated[str, BeforeValidator(_text)]


class BasketItem(Value):
    """The part of a configured item that a price depends on; reads a whole ConfiguredItem too."""

    model_config = ConfigDict(extra="ignore", from_attributes=True)

    item_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")
    product: str = Field(min_length=1, max_length=100)
    quantity: Quantity
    bill_of_materials: tuple[BasketPart, ...]
    parameters: tuple[ItemParameter, ...] = ()


class PriceAsk(Value):
    """Everything that a price depends on, besides the book and the FX table.

    `clock` is the seller's time of the day, for rules that begin or end within one.
    """

    items: tuple[BasketItem, ...] = Field(min_length=1)
    account_id: str
    customer_tier: str
    region: str
    currency: Currency
    discounts: tuple[DiscountAsk, ...] = ()
    terms: tuple[TermAsk, ...] = Field(default=(), max_length=200)
    day: Day
    clock: Clock | None = None
    segment: str | None = None
    channel: str | None = None
    partner: str | None = None

    @classmethod
    def of(cls, fact: PricingRequested) -> "PriceAsk":
        """Take what matters from the fact."""
        return cls(
            items=tuple(BasketItem.model_validate(each) for each in fact.items),
            account_id=fact.account_id,
            customer_tier=fact.customer_tier,
            region=fact.region,
            currency=fact.currency,
            discounts=fact.discounts,
            terms=fact.commercial.terms if fact.commercial else (),
            day=fact.day,
            segment=fact.segment,
            channel=fact.channel,
            partner=fact.partner,
        )

    def tree(self, attributes: frozenset[str] = frozenset()) -> dict[str, Any]:
        """Return what decides the price, in order, for hashing; names and reasons in words do not.

        Of the parameters of an item only those that the book looks at; what is not said is absent.
        """
        return _said(
            {
                "account_id": self.account_id,
                "channel": self.channel,
                "clock": self.clock and self.clock.isoformat(),
                "currency": self.currency,
                "customer_tier": self.customer_tier,
                "day": self.day,
                "discounts": [_discount_tree(each) for each in self.discounts],
                "items": [_item_tree(item, attributes) for item in self.items],
                "partner": self.partner,
                "region": self.region,
                "segment": self.segment,
                "terms": [_term_tree(each) for each in self.terms] or None,
            }
        )


def _said(tree: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in tree.items() if value is not None}


def _item_tree(item: BasketItem, attributes: frozenset[str]) -> dict[str, Any]:
    seen = {each.name: each.value for each in item.parameters if each.name in attributes}
    return _said(
        {
            "item_id": item.item_id,
            "parameters": {name: seen[name] for name in sorted(seen)} or None,
            "parts": [
                [part.sku, say_number(part.quantity), *([part.unit] if part.unit else ())]
                for part in item.bill_of_materials
            ],
            "product": item.product,
            "quantity": str(item.quantity),
        }
    )


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
    day: Day
    pins: PricingPins = PricingPins()

    def basket(self) -> PriceAsk:
        """Return an ask for one of each part."""
        one = Quantity(1)
        skus = dict.fromkeys(self.skus)
        parts = tuple(BasketPart(sku=sku, name=sku, quantity=one.root) for sku in skus)
        item = BasketItem(item_id="one", product="-", quantity=one, bill_of_materials=parts)
        context = self.model_dump(exclude={"skus", "pins"})
        return PriceAsk(items=(item,), **context)


@dataclass(frozen=True)
class Priced:
    """The whole answer: every line has a price. `trace` is canonical JSON, kept under its hash.

    Lines and margins say what stands in the trace, in words of the contract; made when asked for.
    """

    engine: str
    book: Pin
    fx: Pin
    fx_rate: FxRate | None
    input_sha256: Sha256
    trace: bytes
    totals: Totals
    breaches: tuple[GuardrailBreach, ...]
    make_lines: Callable[[], tuple[PricedLine, ...]] = field(compare=False, repr=False)
    make_internal: Callable[[], PriceInternal] = field(compare=False, repr=False)

    @cached_property
    def lines(self) -> tuple[PricedLine, ...]:
        """The lines, as the customer may see them."""
        return self.make_lines()

    @cached_property
    def internal(self) -> PriceInternal:
        """Costs and margins, for our own eyes."""
        return self.make_internal()


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Why there is no price, line by line; `rest` is the price of the lines that have one.

    A problem that is of no line leaves no rest.
    """

    problems: tuple[LineProblem, ...]
    rest: Priced | None = None


class Placed(Protocol):
    """What a problem is about: a part of an item."""

    @property
    def item_id(self) -> str: ...
    @property
    def sku(self) -> str: ...


def problem(
    code: str, message: str, field: str | None = None, line: Placed | None = None
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


def parameters_of(items: Iterable[BasketItem]) -> Mapping[str, Mapping[str, str]]:
    """Return the parameters of each item by name."""
    return {item.item_id: {each.name: each.value for each in item.parameters} for item in items}
