"""A page that is drawn anew under its reader's hands: what was typed stays, all else is renewed."""

from typing import Any

import pytest

from contracts import places
from tests.e2e.place import Place
from tests.pages.browsers import People, Person, axe, expect_status

TYPED = "First order of the region"
RATIONALE, WHY = "#f-rationale", "#f-withdraw"
CHANGED = "This changed while you were writing"
GONE = "This can not be sent any more"


@pytest.fixture
def draft(house: Place) -> str:
    """The number of a quote whose second revision is a draft."""
    number: str = house.told(house.opens("street_micro"), "Presented")["number"]
    house.seller.post(f"/quotes/{number}/revise")
    return number


def colleague_edits(house: Place, number: str, quantity: str = "3") -> None:
    """Let somebody else change the draft."""
    (item, *more) = house.quote(number)["current"]["items"]
    house.edits(number, [{**item, "quantity": quantity}, *more], submit=False)


def writing(people: People, number: str) -> Person:
    """Let a seller type in two forms, one of them in a fold, and leave the caret in the first."""
    person = people.signed_in("seller")
    person.goes(places.quote(number))
    person.page.locator("summary", has_text="Withdraw the quote").click()
    person.page.fill(WHY, "The customer")
    person.page.fill("#f-percent", "1")
    person.page.fill(RATIONALE, TYPED)
    person.page.evaluate(f"document.querySelector('{RATIONALE}').setSelectionRange(5, 5)")
    return person


def kept(person: Person) -> tuple[Any, ...]:
    """What of the reader's own doing the page shows."""
    caret = f"[document.activeElement.id, document.querySelector('{RATIONALE}').selectionStart]"
    is_open = "[...document.querySelectorAll('details')].filter((it) => it.open).length"
    values = [person.page.input_value(each) for each in (RATIONALE, WHY)]
    return (*values, person.page.evaluate(caret), person.page.evaluate(is_open))


def test_what_somebody_types_outlives_a_change_and_all_else_is_renewed(
    people: People, house: Place, draft: str
) -> None:
    person = writing(people, draft)
    before = kept(person)
    assert before == (TYPED, "The customer", ["f-rationale", 5], 1)
    colleague_edits(house, draft)
    person.sees("Priced draft")
    person.sees(CHANGED)
    assert kept(person) == before
    assert person.page.get_by_role("button", name="Send to approval").count() == 1
    assert axe(person.page) == []

    person.presses("Save and price anew")
    person.sees("was changed since you looked")
    expect_status(person, 409)
    assert person.page.input_value(RATIONALE) == TYPED, "after a refusal too"
    person.presses("Save and price anew")
    person.page.get_by_text("was changed since you looked").wait_for(state="detached")
    assert house.quote(draft)["current"]["discounts"][0]["rationale"] == TYPED


def test_text_outlives_a_change_while_the_focus_is_elsewhere(
    people: People, house: Place, draft: str
) -> None:
    person = writing(people, draft)
    person.page.locator("h1").click()
    colleague_edits(house, draft)
    person.sees("Priced draft")
    person.sees(CHANGED)
    assert person.page.input_value(RATIONALE) == TYPED
    for each in ("#f-percent", RATIONALE, WHY):
        person.page.fill(each, "")
    house.seller.post(f"/quotes/{draft}/submit")
    person.page.get_by_text(CHANGED).wait_for(state="detached")


def test_what_was_refused_stays_beside_its_reason_and_the_chosen_revisions_stay(
    people: People, house: Place, draft: str
) -> None:
    person = people.signed_in("seller")
    person.goes(f"{places.quote(draft)}?from=2&to=1")
    colleague_edits(house, draft)
    person.sees("now 40")  # drawn anew, from the third of the colleague back to the first
    person.page.fill("#f-percent", "many")
    person.page.fill(RATIONALE, TYPED)
    person.presses("Save and price anew")
    person.sees("Please correct the form")
    expect_status(person, 422)
    colleague_edits(house, draft, "4")
    person.sees("Sent as it is, it may be refused")
    assert [person.page.input_value(each) for each in ("#f-percent", RATIONALE)] == ["many", TYPED]
    assert person.page.locator("#e-percent").count() == 1


def test_where_the_servers_drawing_counts_a_form_is_renewed(
    people: People, house: Place, draft: str
) -> None:
    person = writing(people, draft)
    person.page.evaluate("document.querySelector('main').setAttribute('data-drawn', '')")
    colleague_edits(house, draft)
    person.sees("Priced draft")
    etag = person.page.evaluate(f"document.querySelector('{RATIONALE}').form.elements.etag.value")
    assert etag == house.quote(draft)["current"]["etag"]
    assert CHANGED not in person.page.inner_text("main")


def test_a_form_that_is_gone_leaves_the_text_to_be_copied(
    people: People, house: Place, draft: str
) -> None:
    person = writing(people, draft)
    house.seller.post(f"/quotes/{draft}/withdraw", {"reason": "The project stopped"})
    person.sees("Withdrawn")
    person.sees(GONE)
    assert person.page.input_value(RATIONALE) == TYPED
