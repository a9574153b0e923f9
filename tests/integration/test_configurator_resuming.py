"""The guided page over real PostgreSQL: answers outlive a reload, a device, and what goes wrong."""

import html
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from contracts import places
from infra.cookies import form_token
from services.configurator import sessions as kept
from tests.integration.configurator_sessions import SESSIONS, Configurator, running
from tests.unit.configurator.guide import DEAL, NR, text_of

NEW = places.first_item(DEAL)
BEGUN = {"product": "base_station", "quantity": "1"}


@pytest.fixture
def service(make_database: Any, clock: Any, tmp_path: Any) -> Iterator[Configurator]:
    with running(make_database, clock, tmp_path) as found:
        yield found


def hidden(page: httpx.Response, *names: str) -> dict[str, str]:
    """The hidden fields of these names, as the page was drawn."""
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    return {name: html.unescape(found[name]) for name in names}


def post(service: Configurator, fields: dict[str, str], path: str = NEW) -> httpx.Response:
    page = service.browses("seller-1", "POST", path, {**BEGUN, **fields})
    assert page.status_code == 200, page.text
    return page


def going_on(page: httpx.Response) -> dict[str, str]:
    return hidden(page, "session", "seen", "once")


def answers(service: Configurator, session: str) -> dict[str, Any]:
    found = service.asks("seller-1", "GET", f"{SESSIONS}/{session}").json()
    return {each["attribute"]: each["value"] for each in found["decisions"]}


def is_chosen(page: httpx.Response, option: str) -> bool:
    """Say whether an answer is given, in the list of its question or in a folded one."""
    attribute, _, value = option.partition("-")
    if f'id="o-{option}"' in page.text:
        return bool(re.search(rf'id="o-{option}"[^>]* checked', page.text))
    return f'<input type="hidden" name="a-{attribute}" value="{value}">' in page.text


class TestResuming:
    """What was answered is there again."""

    def test_answers_are_kept_from_the_first_on(self, service: Configurator) -> None:
        page = post(service, {"a-station_type": "macro"})
        session = going_on(page)["session"]
        post(service, {"a-station_type": "macro", "a-technology": "nr", **going_on(page)})
        assert answers(service, session) == {"station_type": "macro", "technology": "nr"}

    def test_looking_at_a_product_keeps_nothing(self, service: Configurator) -> None:
        post(service, {})
        assert service.asks("seller-1", "GET", SESSIONS).json() == []

    def test_another_device_is_offered_to_go_on_and_does(self, service: Configurator) -> None:
        post(service, {"a-station_type": "micro"})
        for address in (NEW, f"{NEW}?product=base_station"):
            first = service.browses("seller-1", "GET", address)
            assert "You began this on" in text_of(first)
            assert not is_chosen(first, "station_type-micro")
        (link,) = re.findall(r'<a href="([^"]*session=[^"]*)">', first.text)
        again = service.browses("seller-1", "GET", html.unescape(link))
        assert is_chosen(again, "station_type-micro")
        assert "You began this on" not in text_of(again)

    def test_a_script_is_told_the_address_that_a_reload_goes_on_from(
        self, service: Configurator
    ) -> None:
        token = service.token("seller-1")
        fields = {"form_token": form_token(token), **BEGUN, "a-station_type": "micro"}
        headers = {"accept": "text/html", "cookie": f"qw_session={token}", "hx-request": "true"}
        page = service.sends("POST", NEW, headers=headers, data=fields)
        again = service.browses("seller-1", "GET", page.headers["hx-replace-url"])
        assert is_chosen(again, "station_type-micro")

    def test_a_form_drawn_before_takes_nothing_back_from_another_device(
        self, service: Configurator
    ) -> None:
        first = going_on(post(service, {"a-station_type": "macro"}))
        post(service, {"a-station_type": "macro", "a-technology": "nr", **first})
        late = post(service, {"a-station_type": "micro", **first, "once": "once-0002"})
        assert answers(service, first["session"]) == {"station_type": "micro", "technology": "nr"}
        assert is_chosen(late, "technology-nr")

    def test_the_same_form_sent_twice_is_one_entry(self, service: Configurator) -> None:
        fields = {"a-station_type": "macro", "once": "once-0001"}
        first, again = (going_on(post(service, fields)) for _ in range(2))
        assert (first["session"], first["seen"]) == (again["session"], again["seen"])
        assert len(service.asks("seller-1", "GET", SESSIONS).json()) == 1

    def test_the_last_answer_is_undone_and_done_again(self, service: Configurator) -> None:
        page = post(service, {"a-station_type": "macro"})
        fields = {"a-station_type": "macro", "a-technology": "nr"}
        page = post(service, {**fields, **going_on(page)})
        undone = post(service, {**fields, **going_on(page), "intent": "undo"})
        assert is_chosen(undone, "station_type-macro")
        assert not is_chosen(undone, "technology-nr")
        again = post(service, {"a-station_type": "macro", **going_on(undone), "intent": "redo"})
        assert is_chosen(again, "technology-nr")

    def test_a_mistake_in_one_field_takes_its_answer_not_back(self, service: Configurator) -> None:
        model = service.asks("seller-1", "GET", "/configurator/products/base_station").json()
        number = next(each["id"] for each in model["attributes"] if each["kind"] == "integer")
        low = next(each["range"][0] for each in model["attributes"] if each["id"] == number)
        page = post(service, {f"a-{number}": str(low)})
        kept_as = going_on(page)
        post(service, {f"a-{number}": "many", **kept_as})
        assert answers(service, kept_as["session"]) == {number: low}


class TestPuttingIn:
    """A session ends where its item stands in a quote."""

    def test_a_session_is_over_once_its_item_is_in_the_quote(self, service: Configurator) -> None:
        page = post(service, NR)
        session = going_on(page)
        fields = {**BEGUN, **NR, **session, "intent": "save"}
        done = service.browses("seller-1", "POST", NEW, fields)
        assert done.status_code == 303
        found = service.asks("seller-1", "GET", f"{SESSIONS}/{session['session']}").json()
        assert (found["submitted"]["quote"], found["can_undo"]) == ("Q-1001", False)
        path = f"{SESSIONS}/{session['session']}/undo"
        refused = service.asks("seller-1", "POST", path)
        assert refused.json()["code"] == "configuration.session_submitted"
        assert "You began this on" not in text_of(service.browses("seller-1", "GET", NEW))

    def test_a_second_window_does_not_put_the_same_configuration_into_another_quote_unasked(
        self, service: Configurator
    ) -> None:
        page = post(service, NR)
        form = {**BEGUN, **NR, **going_on(page), "intent": "save"}
        first = service.browses("seller-1", "POST", NEW, {**form, "once": "once-0001"})
        assert first.status_code == 303
        wrote = len(service.peers.wrote())
        again = service.browses("seller-1", "POST", NEW, {**form, "once": "once-0002"})
        assert again.status_code == 422
        assert "was put into Q-1001 already" in text_of(again)
        assert len(service.peers.wrote()) == wrote
        looks = {**form, "once": "once-0003", "intent": "show", "quantity": "2"}
        assert "was put into Q-1001 already" in text_of(post(service, looks))
        # Who was told so, and wants it, gets a further quote; what is sent again stays what it was.
        wanted = {**form, **going_on(again)}
        assert service.browses("seller-1", "POST", NEW, wanted).status_code == 303
        same = service.browses("seller-1", "POST", NEW, {**form, "once": "once-0001"})
        assert same.status_code == 303

    def test_what_can_not_be_kept_can_be_put_into_the_quote_all_the_same(
        self, service: Configurator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(kept, "SESSIONS_MAX", 0)
        page = post(service, NR)
        assert "The answers are not kept" in text_of(page)
        fields = {**BEGUN, **NR, "once": "once-0009", "intent": "save"}
        assert service.browses("seller-1", "POST", NEW, fields).status_code == 303

    def test_a_session_of_somebody_else_in_the_form_is_not_touched(
        self, service: Configurator
    ) -> None:
        theirs = service.decides(service.begins("other-1"), "other-1", station_type="macro")
        page = post(service, {"a-station_type": "micro", "session": theirs["session_id"]})
        assert going_on(page)["session"] != theirs["session_id"]
        same = service.asks("other-1", "GET", f"{SESSIONS}/{theirs['session_id']}").json()
        assert same["revision"] == theirs["revision"]
        link = places.resumed(NEW, "base_station", theirs["session_id"])
        assert service.browses("seller-1", "GET", link).status_code == 404


class TestListing:
    """The page of one's own configurations."""

    def test_one_finds_copies_compares_and_forgets(self, service: Configurator) -> None:
        page = post(service, {"a-station_type": "macro", "label": "North <b>"})
        first = going_on(page)["session"]
        form = hidden(service.browses("seller-1", "GET", SESSIONS), "once")
        copied = service.browses("seller-1", "POST", f"{SESSIONS}/{first}/copy", form)
        assert (copied.status_code, copied.headers["location"]) == (303, SESSIONS)
        listed = service.asks("seller-1", "GET", SESSIONS).json()
        (copy,) = [each["session_id"] for each in listed if each["session_id"] != first]
        post(service, {"a-station_type": "micro", "session": copy, "seen": "1"})
        shown = service.browses("seller-1", "GET", SESSIONS)
        assert shown.text.count("North &lt;b&gt;</h2>") == 2
        two = f"{SESSIONS}/compare?left={first}&right={copy}"
        compared = text_of(service.browses("seller-1", "GET", two))
        assert "Macro" in compared and "Micro" in compared
        service.browses("seller-1", "POST", f"{SESSIONS}/{first}/forget", form)
        assert first not in service.browses("seller-1", "GET", SESSIONS).text
        assert service.browses("seller-1", "GET", two).status_code == 404

    def test_others_see_none_of_it(self, service: Configurator) -> None:
        post(service, {"a-station_type": "macro"})
        assert "No configurations yet" in text_of(service.browses("other-1", "GET", SESSIONS))
