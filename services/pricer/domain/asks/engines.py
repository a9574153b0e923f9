"""The engines that a price may be pinned to: the fixed order of stages, and what differs.

Newer engines know more stages; what they have in common they do alike, to the last byte. A released
engine never changes: its samples are tests.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from contracts.values import Money, allocate
from services.pricer.domain.books.allocation import largest_remainder

Allocate = Callable[[Decimal, Sequence[Decimal], Decimal, str], list[Decimal]]


@dataclass(frozen=True, slots=True)
class Engine:
    """One version of the waterfall.

    `as_listed`: rules of the same priority come as the book lists them, else by their ids.
    `allocate` splits an amount by weights into units of a size. `plain_words`: which end of a range
    is missed is said, and one line is not "1 lines"; what the first engine said stays as it was.
    """

    name: str
    stages: tuple[str, ...]
    as_listed: bool
    allocate: Allocate
    line_fields: frozenset[str]
    internal_fields: frozenset[str]
    plain_words: bool


def _allocated(
    amount: Decimal, weights: Sequence[Decimal], _unit: Decimal, currency: str
) -> list[Decimal]:
    return [part.amount for part in allocate(Money.of(amount, currency), weights)]


def _largest_remainder(
    amount: Decimal, weights: Sequence[Decimal], unit: Decimal, _currency: str
) -> list[Decimal]:
    return largest_remainder(amount, weights, unit)


_FIELDS = frozenset(
    {"line", "item_id", "sku", "name", "quantity", "unit", "charge"}
    | {"list_unit", "net_unit", "list_total", "discount", "net_total"}
)
_INTERNAL = frozenset({"cost", "margin", "margin_percent", "lines"})

WATERFALL_1 = Engine(
    name="waterfall/1",
    stages=(
        "list_price",
        "contracted_price",
        "volume",
        "segment",
        "bundle",
        "sales_discount",
        "guardrail",
        "rounding",
        "header_discount",
        "second_guardrail",
    ),
    as_listed=True,
    allocate=_allocated,
    line_fields=_FIELDS,
    internal_fields=_INTERNAL,
    plain_words=False,
)
WATERFALL_2 = Engine(
    name="waterfall/2",
    stages=(
        "list_price",
        "option_price",
        "contracted_price",
        "volume",
        "segment",
        "promotion",
        "bundle",
        "manual_price",
        "sales_discount",
        "partner_discount",
        "distributor_discount",
        "guardrail",
        "rounding",
        "amount_discount",
        "header_discount",
        "second_guardrail",
    ),
    as_listed=False,
    allocate=_largest_remainder,
    line_fields=_FIELDS | {"estimate"},
    internal_fields=_INTERNAL | {"pocket", "pocket_margin", "pocket_margin_percent"},
    plain_words=True,
)
NEWEST = WATERFALL_2
ENGINES = {each.name: each for each in (WATERFALL_1, WATERFALL_2)}
