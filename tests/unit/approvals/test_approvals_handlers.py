"""Approvals on the memory store: what it hears, appends, delivers and is reminded of."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from contracts.approval import (
    ApprovalGranted,
    ApprovalNotRequired,
    ApprovalRecalled,
    ApprovalStepGranted,
    DiscountApprovalRequested,
    LateDecisionRecorded,
)
from contracts.envelope import Fact, Opened
from contracts.values import Percent
from infra.batch import Batch
from infra.desk import CommandDesk, CommandReused
from infra.memory import MemoryStore
from infra.work import Cause, Recorded, Work
from services.approvals import consumer, handlers
from services.approvals.domain.case import BeyondAuthority, Decision, case_id_of
from services.approvals.domain.directory import Directory
from services.approvals.main import READS
from services.approvals.policy import Authority
from tests.unit.approvals.offers import ASKED_AT, KEY, authority, heard, recalled, submitted

LATER = ASKED_AT + timedelta(hours=2)


class House:
    """The service over a memory store, without its doors."""

    def __init__(self, of: Authority | None = None) -> None:
        self.authority = of or authority()
        self.store = MemoryStore("approvals", READS)
        self.desk = CommandDesk(self.store, lambda _: None)

    def hears(self, said: Opened) -> list[Fact]:
        work = Work(
            self.store, Cause(f"{said.meta.id}:approvals", said.meta.time, "service/approvals")
        )
        consumer.hears(self.authority)[type(said.fact)](said, work)
        self.store.commit([work])
        return [each.fact for each in work.facts]

    def decides(
        self, case_id: UUID, by: str, command: str = "", verdict: str = "approve"
    ) -> tuple[Recorded, ...]:
        decision = Decision(
            content_key=KEY, approver=by, verdict=verdict, reason="as agreed", at=LATER
        )
        cause = Cause(command or f"{by}:{verdict}", LATER, f"user/{by}", request_sha256="r" * 64)
        return self.desk.run(
            cause, lambda work: handlers.decision_made(work, case_id, decision, self.authority)
        )

    def falls_due(self, key: str) -> None:
        reminder = self.store.reminders[key]
        work = Work(self.store, Cause(f"reminder/{key}", reminder.due_at, "service/approvals"))
        consumer.reminders(self.authority)[reminder.kind](reminder, work)
        work.forget(key)
        self.store.commit([work])

    def stream(self, case_id: UUID) -> list[type[Fact]]:
        return [type(each.fact) for each in self.store.read(handlers.stream_of(case_id))]


def first_case(version: int = 7) -> UUID:
    return case_id_of(heard(submitted(), version).meta.id)


def test_an_ask_within_authority_is_answered_on_the_stream_of_its_case_and_asks_nobody():
    house = House()
    (answer,) = house.hears(heard(submitted("10", "25")))
    assert isinstance(answer, ApprovalNotRequired)
    assert answer.answers == heard(submitted()).meta.id
    assert house.stream(first_case()) == [ApprovalNotRequired]
    assert (house.store.deliveries, house.store.reminders) == ({}, {})


def test_an_ask_above_authority_opens_a_case_asks_the_approvers_and_sets_a_deadline():
    house = House()
    (fact,) = house.hears(heard(submitted()))
    assert isinstance(fact, DiscountApprovalRequested)
    delivery = house.store.deliveries[f"case/{first_case()}/step/1"]
    assert (delivery.target, delivery.event_type) == ("approvals", "quotewright.approval.requested")
    assert delivery.body == {
        "case_id": str(first_case()),
        "state": "open",
        "quote_id": str(fact.quote_id),
        "quote": "Q-1042",
        "revision": 1,
        "step": 1,
        "steps": 1,
        "level": "regional-sales-director",
        "approvers": ["appr-regional-1", "appr-regional-2"],
        "who_can_move_it": "approver",
        "causes": [
            (
                "the sales discount is 18 %, above 10 %: "
                "above 10 % and up to 20 % a regional sales director decides"
            )
        ],
        "granted": [],
        "discount_percent": "18",
        "net": {"amount": "820.00", "currency": "EUR"},
        "rationale": ["competitor is 15 % lower"],
        "requested_by": "user/seller-1",
        "due_at": (ASKED_AT + timedelta(hours=24)).isoformat(),
        "content_key": KEY,
        "callback": "/approvals/callbacks/approvals",
        "internal": {"margin_percent": "30", "margin": {"amount": "246.00", "currency": "EUR"}},
    }
    assert house.store.reminders[f"case/{first_case()}/due"].due_at == ASKED_AT + timedelta(
        hours=24
    )


def test_the_same_ask_heard_twice_is_answered_once():
    house = House()
    house.hears(heard(submitted()))
    assert house.hears(heard(submitted())) == []


def test_the_second_step_is_asked_when_the_first_is_granted():
    house = House()
    house.hears(heard(submitted("25")))
    house.decides(first_case(), "appr-regional-1")
    second = house.store.deliveries[f"case/{first_case()}/step/2"].body
    assert (second["step"], second["approvers"]) == (2, ["appr-finance-1", "appr-finance-2"])
    assert [each["by"] for each in second["granted"]] == ["appr-regional-1"]
    house.decides(first_case(), "appr-finance-1")
    assert house.stream(first_case()) == [
        DiscountApprovalRequested,
        ApprovalStepGranted,
        ApprovalGranted,
    ]
    assert house.store.reminders == {}


def test_the_same_command_twice_is_one_outcome():
    house = House()
    house.hears(heard(submitted("25")))
    once = house.decides(first_case(), "appr-regional-1", "callback/approvals/msg-1")
    again = house.decides(first_case(), "appr-regional-1", "callback/approvals/msg-1")
    assert [each.id for each in again] == [each.id for each in once]
    assert house.stream(first_case()) == [DiscountApprovalRequested, ApprovalStepGranted]


def test_a_command_id_with_another_request_is_refused():
    house = House()
    house.hears(heard(submitted("25")))
    house.decides(first_case(), "appr-regional-1", "callback/approvals/msg-1")
    cause = Cause("callback/approvals/msg-1", LATER, "system/approvals", request_sha256="s" * 64)
    with pytest.raises(CommandReused):
        house.desk.run(cause, lambda work: None)


def test_a_refused_decision_leaves_no_trace():
    limited = authority().directory.approvers[0]
    low = limited.limit.model_copy(update={"max_discount_percent": Percent(5)})
    directory = Directory(approvers=(limited.model_copy(update={"limit": low}),))
    house = House()
    house.hears(heard(submitted()))
    house.authority = replace(house.authority, directory=directory)
    with pytest.raises(BeyondAuthority):
        house.decides(first_case(), "appr-regional-1")
    assert house.stream(first_case()) == [DiscountApprovalRequested]


def test_a_recall_closes_the_open_case_and_tells_the_approvers():
    house = House()
    house.hears(heard(submitted()))
    (fact,) = house.hears(heard(recalled(), 8))
    assert fact == ApprovalRecalled(
        deal_id=fact.deal_id,
        quote_id=submitted().quote_id,
        revision=1,
        case_id=first_case(),
        reason="the opportunity was lost",
    )
    message = house.store.deliveries[f"case/{first_case()}/step/1"]
    assert message.event_type == "quotewright.approval.recalled"
    assert house.store.reminders == {}


def test_a_decision_after_the_recall_is_recorded_as_late():
    house = House()
    house.hears(heard(submitted()))
    house.hears(heard(recalled(), 8))
    (late,) = house.decides(first_case(), "appr-regional-1")
    assert isinstance(late.fact, LateDecisionRecorded)
    assert late.fact.case_outcome == "recalled"


@pytest.mark.parametrize("discount", ["10", None])
def test_a_recall_without_an_open_case_says_nothing(discount):
    house = House()
    if discount:
        house.hears(heard(submitted(discount, "25")))
    assert house.hears(heard(recalled(), 8)) == []


def test_a_recall_of_another_revision_leaves_the_case_open():
    house = House()
    house.hears(heard(submitted()))
    assert house.hears(heard(recalled(revision=2), 8)) == []
    assert house.stream(first_case()) == [DiscountApprovalRequested]


def test_a_revision_submitted_again_recalls_the_earlier_case_and_opens_its_own():
    house = House()
    house.hears(heard(submitted(), 7))
    facts = house.hears(heard(submitted("19"), 9))
    assert [type(each) for each in facts] == [ApprovalRecalled, DiscountApprovalRequested]
    assert [each.case_id for each in facts] == [first_case(7), first_case(9)]
    house.hears(heard(recalled(), 10))
    assert house.stream(first_case(7)) == [DiscountApprovalRequested, ApprovalRecalled]
    assert house.stream(first_case(9)) == [DiscountApprovalRequested, ApprovalRecalled]


def test_a_revision_submitted_again_within_authority_recalls_the_open_case():
    house = House()
    house.hears(heard(submitted(), 7))
    facts = house.hears(heard(submitted("5"), 9))
    assert [type(each) for each in facts] == [ApprovalRecalled, ApprovalNotRequired]


def test_a_rejected_revision_can_be_submitted_again_and_granted():
    house = House()
    house.hears(heard(submitted("25"), 7))
    house.decides(first_case(7), "appr-regional-1", verdict="reject")
    house.hears(heard(submitted("18"), 9))
    (granted,) = house.decides(first_case(9), "appr-regional-1")
    assert isinstance(granted.fact, ApprovalGranted)


def test_an_overdue_case_is_told_once():
    house = House()
    house.hears(heard(submitted()))
    house.falls_due(f"case/{first_case()}/due")
    message = house.store.deliveries[f"case/{first_case()}/step/1"]
    assert message.event_type == "quotewright.approval.overdue"
    assert message.body["state"] == "open"
    assert house.store.reminders == {}


def test_a_deadline_of_a_decided_case_says_nothing():
    house = House()
    house.hears(heard(submitted()))
    kept = house.store.reminders[f"case/{first_case()}/due"]
    house.decides(first_case(), "appr-regional-1")
    house.store.reminders[kept.key] = kept
    house.falls_due(kept.key)
    message = house.store.deliveries[f"case/{first_case()}/step/1"]
    assert message.event_type == "quotewright.approval.requested"


def test_a_case_that_nobody_can_decide_says_that_an_administrator_must_act():
    house = House()
    house.hears(heard(submitted("95", "-90")))
    body = house.store.deliveries[f"case/{first_case()}/step/1"].body
    assert (body["approvers"], body["who_can_move_it"]) == ([], "admin")


def test_the_policy_of_the_ask_s_own_day_decides_in_the_offer_s_zone():
    loaded = authority()
    (now,) = loaded.policies
    strict = now.policy.model_copy(
        update={"version": 2, "effective": ASKED_AT.date(), "decision_hours": 1}
    )
    newer = replace(now, policy=strict, pin=now.pin.model_copy(update={"version": 2}))
    two = Authority((now, newer), loaded.directory)
    # 22:30 and 23:30 UTC on the day before are 23:30 and 00:30 in Berlin.
    for hour, version in ((22, 1), (23, 2)):
        at = datetime.combine(
            ASKED_AT.date() - timedelta(days=1), ASKED_AT.time().replace(hour=hour, minute=30)
        ).replace(tzinfo=ASKED_AT.tzinfo)
        (fact,) = House(two).hears(heard(submitted(), at=at))
        assert isinstance(fact, DiscountApprovalRequested)
        assert fact.policy.version == version


def test_nobody_with_a_hand_in_the_offer_is_among_its_approvers() -> None:
    fact = submitted().model_copy(update={"hands": ("user/appr-regional-1", "user/seller-9")})
    (asked,) = House().hears(heard(fact))
    assert isinstance(asked, DiscountApprovalRequested)
    assert "appr-regional-1" not in {who for step in asked.steps for who in step.approvers}


def test_a_case_opened_in_the_same_batch_is_recalled_when_its_revision_is():
    """Names given by an earlier work of a batch were not found, and the first case stayed open."""
    house, batch = House(), Batch()
    works = []
    for said in (heard(submitted(), 7), heard(recalled(), 8), heard(submitted(), 9)):
        cause = Cause(f"{said.meta.id}:approvals", said.meta.time, "service/approvals")
        work = Work(house.store, cause, batch)
        consumer.hears(house.authority)[type(said.fact)](said, work)
        works.append(work)
    house.store.commit(works)
    assert house.stream(first_case(7)) == [DiscountApprovalRequested, ApprovalRecalled]
    assert house.stream(first_case(9)) == [DiscountApprovalRequested]
    assert list(house.store.reminders) == [f"case/{first_case(9)}/due"]
