"""What the quote's page says it waits for, who can move it, and what people said of it."""

from typing import Any

import pytest

from contracts import places
from services.quotes import words
from services.quotes.domain.status import status_of_quote
from services.quotes.pages.drawing import MOVES
from tests.unit.quotes.bench import Bench
from tests.unit.quotes.test_quotes_pages import Browser, browser, presented, text_of

__all__ = ["browser"]

CASE = "00000000-0000-4000-8000-000000000009"
MORE = "Two more sites,\nplease <b>soon</b>"
PENDING: dict[str, Any] = {
    "revision": 1,
    "waits_for": "approval",
    "who_can_move_it": "approver",
    "movers": "appr-1, appr-2",
    "waits_reason": "step 1 of 2, sales-director",
    "waits_since": "2026-03-02T09:00:01+00:00",
    "approvals": [{"case_id": CASE, "revision": 1, "outcome": "pending"}],
}


def page(browser: Browser) -> str:
    return text_of(browser.gets("/quotes/Q-1001"))


def in_approval(bench: Bench) -> None:
    bench.needs_approval = True
    bench.hear(bench.opened())
    quote_id = bench.draft()
    bench.edit(quote_id, bench.item(), discounts=(bench.discount("5"),), submit=True)
    bench.settle_until(quote_id, "approval")


def test_every_status_that_waits_has_its_words() -> None:
    assert set(MOVES) - {"returned"} == set(words.NEXT)


def test_a_draft_names_the_seller_who_has_to_move_it(browser: Browser) -> None:
    bench = browser.bench
    bench.hear(bench.opened())
    bench.draft()
    assert "Waits for the seller: seller-1. Every item has to be configured" in page(browser)


def test_an_offer_waits_for_its_customer_until_he_asks_for_a_change(browser: Browser) -> None:
    link = browser.offer(presented(browser)["quote_id"])
    assert "Waits for the customer. The offer can be accepted" in page(browser)
    browser.posts(f"{link}/change-request", {"message": MORE}, None)
    told = browser.gets("/quotes/Q-1001")
    assert "Waits for the seller: seller-1." in text_of(told)
    assert "The customer asks for a change. Two more sites, please <b>soon</b>" in text_of(told)
    assert "<b>soon" not in told.text
    waits = browser.asks("GET", "/quotes/Q-1001").json()["waits_for"]
    assert waits == {"who": "seller", "reason": MORE}


def test_the_wish_stays_in_sight_until_a_new_revision_is_presented(browser: Browser) -> None:
    view = presented(browser)
    link = browser.offer(view["quote_id"])
    browser.posts(f"{link}/change-request", {"message": MORE}, None)
    browser.posts("/quotes/Q-1001/revise", {"etag": view["current"]["etag"]})
    assert "The customer asks for a change. Two more sites" in page(browser)
    (quote,) = browser.bench.quotes()
    browser.bench.edit(quote.quote_id, browser.bench.item(quantity=42), submit=True)
    browser.bench.settle(quote.quote_id)
    assert status_of_quote(browser.bench.quote(quote.quote_id)) == "presented"
    assert "asks for a change" not in page(browser)


@pytest.mark.parametrize(
    ("comment", "says"),
    [("", "The price"), ("Half of it <i>elsewhere</i>", "The price: Half of it <i>elsewhere</i>")],
)
def test_why_a_customer_declined_is_said(browser: Browser, comment: str, says: str) -> None:
    link = browser.offer(presented(browser)["quote_id"])
    browser.posts(f"{link}/decline", {"reason_code": "price", "comment": comment}, None)
    told = browser.gets("/quotes/Q-1001")
    assert f"The customer declined. {says}" in text_of(told)
    assert "<i>" not in told.text


def test_why_a_quote_was_withdrawn_is_said(browser: Browser) -> None:
    presented(browser)
    form = {"reason": "Wrong customer", "sure": "yes"}
    assert browser.posts("/quotes/Q-1001/withdraw", form).status_code == 303
    assert "The quote was withdrawn. Wrong customer" in page(browser)


def test_the_approvers_of_the_step_are_named_with_the_way_to_the_case(browser: Browser) -> None:
    in_approval(browser.bench)
    browser.printer.row = PENDING
    told = browser.gets("/quotes/Q-1001")
    assert (
        "Waits for an approver: appr-1, appr-2. Step 1 of 2, sales-director, since 2 Mar 2026"
        in text_of(told)
    )
    assert f'href="{places.case(CASE)}"' in told.text
    (asked,) = [each for each in browser.printer.asked if each[0] == "crm_projector"]
    in_his_name = {"authorization": f"Bearer {browser.session('seller')}"}
    assert asked[1:] == ("GET", "/crm/quotes/Q-1001", in_his_name)


@pytest.mark.parametrize(
    "row",
    [None, {**PENDING, "revision": 2}, {**PENDING, "waits_for": "price"}, {**PENDING, "approvals": []}],
    ids=["no-answer", "other-revision", "behind", "no-case"],
)  # fmt: skip
def test_who_approves_is_not_guessed(browser: Browser, row: dict[str, Any] | None) -> None:
    in_approval(browser.bench)
    browser.printer.row = row
    assert "Waits for an approver. Who has to approve, if anybody" in page(browser)
    assert "appr-1, appr-2" not in page(browser)


def test_what_is_sent_back_says_why_once(browser: Browser) -> None:
    bench = browser.bench
    in_approval(bench)
    (quote,) = bench.quotes()
    bench.refuse(quote.quote_id)
    (reason,) = {bench.quote(quote.quote_id).current.returned.reason}  # type: ignore[union-attr]
    browser.printer.hops = []
    told = page(browser)
    assert "Sent back; waits for the seller: seller-1." in told
    assert told.count(reason) == 1


def test_the_history_tells_the_words_of_people_beside_their_facts(browser: Browser) -> None:
    link = browser.offer(presented(browser)["quote_id"])
    browser.posts(f"{link}/change-request", {"message": MORE}, None)
    (quote,) = browser.bench.quotes()
    number = len(browser.bench.facts(quote.quote_id))
    hop = {
        "fact": "QuoteChangeRequested",
        "id": f"quotes.quote/{quote.quote_id}/{number}",
        "actor": "anonymous",
        "time": "2026-03-02T09:00:00+00:00",
    }
    browser.printer.hops = [hop]
    assert "The customer asked for a change: Two more sites, please <b>soon</b>" in page(browser)
