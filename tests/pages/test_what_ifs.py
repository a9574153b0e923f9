"""A manager tries a book on past quotes: on a page that follows it, with JavaScript and without."""

import pytest
from playwright.sync_api import expect

from contracts import places
from tests.e2e.place import Place
from tests.pages.browsers import People, Person, Shown, faults

DEARER_RADIOS = """
rules:
  - id: quantity-radio
    version: 2
    name: Quantity break on radios
    group: quantity
    when: {categories: [radio]}
    effect: {kind: percent_off, percent: "40"}
"""


@pytest.fixture
def manager(people: People, shown: Shown) -> Person:
    return people.signed_in("manager")


def begins(person: Person, name: str, changes: str = "") -> None:
    person.goes(places.WHAT_IFS)
    person.page.get_by_label("Name").fill(name)
    person.page.get_by_label("Price book", exact=True).select_option("telecom-list/2")
    person.page.get_by_label("Single changes, or a whole book").fill(changes)
    person.presses("Try it")


def test_a_changed_rule_is_tried_and_the_page_follows(
    house: Place, manager: Person, shown: Shown
) -> None:
    begins(manager, "Less for radios", DEARER_RADIOS)
    expect(manager.page.locator(".badge").first).to_have_text("Done", timeout=60_000)  # live
    manager.sees("telecom-list version 2 with changes: quantity-radio")
    manager.sees("By tier")
    manager.page.get_by_text("As a table", exact=False).first.click()
    assert faults(manager.page, "what-if") == []


def test_a_whole_version_is_tried_without_java_script(
    house: Place, people: People, shown: Shown
) -> None:
    plain = people.signed_in("manager", java_script_enabled=False)
    begins(plain, "The second book as it is")
    for _ in range(60):
        if plain.page.locator(".badge").first.inner_text() == "Done":
            break
        plain.page.wait_for_timeout(500)
        plain.page.reload()
    plain.sees("Every quote as CSV")


def test_what_is_wrong_is_said_beside_the_field(manager: Person) -> None:
    begins(manager, "Nobody", "without: [nobody-knows-it]")
    manager.sees("nobody-knows-it is not in the book")
    assert manager.page.get_by_label("Name").input_value() == "Nobody"
    manager.page.get_by_label("Single changes, or a whole book").fill("rules: [")
    manager.presses("Try it")
    manager.sees("is no clean YAML")
    manager.complaints.clear()  # the browser complains of the status 422, as it should
    assert faults(manager.page, "what-ifs") == []
