"""Questions about a case: given what happened, when somebody asks or answers, then this."""

from datetime import timedelta
from uuid import UUID

import pytest
from pydantic import ValidationError

from contracts.approval import ApprovalGranted, ApprovalQuestionAnswered, ApprovalQuestionAsked
from contracts.errors import QuotewrightError
from infra.work import Cause
from services.approvals import handlers
from services.approvals.domain.case import NoSuchCase, NotAnApprover, OwnRequest
from services.approvals.domain.questions import (
    MAX_QUESTIONS,
    Answer,
    AnsweredAlready,
    CaseClosed,
    NoSuchQuestion,
    Question,
    TooManyQuestions,
    answer,
    ask,
    question_id_of,
    unanswered,
)
from tests.unit.approvals.cases import (
    CASE,
    DIRECTORY,
    GRANTED,
    IDS,
    LATER,
    RECALLED,
    REJECTED,
    STEP_GRANTED,
    approve,
    changed,
    given,
    opened,
)
from tests.unit.approvals.offers import heard, recalled, submitted
from tests.unit.approvals.test_approvals_handlers import House, first_case

ID = UUID("33333333-3333-5333-8333-333333333333")
ASKED = ApprovalQuestionAsked(
    **IDS, question_id=ID, text="Is phase two signed?", asked_by="appr-regional-1", at=LATER
)
ANSWERED = ApprovalQuestionAnswered(
    **IDS, question_id=ID, text="Yes, 40 sites.", answered_by="seller-1", at=LATER
)


def asking(by: str = "appr-regional-1", text: str = "Is phase two signed?") -> Question:
    return Question(question_id=ID, text=text, asked_by=by, at=LATER)


def answering(text: str = "Yes, 40 sites.", to: UUID = ID) -> Answer:
    return Answer(question_id=to, text=text, answered_by="seller-1", at=LATER)


def refused_to_ask(question: Question, *facts, directory=DIRECTORY) -> type[QuotewrightError]:
    with pytest.raises(QuotewrightError) as refused:
        ask(given(*facts).case, question, directory)
    return type(refused.value)


def refused_to_answer(reply: Answer, *facts) -> type[QuotewrightError]:
    with pytest.raises(QuotewrightError) as refused:
        answer(given(*facts).case, reply)
    return type(refused.value)


# ---- asking


def test_an_approver_of_an_open_case_asks():
    assert ask(given(opened()).case, asking(), DIRECTORY) == ASKED


def test_an_approver_of_a_later_step_asks_as_well():
    fact = ask(given(opened("25")).case, asking("appr-finance-1"), DIRECTORY)
    assert fact.asked_by == "appr-finance-1"


@pytest.mark.parametrize("ending", [GRANTED, REJECTED, RECALLED])
def test_nobody_asks_about_a_case_that_has_ended(ending):
    assert refused_to_ask(asking(), opened(), ending) is CaseClosed


def test_nobody_asks_about_a_revision_that_needed_no_approval():
    assert refused_to_ask(asking(), opened("5")) is NoSuchCase
    assert refused_to_ask(asking()) is NoSuchCase


@pytest.mark.parametrize("by", ["appr-finance-1", "seller-1", "nobody", "appr-regional-3"])
def test_who_is_in_no_step_or_not_active_does_not_ask(by):
    assert refused_to_ask(asking(by), opened()) is NotAnApprover


def test_an_approver_who_was_made_inactive_does_not_ask():
    directory = changed("appr-regional-1", active=False)
    assert refused_to_ask(asking(), opened(), directory=directory) is NotAnApprover


def test_who_asked_for_the_approval_asks_nothing_about_it():
    fact = opened(requested_by="user/appr-regional-1")
    assert refused_to_ask(asking(), fact) is OwnRequest


@pytest.mark.parametrize("text", ["", "  a \n", "ab", "x" * 2001, "   "])
def test_a_text_has_3_to_2000_characters_without_the_white_space_around_it(text):
    for said in (asking, answering):
        with pytest.raises(ValidationError):
            said(text=text)


@pytest.mark.parametrize("text", ["abc", "x" * 2000, "  abc \n"])
def test_a_text_within_its_bounds_is_kept_without_the_white_space_around_it(text):
    assert asking(text=text).text == answering(text).text == text.strip()


def test_a_case_has_a_bounded_number_of_questions():
    many = [
        ASKED.model_copy(update={"question_id": question_id_of(CASE, str(number))})
        for number in range(MAX_QUESTIONS)
    ]
    assert refused_to_ask(asking(), opened(), *many) is TooManyQuestions


# ---- answering


def test_a_question_is_answered():
    assert answer(given(opened(), ASKED).case, answering()) == ANSWERED


def test_a_question_is_answered_once():
    assert refused_to_answer(answering(), opened(), ASKED, ANSWERED) is AnsweredAlready


def test_a_question_that_nobody_asked_is_not_answered():
    assert refused_to_answer(answering(to=UUID(int=5)), opened(), ASKED) is NoSuchQuestion


@pytest.mark.parametrize("ending", [GRANTED, REJECTED, RECALLED])
def test_a_question_is_not_answered_after_the_end_of_its_case(ending):
    assert refused_to_answer(answering(), opened(), ASKED, ending) is CaseClosed


def test_an_answer_without_a_case_is_refused():
    assert refused_to_answer(answering()) is NoSuchCase


# ---- the case goes on


def test_a_case_with_an_open_question_is_decided_all_the_same():
    assert isinstance(given(opened(), ASKED).when(approve("appr-regional-1")), ApprovalGranted)


def test_questions_change_nothing_else_of_a_case():
    without, with_ = (
        given(opened("25"), STEP_GRANTED).case,
        given(opened("25"), ASKED, STEP_GRANTED, ANSWERED).case,
    )
    assert (with_.state, with_.step, with_.grants) == (without.state, without.step, without.grants)


def test_what_still_wants_an_answer():
    assert unanswered(given(opened(), ASKED).case) == (ASKED,)
    assert unanswered(given(opened(), ASKED, ANSWERED).case) == ()
    assert unanswered(given(opened(), ASKED, RECALLED).case) == ()


# ---- over the store


def asks(house: House, command: str, text: str = "Is phase two signed?") -> list[str]:
    question = Question(
        question_id=question_id_of(first_case(), command),
        text=text,
        asked_by="appr-regional-1",
        at=LATER,
    )
    recorded = house.desk.run(
        Cause(command, LATER, "user/appr-regional-1", request_sha256="q" * 64),
        lambda work: handlers.question_asked(work, first_case(), question, house.authority),
    )
    return [each.id for each in recorded]


def test_the_same_command_asks_once_and_another_one_asks_anew():
    house = House()
    house.hears(heard(submitted()))
    assert asks(house, "click-1") == asks(house, "click-1")
    asks(house, "click-2")
    facts = [each.fact for each in house.store.read(handlers.stream_of(first_case()))][1:]
    assert [type(each) for each in facts] == [ApprovalQuestionAsked] * 2
    assert len({each.question_id for each in facts}) == 2


def test_a_recall_of_a_case_with_an_open_question_closes_it():
    house = House()
    house.hears(heard(submitted()))
    asks(house, "click-1")
    (fact,) = house.hears(heard(recalled(), 8, at=LATER + timedelta(hours=1)))
    assert fact.reason == "the opportunity was lost"
