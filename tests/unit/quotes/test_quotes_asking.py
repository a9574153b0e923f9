"""What a seller may ask: draft, edit, submit, recall, revise, retry, clone."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from contracts.pricing import PricingPins
from contracts.quote import ConfigurationRequested, PricingRequested, RevisionSubmitted
from services.quotes.domain.errors import (
    AlreadyAsked,
    BadItems,
    DealIsClosed,
    DealIsOrdered,
    DealNotFound,
    DraftExists,
    EmptyQuote,
    NothingToRecall,
    NothingToRetry,
    NotPresented,
    QuoteNotOpen,
    RevisionPresented,
    StaleAsk,
    UnknownSellingUnit,
)
from tests.unit.quotes.bench import Bench, names
from tests.unit.quotes.peers import pin


@pytest.fixture
def manual(bench: Bench) -> Bench:
    """A deal of a unit whose sellers submit and present themselves."""
    bench.hear(bench.opened(selling_unit="americas-direct", region="AMER", currency="USD"))
    return bench


# ---- drafting


def test_drafts_bear_numbers_in_turn_and_are_found_by_them(manual: Bench) -> None:
    first, second = manual.draft(manual.item()), manual.draft()

    assert [each.number for each in manual.deal().quotes] == ["Q-1001", "Q-1002"]
    assert manual.desk.find("Q-1002") == f"quotes.quote/{second}"
    assert first != second


def test_the_same_draft_command_twice_is_one_quote(manual: Bench) -> None:
    assert manual.draft(command_id="c-1") == manual.draft(command_id="c-1")
    assert len(manual.deal().quotes) == 1


def test_a_deal_nobody_opened_takes_no_quote(bench: Bench) -> None:
    with pytest.raises(DealNotFound):
        bench.draft()


def test_a_closed_deal_takes_no_quote(manual: Bench) -> None:
    manual.hear(manual.won())

    with pytest.raises(DealIsClosed):
        manual.draft()


def test_an_ordered_deal_takes_no_quote_even_when_opened_again(bench: Bench) -> None:
    quote_id = bench.presented()
    bench.accept(quote_id)
    bench.hear(bench.reopened())

    with pytest.raises(DealIsOrdered):
        bench.clone(quote_id)


def test_a_discount_on_no_item_names_its_field(manual: Bench) -> None:
    quote_id = manual.draft()

    with pytest.raises(BadItems) as refused:
        manual.edit(quote_id, manual.item(), discounts=[manual.discount("5", "ghost")])

    assert refused.value.facts["field"] == "discounts.0.item_id"


def test_a_discount_above_the_whole_price_is_refused(manual: Bench) -> None:
    quote_id = manual.draft()

    with pytest.raises(BadItems) as refused:
        manual.edit(quote_id, manual.item(), discounts=[manual.discount("100.01")])

    assert refused.value.facts["field"] == "discounts.0.percent"


def test_a_draft_without_items_can_not_be_submitted(manual: Bench) -> None:
    with pytest.raises(EmptyQuote):
        manual.submit(manual.draft())


def test_an_edit_under_an_unknown_selling_unit_is_refused(manual: Bench) -> None:
    quote_id = manual.draft()
    manual.hear(manual.changed(selling_unit="lunar-direct"))

    with pytest.raises(UnknownSellingUnit):
        manual.edit(quote_id, manual.item())


# ---- editing


def test_an_edit_asks_the_configurator_then_the_pricer_and_stops_there(manual: Bench) -> None:
    quote_id = manual.draft()
    manual.edit(quote_id, manual.item(), manual.item("small", 12))
    manual.settle(quote_id)

    assert names(manual.facts(quote_id)) == [
        "QuoteDrafted",
        "ConfigurationRequested",
        "PricingRequested",
        "RevisionPriced",
    ]


def test_other_discounts_on_configured_items_ask_only_the_pricer(manual: Bench) -> None:
    quote_id = manual.draft()
    manual.edit(quote_id, manual.item())
    manual.settle(quote_id)

    said = manual.edit(quote_id, manual.item(), discounts=[manual.discount("7.5")])

    assert names(said) == ["PricingRequested"]
    assert isinstance(said[0], PricingRequested)
    assert said[0].discounts == (manual.discount("7.5"),)
    assert said[0].items[0].model == pin("base-station", 2)


def test_other_items_ask_the_configurator_again(manual: Bench) -> None:
    quote_id = manual.draft()
    manual.edit(quote_id, manual.item())
    manual.settle(quote_id)

    assert names(manual.edit(quote_id, manual.item(quantity=41))) == ["ConfigurationRequested"]


def test_an_edit_while_the_approval_is_pending_recalls_it(manual: Bench) -> None:
    manual.needs_approval = True
    quote_id = manual.draft()
    manual.edit(quote_id, manual.item(), submit=True)
    manual.settle_until(quote_id, "approval")

    said = manual.edit(quote_id, manual.item(), discounts=[manual.discount("1")], submit=True)

    assert names(said) == ["RevisionRecalled", "PricingRequested"]


def test_a_price_asked_again_keeps_the_book_and_rates_of_the_first(manual: Bench) -> None:
    quote_id = manual.draft()
    manual.edit(quote_id, manual.item())
    manual.settle(quote_id)
    manual.book = 4

    [kept] = manual.edit(quote_id, manual.item(), discounts=[manual.discount()])
    [fresh] = manual.edit(quote_id, manual.item(), discounts=[manual.discount()], fresh_prices=True)

    assert isinstance(kept, PricingRequested)
    assert isinstance(fresh, PricingRequested)
    assert kept.pins == PricingPins(book=pin("list-emea", 3), fx=pin("fx-ecb", 3))
    assert fresh.pins == PricingPins()


def test_a_price_in_another_currency_takes_the_newest_book(manual: Bench) -> None:
    quote_id = manual.draft()
    manual.edit(quote_id, manual.item())
    manual.settle(quote_id)
    manual.hear(manual.changed(selling_unit="americas-direct", currency="CAD"))

    [asked] = manual.edit(quote_id, manual.item())

    assert isinstance(asked, PricingRequested)
    assert (asked.currency, asked.pins) == ("CAD", PricingPins())


def test_changed_details_enter_the_next_ask_also_of_a_walk_in_flight(manual: Bench) -> None:
    quote_id = manual.draft()
    manual.edit(quote_id, manual.item())
    manual.hear(manual.changed(selling_unit="americas-direct", customer_tier="platinum"))

    [asked] = manual.answer(quote_id)

    assert isinstance(asked, PricingRequested)
    assert asked.customer_tier == "platinum"


def test_a_stale_if_match_is_a_conflict_and_changes_nothing(manual: Bench) -> None:
    quote_id = manual.draft()
    seen = manual.quote(quote_id).current.etag
    manual.edit(quote_id, manual.item(), expected=seen)
    before = manual.facts(quote_id)

    with pytest.raises(StaleAsk) as conflict:
        manual.edit(quote_id, manual.item(quantity=1), expected=seen)
    with pytest.raises(StaleAsk):
        manual.submit(quote_id, expected=seen)

    assert conflict.value.status == 409
    assert conflict.value.facts["found"] == manual.quote(quote_id).current.etag
    assert manual.facts(quote_id) == before


def test_the_entity_tag_is_the_id_of_the_latest_ask(manual: Bench) -> None:
    quote_id = manual.draft()
    assert manual.quote(quote_id).current.etag == f"quotes.quote/{quote_id}/1"

    manual.edit(quote_id, manual.item())
    manual.settle(quote_id)

    assert manual.quote(quote_id).current.etag == f"quotes.quote/{quote_id}/3"


# ---- submitting


def test_submitting_a_draft_never_asked_walks_it_to_the_document(manual: Bench) -> None:
    quote_id = manual.draft(manual.item())
    assert names(manual.submit(quote_id)) == ["ConfigurationRequested"]

    manual.settle(quote_id)

    assert names(manual.facts(quote_id))[-1] == "DocumentAttached"


def test_submitting_a_fresh_price_asks_approval_for_who_gave_the_discount(manual: Bench) -> None:
    quote_id = manual.draft()
    manual.edit(quote_id, manual.item(), discounts=[manual.discount()])
    manual.settle(quote_id)

    [asked] = manual.submit(quote_id)

    assert isinstance(asked, RevisionSubmitted)
    assert asked.requested_by == "user/ann"
    assert asked.offer.discounts == (manual.discount(),)


def test_segment_channel_and_partner_of_the_opportunity_enter_the_ask(manual: Bench) -> None:
    quote_id = manual.draft()
    manual.edit(quote_id, manual.item())
    told = {"segment": "carrier", "channel": "distributor", "partner": "example-trading"}
    manual.hear(manual.changed(selling_unit="americas-direct", **told))

    [asked] = manual.answer(quote_id)

    assert isinstance(asked, PricingRequested)
    assert (asked.segment, asked.channel, asked.partner) == tuple(told.values())


@pytest.mark.parametrize("field", ["segment", "channel", "partner"])
def test_submitting_after_the_way_of_selling_changed_prices_again_first(
    manual: Bench, field: str
) -> None:
    quote_id = manual.draft()
    manual.edit(quote_id, manual.item())
    manual.settle(quote_id)
    manual.hear(manual.changed(selling_unit="americas-direct", **{field: "other"}))

    [asked] = manual.submit(quote_id)

    assert isinstance(asked, PricingRequested)
    assert getattr(asked, field) == "other"


def test_submitting_after_the_tier_changed_prices_again_first(manual: Bench) -> None:
    quote_id = manual.draft()
    manual.edit(quote_id, manual.item())
    manual.settle(quote_id)
    manual.hear(manual.changed(selling_unit="americas-direct", customer_tier="silver"))

    said = manual.submit(quote_id)

    assert names(said) == ["PricingRequested"]
    assert isinstance(said[0], PricingRequested)
    assert said[0].submit


def test_submitting_on_another_day_prices_again_with_the_same_book(manual: Bench) -> None:
    quote_id = manual.draft()
    manual.edit(quote_id, manual.item())
    manual.settle(quote_id)
    manual.later(days=1)

    [asked] = manual.submit(quote_id)

    assert isinstance(asked, PricingRequested)
    assert asked.day == manual.now.date()
    assert asked.pins.book == pin("list-emea", 3)


def test_submitting_twice_is_refused_while_the_first_is_on_its_way(manual: Bench) -> None:
    manual.needs_approval = True
    quote_id = manual.draft(manual.item())
    manual.submit(quote_id)
    with pytest.raises(AlreadyAsked):
        manual.submit(quote_id)
    manual.settle_until(quote_id, "approval")
    with pytest.raises(AlreadyAsked):
        manual.submit(quote_id)


def test_submitting_what_is_only_being_priced_asks_again_with_submit(manual: Bench) -> None:
    quote_id = manual.draft()
    manual.edit(quote_id, manual.item())

    [asked] = manual.submit(quote_id)

    assert isinstance(asked, ConfigurationRequested)
    assert asked.submit


def test_an_approved_revision_submitted_again_gets_a_new_validity(manual: Bench) -> None:
    quote_id = manual.draft(manual.item())
    manual.submit(quote_id)
    manual.settle(quote_id)
    first = manual.quote(quote_id).current.submission
    manual.later(days=50)

    assert names(manual.submit(quote_id)) == ["RevisionRecalled", "PricingRequested"]
    manual.settle(quote_id)

    second = manual.quote(quote_id).current.submission
    assert first is not None
    assert second is not None
    assert second.valid_until - first.valid_until == timedelta(days=50)
    assert names(manual.present(quote_id)) == ["QuotePresented"]


# ---- recalling, retrying


def test_a_recalled_revision_can_be_edited_and_its_late_approval_has_no_effect(
    manual: Bench,
) -> None:
    manual.needs_approval = True
    quote_id = manual.draft(manual.item())
    manual.submit(quote_id)
    manual.settle_until(quote_id, "approval")
    ask, awaiting = manual.ask_of(quote_id), manual.quote(quote_id).current.awaiting
    assert ask is not None
    assert awaiting is not None

    manual.recall(quote_id)

    assert names(manual.hear(manual.good_answer(ask, awaiting.id))) == ["AnswerIgnored"]
    assert names(manual.submit(quote_id)) == ["RevisionSubmitted"]


def test_nothing_pending_can_not_be_recalled(manual: Bench) -> None:
    with pytest.raises(NothingToRecall):
        manual.recall(manual.draft(manual.item()))


@pytest.mark.parametrize("stage", ["configuration", "pricing", "approval", "document"])
def test_a_lost_answer_is_mended_by_asking_again(manual: Bench, stage: str) -> None:
    quote_id = manual.draft(manual.item())
    manual.submit(quote_id)
    manual.settle_until(quote_id, stage)
    before = manual.quote(quote_id).current.etag

    manual.retry(quote_id)

    asked = manual.quote(quote_id).current
    assert asked.awaiting is not None
    assert asked.awaiting.stage == stage
    assert asked.etag != before
    manual.settle(quote_id)
    assert manual.quote(quote_id).current.document is not None


@pytest.mark.parametrize("stage", ["configuration", "pricing", "document"])
def test_a_failure_that_was_mended_goes_on_after_a_retry(manual: Bench, stage: str) -> None:
    quote_id = manual.draft(manual.item())
    manual.submit(quote_id)
    manual.settle_until(quote_id, stage)
    assert names(manual.refuse(quote_id)) == ["RevisionReturned"]

    manual.retry(quote_id)
    manual.settle(quote_id)

    assert manual.quote(quote_id).current.document is not None


def test_a_failed_price_lets_go_of_the_book_that_may_be_retired(manual: Bench) -> None:
    quote_id = manual.draft()
    manual.edit(quote_id, manual.item())
    manual.settle(quote_id)
    manual.edit(quote_id, manual.item(), discounts=[manual.discount()])
    manual.refuse(quote_id)

    [asked] = manual.retry(quote_id)

    assert isinstance(asked, PricingRequested)
    assert asked.pins == PricingPins()


def test_a_rejected_discount_is_not_retried_but_lowered_and_asked_again(manual: Bench) -> None:
    manual.needs_approval = True
    quote_id = manual.draft()
    manual.edit(quote_id, manual.item(), discounts=[manual.discount("30")], submit=True)
    manual.settle_until(quote_id, "approval")
    manual.refuse(quote_id)
    with pytest.raises(NothingToRetry):
        manual.retry(quote_id)

    said = manual.edit(quote_id, manual.item(), discounts=[manual.discount("10")], submit=True)
    manual.settle(quote_id)

    assert names(said) == ["PricingRequested"]
    assert manual.quote(quote_id).current.document is not None


def test_a_draft_nobody_asked_about_has_nothing_to_retry(manual: Bench) -> None:
    with pytest.raises(NothingToRetry):
        manual.retry(manual.draft(manual.item()))


# ---- revising


def test_a_presented_revision_can_not_be_edited_submitted_or_recalled(bench: Bench) -> None:
    quote_id = bench.presented()

    attempts: list[Callable[[], object]] = [
        lambda: bench.edit(quote_id, bench.item()),
        lambda: bench.submit(quote_id),
        lambda: bench.recall(quote_id),
        lambda: bench.retry(quote_id),
        lambda: bench.present(quote_id),
    ]
    for attempt in attempts:
        with pytest.raises(RevisionPresented):
            attempt()


def test_a_revision_begins_where_the_presented_one_stood(bench: Bench) -> None:
    quote_id = bench.presented()
    bench.book = 4
    bench.revise(quote_id)
    begun = bench.quote(quote_id).current
    assert (begun.number, begun.items, begun.price) == (2, (bench.item(),), None)

    [asked] = bench.edit(quote_id, bench.item(), discounts=[bench.discount("3")], submit=True)
    bench.settle(quote_id)

    assert isinstance(asked, PricingRequested)
    assert asked.pins.book == pin("list-emea", 3)
    assert [each.presented is not None for each in bench.quote(quote_id).revisions] == [True, True]


def test_only_a_presented_quote_is_revised_and_only_once_at_a_time(bench: Bench) -> None:
    bench.hear(bench.opened())
    with pytest.raises(NotPresented):
        bench.revise(bench.draft(bench.item()))
    quote_id = bench.presented()
    bench.revise(quote_id)
    with pytest.raises(DraftExists):
        bench.revise(quote_id)


def test_a_clone_takes_fresh_prices(bench: Bench) -> None:
    quote_id = bench.presented()
    bench.book = 4
    clone = bench.clone(quote_id)

    bench.submit(clone)
    bench.settle(clone)

    price = bench.quote(clone).current.price
    assert price is not None
    assert price.offer.book == pin("list-emea", 4)


def test_an_ended_quote_refuses_everything_with_its_outcome(bench: Bench) -> None:
    quote_id = bench.presented()
    bench.withdraw(quote_id)

    attempts: list[Callable[[], object]] = [
        lambda: bench.edit(quote_id, bench.item()),
        lambda: bench.submit(quote_id),
        lambda: bench.revise(quote_id),
        lambda: bench.withdraw(quote_id),
        lambda: bench.accept(quote_id),
        lambda: bench.decline(quote_id),
    ]
    for attempt in attempts:
        with pytest.raises(QuoteNotOpen) as refused:
            attempt()
        assert refused.value.facts["reason"] == "project stopped"
