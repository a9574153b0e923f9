"""The customer's page at work: it follows what happens, and a phone shows first what matters."""

import pytest
from playwright.sync_api import Route

from contracts import places
from tests.e2e.place import Place, until
from tests.pages.browsers import People, Shown, expect_status

PHONE = {"width": 360, "height": 800}


def test_an_open_offer_says_by_itself_that_a_newer_one_took_its_place(
    people: People, house: Place
) -> None:
    number = house.told(house.opens("street_micro"), "Presented")["number"]
    customer = people.stranger()
    customer.goes(house.link(number, 1))
    customer.page.get_by_label("Your name").fill("A. Example")
    house.seller.post(f"/quotes/{number}/revise")
    house.edits(number, house.seller.get(places.quote(number))["current"]["items"], submit=True)
    house.reaches(number, "presented")
    customer.sees("There is a newer revision of this offer.")
    customer.sees("This can not be sent any more")
    assert customer.page.get_by_label("Your name").input_value() == "A. Example"


def test_a_seller_reads_the_customers_wish_while_he_looks(people: People, house: Place) -> None:
    number = house.told(house.opens("street_micro"), "Presented")["number"]
    seller, customer = people.signed_in("seller"), people.stranger()
    seller.goes(places.quote(number))
    seller.sees("Waits for the customer.")
    customer.goes(house.link(number, 1))
    customer.page.get_by_text("Ask for a change").click()
    customer.page.get_by_label("What should be different").fill("Two <b>more</b> sites")
    customer.presses("Send")
    customer.sees("Your wish is passed on.")
    seller.sees("The customer asks for a change. Two <b>more</b> sites")
    seller.sees("The customer asked for a change: Two <b>more</b> sites")


def test_on_a_phone_the_price_and_the_way_to_answer_come_first(
    people: People, shown: Shown
) -> None:
    for person, path, name in (
        (people.stranger(), shown.open_offer, "Answer the offer"),
        (people.signed_in("seller"), shown.revised, "Change items or discount"),
    ):
        person.page.set_viewport_size(PHONE)
        person.goes(path)
        jump = person.page.get_by_role("link", name=name)
        at = jump.bounding_box()
        assert at is not None and at["y"] < 1.5 * PHONE["height"]
        jump.focus()
        person.page.keyboard.press("Enter")
        person.page.keyboard.press("Tab")
        inside = "document.querySelector('aside').contains(document.activeElement)"
        assert person.page.evaluate(inside)
        person.page.set_viewport_size({"width": 1200, "height": 800})
        assert not jump.is_visible()


@pytest.mark.parametrize("status", [404, 503])
def test_a_page_whose_stream_does_not_begin_stays_as_it_is(
    people: People, shown: Shown, status: int
) -> None:
    person = people.stranger()
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) > 1:
            route.continue_()
        else:
            route.fulfill(status=status, content_type="text/html", body="<h1>Not here</h1>")

    person.page.route("**/live", answer)
    person.goes(shown.open_offer)
    if status == 503:
        until(lambda: person.page.wait_for_timeout(100) or len(asked) > 1, "it is asked again")
    person.page.wait_for_timeout(1000)  # in which an answer would have been shown
    assert "Not here" not in person.page.inner_text("body")
    assert person.page.get_by_role("button", name="Accept the offer").is_visible()
    assert len(asked) == (1 if status == 404 else 2)
    expect_status(person, status)
