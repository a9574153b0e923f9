"""The pages of approvals: the inbox, one screen per decision, questions and their answers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from infra.auth import Principal
from infra.live import Live
from infra.pages import Pages, page_router
from infra.web import allow, public
from infra.work import Commands
from services.approvals import api
from services.approvals.offers import Offers
from services.approvals.pages.cases import CasePages
from services.approvals.pages.mailed import MailPages
from services.approvals.pages.questions import QuestionPages
from services.approvals.pages.wanted import Asked
from services.approvals.policy import Authority

Decider = Annotated[Principal, Depends(allow("approver"))]
Insider = Annotated[Principal, Depends(allow("approver", "manager", "admin"))]
Reader = Annotated[Principal, Depends(allow("seller", "approver", "manager", "admin"))]
Answerer = Annotated[Principal, Depends(allow("seller", "admin"))]


def routes(
    desk: tuple[Commands, Offers], authority: Authority, pages: Pages, live: Live
) -> APIRouter:
    """Return the pages of approvals; they come before the JSON routes of the same addresses."""
    drawn = CasePages(desk, authority, pages, live)
    talk = QuestionPages(desk[0], pages, live)
    # First, and for any caller: a stream is not asked for as HTML, and `live` is no case's id.
    plain = APIRouter(prefix="/approvals", include_in_schema=False)

    @plain.get("/cases/live")
    def stream(request: Request, wanted: Asked, caller: Insider) -> StreamingResponse:
        """Stream the inbox while somebody looks at it."""
        return drawn.stream(request, wanted, caller)

    @plain.get("/cases/{case_id}/live")
    def case(case_id: UUID, request: Request, caller: Reader) -> StreamingResponse:
        """Stream a case while somebody looks at it."""
        return drawn.follow(request, case_id, caller)

    @plain.get("/cases/{case_id}/questions/live")
    def questions(case_id: UUID, request: Request, caller: Reader) -> StreamingResponse:
        """Stream the questions of a case."""
        return talk.follow(request, case_id, caller)

    router = page_router("/approvals")
    _cases(router, drawn)
    _questions(router, drawn, talk)
    _mailed(router, MailPages(desk[0], authority, pages, drawn))
    plain.routes.extend(router.routes)
    return plain


def _mailed(router: APIRouter, mailed: MailPages) -> None:
    @router.get("/mail/{token}", dependencies=[Depends(public())])
    def opened(token: str, request: Request) -> Response:
        """Show what a mailed link opens; looking decides nothing."""
        return mailed.show(request, token)

    @router.post("/mail/{token}", dependencies=[Depends(public())])
    def decided_by_mail(token: str, request: Request, cause: api.Why) -> Response:
        """Decide the step of a mailed link, once."""
        return mailed.decide(request, token, cause)


def _cases(router: APIRouter, drawn: CasePages) -> None:
    @router.get("/cases")
    def inbox(request: Request, wanted: Asked, caller: Insider) -> Response:
        """Show the inbox."""
        return drawn.inbox(request, wanted, caller)

    @router.get("/cases/{case_id}")
    def case(case_id: UUID, request: Request, caller: Reader) -> Response:
        """Show a case."""
        return drawn.show(request, case_id, caller)

    @router.post("/cases/{case_id}/decision")
    def decided(case_id: UUID, request: Request, caller: Decider, cause: api.Why) -> Response:
        """Decide the current step of a case."""
        return drawn.decide(request, case_id, caller, cause)


def _questions(router: APIRouter, drawn: CasePages, talk: QuestionPages) -> None:
    @router.get("/cases/{case_id}/questions")
    def questions(case_id: UUID, request: Request, caller: Reader) -> Response:
        """Show what approvers ask about a case."""
        return talk.show(request, case_id, caller)

    @router.post("/cases/{case_id}/questions")
    def asked(case_id: UUID, request: Request, caller: Decider, cause: api.Why) -> Response:
        """Ask the seller something."""
        return drawn.ask(request, case_id, caller, cause)

    @router.post("/cases/{case_id}/questions/{question_id}/answer")
    def answered(
        case_id: UUID, question_id: UUID, request: Request, caller: Answerer, cause: api.Why
    ) -> Response:
        """Answer a question."""
        return talk.answer(request, (case_id, question_id), caller, cause)
