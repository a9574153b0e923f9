"""What waits, and the overview, as a browser meets them, with PostgreSQL behind."""

import html
import re

import pytest

from contracts import places
from contracts.opportunity import OpportunityLost, OpportunityWon
from tests.integration.crm_browser import EVERYBODY, Browser, log_of, text_of
from tests.integration.crm_service import Crm
from tests.unit.crm_projector.walks import Log, Walk, eur


@pytest.fixture
def browser(crm: Crm) -> Browser:
    return Browser(crm)


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
