"""How Salesforce bills a product, as a charge of ours: by charge type and billing frequency."""

import re

from contracts.charges import ONE_TIME

# By letters only: one edition writes Semiannual, another Semi-Annual.
NO_LETTER = re.compile(r"[^a-z]+")
FREQUENCIES = {
    "monthly": "monthly",
    "quarterly": "quarterly",
    "semiannual": "half_yearly",
    "annual": "yearly",
}
TO_THE_BOOK = ""


class NoCharge(Exception):
    """Why a product has no charge of ours, and what to do."""


def charge_of(kind: str, often: str) -> str:
    """Return the charge; empty, if the export leaves it to the book (usage, nothing filled in).

    Raises: NoCharge.

    >>> charge_of("Recurring", "Semi-Annual"), charge_of("One-Time", "Monthly"), charge_of("", "")
    ('half_yearly', 'one_time', '')
    """
    match _letters(kind):
        case "" | "usage":
            return TO_THE_BOOK
        case "onetime":
            return ONE_TIME
        case "recurring":
            return _recurring(often)
    raise NoCharge(f"its charge type {kind[:40]!r} is unknown; use One-Time, Recurring or Usage")


def _recurring(often: str) -> str:
    if not often:
        return TO_THE_BOOK
    found = FREQUENCIES.get(_letters(often))
    if found is None:
        text = "is no period; use Monthly, Quarterly, Semi-Annual or Annual"
        raise NoCharge(f"its billing frequency {often[:40]!r} {text}")
    return found


def _letters(word: str) -> str:
    return NO_LETTER.sub("", word.lower())
