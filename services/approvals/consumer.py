"""What approvals hears, and which handler answers."""

from functools import partial

from contracts.envelope import Fact
from contracts.quote import RevisionRecalled, RevisionSubmitted
from infra.work import Handler, ReminderHandler
from services.approvals import handlers
from services.approvals.policy import Authority


def hears(authority: Authority) -> dict[type[Fact], Handler]:
    """Return the table from fact to handler."""
    return {
        RevisionSubmitted: partial(handlers.revision_submitted, authority=authority),
        RevisionRecalled: partial(handlers.revision_recalled, authority=authority),
    }


def reminders(authority: Authority) -> dict[str, ReminderHandler]:
    """Return the table from reminder kind to handler."""
    return {handlers.DUE: partial(handlers.deadline_passed, authority=authority)}
