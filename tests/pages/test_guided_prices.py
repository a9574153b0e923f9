"""Prices of answers come by themselves on the guided page, and get in nobody's way."""

from playwright.sync_api import Route, expect

from tests.e2e.place import Place
from tests.pages.browsers import WAIT_MS, People
from tests.pages.test_guided_ways import seated

EACH = "List price of one item at least"


def test_what_each_answer_costs_comes_by_itself_once_the_question_is_in_sight(
    house: Place, people: People
) -> None:
    page = seated(house, people).page
    page.locator("#q-technology").scroll_into_view_if_needed()
    expect(page.locator("#q-technology .prices")).to_contain_text(EACH, timeout=WAIT_MS)


def test_prices_of_answers_that_were_changed_meanwhile_are_never_shown(
    house: Place, people: People
) -> None:
    page = seated(house, people).page
    held: list[Route] = []
    page.route("**/prices", lambda route: held.append(route))  # noqa: PLW0108 -- no builtin is taken
    page.reload()
    expect(page.locator("#q-station_type .prices button")).to_be_visible()
    page.wait_for_function("document.querySelector('#q-station_type .htmx-request') !== null")
    before = list(held)
    page.locator("#o-technology-nr").check()
    expect(page.locator("#q-technology")).to_contain_text("Answered")
    for each in before:
        each.fulfill(status=200, content_type="text/html", body="<div class=prices>of before</div>")
    expect(page.locator("#q-station_type .prices")).not_to_contain_text("of before")
    page.route("**/prices", lambda route: route.continue_())
    for each in held[len(before) :]:
        each.continue_()
    expect(page.locator("#q-station_type .prices")).to_contain_text(EACH, timeout=WAIT_MS)


def test_prices_that_arrive_take_back_no_answer_that_is_on_its_way(
    house: Place, people: People
) -> None:
    page = seated(house, people).page
    expect(page.locator("#q-station_type .prices")).to_contain_text(EACH, timeout=WAIT_MS)
    held: list[Route] = []
    page.route("**/new", lambda route: held.append(route))  # noqa: PLW0108 -- no builtin is taken
    page.locator("#o-station_type-micro").check()
    asked = page.locator("#q-technology .prices")
    page.evaluate("document.querySelector('#q-technology .prices button')?.click()")
    expect(asked).to_contain_text(EACH, timeout=WAIT_MS)
    expect(page.locator("#o-station_type-micro")).to_be_checked()
    page.route("**/new", lambda route: route.continue_())
    for each in held:
        each.continue_()
    expect(page.locator("#q-station_type")).to_contain_text("Answered")
