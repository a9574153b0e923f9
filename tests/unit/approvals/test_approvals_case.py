"""The approval case: given what happened, when somebody decides, then these facts or this refusal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given as given_any
from hypothesis import settings
from hypothesis import strategies as st

from contracts.approval import (
    ApprovalGranted,
    ApprovalNotRequired,
    ApprovalRecalled,
    ApprovalRejected,
    ApprovalStepGranted,
    CaseInternal,
    DiscountApprovalRequested,
    LateDecisionRecorded,
    StepGrant,
)
from contracts.envelope import Fact
from contracts.errors import QuotewrightError
from contracts.values import Percent, Pin
from services.approvals.domain.case import (
    BeyondAuthority,
    Case,
    Decision,
    NoSuchCase,
    NotAnApprover,
    OnePersonOneStep,
    OwnRequest,
    ReasonMissing,
    StaleContent,
    able_now,
    case_id_of,
    decide,
    evolve,
    recall,
)
from services.approvals.domain.directory import Directory
from services.approvals.domain.opening import Submission, open_case
from tests.unit.approvals.offers import ASKED_AT, DEAL, KEY, QUOTE, authority, eur, submitted

ASK = f"quotes.quote/{QUOTE}/7"
CASE = case_id_of(ASK)
LATER = ASKED_AT + timedelta(hours=1)
DIRECTORY = authority().directory
PUBLISHED = authority().policies[-1]


def opened(discount: str = "18", margin_percent: str = "30", **terms) -> Fact:
    submission = Submission(
        ask_id=ASK, asked_at=ASKED_AT, fact=submitted(discount, margin_percent, **terms)
    )
    return open_case(submission, PUBLISHED.policy, PUBLISHED.pin, DIRECTORY)


def approve(by: str, content_key: str = KEY, reason: str = "strategic account") -> Decision:
    return Decision(
        content_key=content_key, approver=by, verdict="approve", reason=reason, at=LATER
    )


def reject(by: str, reason: str = "the margin is needed") -> Decision:
    return Decision(content_key=KEY, approver=by, verdict="reject", reason=reason, at=LATER)


@dataclass
class Given:
    """A case with a history."""

    facts: Sequence[Fact]
    directory: Directory = DIRECTORY

    @property
    def case(self) -> Case:
        case = Case()
        for fact in self.facts:
            case = evolve(case, fact)
        return case

    def when(self, decision: Decision) -> Fact:
        return decide(self.case, decision, self.directory)

    def refuses(self, decision: Decision) -> type[QuotewrightError]:
        with pytest.raises(QuotewrightError) as refused:
            self.when(decision)
        return type(refused.value)


def given(*facts: Fact, directory: Directory = DIRECTORY) -> Given:
    return Given(facts, directory)


def grant(step: int, by: str) -> StepGrant:
    return StepGrant(step=step, by=by, at=LATER, reason="strategic account")


IDS = {"deal_id": DEAL, "quote_id": QUOTE, "revision": 1, "case_id": CASE}
STEP_GRANTED = ApprovalStepGranted(**IDS, grant=grant(1, "appr-regional-1"), next_step=2)
GRANTED = ApprovalGranted(
    **IDS, answers=ASK, content_key=KEY, grants=(grant(1, "appr-regional-1"),)
)
REJECTED = ApprovalRejected(
    **IDS, answers=ASK, step=1, by="appr-regional-1", at=LATER, reason="the margin is needed"
)
RECALLED = ApprovalRecalled(**IDS, reason="the opportunity was lost")


def changed(name: str, **fields) -> Directory:
    """The directory with one approver changed since the case was opened."""
    return Directory(
        approvers=tuple(
            each.model_copy(update=fields) if each.id == name else each
            for each in DIRECTORY.approvers
        )
    )


def lowered(name: str, discount: str, margin_percent: str) -> Directory:
    approver = DIRECTORY.find(name)
    assert approver is not None
    limit = approver.limit.model_copy(
        update={
            "max_discount_percent": Percent(discount),
            "min_margin_percent": Percent(margin_percent),
        }
    )
    return changed(name, limit=limit)


# ---- opening


def test_an_offer_within_authority_needs_nobody_and_says_which_rule_let_it_pass():
    assert opened("10", "25") == ApprovalNotRequired(
        deal_id=DEAL,
        quote_id=QUOTE,
        revision=1,
        answers=ASK,
        content_key=KEY,
        policy=PUBLISHED.pin,
        rule="discount-and-margin/within-authority, worst-line/sound, price-floors/none-broken",
        message="a seller may grant up to 10 % while the margin is 25 % or more; "
        "every line keeps a margin of 5 % or more; no price floor is broken",
    )


def test_a_discount_above_authority_opens_a_case_that_carries_all_that_is_known():
    fact = opened("18", "30")
    assert isinstance(fact, DiscountApprovalRequested)
    assert [(step.step, step.level, step.approvers) for step in fact.steps] == [
        (1, "regional-sales-director", ("appr-regional-1", "appr-regional-2"))
    ]
    assert fact == DiscountApprovalRequested(
        **IDS,
        answers=ASK,
        number="Q-1042",
        content_key=KEY,
        policy=Pin(id="telecom-authority", version=1, sha256=PUBLISHED.pin.sha256),
        steps=fact.steps,
        requested_by="user/seller-1",
        rationale=("competitor is 15 % lower",),
        net=eur("820"),
        discount_percent=Percent("18"),
        due_at=ASKED_AT + timedelta(hours=24),
        internal=CaseInternal(margin_percent=Percent("30"), margin=eur("246")),
    )


# ---- deciding


def test_one_approver_with_enough_authority_grants_the_case():
    assert given(opened()).when(approve("appr-regional-1")) == GRANTED


def test_a_rejection_closes_the_case_with_its_reason():
    assert given(opened()).when(reject("appr-regional-1")) == REJECTED


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_rejection_without_a_reason_is_refused(reason):
    assert given(opened()).refuses(reject("appr-regional-1", reason)) is ReasonMissing


def test_two_steps_are_granted_in_turn():
    case = given(opened("25", "30"))
    first = case.when(approve("appr-regional-1"))
    assert first == STEP_GRANTED
    assert given(*case.facts, first).when(approve("appr-finance-2")) == ApprovalGranted(
        **IDS,
        answers=ASK,
        content_key=KEY,
        grants=(grant(1, "appr-regional-1"), grant(2, "appr-finance-2")),
    )


def test_the_second_step_can_not_go_first():
    assert given(opened("25", "30")).refuses(approve("appr-finance-1")) is NotAnApprover


def test_the_first_step_can_not_be_granted_twice():
    case = given(opened("25", "30"), STEP_GRANTED)
    assert case.refuses(approve("appr-regional-2")) is NotAnApprover


def test_the_second_step_may_be_rejected():
    fact = given(opened("25", "30"), STEP_GRANTED).when(reject("appr-finance-1"))
    assert fact == REJECTED.model_copy(update={"step": 2, "by": "appr-finance-1"})


def two_steps_for(*approvers: str) -> DiscountApprovalRequested:
    """A case of an older making, whose steps share people; ours never do."""
    fact = opened("25", "30")
    assert isinstance(fact, DiscountApprovalRequested)
    steps = tuple(each.model_copy(update={"approvers": approvers}) for each in fact.steps)
    return fact.model_copy(update={"steps": steps})


def test_one_person_never_grants_two_steps():
    case = given(two_steps_for("appr-regional-1", "appr-finance-1"), STEP_GRANTED)
    assert case.refuses(approve("appr-regional-1")) is OnePersonOneStep
    assert isinstance(case.when(approve("appr-finance-1")), ApprovalGranted)


def test_the_requester_never_approves_even_if_named():
    asked = two_steps_for("appr-regional-1").model_copy(
        update={"requested_by": "user/appr-regional-1"}
    )
    assert given(asked).refuses(approve("appr-regional-1")) is OwnRequest
    assert given(asked).refuses(reject("appr-regional-1")) is OwnRequest


@pytest.mark.parametrize(
    "stranger", ["appr-nobody", "seller-1", "appr-finance-1", "appr-regional-3"]
)
def test_who_is_not_an_active_approver_of_the_step_decides_nothing(stranger):
    assert given(opened()).refuses(approve(stranger)) is NotAnApprover


def test_an_approver_who_left_since_decides_nothing():
    gone = changed("appr-regional-1", active=False)
    assert given(opened(), directory=gone).refuses(approve("appr-regional-1")) is NotAnApprover


@pytest.mark.parametrize(
    ("discount", "margin_percent", "outcome"),
    [
        ("18", "30", None),
        ("17.99", "30", BeyondAuthority),
        ("18", "30.01", BeyondAuthority),
        ("100", "-100", None),
    ],
)
def test_the_limit_of_today_decides_and_includes_its_own_value(discount, margin_percent, outcome):
    case = given(opened("18", "30"), directory=lowered("appr-regional-1", discount, margin_percent))
    if outcome is None:
        assert case.when(approve("appr-regional-1")) == GRANTED
    else:
        assert case.refuses(approve("appr-regional-1")) is outcome


def test_an_approver_beyond_his_limit_may_still_reject():
    case = given(opened(), directory=lowered("appr-regional-1", "5", "50"))
    assert case.when(reject("appr-regional-1")) == REJECTED


def test_a_refusal_for_the_margin_does_not_tell_the_margin():
    case = given(opened("18", "30"), directory=lowered("appr-regional-1", "40", "35"))
    with pytest.raises(BeyondAuthority) as refused:
        case.when(approve("appr-regional-1"))
    assert "30" not in str(refused.value.problem())
    assert refused.value.problem()["limit"] == "35"


def test_a_decision_on_another_content_is_stale():
    assert given(opened()).refuses(approve("appr-regional-1", "d" * 64)) is StaleContent


@pytest.mark.parametrize("facts", [(), (opened("10", "25"),)])
def test_where_no_case_is_nothing_can_be_decided(facts):
    assert given(*facts).refuses(approve("appr-regional-1")) is NoSuchCase


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
    assert able_now(given(opened(), GRANTED).case, DIRECTORY) == ()


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
