"""The guided page followed by what it offers: few clicks to a quote, one click out of a dead end, on every device."""

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Locator, Page, Route, expect

from contracts import places
from infra.cookies import SESSION
from services.configurator.domain.products.catalogue import Catalogue
from tests.e2e.place import Place
from tests.pages.browsers import WAIT_MS, People, Person, axe, overflow
from tests.pages.test_guided import answers, opened
from tests.unit.configurator import guide, large

CLICKS_MAX = 12
FINGER_PX = 44
LIVE = pytest.mark.parametrize("live", [True, False], ids=["live", "plain"])
NEW = places.first_item(guide.DEAL)
# What is pressed; a link inside a sentence is as high as its line.
PRESSED = "button:not(.unseen):visible, .button:visible, summary:visible, .choices label:visible, input[type=search]:visible"


def how_of(live: bool) -> dict[str, Any]:
    return {} if live else {"java_script_enabled": False}


def seated(house: Place, people: People, **how: Any) -> Person:
    """Let a seller open the page of a new base station."""
    person = people.signed_in("seller", **how)
    deal = opened(house).rpartition("/")[2]
    person.goes(f"{places.first_item(deal)}?product=base_station")
    return person


def shows(page: Page, question: str, *, live: bool) -> None:
    """Open a question; without JavaScript a button lists its answers."""
    page.locator(f"#q-{question} > summary").click()
    if not live:
        page.locator(f"#q-{question}").get_by_role("button", name="Show the answers").click()
    expect(page.locator(f"#q-{question} fieldset, #n-{question}").first).to_be_visible()


class Clicks:
    """Somebody who presses what a page offers first, counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0

    def on(self, what: Locator) -> None:
        self.count += 1
        what.click()

    def answers_next(self) -> None:
        """Follow the page to its next question, and take the first answer that it offers."""
        question = self.page.locator("#next").get_attribute("href")
        assert question is not None and question.startswith("#q-")
        self.on(self.page.locator("#next"))
        self.on(self.page.locator(f"{question} .choices input:enabled").first)

    def is_done(self) -> bool:
        return self.page.locator("#next").inner_text() == "Put into the quote"


@LIVE
def test_following_what_the_page_offers_first_a_base_station_takes_at_most_12_clicks(
    house: Place, people: People, live: bool
) -> None:
    person = people.signed_in("seller", **how_of(live))
    person.goes(opened(house))
    clicks = Clicks(person.page)
    clicks.on(person.page.get_by_role("link", name="Configure", exact=True))
    clicks.on(person.page.get_by_role("link", name="Configure Radio base station 5G/LTE"))
    while not clicks.is_done():
        was = person.page.locator("#next").inner_text()
        clicks.answers_next()
        if not live:
            clicks.on(person.page.get_by_role("button", name="Show what follows").first)
        expect(person.page.locator("#next")).not_to_have_text(was)
    clicks.on(person.page.locator("#next"))
    person.page.wait_for_url(re.compile(r"/quotes/Q-\d+$"))
    person.sees("1 × Radio base station 5G/LTE")
    number = person.page.url.rpartition("/")[2]
    (item,) = house.quote(number)["current"]["items"]
    assert item["product"] == "base_station"
    assert clicks.count <= (CLICKS_MAX if live else CLICKS_MAX + 4)


@LIVE
def test_an_impossible_answer_is_chosen_by_one_click_that_says_what_it_gives_up(
    house: Place, people: People, live: bool
) -> None:
    person = seated(house, people, **how_of(live))
    page = person.page
    page.locator("#o-station_type-micro").check()
    if not live:
        page.get_by_role("button", name="Show what follows").first.click()
    expect(page.locator("#q-station_type")).to_contain_text("Answered")
    shows(page, "mount", live=live)
    expect(page.locator("#o-mount-tower")).to_be_disabled()
    page.get_by_role(
        "button", name="Choose Tower or mast; gives up: Station type: Micro (medium range)"
    ).click()
    expect(page.locator("#o-mount-tower")).to_be_checked(timeout=WAIT_MS)
    expect(page.locator("#q-station_type > summary")).to_contain_text("Macro (wide area) Follows")
    expect(page.locator("#clash")).to_have_count(0)
    if live:
        expect(page.locator("#o-mount-tower")).to_be_focused()
        expect(page.locator("#said")).to_contain_text("Mounting: Tower or mast.")
        expect(page.locator("#said")).to_contain_text("to answer valid so far")


@LIVE
def test_answers_that_contradict_are_mended_by_one_click(
    house: Place, people: People, live: bool
) -> None:
    person = seated(house, people, **how_of(live))
    page = person.page
    shows(page, "mount", live=live)
    page.locator("#o-mount-rooftop").check()
    shows(page, "sectors", live=live)
    page.locator("#n-sectors").fill("6")
    page.locator("#n-sectors").press("Tab" if live else "Enter")
    person.sees("Not all of this is possible.")
    expect(page.locator("#running")).to_contain_text("Contradiction")
    page.get_by_role("button", name="Give up Sectors: 6").click()
    expect(page.locator("#clash")).to_have_count(0)
    expect(page.locator("#running")).to_contain_text("4 to answer")
    if live:
        expect(page.locator("#q-sectors > summary")).to_be_focused()


def test_further_reasons_come_when_they_are_asked_for(house: Place, people: People) -> None:
    person = seated(house, people)
    page = person.page
    answers(page, "station_type", "Micro (medium range)")
    expect(page.locator("#q-station_type")).to_contain_text("Answered")
    answers(page, "mount", "Pole or wall")
    expect(page.locator("#q-mount")).to_contain_text("Answered")
    page.locator("#q-sectors > summary").click()
    page.locator("#q-sectors").get_by_role("button", name="More reasons").first.click()
    expect(page.locator("#q-sectors")).to_contain_text(re.compile("Also:|There is no other reason"))
    assert axe(page) == []


def test_by_keyboard_alone(house: Place, people: People) -> None:
    person = seated(house, people)
    page = person.page
    page.locator("#next").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#q-station_type > summary")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator("#q-station_type")).to_contain_text("Answered")
    expect(page.locator("#said")).to_contain_text("Station type: Macro (wide area).")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#o-station_type-micro")).to_be_checked()
    expect(page.locator("#q-station_type .q-words")).to_have_text("Micro (medium range)")
    expect(page.locator("#o-station_type-micro")).to_be_focused()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    # A question that is closed by hand stays closed while others change.
    page.locator("#q-lte_bands > summary").focus()
    page.keyboard.press("Enter")
    answers(page, "technology", "5G NR and LTE")
    expect(page.locator("#q-technology")).to_contain_text("Answered")
    expect(page.locator("#q-lte_bands")).not_to_have_attribute("open", "")
    # Its answers are listed again as it is opened.
    page.locator("#q-lte_bands > summary").press("Enter")
    expect(page.locator("#o-lte_bands-b3")).to_be_visible()


def test_on_a_phone_everything_fits_and_is_large_enough_for_a_finger(
    house: Place, people: People
) -> None:
    person = seated(house, people, viewport={"width": 360, "height": 740}, has_touch=True)
    page = person.page
    page.locator("#o-station_type-micro").tap()
    expect(page.locator("#q-station_type")).to_contain_text("Answered")
    page.locator("#q-mount > summary").tap()
    expect(page.locator("#o-mount-tower")).to_be_visible()
    assert overflow(page) == 0
    # All at once: prices come by themselves, and take the place of the buttons that ask for them.
    heights = "(all) => all.map((it) => [it.innerText, it.getBoundingClientRect().height])"
    found = page.locator("#guide").locator(PRESSED).evaluate_all(heights)
    assert len(found) > 20
    assert [text for text, height in found if 0 < height < FINGER_PX] == []
    # Whatever is scrolled to, where the item stands is in sight.
    page.locator("#b-data").scroll_into_view_if_needed()
    expect(page.locator("#running")).to_be_in_viewport(ratio=1)


@pytest.fixture(scope="module")
def lineup() -> Iterator[str]:
    """A house of the configurator alone with a product of 500 options, its peers played."""
    kept, catalogue = guide.catalogue, Catalogue([large.product()])
    guide.catalogue = lambda: catalogue  # type: ignore[assignment]
    built = guide.Guide()
    guide.catalogue = kept
    config = uvicorn.Config(built.transport.app, port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}|{built.session('seller')}"
    server.should_exit = True
    thread.join()


def test_a_page_of_500_options_answers_each_click(browser: Browser, lineup: str) -> None:
    url, _, session = lineup.partition("|")
    person = Person(browser, url)
    person.page.context.add_cookies([{"name": SESSION, "value": session, "url": url}])
    person.goes(f"{NEW}?product=lineup")
    page = person.page
    clicks = Clicks(page)
    while not clicks.is_done():
        was = page.locator("#next").inner_text()
        clicks.answers_next()
        expect(page.locator("#next")).not_to_have_text(was)
    page.locator(".fold:has(#q-q30) > summary").click()
    page.locator("#q-q30 > summary").click()
    expect(page.locator("#q-q30 .choices input[value^=o]")).to_have_count(12)
    page.get_by_label("Search questions and answers").fill("answer 5 of 40")
    expect(page.locator("#q-q39")).to_be_visible()
    expect(page.locator("#q-q38")).to_be_hidden()
    page.locator("#o-q39-o4").check()
    expect(page.locator("#q-q39 .q-words")).to_have_text("Answer 5 of 40")
    assert overflow(page) == 0
    person.close()
    assert person.complaints == []


def test_what_is_typed_while_the_page_is_drawn_anew_stays(house: Place, people: People) -> None:
    person = seated(house, people)
    page = person.page
    held: list[Route] = []
    page.route("**/new", lambda route: held.append(route))  # noqa: PLW0108 -- no builtin is taken
    reason = page.locator("#f-rationale")
    reason.fill("First")
    page.locator("#f-quantity").fill("2")
    page.locator("#f-label").focus()
    reason.focus()
    page.keyboard.press("End")
    reason.press_sequentially(" site of many")
    page.keyboard.press("ArrowLeft")
    (first,) = held
    page.route("**/new", lambda route: route.continue_())
    first.continue_()
    expect(page.locator("#f-percent")).to_have_attribute("aria-invalid", "true")
    expect(reason).to_have_value("First site of many")
    expect(reason).to_be_focused()
    assert reason.evaluate("(it) => it.selectionStart") == len("First site of man")
