"""What people read of a deal: every hop of a walk, and the same rows whatever the interleaving."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.approval import ApprovalRejected
from contracts.envelope import Opened
from contracts.opportunity import OpportunityLost, OpportunityReopened, OpportunityWon
from contracts.quote import (
    AnswerIgnored,
    QuoteChangeRequested,
    QuoteDeclined,
    QuoteExpired,
    QuoteRevised,
    QuoteWithdrawn,
    RevisionRecalled,
    RevisionReturned,
)
from services.crm_projector.domain.deal import DealState, evolve
from services.crm_projector.domain.standing import Standing, standing
from services.crm_projector.domain.write_back import QuoteChanged, quote_changed, tellings
from services.crm_projector.rows import changed, rows_of
from tests.unit.crm_projector.walks import SHA, T0, Log, Walk, eur, streams_of


def folded(facts: list[Opened]) -> DealState:
    state = None
    for each in facts:
        state = evolve(state, each.fact, each.meta)
    assert state is not None
    return state


def stands(walk: Walk) -> Standing:
    deal = folded(walk.log.facts)
    return standing(deal.quotes[walk.quote_id], deal)


def told(walk: Walk) -> QuoteChanged:
    deal = folded(walk.log.facts)
    found = quote_changed(deal.quotes[walk.quote_id], deal)
    assert found is not None
    return found


def row(walk: Walk, table: str) -> dict:
    return next(
        dict(r) for (name, _), r in rows_of(folded(walk.log.facts)).items() if name == table
    )


def test_every_hop_of_a_walk_shows_in_status_and_waiting_list() -> None:
    walk = Walk(Log().open())
    seen = []

    def look() -> None:
        now = stands(walk)
        seen.append((now.status, now.waits_for, now.who_can_move_it, now.movers))

    look_after = [walk.draft, walk.configure, walk.price]
    for hop in look_after:
        hop()
        look()
    submission = walk.submit()
    look()
    walk.ask_approvers(submission)
    look()
    walk.grant(submission)
    look()
    walk.render()
    look()
    walk.present()
    look()
    walk.accept()
    look()
    assert seen == [
        ("Draft", "configuration", "seller", ("seller-1",)),
        ("Draft", "configuration", "nobody", ()),
        ("Priced", "submission", "seller", ("seller-1",)),
        ("PendingApproval", "approval", "nobody", ()),
        ("PendingApproval", "approval", "approver", ("appr-regional-1",)),
        ("Approved", "document", "nobody", ()),
        ("Approved", "presentation", "seller", ("seller-1",)),
        ("Presented", "answer", "customer", ()),
        ("Ordered", None, None, ()),
    ]


def test_a_granted_first_step_waits_for_the_second_approver() -> None:
    walk = Walk(Log().open()).draft().configure().price()
    submission = walk.submit()
    walk.ask_approvers(submission)
    walk.grant(submission)
    walk.log.facts = walk.log.facts[:-2]  # the case and the quote go on later
    now = stands(walk)
    assert (now.movers, now.reason) == (("appr-global-1",), "step 2 of 2, global")


def test_a_write_back_holds_what_the_crm_needs_and_no_margin() -> None:
    walk = Walk(Log().open()).to_presented("approvers")
    assert told(walk).model_dump(mode="json") == {
        "client": "quotewright",
        "sequence": len(walk.log.facts),
        "crm": "crm://example",
        "record_id": "OPP-1",
        "quote_id": str(walk.quote_id),
        "number": "Q-1001",
        "revision": 1,
        "presented_revision": 1,
        "status": "Presented",
        "list": {"amount": "120000.00", "currency": "EUR"},
        "net": {"amount": "90000.00", "currency": "EUR"},
        "discount_percent": "25.00",
        "valid_until": "2026-04-01",
        "document_sha256": SHA["e"],
        "waits_for": "answer",
        "waits_since": (T0 + timedelta(minutes=len(walk.log.facts) - 1))
        .isoformat()
        .replace("+00:00", "Z"),
        "who_can_move_it": "customer",
        "reason": None,
        "order_id": None,
    }


def test_the_crm_is_told_at_every_step_that_shows_and_at_no_other() -> None:
    walk = Walk(Log().open()).to_presented("approvers").accept()
    state, statuses, hops = None, [], []
    for each in walk.log.facts:
        after = evolve(state, each.fact, each.meta)
        for news in tellings(state, after):
            hops.append(type(each.fact).__name__)
            statuses.append(news.status)
        state = after
    assert list(dict.fromkeys(statuses)) == [
        "Draft",
        "Configured",
        "Priced",
        "PendingApproval",
        "Approved",
        "Presented",
        "Accepted",
        "Ordered",
    ]
    assert not {"ConfigurationValidated", "QuotePriced", "QuoteDocumentRendered"} & set(hops)


def test_sequences_rise_so_that_a_receiver_can_drop_what_is_older() -> None:
    walk = Walk(Log().open()).to_presented().accept()
    state, sequences = None, []
    for each in walk.log.facts:
        after = evolve(state, each.fact, each.meta)
        sequences += [news.sequence for news in tellings(state, after)]
        state = after
    assert sequences == sorted(set(sequences))


def test_a_fact_heard_twice_gives_back_the_very_same_state() -> None:
    walk = Walk(Log().open()).to_presented("approvers").accept()
    state = folded(walk.log.facts)
    assert all(evolve(state, each.fact, each.meta) is state for each in walk.log.facts)


def test_a_state_read_back_from_json_is_the_same_state() -> None:
    state = folded(Walk(Log().open()).to_presented("approvers").accept().log.facts)
    assert DealState.model_validate_json(state.model_dump_json(exclude_defaults=True)) == state


# ---- refusals, edits, outcomes


def test_a_returned_revision_says_why_and_who_can_move_it() -> None:
    walk = Walk(Log().open()).draft().configure()
    why = {"code": "pricing.no_price", "reason": "no price for MS-1 in EUR"}
    walk.say(RevisionReturned, answers="x/1", stage="pricing", who_can_move_it="admin", **why)
    now = stands(walk)
    assert (now.status, now.waits_for, now.who_can_move_it, now.reason) == (
        "Returned",
        "repair",
        "admin",
        "no price for MS-1 in EUR",
    )


def test_a_case_that_nobody_can_sign_waits_for_an_administrator() -> None:
    walk = Walk(Log().open()).draft().configure().price()
    walk.ask_approvers(walk.submit(), anybody=False)
    state = folded(walk.log.facts)
    now = standing(next(iter(state.quotes.values())), state)
    assert (now.waits_for, now.who_can_move_it) == ("approval", "admin")
    assert "nobody in the directory can sign" in (now.reason or "")


def test_a_rejected_case_shows_its_reason_and_goes_back_to_the_seller() -> None:
    walk = Walk(Log().open()).draft().configure().price()
    submission = walk.submit()
    walk.ask_approvers(submission)
    at = T0 + timedelta(hours=3)
    walk.answer(
        "approvals.case",
        ApprovalRejected,
        answers=submission,
        case_id=walk.case_id,
        step=1,
        by="appr-regional-1",
        at=at,
        reason="too much",
    )
    walk.say(
        RevisionReturned,
        answers=submission,
        stage="approval",
        code="approval.rejected",
        reason="too much",
        who_can_move_it="seller",
    )
    assert stands(walk).who_can_move_it == "seller"
    case = row(walk, "approval")
    assert (case["outcome"], case["decided_by"], case["reason"]) == (
        "rejected",
        "appr-regional-1",
        "too much",
    )


def test_an_edit_of_a_priced_draft_forgets_its_price() -> None:
    walk = Walk(Log().open()).draft().configure().price()
    assert told(walk).net == eur("90000")
    walk.configure()
    assert (told(walk).status, told(walk).net) == ("Draft", None)


def test_a_recalled_revision_waits_for_the_seller_to_submit_again() -> None:
    walk = Walk(Log().open()).draft().configure().price()
    walk.submit()
    walk.say(RevisionRecalled, reason="a line was wrong", recalled_by="user/seller-1")
    now = stands(walk)
    assert (now.status, now.waits_for, now.who_can_move_it) == ("Priced", "submission", "seller")


def test_an_ignored_answer_changes_no_status() -> None:
    walk = Walk(Log().open()).to_presented()
    before = told(walk)
    walk.say(
        AnswerIgnored, answers="x/1", answer_id="y/1", answer_type="QuotePriced", reason="late"
    )
    assert told(walk) == before.model_copy(update={"sequence": before.sequence + 1})


def test_a_new_revision_is_drafted_while_the_presented_one_stays_acceptable() -> None:
    walk = Walk(Log().open()).to_presented()
    walk.revision = 2
    walk.say(QuoteRevised, from_revision=1, items=(), discounts=(), revised_by="user/seller-1")
    now = told(walk)
    assert (now.revision, now.presented_revision, now.status) == (2, 1, "Draft")


def test_the_representative_revision_is_the_accepted_one_though_a_later_draft_exists() -> None:
    walk = Walk(Log().open()).to_presented()
    walk.revision = 2
    walk.say(QuoteRevised, from_revision=1, items=(), discounts=(), revised_by="user/seller-1")
    walk.say(RevisionRecalled, reason="Q-1001 was accepted", recalled_by="user/seller-1")
    walk.revision = 1
    walk.accept()
    assert (row(walk, "quote")["representative_revision"], told(walk).status) == (1, "Ordered")


def test_a_declined_quote_keeps_the_customers_reason() -> None:
    walk = Walk(Log().open()).to_presented()
    walk.say(QuoteDeclined, reason_code="competitor", comment="cheaper", at=T0)
    quote = row(walk, "quote")
    assert (quote["status"], quote["reason_code"], quote["reason"], quote["waits_for"]) == (
        "Declined",
        "competitor",
        "cheaper",
        None,
    )


def test_an_expired_offer_waits_for_the_seller_and_a_later_draft_lives_on() -> None:
    walk = Walk(Log().open()).to_presented()
    ended = datetime(2026, 4, 1, 22, 0, tzinfo=UTC)
    walk.say(QuoteExpired, expires_at=ended)
    now = stands(walk)
    assert (now.status, now.waits_for, now.since) == ("Expired", "renewal", ended)
    walk.revision = 2
    walk.say(QuoteRevised, from_revision=1, items=(), discounts=(), revised_by="user/seller-1")
    assert stands(walk).status == "Draft"


def test_a_customers_wish_waits_for_the_seller_in_the_customers_words() -> None:
    walk = Walk(Log().open()).to_presented()
    walk.say(QuoteChangeRequested, message="three sectors, please", at=T0 + timedelta(days=1))
    now = stands(walk)
    assert (now.status, now.waits_for, now.who_can_move_it, now.reason) == (
        "Presented",
        "change",
        "seller",
        "three sectors, please",
    )


# ---- the quote against the CRM


def test_an_opportunity_won_in_the_crm_without_acceptance_shows_as_waiting() -> None:
    walk = Walk(Log().open()).to_presented()
    walk.log.crm(OpportunityWon, occurred_at=T0 + timedelta(days=3))
    now, deal = stands(walk), folded(walk.log.facts)
    assert (now.status, now.waits_for, now.who_can_move_it, now.since) == (
        "Presented",
        "acceptance",
        "seller",
        T0 + timedelta(days=3),
    )
    assert (deal.outcome, deal.is_disputed) == ("won", True)


def test_an_opportunity_lost_after_acceptance_shows_as_waiting_and_stays_won() -> None:
    walk = Walk(Log().open()).to_presented().accept()
    walk.log.crm(OpportunityLost, reason="budget", occurred_at=T0 + timedelta(days=3))
    now, deal = stands(walk), folded(walk.log.facts)
    assert (now.status, now.waits_for, deal.outcome) == ("Ordered", "crm_outcome", "won")


def test_a_reopened_opportunity_is_open_again_and_counts_once() -> None:
    log = Log().open()
    log.crm(OpportunityLost, reason="budget")
    log.crm(OpportunityReopened, stage="Negotiation")
    (opportunity,) = [
        r for (name, _), r in rows_of(folded(log.facts)).items() if name == "opportunity"
    ]
    assert (opportunity["outcome"], opportunity["outcome_at"], opportunity["stage"]) == (
        "open",
        None,
        "Negotiation",
    )


def test_a_lost_opportunity_with_withdrawn_quotes_waits_for_nobody() -> None:
    walk = Walk(Log().open()).to_presented()
    walk.log.crm(OpportunityLost, reason="budget")
    walk.say(QuoteWithdrawn, reason="the opportunity is lost", withdrawn_by="system/quotes")
    assert stands(walk).waits_for is None


# ---- any interleaving gives the same rows


def two_quotes_one_accepted() -> Log:
    """Two alternatives; one with approval, a rejection and a second revision; one is accepted."""
    log = Log().open()
    first = Walk(log, "Q-1001").to_presented("approvers")
    second = Walk(log, "Q-1002", net=eur("100000")).draft().configure().price()
    submission = second.submit()
    second.ask_approvers(submission)
    second.say(RevisionRecalled, reason="wrong line", recalled_by="user/seller-1")
    second.price()
    second.approve_by_rule(second.submit()).render().present()
    second.revision = 2
    second.say(QuoteRevised, from_revision=1, items=(), discounts=(), revised_by="user/seller-1")
    first.accept()
    second.say(QuoteWithdrawn, reason="Q-1001 was accepted", withdrawn_by="system/quotes")
    log.crm(OpportunityWon, occurred_at=T0 + timedelta(days=2))
    return log


@settings(max_examples=100, deadline=None)
@given(st.randoms(use_true_random=False))
def test_any_interleaving_of_the_streams_gives_the_same_rows(choose: random.Random) -> None:
    facts = two_quotes_one_accepted().facts
    waiting = list(streams_of(facts).values())
    shuffled = []
    while waiting:
        stream = choose.choice(waiting)
        shuffled.append(stream.pop(0))
        waiting = [each for each in waiting if each]
    assert folded(shuffled).model_dump() == folded(facts).model_dump()
    assert rows_of(folded(shuffled)) == rows_of(folded(facts))


def test_rows_are_written_only_when_they_differ() -> None:
    walk = Walk(Log().open()).to_presented()
    before = folded(walk.log.facts)
    walk.say(
        AnswerIgnored, answers="x/1", answer_id="y/1", answer_type="QuotePriced", reason="late"
    )
    after = folded(walk.log.facts)
    assert sorted(table for table, _ in changed(rows_of(before), rows_of(after))) == [
        "opportunity",
        "quote",
    ]


@pytest.mark.parametrize("table", ["opportunity", "quote", "quote_revision", "approval"])
def test_every_table_has_a_row_after_a_walk_with_approval(table: str) -> None:
    assert row(Walk(Log().open()).to_presented("approvers"), table)
