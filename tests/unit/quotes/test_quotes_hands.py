"""Who had a hand in an offer is named when it goes to approval, so that none of them approves it."""

from collections.abc import Callable
from uuid import UUID

import pytest

from contracts.quote import RevisionSubmitted
from services.quotes.handlers import sellers
from tests.unit.quotes.bench import Bench


def hands(bench: Bench, quote_id: UUID) -> tuple[str, ...]:
    """Settle the quote and return the hands of its last submission."""
    bench.settle(quote_id)
    submitted = [each for each in bench.facts(quote_id) if isinstance(each, RevisionSubmitted)]
    return submitted[-1].hands


def drafted_by_ann(bench: Bench) -> UUID:
    bench.hear(bench.opened())
    new = sellers.DraftQuote(bench.deal_id, (bench.item(),), (bench.discount("15"),))
    facts = bench.run(lambda work: sellers.draft_quote(work, new), actor="user/ann")
    return next(each.quote_id for each in facts if hasattr(each, "quote_id"))


def submitted_by_bob(bench: Bench, quote_id: UUID) -> UUID:
    bench.submit(quote_id)
    return quote_id


def edited_and_submitted_by_bob(bench: Bench, quote_id: UUID) -> UUID:
    wanted = sellers.EditDraft(
        quote_id,
        (bench.item(),),
        (bench.discount("15"),),
        submit=True,
        fresh_prices=False,
        expected=None,
    )
    bench.run(lambda work: sellers.edit_draft(work, wanted, bench.units), actor="user/bob")
    return quote_id


def cloned_and_submitted_by_bob(bench: Bench, quote_id: UUID) -> UUID:
    facts = bench.run(lambda work: sellers.clone_quote(work, quote_id), actor="user/bob")
    clone = next(each.quote_id for each in facts if hasattr(each, "quote_id"))
    bench.submit(clone)
    return clone


@pytest.mark.parametrize(
    "brings_to_approval",
    [submitted_by_bob, edited_and_submitted_by_bob, cloned_and_submitted_by_bob],
)
def test_the_author_of_a_discount_stays_in_it_whoever_brings_it_to_approval(
    bench: Bench, brings_to_approval: Callable[[Bench, UUID], UUID]
) -> None:
    quote_id = brings_to_approval(bench, drafted_by_ann(bench))
    assert hands(bench, quote_id) == ("user/ann", "user/bob")
