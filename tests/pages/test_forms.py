"""What forged, foreign and plain requests meet, in a real browser and on the wire."""

import httpx
import pytest

from contracts import places
from infra.cookies import FORM_TOKEN, SESSION, form_token
from quotewright.client import token_for
from tests.e2e.place import Place, deal_of
from tests.pages.browsers import People, Person, cookie_of, expect_status, send


@pytest.fixture
def session(house: Place) -> str:
    """A seller's session."""
    return token_for(house.stage.laptop.home, "seller-1", ["seller"])


@pytest.fixture
def drafts(house: Place) -> str:
    """Where a seller drafts a quote of a deal that has none."""
    record = house.opens()
    house.drafts(record)
    return f"/quotes/deals/{deal_of(record)}/quotes"


def drafted(house: Place, path: str) -> int:
    """Return how many quotes the deal has."""
    return len(house.seller.get(path.removesuffix("/quotes"))["quotes"])


class TestForms:
    """A form counts only from a page of ours, in the session that is signed in."""

    def test_a_form_without_its_token_is_refused_in_a_page(
        self, people: People, house: Place, drafts: str
    ) -> None:
        # With scripts the page's stream would soon draw the form anew, token and all.
        person = people.signed_in("seller", java_script_enabled=False)
        person.goes(
            places.OPPORTUNITIES + drafts.removeprefix("/quotes/deals").removesuffix("/quotes")
        )
        person.page.evaluate(f"document.querySelector('main [name={FORM_TOKEN}]').remove()")
        person.presses("Draft an alternative")
        person.sees("The form is out of date")
        expect_status(person, 403)
        assert drafted(house, drafts) == 1

    @pytest.mark.parametrize(
        ("token", "status"),
        [("mine", 303), ("none", 403), ("another's", 403), ("empty", 403), ("é", 403)],
    )
    def test_only_the_token_of_the_own_session_counts(
        self, token: str, status: int, house: Place, session: str, drafts: str
    ) -> None:
        other = token_for(house.stage.laptop.home, "seller-2", ["seller"])
        given = {"mine": form_token(session), "another's": form_token(other), "empty": ""}
        fields = {} if token == "none" else {FORM_TOKEN: given.get(token, token)}
        assert send(house, drafts, fields, session).status_code == status
        assert drafted(house, drafts) == (2 if status == 303 else 1)

    @pytest.mark.parametrize(
        ("site", "status"),
        [("same-origin", 303), ("none", 303), ("cross-site", 403), ("same-site", 403)],
    )
    def test_a_form_of_another_site_is_refused_even_with_the_right_token(
        self, site: str, status: int, house: Place, session: str, drafts: str
    ) -> None:
        fields = {FORM_TOKEN: form_token(session)}
        answer = send(house, drafts, fields, session, sec_fetch_site=site)
        assert answer.status_code == status
        assert drafted(house, drafts) == (2 if status == 303 else 1)

    def test_another_site_can_not_sign_anybody_in(self, people: People) -> None:
        person = people.stranger()
        attack(person, places.SIGN_IN, {"person": "seller-1"})
        person.sees("The form is out of date")
        expect_status(person, 403)
        assert cookie_of(person) is None

    def test_another_site_can_not_act_in_a_session(
        self, people: People, house: Place, drafts: str
    ) -> None:
        person = people.signed_in("seller")
        attack(person, drafts, {FORM_TOKEN: form_token(cookie_of(person)["value"])})
        person.page.wait_for_url(f"{person.url}{places.SIGN_IN}")
        assert drafted(house, drafts) == 1, "the browser keeps the cookie back: SameSite"

    def test_another_site_can_not_sign_anybody_out(self, people: People) -> None:
        person = people.signed_in("seller")
        attack(person, places.SIGN_OUT, {})
        person.sees("The form is out of date")
        expect_status(person, 403)
        assert cookie_of(person) is not None


def attack(person: Person, path: str, fields: dict[str, str]) -> None:
    """Let somebody send a form from a page of another site."""
    inputs = "".join(f'<input name="{name}" value="{fields[name]}">' for name in fields)
    body = f'<form method="post" action="{person.url}{path}">{inputs}<button>Win</button></form>'
    head = '<!doctype html><link rel="icon" href="data:,">'
    person.page.route(
        "http://evil.example/",
        lambda route: route.fulfill(body=head + body, content_type="text/html"),
    )
    person.goes("http://evil.example/")
    person.presses("Win")


class TestPrograms:
    """Clients that speak JSON go on as before; a cookie gives them nothing unasked."""

    @pytest.mark.parametrize("cookie", ["none", "garbage", "another's"])
    def test_who_sends_a_bearer_needs_no_form_token_whatever_the_cookie(
        self, cookie: str, house: Place, session: str, drafts: str
    ) -> None:
        other = token_for(house.stage.laptop.home, "analyst-1", ["analyst"])
        given = {"garbage": f'{SESSION}=x; a="', "another's": f"{SESSION}={other}"}
        headers = {"cookie": given[cookie]} if cookie in given else {}
        answer = post_json(house, drafts, {"authorization": f"Bearer {session}", **headers})
        assert answer.status_code == 201, answer.text
        assert answer.headers["content-type"] == "application/json"

    @pytest.mark.parametrize(("token", "status"), [("mine", 201), ("wrong", 403), (None, 403)])
    def test_json_in_a_session_needs_the_form_token_as_a_header(
        self, token: str | None, status: int, house: Place, session: str, drafts: str
    ) -> None:
        headers = {"cookie": f"{SESSION}={session}"}
        if token:
            headers["x-form-token"] = form_token(session) if token == "mine" else token
        answer = post_json(house, drafts, headers)
        assert answer.status_code == status, answer.text
        if status == 403:
            assert answer.json()["code"] == "form.refused"
            assert answer.headers["content-type"] == "application/problem+json"
            assert drafted(house, drafts) == 1

    @pytest.mark.parametrize("accept", ["application/json", "*/*"])
    def test_a_stranger_is_told_so_and_not_sent_to_a_page(self, accept: str, house: Place) -> None:
        answer = httpx.get(
            house.stage.url + places.OPPORTUNITIES, headers={"accept": accept}, trust_env=False
        )
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == "Bearer"


def post_json(house: Place, path: str, headers: dict[str, str]) -> httpx.Response:
    """Draft a quote as a program does."""
    return httpx.post(house.stage.url + path, json={"items": []}, headers=headers, trust_env=False)
