"""A deal hears its opportunity: opened, changed, won, lost, opened again."""

from tests.unit.quotes.bench import Bench, names


def test_hearing_the_same_opportunity_again_says_nothing_more(bench: Bench) -> None:
    bench.hear(bench.opened(bench.item()))

    assert bench.hear(bench.opened(bench.item())) == []
    assert len(bench.deal().quotes) == 1


def test_the_same_delivery_twice_is_one_outcome(bench: Bench) -> None:
    first = bench.hear(bench.opened(bench.item()), "ce/1")

    assert bench.hear(bench.opened(bench.item()), "ce/1") == first
    assert len(bench.deal().quotes) == 1


def test_an_opportunity_without_requirements_waits_for_a_seller(bench: Bench) -> None:
    assert names(bench.hear(bench.opened())) == ["DealOpened"]
    assert bench.deal().quotes == ()


def test_requirements_that_come_later_still_make_the_first_quote(bench: Bench) -> None:
    bench.hear(bench.opened())

    assert names(bench.hear(bench.opened(bench.item()))) == [
        "QuoteAdded",
        "QuoteDrafted",
        "ConfigurationRequested",
    ]


def test_details_of_an_opportunity_never_seen_opened_take_it_up(bench: Bench) -> None:
    assert names(bench.hear(bench.changed(customer_tier="silver"))) == ["DealOpened"]
    assert bench.deal().details.customer_tier == "silver"


def test_details_that_are_known_already_say_nothing(bench: Bench) -> None:
    bench.hear(bench.opened())

    assert bench.hear(bench.changed()) == []


def test_an_unknown_selling_unit_is_shown_to_the_admin_and_nothing_is_lost(bench: Bench) -> None:
    said = bench.hear(bench.opened(bench.item(), selling_unit="lunar-direct"))
    quote_id = bench.deal().quotes[0].quote_id
    returned = bench.quote(quote_id).current.returned

    assert names(said) == ["DealOpened", "QuoteAdded", "QuoteDrafted", "RevisionReturned"]
    assert returned is not None
    assert (returned.stage, returned.code) == ("configuration", "quote.unknown_selling_unit")
    assert returned.who_can_move_it == "admin"
    assert bench.quote(quote_id).current.items == (bench.item(),)


def test_a_corrected_selling_unit_lets_a_retry_go_on_to_the_end(bench: Bench) -> None:
    bench.hear(bench.opened(bench.item(), selling_unit="lunar-direct"))
    quote_id = bench.deal().quotes[0].quote_id
    bench.hear(bench.changed(selling_unit="emea-direct"))

    bench.retry(quote_id)
    bench.settle(quote_id)

    assert bench.quote(quote_id).current.presented is not None


def test_requirements_that_contradict_themselves_are_returned_to_the_seller(bench: Bench) -> None:
    said = bench.hear(bench.opened(bench.item("a"), bench.item("a")))
    returned = bench.quote(bench.deal().quotes[0].quote_id).current.returned

    assert names(said)[-1] == "RevisionReturned"
    assert returned is not None
    assert (returned.code, returned.who_can_move_it) == ("quote.bad_items", "seller")


def test_the_owner_stands_behind_requirements_and_so_can_not_approve_them(bench: Bench) -> None:
    bench.needs_approval = True
    bench.hear(bench.opened(bench.item()))
    quote_id = bench.deal().quotes[0].quote_id
    bench.settle_until(quote_id, "approval")
    submitted = bench.quote(quote_id).current.submission

    assert submitted is not None
    assert submitted.requested_by == "user/seller-1"


def test_a_won_opportunity_changes_no_quote_and_its_offer_can_still_be_accepted(
    bench: Bench,
) -> None:
    quote_id = bench.presented()
    assert names(bench.hear(bench.won())) == ["DealClosed"]
    assert bench.quote(quote_id).outcome is None

    bench.accept(quote_id)

    assert bench.deal().ordered is not None
    assert bench.hear(bench.won()) == []


def test_a_lost_opportunity_withdraws_its_quotes_and_recalls_their_approvals(
    bench: Bench,
) -> None:
    bench.needs_approval = True
    bench.hear(bench.opened(bench.item()))
    pending = bench.deal().quotes[0].quote_id
    bench.settle_until(pending, "approval")
    idle = bench.draft(bench.item())

    said = bench.hear(bench.lost("no budget"))

    assert names(said) == ["DealClosed", "RevisionRecalled", "QuoteWithdrawn", "QuoteWithdrawn"]
    for quote_id in (pending, idle):
        outcome = bench.quote(quote_id).outcome
        assert outcome is not None
        assert outcome.reason == "the opportunity was lost: no budget"


def test_a_loss_heard_again_says_nothing(bench: Bench) -> None:
    bench.presented()
    bench.hear(bench.lost())

    assert bench.hear(bench.lost()) == []


def test_a_loss_after_the_acceptance_changes_nothing(bench: Bench) -> None:
    quote_id = bench.presented()
    bench.accept(quote_id)

    assert bench.hear(bench.lost()) == []
    outcome = bench.quote(quote_id).outcome
    assert outcome is not None
    assert outcome.kind == "accepted"


def test_reopening_revives_nothing_and_permits_cloning(bench: Bench) -> None:
    quote_id = bench.presented()
    bench.hear(bench.lost())
    assert names(bench.hear(bench.reopened())) == ["DealReopened"]
    outcome = bench.quote(quote_id).outcome
    assert outcome is not None
    assert outcome.kind == "withdrawn"

    clone = bench.quote(bench.clone(quote_id))

    assert clone.clone_of == quote_id
    assert clone.current.items == bench.quote(quote_id).current.items


def test_facts_about_an_opportunity_we_do_not_know_are_harmless(bench: Bench) -> None:
    assert bench.hear(bench.won()) == []
    assert bench.hear(bench.lost()) == []
    assert bench.hear(bench.reopened()) == []
