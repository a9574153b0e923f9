"""What is refused on the pages of prices can be mended by everybody."""

import pytest

from contracts import places
from tests.e2e.place import Place
from tests.pages.browsers import People, Person, Shown, faults


@pytest.fixture
def manager(people: People, shown: Shown) -> Person:
    return people.signed_in("manager")


def is_clear(manager: Person, name: str) -> None:
    """Nothing is cut off, and nobody is kept out, at any width."""
    manager.complaints.clear()  # the browser complains of the status 422, as it should
    assert faults(manager.page, name) == []


def test_refused_forms_of_prices_can_be_mended_by_everybody(house: Place, manager: Person) -> None:
    page = manager.page
    manager.goes(places.WHAT_IFS)
    page.get_by_label("Name").fill("Less for radios")
    page.get_by_label("First day").fill("2026-12-01")
    page.get_by_label("Last day").fill("2026-11-01")
    manager.presses("Try it")
    manager.sees("turn them round")
    assert page.get_by_label("Name").input_value() == "Less for radios"
    is_clear(manager, "refused-what-if")

    manager.goes(f"{places.PRICE_BOOKS}/telecom-list/2/import")
    page.get_by_label("Prices", exact=True).fill("name;what\nX;1")
    manager.presses("Look what it changes")
    assert page.get_by_label("Prices", exact=True).input_value() == "name;what\nX;1"
    is_clear(manager, "refused-import")

    manager.goes(f"{places.PRICE_TESTER}?book=telecom-list/9&part1=QW-BBU-M18&quantity1=1_000")
    is_clear(manager, "refused-tester")
    manager.goes(f"{places.PRICE_TESTER}?part1=QW-BBU-M18&quantity1=1_000")
    manager.sees("Write a number, as 12 or 2.5.")
    is_clear(manager, "refused-quantity")

    manager.goes(f"{places.PRICE_BOOKS}/telecom-list/2/publish")
    page.get_by_label("Reason").fill("no")
    manager.presses("Retire")
    assert page.get_by_label("Reason").input_value() == "no"
    manager.sees("say why in 3")
    is_clear(manager, "refused-retire")
