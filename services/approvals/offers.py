"""Asks quotes for the lines of a revision; what it does not answer in time, pages say."""

from datetime import date
from typing import Any
from uuid import UUID

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.errors import QuotewrightError
from contracts.quote import PricedOffer
from infra.ask import Asker
from services.approvals.domain.comparing import Offered

log = structlog.get_logger("approvals")


class Answered(BaseModel):
    """A revision as quotes shows it, as far as an approver compares it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    revision: int
    content_key: str | None
    valid_until: date | None
    offer: dict[str, Any] | None
    approval: dict[str, Any] | None

    @property
    def offered(self) -> Offered | None:
        """The priced content, if there is one.   Raises: ValidationError."""
        if self.offer is None:
            return None
        offer = PricedOffer.model_validate(self.offer, extra="ignore")
        return Offered(
            revision=self.revision,
            net=offer.totals.net,
            discount_percent=offer.totals.sales_discount_percent,
            valid_until=self.valid_until,
            lines=offer.lines,
        )


class Offers:
    """Reads revisions of quotes."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    def revision(self, quote_id: UUID, revision: int) -> Answered | None:
        """Return a revision; None without a good answer within the deadline."""
        path = f"/quotes/{quote_id}/revisions/{revision}"
        try:
            found = Answered.model_validate_json(self._asker.ask("quotes", "GET", path))
            found.offered  # noqa: B018  what can not be read is no answer
        except (QuotewrightError, ValidationError) as fault:
            log.warning("offer_not_told", quote_id=str(quote_id), why=type(fault).__name__)
            return None
        return found
