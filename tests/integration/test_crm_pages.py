"""The pages of crm_projector as a browser meets them: sessions, filters, PostgreSQL behind."""

import asyncio
import html
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from markupsafe import escape

from contracts import places
from contracts.opportunity import OpportunityDetails, OpportunityLost, OpportunityWon
from infra.auth import Audience, Pass, mint
from tests.integration.crm_service import Crm
from tests.unit.crm_projector.walks import T0, Log, Walk, eur

EVERYBODY = ("seller", "approver", "manager", "analyst", "admin")
HOSTILE = '"><script>alert(1)</script>'


class Browser:
    """Somebody at a browser before the service; his session is a cookie."""

    def __init__(self, crm: Crm) -> None:
        self.crm = crm

    def asks(self, path: str, role: str | None = "seller") -> httpx.Response:
        settings, cookies = self.crm.settings, {}
        if role:
            audience = Audience(settings.jwt_issuer, settings.jwt_audience)
            now = self.crm.clock()
            cookies = {"qw_session": mint(self.crm.key, Pass(f"{role}-1", [role]), audience, now)}

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.crm.app)
            headers = {"accept": "text/html", "accept-language": "en-GB"}
            async with httpx.AsyncClient(
                transport=transport, base_url="http://test", cookies=cookies
            ) as client:
                return await client.get(path, headers=headers)

        return asyncio.run(ask())

    def sees(self, path: str, role: str = "seller") -> str:
        answer = self.asks(path, role)
        assert answer.status_code == 200, answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        return answer.text

    def lists(self, role: str = "seller", **asked: Any) -> str:
        return self.sees(f"{places.OPPORTUNITIES}?{urlencode(asked)}", role)


@pytest.fixture
def browser(crm: Crm) -> Browser:
    return Browser(crm)


def text_of(page: str) -> str:
    """The words of a page's main part, as one line."""
    main = page[page.index("<main") :]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


def records(page: str) -> list[str]:
    """The record ids of the opportunities that a list shows, in its order."""
    return re.findall(r"Sites of (OPP-[\w-]+)", page)


@dataclass
class Particular(Log):
    """A log whose details are not those of every other."""

    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def details(self) -> OpportunityDetails:
        return super().details.model_copy(update=self.changes)


def log_of(record: str, **changes: Any) -> Log:
    """An opportunity that begins at an hour of its own."""
    starts = T0 + timedelta(hours=int(record[-1]))
    return Particular(record, starts=starts, changes=changes).open()


# ---- the list


def test_an_empty_list_says_so(browser):
    assert "No opportunity here" in text_of(browser.lists())
    assert "No opportunity here" in text_of(browser.lists(q="nothing of this name"))


@pytest.mark.parametrize(
    "path",
    ["/crm/opportunities?q=site&stage=Won", f"/crm/opportunities/{Log().deal_id}", "/crm/waiting"],
)
def test_a_stranger_is_sent_to_sign_in_and_comes_back(browser, path):
    answer = browser.asks(path, None)
    assert answer.status_code == 303
    back = {"next": path}
    assert answer.headers["location"] == f"{places.SIGN_IN}?{urlencode(back)}"


def test_the_list_shows_each_opportunity_with_its_quotes(browser):
    walk = Walk(log_of("OPP-1", next_follow_up=date(2026, 3, 1))).to_presented()
    Walk(walk.log, "Q-1002").draft()
    browser.crm.hear(walk.log.facts)
    page = browser.lists()
    for each in (
        "Example Telecom Sites of OPP-1 · gold, emea",
        "Proposal seller-1 30 Jun 2026 1 Mar 2026 overdue",
        "Q-1001 Presented €90,000.00",
        "Q-1002 Draft",
    ):
        assert each in text_of(page)
    assert f'href="{places.opportunity(walk.log.deal_id)}"' in page
    assert f'href="{places.quote("Q-1001")}"' in page


def test_every_filter_stands_in_the_address_and_in_its_field(browser):
    one = Walk(log_of("OPP-1", next_follow_up=date(2026, 3, 1))).to_presented().log
    two = log_of("OPP-2", owner_id="seller-2", stage="Qualify", region="apac", currency="USD")
    two.crm(OpportunityLost, reason="price")
    for each in (one, two):
        browser.crm.hear(each.facts)
    assert records(browser.lists()) == ["OPP-2", "OPP-1"]  # the last changed first
    for asked in (
        {"q": "of opp-1"},
        {"q": "OPP-1"},
        {"owner": "seller-1"},
        {"stage": "Proposal"},
        {"outcome": "open"},
        {"region": "emea"},
        {"follow_up_by": "2026-03-02"},
        {"quote_status": "Presented"},
        {"currency": "EUR"},
        {"presented_in": "2026-03-31"},
        {"presented_in": "2026-03-01", "presented_currency": "EUR", "quoted_tier": "gold"},
    ):
        page = browser.lists(**asked)
        assert records(page) == ["OPP-1"], asked
        for name, value in asked.items():
            field = rf'name="{name}"[^>]*value="{value}"|<option value="{value}" selected'
            assert re.search(field, page), asked
    assert records(browser.lists(outcome="decided")) == ["OPP-2"]
    assert records(browser.lists(presented_in="2026-03-01", presented_currency="USD")) == []
    empty = dict.fromkeys(("q", "owner", "tier", "outcome", "follow_up_by", "quote_status"), "")
    assert records(browser.lists(**empty)) == ["OPP-2", "OPP-1"]  # as the form is sent


def test_pages_go_on_to_the_end_and_no_further(browser):
    for n in (1, 2, 3, 4):
        browser.crm.hear(log_of(f"OPP-{n}").facts)
    path, seen = f"{places.OPPORTUNITIES}?tier=gold&limit=2", []
    for _ in range(2):
        page = browser.sees(path)
        seen += records(page)
        assert text_of(page).endswith("Next page") == (len(seen) < 4)
        found = re.search(r'href="([^"]+)">Next page', page)
        path = html.unescape(found.group(1)) if found else ""
    assert (seen, path) == (["OPP-4", "OPP-3", "OPP-2", "OPP-1"], "")


@pytest.mark.parametrize("text", [HOSTILE, "' OR 1=1 --", "100%", "_", "{{ 7 * 7 }}", "\u202e"])
def test_what_is_searched_for_stays_text(browser, text):
    browser.crm.hear(log_of("OPP-1").facts)
    page = browser.lists(q=text, owner=text)
    assert records(page) == []
    assert f'value="{escape(text)}"' in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("query", ["q=%00", "outcome=maybe", "limit=0", "x=1"])
def test_a_filter_that_can_not_be_is_refused_as_a_page(browser, query):
    answer = browser.asks(f"{places.OPPORTUNITIES}?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"].startswith("text/html")


def test_names_from_a_crm_are_shown_as_text(browser):
    log = log_of("OPP-1", account_name=HOSTILE, name=HOSTILE, stage=HOSTILE, owner_id=HOSTILE)
    Walk(log).to_presented()
    browser.crm.hear(log.facts)
    for path in (places.OPPORTUNITIES, places.opportunity(log.deal_id), "/crm/waiting"):
        page = browser.sees(path, "manager")
        assert "&lt;script&gt;alert" in page
        assert "<script>alert" not in page
    assert "<script>alert" not in browser.sees(places.OVERVIEW, "manager")


# ---- one opportunity


def test_an_opportunity_shows_its_quotes_and_approvals(browser):
    walk = Walk(Log().open()).draft().configure().price()
    walk.ask_approvers(walk.submit())
    browser.crm.hear(walk.log.facts)
    page = browser.sees(places.opportunity(walk.log.deal_id))
    for each in (
        "Q-1001 Pending approval €90,000.00 25% approval an approver (appr-regional-1)",
        "Q-1001, revision 1 Pending 1 of 2: regional appr-regional-1",
    ):
        assert each in text_of(page)
    assert f'href="{places.case(walk.case_id)}"' in page


def test_nobody_sees_a_margin_on_these_pages(browser):
    walk = Walk(Log().open()).to_presented("approvers")
    browser.crm.hear(walk.log.facts)
    for role in EVERYBODY:
        for path in (places.OPPORTUNITIES, places.opportunity(walk.log.deal_id), "/crm/waiting"):
            page = browser.sees(path, role)
            assert "argin" not in page
            assert "33.33" not in page
            assert "30,000" not in page


def test_sellers_and_admins_draft_a_quote_as_long_as_the_deal_takes_one(browser):
    walk = Walk(Log().open())
    browser.crm.hear(walk.log.facts)
    path = places.opportunity(walk.log.deal_id)
    form = f'action="/quotes/deals/{walk.log.deal_id}/quotes"'
    who = {role for role in EVERYBODY if form in browser.sees(path, role)}
    assert who == {"seller", "admin"}
    page = browser.sees(path)
    assert re.search(r'name="form_token" value="[\w-]{20,}"', page)
    assert re.search(r'name="once" value="[\w-]{8,}"', page)
    assert "Draft a quote" in page
    walk.to_presented().accept()
    browser.crm.hear(walk.log.facts)
    assert form not in browser.sees(path)


def test_analysts_are_given_no_links_that_they_may_not_follow(browser):
    walk = Walk(Log().open()).to_presented("approvers")
    browser.crm.hear(walk.log.facts)
    for path in (places.OPPORTUNITIES, places.opportunity(walk.log.deal_id), "/crm/waiting"):
        page = browser.sees(path, "analyst")
        assert "Q-1001" in page
        assert 'href="/quotes/Q' not in page
        assert 'href="/approvals' not in page


def test_an_unknown_opportunity_is_a_page_that_says_so(browser):
    answer = browser.asks(places.opportunity(Log().deal_id))
    assert answer.status_code == 404
    assert "There is no opportunity of this id here" in text_of(answer.text)


def test_programs_still_get_json_at_the_same_addresses(browser):
    browser.crm.hear(Log().open().facts)
    for path in ("/crm/opportunities", f"/crm/opportunities/{Log().deal_id}", "/crm/waiting"):
        assert browser.crm.call("GET", path, "seller").json()


# ---- what waits


def test_what_waits_is_listed_by_who_can_move_it_longest_first(browser):
    assert "Nothing waits" in text_of(browser.sees("/crm/waiting"))
    first, second = Walk(log_of("OPP-1"), "Q-1001"), Walk(log_of("OPP-2"), "Q-1002")
    third = Walk(log_of("OPP-3"), "Q-1003")
    for each in (second.to_presented(), first.draft(), third.to_presented()):
        browser.crm.hear(each.log.facts)
    page = browser.sees("/crm/waiting?limit=2")
    assert re.findall(r"Q-\d+(?=</a>)", page) == ["Q-1001", "Q-1002"]
    assert "a configuration the seller seller-1 2 Mar 2026" in text_of(page)
    found = re.search(r'href="([^"]+)">Next page', page)
    assert found
    rest = browser.sees(html.unescape(found.group(1)))
    assert re.findall(r"Q-\d+(?=</a>)", rest) == ["Q-1003"]
    assert "Next page" not in rest
    mine = browser.sees("/crm/waiting?who=customer&waits_for=answer&owner=")
    assert re.findall(r"Q-\d+(?=</a>)", mine) == ["Q-1002", "Q-1003"]
    assert '<option value="customer" selected>' in mine


# ---- the overview


def test_an_empty_overview_says_so(browser):
    words = text_of(browser.sees(places.OVERVIEW, "manager"))
    for each in ("Nothing is open", "No opportunity yet", "Nothing was presented", "Nothing waits"):
        assert each in words


def test_the_overview_is_for_managers_analysts_and_admins(browser):
    allowed = {each for each in EVERYBODY if browser.asks(places.OVERVIEW, each).is_success}
    assert allowed == {"manager", "analyst", "admin"}
    menu = {each for each in EVERYBODY if ">Overview</a>" in browser.lists(each)}
    assert menu == allowed


def test_every_number_of_the_overview_leads_to_as_many_rows(browser):
    won = Walk(log_of("OPP-1")).to_presented().log
    won.crm(OpportunityWon)
    lost = Walk(log_of("OPP-2"), "Q-2").to_presented().log
    lost.crm(OpportunityLost, reason="price")
    later = log_of("OPP-3", stage="Qualify & plan", currency="USD", amount=None)
    alternative = Walk(log_of("OPP-4"), "Q-3", net=eur("60000")).to_presented()
    for log in (won, lost, later, alternative.log):
        browser.crm.hear(log.facts)
    page = browser.sees(places.OVERVIEW, "analyst")
    links = re.findall(r'<a href="(/crm/[^"]+\?[^"]+)">(\d+)</a>', page)
    assert len(links) == 2 + 4 + 1 + len(re.findall(r"/crm/waiting\?[^\"]+waits_for", page))
    for path, n in links:
        rows = browser.sees(html.unescape(path), "analyst")
        assert rows.count('<th scope="row">') == int(n), path
    words = text_of(page)
    assert "gold few 50% 9.5% to 90.5% 2 1 1 2" in words
    assert "Mar 2026 EUR 3 33.3% 33.3% €360,000.00 €240,000.00" in words
    assert "Qualify & plan 1 1 in USD without an amount" in words
    assert "Proposal 1 €250,000.00" in words


def test_charts_are_drawings_with_names_and_no_styles_of_their_own(browser):
    browser.crm.hear(Walk(Log().open()).to_presented().accept().log.facts)
    page = browser.sees(places.OVERVIEW, "manager")
    assert len(re.findall(r'<svg [^>]*role="img" aria-label="[^"]{20,}"', page)) == 2
    assert " style=" not in page
    assert "<style" not in page
