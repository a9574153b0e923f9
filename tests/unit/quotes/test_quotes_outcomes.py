"""Outcomes: presented, viewed, accepted, declined, withdrawn, expired; terminal once and for all."""

import json
from collections.abc import Mapping

import pytest

from contracts.quote import DealClosed, OrderPlaced, QuoteAccepted, QuoteExpired, QuotePresented
from infra.work import Work
from services.quotes.domain.errors import (
    DealIsOrdered,
    DocumentDiffers,
    Expired,
    NotPresented,
    NotReady,
    QuoteNotOpen,
    RevisionNotFound,
    Superseded,
)
from tests.unit.quotes.bench import Bench, names


@pytest.fixture
def manual(bench: Bench) -> Bench:
    """A deal of a unit whose sellers submit and present themselves."""
    bench.hear(bench.opened(selling_unit="americas-direct", region="AMER", currency="USD"))
    return bench


# ---- presenting


@pytest.mark.parametrize("stage", ["configuration", "pricing", "approval", "document"])
def test_a_revision_without_price_approval_or_document_can_not_be_presented(
    manual: Bench, stage: str
) -> None:
    quote_id = manual.draft(manual.item())
    manual.submit(quote_id)
    manual.settle_until(quote_id, stage)

    with pytest.raises(NotReady):
        manual.present(quote_id)


def test_a_rejected_discount_can_not_be_presented(manual: Bench) -> None:
    manual.needs_approval = True
    quote_id = manual.draft(manual.item())
    manual.submit(quote_id)
    manual.settle_until(quote_id, "approval")
    manual.refuse(quote_id)

    with pytest.raises(NotReady):
        manual.present(quote_id)


def test_what_is_presented_names_document_validity_and_net(manual: Bench) -> None:
    quote_id = manual.draft(manual.item())
    manual.submit(quote_id)
    manual.settle(quote_id)
    submitted = manual.quote(quote_id).current.submission
    document = manual.quote(quote_id).current.document

    [said] = manual.present(quote_id)

    assert isinstance(said, QuotePresented)
    assert submitted is not None
    assert document is not None
    assert said.content_key == submitted.content_key
    assert said.document_sha256 == document.sha256
    assert said.zone == "America/New_York"
    # 2 March + 45 days is 16 April; its last moment in New York, in summer time, is 04:00 UTC.
    assert said.valid_until.isoformat() == "2026-04-16"
    assert said.expires_at.isoformat() == "2026-04-17T04:00:00+00:00"
    assert str(said.net) == "570000.00 USD"


def test_an_approved_revision_whose_validity_is_over_must_be_submitted_again(
    manual: Bench,
) -> None:
    quote_id = manual.draft(manual.item())
    manual.submit(quote_id)
    manual.settle(quote_id)
    manual.later(days=46)

    with pytest.raises(Expired):
        manual.present(quote_id)


# ---- looking


def test_a_look_is_noted_at_most_once_a_minute(bench: Bench) -> None:
    quote_id = bench.presented()

    assert names(bench.view(quote_id)) == ["QuoteViewed"]
    bench.later(seconds=59)
    assert bench.view(quote_id) == []
    bench.later(seconds=1)
    assert names(bench.view(quote_id)) == ["QuoteViewed"]


def test_a_look_at_an_ended_quote_is_not_noted(bench: Bench) -> None:
    quote_id = bench.presented()
    bench.withdraw(quote_id)

    assert bench.view(quote_id) == []


# ---- accepting


def test_an_acceptance_places_the_order_and_closes_the_deal(bench: Bench) -> None:
    quote_id = bench.presented(bench.item(), bench.item("small", 12))

    said = bench.accept(quote_id)

    assert names(said) == ["DealClosed", "QuoteAccepted", "OrderPlaced"]
    closed, _, order = said
    assert isinstance(closed, DealClosed)
    assert (closed.outcome, closed.quote_id) == ("accepted", quote_id)
    assert isinstance(order, OrderPlaced)
    assert [(each.item_id, str(each.net_total)) for each in order.lines] == [
        ("macro", "570000.00 EUR"),
        ("small", "171000.00 EUR"),
    ]
    assert str(order.net) == "741000.00 EUR"
    assert order.number == "Q-1001"


def test_the_name_of_who_accepted_lies_with_quotes_and_never_in_a_fact(bench: Bench) -> None:
    quote_id = bench.presented()

    said = bench.accept(quote_id)

    accepted = said[1]
    assert isinstance(accepted, QuoteAccepted)
    assert not any("Buyer" in each.model_dump_json() for each in said)
    kept = bench.store.body(accepted.evidence_sha256)
    assert kept is not None
    evidence = json.loads(kept.content)
    assert evidence == {
        "name": "A. Buyer",
        "nonce": "n-1",
        "document_sha256": accepted.document_sha256,
        "at": bench.now.isoformat(),
    }


def test_the_same_acceptance_twice_is_one_order(bench: Bench) -> None:
    quote_id = bench.presented()

    assert bench.accept(quote_id, command_id="c-1") == bench.accept(quote_id, command_id="c-1")
    assert names(bench.facts(quote_id)).count("OrderPlaced") == 1


def test_a_second_acceptance_of_the_same_quote_is_refused(bench: Bench) -> None:
    quote_id = bench.presented()
    bench.accept(quote_id)

    with pytest.raises(QuoteNotOpen):
        bench.accept(quote_id)


def test_an_altered_document_can_not_be_accepted(bench: Bench) -> None:
    quote_id = bench.presented()

    with pytest.raises(DocumentDiffers):
        bench.accept(quote_id, document_sha256="f" * 64)


def test_a_draft_can_not_be_accepted(bench: Bench) -> None:
    quote_id = bench.presented()
    bench.revise(quote_id)

    with pytest.raises(NotPresented):
        bench.accept(quote_id, revision=2)
    with pytest.raises(RevisionNotFound):
        bench.accept(quote_id, revision=3)


def test_the_presented_revision_stays_acceptable_while_the_next_is_prepared(bench: Bench) -> None:
    bench.needs_approval = True
    bench.hear(bench.opened(bench.item()))
    quote_id = bench.deal().quotes[0].quote_id
    bench.settle(quote_id)
    bench.revise(quote_id)
    bench.edit(quote_id, bench.item(), discounts=[bench.discount("20")], submit=True)
    bench.settle_until(quote_id, "approval")

    said = bench.accept(quote_id, revision=1)

    assert names(said) == ["DealClosed", "RevisionRecalled", "QuoteAccepted", "OrderPlaced"]
    assert bench.quote(quote_id).current.awaiting is None


def test_a_superseded_revision_can_not_be_accepted(bench: Bench) -> None:
    quote_id = bench.presented()
    bench.revised(quote_id, bench.item(quantity=30))

    with pytest.raises(Superseded) as refused:
        bench.accept(quote_id, revision=1)

    assert refused.value.facts["presented"] == 2
    assert names(bench.accept(quote_id, revision=2))[-1] == "OrderPlaced"


def test_accepting_one_alternative_withdraws_its_siblings_and_names_the_winner(
    bench: Bench,
) -> None:
    winner, sibling = bench.presented(), bench.presented(bench.item(quantity=20))
    bench.needs_approval = True
    pending = bench.draft(bench.item())
    bench.submit(pending)
    bench.settle_until(pending, "approval")

    said = bench.accept(winner)

    assert names(said) == [
        "DealClosed",
        "QuoteAccepted",
        "OrderPlaced",
        "QuoteWithdrawn",
        "RevisionRecalled",
        "QuoteWithdrawn",
    ]
    outcome = bench.quote(sibling).outcome
    assert outcome is not None
    assert outcome.reason == "Q-1001 was accepted"


def test_of_two_siblings_accepted_at_once_one_wins_and_the_other_hears_why(bench: Bench) -> None:
    first, second = bench.presented(), bench.presented(bench.item(quantity=20))
    inner = bench.store.carry_out
    raced: list[bool] = []

    def carry_out_after_the_other(work: Work, stands_on: Mapping[str, int]) -> None:
        """Let the sibling commit between the decision and the commit of the first."""
        if not raced:
            raced.append(True)
            bench.accept(second)
        inner(work, stands_on)

    bench.store.carry_out = carry_out_after_the_other  # type: ignore[method-assign]
    with pytest.raises(DealIsOrdered) as refused:
        bench.accept(first)

    assert refused.value.facts["accepted"] == "Q-1002"
    orders = [each for quote in (first, second) for each in names(bench.facts(quote))]
    assert orders.count("OrderPlaced") == 1
    assert names(bench.facts(first))[-1] == "QuoteWithdrawn"


# ---- the other outcomes


def test_a_declined_quote_is_over_and_recalls_what_was_being_prepared(bench: Bench) -> None:
    bench.needs_approval = True
    quote_id = bench.presented()
    bench.revise(quote_id)
    bench.submit(quote_id)

    assert names(bench.decline(quote_id)) == ["RevisionRecalled", "QuoteDeclined"]
    with pytest.raises(QuoteNotOpen):
        bench.accept(quote_id, revision=1)


def test_a_change_request_leaves_the_offer_acceptable(bench: Bench) -> None:
    quote_id = bench.presented()

    assert names(bench.request_change(quote_id)) == ["QuoteChangeRequested"]
    assert names(bench.accept(quote_id))[-1] == "OrderPlaced"


def test_a_change_can_be_requested_after_the_validity_but_not_declined(bench: Bench) -> None:
    quote_id = bench.presented()
    bench.later(days=40)

    assert names(bench.request_change(quote_id)) == ["QuoteChangeRequested"]
    with pytest.raises(Expired):
        bench.decline(quote_id)


# ---- the clock


def test_an_offer_is_accepted_until_the_last_moment_of_its_last_day(bench: Bench) -> None:
    quote_id = bench.presented()
    presented = bench.quote(quote_id).current.presented
    assert presented is not None

    bench.now = presented.expires_at
    with pytest.raises(Expired):
        bench.accept(quote_id)
    bench.now = presented.expires_at.replace(second=59, minute=59, hour=21, day=1)
    assert bench.now < presented.expires_at
    assert names(bench.accept(quote_id))[-1] == "OrderPlaced"


def test_the_sweep_runs_fifteen_minutes_after_the_end_and_names_the_revision(
    bench: Bench,
) -> None:
    quote_id = bench.presented()
    presented = bench.quote(quote_id).current.presented
    assert presented is not None
    bench.now = presented.expires_at
    bench.later(minutes=14, seconds=59)
    assert bench.ring_due() == []
    bench.later(seconds=1)

    [said] = bench.ring_due()

    assert isinstance(said, QuoteExpired)
    assert (said.revision, said.expires_at) == (1, presented.expires_at)


def test_a_draft_lives_on_after_the_expiry_and_can_be_presented_and_accepted(
    bench: Bench,
) -> None:
    quote_id = bench.presented()
    bench.revise(quote_id)
    bench.later(days=40)
    assert names(bench.ring_due()) == ["QuoteExpired"]

    bench.submit(quote_id)
    bench.settle(quote_id)

    assert names(bench.accept(quote_id, revision=2))[-1] == "OrderPlaced"


def test_an_expired_quote_can_be_revised(bench: Bench) -> None:
    quote_id = bench.presented()
    bench.later(days=40)
    bench.ring_due()

    assert names(bench.revise(quote_id)) == ["QuoteRevised"]


def test_the_expiry_of_a_superseded_revision_is_not_said(bench: Bench) -> None:
    quote_id = bench.presented()
    bench.later(days=20)
    bench.revised(quote_id, bench.item(quantity=30))
    bench.later(days=12)

    assert bench.ring_due() == []
    assert names(bench.accept(quote_id, revision=2))[-1] == "OrderPlaced"


@pytest.mark.parametrize("ending", ["accept", "decline", "withdraw"])
def test_a_timer_never_changes_a_terminal_outcome(bench: Bench, ending: str) -> None:
    quote_id = bench.presented()
    reminders = dict(bench.store.reminders)
    getattr(bench, ending)(quote_id)
    assert bench.store.reminders == {}
    before = bench.facts(quote_id)

    bench.store.reminders = reminders
    bench.later(days=400)

    assert bench.ring_due() == []
    assert bench.facts(quote_id) == before
