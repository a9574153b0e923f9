"""Questions of approvers and answers of sellers, by pages and by JSON, over PostgreSQL."""

import html
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from contracts import places
from contracts.approval import (
    ApprovalGranted,
    ApprovalQuestionAnswered,
    ApprovalQuestionAsked,
    DiscountApprovalRequested,
)
from tests.integration.approval_browser import (
    OTHER,
    REGIONAL,
    Approvals,
    forms_of,
    running,
    text_of,
)
from tests.unit.approvals.offers import recalled, submitted

JSON = {"accept": "application/json"}
QUESTION = "Is phase two signed?"


@pytest.fixture
def approvals(make_database: Any, clock: Any, tmp_path: Any) -> Iterator[Approvals]:
    with running(make_database, clock, tmp_path) as service:
        yield service


def hidden_of(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that is sent to an address."""
    (form,) = re.findall(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page, re.DOTALL)
    pairs = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in pairs}


def asks(approvals: Approvals, case: UUID, text: str = QUESTION, **more: str) -> Any:
    """Ask as the form on the page of the case does."""
    form = hidden_of(approvals.page(case), places.questions(case))
    path = places.questions(case)
    return approvals.browse(REGIONAL, "approver", "POST", path, data=form | {"text": text} | more)


def talk(approvals: Approvals, case: UUID, who: str = "seller-1", role: str = "seller") -> str:
    answer = approvals.browse(who, role, "GET", places.questions(case))
    assert answer.status_code == 200, answer.text
    return answer.text


def address_of_first(approvals: Approvals, case: UUID) -> str:
    (question, *_) = approvals.browse(
        "seller-1", "seller", "GET", places.questions(case), headers=JSON
    ).json()["questions"]
    return f"{places.questions(case)}/{question['question_id']}/answer"


def answers(approvals: Approvals, case: UUID, text: str, **more: str) -> Any:
    """Answer the first question as the form on the seller's page does."""
    path = address_of_first(approvals, case)
    form = hidden_of(talk(approvals, case), path)
    return approvals.browse("seller-1", "seller", "POST", path, data=form | {"text": text} | more)


def test_a_question_goes_to_the_seller_and_its_answer_comes_back(approvals):
    case = approvals.hear(submitted())
    assert asks(approvals, case).status_code == 303
    assert QUESTION in text_of(approvals.page(case))
    assert "1 open question" in text_of(approvals.inbox())
    sellers = text_of(talk(approvals, case))
    assert f"Question 1 Waits for an answer {QUESTION} Asked by appr-regional-1" in sellers
    answer = answers(approvals, case, "Yes, with 40 sites more.")
    assert (answer.status_code, answer.headers["location"]) == (303, places.questions(case))
    assert "seller-1 answers: Yes, with 40 sites more." in text_of(approvals.page(case))
    assert "Questions answered" in text_of(approvals.inbox())
    assert "<textarea" not in talk(approvals, case)
    assert approvals.facts(case) == [
        DiscountApprovalRequested,
        ApprovalQuestionAsked,
        ApprovalQuestionAnswered,
    ]


def test_the_sellers_page_has_no_figure_at_all(approvals):
    case = approvals.hear(submitted("18", "30"))
    asks(approvals, case)
    page = text_of(talk(approvals, case)).replace(str(case), "")
    assert "Q-1042 revision 1" in page
    for each in ("246", "820", "30%", "18%", "argin", "internal", "limit"):
        assert each not in page


def test_a_case_with_an_open_question_is_decided_all_the_same(approvals):
    case = approvals.hear(submitted())
    asks(approvals, case)
    approvals.send(case, forms_of(approvals.page(case))["approve"])
    assert approvals.facts(case)[-1] is ApprovalGranted
    page = talk(approvals, case)
    assert "The case is granted; nothing is asked or answered any more." in text_of(page)
    assert "<textarea" not in page


@pytest.mark.parametrize("text", ["", "no", "x" * 2001])
def test_a_question_or_an_answer_that_does_not_fit_is_said_beside_its_field(approvals, text):
    case = approvals.hear(submitted())
    refused = asks(approvals, case, text)
    assert refused.status_code == 422
    assert 'aria-invalid="true" aria-describedby="e-text h-text"' in refused.text
    assert f">{text}</textarea>" in refused.text
    asks(approvals, case)
    refused = answers(approvals, case, text)
    assert refused.status_code == 422
    assert 'aria-invalid="true" aria-describedby="e-' in refused.text
    assert len(approvals.facts(case)) == 2


def test_a_click_that_comes_twice_asks_and_answers_once(approvals):
    case = approvals.hear(submitted())
    for _ in range(2):
        assert asks(approvals, case, once="click-1").status_code == 303
    path = address_of_first(approvals, case)
    form = hidden_of(talk(approvals, case), path) | {"text": "Yes."}
    for _ in range(2):
        answer = approvals.browse("seller-1", "seller", "POST", path, data=form)
        assert answer.status_code == 303
    assert len(approvals.facts(case)) == 3


def test_a_second_answer_is_a_conflict_in_words(approvals):
    case = approvals.hear(submitted())
    asks(approvals, case)
    path = address_of_first(approvals, case)
    form = hidden_of(talk(approvals, case), path)
    answers(approvals, case, "Yes, it is.")
    late = approvals.browse(
        "seller-1", "seller", "POST", path, data=form | {"text": "No.", "once": "another"}
    )
    assert late.status_code == 409
    assert "Seller-1 has answered this question already" in text_of(late.text)


def test_html_in_questions_and_answers_is_text_and_long_words_are_kept(approvals):
    case = approvals.hear(submitted())
    asks(approvals, case, "<script>alert(1)</script>" + "w" * 1900)
    answers(approvals, case, "</p><img src=x onerror=alert(1)>")
    for page in (approvals.page(case), talk(approvals, case)):
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert "&lt;img src=x" in page


def test_sellers_do_not_ask_and_approvers_do_not_answer(approvals):
    case = approvals.hear(submitted())
    asks(approvals, case)
    path = address_of_first(approvals, case)
    for who, role, at in (
        ("seller-1", "seller", places.questions(case)),
        (REGIONAL, "approver", path),
        ("boss-1", "manager", path),
    ):
        for how in ({"data": {"text": "abc"}}, {"json": {"text": "abc"}}):
            assert approvals.browse(who, role, "POST", at, **how).status_code == 403
    assert "<textarea" not in talk(approvals, case, OTHER, "approver")
    assert len(approvals.facts(case)) == 2


def test_who_is_in_no_step_has_no_form_and_is_refused(approvals):
    case = approvals.hear(submitted())
    page = approvals.page(case, "appr-finance-1")
    assert "Ask the seller" not in page
    token = approvals.token("appr-finance-1", "approver")
    answer = approvals.browse(
        "appr-finance-1", "approver", "POST", places.questions(case),
        data={"form_token": token, "text": QUESTION},
    )  # fmt: skip
    assert answer.status_code == 403
    assert "is in no step of this case" in text_of(answer.text)


def test_forms_without_their_token_are_refused(approvals):
    case = approvals.hear(submitted())
    assert asks(approvals, case, form_token="guessed").status_code == 403
    asks(approvals, case)
    assert answers(approvals, case, "Yes.", form_token="").status_code == 403
    assert len(approvals.facts(case)) == 2


def test_programs_ask_and_answer_as_json_once_per_key(approvals):
    case = approvals.hear(submitted())
    path = places.questions(case)
    for _ in range(2):
        asked = approvals.program(REGIONAL, "approver", path, {"text": f" {QUESTION} "}, "key-1")
        assert (asked.status_code, len(asked.json()["questions"])) == (200, 1)
    (question,) = asked.json()["questions"]
    assert (question["text"], question["asked_by"]) == (QUESTION, REGIONAL)
    assert question["answer"] is None
    reply = f"{path}/{question['question_id']}/answer"
    answered = approvals.program("seller-1", "seller", reply, {"text": "Yes."}, "key-2").json()
    assert answered["questions"][0]["answer"]["answered_by"] == "seller-1"
    assert {"number": "Q-1042", "revision": 1, "state": "open"}.items() <= answered.items()
    again = approvals.program("seller-1", "seller", reply, {"text": "No."}, "key-3")
    assert (again.status_code, again.json()["code"]) == (409, "approval.answered_already")
    other = approvals.program("seller-1", "seller", f"{path}/{UUID(int=1)}/answer", {"text": "No."})
    assert (other.status_code, other.json()["code"]) == (404, "approval.no_such_question")
    approvals.hear(recalled(), 8)
    late = approvals.program(REGIONAL, "approver", path, {"text": QUESTION})
    assert (late.status_code, late.json()["code"]) == (409, "approval.case_closed")


@pytest.mark.parametrize("discount", [None, "5"])
def test_a_case_that_nobody_was_asked_about_has_no_questions(approvals, discount):
    case = approvals.hear(submitted(discount, "30")) if discount else UUID(int=1)
    path = places.questions(case)
    assert approvals.browse("seller-1", "seller", "GET", path).status_code == 404
    assert approvals.program(REGIONAL, "approver", path, {"text": QUESTION}).status_code == 404
