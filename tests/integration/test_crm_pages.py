"""The pages of opportunities as a browser meets them, with PostgreSQL behind."""

import asyncio
import html
import re
from datetime import timedelta
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response

from contracts import places
from infra.auth import Audience, Pass, mint
from infra.live import Changes
from tests.integration.crm_service import Crm
from tests.unit.crm_projector.walks import Log, Walk


def looks(crm: Crm, path: str, role: str | None = "seller") -> Response:
    """Open a page as a person of this role, or as a stranger."""
    headers = {"accept": "text/html", "accept-language": "en-GB"}
    if role:
        audience = Audience(crm.settings.jwt_issuer, crm.settings.jwt_audience)
        token = mint(crm.key, Pass(f"{role}-1", [role]), audience, crm.clock())
        headers["cookie"] = f"qw_session={token}"

    async def ask() -> Response:
        async with AsyncClient(transport=ASGITransport(crm.app), base_url="http://test") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


def text_of(page: Response) -> str:
    """The words of a page, as one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


@pytest.fixture
def two(crm: Crm) -> list[Walk]:
    """Two opportunities: one presented, one opened only."""
    walks = [Walk(Log(f"OPP-{n}").open(), f"Q-{n}") for n in range(2)]
    walks[0].to_presented()
    for each in walks:
        crm.hear(each.log.facts)
    return walks


def test_a_stranger_is_sent_to_sign_in(crm: Crm) -> None:
    sent = looks(crm, f"{places.OPPORTUNITIES}?stage=Proposal", None)
    assert sent.status_code == 303
    assert sent.headers["location"] == (
        f"{places.SIGN_IN}?next=%2Fcrm%2Fopportunities%3Fstage%3DProposal"
    )


def test_nothing_yet_is_said_in_words(crm: Crm) -> None:
    assert "No opportunity here" in text_of(looks(crm, places.OPPORTUNITIES))


def test_the_list_shows_opportunities_with_their_quotes(crm: Crm, two: list[Walk]) -> None:
    page = looks(crm, places.OPPORTUNITIES)
    assert page.status_code == 200
    told = text_of(page)
    assert "Q-0 Presented" in told
    assert "none yet" in told
    assert places.quote("Q-0") in page.text
    assert places.opportunity(two[0].log.deal_id) in page.text
    assert "argin" not in page.text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 2),
        ("q=&owner=&stage=&outcome=&follow_up_by=", 2),
        ("q=OPP-1", 1),
        ("q=opp-1", 1),
        ("outcome=won", 0),
        ("owner=nobody", 0),
    ],
)
@pytest.mark.usefixtures("two")
def test_filters_stand_in_the_address(crm: Crm, query: str, found: int) -> None:
    page = looks(crm, f"{places.OPPORTUNITIES}?{query}")
    assert len(re.findall(r'<th scope="row">', page.text)) == found


@pytest.mark.parametrize("query", ["outcome=maybe", "follow_up_by=soon", "q=" + "x" * 300])
def test_a_filter_that_does_not_fit_is_said_in_words(crm: Crm, query: str) -> None:
    page = looks(crm, f"{places.OPPORTUNITIES}?{query}")
    assert page.status_code == 422
    assert "The request does not fit" in text_of(page)


@pytest.mark.usefixtures("two")
def test_what_somebody_searches_for_is_no_markup(crm: Crm) -> None:
    page = looks(crm, f"{places.OPPORTUNITIES}?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E%25_")
    assert page.status_code == 200
    assert "<script>alert" not in page.text


def test_one_opportunity_shows_its_quotes_and_what_can_be_done(crm: Crm, two: list[Walk]) -> None:
    path = places.opportunity(two[0].log.deal_id)
    assert "Draft an alternative" in text_of(looks(crm, path))
    assert "Draft an alternative" not in text_of(looks(crm, path, "analyst"))
    assert looks(crm, places.opportunity("0d2f4c8e-55d7-5d0f-9c0b-3f6f2f4f7a21")).status_code == 404


def test_open_pages_are_told_of_each_deal_once(crm: Crm, two: list[Walk]) -> None:
    changes = Changes(crm.plumbing.pool, "fact_log", "seq")
    assert changes.look() is None
    assert changes.look() == set()
    walk = Walk(Log("OPP-7").open(), "Q-7")
    crm.hear(walk.log.facts)
    assert changes.look() == {str(walk.log.deal_id), "*"}
    assert changes.look() == set()


def test_a_follow_up_that_is_over_is_marked(crm: Crm, two: list[Walk], clock: Any) -> None:
    crm.sql("UPDATE opportunity_1 SET next_follow_up = '2020-01-01'")
    assert "overdue" in text_of(looks(crm, places.OPPORTUNITIES))
    crm.sql(f"UPDATE opportunity_1 SET next_follow_up = '{clock() + timedelta(days=9):%Y-%m-%d}'")
    assert "overdue" not in text_of(looks(crm, places.OPPORTUNITIES))
