"""Gathers what a page shows of an offer: its lines, and what changed since the last approval."""

from dataclasses import dataclass
from typing import Literal

from contracts.approval import DiscountApprovalRequested
from infra.work import Commands
from services.approvals import views
from services.approvals.domain.comparing import Difference, Offered, compare
from services.approvals.offers import Answered, Offers

# Why lines are not shown: there is no answer, or the seller has changed the offer since.
Silence = Literal["away", "changed"]


@dataclass(frozen=True, slots=True)
class Compared:
    """The offer that is asked for, and its difference to the one approved last.

    `first`: nothing was approved before. Without it and without a difference, nobody knows now.
    """

    now: Offered
    silence: Silence | None
    difference: Difference | None
    first: bool


class Comparison:
    """Compares the offer of a case, from our own rows and, by HTTP, from quotes."""

    def __init__(self, commands: Commands, offers: Offers) -> None:
        self._commands = commands
        self._offers = offers

    def of(self, asked: DiscountApprovalRequested) -> Compared:
        """Return what a page shows of the case's offer."""
        told = self._offers.revision(asked.quote_id, asked.revision)
        totals = Offered(
            revision=asked.revision, net=asked.net, discount_percent=asked.discount_percent
        )
        now = _content(told, asked.content_key) or totals
        silence: Silence | None = None
        if now is totals:
            silence = "changed" if told else "away"
        before = self._before(asked, ask_quotes=told is not None)
        difference = compare(before, now) if before else None
        # A later revision is begun only when an earlier one was approved and presented.
        first = before is None and asked.revision == 1
        return Compared(now, silence, difference, first)

    def _before(self, asked: DiscountApprovalRequested, *, ask_quotes: bool) -> Offered | None:
        """Return the newest content that was approved, by a person or by a rule."""
        row = views.granted_before(self._commands, asked.case_id)
        newest = asked.revision - 1
        if row is not None and row.offered.revision >= newest:
            told = None
            if ask_quotes:
                told = self._offers.revision(asked.quote_id, row.offered.revision)
            return _content(told, row.content_key) or row.offered
        if ask_quotes and newest >= 1:
            told = self._offers.revision(asked.quote_id, newest)
            if told is not None and told.approval is not None and told.offered is not None:
                return told.offered
        return row.offered if row else None


def _content(told: Answered | None, content_key: str) -> Offered | None:
    """Return the offer that quotes tells, if it is of exactly this content."""
    return told.offered if told and told.content_key == content_key else None
