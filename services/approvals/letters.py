"""Composes the mail that asks an approver: what is asked, without our figures, and the link."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import UUID

import jinja2

from infra.formats import Reader
from infra.mail import Letter
from infra.outbox import DueDelivery
from infra.work import Cause, Commands
from services.approvals import handlers, links
from services.approvals.domain.case import able_now
from services.approvals.domain.mailing import LIFETIME
from services.approvals.policy import Authority

TEMPLATES = Path(__file__).parent / "templates"


class Letters:
    """Composes letters when they are sent, so that nothing of them has to be stored."""

    def __init__(self, commands: Commands, authority: Authority, public_url: str) -> None:
        self._commands = commands
        self._authority = authority
        self._public_url = public_url
        self._drawn = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=jinja2.select_autoescape(["html"]),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def composer(self, clock: Callable[[], datetime]) -> Callable[[DueDelivery], Letter | None]:
        """Return what composes the letter of a delivery at the time of a clock."""
        return lambda due: self.compose(due, clock())

    def compose(self, due: DueDelivery, now: datetime) -> Letter | None:
        """Return the letter, and keep the hash of its link.

        None, if the step is decided, or the reader can not decide it or has no address any more.
        """
        case_id, step = UUID(due.body["case_id"]), int(due.body["step"])
        approver: str = due.body["approver"]
        case = handlers.folded(self._commands.read(handlers.stream_of(case_id)))
        reader = self._authority.directory.find(approver)
        able = able_now(case, self._authority.directory)
        if case.request is None or case.step is None or case.step.step != step:
            return None
        if reader is None or reader.mail is None or approver not in able:
            return None
        # Drawn for this mail alone: what is sent again holds another link, with its own hours.
        token = links.drawn()
        cause = Cause(f"mail/{links.hashed(token)}", now, "service/approvals")
        self._commands.run(cause, lambda work: links.keep(work, token, (case_id, step, approver)))
        told = {
            "ask": case.request.model_dump(mode="json", exclude={"internal"}),
            "step": case.step,
            "approver": approver,
            "link": f"{self._public_url}{links.PATH}/{token}",
            "expires_at": now + LIFETIME,
            "read": Reader(),
        }
        return Letter(
            to=reader.mail,
            subject=f"Approval of {case.request.number}, revision {case.request.revision}",
            text=self._drawn.get_template("mail.txt").render(told),
            html=self._drawn.get_template("mail.html").render(told),
        )
