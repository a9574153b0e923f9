"""Every page at every width, light and dark: accessible, no wider than its window, no complaint."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import pytest

from contracts import places
from tests.pages.browsers import People, Shown, axe, expect_status, faults, overflow

WIDTHS = (360, 1024, 2560)


@dataclass(frozen=True, slots=True)
class Look:
    """A page to look at: its name, who looks (None: a stranger), where it is, its status."""

    name: str
    role: str | None
    path: Callable[[Shown], str]
    status: int = 200


# A new page is one line here.
LOOKS = (
    Look("sign-in", None, lambda _: places.SIGN_IN),
    Look("opportunities", "seller", lambda _: places.OPPORTUNITIES),
    Look("opportunities-analyst", "analyst", lambda _: places.OPPORTUNITIES),
    Look("opportunities-none", "seller", lambda _: f"{places.OPPORTUNITIES}?q=nothing+of+this+name"),
    Look("opportunity", "seller", lambda it: it.deal),
    Look("opportunity-without-quotes", "seller", lambda it: it.empty_deal),
    Look("quote-draft", "seller", lambda it: it.draft),
    Look("quote-in-approval", "seller", lambda it: it.in_approval),
    Look("quote-presented", "seller", lambda it: it.presented),
    Look("quote-accepted", "seller", lambda it: it.accepted),
    Look("quote-manager", "manager", lambda it: it.presented),
    Look("quote-approver", "approver", lambda it: it.in_approval),
    Look("offer", None, lambda it: it.open_offer),
    Look("offer-change-asked", None, lambda it: f"{it.open_offer}?asked"),
    Look("offer-accepted", None, lambda it: it.accepted_offer),
    Look("offer-declined", None, lambda it: it.declined_offer),
    Look("inbox", "approver", lambda _: places.INBOX),
    Look("inbox-manager", "manager", lambda _: f"{places.INBOX}?state=any"),
    Look("inbox-empty", "approver", lambda _: f"{places.INBOX}?state=rejected"),
    Look("case-approver", "approver", lambda it: it.case),
    Look("case-seller", "seller", lambda it: it.case),
    Look("case-admin", "admin", lambda it: it.case),
    Look("not-found", "seller", lambda _: places.quote("Q-99999"), 404),
    Look("not-found-stranger", None, lambda it: f"{it.open_offer[:-1]}~", 404),
    Look("case-not-found", "approver", lambda _: places.case(UUID(int=0)), 404),
    Look("not-allowed", "analyst", lambda _: places.INBOX, 403),
)


@pytest.mark.parametrize("look", LOOKS, ids=[each.name for each in LOOKS])
def test_a_page_is_accessible_and_fits_its_window(look: Look, people: People, shown: Shown) -> None:
    person = people.signed_in(look.role) if look.role else people.stranger()
    answer = person.page.goto(look.path(shown), wait_until="load")
    assert answer is not None
    assert answer.status == look.status
    if look.status != 200:
        expect_status(person, look.status)
    assert person.page.locator("h1").count() == 1
    assert faults(person.page, WIDTHS, look.name) == []


@pytest.mark.parametrize("look", LOOKS, ids=[each.name for each in LOOKS])
def test_a_page_says_the_same_without_javascript(look: Look, people: People, shown: Shown) -> None:
    how = {"java_script_enabled": False}
    person = people.signed_in(look.role, **how) if look.role else people.stranger(**how)
    answer = person.page.goto(look.path(shown), wait_until="load")
    assert answer is not None
    assert answer.status == look.status
    if look.status != 200:
        expect_status(person, look.status)
    assert person.page.locator("main h1").is_visible()


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
        # From a script's own turn: what Playwright evaluates itself stands outside the policy.
        person.page.evaluate(plant)
        person.page.wait_for_timeout(200)
        assert any(said in each for each in person.complaints), person.complaints
        with pytest.raises(AssertionError):
            people.leave()
        person.complaints.clear()
