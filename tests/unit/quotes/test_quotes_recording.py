"""What quotes records of each answer: good, refusing, stale, or bound to another content."""

import pytest

from contracts.quote import AnswerIgnored, DocumentRequested, RevisionApproved, RevisionSubmitted
from services.quotes.domain.errors import QuoteNotFound
from tests.unit.quotes.bench import Bench, names


@pytest.fixture
def manual(bench: Bench) -> Bench:
    """A deal of a unit whose sellers submit and present themselves."""
    bench.hear(bench.opened(selling_unit="americas-direct", region="AMER", currency="USD"))
    return bench


@pytest.mark.parametrize(
    ("stage", "code", "who"),
    [
        ("configuration", "configuration.conflict", "seller"),
        ("pricing", "pricer.no_price", "admin"),
        ("approval", "approval.rejected", "seller"),
        ("document", "document.template_missing", "admin"),
    ],
)
def test_a_refusal_says_its_stage_reason_and_who_can_move_it(
    manual: Bench, stage: str, code: str, who: str
) -> None:
    quote_id = manual.draft(manual.item())
    manual.submit(quote_id)
    manual.settle_until(quote_id, stage)

    assert names(manual.refuse(quote_id)) == ["RevisionReturned"]

    returned = manual.quote(quote_id).current.returned
    assert returned is not None
    assert (returned.stage, returned.code, returned.who_can_move_it) == (stage, code, who)
    assert returned.reason


def test_an_answer_to_an_earlier_ask_is_kept_and_has_no_effect(manual: Bench) -> None:
    quote_id = manual.draft()
    manual.edit(quote_id, manual.item())
    first, awaiting = manual.ask_of(quote_id), manual.quote(quote_id).current.awaiting
    assert first is not None
    assert awaiting is not None
    manual.edit(quote_id, manual.item(quantity=2))
    waits_for = manual.quote(quote_id).current.awaiting

    said = manual.hear(manual.good_answer(first, awaiting.id))

    assert names(said) == ["AnswerIgnored"]
    assert isinstance(said[0], AnswerIgnored)
    assert said[0].answers == awaiting.id
    assert said[0].answer_type == "quotewright.ConfigurationValidated"
    assert manual.quote(quote_id).current.awaiting == waits_for


def test_a_second_answer_to_the_same_ask_has_no_effect(manual: Bench) -> None:
    quote_id = manual.draft()
    manual.edit(quote_id, manual.item())
    ask, awaiting = manual.ask_of(quote_id), manual.quote(quote_id).current.awaiting
    assert ask is not None
    assert awaiting is not None
    manual.answer(quote_id)

    assert names(manual.hear(manual.good_answer(ask, awaiting.id))) == ["AnswerIgnored"]


def test_an_answer_after_the_quote_ended_has_no_effect(manual: Bench) -> None:
    manual.needs_approval = True
    quote_id = manual.draft(manual.item())
    manual.submit(quote_id)
    manual.settle_until(quote_id, "approval")
    ask, awaiting = manual.ask_of(quote_id), manual.quote(quote_id).current.awaiting
    assert ask is not None
    assert awaiting is not None
    manual.hear(manual.lost())

    [said] = manual.hear(manual.good_answer(ask, awaiting.id))

    assert isinstance(said, AnswerIgnored)
    assert said.reason == "the quote is withdrawn"


def test_an_approval_bound_to_another_content_does_not_count(manual: Bench) -> None:
    quote_id = manual.draft(manual.item())
    manual.submit(quote_id)
    manual.settle_until(quote_id, "approval")
    ask, awaiting = manual.ask_of(quote_id), manual.quote(quote_id).current.awaiting
    assert isinstance(ask, RevisionSubmitted)
    assert awaiting is not None
    other = manual.free(ask, awaiting.id).model_copy(update={"content_key": "0" * 64})

    assert names(manual.hear(other)) == ["AnswerIgnored"]
    assert manual.quote(quote_id).current.awaiting == awaiting


def test_a_document_of_another_content_is_not_attached(manual: Bench) -> None:
    quote_id = manual.draft(manual.item())
    manual.submit(quote_id)
    manual.settle_until(quote_id, "document")
    ask, awaiting = manual.ask_of(quote_id), manual.quote(quote_id).current.awaiting
    assert isinstance(ask, DocumentRequested)
    assert awaiting is not None
    other = manual.rendered(ask, awaiting.id).model_copy(update={"content_key": "0" * 64})

    assert names(manual.hear(other)) == ["AnswerIgnored"]


def test_an_answer_that_nobody_asked_for_is_not_swallowed(manual: Bench) -> None:
    quote_id = manual.draft()
    manual.edit(quote_id, manual.item())
    ask, awaiting = manual.ask_of(quote_id), manual.quote(quote_id).current.awaiting
    assert ask is not None
    assert awaiting is not None
    stray = manual.good_answer(ask, awaiting.id).model_copy(update={"quote_id": manual.deal_id})

    with pytest.raises(QuoteNotFound):
        manual.hear(stray)


def test_a_granted_case_keeps_who_granted_it_and_why(manual: Bench) -> None:
    manual.needs_approval = True
    quote_id = manual.draft(manual.item())
    manual.submit(quote_id)
    manual.settle_until(quote_id, "approval")

    said = manual.answer(quote_id)

    assert names(said) == ["RevisionApproved", "DocumentRequested"]
    assert isinstance(said[0], RevisionApproved)
    assert [(each.by, each.reason) for each in said[0].grants] == [
        ("appr-regional-1", "strategic account")
    ]
    assert said[0].by_rule is None


def test_what_documents_get_holds_no_internal_figure(manual: Bench) -> None:
    quote_id = manual.draft(manual.item())
    manual.submit(quote_id)
    manual.settle_until(quote_id, "document")
    ask = manual.ask_of(quote_id)

    assert ask is not None
    printed = ask.model_dump_json()
    assert "internal" not in printed
    assert "margin" not in printed
    assert '"cost' not in printed


def test_a_tier_changed_while_the_price_was_on_its_way_prices_again(bench: Bench) -> None:
    bench.hear(bench.opened(bench.item()))
    quote_id = bench.deal().quotes[0].quote_id
    bench.settle_until(quote_id, "pricing")
    bench.hear(bench.changed(customer_tier="platinum"))

    assert names(bench.answer(quote_id)) == ["RevisionPriced", "PricingRequested"]
    assert names(bench.answer(quote_id)) == ["RevisionPriced", "RevisionSubmitted"]


@pytest.mark.parametrize(
    ("stage", "said_then"),
    [
        ("configuration", ["RevisionReturned"]),
        ("pricing", ["RevisionPriced", "RevisionReturned"]),
        ("approval", ["RevisionApproved", "RevisionReturned"]),
    ],
)
def test_a_selling_unit_that_vanishes_in_flight_stops_at_the_admin_and_goes_on_later(
    bench: Bench, stage: str, said_then: list[str]
) -> None:
    bench.hear(bench.opened(bench.item()))
    quote_id = bench.deal().quotes[0].quote_id
    bench.settle_until(quote_id, stage)
    gone = bench.units.pop("emea-direct")

    assert names(bench.answer(quote_id)) == said_then
    returned = bench.quote(quote_id).current.returned
    assert returned is not None
    assert returned.who_can_move_it == "admin"

    bench.units["emea-direct"] = gone
    bench.retry(quote_id)
    bench.settle(quote_id)
    assert bench.quote(quote_id).current.presented is not None


def test_a_document_that_comes_after_the_validity_is_not_presented_by_itself(
    bench: Bench,
) -> None:
    bench.hear(bench.opened(bench.item()))
    quote_id = bench.deal().quotes[0].quote_id
    bench.settle_until(quote_id, "document")
    bench.later(days=31)

    assert names(bench.answer(quote_id)) == ["DocumentAttached"]


def test_only_a_unit_that_says_so_presents_by_itself(bench: Bench) -> None:
    bench.hear(bench.opened(bench.item(), selling_unit="apac-partner"))
    quote_id = bench.deal().quotes[0].quote_id

    bench.settle(quote_id)

    assert names(bench.facts(quote_id))[-1] == "DocumentAttached"
