"""How large what is asked for may be: what no quote has is a problem of the lines it reaches."""

from collections.abc import Sequence
from decimal import Decimal

from contracts.pricing import DiscountAsk, LineProblem
from services.pricer.domain.asks.ask import PriceAsk

# Of prices, costs, fees, rates and amounts off, in any currency; so products stay within Money.
AMOUNT_MAX = Decimal(10) ** 12
# Of what a line lists at, comes to and costs: a thousand of them over a hundred years are Money.
LINE_MAX = Decimal(10) ** 18
Absurd = tuple[int, DiscountAsk]


class TooLarge(Exception):
    """A line comes to more than any line may."""


def absurd_prices(ask: PriceAsk) -> Sequence[Absurd]:
    """Return the manual prices that no part has, with their places among the discounts."""
    return [each for each in enumerate(ask.discounts) if is_absurd(each[1])]


def is_absurd(discount: DiscountAsk) -> bool:
    """Say whether a manual price is one that no part has; an amount off is held to its lines."""
    price = discount.unit_price
    return price is not None and abs(price.amount) >= AMOUNT_MAX


def of_part(found: Sequence[Absurd], ask: PriceAsk, item_id: str, sku: str) -> LineProblem | None:
    """Return the problem of a part whose manual price is absurd."""
    for place, discount in found:
        if discount.target == (item_id, sku):
            text = f"the manual price is absurd; give less than {AMOUNT_MAX:f} {ask.currency}"
            return LineProblem(
                item_id=item_id,
                sku=sku,
                code="pricer.discount_absurd",
                field=f"discounts.{place}",
                message=f"{text}, or drop it",
            )
    return None
