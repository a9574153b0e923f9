"""The approval case: given what happened, when somebody decides, then this fact or this refusal."""

from datetime import timedelta

import pytest

from contracts.approval import (
    ApprovalGranted,
    ApprovalNotRequired,
    CaseInternal,
    DiscountApprovalRequested,
)
from contracts.values import Percent, Pin
from services.approvals.domain.case import (
    BeyondAuthority,
    NoSuchCase,
    NotAnApprover,
    OnePersonOneStep,
    OwnRequest,
    ReasonMissing,
    StaleContent,
)
from tests.unit.approvals.cases import (
    ASK,
    GRANTED,
    IDS,
    PUBLISHED,
    REJECTED,
    STEP_GRANTED,
    approve,
    changed,
    given,
    grant,
    lowered,
    opened,
    reject,
    two_steps_for,
)
from tests.unit.approvals.offers import ASKED_AT, DEAL, KEY, QUOTE, eur

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
