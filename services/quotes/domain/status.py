"""Where a revision and its quote stand, in one word, and whom they wait for."""

from dataclasses import dataclass
from typing import Literal

from contracts.quote import Mover, Stage
from services.quotes.domain.quote import Quote, Revision

Status = Literal[
    "draft",
    "configuring",
    "pricing",
    "priced",
    "in_approval",
    "approved",
    "ready",
    "returned",
    "presented",
    "superseded",
    "expired",
    "accepted",
    "declined",
    "withdrawn",
]

_AWAITING: dict[Stage, Status] = {
    "configuration": "configuring",
    "pricing": "pricing",
    "approval": "in_approval",
    "document": "approved",
}

_MOVERS: dict[Status, Mover] = {
    "draft": "seller",
    "configuring": "nobody",
    "pricing": "nobody",
    "priced": "seller",
    "in_approval": "approver",
    "approved": "nobody",
    "ready": "seller",
    "presented": "customer",
    "expired": "seller",
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a quote waits for, who can move it; `nobody`: a service works on it, or it is over."""

    status: Status
    who: Mover
    reason: str | None


def status_of(quote: Quote, revision: Revision) -> Status:
    """Return the revision's status; an outcome belongs to the revision it was said of.

    An open offer counts as presented until its expiry is recorded.
    """
    if revision.presented is not None:
        return _status_presented(quote, revision)
    if quote.outcome:
        return "withdrawn"
    if revision.awaiting:
        return _AWAITING[revision.awaiting.stage]
    if revision.returned:
        return "returned"
    if revision.document:
        return "ready"
    return "priced" if revision.price else "draft"


def _status_presented(quote: Quote, revision: Revision) -> Status:
    if quote.outcome and quote.outcome.revision == revision.number:
        return quote.outcome.kind
    if quote.last_presented != revision:
        return "superseded"
    if quote.outcome:
        return "withdrawn"
    return "expired" if revision.expired else "presented"


def status_of_quote(quote: Quote) -> Status:
    """Return the outcome, else the status of the newest revision."""
    return quote.outcome.kind if quote.outcome else status_of(quote, quote.current)


def waiting(quote: Quote) -> Waiting:
    """Say what the quote waits for."""
    status, returned = status_of_quote(quote), quote.current.returned
    if status == "returned" and returned:
        return Waiting(status, returned.who_can_move_it, returned.reason)
    if status in {"presented", "expired"} and quote.current.change_asked:
        return Waiting(status, "seller", quote.current.change_asked)
    return Waiting(status, _MOVERS.get(status, "nobody"), None)
