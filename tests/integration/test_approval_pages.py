"""The pages of approvals as a browser meets them: sessions, real forms, PostgreSQL behind."""

import asyncio
import html
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from contracts import places
from contracts.approval import (
    ApprovalGranted,
    ApprovalRejected,
    ApprovalStepGranted,
    DiscountApprovalRequested,
    LateDecisionRecorded,
)
from contracts.pricing import DiscountAsk
from contracts.values import Percent
from infra.cookies import form_token
from services.approvals.pages import cases
from tests.integration.approval_browser import (
    FINANCE,
    OTHER,
    REGIONAL,
    Approvals,
    forms_of,
    running,
    text_of,
)
from tests.unit.approvals.offers import ASKED_AT, recalled, submitted


@pytest.fixture
def approvals(make_database: Any, clock: Any, tmp_path: Any) -> Iterator[Approvals]:
    with running(make_database, clock, tmp_path) as service:
        yield service


def with_reason(rationale: str) -> Any:
    fact = submitted()
    asks = (DiscountAsk(percent=Percent("18"), rationale=rationale),)
    return fact.model_copy(update={"offer": fact.offer.model_copy(update={"discounts": asks})})


# ---- the inbox


def test_an_empty_inbox_says_so(approvals):
    assert "Nothing waits for you" in approvals.inbox()
    assert "No case fits what you chose" in approvals.inbox(role="manager")


def test_the_inbox_shows_what_a_decision_needs_at_a_glance(approvals):
    approvals.hear(submitted())
    page = approvals.inbox()
    words = text_of(page)
    assert f'href="{places.quote("Q-1042")}"' in page
    for each in (
        "Q-1042 revision 1",
        "18% limit 10%",
        "€820.00",
        "Asked by seller-1",
        "Since 23 Nov 2026, 09:00",
        "Due 24 Nov 2026, 09:00",
        "Step 1 of 1 regional sales director: appr-regional-1, appr-regional-2",
    ):
        assert each in words
    assert "Overdue" not in words.replace("Overdue only", "")


def test_approvers_see_first_what_waits_for_them_and_all_if_they_ask(approvals):
    approvals.hear(submitted())
    assert "Q-1042" in approvals.inbox(who=OTHER)
    assert "Q-1042" not in approvals.inbox(who=FINANCE)
    assert "Q-1042" in approvals.inbox("?show=all", who=FINANCE)
    assert "Q-1042" in approvals.inbox(who="boss-1", role="manager")
    assert "Q-1042" not in approvals.inbox("?show=mine", who="boss-1", role="manager")


def test_the_state_and_overdue_are_filters_in_the_address(approvals, clock):
    case = approvals.hear(submitted())
    assert "Q-1042" not in approvals.inbox("?show=all&overdue=true")
    assert "Q-1042" not in approvals.inbox("?show=all&state=recalled")
    clock.advance(hours=24)
    late = approvals.inbox("?overdue=true")
    assert "Q-1042" in late
    assert '<span class="badge badge-bad">Overdue</span>' in late
    assert 'value="true" checked' in late
    approvals.hear(recalled(), 8)
    assert "Q-1042" not in approvals.inbox("?show=all")
    for query in ("?show=all&state=recalled", "?show=all&state=any"):
        assert str(case) in approvals.inbox(query)
        assert "Recalled" in text_of(approvals.inbox(query)).partition("Q-1042")[2]
    assert "Only open cases wait" in approvals.inbox("?show=mine&state=recalled")


def test_open_cases_come_before_those_that_were_closed_last(approvals, clock):
    first = approvals.hear(submitted(), 7)
    second = approvals.hear(submitted(revision=2), 8, ASKED_AT + timedelta(minutes=1))
    third = approvals.hear(submitted(revision=3), 9, ASKED_AT + timedelta(minutes=2))
    for version, revision in ((10, 1), (11, 2)):
        at = ASKED_AT + timedelta(minutes=version)
        approvals.hear(recalled(revision), version, at)
    page = approvals.inbox("?show=all&state=any")
    ids = [UUID(each) for each in re.findall(r'id="case-([^"]+)"', page)]
    assert ids == [third, second, first]


def test_a_long_inbox_is_read_page_by_page_and_no_case_is_missed_or_shown_twice(
    approvals, monkeypatch
):
    monkeypatch.setattr(cases, "SHOWN", 2)
    opened = [
        approvals.hear(submitted(revision=each), 6 + each, ASKED_AT + timedelta(minutes=each))
        for each in range(1, 6)
    ]
    for revision in (1, 2):
        approvals.hear(
            recalled(revision), 20 + revision, ASKED_AT + timedelta(minutes=20 + revision)
        )
    query, pages = "?show=all&state=any", []
    while query:
        page = approvals.inbox(query)
        pages.append([UUID(each) for each in re.findall(r'id="case-([^"]+)"', page)])
        (live,) = re.findall(r'hx-sse:connect="[^"]+/live(\?[^"]+)"', page)
        assert html.unescape(live).startswith("?show=all&state=any")
        behind = re.findall(r'href="[^"]+(\?[^"]+)">Next page</a>', page)
        query = html.unescape(behind[0]) if behind else ""
        assert "on this page" in text_of(page)
    assert pages == [opened[2:4], [opened[4], opened[1]], [opened[0]]]


def test_an_address_behind_the_last_case_says_that_this_was_the_end(approvals):
    case = approvals.hear(submitted())
    behind = f"?show=all&after={case}&after_due=2030-01-01T00:00:00Z"
    assert "This was the end of the list" in approvals.inbox(behind)
    assert "Q-1042" in approvals.inbox(f"?show=all&after={case}")


def test_an_address_with_an_unknown_state_is_a_page_that_says_so(approvals):
    answer = approvals.browse(REGIONAL, "approver", "GET", f"{places.INBOX}?state=perhaps")
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/html")


def test_sellers_have_no_inbox(approvals):
    assert approvals.browse("seller-1", "seller", "GET", places.INBOX).status_code == 403


def test_who_does_not_ask_for_html_gets_json_as_before(approvals):
    case = approvals.hear(submitted())
    json_ = {"accept": "application/json"}
    listed = approvals.browse(REGIONAL, "approver", "GET", places.INBOX, headers=json_).json()
    one = approvals.browse(REGIONAL, "approver", "GET", places.case(case), headers=json_).json()
    assert [each["case_id"] for each in listed["cases"]] == [str(case)]
    assert one["state"] == "open"


def test_the_inbox_names_its_stream_with_the_same_query(approvals):
    page = approvals.inbox("?show=all&overdue=true")
    (address,) = re.findall(r'hx-sse:connect="([^"]+)"', page)
    assert html.unescape(address) == f"{places.INBOX}/live?show=all&state=open&overdue=true"


def test_the_stream_of_the_inbox_shows_a_case_as_soon_as_it_is_opened(approvals):
    session = approvals.session(REGIONAL, "approver")
    opened = partial(approvals.hear, submitted())
    seen = asyncio.run(streamed(approvals, session, f"{places.INBOX}/live", opened))
    assert "Nothing waits for you" in seen[0]
    assert "Q-1042" in seen[1]


def test_an_open_case_shows_what_others_decide(approvals):
    case = approvals.hear(submitted())
    page = approvals.page(case)
    (address,) = re.findall(r'hx-sse:connect="([^"]+)"', page)
    assert address == f"{places.case(case)}/live"
    decided = partial(approvals.send, case, forms_of(approvals.page(case, OTHER))["approve"], OTHER)
    session = approvals.session(REGIONAL, "approver")
    before, after = asyncio.run(streamed(approvals, session, address, decided))
    assert "Step 1 of" not in before and ">Approve</button>" in before
    assert "Every step is signed" in after
    assert ">Approve</button>" not in after
    # Drawn anew it is the same command: a click that crosses the drawing decides once.
    once = re.findall(r'name="once" value="([^"]+)"', before)
    assert len(set(once)) == 2, "one for a decision, one for a question"


def test_what_was_refused_stays_as_it_was_written_while_the_page_follows(approvals):
    case = approvals.hear(submitted())
    refused = approvals.send(case, forms_of(approvals.page(case))["reject"] | {"reason": ""})
    assert len(re.findall(r"<form [^>]*data-kept", refused.text)) == 1
    assert "data-kept" not in approvals.page(case)


def test_a_stream_of_no_case_and_of_nobody_is_refused(approvals):
    unknown = f"{places.case(UUID(int=9))}/live"
    assert approvals.browse(REGIONAL, "approver", "GET", unknown).status_code == 404
    case = approvals.hear(submitted())
    for path in (f"{places.case(case)}/live", f"{places.questions(case)}/live"):
        assert approvals.browse("analyst-1", "analyst", "GET", path).status_code == 403


def test_a_decision_without_its_hidden_fields_is_refused_with_what_to_do(approvals):
    case = approvals.hear(submitted())
    answer = approvals.send(case, {"form_token": token_of(approvals), "verdict": "<b>"})
    assert answer.status_code == 422
    words = text_of(answer.text)
    assert "Load the page again, and decide by one of its buttons." in words
    assert "content_key" not in words


async def streamed(
    approvals: Approvals, token: str, path: str, act: Callable[[], object]
) -> list[str]:
    """Listen to a stream, let something happen; returns what was sent before and after."""
    sent: asyncio.Queue[str] = asyncio.Queue()
    gone = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if not asked:
            asked.append(True)
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        body = message.get("body", b"").decode()
        if "data:" in body:
            await sent.put(body)

    asked: list[bool] = []
    headers = [(b"cookie", f"qw_session={token}".encode()), (b"accept", b"text/event-stream")]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": path, "raw_path": path.encode(),
        "query_string": b"", "root_path": "", "headers": headers,
        "client": ("test", 1), "server": ("test", 80),
    }  # fmt: skip
    listening = asyncio.create_task(approvals.app(scope, receive, send))
    first = await asyncio.wait_for(sent.get(), 10)
    await asyncio.to_thread(act)
    # Sooner than the stream would have looked again by itself.
    second = await asyncio.wait_for(sent.get(), 4)
    gone.set()
    approvals.service.parts.close()
    await asyncio.wait_for(listening, 10)
    return [first, second]


# ---- one case


def test_a_case_shows_all_that_a_decision_needs_on_one_screen(approvals):
    case = approvals.hear(submitted("25", "30"))
    page = approvals.page(case)
    words = text_of(page)
    for each in (
        "Approval of Q-1042 revision 1",
        "Asked by seller-1, 23 Nov 2026, 09:00",
        "Discount 25%",
        "Net €820.00",
        "Margin (internal) 30% €246.00",
        "competitor is 15 % lower",
        "Step 1: regional sales director Waits Discount 25% against a limit of 20%",
        "The sales discount is 25 %, above 20 %: above 20 % finance decides",
        "appr-regional-2 (to 25% discount, from 10% margin)",
        "Step 2: finance director Later",
    ):
        assert each in words
    assert set(forms_of(page)) == {"approve", "reject"}
    assert f'href="{places.quote("Q-1042")}"' in page


def test_an_approval_without_a_reason_grants_the_case_and_the_page_says_so(approvals):
    case = approvals.hear(submitted())
    answer = approvals.send(case, forms_of(approvals.page(case))["approve"] | {"reason": ""})
    assert (answer.status_code, answer.headers["location"]) == (303, places.case(case))
    assert approvals.facts(case) == [DiscountApprovalRequested, ApprovalGranted]
    page = approvals.page(case)
    assert "Granted. Every step is signed" in text_of(page).replace(" .", ".")
    assert "Granted by appr-regional-1, 23 Nov 2026, 09:05" in text_of(page)
    assert forms_of(page) == {}


def test_a_click_that_comes_twice_decides_once(approvals):
    case = approvals.hear(submitted("25", "30"))
    form = forms_of(approvals.page(case))["approve"] | {"reason": "strategic"}
    assert [approvals.send(case, form).status_code for _ in range(2)] == [303, 303]
    assert approvals.facts(case) == [DiscountApprovalRequested, ApprovalStepGranted]


def test_after_one_of_two_steps_the_page_says_who_is_next(approvals):
    case = approvals.hear(submitted("25", "30"))
    form = forms_of(approvals.page(case))["approve"] | {"reason": "strategic"}
    approvals.send(case, form)
    mine = approvals.page(case)
    assert "You approved step 1." in text_of(mine)
    assert "Step 2 waits for appr-finance-1 or appr-finance-2 now" in text_of(mine)
    assert forms_of(mine) == {}
    assert set(forms_of(approvals.page(case, FINANCE))) == {"approve", "reject"}


def test_a_rejection_with_its_reason_goes_back_to_the_seller(approvals):
    case = approvals.hear(submitted())
    form = forms_of(approvals.page(case))["reject"] | {"reason": "the margin is needed"}
    assert approvals.send(case, form).status_code == 303
    assert approvals.facts(case)[-1] is ApprovalRejected
    assert "Rejected by you 23 Nov 2026, 09:05 : the margin is needed" in text_of(
        approvals.page(case)
    )
    assert "Rejected by appr-regional-1" in text_of(approvals.page(case, OTHER))


@pytest.mark.parametrize("reason", ["", "  \r\n "])
def test_a_rejection_without_a_reason_says_so_beside_the_field(approvals, reason):
    case = approvals.hear(submitted())
    form = forms_of(approvals.page(case))["reject"] | {"reason": reason}
    answer = approvals.send(case, form)
    assert answer.status_code == 422
    assert '<p class="error" id="e-reject">Say why, so that the seller' in answer.text
    assert 'aria-invalid="true" aria-describedby="e-reject h-reject"' in answer.text
    assert 'id="e-approve"' not in answer.text
    assert approvals.facts(case) == [DiscountApprovalRequested]


def test_a_reason_that_is_too_long_comes_back_as_it_was_written(approvals):
    case = approvals.hear(submitted())
    written = "because " * 300
    answer = approvals.send(case, forms_of(approvals.page(case))["approve"] | {"reason": written})
    assert answer.status_code == 422
    assert 'id="e-approve"' in answer.text
    assert f">{written.strip()}</textarea>" in answer.text
    assert approvals.facts(case) == [DiscountApprovalRequested]


def test_a_decision_after_the_end_is_recorded_and_the_page_says_that_it_has_no_effect(approvals):
    case = approvals.hear(submitted())
    form = forms_of(approvals.page(case))["approve"] | {"reason": "strategic"}
    approvals.hear(recalled(), 8)
    says = "Your yes is recorded, but the case is recalled already: it no longer applies."
    assert says not in text_of(approvals.page(case))
    answer = approvals.send(case, form)
    assert (answer.status_code, answer.headers["location"]) == (303, places.case(case))
    assert approvals.facts(case)[-1] is LateDecisionRecorded
    page = text_of(approvals.page(case))
    assert says in page
    assert "There is nothing to decide here any more: the opportunity was lost" in page
    others = text_of(approvals.page(case, OTHER))
    assert says not in others
    assert "appr-regional-1 said yes, 23 Nov 2026, 09:05 , when the case was recalled" in others


def test_who_asked_gets_no_forms_and_may_not_approve(approvals):
    case = approvals.hear(submitted(requested_by=f"user/{REGIONAL}"))
    page = approvals.page(case)
    assert forms_of(page) == {}
    assert "You have asked for this approval yourself" in text_of(page)
    taken = forms_of(approvals.page(case, OTHER))["approve"]
    answer = approvals.send(case, taken | {"form_token": token_of(approvals)})
    assert answer.status_code == 422
    assert "has asked for this approval; somebody else must decide it" in text_of(answer.text)
    assert approvals.facts(case) == [DiscountApprovalRequested]


def test_who_is_not_in_the_step_gets_no_forms_and_is_told_who_is(approvals):
    case = approvals.hear(submitted("25", "30"))
    page = approvals.page(case, FINANCE)
    assert forms_of(page) == {}
    assert "Step 1 waits for appr-regional-1 or appr-regional-2." in text_of(page)
    approvals.send(case, forms_of(approvals.page(case))["approve"])
    form = forms_of(approvals.page(case, FINANCE))["reject"]
    answer = approvals.send(case, form | {"form_token": token_of(approvals), "reason": "no"})
    assert answer.status_code == 403
    assert "Step 2 is for appr-finance-1, appr-finance-2, not for appr-regional-1" in text_of(
        answer.text
    )
    assert len(approvals.facts(case)) == 2


def token_of(approvals: Approvals) -> str:
    """The first approver's own form token, which a form of somebody else does not have."""
    return form_token(approvals.session(REGIONAL, "approver"))


def test_a_decision_on_another_content_is_a_conflict_in_words(approvals):
    case = approvals.hear(submitted())
    form = forms_of(approvals.page(case))["approve"] | {"content_key": "d" * 64}
    answer = approvals.send(case, form)
    assert answer.status_code == 409
    assert "The decision names another content of the offer" in text_of(answer.text)
    assert set(forms_of(answer.text)) == {"approve", "reject"}
    assert approvals.facts(case) == [DiscountApprovalRequested]


@pytest.mark.parametrize("token", [{}, {"form_token": ""}, {"form_token": "guessed"}])
def test_a_form_without_its_token_is_refused_and_nothing_is_stored(approvals, token):
    case = approvals.hear(submitted())
    form = forms_of(approvals.page(case))["approve"]
    del form["form_token"]
    answer = approvals.send(case, form | token)
    assert answer.status_code == 403
    assert "The form is out of date" in text_of(answer.text)
    assert approvals.facts(case) == [DiscountApprovalRequested]


def test_a_form_from_another_site_is_refused_and_nothing_is_stored(approvals):
    case = approvals.hear(submitted())
    form = forms_of(approvals.page(case))["approve"]
    answer = approvals.send(case, form, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert approvals.facts(case) == [DiscountApprovalRequested]


@pytest.mark.parametrize("role", ["seller", "manager", "admin"])
def test_only_approvers_have_forms_and_may_send_them(approvals, role):
    case = approvals.hear(submitted())
    page = approvals.page(case, "somebody", role)
    assert forms_of(page) == {}
    path = f"{places.case(case)}/decision"
    assert approvals.browse("somebody", role, "POST", path, data={"a": "b"}).status_code == 403
    assert approvals.facts(case) == [DiscountApprovalRequested]


def test_a_seller_sees_the_case_without_margins_and_without_the_limits_of_people(approvals):
    case = approvals.hear(submitted("18", "30"))
    page = approvals.page(case, "seller-1", "seller")
    assert "Discount 18%" in text_of(page)
    assert "appr-regional-1" in page
    for each in ("246", "30%", "(internal)", "from 10% margin", "to 25% discount"):
        assert each not in text_of(page)


def test_html_in_what_people_wrote_is_text(approvals):
    case = approvals.hear(with_reason("<script>alert(1)</script> & <b>cheaper</b>"))
    page = approvals.page(case)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;cheaper&lt;/b&gt;" in page
    form = forms_of(page)["reject"] | {"reason": "</p><img src=x onerror=alert(1)>"}
    approvals.send(case, form)
    after = approvals.page(case)
    assert "<img" not in after
    assert "&lt;img src=x onerror=alert(1)&gt;" in after


def test_a_revision_that_nobody_has_to_approve_says_why(approvals):
    case = approvals.hear(submitted("5", "30"))
    assert "Nobody had to approve this." in text_of(approvals.page(case))


def test_an_unknown_case_is_a_page_that_says_so(approvals):
    for method, path in (("GET", ""), ("POST", "/decision")):
        answer = approvals.browse(
            REGIONAL, "approver", method, f"{places.case(UUID(int=1))}{path}",
            **({"data": {"form_token": token_of(approvals)}} if method == "POST" else {}),
        )  # fmt: skip
        assert answer.status_code == 404
        assert "There is no approval case of this id" in text_of(answer.text)
