"""Wires approvals; `python -m services.approvals.main` runs it alone."""

from pathlib import Path

from contracts.approval import (
    ApprovalGranted,
    ApprovalNotRequired,
    ApprovalRecalled,
    ApprovalRejected,
    ApprovalStepGranted,
    DiscountApprovalRequested,
    LateDecisionRecorded,
)
from contracts.envelope import Registry
from contracts.quote import RevisionRecalled, RevisionSubmitted
from infra.parts import Parts, Plumbing
from infra.service import serve
from infra.settings import Settings
from services.approvals import api, consumer, policy

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
    ]
)
BATCH_SIZE = 20


def build(settings: Settings, plumbing: Plumbing) -> Parts:
    """Wire the service.   Raises: PolicyFaulty, if the policy or the directory has faults."""
    authority = policy.load(settings.catalog_dir)
    return Parts(
        name="approvals",
        hears=consumer.hears(authority),
        registry=READS,
        router=api.routes(plumbing, authority, plumbing.verifier),
        reminders=consumer.reminders(authority),
        batch_size=BATCH_SIZE,
        migrations=Path(__file__).parent / "migrations",
    )


if __name__ == "__main__":
    serve("approvals", build)
