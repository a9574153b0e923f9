"""The guided page in a real Chromium: from an opportunity's Configure to a priced quote."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from contracts import places
from tests.e2e.place import Place, deal_of, items_of, until
from tests.pages.browsers import WAIT_MS, People, Person, axe, expect_status, faults

SECOND = "Radio base station 5G/LTE (<b>Second</b> site)"


def opened(house: Place) -> str:
    """Let the CRM open an opportunity without requirements; returns its page."""
    record = house.opens()
    deal = deal_of(record)
    for path in (f"/quotes/deals/{deal}", places.opportunity(deal)):
        until(lambda: house.seller.ask("GET", path).is_success, f"{path} is there")  # noqa: B023
    return places.opportunity(deal)


def answers(page: Page, question: str, answer: str) -> None:
    """Open a question if it is not, and choose an answer."""
    card = page.locator(f"#q-{question}")
    if card.get_attribute("open") is None:
        card.locator("summary").first.click()
    card.locator("label", has_text=re.compile(f"^\\s*{re.escape(answer)}")).locator("input").check()


def fills(person: Person, *, live: bool) -> None:
    """Answer what a base station needs; without JavaScript by asking what follows."""
    page = person.page
    answers(page, "station_type", "Macro (wide area)")
    answers(page, "technology", "5G NR only")
    answers(page, "nr_bands", "n78 (3.5 GHz)")
    if not live:
        page.get_by_role("button", name="Show what follows").first.click()
    expect(page.locator("#q-lte_bands")).to_contain_text("Follows", timeout=WAIT_MS)
    expect(page.locator("#beside")).to_contain_text("€", timeout=WAIT_MS)


@pytest.mark.parametrize("live", [True, False], ids=["live", "plain"])
def test_a_newcomer_goes_from_an_opportunity_to_a_priced_quote(
    house: Place, people: People, live: bool
) -> None:
    how: dict[str, Any] = {} if live else {"java_script_enabled": False}
    person = people.signed_in("seller", **how)
    person.goes(opened(house))
    person.page.get_by_role("link", name="Configure", exact=True).click()
    person.page.get_by_role("link", name="Configure Radio base station 5G/LTE").click()
    fills(person, live=live)
    person.page.get_by_label("Quantity").fill("3")
    person.page.get_by_label("Discount on this item").fill("4")
    person.page.get_by_label("Reason for the discount").fill("First site of many")
    if not live:
        person.page.get_by_role("button", name="Show what follows").first.click()
    expect(person.page.locator("#beside")).to_contain_text("Approval")
    person.presses("Put into the quote")
    person.page.wait_for_url(re.compile(r"/quotes/Q-\d+$"))
    person.sees("Priced draft")
    person.sees("3 × Radio base station 5G/LTE")

    number = person.page.url.rpartition("/")[2]
    person.page.get_by_role("link", name="Add an item").click()
    person.page.get_by_role("link", name="Configure Radio base station 5G/LTE").click()
    fills(person, live=live)
    person.page.get_by_label("Name in the offer").fill("<b>Second</b> site")
    person.presses("Put into the quote")
    person.page.wait_for_url(f"**{places.quote(number)}")
    assert not live or axe(person.page) == []
    person.page.get_by_role("button", name=f"Remove {SECOND}", exact=True).click()
    person.sees("The quote is priced without it.")
    assert len(house.quote(number)["current"]["items"]) == 1
    person.presses("Put it back")
    person.page.wait_for_url(f"**{places.quote(number)}")
    person.page.get_by_role("link", name=f"Configure {SECOND}", exact=True).click()
    expect(person.page.get_by_label("Name in the offer")).to_have_value("<b>Second</b> site")
    expect(person.page.locator("#q-station_type .q-words")).to_have_text("Macro (wide area)")


def test_what_goes_no_longer_is_said_with_the_way_out(house: Place, people: People) -> None:
    person = people.signed_in("seller")
    deal = opened(house).rpartition("/")[2]
    person.goes(f"{places.first_item(deal)}?product=base_station")
    page = person.page
    answers(page, "mount", "Tower or mast")
    expect(page.locator("#q-mount")).to_contain_text("Answered")
    micro = page.locator("#o-station_type-micro")
    expect(micro).to_be_disabled()
    expect(page.locator("#q-station_type")).to_contain_text("Not with Mounting: Tower or mast")
    answers(page, "station_type", "Macro (wide area)")
    answers(page, "mount", "Rooftop")
    # A question that is opened while the page is drawn anew is drawn closed.
    expect(page.locator("#q-mount .q-words")).to_have_text("Rooftop")
    page.locator("#q-sectors summary").first.click()
    page.locator("#n-sectors").fill("6")
    page.locator("#n-sectors").press("Tab")
    person.sees("Not all of this is possible.")
    page.get_by_role("button", name="Give up Sectors: 6").click()
    expect(page.locator("#clash")).to_have_count(0)
    expect(page.locator("#o-mount-rooftop")).to_be_checked()


def test_what_is_wrong_is_said_at_the_top_with_a_way_to_each_field(
    house: Place, people: People
) -> None:
    person = people.signed_in("seller")
    deal = opened(house).rpartition("/")[2]
    person.goes(f"{places.first_item(deal)}?product=base_station")
    fills(person, live=True)
    person.page.get_by_label("Quantity").fill("0")
    person.page.get_by_label("Discount on this item").fill("4")
    person.presses("Put into the quote")
    expect(person.page.get_by_role("alert")).to_be_focused()
    expect_status(person, 422)
    person.page.get_by_role("link", name="Say why in 3 to 1000 characters").click()
    expect(person.page.locator("#f-rationale")).to_be_in_viewport()
    expect(person.page.locator("#f-quantity")).to_have_attribute("aria-invalid", "true")
    assert axe(person.page) == []


def test_a_first_visit_to_a_whole_item_weighs_less_than_100_kb(
    house: Place, people: People
) -> None:
    items = items_of("rural_lte")
    number = house.drafts(house.opens(), items)["number"]
    for item in items:
        person = people.signed_in("seller")  # a browser of its own: its cache is empty
        weighed: list[float] = []
        network = person.page.context.new_cdp_session(person.page)
        network.send("Network.enable")
        network.on(
            "Network.loadingFinished", lambda it, to=weighed: to.append(it["encodedDataLength"])
        )
        person.page.goto(places.item(number, item["item_id"]), wait_until="networkidle")
        person.sees("The configuration is complete.")
        assert len(weighed) >= 4, "page, style and scripts"
        assert 10_000 < sum(weighed) < 100_000


def test_typing_goes_on_while_the_page_follows(house: Place, people: People) -> None:
    person = people.signed_in("seller")
    deal = opened(house).rpartition("/")[2]
    person.goes(f"{places.first_item(deal)}?product=base_station")
    page = person.page
    # With the keyboard alone: the first question, its first answer, on to the next.
    page.locator("#q-station_type summary").first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator("#q-station_type")).to_contain_text("Answered")
    expect(page.locator("#o-station_type-macro")).to_be_focused()
    page.get_by_label("Search questions and answers").type("functions voice", delay=40)
    expect(page.locator("#q-mount")).to_be_hidden()
    expect(page.get_by_label("Search questions and answers")).to_be_focused()
    page.get_by_label("Search these 8").type("voice", delay=60)
    expect(page.locator("#q-features .choices label:visible")).to_have_count(3)
    expect(page.get_by_label("Search these 8")).to_be_focused()
    answers(page, "features", "Voice over NR")
    page.locator("#f-rationale").type("A long reason that is typed slowly", delay=20)
    expect(page.locator("#f-rationale")).to_have_value("A long reason that is typed slowly")
    expect(page.locator("#q-features")).to_contain_text("Answered")
    page.get_by_label("Search these 8").fill("iot")
    expect(page.locator("#q-features .choices label:visible")).to_have_count(3)
    expect(page.locator("#o-features-vonr")).to_be_checked()


def test_answers_given_faster_than_the_page_follows_are_all_kept(
    house: Place, people: People
) -> None:
    person = people.signed_in("seller")
    deal = opened(house).rpartition("/")[2]
    person.goes(f"{places.first_item(deal)}?product=base_station")
    ids = ("station_type-macro", "technology-nr_lte", "nr_bands-n78", "lte_bands-b3")
    person.page.evaluate(
        "(ids) => ids.forEach((id, at) => setTimeout("
        "() => document.getElementById(id).click(), 60 * at))",
        [f"o-{each}" for each in ids],
    )
    person.sees("The configuration is complete.")
    for each in ids:
        expect(person.page.locator(f"#o-{each}")).to_be_checked()


def test_the_page_is_accessible_and_fits_its_window(house: Place, people: People) -> None:
    person = people.signed_in("seller")
    deal = opened(house).rpartition("/")[2]
    person.goes(places.first_item(deal))
    assert axe(person.page) == []
    person.goes(f"{places.first_item(deal)}?product=base_station")
    fills(person, live=True)
    assert faults(person.page, "guide") == []
