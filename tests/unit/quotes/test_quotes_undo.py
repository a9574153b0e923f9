"""The last change of a draft can be undone, by a fact like any other, until somebody goes on from it."""

from uuid import UUID

import pytest

from contracts.configuration import RequestedItem
from contracts.envelope import Fact
from contracts.quote import ConfigurationRequested, PricingRequested
from contracts.values import Quantity
from services.quotes.domain.errors import QuoteNotOpen, RevisionPresented, StaleAsk
from services.quotes.domain.undoing import Edit, last_edit
from services.quotes.handlers import sellers
from tests.unit.quotes.bench import Bench, names


@pytest.fixture
def draft(bench: Bench) -> UUID:
    """A draft with 40 macro stations, priced, not submitted."""
    bench.hear(bench.opened())
    quote_id = bench.draft()
    bench.edit(quote_id, bench.item())
    bench.settle(quote_id)
    return quote_id


def edit_of(bench: Bench, quote_id: UUID) -> Edit | None:
    return last_edit(bench.facts(quote_id))


def undo(bench: Bench, quote_id: UUID, number: int | None = None) -> list[Fact]:
    """Undo a change, by default the last."""
    edit = edit_of(bench, quote_id)
    wanted = number if number is not None else (edit.number if edit else 0)
    return bench.run(lambda work: sellers.undo_edit(work, quote_id, wanted, bench.units))


def quantities(bench: Bench, quote_id: UUID) -> list[tuple[str, Quantity]]:
    items: tuple[RequestedItem, ...] = bench.quote(quote_id).current.items
    return [(each.item_id, each.quantity) for each in items]


def test_a_draft_that_began_empty_has_nothing_to_go_back_to(bench: Bench, draft: UUID) -> None:
    assert edit_of(bench, draft) is None


def test_a_changed_quantity_is_undone(bench: Bench, draft: UUID) -> None:
    bench.edit(draft, bench.item(quantity=45))
    edit = edit_of(bench, draft)
    assert edit is not None and edit.by == "user/ann"
    assert [names(undo(bench, draft)), quantities(bench, draft)] == [
        ["ConfigurationRequested"],
        [("macro", Quantity(40))],
    ]


def test_a_removed_item_comes_back(bench: Bench, draft: UUID) -> None:
    bench.edit(draft, bench.item(), bench.item("micro", 2))
    bench.edit(draft, bench.item("micro", 2))
    undo(bench, draft)
    assert quantities(bench, draft) == [("macro", Quantity(40)), ("micro", Quantity(2))]


def test_only_a_discount_was_changed_so_only_the_pricer_is_asked(bench: Bench, draft: UUID) -> None:
    bench.edit(draft, bench.item(), discounts=(bench.discount("5"),))
    (said,) = undo(bench, draft)
    assert isinstance(said, PricingRequested)
    assert said.discounts == ()


def test_answers_that_came_meanwhile_do_not_stand_in_the_way(bench: Bench, draft: UUID) -> None:
    bench.edit(draft, bench.item(quantity=45))
    edit = edit_of(bench, draft)
    bench.settle(draft)
    assert edit_of(bench, draft) is not None
    assert edit is not None
    undo(bench, draft, edit.number)
    assert quantities(bench, draft) == [("macro", Quantity(40))]


def test_undoing_can_be_undone(bench: Bench, draft: UUID) -> None:
    bench.edit(draft, bench.item(quantity=45))
    for expected in (40, 45):
        undo(bench, draft)
        bench.settle(draft)
        assert quantities(bench, draft) == [("macro", Quantity(expected))]


def test_what_somebody_changed_since_is_not_undone(bench: Bench, draft: UUID) -> None:
    bench.edit(draft, bench.item(quantity=45))
    seen = edit_of(bench, draft)
    bench.edit(draft, bench.item(quantity=50))
    assert seen is not None
    with pytest.raises(StaleAsk, match="nothing was undone"):
        undo(bench, draft, seen.number)
    assert quantities(bench, draft) == [("macro", Quantity(50))]


def test_asking_for_the_same_again_is_no_change(bench: Bench, draft: UUID) -> None:
    bench.edit(draft, bench.item(quantity=45))
    seen = edit_of(bench, draft)
    bench.edit(draft, bench.item(quantity=45))
    again = edit_of(bench, draft)
    assert seen is not None and again is not None
    assert again.number == seen.number


def test_what_was_sent_to_approval_since_is_not_undone(bench: Bench, draft: UUID) -> None:
    bench.needs_approval = True
    bench.edit(draft, bench.item(quantity=45))
    bench.settle(draft)
    seen = edit_of(bench, draft)
    bench.submit(draft)
    assert seen is not None
    assert edit_of(bench, draft) is None
    with pytest.raises(StaleAsk):
        undo(bench, draft, seen.number)


def test_a_revision_does_not_undo_what_another_one_changed(bench: Bench) -> None:
    quote_id = bench.presented()
    with pytest.raises(RevisionPresented):
        undo(bench, quote_id, 3)
    bench.revise(quote_id)
    assert edit_of(bench, quote_id) is None
    bench.edit(quote_id, bench.item(quantity=41))
    (said,) = undo(bench, quote_id)
    assert isinstance(said, ConfigurationRequested)
    assert said.items == (bench.item(),)


def test_a_withdrawn_quote_stays_as_it_is(bench: Bench, draft: UUID) -> None:
    bench.edit(draft, bench.item(quantity=45))
    bench.withdraw(draft)
    with pytest.raises(QuoteNotOpen):
        undo(bench, draft, 1)


@pytest.mark.parametrize("number", [-1, 0, 1, 2, 10**9])
def test_a_number_that_names_no_change_undoes_nothing(
    number: int, bench: Bench, draft: UUID
) -> None:
    before = bench.facts(draft)
    with pytest.raises(StaleAsk):
        undo(bench, draft, number)
    assert bench.facts(draft) == before
