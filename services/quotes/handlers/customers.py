"""Commands of customers, who came by a capability link: load, decide, append."""

import json
from dataclasses import dataclass
from uuid import UUID

from infra.work import Work
from services.quotes.domain import outcomes
from services.quotes.domain.deal import stream_of_deal
from services.quotes.domain.outcomes import Acceptance
from services.quotes.handlers.streams import Units, siblings_of, situation_of, write


@dataclass(frozen=True, slots=True)
class AcceptOffer:
    """The customer's yes: typed name, the document that was shown.

    `nonce` makes the kept evidence unguessable from the name: its hash tells nobody anything.
    """

    quote_id: UUID
    revision: int
    name: str
    document_sha256: str
    nonce: str


@dataclass(frozen=True, slots=True)
class DeclineOffer:
    """The customer's no."""

    quote_id: UUID
    revision: int
    reason_code: str
    comment: str | None


def view_offer(work: Work, quote_id: UUID, revision: int, units: Units) -> None:
    """Note that the customer looked.   Raises: RevisionNotFound."""
    write(work, quote_id, outcomes.view(situation_of(work, quote_id, units), revision))


def accept_offer(work: Work, yes: AcceptOffer, units: Units) -> None:
    """Accept: the order, the closed deal and the withdrawn siblings in one work.

    The deal's stream is appended to, so of two siblings accepted at once one is decided again and
    refused.   Raises: see `outcomes.accept`.
    """
    situation = situation_of(work, yes.quote_id, units)
    evidence = {
        "name": yes.name,
        "nonce": yes.nonce,
        "document_sha256": yes.document_sha256,
        "at": work.now.isoformat(),
    }
    kept = json.dumps(evidence, sort_keys=True, ensure_ascii=False).encode()
    accepted = Acceptance(
        revision=yes.revision,
        document_sha256=yes.document_sha256,
        evidence_sha256=work.keep(kept, "application/json"),
    )
    siblings = siblings_of(work, situation.deal, yes.quote_id)
    settled = outcomes.accept(situation, siblings, accepted)
    work.append(stream_of_deal(situation.deal.deal_id), *settled.deal)
    for quote_id, facts in settled.quotes:
        write(work, quote_id, facts)


def decline_offer(work: Work, no: DeclineOffer, units: Units) -> None:
    """Take the customer's no.   Raises: see `outcomes.decline`."""
    situation = situation_of(work, no.quote_id, units)
    write(work, no.quote_id, outcomes.decline(situation, no.revision, no.reason_code, no.comment))


def request_change(work: Work, quote_id: UUID, revision: int, message: str, units: Units) -> None:
    """Note what the customer wants otherwise.   Raises: see `outcomes.request_change`."""
    situation = situation_of(work, quote_id, units)
    write(work, quote_id, outcomes.request_change(situation, revision, message))
