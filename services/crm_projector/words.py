"""Statuses of quotes and outcomes in words, as the read tables name them."""

from collections.abc import Mapping

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
}


def words(name: str) -> str:
    """Return a name as words: `PendingApproval` is `Pending approval`."""
    spaced = "".join(f" {each.lower()}" if each.isupper() else each for each in name)
    return spaced.replace("_", " ").strip().capitalize()


def tone(name: str) -> str:
    """Return the tone of a status' badge."""
    return TONES.get(name, "plain")
