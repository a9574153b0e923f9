"""Questions about an open case: an approver asks, the seller answers, both are kept.

A question holds nothing up: the case can be decided before it is answered.
"""

from typing import Annotated
from uuid import UUID, uuid5

from pydantic import Field, StringConstraints

from contracts.approval import (
    ApprovalQuestionAnswered,
    ApprovalQuestionAsked,
    DiscountApprovalRequested,
)
from contracts.errors import Conflict, NotFound
from contracts.values import Instant, Value
from services.approvals.domain.case import Case, NoSuchCase, NotAnApprover, OwnRequest, active
from services.approvals.domain.directory import Directory
from services.approvals.domain.steps import person

QUESTIONS = UUID("c3a1cf0e-4a4d-5d0c-8f7e-6f2f4b8b1d52")
# More is a talk, which people have better by other means; a case must stay readable at a glance.
MAX_QUESTIONS = 50

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=2000)]


class CaseClosed(Conflict):
    """The case is decided or recalled; nobody asks or answers any more."""

    code = "approval.case_closed"


class NoSuchQuestion(NotFound):
    """The case has no question of this id."""

    code = "approval.no_such_question"


class AnsweredAlready(Conflict):
    """Somebody has answered this question before."""

    code = "approval.answered_already"


class TooManyQuestions(Conflict):
    """The case has as many questions as one case may have."""

    code = "approval.too_many_questions"


class Question(Value):
    """What an approver wants to know before he decides."""

    question_id: UUID
    text: Text
    asked_by: str = Field(min_length=1, max_length=200)
    at: Instant


class Answer(Value):
    """What a seller answers to one question."""

    question_id: UUID
    text: Text
    answered_by: str = Field(min_length=1, max_length=200)
    at: Instant


def question_id_of(case_id: UUID, command_id: str) -> UUID:
    """Return the question's id: the same command asks the same question."""
    return uuid5(QUESTIONS, f"{case_id}/{command_id}")


def ask(case: Case, question: Question, directory: Directory) -> ApprovalQuestionAsked:
    """Return the question as a fact of the case.

    Raises: NoSuchCase; NotAnApprover; OwnRequest; CaseClosed; TooManyQuestions.
    """
    request = _known(case)
    approver = active(directory, question.asked_by)
    if approver.id == person(request.requested_by):
        raise OwnRequest(
            f"{approver.id} has asked for this approval; somebody else asks about it",
            approver=approver.id,
        )
    if all(approver.id not in step.approvers for step in request.steps):
        raise NotAnApprover(
            f"{approver.id} is in no step of this case; who is in one may ask",
            approver=approver.id,
        )
    _open(case, request)
    if len(case.questions) >= MAX_QUESTIONS:
        raise TooManyQuestions(
            f"a case has at most {MAX_QUESTIONS} questions; talk to the seller", limit=MAX_QUESTIONS
        )
    return ApprovalQuestionAsked(
        deal_id=request.deal_id,
        quote_id=request.quote_id,
        revision=request.revision,
        case_id=request.case_id,
        question_id=question.question_id,
        text=question.text,
        asked_by=question.asked_by,
        at=question.at,
    )


def answer(case: Case, given: Answer) -> ApprovalQuestionAnswered:
    """Return the answer as a fact of the case; a question is answered once.

    Raises: NoSuchCase; NoSuchQuestion; AnsweredAlready; CaseClosed.
    """
    request = _known(case)
    if all(each.question_id != given.question_id for each in case.questions):
        raise NoSuchQuestion(
            "the case has no question of this id; load the questions again",
            question_id=given.question_id,
        )
    before = next((each for each in case.answers if each.question_id == given.question_id), None)
    if before is not None:
        raise AnsweredAlready(
            f"{before.answered_by} has answered this question already; load the questions again",
            question_id=given.question_id,
        )
    _open(case, request)
    return ApprovalQuestionAnswered(
        deal_id=request.deal_id,
        quote_id=request.quote_id,
        revision=request.revision,
        case_id=request.case_id,
        question_id=given.question_id,
        text=given.text,
        answered_by=given.answered_by,
        at=given.at,
    )


def unanswered(case: Case) -> tuple[ApprovalQuestionAsked, ...]:
    """Return the questions that still want an answer; none of a case that has ended."""
    if case.state != "open":
        return ()
    done = {each.question_id for each in case.answers}
    return tuple(each for each in case.questions if each.question_id not in done)


def _known(case: Case) -> DiscountApprovalRequested:
    if case.request is None:
        raise NoSuchCase("there is no approval case of this id; look at the list of open cases")
    return case.request


def _open(case: Case, request: DiscountApprovalRequested) -> None:
    if case.state != "open":
        raise CaseClosed(
            f"the case is {case.state} already; nothing is asked or answered any more",
            case_id=request.case_id,
            state=case.state,
        )
