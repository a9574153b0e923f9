"""Configurations in money: the objective that a column of list prices makes, and its amounts.

The amount of a configuration is the exact sum over its bill of materials, quantity times list
price, rounded half up to the minor unit once. Parts that have no price, or whose price is not
additive, are counted beside it: such an amount is a "from" price. Of equally cheap configurations
the one with the fewest of them counts, so that the mark hangs on the model and the prices alone.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from contracts.pricing import PriceColumn
from contracts.values import DISPLAYED, EXACT, MAX_SCALE, Money, minor_unit
from services.configurator.domain.prices.costing import Objective, Weight
from services.configurator.domain.products.product import Product
from services.configurator.domain.solving.space import Masks

Mark = Literal["exact", "from"]
# A price of at most six decimals times thousandths.
DIGITS = MAX_SCALE + 3


class Pricing:
    """List prices of one product's configurations, of one item each.

    `weights` count what is not additive beside the money, `bare` the money alone, on one scale.
    """

    def __init__(self, product: Product, column: PriceColumn) -> None:
        self.currency = column.currency
        # One more than the lines that can be not additive at the same time.
        self._step = len(product.parts) + 1
        self.weights: Mapping[str, Weight] = self._weights(product, column)
        self.objective = Objective(product, self.weights)
        self.bare = {sku: Weight(each.thousandth) for sku, each in self.weights.items()}
        known = {each.sku for each in column.prices}
        self.missing = tuple(sku for sku in skus(product) if sku not in known)

    def _weights(self, product: Product, column: PriceColumn) -> dict[str, Weight]:
        found = dict.fromkeys(skus(product), Weight(once=1))
        for each in column.prices:
            scaled = int(EXACT.scaleb(each.list_unit.amount, MAX_SCALE))
            found[each.sku] = Weight(scaled * self._step, 0 if each.additive else 1)
        return found

    def amount(self, cost: int) -> Money:
        """Return a cost of the objective in money."""
        exact = EXACT.scaleb(Decimal(cost // self._step), -DIGITS)
        minor = Decimal(1).scaleb(-minor_unit(self.currency))
        rounded = DISPLAYED.quantize(exact, minor)
        return Money.of(rounded, self.currency)

    def mark(self, cost: int) -> Mark:
        """Say whether all that it sums is additive and has a price."""
        return "from" if cost % self._step else "exact"

    def at(self, point: Masks) -> int:
        """Return the cost of a complete configuration."""
        return self.objective.at(point)


def skus(product: Product) -> tuple[str, ...]:
    """Return the parts that a bill of materials of the product can hold, in its order."""
    return tuple(dict.fromkeys(each.part.sku for each in product.parts))
