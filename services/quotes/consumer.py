"""Which facts quotes hears, and which reminders it set itself."""

from functools import partial

from contracts.approval import ApprovalGranted, ApprovalNotRequired, ApprovalRejected
from contracts.configuration import ConfigurationRejected, ConfigurationValidated
from contracts.document import DocumentRenderFailed, QuoteDocumentRendered
from contracts.envelope import Fact
from contracts.opportunity import (
    OpportunityDetailsChanged,
    OpportunityLost,
    OpportunityOpened,
    OpportunityReopened,
    OpportunityWon,
)
from contracts.pricing import PricingFailed, QuotePriced
from infra.work import Handler, ReminderHandler
from services.quotes.handlers import heard
from services.quotes.handlers.streams import EXPIRY, Units


def hears(units: Units) -> dict[type[Fact], Handler]:
    """Return what is done with each fact that quotes hears."""
    answered = partial(heard.answered, units=units)
    return {
        OpportunityOpened: partial(heard.opportunity_opened, units=units),
        OpportunityDetailsChanged: heard.details_changed,
        OpportunityWon: heard.opportunity_won,
        OpportunityLost: heard.opportunity_lost,
        OpportunityReopened: heard.opportunity_reopened,
        ConfigurationValidated: answered,
        ConfigurationRejected: answered,
        QuotePriced: answered,
        PricingFailed: answered,
        ApprovalNotRequired: answered,
        ApprovalGranted: answered,
        ApprovalRejected: answered,
        QuoteDocumentRendered: answered,
        DocumentRenderFailed: answered,
    }


def reminders(units: Units) -> dict[str, ReminderHandler]:
    """Return what is done with each kind of reminder."""
    return {EXPIRY: partial(heard.validity_over, units=units)}
