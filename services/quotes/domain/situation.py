"""What a decision looks at: the quote, its deal, its selling unit, who acts and when."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from contracts.envelope import Fact
from services.quotes.domain.deal import Deal
from services.quotes.domain.errors import StaleAsk, UnknownSellingUnit
from services.quotes.domain.evolving import after
from services.quotes.domain.quote import Quote
from services.quotes.domain.selling_units import SellingUnit


@dataclass(frozen=True, slots=True)
class Situation:
    """One moment of one quote; `unit` is None where the catalogue does not have the deal's unit."""

    quote: Quote
    deal: Deal
    unit: SellingUnit | None
    actor: str
    now: datetime

    def known_unit(self) -> SellingUnit:
        """Return the selling unit.   Raises: UnknownSellingUnit."""
        if self.unit is None:
            raise UnknownSellingUnit(
                unknown_unit_words(self.deal.details.selling_unit),
                field="details.selling_unit",
                selling_unit=self.deal.details.selling_unit,
            )
        return self.unit

    def today(self) -> date:
        """Return the calendar day in the selling unit's zone.   Raises: UnknownSellingUnit."""
        return self.known_unit().today(self.now)

    def after(self, *facts: Fact) -> "Situation":
        """Return the situation after these facts of the quote."""
        return replace(self, quote=after(self.quote, facts))

    def must_match(self, expected: str | None) -> None:
        """Honour an If-Match, where one was sent.

        Raises: StaleAsk, if the latest ask is another than the caller saw.
        """
        found = self.quote.current.etag
        if expected not in (None, "*", found):
            raise StaleAsk(
                f"{self.quote.number} was changed since you looked; reload it and decide again",
                quote=self.quote.number,
                expected=expected,
                found=found,
            )


def unknown_unit_words(selling_unit: str) -> str:
    """Say what is wrong and what to do."""
    return (
        f"the selling unit {selling_unit!r} is not in selling_units.yaml;"
        " add it there or correct it in the CRM, then retry"
    )
