"""Every page at every width, light and dark: accessible, no wider than its window, no complaint."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Page

from contracts import places
from tests.pages.browsers import People, Shown, axe, expect_status, faults, name_of, overflow


@dataclass(frozen=True, slots=True)
class Look:
    """A page to look at: its name, who looks (None: a stranger), where it is, what it says."""

    name: str
    role: str | None
    path: Callable[[Shown], str]
    says: str
    status: int = 200


# A new page is one line here.
LOOKS = (
    Look("sign-in", None, lambda _: places.SIGN_IN, "choose who you are"),
    Look("opportunities", "seller", lambda _: places.OPPORTUNITIES, "Example Telecom"),
    Look("opportunities-analyst", "analyst", lambda _: places.OPPORTUNITIES, "Example Telecom"),
    Look("opportunities-none", "seller", lambda _: f"{places.OPPORTUNITIES}?q=x-y-z", "No opportunity here"),
    Look("opportunity", "seller", lambda it: it.deal, "In the CRM"),
    Look("opportunity-without-quotes", "seller", lambda it: it.empty_deal, "No quote yet"),
    Look("waiting", "seller", lambda _: "/crm/waiting", "What waits, and for whom"),
    Look("overview", "manager", lambda _: places.OVERVIEW, "Overview"),
    Look("quote-draft", "seller", lambda it: it.draft, "No price yet"),
    Look("quote-in-approval", "seller", lambda it: it.in_approval, "Waits for an approver: appr-regional-1"),
    Look("quote-presented", "seller", lambda it: it.presented, "Begin a new revision"),
    Look("quote-revised", "seller", lambda it: it.revised, "Differences between revisions"),
    Look("quote-lines", "manager", lambda it: f"{it.revised}/revisions/2/waterfall", "line by line"),
    Look("alternatives", "seller", lambda it: it.alternatives, "Go on with this one"),
    Look("quote-accepted", "seller", lambda it: it.accepted, "The order was placed"),
    Look("quote-manager", "manager", lambda it: it.presented, "Withdraw the quote"),
    Look("quote-approver", "approver", lambda it: it.in_approval, "nothing to do for you"),
    Look("offer", None, lambda it: it.open_offer, "Accept the offer"),
    Look("offer-change-asked", None, lambda it: it.asked_offer, "Your wish is passed on"),
    Look("offer-accepted", None, lambda it: it.accepted_offer, "Thank you, the offer is accepted"),
    Look("offer-declined", None, lambda it: it.declined_offer, "The offer is declined"),
    Look("quote-declined", "seller", lambda it: it.declined, "The customer declined. The time is not right"),
    Look("inbox", "approver", lambda _: places.INBOX, "Open the case"),
    Look("what-ifs", "manager", lambda _: places.WHAT_IFS, "Try a price book on past quotes"),
    Look("what-ifs-approver", "approver", lambda _: places.WHAT_IFS, "What was tried"),
    Look("facts", "analyst", lambda it: f"{it.deal}/facts", "1. Opportunity opened"),
    Look("inbox-manager", "manager", lambda _: f"{places.INBOX}?state=any", "Open the case"),
    Look("inbox-empty", "approver", lambda _: f"{places.INBOX}?state=rejected", "Nothing waits for you"),
    Look("case-approver", "approver", lambda it: it.case, "Approve"),
    Look("case-seller", "seller", lambda it: it.case, "Reasons of the seller"),
    Look("case-admin", "admin", lambda it: it.case, "Margin (internal)"),
    Look("questions-seller", "seller", lambda it: it.questions, "Is the second phase signed?"),
    Look("mailed", None, lambda it: it.mailed, "This link decides once"),
    Look("mailed-late", None, lambda it: it.mailed_late, "This link has run out", 410),
    Look("not-found", "seller", lambda _: places.quote("Q-99999"), "There is no quote Q-99999", 404),
    Look("not-found-stranger", None, lambda it: f"{it.open_offer[:-1]}~", "This link shows no offer", 404),
    Look("address-cut-off", None, lambda it: f"/quotes/offers/{it.open_offer.split('/')[3][:-1]}/1/x", "perhaps a part of it got lost", 404),
    Look("case-not-found", "approver", lambda _: places.case(UUID(int=0)), "Not found", 404),
    Look("not-allowed", "analyst", lambda _: places.INBOX, "Not allowed for your role", 403),
)  # fmt: skip


def opened(look: Look, people: People, shown: Shown, **how: Any) -> Page:
    """Open the page, and check that it is the one that was asked for."""
    person = people.signed_in(look.role, **how) if look.role else people.stranger(**how)
    path = look.path(shown)
    answer = person.page.goto(path, wait_until="load")
    assert answer is not None
    assert (answer.status, person.page.url) == (look.status, f"{person.url}{path}")
    if look.status != 200:
        expect_status(person, look.status)
    assert person.page.locator("main h1").count() == 1
    me = [name_of(look.role)] if look.role else []
    assert person.page.locator("header .me").all_inner_texts() == me, "the menu, also of a refusal"
    assert look.says in person.page.inner_text("main")
    return person.page


@pytest.mark.parametrize("look", LOOKS, ids=[each.name for each in LOOKS])
def test_a_page_is_accessible_and_fits_its_window(look: Look, people: People, shown: Shown) -> None:
    assert faults(opened(look, people, shown), look.name) == []


@pytest.mark.parametrize("look", LOOKS, ids=[each.name for each in LOOKS])
def test_a_page_says_the_same_without_javascript(look: Look, people: People, shown: Shown) -> None:
    opened(look, people, shown, java_script_enabled=False)


def test_on_a_phone_prices_are_read_without_scrolling_aside(people: People, shown: Shown) -> None:
    for person, path in (
        (people.stranger(), shown.open_offer),
        (people.signed_in("seller"), shown.presented),
    ):
        person.page.set_viewport_size({"width": 360, "height": 900})
        person.goes(path)
        lines = person.page.get_by_role("region", name="Lines of the offer")
        assert lines.evaluate("it => it.scrollWidth - it.clientWidth") == 0
        assert lines.get_by_role("columnheader").all_inner_texts() == ["Line", "Net"]
        assert " each" in lines.inner_text()


class TestPlantedFaults:
    """The checks themselves: each fault that is planted in a good page is named."""

    def test_a_wide_element(self, people: People) -> None:
        person = people.stranger()
        person.goes(places.SIGN_IN)
        person.page.set_viewport_size({"width": 360, "height": 900})
        assert overflow(person.page) == 0
        person.page.evaluate("document.querySelector('main').style.minWidth = '400px'")
        assert overflow(person.page) > 0

    @pytest.mark.parametrize(
        ("plant", "rule"),
        [
            ("document.querySelector('label').remove()", "label"),
            ("document.documentElement.removeAttribute('lang')", "html-has-lang"),
            ("document.querySelector('h1').style.color = 'rgb(190, 190, 190)'", "color-contrast"),
            ("document.querySelectorAll('.people button').forEach((it) => it.replaceChildren())", "button-name"),
        ],
    )  # fmt: skip
    def test_what_axe_must_find(self, plant: str, rule: str, people: People) -> None:
        person = people.stranger(color_scheme="light")
        person.goes(places.SIGN_IN)
        assert axe(person.page) == []
        person.page.evaluate(plant)
        assert rule in [each.partition(":")[0] for each in axe(person.page)]

    @pytest.mark.parametrize(
        ("plant", "said"),
        [
            ("setTimeout(() => { throw new Error('planted') })", "planted"),
            ("console.error('planted')", "planted"),
            ("document.body.append(Object.assign(document.createElement('script'), { textContent: '1' }))", "Content Security Policy"),
            ("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')", "Content Security Policy"),
            ("document.body.append(Object.assign(new Image(), { src: 'http://evil.example/a.png' }))", "Content Security Policy"),
        ],
    )  # fmt: skip
    def test_what_a_browser_complains_of(self, plant: str, said: str, people: People) -> None:
        person = people.stranger()
        person.goes(places.SIGN_IN)
        with person.page.expect_event("pageerror" if "throw" in plant else "console"):
            person.page.evaluate(plant)
        assert any(said in each for each in person.complaints), person.complaints
        with pytest.raises(AssertionError):
            people.leave()
        person.complaints.clear()
