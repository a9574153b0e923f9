"""Currency, validity, terms and newer prices of a draft; what a seller granted stays or goes with it."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.commercial import CommercialAsk, TermAsk
from contracts.pricing import DiscountAsk, PricingPins
from contracts.quote import PricingRequested, QuoteRevised, RevisionSubmitted
from contracts.values import Money, Percent
from services.quotes.domain import asking
from services.quotes.domain.asks import Reprice, price_is_current
from services.quotes.domain.errors import BadItems, NotPriced, RevisionPresented
from services.quotes.domain.granting import granted, taken_back
from services.quotes.domain.situation import Situation
from services.quotes.handlers import sellers
from services.quotes.levers import question
from tests.unit.quotes.bench import Bench, names
from tests.unit.quotes.peers import pin

USD_36 = CommercialAsk(currency="USD", validity_days=7, terms=(TermAsk(months=36),))
NEWER = PricingPins(book=pin("list", 9), fx=pin("fx", 9))


@pytest.fixture
def manual(bench: Bench) -> Bench:
    """A deal of a unit whose sellers submit and present themselves."""
    bench.hear(bench.opened(selling_unit="americas-direct", region="AMER", currency="EUR"))
    return bench


def edited(bench: Bench, quote_id: Any, **changes: Any) -> list[Any]:
    draft = bench.quote(quote_id).current
    asked = {"items": draft.items, "discounts": draft.discounts, "submit": False} | changes
    wanted = sellers.EditDraft(quote_id, fresh_prices=False, expected=None, **asked)
    return bench.run(lambda work: sellers.edit_draft(work, wanted, bench.units))


@pytest.fixture
def priced(manual: Bench) -> Any:
    """A draft that is configured and priced."""
    quote_id = manual.draft(manual.item(), manual.item("second"))
    manual.edit(quote_id, manual.item(), manual.item("second"), submit=False)
    manual.settle(quote_id)
    return quote_id


def test_the_quotes_own_currency_and_terms_are_asked_for(manual: Bench, priced: Any) -> None:
    (ask,) = edited(manual, priced, commercial=USD_36)
    assert isinstance(ask, PricingRequested)
    assert (ask.currency, ask.commercial) == ("USD", USD_36)
    assert ask.pins == PricingPins(), "another currency may have another book"
    manual.settle(priced)
    offer = manual.quote(priced).current.price.offer  # type: ignore[union-attr]
    assert (offer.totals.currency, offer.commercial) == ("USD", USD_36)


def test_the_validity_asked_for_is_printed(manual: Bench, priced: Any) -> None:
    edited(manual, priced, commercial=USD_36)
    manual.settle(priced)
    (submitted,) = manual.submit(priced)
    assert isinstance(submitted, RevisionSubmitted)
    assert submitted.valid_until - manual.now.date() <= timedelta(days=7)


def test_an_edit_that_says_nothing_of_terms_keeps_them_for_the_items_that_stay(
    manual: Bench, priced: Any
) -> None:
    terms = (TermAsk(months=12), TermAsk(months=24, item_id="second"))
    edited(manual, priced, commercial=CommercialAsk(terms=terms))
    manual.settle(priced)
    edited(manual, priced, items=(manual.item(),))
    assert manual.quote(priced).current.commercial.terms == terms[:1]


def test_a_term_of_no_item_is_refused(manual: Bench, priced: Any) -> None:
    terms = (TermAsk(months=24, item_id="ghost"),)
    with pytest.raises(BadItems, match="its term has nothing to run"):
        edited(manual, priced, commercial=CommercialAsk(terms=terms))


def test_terms_go_on_to_the_next_revision_and_to_a_clone(manual: Bench, priced: Any) -> None:
    edited(manual, priced, commercial=USD_36)
    manual.settle(priced)
    manual.submit(priced)
    manual.settle(priced)
    manual.present(priced)
    (revised,) = manual.revise(priced)
    assert isinstance(revised, QuoteRevised)
    assert revised.commercial == USD_36
    assert manual.quote(manual.clone(priced)).current.commercial == USD_36


def test_a_price_in_the_opportunitys_currency_is_old_once_another_is_wanted(
    manual: Bench, priced: Any
) -> None:
    def is_current() -> bool:
        quote = manual.quote(priced)
        unit = manual.units["americas-direct"]
        at = Situation(quote, manual.deal(), unit, "user/seller-1", manual.now)
        return price_is_current(at, quote.current)

    assert is_current()
    edited(manual, priced, commercial=USD_36)
    assert not is_current()
    manual.settle(priced)
    assert is_current()


# ---- newer prices


def repriced(bench: Bench, quote_id: Any) -> list[Any]:
    wanted = sellers.RepriceDraft(quote_id, Reprice(NEWER, "the customer asked late"), None)
    return bench.run(lambda work: sellers.reprice_draft(work, wanted, bench.units))


def test_a_draft_is_priced_by_exactly_the_book_that_was_shown(manual: Bench, priced: Any) -> None:
    (ask,) = repriced(manual, priced)
    assert isinstance(ask, PricingRequested)
    assert (ask.pins, ask.reprice_reason) == (NEWER, "the customer asked late")
    assert ask.discounts == manual.quote(priced).current.discounts
    (again,) = manual.retry(priced)
    assert isinstance(again, PricingRequested)
    assert again.pins == NEWER, "asked again it is the same book"


def test_an_approval_under_way_is_recalled_with_the_reason(manual: Bench, priced: Any) -> None:
    manual.submit(priced)
    assert names(repriced(manual, priced)) == ["RevisionRecalled", "PricingRequested"]


def test_a_presented_revision_is_never_priced_anew(manual: Bench, priced: Any) -> None:
    manual.submit(priced)
    manual.settle(priced)
    manual.present(priced)
    before = manual.quote(priced).current
    with pytest.raises(RevisionPresented):
        repriced(manual, priced)
    assert manual.quote(priced).current == before


def test_without_a_price_there_is_nothing_to_price_anew(manual: Bench) -> None:
    with pytest.raises(NotPriced):
        repriced(manual, manual.draft(manual.item()))


def test_the_question_about_a_draft_is_its_ask(manual: Bench, priced: Any) -> None:
    edited(manual, priced, commercial=USD_36)
    manual.settle(priced)
    quote = manual.quote(priced)
    at = Situation(
        quote, manual.deal(), manual.units["americas-direct"], "user/seller-1", manual.now
    )
    asked = question(at)
    assert asked["currency"] == "USD"
    assert [each["months"] for each in asked["terms"]] == [36]
    assert asked["pins"]["book"] is not None
    assert question(at, fresh=True)["pins"]["book"] is None
    assert names(asking.submit(at)) == ["RevisionSubmitted"], "and asking made no fact"


# ---- granting


def ask(percent: str, item_id: str | None = None, sku: str | None = None) -> DiscountAsk:
    return DiscountAsk(percent=Percent(percent), rationale="as agreed", item_id=item_id, sku=sku)


def test_a_grant_takes_the_place_of_the_one_before_on_the_same() -> None:
    whole, item, part = ask("1"), ask("2", "macro"), ask("3", "macro", "QW-1")
    given = granted(granted(granted((), whole), item), part)
    assert given == (item, part, whole)
    five = DiscountAsk(amount=Money.of("5", "EUR"), rationale="as agreed")
    assert granted(given, five) == (item, part, five)
    assert taken_back(given, ("macro", "QW-1")) == (item, whole)
    assert taken_back(given, ("macro", None)) == (part, whole)
