"""Statuses of quotes, outcomes and lengths of time in words."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import get_args

from babel import Locale
from babel.units import format_unit

from services.crm_projector.domain.standing import Status

# The tone of a status; every other is plain.
TONES: Mapping[str, str] = {
    "PendingApproval": "warn",
    "Approved": "good",
    "Presented": "good",
    "Accepted": "good",
    "Ordered": "good",
    "Rejected": "bad",
    "Declined": "bad",
    "Expired": "warn",
    "Lost": "bad",
    "won": "good",
    "lost": "bad",
    "open": "busy",
    "pending": "warn",
    "granted": "good",
    "rejected": "bad",
}
STATUSES: tuple[str, ...] = get_args(Status)
# Who can move a quote, as one is named and as a choice.
MOVERS: Mapping[str, str] = {
    "seller": "the seller",
    "approver": "an approver",
    "customer": "the customer",
    "admin": "an administrator",
    "nobody": "nobody: it goes on by itself",
}
# What a quote waits for.
WAITS: Mapping[str, str] = {
    "configuration": "a configuration",
    "price": "a price",
    "submission": "being sent to approval",
    "approval": "approval",
    "document": "its document",
    "presentation": "being presented",
    "answer": "the customer's answer",
    "change": "the change that the customer asked for",
    "renewal": "being renewed, it has expired",
    "repair": "being put right",
    "order": "its order",
    "acceptance": "an acceptance, the CRM says won",
    "crm_outcome": "the CRM, which says lost",
}
# Units of time in seconds, the largest first.
UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
# Filters that a number of the overview sets, as the list names them.
NARROWED: Mapping[str, str] = {
    "quoted_tier": "Quoted for tier",
    "currency": "Currency",
    "presented_in": "Presented in the month of",
    "presented_currency": "Offered in",
    "amount": "Estimate of the CRM",
}


def words(name: str) -> str:
    """Return a name as words: `PendingApproval` is `Pending approval`."""
    spaced = "".join(f" {each.lower()}" if each.isupper() else each for each in name)
    return spaced.replace("_", " ").strip().capitalize()


def in_words(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return values of a choice, each with its words."""
    return [(each, words(each)) for each in names]


def person(actor: str | None) -> str:
    """Return who acted, as people call him; a system keeps its kind."""
    return (actor or "").removeprefix("user/")


def tone(name: str) -> str:
    """Return the tone of a status' badge."""
    return TONES.get(name, "plain")


def waits(name: str) -> str:
    """Return what a quote waits for, in words."""
    return WAITS.get(name, words(name))


def lasting(seconds: str | float | None, locale: Locale) -> str:
    """Return a length of time in the largest unit that leaves it two or more."""
    if seconds is None:
        return ""
    length = Decimal(str(seconds))
    unit, size = next((each for each in UNITS if abs(length) >= 2 * each[1]), UNITS[-1])
    rounded = round(length / size, 1)
    return format_unit(rounded, f"duration-{unit}", "long", locale=locale)
