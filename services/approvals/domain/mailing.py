"""What a link in a mail still opens: one step of one case, for one approver, once, for 72 hours."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from contracts.approval import Verdict
from contracts.envelope import Fact
from contracts.errors import Conflict, NotFound
from contracts.values import Instant, Sha256, Value
from services.approvals.domain.case import Case, Decision, decide
from services.approvals.domain.directory import Directory

LIFETIME = timedelta(hours=72)
# `closed`: the case has ended; a decision is recorded, and no longer applies.
Standing = Literal["good", "used", "expired", "moved", "closed"]


class NoSuchLink(NotFound):
    """The address holds no link of ours. Says nothing more to a stranger."""

    code = "approval.no_such_link"


class LinkUsed(Conflict):
    """The link has decided already."""

    code = "approval.link_used"


class LinkExpired(Conflict):
    """The link has run out."""

    code = "approval.link_expired"


class StepOver(Conflict):
    """The case waits at another step than the link is for."""

    code = "approval.step_over"


class Link(Value):
    """What a link is for; its token stands nowhere, only the hash of it."""

    case_id: UUID
    step: int
    approver: str
    expires_at: Instant
    used_at: Instant | None = None


class Words(Value):
    """What the holder of a link says."""

    content_key: Sha256
    verdict: Verdict
    reason: str


def standing(link: Link, case: Case, now: datetime) -> Standing:
    """Say what the link opens now."""
    if link.used_at is not None:
        return "used"
    if now >= link.expires_at:
        return "expired"
    if case.step is None:
        return "closed"
    return "good" if case.step.step == link.step else "moved"


def decide_by_link(
    case: Case, link: Link, said: Words, directory: Directory, now: datetime
) -> Fact:
    """Return what the words of a link's holder make of the case.

    On a closed case they are kept as late.
    Raises: LinkUsed; LinkExpired; StepOver; what `domain.case.decide` raises.
    """
    match standing(link, case, now):
        case "used":
            raise LinkUsed("this link was used; it decides once")
        case "expired":
            raise LinkExpired("this link has run out; sign in to decide")
        case "moved":
            raise StepOver(
                f"step {link.step} is decided already, so this link has run out", step=link.step
            )
    decision = Decision(
        content_key=said.content_key,
        approver=link.approver,
        verdict=said.verdict,
        reason=said.reason,
        at=now,
    )
    return decide(case, decision, directory)


def asks_by_mail(case: Case, able: tuple[str, ...], directory: Directory) -> tuple[str, ...]:
    """Return who of those able to grant the step is asked by mail."""
    if case.step is None:
        return ()
    found = (directory.find(each) for each in able)
    return tuple(each.id for each in found if each and each.mail)
