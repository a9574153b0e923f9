"""The doors of approvals: signed callbacks, decisions, cases, the policy, a preview."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field, ValidationError

from contracts.approval import (
    ApprovalGranted,
    ApprovalRejected,
    ApprovalStepGranted,
    LateDecisionRecorded,
    Verdict,
)
from contracts.envelope import Fact
from contracts.errors import Forbidden, Refused
from contracts.values import Sha256, Value
from infra.auth import Principal
from infra.problems import field_problems
from infra.web import allow, cause_of, public, raw_body
from infra.webhooks import Verifier
from infra.work import Cause, Commands, Recorded
from services.approvals import handlers, views
from services.approvals.domain import questions
from services.approvals.domain.case import Case, Decision, NoSuchCase, able_now
from services.approvals.domain.preview import Preview, Question, preview
from services.approvals.messages import APPROVER_SYSTEM
from services.approvals.policy import Authority

MAX_LISTED = 200
READS = allow("seller", "approver", "manager", "admin")
SEES_INTERNAL = frozenset({"approver", "manager", "admin"})
Outcome = Literal["step_granted", "granted", "rejected", "recorded_no_longer_applies"]
OUTCOMES: dict[type[Fact], Outcome] = {
    ApprovalStepGranted: "step_granted",
    ApprovalGranted: "granted",
    ApprovalRejected: "rejected",
    LateDecisionRecorded: "recorded_no_longer_applies",
}
Why = Annotated[Cause, Depends(cause_of)]
Body = Annotated[bytes, Depends(raw_body)]


class CallbackMalformed(Refused):
    """The signed body of a callback does not fit; `fields` names where."""

    code = "approval.callback_malformed"


class SystemMayNotDecide(Forbidden):
    """The system is known, but it is not the approvers' system."""

    code = "approval.system_may_not_decide"


class DecisionBody(Value):
    """What an approver decides; a rejection must give its reason."""

    content_key: Sha256
    verdict: Verdict
    reason: str = Field(default="", max_length=2000)


class Callback(DecisionBody):
    """The same from the approvers' system, which says who decided on which case."""

    case_id: UUID
    approver: str = Field(min_length=1, max_length=200)


class WordsBody(Value):
    """A question of an approver, or the answer to one."""

    text: questions.Text


class DecisionAnswer(Value):
    """What became of a decision; a late one is recorded, and `case_outcome` says why it is late."""

    outcome: Outcome
    case_id: UUID
    case_outcome: str
    message: str


def routes(commands: Commands, authority: Authority, verifier: Verifier) -> APIRouter:
    """Return the routes of approvals."""
    router = APIRouter(prefix="/approvals", tags=["approvals"])
    _add_decisions(router, commands, authority, verifier)
    _add_cases(router, commands, authority)
    _add_questions(router, commands, authority)
    _add_advice(router, authority)
    return router


def _add_decisions(
    router: APIRouter, commands: Commands, authority: Authority, verifier: Verifier
) -> None:
    @router.post("/callbacks/{system}", dependencies=[Depends(public())])
    def called_back(system: str, request: Request, raw: Body, cause: Why) -> DecisionAnswer:
        """Take a decision from the approvers' system, signed by its key (Standard Webhooks)."""
        call = verifier.verified(request, raw, system)
        if system != APPROVER_SYSTEM:
            raise SystemMayNotDecide(
                f"decisions come from the system {APPROVER_SYSTEM}, not {system}", system=system
            )
        with verifier.once(call):
            body = _callback(raw)
            decision = decision_of(body, body.approver, cause)
            return decide(commands, authority, call.cause(cause), (body.case_id, decision))

    @router.post("/cases/{case_id}/decision")
    def decided(
        case_id: UUID,
        body: DecisionBody,
        cause: Why,
        principal: Annotated[Principal, Depends(allow("approver"))],
    ) -> DecisionAnswer:
        """Decide the current step of a case as the signed-in approver."""
        decision = decision_of(body, principal.id, cause)
        return decide(commands, authority, cause, (case_id, decision))


def _add_cases(router: APIRouter, commands: Commands, authority: Authority) -> None:
    @router.get("/cases", dependencies=[Depends(allow("approver", "manager", "admin"))])
    def cases(
        state: Literal["open", "granted", "rejected", "recalled"] | None = None,
        approver: Annotated[str | None, Query(max_length=200)] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 50,
    ) -> dict[str, Any]:
        """List cases, the most urgent first; `approver` keeps those that this person can move."""
        return {"cases": views.listed(commands, state, approver, limit)}

    @router.get("/cases/{case_id}")
    def case(
        case_id: UUID,
        principal: Annotated[Principal, Depends(READS)],
    ) -> dict[str, Any]:
        """Show one case with its steps, causes and decisions; a seller sees no margin."""
        found = handlers.folded(recorded_of(commands, case_id))
        able = able_now(found, authority.directory)
        return views.shown(found, able, internal=bool(principal.roles & SEES_INTERNAL))


def _add_questions(router: APIRouter, commands: Commands, authority: Authority) -> None:
    @router.get("/cases/{case_id}/questions", dependencies=[Depends(READS)])
    def questions_of(case_id: UUID) -> dict[str, Any]:
        """Show what approvers ask about a case, and what was answered."""
        return views.questions_shown(asked_case(commands, case_id))

    @router.post("/cases/{case_id}/questions")
    def asked(
        case_id: UUID,
        body: WordsBody,
        cause: Why,
        principal: Annotated[Principal, Depends(allow("approver"))],
    ) -> dict[str, Any]:
        """Ask the seller something about an open case; it can be decided all the same."""
        ask(commands, authority, cause, (case_id, principal.id, body.text))
        return views.questions_shown(asked_case(commands, case_id))

    @router.post("/cases/{case_id}/questions/{question_id}/answer")
    def answered(
        case_id: UUID,
        question_id: UUID,
        body: WordsBody,
        cause: Why,
        principal: Annotated[Principal, Depends(allow("seller", "admin"))],
    ) -> dict[str, Any]:
        """Answer a question of an open case; a question is answered once."""
        answer_question(commands, cause, (case_id, question_id), (principal.id, body.text))
        return views.questions_shown(asked_case(commands, case_id))


def _add_advice(router: APIRouter, authority: Authority) -> None:
    @router.post("/preview")
    def previewed(
        question: Question,
        cause: Why,
        principal: Annotated[
            Principal, Depends(allow("seller", "approver", "manager", "admin", "service"))
        ],
    ) -> Preview:
        """Say who would have to approve these terms, and the largest discount that needs nobody."""
        # A service asks for somebody; a person asks for himself unless he says otherwise.
        requester = question.requested_by or (principal.id if principal.kind == "user" else None)
        asked = question.model_copy(update={"requested_by": requester})
        published = authority.on(cause.now.date())
        return preview(published.policy, published.pin, authority.directory, asked)

    @router.get(
        "/policy",
        dependencies=[
            Depends(allow("seller", "approver", "manager", "analyst", "admin", "service"))
        ],
    )
    def policy(cause: Why) -> dict[str, Any]:
        """Show the authority policy in force today."""
        published = authority.on(cause.now.date())
        pin, content = published.pin, published.policy
        return {
            "pin": pin.model_dump(mode="json"),
            "policy": content.model_dump(mode="json", exclude_none=True),
        }


def _callback(raw: bytes) -> Callback:
    try:
        return Callback.model_validate_json(raw)
    except ValidationError as fault:
        fields = field_problems(fault.errors())
        named = ", ".join(each["field"] for each in fields)
        raise CallbackMalformed(f"the callback does not fit at {named}", fields=fields) from None


def recorded_of(commands: Commands, case_id: UUID) -> Sequence[Recorded]:
    """Return the facts of a case, the first one first.   Raises: NoSuchCase."""
    recorded = commands.read(handlers.stream_of(case_id))
    if not recorded:
        raise NoSuchCase("there is no approval case of this id", case_id=case_id)
    return recorded


def asked_case(commands: Commands, case_id: UUID) -> Case:
    """Return a case that somebody was asked about.   Raises: NoSuchCase."""
    found = handlers.folded(recorded_of(commands, case_id))
    if found.request is None:
        raise NoSuchCase("nobody was asked about this revision", case_id=case_id)
    return found


def ask(
    commands: Commands, authority: Authority, cause: Cause, what: tuple[UUID, str, str]
) -> None:
    """Record what an approver asks: case, who asks, the words.

    Raises: what `domain.questions.ask` raises; then nothing is recorded.
    """
    case_id, by, text = what
    question = questions.Question(
        question_id=questions.question_id_of(case_id, cause.command_id),
        text=text,
        asked_by=by,
        at=cause.now,
    )
    commands.run(cause, lambda work: handlers.question_asked(work, case_id, question, authority))


def answer_question(
    commands: Commands, cause: Cause, question: tuple[UUID, UUID], said: tuple[str, str]
) -> None:
    """Record the answer to a question of a case: who says what.

    Raises: what `domain.questions.answer` raises; then nothing is recorded.
    """
    (case_id, question_id), (by, text) = question, said
    given = questions.Answer(question_id=question_id, text=text, answered_by=by, at=cause.now)
    commands.run(cause, lambda work: handlers.question_answered(work, case_id, given))


def decision_of(body: DecisionBody, approver: str, cause: Cause) -> Decision:
    """Return what this approver decides, now."""
    return Decision(
        content_key=body.content_key,
        approver=approver,
        verdict=body.verdict,
        reason=body.reason,
        at=cause.now,
    )


def decide(
    commands: Commands, authority: Authority, cause: Cause, what: tuple[UUID, Decision]
) -> DecisionAnswer:
    """Record a decision on a case, and say what became of it.

    Raises: what `domain.case.decide` raises; then nothing is recorded.
    """
    case_id, decision = what
    recorded = commands.run(
        cause, lambda work: handlers.decision_made(work, case_id, decision, authority)
    )
    return answer(case_id, recorded[-1].fact)


def answer(case_id: UUID, fact: Fact) -> DecisionAnswer:
    """Say in words what the recorded fact means to the approver."""
    outcome = OUTCOMES[type(fact)]
    state, message = "open", "the step is granted; the next step is asked now"
    match fact:
        case ApprovalGranted():
            state, message = "granted", "the whole case is granted"
        case ApprovalRejected():
            state, message = "rejected", "the revision goes back to the seller with the reason"
        case LateDecisionRecorded():
            state = fact.case_outcome
            message = f"the decision is recorded, but the case is {state} already: no effect"
    return DecisionAnswer(outcome=outcome, case_id=case_id, case_outcome=state, message=message)
