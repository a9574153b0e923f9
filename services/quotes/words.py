"""Statuses, movers and facts in words, as our pages say them."""

from collections.abc import Mapping
from typing import Any

from contracts.charges import MONTHS, say_charge
from contracts.envelope import Fact
from contracts.quote import (
    QuoteChangeRequested,
    QuoteDeclined,
    QuoteWithdrawn,
    RevisionRecalled,
    RevisionReturned,
)

# What a status is called, and the tone of its badge.
STATUSES: Mapping[str, tuple[str, str]] = {
    "draft": ("Draft", "plain"),
    "configuring": ("Being configured", "busy"),
    "pricing": ("Being priced", "busy"),
    "priced": ("Priced draft", "plain"),
    "in_approval": ("In approval", "warn"),
    "approved": ("Approved, printing", "busy"),
    "ready": ("Ready to present", "good"),
    "returned": ("Sent back", "bad"),
    "presented": ("Presented", "good"),
    "superseded": ("Superseded", "plain"),
    "expired": ("Expired", "warn"),
    "accepted": ("Accepted", "good"),
    "declined": ("Declined", "bad"),
    "withdrawn": ("Withdrawn", "plain"),
}
MOVERS: Mapping[str, str] = {
    "seller": "the seller",
    "approver": "an approver",
    "customer": "the customer",
    "admin": "an administrator",
    "nobody": "nobody: it goes on by itself",
}
# What has to happen next, in each status that somebody or something works on.
NEXT: Mapping[str, str] = {
    "draft": "Every item has to be configured and priced.",
    "configuring": "The configuration is being checked.",
    "pricing": "The price is being made.",
    "priced": "It can be changed, or sent to approval.",
    "in_approval": "Who has to approve, if anybody, is being found out.",
    "approved": "The document is being printed.",
    "ready": "It can be presented to the customer.",
    "presented": "The offer can be accepted until its validity is over.",
    "expired": "The validity is over; a new revision can take its place.",
}
# Why a customer declines: what he chooses, in the order in which he is asked.
REASONS: Mapping[str, str] = {
    "price": "The price",
    "timing": "The time is not right",
    "competitor": "Another supplier",
    "scope": "It is not what we need",
    "other": "Something else",
}
FACTS: Mapping[str, str] = {
    "OpportunityOpened": "The CRM opened the opportunity",
    "OpportunityDetailsChanged": "The CRM changed the opportunity",
    "OpportunityWon": "The CRM closed the opportunity as won",
    "OpportunityLost": "The CRM closed the opportunity as lost",
    "DealOpened": "The deal was taken up",
    "DealDetailsChanged": "The deal's details changed",
    "DealClosed": "The deal was closed",
    "DealReopened": "The deal was opened again",
    "QuoteAdded": "A quote was added to the deal",
    "QuoteDrafted": "The quote was drafted",
    "ConfigurationRequested": "The configuration was sent to be checked",
    "ConfigurationValidated": "The configuration is valid",
    "ConfigurationRejected": "The configuration is not possible",
    "PricingRequested": "A price was asked for",
    "QuotePriced": "Every line was priced",
    "PricingFailed": "A line could not be priced",
    "RevisionPriced": "The price became part of the quote",
    "RevisionSubmitted": "The offer was sent to approval",
    "ApprovalNotRequired": "No approval is needed",
    "DiscountApprovalRequested": "An approver was asked",
    "ApprovalQuestionAsked": "The approver asks a question",
    "ApprovalQuestionAnswered": "The approver's question was answered",
    "ApprovalStepGranted": "One step of the approval was granted",
    "ApprovalGranted": "The offer was approved",
    "ApprovalRejected": "The offer was rejected",
    "ApprovalRecalled": "The approval was recalled",
    "RevisionApproved": "The revision is approved",
    "RevisionReturned": "The revision went back to the seller",
    "RevisionRecalled": "The revision was taken back",
    "DocumentRequested": "The document was asked for",
    "QuoteDocumentRendered": "The document was printed",
    "DocumentAttached": "The document was attached",
    "QuotePresented": "The offer was presented to the customer",
    "QuoteViewed": "The customer looked at the offer",
    "QuoteChangeRequested": "The customer asked for a change",
    "QuoteRevised": "A new revision was begun",
    "QuoteAccepted": "The customer accepted the offer",
    "QuoteDeclined": "The customer declined the offer",
    "QuoteWithdrawn": "The quote was withdrawn",
    "QuoteExpired": "The offer expired",
    "OrderPlaced": "The order was placed",
}

# What people said of a case, and how its words are led in.
SAID: Mapping[str, str] = {
    "ApprovalQuestionAsked": "The approver asks",
    "ApprovalQuestionAnswered": "The approver is answered",
}


def status(name: str) -> tuple[str, str]:
    """Return what a status is called, and the tone of its badge."""
    return STATUSES.get(name, (name.replace("_", " ").capitalize(), "plain"))


def by(actor: str | None) -> str:
    """Return which person did something; none for services, and for customers, who have no name."""
    if actor is None or actor == "anonymous" or actor.startswith("service/"):
        return ""
    return actor.partition("/")[2] or actor


def fact(name: str) -> str:
    """Return what happened, in a sentence without its end."""
    return FACTS.get(name, name)


def declined(code: str | None, comment: str | None) -> str:
    """Return why a customer declined, in his words where he wrote some."""
    reason = REASONS.get(code or "", code or "")
    return f"{reason}: {comment}" if comment else reason


def said(fact: Fact) -> str:
    """Return what somebody said with a fact of the quote; empty, where nobody said anything."""
    match fact:
        case QuoteChangeRequested():
            return fact.message
        case QuoteDeclined():
            return declined(fact.reason_code, fact.comment)
        case RevisionReturned() | RevisionRecalled() | QuoteWithdrawn():
            return fact.reason
        case _:
            return ""


# What may be otherwise between revisions, under the titles of its tables.
DIFFERENCES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Items and answers", ("item", "answer", "parameter")),
    ("Discounts", ("discount",)),
    ("Currency, validity and term asked for", ("wish",)),
    ("Totals", ("total",)),
    ("Lines", ("line",)),
    ("Validity and terms", ("validity", "term")),
)
# How many of what are otherwise, in words for one and for more.
COUNTED: Mapping[str, tuple[str, str]] = {
    "added": ("item added", "items added"),
    "gone": ("item removed", "items removed"),
    "quantity": ("quantity changed", "quantities changed"),
    "product": ("product changed", "products changed"),
    "answer": ("answer changed", "answers changed"),
    "parameter": ("technical figure changed", "technical figures changed"),
    "discount": ("discount changed", "discounts changed"),
    "wish": ("condition changed", "conditions changed"),
    "total": ("total changed", "totals changed"),
    "line": ("line changed", "lines changed"),
    "validity": ("validity changed", "validities changed"),
    "term": ("term changed", "terms changed"),
}


def charged(charge: str) -> str:
    """Return what a charge is called; another place of a difference is called by its own name."""
    return say_charge(charge) if charge in MONTHS else charge


def differences(told: Mapping[str, Any]) -> str:
    """Say in a sentence what is otherwise in one revision than in another."""
    found: dict[str, set[str]] = {name: set() for name in COUNTED}
    for each in told["changes"]:
        found[_counted(each)].add(each["of"])
    said = [
        f"{len(found[name])} {one if len(found[name]) == 1 else many}"
        for name, (one, many) in COUNTED.items()
        if found[name]
    ]
    if not said:
        return f"Revision {told['to']} does not differ from revision {told['from']}."
    return f"From revision {told['from']} to revision {told['to']}: {', '.join(said)}."


def _counted(change: Mapping[str, Any]) -> str:
    """Return as what a change is counted."""
    if change["kind"] != "item":
        return str(change["kind"])
    if change["before"] is None:
        return "added"
    if change["after"] is None:
        return "gone"
    return "quantity" if change["what"] == "Quantity" else "product"
