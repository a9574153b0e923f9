"""Numbers, money and days in the reader's language, exactly: a format never rounds.

Babel alone rounds half to even (1234567.885 becomes .88), so every amount is checked first and what
is finer than its place allows is refused.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, get_timezone_name
from babel.numbers import format_decimal

from contracts.values import Money, Percent, minor_unit
from services.documents.domain.refusals import (
    AmountTooFine,
    ForeignCurrency,
    UnknownLanguage,
    UnknownZone,
)

NARROW = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Formats:
    """How one reader reads figures: locale and the currency of the offer."""

    locale: Locale
    currency: str

    def figure(self, money: Money, field: str) -> str:
        """Format a total without its currency, with the currency's digits: `118,000.00`.

        Raises: AmountTooFine, if the amount is finer than the currency; ForeignCurrency.
        """
        scale = minor_unit(self._mine(money, field).currency)
        if _digits(money.amount) > scale:
            raise AmountTooFine(
                f"{field} is {money}, finer than the {scale} decimal places of {money.currency}; "
                "the price must be rounded where it is made",
                field=field,
                amount=money,
            )
        return self._fixed(money.amount, scale)

    def unit_figure(self, money: Money, field: str) -> str:
        """Format a unit price without its currency, with all the digits it has.

        Raises: ForeignCurrency.
        """
        amount = self._mine(money, field).amount
        return self._fixed(amount, max(minor_unit(money.currency), _digits(amount)))

    def total(self, money: Money, field: str) -> str:
        """Format a total with its ISO 4217 code, which no reader takes for another dollar.

        Raises: AmountTooFine; ForeignCurrency.
        """
        figure = self.figure(money, field)
        leads = self.locale.currency_formats["standard"].pattern.startswith("\N{CURRENCY SIGN}")
        parts = (money.currency, figure) if leads else (figure, money.currency)
        return NARROW.join(parts)

    def number(self, value: Decimal | int) -> str:
        """Format a number with all the digits it has."""
        return _formatted(str(value), None, str(self.locale))

    def percent(self, percent: Percent) -> str:
        """Format an exact percentage, as the locale writes it: `12.5%`, `12,5 %`."""
        pattern = self.locale.percent_formats[None].pattern
        space = NARROW if pattern.endswith(("\N{NO-BREAK SPACE}%", " %")) else ""
        return f"{self.number(percent.root.normalize() + 0)}{space}%"

    def day(self, day: date) -> str:
        """Format a day with the month in words, which is never mistaken: `23 November 2026`."""
        if self.locale.language == "en" and self.locale.territory is None:
            return f"{day.day} {format_date(day, 'MMMM y', locale=self.locale)}"
        return format_date(day, format="long", locale=self.locale)

    def zone(self, zone: str, day: date) -> str:
        """Name a zone in words, as it stands at the end of that day, with its IANA name.

        Raises: UnknownZone.
        """
        try:
            end = datetime.combine(day, time(23, 59, 59), ZoneInfo(zone))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise UnknownZone(
                f"{zone!r} is no IANA time zone; mend the selling unit", field="zone", zone=zone
            ) from None
        return f"{get_timezone_name(end, width='long', locale=self.locale)} ({zone})"

    def _fixed(self, amount: Decimal, scale: int) -> str:
        fraction = "." + "0" * scale if scale else ""
        return _formatted(str(amount), f"#,##0{fraction}", str(self.locale))

    def _mine(self, money: Money, field: str) -> Money:
        if money.currency != self.currency:
            raise ForeignCurrency(
                f"{field} is in {money.currency}, the offer in {self.currency}",
                field=field,
                currency=money.currency,
            )
        return money


@lru_cache(maxsize=8192)
def _formatted(value: str, pattern: str | None, locale: str) -> str:
    """Format a number; the same quantities and book prices come again and again.

    Keyed by its text, since 1.0 and 1.00 are equal numbers that read differently.
    """
    return format_decimal(Decimal(value), format=pattern, locale=locale, decimal_quantization=False)


def formats_of(language: str, currency: str) -> Formats:
    """Return the formats for a language tag.   Raises: UnknownLanguage."""
    try:
        return Formats(Locale.parse(language.replace("_", "-"), sep="-"), currency)
    except (UnknownLocaleError, ValueError, TypeError):
        raise UnknownLanguage(
            f"{language!r} is no language tag such as en, en-GB or de",
            field="language",
            language=language,
        ) from None


def _digits(amount: Decimal) -> int:
    """Count the decimal places that an amount really needs."""
    exponent = amount.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
