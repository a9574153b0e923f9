"""Statuses, movers and facts in words, as our pages say them."""

from collections.abc import Mapping

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
CHARGES: Mapping[str, str] = {"one_time": "One-time", "monthly": "Monthly", "yearly": "Yearly"}
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
