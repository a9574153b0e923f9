"""List prices at the doors: as the caller gives them, or asked of the pricer, within a deadline."""

import time
from collections.abc import Sequence
from datetime import date

from pydantic import Field

from contracts.configuration import Decision
from contracts.errors import QuotewrightError, Refused
from contracts.pricing import PriceColumn
from contracts.values import Value
from infra.ask import Asker
from services.configurator import peers
from services.configurator.domain.prices.cheapest import Stop
from services.configurator.domain.prices.if_chosen import PricesAnswer, prices_if_chosen
from services.configurator.domain.prices.pricing import skus
from services.configurator.domain.products.decisions import binding
from services.configurator.domain.products.product import Product
from services.configurator.peers import PriceContext

# What a page waits for prices, that of the pricer aside; the answer says what it lacks then.
DEADLINE_S = 1.5
ATTRIBUTES_MAX = 300


class PricesUnknown(Refused):
    """Without list prices there is nothing to say about prices."""

    code = "configuration.prices_unknown"
    title = "No prices were given"


class Prices(Value):
    """Where list prices come from: a column kept from `POST /pricer/prices`, or for whom to ask."""

    context: PriceContext | None = None
    column: PriceColumn | None = None


class PricesAsk(Prices):
    """The questions whose options are to be priced; by default all that are still open."""

    attributes: tuple[str, ...] | None = Field(default=None, max_length=ATTRIBUTES_MAX)


class Columns:
    """Finds the list prices of a product's parts; remembers nothing."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    def of(self, product: Product, prices: Prices, today: date) -> PriceColumn | None:
        """Return the column; None, if nobody asks for prices.   Raises: Refused, Unavailable."""
        if prices.column is not None or prices.context is None:
            return prices.column
        return peers.column(self._asker, skus(product), prices.context, today)

    def needed(self, product: Product, prices: Prices, today: date) -> PriceColumn:
        """Return the column.   Raises: PricesUnknown, Refused, Unavailable."""
        found = self.of(product, prices, today)
        if found is None:
            raise PricesUnknown(
                "prices are not known; give `context` (account_id, customer_tier, region,"
                " currency), or a `column` of POST /pricer/prices"
            )
        return found

    def tried(
        self, product: Product, prices: Prices, today: date
    ) -> tuple[PriceColumn | None, str | None]:
        """Return the column, or why there is none: what does not need prices goes on without."""
        try:
            return self.of(product, prices, today), None
        except QuotewrightError as fault:
            return None, f"Prices can not be had now: {fault.message}."


def priced(
    product: Product,
    decisions: Sequence[Decision],
    column: PriceColumn,
    wanted: Sequence[str] | None,
) -> PricesAnswer:
    """Price the options of the wanted questions, as far as the deadline lets."""
    return prices_if_chosen(product, binding(product, decisions), column, wanted, until(DEADLINE_S))


def until(seconds: float) -> Stop:
    """Return what says that so many seconds have passed since now."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end
