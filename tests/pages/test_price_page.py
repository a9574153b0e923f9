"""The page of a draft's price: what a seller grants, aims at and settles, without and with a script."""

from decimal import Decimal
from typing import Any

import pytest

from tests.e2e.place import Place, items_of
from tests.pages.browsers import People, Person, expect_status, faults


@pytest.fixture
def draft(house: Place) -> str:
    """The number of a priced draft of sites with support and monitoring."""
    number: str = house.drafts(house.opens())["number"]
    house.edits(number, items_of("city_macro"), submit=False)
    house.reaches(number, "priced")
    return number


def looking(people: People, number: str) -> Person:
    person = people.signed_in("seller")
    person.goes(f"/quotes/{number}/price")
    return person


def priced(house: Place, number: str) -> Any:
    return house.reaches(number, "priced")["current"]


def test_a_seller_hits_a_target_price_and_grants_on_a_part(
    people: People, house: Place, draft: str
) -> None:
    person = looking(people, draft)
    before = priced(house, draft)["offer"]
    net = Decimal(before["totals"]["net"]["amount"])
    target = (net * Decimal("0.97")).quantize(Decimal("0.01"))
    person.page.fill("#f-net", f"{target}")
    person.page.fill("#f-why", "The budget of the customer")
    person.presses("Hit this price")
    person.sees("The budget of the customer")
    person.sees("Priced draft")
    now = priced(house, draft)
    assert Decimal(now["offer"]["totals"]["net"]["amount"]) == target
    assert Decimal(now["discounts"][0]["amount"]["amount"]) == net - target

    line = now["offer"]["lines"][0]
    person.page.select_option("#f-target", f"{line['item_id']}/{line['sku']}")
    person.page.select_option("#f-way", "unit_price")
    lower = Decimal(line["list_unit"]["amount"]) - 1
    person.page.fill("#f-value", f"{lower}")
    person.page.fill("#f-rationale", "As in the last order")
    person.presses("Grant and price anew")
    person.sees("As in the last order")
    given = priced(house, draft)["discounts"]
    assert [each.get("unit_price", {}).get("amount") for each in given] == [f"{lower}", None]
    assert faults(person.page, "price") == []

    person.page.get_by_role("button", name="Take back").last.click()
    person.page.get_by_text("The budget of the customer").wait_for(state="detached")
    assert len(priced(house, draft)["discounts"]) == 1


def test_a_term_and_its_ramp_make_a_contract_value(
    people: People, house: Place, draft: str
) -> None:
    person = looking(people, draft)
    (item, *_) = priced(house, draft)["items"]
    person.page.locator("summary", has_text="Currency, validity and term").click()
    person.page.fill("#f-months", "36")
    person.page.fill("#f-validity_days", "10")
    fold = person.page.locator("summary", has_text="Own term of").first
    fold.click()
    person.page.fill(f"#f-months-{item['item_id']}", "24")
    person.page.fill(f"#f-ramp-{item['item_id']}", "6 x 1\n18 5%")
    person.presses("Save and price anew")
    person.sees("needs a reason")
    expect_status(person, 422)
    person.page.fill("#f-reason", "Sites are built one by one")
    person.presses("Save and price anew")
    person.sees("Total contract value")
    term = priced(house, draft)["offer"]["totals"]["term"]
    assert [each["months"] for each in term["periods"]][:2] == [6, 18]
    assert Decimal(term["tcv"]["amount"]) > Decimal(term["one_time"]["amount"])
    assert faults(person.page, "price-term") == []


def test_what_a_quantity_would_cost_is_told_before_it_is_taken(
    people: People, house: Place, draft: str
) -> None:
    person = looking(people, draft)
    person.page.fill("#f-quantities", "3, 30, 300")
    person.presses("Show")
    assert person.page.locator("#h-table ~ .scroll tbody tr").count() == 3
    person.page.get_by_role("link", name="Largest discount that needs no approval").click()
    person.sees("needs nobody")
    stream = person.page.locator("#price").get_attribute("hx-sse:connect") or ""
    assert stream.endswith("/price/live?largest=1")  # a new drawing does not lose the answer
    breaks = house.seller.get(f"/quotes/{draft}/next-breaks")["breaks"]
    person.page.get_by_role("button", name="Take ", exact=False).first.click()
    person.sees("Priced draft")
    taken = [each["quantity"] for each in priced(house, draft)["items"]]
    assert breaks[0]["quantity"] in taken


def test_without_a_script_the_page_does_the_same(people: People, house: Place, draft: str) -> None:
    person = people.signed_in("seller", java_script_enabled=False)
    person.goes(f"/quotes/{draft}/price")
    person.page.fill("#f-value", "2.5")
    person.page.fill("#f-rationale", "A first order")
    person.presses("Grant and price anew")
    person.sees("A first order")
    assert priced(house, draft)["discounts"][0]["percent"] == "2.5"


def test_a_newer_book_is_taken_only_after_its_difference_was_seen(
    people: People, house: Place, draft: str
) -> None:
    """The draft is priced by the first version of the book, as if it were an old one."""
    newest = house.seller.get(f"/quotes/{draft}/repricing")
    assert newest["is_same_book"] is True
    books = {each["version"]: each for each in house.seller.get("/pricer/books")}
    first = {"id": books[1]["id"], "version": 1, "sha256": books[1]["sha256"]}
    body = {"book": first, "fx": newest["after"]["fx"], "reason": "as promised last year"}
    house.seller.post(f"/quotes/{draft}/repricing", body)
    assert priced(house, draft)["offer"]["book"] == first

    person = looking(people, draft)
    person.sees("is priced by telecom-list version 1")
    difference = house.seller.get(f"/quotes/{draft}/repricing")
    assert difference["after"]["book"]["version"] == max(books)
    assert faults(person.page, "price-newer") == []
    person.page.fill("#f-reprice", "x")
    person.presses("Price with the newer book")
    person.sees("Please correct the form")
    expect_status(person, 422)
    person.page.fill("#f-reprice", "The offer of last year is over")
    person.presses("Price with the newer book")
    person.page.locator("#h-newest").wait_for(state="detached")
    now = priced(house, draft)
    assert now["offer"]["book"]["version"] == max(books)
    assert now["offer"]["totals"]["net"] == difference["net"]["after"]
