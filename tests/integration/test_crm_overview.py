"""What waits, and the overview, as a browser meets them, with PostgreSQL behind."""

import html
import re

import pytest

from contracts import places
from contracts.opportunity import OpportunityLost, OpportunityWon
from tests.integration.crm_browser import EVERYBODY, Browser, log_of, records, text_of
from tests.integration.crm_service import Crm
from tests.unit.crm_projector.walks import Log, Walk, eur


@pytest.fixture
def browser(crm: Crm) -> Browser:
    return Browser(crm)


# ---- what waits


def test_what_waits_is_listed_by_who_can_move_it_longest_first(browser):
    assert "Nothing waits" in text_of(browser.sees(places.WAITING))
    first, second = Walk(log_of("OPP-1"), "Q-1001"), Walk(log_of("OPP-2"), "Q-1002")
    third = Walk(log_of("OPP-3"), "Q-1003")
    for each in (second.to_presented(), first.draft(), third.to_presented()):
        browser.crm.hear(each.log.facts)
    page = browser.sees("/crm/waiting?limit=2")
    assert re.findall(r"Q-\d+(?=</a>)", page) == ["Q-1001", "Q-1002"]
    assert "a configuration seller-1, since 2 Mar 2026" in text_of(page), "on phones"
    assert "the seller seller-1 2 Mar 2026" in text_of(page)
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


def test_everybody_inside_has_what_waits_in_the_menu(browser):
    for role in EVERYBODY:
        assert f'href="{places.WAITING}" aria-current="page"' in browser.sees(places.WAITING, role)


def leads(page: str) -> list[tuple[str, str]]:
    """Every link of the figures: where it leads, and what it says."""
    found = re.findall(r'<a href="(/crm/[^"]+\?[^"]+)">([^<]+)</a>', page)
    return [(html.unescape(path), words) for path, words in found]


def test_every_number_of_the_overview_leads_to_its_rows(browser):
    won = Walk(log_of("OPP-1")).to_presented().log
    won.crm(OpportunityWon)
    lost = Walk(log_of("OPP-2"), "Q-2").to_presented().log
    lost.crm(OpportunityLost, reason="price")
    later = log_of("OPP-3", stage="Qualify & plan", currency="USD", amount=None)
    alternative = Walk(log_of("OPP-4"), "Q-3", net=eur("60000")).to_presented()
    for log in (won, lost, later, alternative.log):
        browser.crm.hear(log.facts)
    page = browser.sees(places.OVERVIEW, "analyst")
    rows = {
        path: browser.sees(path, "analyst").count('<th scope="row">') for path, _ in leads(page)
    }
    counts = [(path, int(words)) for path, words in leads(page) if words.isdigit()]
    assert [(path, rows[path]) for path, _ in counts] == counts
    assert len(counts) == 3 + 4 + 1 + 2 + 2, "pipeline, win rate, discount, times, waits"
    told = {words for _, words in leads(page)}
    figures = ("€250,000.00", "50%", "9.5% to 90.5%", "33.3%", "€360,000.00", "€240,000.00")
    assert told.issuperset(figures)
    for path, words in leads(page):
        assert rows[path] > 0 or words == "0", path
    words = text_of(page)
    assert "gold few 50% 9.5% to 90.5% 9.5% to 90.5% 2 1 1 2" in words
    assert "Mar 2026 EUR 3 33.3% 33.3% €360,000.00 €240,000.00" in words
    assert "Qualify & plan 1 USD not estimated: 1" in words
    assert "Proposal 1 €250,000.00" in words


def test_figures_stand_in_the_page_only_as_links_or_beside_their_rows_times(browser):
    browser.crm.hear(Walk(log_of("OPP-1")).to_presented().log.facts)
    page = browser.sees(places.OVERVIEW, "manager")
    cells = re.findall(r'<td class="number(?: wide)?">(.*?)</td>', page, re.DOTALL)
    bare = [re.sub(r"<a .*?</a>|<span.*?</span>", "", each, flags=re.DOTALL) for each in cells]
    assert [each for each in bare if re.search(r"\d", each)] == []


def test_time_to_quote_stands_by_tier_beside_those_who_still_wait(browser):
    for record in ("OPP-1", "OPP-2"):
        browser.crm.hear(Walk(log_of(record), f"Q-{record}").to_presented().log.facts)
    browser.crm.hear(log_of("OPP-3").facts)
    words = text_of(browser.sees(places.OVERVIEW, "manager"))
    found = re.search(r"gold (\d+(?:\.\d+)? \w+) (\d+(?:\.\d+)? \w+) 2 1 2 Mar 2026", words)
    assert found, words
    assert records(browser.lists(tier="gold", quoted="pending")) == ["OPP-3"]
    assert records(browser.lists(tier="gold", quoted="presented")) == ["OPP-2", "OPP-1"]
    deal = log_of("OPP-1").deal_id
    assert f"First quote after {found.group(1)}" in text_of(browser.sees(places.opportunity(deal)))


def test_pending_approvals_are_said_first(browser):
    assert "Approvals pending" not in text_of(browser.sees(places.OVERVIEW, "manager"))
    walk = Walk(Log().open()).draft().configure().price()
    walk.ask_approvers(walk.submit())
    browser.crm.hear(walk.log.facts)
    page = browser.sees(places.OVERVIEW, "manager")
    assert "Approvals pending: 1 , the oldest since 2 Mar 2026" in text_of(page)


def test_the_overview_names_its_stream(browser):
    assert f'hx-sse:connect="{places.OVERVIEW}/live"' in browser.sees(places.OVERVIEW, "manager")


def test_charts_are_drawings_with_names_and_no_styles_of_their_own(browser):
    browser.crm.hear(Walk(Log().open()).to_presented().accept().log.facts)
    page = browser.sees(places.OVERVIEW, "manager")
    assert len(re.findall(r'<svg [^>]*role="img" aria-label="[^"]{20,}"', page)) == 2
    assert " style=" not in page
    assert "<style" not in page
