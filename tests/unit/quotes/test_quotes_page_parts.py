"""What the quote's page shows beside the offer: differences, waterfalls, alternatives, the way back."""

import html
import re
from decimal import Decimal
from json import dumps
from typing import Any
from uuid import UUID

import pytest

from services.quotes.domain.quote import Quote
from tests.unit.quotes.test_quotes_pages import Browser, browser, presented, text_of

__all__ = ["browser"]

EVIL = '<script>alert(1)</script> & "x"'
STEPS = [
    {"stage": "sales_discount", "amount": "-27500.00", "sentence": f"A share {EVIL}.", "note": "cost 9"},
    {"stage": "rounding", "amount": "-1000.00", "sentence": "Rounded.", "note": None},
]  # fmt: skip


def trace(*steps: dict[str, Any]) -> bytes:
    return dumps({"lines": [{"line": 1, "steps": list(steps)}]}).encode()


def draft(browser: Browser, **form: str) -> Quote:
    """Bring a quote to its customer, begin the next revision and change it by the form."""
    etag = presented(browser)["current"]["etag"]
    browser.posts("/quotes/Q-1001/revise", {"etag": etag})
    given = {"quantity-macro": "40", "percent": "5", "rationale": "volume over 3 years", **form}
    assert browser.posts("/quotes/Q-1001/draft", given).status_code == 303
    (quote,) = browser.bench.quotes()
    browser.bench.settle(quote.quote_id)
    return browser.bench.quote(quote.quote_id)


# ---- differences


def test_a_quote_of_one_revision_has_nothing_to_compare(browser: Browser) -> None:
    presented(browser)
    assert "Differences" not in text_of(browser.gets("/quotes/Q-1001"))


def test_the_newest_revision_is_compared_with_the_one_before_in_plain_words(
    browser: Browser,
) -> None:
    draft(browser, **{"quantity-macro": "45"})
    told = text_of(browser.gets("/quotes/Q-1001"))
    assert "From revision 1 to revision 2: 1 quantity changed, 1 discount changed" in told
    assert "Quantity Macro base station 40, now 45 40 45" in told
    assert "new: volume over 3 years" in told
    assert "The net price is €39,187.50 higher." in told
    back = text_of(browser.gets("/quotes/Q-1001?from=2&to=1"))
    assert "The net price is €39,187.50 lower." in back


def test_two_revisions_are_chosen_by_the_address(browser: Browser) -> None:
    draft(browser, **{"quantity-macro": "45"})
    page = browser.gets("/quotes/Q-1001?from=2&to=1")
    assert "Quantity Macro base station 45, now 40" in text_of(page)
    assert '<option value="2" selected>' in page.text
    assert "/quotes/Q-1001/live?at=2&amp;from=2&amp;to=1" in page.text
    same = browser.gets("/quotes/Q-1001?from=1&to=1")
    assert "Revision 1 does not differ from revision 1." in text_of(same)


@pytest.mark.parametrize(
    ("query", "status"),
    [("from=9", 404), ("to=0", 404), ("from=-1&to=2", 404), ("from=x", 422), ("to=%3Cb%3E", 422)],
)
def test_a_revision_that_is_not_there_is_refused_in_words(
    browser: Browser, query: str, status: int
) -> None:
    draft(browser)
    told = browser.gets(f"/quotes/Q-1001?{query}")
    assert told.status_code == status
    assert "<b>" not in told.text


def test_programs_read_the_differences_too(browser: Browser) -> None:
    draft(browser, **{"quantity-macro": "45"})
    told = browser.asks("GET", "/quotes/Q-1001/differences?from=1&to=2").json()
    assert told["changes"][0] == {
        "kind": "item",
        "of": "macro",
        "place": "Macro base station",
        "what": "Quantity",
        "before": {"type": "number", "value": "40"},
        "after": {"type": "number", "value": "45"},
    }


def test_texts_of_people_are_shown_as_texts(browser: Browser) -> None:
    draft(browser, rationale=EVIL)
    page = browser.gets("/quotes/Q-1001")
    assert "<script>alert" not in page.text
    assert page.text.count(html.escape(EVIL, quote=False).replace('"', "&#34;")) >= 3


# ---- waterfalls


def test_without_the_pricer_the_waterfall_is_the_offers_own_and_says_so(browser: Browser) -> None:
    draft(browser)
    told = text_of(browser.gets("/quotes/Q-1001"))
    assert "The single steps are not available now" in told
    assert "List €570,000.00, Discount -€28,500.00, Net €541,500.00" in told


def test_the_steps_of_the_pricer_are_drawn_and_told(browser: Browser) -> None:
    browser.printer.trace = trace(*STEPS)
    quote = draft(browser)
    page = browser.gets("/quotes/Q-1001")
    told = text_of(page)
    assert quote.current.price is not None
    assert browser.printer.asked[-1][2] == (
        f"/pricer/traces/{quote.current.price.trace_sha256}?view=seller"
    )
    assert "not available now" not in told
    assert (
        "List €570,000.00, Discount on the item -€27,500.00, Rounding -€1,000.00, Net €541,500.00"
    ) in told
    assert "<script>alert" not in page.text


def test_a_drawing_has_a_name_a_description_and_no_style_of_its_own(browser: Browser) -> None:
    browser.printer.trace = trace(*STEPS)
    draft(browser)
    page = browser.gets("/quotes/Q-1001").text
    drawings = re.findall(r'<svg[^>]*role="img"[^>]*aria-labelledby="([^"]+)"', page)
    assert len(drawings) == 2
    for each in " ".join(drawings).split():
        assert page.count(f'id="{each}"') == 1
    assert "style=" not in page
    widths = [Decimal(each) for each in re.findall(r'class="bar-\w+"[^>]*width="([\d.]+)%"', page)]
    assert len(widths) == 8
    assert all(0 < each <= 100 for each in widths)


@pytest.mark.parametrize(("role", "view"), [("seller", "seller"), ("manager", "internal")])
def test_notes_of_the_pricer_are_for_insiders(browser: Browser, role: str, view: str) -> None:
    noted = [each if role != "seller" else {**each, "note": None} for each in STEPS]
    browser.printer.trace = trace(*noted)
    draft(browser)
    browser.printer.asked.clear()
    page = browser.gets("/quotes/Q-1001", role)
    assert [each[2].partition("?")[2] for each in browser.printer.asked] == [f"view={view}"]
    assert ("Internal: cost 9" in text_of(page)) is (role != "seller")


def test_many_lines_have_a_page_of_their_own(browser: Browser) -> None:
    items = [
        {"item_id": f"i{n}", "product": "bts-macro", "quantity": "1", "decisions": [
            {"attribute": "band", "value": "n78", "source": "user"}
        ]}
        for n in range(31)
    ]  # fmt: skip
    presented(browser, items=items)
    page = browser.gets("/quotes/Q-1001")
    assert page.text.count("<svg") == 1
    assert "All 31 lines, one by one" in text_of(page)
    lines = browser.gets("/quotes/Q-1001/revisions/1/waterfall")
    assert lines.text.count("<svg") == 32


def test_a_revision_without_a_price_has_no_waterfall(browser: Browser) -> None:
    etag = presented(browser)["current"]["etag"]
    browser.posts("/quotes/Q-1001/revise", {"etag": etag})
    for number in (2, 3):
        told = browser.gets(f"/quotes/Q-1001/revisions/{number}/waterfall")
        assert told.status_code == 404
    assert "<svg" not in browser.gets("/quotes/Q-1001").text


# ---- alternatives


def test_all_quotes_of_a_deal_stand_side_by_side(browser: Browser) -> None:
    view = presented(browser)
    one = text_of(browser.gets("/quotes/Q-1001"))
    assert "Compare the" not in one
    browser.posts("/quotes/Q-1001/clone", {})
    path = f"/quotes/deals/{view['deal_id']}/compare"
    assert f'href="{path}"' in browser.gets("/quotes/Q-1001").text
    page = browser.gets(path)
    told = text_of(page)
    assert page.status_code == 200
    assert "Q-1001 revision 1 Q-1002 revision 1" in told
    assert "Presented" in told and "Draft" in told
    assert "€570,000.00 no price yet" in told
    assert told.count("Go on with this one") == 2
    for number in ("Q-1001", "Q-1002"):
        assert f'href="/quotes/{number}"' in page.text
    assert browser.asks("GET", path).json()["quotes"][0]["number"] == "Q-1001"


@pytest.mark.parametrize(
    ("role", "status"),
    [("seller", 200), ("approver", 200), ("manager", 200), ("admin", 200), ("analyst", 403), (None, 303)],
)  # fmt: skip
def test_who_may_compare(browser: Browser, role: str | None, status: int) -> None:
    view = presented(browser)
    path = f"/quotes/deals/{view['deal_id']}/compare"
    page = browser.gets(path, role)
    assert page.status_code == status
    assert "argin" not in page.text


@pytest.mark.parametrize("deal", [f"{UUID(int=9)}", "x", "<b>"])
def test_a_deal_that_is_not_there_can_not_be_compared(browser: Browser, deal: str) -> None:
    told = browser.gets(f"/quotes/deals/{deal}/compare")
    assert told.status_code in {404, 422}
    assert "<b>" not in told.text


# ---- the way back


def test_after_a_change_one_sees_it_and_may_undo_it(browser: Browser) -> None:
    draft(browser, **{"quantity-macro": "45"})
    page = browser.gets("/quotes/Q-1001")
    told = text_of(page)
    assert "You changed this draft. Macro base station, quantity: 40, now 45" in told
    (number,) = re.findall(r'name="edit" value="(\d+)"', page.text)
    done = browser.posts("/quotes/Q-1001/undo", {"edit": number})
    assert (done.status_code, done.headers["location"]) == (303, "/quotes/Q-1001")
    current = browser.asks("GET", "/quotes/Q-1001").json()["current"]
    assert (current["items"][0]["quantity"], current["discounts"]) == ("40", [])
    again = browser.posts("/quotes/Q-1001/undo", {"edit": number})
    assert again.status_code == 409
    assert "nothing was undone" in text_of(again)


@pytest.mark.parametrize("role", ["admin", "manager", "approver"])
def test_nobody_is_offered_to_undo_what_another_person_did(browser: Browser, role: str) -> None:
    draft(browser, **{"quantity-macro": "45"})
    assert "You changed this draft" not in text_of(browser.gets("/quotes/Q-1001", role))


@pytest.mark.parametrize("form", [{}, {"edit": "x"}, {"edit": "1"}, {"edit": "9" * 50}])
def test_an_undo_that_names_no_change_is_refused_in_words(
    browser: Browser, form: dict[str, str]
) -> None:
    draft(browser, **{"quantity-macro": "45"})
    before = browser.asks("GET", "/quotes/Q-1001").json()
    told = browser.posts("/quotes/Q-1001/undo", form)
    assert told.status_code in {409, 422}
    assert 'role="alert"' in told.text
    assert browser.asks("GET", "/quotes/Q-1001").json() == before


def test_a_manager_can_not_undo(browser: Browser) -> None:
    draft(browser)
    assert browser.posts("/quotes/Q-1001/undo", {"edit": "1"}, "manager").status_code == 403


def test_what_is_for_good_is_asked_for_twice(browser: Browser) -> None:
    presented(browser)
    asked = browser.posts("/quotes/Q-1001/withdraw", {"reason": f"Stopped {EVIL}", "once": "w-1"})
    assert asked.status_code == 200
    assert "Withdraw Q-1001 for good?" in text_of(asked)
    assert "<script>alert" not in asked.text
    assert browser.asks("GET", "/quotes/Q-1001").json()["status"] == "presented"
    sure = {"reason": f"Stopped {EVIL}", "once": "w-2", "sure": "yes"}
    done = browser.posts("/quotes/Q-1001/withdraw", sure, "manager")
    assert (done.status_code, done.headers["location"]) == (303, "/quotes/Q-1001")
    found = browser.asks("GET", "/quotes/Q-1001").json()
    assert (found["status"], found["outcome_reason"]) == ("withdrawn", f"Stopped {EVIL}")
    again = browser.posts("/quotes/Q-1001/withdraw", {"reason": "Stopped again"})
    assert again.status_code == 409
    assert "is withdrawn" in text_of(again)
