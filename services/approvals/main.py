"""Wires approvals; `python -m services.approvals.main` runs it alone."""

from dataclasses import replace
from pathlib import Path

from fastapi import APIRouter

from contracts import places
from contracts.approval import (
    ApprovalGranted,
    ApprovalNotRequired,
    ApprovalQuestionAnswered,
    ApprovalQuestionAsked,
    ApprovalRecalled,
    ApprovalRejected,
    ApprovalStepGranted,
    DiscountApprovalRequested,
    LateDecisionRecorded,
)
from contracts.envelope import Registry
from contracts.quote import UPCASTERS, RevisionRecalled, RevisionSubmitted
from infra.live import Changes, Live
from infra.mail import Compose
from infra.pages import Link, Menu, Pages
from infra.parts import Parts, Plumbing
from infra.service import serve
from infra.settings import Settings
from services.approvals import api, bulk_api, consumer, pages, policy
from services.approvals.letters import Letters
from services.approvals.offers import Offers
from services.approvals.policy import Authority

READS = Registry(
    [
        RevisionSubmitted,
        RevisionRecalled,
        ApprovalNotRequired,
        DiscountApprovalRequested,
        ApprovalStepGranted,
        ApprovalGranted,
        ApprovalRejected,
        ApprovalRecalled,
        LateDecisionRecorded,
        ApprovalQuestionAsked,
        ApprovalQuestionAnswered,
    ],
    UPCASTERS,
)
BATCH_SIZE = 20


def build(settings: Settings, plumbing: Plumbing) -> Parts:
    """Wire the service.

    Raises: PolicyFaulty, if the policy or the directory has faults.
    """
    authority = policy.load(settings.catalog_dir)
    if settings.smtp_url is None:
        authority = replace(authority, directory=authority.directory.without_mail())
    face = Pages(
        prefix="/approvals",
        menu=Menu(tuple(Link(*each) for each in places.MENU), places.SIGN_IN, places.SIGN_OUT),
        templates=Path(__file__).parent / "templates",
        globals_={"places": places},
    )
    live = Live(Changes(plumbing.pool).look)
    router = APIRouter()
    for each in (
        pages.routes((plumbing, Offers(plumbing.asker)), authority, face, live),
        api.routes(plumbing, authority, plumbing.verifier),
        bulk_api.routes(authority),
    ):
        router.routes.extend(each.routes)
    return Parts(
        name="approvals",
        hears=consumer.hears(authority),
        registry=READS,
        router=router,
        face=face,
        letters=_letters(settings, plumbing, authority),
        close=live.close,
        reminders=consumer.reminders(authority),
        batch_size=BATCH_SIZE,
        migrations=Path(__file__).parent / "migrations",
    )


def _letters(settings: Settings, plumbing: Plumbing, authority: Authority) -> Compose | None:
    """Return what composes our mail; None without a mail server."""
    if settings.smtp_url is None:
        return None
    return Letters(plumbing, authority, settings.public_url).composer(plumbing.clock)


if __name__ == "__main__":
    serve("approvals", build)
