"""Numbers, money and times as a reader writes them: by his language and in his zone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import (
    NumberFormatError,
    format_currency,
    format_decimal,
    format_percent,
    parse_decimal,
)

DEFAULT = Locale("en", "GB")
ASKED_MAX = 10
HEADER_MAX = 300
KEPT = 4096
# Digits with what people put between them; so few that nobody makes us write out an exponent.
TYPED = re.compile(r"[+-]?[\d.,'\u2019\s]{1,40}")


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a page: language of numbers and dates, and the zone of times."""

    locale: Locale = DEFAULT
    zone: str = "UTC"

    def money(self, value: Mapping[str, Any] | None) -> str:
        """Format `{"amount", "currency"}`; unit prices keep their finer digits."""
        if value is None:
            return ""
        return _money(str(value["amount"]), value["currency"], self.locale)

    def number(self, value: Any) -> str:
        """Format a number, exactly as it is."""
        if value is None:
            return ""
        return _number(str(value), self.locale)

    def typed(self, text: str) -> str:
        """Return a number as programs write it, by how this reader types it (`5,5`, `5.5 %`).

        What is no number of his comes back as it is, to be refused in words.
        """
        bare = text.strip().removesuffix("%").strip()
        if TYPED.fullmatch(bare) is None:
            return text
        try:
            return f"{parse_decimal(bare, locale=self.locale, strict=True):f}"
        except NumberFormatError:
            return text

    def percent(self, value: Any, digits: int = 1) -> str:
        """Format per cent (`12.5` is 12.5 %), rounded for display."""
        if value is None:
            return ""
        rounded = round(Decimal(str(value)), digits) / 100
        return format_percent(rounded, locale=self.locale, decimal_quantization=False)

    def day(self, value: Any) -> str:
        """Format a date, or its ISO text."""
        if not value:
            return ""
        found = value if isinstance(value, date) else date.fromisoformat(str(value)[:10])
        return format_date(found, format="medium", locale=self.locale)

    def time(self, value: Any) -> str:
        """Format a moment, or its ISO text, in the reader's zone."""
        if not value:
            return ""
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        there = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(ZoneInfo(self.zone))
        return f"{format_datetime(there, format='d MMM y, HH:mm', locale=self.locale)}"


def reader_of(languages: str, zone: str) -> Reader:
    """Return the reader by an Accept-Language header and a zone's name; both may be nonsense."""
    return Reader(_locale(languages[:HEADER_MAX]), zone if zone in _zones() else "UTC")


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # it walks the disk each time it is asked


# A page writes the same figures many times, and a reader comes back to the same page.


@lru_cache(KEPT)
def _money(amount: str, currency: str, locale: Locale) -> str:
    return format_currency(Decimal(amount), currency, locale=locale, decimal_quantization=False)


@lru_cache(KEPT)
def _number(value: str, locale: Locale) -> str:
    return format_decimal(Decimal(value), locale=locale, decimal_quantization=False)


@lru_cache(KEPT)
def _locale(languages: str) -> Locale:
    for part in languages.split(",")[:ASKED_MAX]:
        tag = part.partition(";")[0].strip()
        try:
            found = Locale.parse(tag, sep="-")
        except (ValueError, UnknownLocaleError, TypeError):
            continue
        if found is not None:
            return found
    return DEFAULT
