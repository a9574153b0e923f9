"""Signing in and out in a real browser."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from contracts import places
from infra.auth import Audience, Pass, mint
from infra.cookies import SESSION
from infra.keys import SigningKey
from infra.signing_in import LIFETIME
from quotewright.client import token_for
from tests.e2e.place import Place
from tests.pages.browsers import APPROVER, People, cookie_of, expect_status, send


class TestSigningIn:
    """From the list of the demo, or with a token."""

    def test_a_stranger_comes_back_to_where_he_wanted_to_go(self, people: People) -> None:
        person = people.stranger()
        person.goes(f"{places.INBOX}?show=all&state=any")
        assert person.page.url.startswith(f"{person.url}{places.SIGN_IN}?next=")
        person.page.click(f'button[value="{APPROVER}"]')
        person.page.wait_for_url(f"{person.url}{places.INBOX}?show=all&state=any")
        assert person.page.locator(".me").inner_text() == APPROVER

    def test_without_a_wish_he_comes_to_the_opportunities(self, people: People) -> None:
        person = people.stranger()
        person.goes(places.SIGN_IN)
        person.page.click('button[value="seller-1"]')
        person.page.wait_for_url(f"{person.url}{places.OPPORTUNITIES}")

    def test_the_list_holds_the_people_of_the_demo(self, people: People, house: Place) -> None:
        person = people.stranger()
        person.goes(places.SIGN_IN)
        listed = person.page.locator('button[name="person"]').all()
        known = house.stage.laptop.values()["demo_people"]
        assert [each.get_attribute("value") for each in listed] == list(known)
        assert {role for roles in known.values() for role in roles} == {
            *("seller", "approver", "manager", "analyst", "admin")
        }

    def test_a_token_of_the_company_signs_in(self, people: People, house: Place) -> None:
        person = people.stranger()
        person.goes(places.SIGN_IN)
        token = token_for(house.stage.laptop.home, "somebody-9", ["analyst"])
        person.page.get_by_label("Access token").fill(token)
        person.page.get_by_role("button", name="Sign in", exact=True).click()
        person.page.wait_for_url(f"{person.url}{places.OPPORTUNITIES}")
        assert person.page.locator(".me").inner_text() == "somebody-9"

    @pytest.mark.parametrize("kind", ["nonsense", "another key", "expired"])
    def test_a_wrong_token_is_refused_on_the_same_page(
        self, kind: str, people: People, house: Place, tmp_path: Path
    ) -> None:
        person = people.stranger()
        person.goes(f"{places.SIGN_IN}?next={places.INBOX}")
        person.page.get_by_label("Access token").fill(wrong_token(kind, house, tmp_path))
        person.page.get_by_role("button", name="Sign in", exact=True).click()
        expect(person.page.get_by_role("alert")).to_be_focused()
        expect_status(person, 422)
        assert cookie_of(person) is None
        assert person.page.locator('input[name="next"]').first.input_value() == places.INBOX
        assert person.page.get_by_label("Access token").input_value() == "", "never sent back"

    def test_who_is_not_in_the_list_is_refused(self, house: Place) -> None:
        answer = send(house, places.SIGN_IN, {"person": "somebody-9"})
        assert answer.status_code == 422
        assert "set-cookie" not in answer.headers
        assert "Choose a person of the list" in answer.text

    @pytest.mark.parametrize(
        "wanted",
        [
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\r\nlocation: //evil.example",
            "evil.example",
            "",
        ],
    )
    def test_next_never_leads_out_of_the_house(self, wanted: str, people: People) -> None:
        person = people.stranger()
        person.goes(f"{places.SIGN_IN}?{httpx.QueryParams(next=wanted)}")
        person.page.click('button[value="seller-1"]')
        person.page.wait_for_url(f"{person.url}{places.OPPORTUNITIES}")


def wrong_token(kind: str, house: Place, folder: Path) -> str:
    """Return a token that must not sign in."""
    settings = house.stage.laptop.settings()
    audience = Audience(settings.jwt_issuer, settings.jwt_audience)
    now = datetime.now(UTC)
    if kind == "another key":
        key = SigningKey.create(folder / "key.pem")
        return mint(key, Pass("seller-1", ["seller"]), audience, now)
    if kind == "expired":
        key = SigningKey.load(house.stage.laptop.key_path)
        return mint(key, Pass("seller-1", ["seller"]), audience, now - timedelta(hours=9))
    return "nonsense"


class TestSession:
    """The cookie, and its end."""

    def test_no_script_and_no_other_site_gets_the_cookie(self, people: People) -> None:
        person = people.signed_in("seller")
        person.goes(places.OPPORTUNITIES)
        cookie = cookie_of(person)
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/")
        assert 0 < cookie["expires"] - time.time() <= LIFETIME.total_seconds()
        assert SESSION not in person.page.evaluate("document.cookie")

    def test_who_signs_out_is_out(self, people: People) -> None:
        person = people.stranger()
        person.signs_in("seller-1", places.OPPORTUNITIES)
        person.presses("Sign out")
        person.page.wait_for_url(f"{person.url}{places.SIGN_IN}")
        assert cookie_of(person) is None
        person.goes(places.OPPORTUNITIES)
        assert person.page.url.startswith(f"{person.url}{places.SIGN_IN}?next=")

    def test_going_back_after_signing_out_shows_nothing(self, people: People) -> None:
        person = people.stranger()
        person.signs_in("seller-1", places.OPPORTUNITIES)
        person.presses("Sign out")
        person.page.wait_for_url(f"{person.url}{places.SIGN_IN}")
        person.page.go_back(wait_until="load")
        assert person.page.locator(".me").count() == 0

    def test_a_session_out_of_date_is_asked_to_sign_in_again(
        self, people: People, house: Place, tmp_path: Path
    ) -> None:
        person = people.stranger()
        old = wrong_token("expired", house, tmp_path)
        person.page.context.add_cookies([{"name": SESSION, "value": old, "url": person.url}])
        person.goes(places.OPPORTUNITIES)
        assert person.page.url.startswith(f"{person.url}{places.SIGN_IN}?next=")
        person.page.click('button[value="seller-1"]')
        person.page.wait_for_url(f"{person.url}{places.OPPORTUNITIES}")
