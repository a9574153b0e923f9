"""The end of an approval case: late decisions, recalls, who can move it, and the laws of all cases."""

import pytest
from hypothesis import given as given_any
from hypothesis import settings
from hypothesis import strategies as st

from contracts.approval import (
    ApprovalGranted,
    ApprovalRecalled,
    ApprovalRejected,
    DiscountApprovalRequested,
    LateDecisionRecorded,
)
from contracts.errors import QuotewrightError
from services.approvals.domain.case import (
    Decision,
    able_now,
    decide,
    recall,
)
from services.approvals.domain.directory import Directory
from tests.unit.approvals.cases import (
    DIRECTORY,
    GRANTED,
    IDS,
    LATER,
    RECALLED,
    REJECTED,
    STEP_GRANTED,
    approve,
    changed,
    given,
    lowered,
    opened,
    two_steps_for,
)
from tests.unit.approvals.offers import KEY

# ---- after the end


@pytest.mark.parametrize(
    ("closing", "outcome"), [(GRANTED, "granted"), (REJECTED, "rejected"), (RECALLED, "recalled")]
)
def test_a_late_decision_is_kept_and_changes_nothing(closing, outcome):
    case = given(opened(), closing)
    late = case.when(approve("appr-regional-2"))
    assert late == LateDecisionRecorded(
        **IDS,
        by="appr-regional-2",
        verdict="approve",
        reason="strategic account",
        at=LATER,
        case_outcome=outcome,
    )
    after = given(*case.facts, late).case
    assert (after.state, after.grants, after.late) == (outcome, case.case.grants, (late,))


def test_an_open_case_can_be_recalled_once():
    case = given(opened())
    facts = recall(case.case, "the opportunity was lost")
    assert facts == (RECALLED,)
    assert recall(given(*case.facts, *facts).case, "again") == ()


@pytest.mark.parametrize("closing", [GRANTED, REJECTED])
def test_a_decided_case_is_not_recalled(closing):
    assert recall(given(opened(), closing).case, "the opportunity was lost") == ()


def test_who_can_move_a_case_today_follows_the_directory():
    case = given(opened()).case
    assert able_now(case, DIRECTORY) == ("appr-regional-1", "appr-regional-2")
    assert able_now(case, changed("appr-regional-1", active=False)) == ("appr-regional-2",)
    assert able_now(case, Directory(approvers=())) == ()
    assert able_now(case, lowered("appr-regional-2", "17.99", "0")) == ("appr-regional-1",)
    assert able_now(given(opened(), GRANTED).case, DIRECTORY) == ()


def test_who_asked_or_granted_before_can_not_move_a_case():
    asked = two_steps_for("appr-regional-1", "appr-finance-1", "appr-finance-2").model_copy(
        update={"requested_by": "user/appr-finance-1"}
    )
    assert able_now(given(asked, STEP_GRANTED).case, DIRECTORY) == ("appr-finance-2",)


# ---- laws

PEOPLE = [each.id for each in DIRECTORY.approvers] + ["seller-1"]
decisions = st.builds(
    Decision,
    content_key=st.sampled_from([KEY, KEY, KEY, "d" * 64]),
    approver=st.sampled_from(PEOPLE),
    verdict=st.sampled_from(["approve", "approve", "reject"]),
    reason=st.sampled_from(["", "because"]),
    at=st.just(LATER),
)


@settings(max_examples=100)
@given_any(
    st.sampled_from(["18", "25", "45", "95"]),
    st.sampled_from(["user/seller-1", "user/appr-regional-1", "user/appr-finance-1"]),
    st.lists(st.one_of(decisions, st.none()), max_size=12),
)
def test_whatever_is_tried_a_grant_is_lawful_and_a_case_ends_once(discount, requester, tries):
    """None stands for a recall."""
    facts = [opened(discount, "30", requested_by=requester)]
    for each in tries:
        case = given(*facts).case
        try:
            facts += [decide(case, each, DIRECTORY)] if each else recall(case, "taken back")
        except QuotewrightError:
            continue
    endings = [
        f for f in facts if isinstance(f, ApprovalGranted | ApprovalRejected | ApprovalRecalled)
    ]
    assert len(endings) <= 1
    first = facts[0]
    assert isinstance(first, DiscountApprovalRequested)
    for ending in endings:
        if isinstance(ending, ApprovalGranted):
            by = [each.by for each in ending.grants]
            assert [each.step for each in ending.grants] == [each.step for each in first.steps]
            assert len(set(by)) == len(by)
            assert requester.removeprefix("user/") not in by
            assert all(who in step.approvers for who, step in zip(by, first.steps, strict=True))
