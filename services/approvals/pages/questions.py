"""Draws what approvers ask about a case, for the seller who answers; no figure of ours is on it."""

from typing import Any
from uuid import UUID

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from contracts import places
from contracts.errors import Conflict, NotFound, QuotewrightError, Refused, Unavailable
from infra.auth import Principal
from infra.live import Live
from infra.pages import FormInvalid, Pages, filled, form, see
from infra.work import Cause, Commands
from services.approvals import api, views
from services.approvals.pages.cases import STATES

ANSWERS = frozenset({"seller", "admin"})
SAID = (Refused, Conflict, NotFound, Unavailable)


class QuestionPages:
    """Draws the questions of one case, and takes their answers."""

    def __init__(self, commands: Commands, pages: Pages, live: Live) -> None:
        self._commands = commands
        self._pages = pages
        self._live = live

    def show(
        self,
        request: Request,
        case_id: UUID,
        caller: Principal,
        failed: tuple[UUID, QuotewrightError] | None = None,
    ) -> Response:
        """Draw the questions; `failed` names the one whose answer could not be taken, and why.

        Raises: NoSuchCase.
        """
        asked, fault = failed or (None, None)
        told = self._told(case_id, caller) | {
            "fault": fault,
            "failed": str(asked),
            "values": form(request) if fault else {},
            "errors": fault.errors if isinstance(fault, FormInvalid) else {},
        }
        return self._pages.show(request, "questions.html", fault.status if fault else 200, **told)

    def follow(self, request: Request, case_id: UUID, caller: Principal) -> StreamingResponse:
        """Send the questions anew whenever one is asked or answered.   Raises: NoSuchCase."""
        asked = api.asked_case(self._commands, case_id).request
        once = request.app.state.new_id()

        def draw() -> str:
            told = self._told(case_id, caller) | {"once": once}
            return self._pages.draw(request, "questions_body.html", **told)

        return self._live.stream(request, {str(asked.deal_id) if asked else ""}, draw)

    def _told(self, case_id: UUID, caller: Principal) -> dict[str, Any]:
        return {
            "talk": views.questions_shown(api.asked_case(self._commands, case_id)),
            "states": STATES,
            "answers": bool(caller.roles & ANSWERS),
            "failed": "",
            "values": {},
            "errors": {},
        }

    def answer(
        self, request: Request, what: tuple[UUID, UUID], caller: Principal, cause: Cause
    ) -> Response:
        """Take the answer to a question, then show them all.   Raises: NoSuchCase."""
        case_id, question_id = what
        api.asked_case(self._commands, case_id)
        try:
            text = filled(api.WordsBody, form(request)).text
            api.answer_question(self._commands, cause, (case_id, question_id), (caller.id, text))
        except SAID as fault:
            return self.show(request, case_id, caller, (question_id, fault))
        return see(places.questions(case_id))
