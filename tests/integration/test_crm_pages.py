"""The pages of opportunities as a browser meets them: sessions, filters, PostgreSQL behind."""

import html
import re
from datetime import date
from urllib.parse import urlencode

import pytest
from markupsafe import escape

from contracts import places
from contracts.opportunity import OpportunityLost
from infra.live import Changes
from tests.integration.crm_browser import EVERYBODY, Browser, log_of, records, text_of
from tests.integration.crm_service import Crm
from tests.unit.crm_projector.walks import Log, Walk

HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def browser(crm: Crm) -> Browser:
    return Browser(crm)


# ---- the list


def test_an_empty_list_says_so(browser):
    assert "No opportunity here" in text_of(browser.lists())
    assert "No opportunity here" in text_of(browser.lists(q="nothing of this name"))


@pytest.mark.parametrize(
    "path",
    ["/crm/opportunities?q=site&stage=Won", f"/crm/opportunities/{Log().deal_id}", places.WAITING],
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
    browser.crm.hear(log_of("OPP-2", next_follow_up=date(2026, 3, 3)).facts)
    page = browser.lists()
    for each in (
        "Example Telecom Sites of OPP-1 · gold, emea",
        "Proposal seller-1 30 Jun 2026 1 Mar 2026 overdue",
        "Q-1001 Presented €90,000.00",
        "Q-1002 Draft",
    ):
        assert each in text_of(page)
    assert text_of(page).count("overdue") == 2, "for wide windows and for phones"
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
    for path in (places.OPPORTUNITIES, places.opportunity(log.deal_id), places.WAITING):
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
        "Pending approval €90,000.00 25% approval an approver (appr-regional-1)",
        "Q-1001 Pending approval waits for approval: appr-regional-1",
        "1 of 2: regional appr-regional-1",
        "Q-1001, revision 1 Pending step 1 of 2: appr-regional-1, due",
    ):
        assert each in text_of(page)
    assert f'href="{places.case(walk.case_id)}"' in page


def test_nobody_sees_a_margin_on_these_pages(browser):
    walk = Walk(Log().open()).to_presented("approvers")
    browser.crm.hear(walk.log.facts)
    for role in EVERYBODY:
        for path in (places.OPPORTUNITIES, places.opportunity(walk.log.deal_id), places.WAITING):
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
    for path in (places.OPPORTUNITIES, places.opportunity(walk.log.deal_id), places.WAITING):
        page = browser.sees(path, "analyst")
        assert "Q-1001" in page
        assert 'href="/quotes/Q' not in page
        assert 'href="/approvals' not in page


def test_every_row_leads_to_its_facts_the_oldest_first(browser):
    walk = Walk(Log().open()).to_presented("approvers")
    browser.crm.hear(walk.log.facts)
    deal = walk.log.deal_id
    for role in EVERYBODY:
        assert f'href="{places.facts(deal)}"' in browser.sees(places.opportunity(deal), role)
        page = browser.sees(places.facts(deal), role)
        assert page.count('<tr id="fact-') == len(walk.log.facts)
        assert "argin" not in page
    words = text_of(page)
    assert "1. Opportunity opened" in words
    assert "Quote drafted" in words
    assert "Quote presented" in words
    assert 'href="#fact-1"' in page, "a fact names the one it follows from"
    unknown = browser.asks(places.facts(log_of("OPP-9").deal_id))
    assert unknown.status_code == 404


def test_an_unknown_opportunity_is_a_page_that_says_so(browser):
    answer = browser.asks(places.opportunity(Log().deal_id))
    assert answer.status_code == 404
    assert "There is no opportunity of this id here" in text_of(answer.text)


def test_programs_still_get_json_at_the_same_addresses(browser):
    browser.crm.hear(Log().open().facts)
    for path in ("/crm/opportunities", f"/crm/opportunities/{Log().deal_id}", places.WAITING):
        assert browser.crm.call("GET", path, "seller").json()


# ---- pages that stay open


def test_open_pages_are_told_of_each_deal_once(crm):
    changes = Changes(crm.plumbing.pool, "fact_log", "seq")
    assert changes.look() is None
    assert changes.look() == set()
    log = log_of("OPP-7")
    crm.hear(log.facts)
    assert changes.look() == {str(log.deal_id), "*"}
    assert changes.look() == set()
