"""Draws what a mailed link opens: the case as its approver sees it, and a form that decides once.

Looking never decides: mail scanners open every link.
"""

from dataclasses import replace

from fastapi import Request
from starlette.responses import Response

from contracts.errors import Conflict, QuotewrightError, Refused, Unavailable
from infra.auth import Principal
from infra.pages import Pages, filled, form, see
from infra.work import Cause, Commands
from services.approvals import api, handlers, links
from services.approvals.domain.case import Case, NotAnApprover
from services.approvals.domain.mailing import (
    Link,
    LinkExpired,
    LinkUsed,
    StepOver,
    Words,
    standing,
)
from services.approvals.pages.cases import STATES, CasePages, faulty
from services.approvals.policy import Authority

# Who acts, as facts name it; the decision itself names the approver.
SYSTEM = "system/mail"
OVER = {"used": 200, "expired": 410, "moved": 410, "closed": 200}
SAID = (Refused, Conflict, Unavailable, NotAnApprover)


class MailPages:
    """Draws cases for the holders of links, and takes their decisions."""

    def __init__(
        self, commands: Commands, authority: Authority, pages: Pages, drawn: CasePages
    ) -> None:
        self._commands = commands
        self._authority = authority
        self._pages = pages
        self._drawn = drawn

    def show(self, request: Request, token: str, fault: QuotewrightError | None = None) -> Response:
        """Draw the case, or why the link opens nothing any more.   Raises: NoSuchLink."""
        link = links.find(self._commands, token)
        recorded = api.recorded_of(self._commands, link.case_id)
        case, now = handlers.folded(recorded), request.app.state.clock()
        stands = standing(link, case, now)
        if stands != "good":
            status = 410 if isinstance(fault, LinkUsed | LinkExpired | StepOver) else OVER[stands]
            return self._over(request, link, case, (stands, status))
        caller = Principal(link.approver, frozenset({"approver"}), "user")
        told = self._drawn.told(recorded, caller, now) | {
            "decide_at": f"{links.PATH}/{token}",
            "may_ask": False,
            "expires_at": link.expires_at,
        }
        told |= faulty(request, fault)
        return self._pages.show(request, "mailed.html", fault.status if fault else 200, **told)

    def decide(self, request: Request, token: str, cause: Cause) -> Response:
        """Take the decision of a link's holder, and say what came of it.   Raises: NoSuchLink."""
        links.find(self._commands, token)
        try:
            body = filled(api.DecisionBody, form(request))
            said = Words(content_key=body.content_key, verdict=body.verdict, reason=body.reason)
            by_mail, authority = replace(cause, actor=SYSTEM), self._authority
            self._commands.run(
                by_mail, lambda work: handlers.decision_mailed(work, token, said, authority)
            )
        except SAID as fault:
            return self.show(request, token, fault)
        return see(f"{links.PATH}/{token}")

    def _over(self, request: Request, link: Link, case: Case, how: tuple[str, int]) -> Response:
        """Say why the link opens nothing, and what its holder said; no figure of the case."""
        stands, status = how
        late = [each for each in case.late if each.by == link.approver]
        granted = [each for each in case.grants if each.by == link.approver]
        rejected = getattr(case.closing, "by", None) == link.approver and case.state == "rejected"
        return self._pages.show(
            request,
            "mail_over.html",
            status,
            ask=case.request,
            state=case.state,
            states=STATES,
            stands=stands,
            link=link,
            said="late" if late else "approved" if granted else "rejected" if rejected else "",
        )
