"""Statuses of quotes and outcomes in words, as the read tables name them."""

from collections.abc import Mapping
from typing import get_args

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
# Filters that a number of the overview sets, as the list names them.
NARROWED: Mapping[str, str] = {
    "quoted_tier": "Quoted for tier",
    "currency": "Currency",
    "presented_in": "Presented in the month of",
    "presented_currency": "Offered in",
}


def words(name: str) -> str:
    """Return a name as words: `PendingApproval` is `Pending approval`."""
    spaced = "".join(f" {each.lower()}" if each.isupper() else each for each in name)
    return spaced.replace("_", " ").strip().capitalize()


def tone(name: str) -> str:
    """Return the tone of a status' badge."""
    return TONES.get(name, "plain")


def waits(name: str) -> str:
    """Return what a quote waits for, in words."""
    return WAITS.get(name, words(name))
