"""The facts of a walk, in the order in which the CRM's copy holds them."""

ASKED = [
    "OpportunityOpened",
    "DealOpened",
    "QuoteAdded",
    "QuoteDrafted",
    "ConfigurationRequested",
    "ConfigurationValidated",
    "PricingRequested",
    "QuotePriced",
    "RevisionPriced",
    "RevisionSubmitted",
]
RENDERED = [
    "RevisionApproved",
    "DocumentRequested",
    "QuoteDocumentRendered",
    "DocumentAttached",
    "QuotePresented",
]
ACCEPTED = ["DealClosed", "QuoteAccepted", "OrderPlaced"]
UNTOUCHED = [*ASKED, "ApprovalNotRequired", *RENDERED]
APPROVED = [*ASKED, "DiscountApprovalRequested", "ApprovalGranted", *RENDERED]

ABOVE = [{"percent": "15", "rationale": "Reference customer for the region"}]
"""A discount that passes a seller's authority and is within one director's."""
