"""Links in mails: given a case and a link, when its holder decides, then this fact or this refusal."""

from datetime import timedelta

import pytest

from contracts.approval import (
    ApprovalGranted,
    ApprovalRejected,
    ApprovalStepGranted,
    LateDecisionRecorded,
)
from contracts.errors import QuotewrightError
from infra.mail import MAIL
from services.approvals.domain.case import BeyondAuthority, NotAnApprover, ReasonMissing
from services.approvals.domain.directory import Directory
from services.approvals.domain.mailing import (
    LIFETIME,
    Link,
    LinkExpired,
    LinkUsed,
    StepOver,
    Words,
    asks_by_mail,
    decide_by_link,
    standing,
)
from services.approvals.links import drawn, hashed
from services.approvals.policy import Authority
from tests.unit.approvals.cases import (
    CASE,
    DIRECTORY,
    GRANTED,
    LATER,
    RECALLED,
    REJECTED,
    STEP_GRANTED,
    changed,
    given,
    lowered,
    opened,
)
from tests.unit.approvals.offers import KEY, authority, heard, submitted
from tests.unit.approvals.test_approvals_handlers import House, first_case

LINK = Link(case_id=CASE, step=1, approver="appr-regional-1", expires_at=LATER + LIFETIME)
YES = Words(content_key=KEY, verdict="approve", reason="")
NO = Words(content_key=KEY, verdict="reject", reason="the margin is needed")


def decides(*facts, link: Link = LINK, said: Words = YES, directory: Directory = DIRECTORY):
    return decide_by_link(given(*facts).case, link, said, directory, LATER)


def refusal(*facts, **how) -> type[QuotewrightError]:
    with pytest.raises(QuotewrightError) as refused:
        decides(*facts, **how)
    return type(refused.value)


def test_the_holder_of_a_good_link_grants_or_rejects_as_its_approver():
    granted = decides(opened())
    assert isinstance(granted, ApprovalGranted)
    assert granted.grants[0].by == "appr-regional-1"
    assert isinstance(decides(opened("25")), ApprovalStepGranted)
    assert isinstance(decides(opened(), said=NO), ApprovalRejected)


def test_a_used_link_decides_nothing():
    assert refusal(opened(), link=LINK.model_copy(update={"used_at": LATER})) is LinkUsed


@pytest.mark.parametrize(
    ("early", "good"), [(timedelta(microseconds=1), True), (timedelta(), False)]
)
def test_a_link_is_good_until_it_has_run_out(early, good):
    link = LINK.model_copy(update={"expires_at": LATER + early})
    assert standing(link, given(opened()).case, LATER) == ("good" if good else "expired")
    if not good:
        assert refusal(opened(), link=link) is LinkExpired


def test_a_link_for_another_step_decides_nothing():
    assert refusal(opened("25"), STEP_GRANTED) is StepOver
    early = LINK.model_copy(update={"step": 2, "approver": "appr-finance-1"})
    assert refusal(opened("25"), link=early) is StepOver


@pytest.mark.parametrize("ending", [GRANTED, REJECTED, RECALLED])
def test_a_decision_after_the_end_is_kept_as_late(ending):
    assert isinstance(decides(opened(), ending), LateDecisionRecorded)


def test_the_rules_of_every_decision_hold_for_links_too():
    assert refusal(opened(), said=NO.model_copy(update={"reason": "  "})) is ReasonMissing
    assert refusal(opened(), directory=changed("appr-regional-1", active=False)) is NotAnApprover
    assert refusal(opened(), directory=lowered("appr-regional-1", "5", "0")) is BeyondAuthority


def test_every_link_has_256_bits_that_nothing_foretells():
    found = {drawn() for _ in range(100)}
    assert (len(found), {len(each) for each in found}) == (100, {43})
    assert {len(hashed(each)) for each in found} == {64}


# ---- who gets a mail

MAILED = changed("appr-regional-1", mail="regional-1@example.com")


def house(directory: Directory = MAILED) -> House:
    return House(Authority(authority().policies, directory))


def mails(house: House) -> dict[str, dict[str, object]]:
    found = house.store.deliveries.items()
    return {key: dict(each.body) for key, each in found if each.target == MAIL}


def test_who_is_able_and_has_an_address_gets_a_mail_without_address_or_link_in_it():
    one = house()
    one.hears(heard(submitted()))
    case = first_case()
    assert mails(one) == {
        f"case/{case}/step/1/mail/appr-regional-1": {
            "case_id": str(case), "step": 1, "approver": "appr-regional-1",
        }
    }  # fmt: skip
    assert asks_by_mail(given(opened()).case, ("appr-regional-2",), MAILED) == ()
    assert asks_by_mail(given(opened(), RECALLED).case, ("appr-regional-1",), MAILED) == ()


def test_the_next_step_is_asked_by_mail_and_an_overdue_or_recalled_one_is_not():
    both = Directory(
        approvers=tuple(
            each.model_copy(update={"mail": f"{each.id}@example.com"})
            for each in DIRECTORY.approvers
        )
    )
    one = house(both)
    one.hears(heard(submitted("25")))
    one.falls_due(f"case/{first_case()}/due")
    assert {body["approver"] for body in mails(one).values()} == {
        "appr-regional-1", "appr-regional-2",
    }  # fmt: skip
    one.decides(first_case(), "appr-regional-1")
    assert {body["approver"] for body in mails(one).values() if body["step"] == 2} == {
        "appr-finance-1", "appr-finance-2",
    }  # fmt: skip


def test_without_addresses_nobody_gets_a_mail():
    one = house(MAILED.without_mail())
    one.hears(heard(submitted()))
    assert mails(one) == {}


@pytest.mark.parametrize(
    "mail", ["a", "a@b c", "a@b\nBcc: c", "<a@b>", "a@b,c@d", "ä@b.example", ""]
)
def test_an_address_that_is_none_is_refused(mail):
    found = DIRECTORY.find("appr-regional-1")
    with pytest.raises(ValueError, match="mail"):
        type(found).model_validate({**found.model_dump(), "mail": mail})
