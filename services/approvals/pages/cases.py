"""Draws the inbox of cases, and one screen per decision."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from contracts import places
from contracts.approval import ApprovalCause, ApprovalStep
from contracts.charges import say_charge
from contracts.errors import Conflict, QuotewrightError, Refused, Unavailable
from infra.auth import Principal
from infra.live import Live
from infra.pages import FormInvalid, Pages, filled, form, see
from infra.work import Cause, Commands, Recorded
from services.approvals import api, handlers, views
from services.approvals.domain.case import Case, NotAnApprover, ReasonMissing, able_now
from services.approvals.domain.questions import unanswered
from services.approvals.domain.steps import person
from services.approvals.offers import Offers
from services.approvals.pages.compared import Comparison
from services.approvals.pages.wanted import Wanted
from services.approvals.policy import Authority

SHOWN = 50
DISCOUNT = "sales_discount_percent"
# What a state is called, and the tone of its badge.
STATES = {
    "open": ("Open", "warn"),
    "granted": ("Granted", "good"),
    "rejected": ("Rejected", "bad"),
    "recalled": ("Recalled", "plain"),
    "not_required": ("Not needed", "plain"),
}
VERDICTS = {"approve": "yes", "reject": "no"}
KINDS = {"added": ("Added", "good"), "removed": ("Removed", "bad"), "changed": ("Changed", "warn")}
# More lines than these are folded away, so that the forms are never far.
FEW = 6
# The fields that people write in; all others of a form are ours.
WRITTEN = frozenset({"reason", "text"})
# What is said on the page of the case itself, beside its forms.
SAID = (Refused, Conflict, Unavailable, NotAnApprover)


class CasePages:
    """Draws cases for those who decide them and those who wait for them."""

    def __init__(
        self, desk: tuple[Commands, Offers], authority: Authority, pages: Pages, live: Live
    ) -> None:
        """Draw from a desk: our own commands, and the offers that quotes tells."""
        self._commands, offers = desk
        self._comparison = Comparison(self._commands, offers)
        self._authority = authority
        self._pages = pages
        self._live = live
        # The newest policy names a level last, and has the last word.
        self._titles = {
            level.id: level.title for each in authority.policies for level in each.policy.levels
        }

    # ---- the inbox

    def inbox(self, request: Request, wanted: Wanted, caller: Principal) -> Response:
        """Draw the inbox."""
        return self._pages.show(request, "inbox.html", **self._listed(request, wanted, caller))

    def stream(self, request: Request, wanted: Wanted, caller: Principal) -> StreamingResponse:
        """Send the list anew whenever any case has changed."""

        def draw() -> str:
            told = self._listed(request, wanted, caller)
            return self._pages.draw(request, "inbox_list.html", **told)

        return self._live.stream(request, {"*"}, draw)

    def _listed(self, request: Request, wanted: Wanted, caller: Principal) -> dict[str, Any]:
        full = wanted.seen_by(caller)
        now: datetime = request.app.state.clock()
        rows = views.inbox(self._commands, full.filter(caller), now, SHOWN + 1)
        return {
            "wanted": full,
            "query": full.query(),
            "cases": [self._row(each) for each in rows[:SHOWN]],
            "next_page": full.behind(rows[SHOWN - 1]) if len(rows) > SHOWN else None,
            "states": STATES,
        }

    def _row(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a case of the list, with the limit that its discount passes, out of its facts."""
        case = handlers.folded(self._commands.read(handlers.stream_of(UUID(row["case_id"]))))
        return {
            **row,
            "limit": _discount_limit(_causes(case)),
            "level": self._titles.get(row["level"], row["level"]),
            "asked_by": person(row["requested_by"]),
            "questions": len(case.questions),
            "unanswered": len(unanswered(case)),
        }

    # ---- one case

    def show(
        self,
        request: Request,
        case_id: UUID,
        caller: Principal,
        fault: QuotewrightError | None = None,
    ) -> Response:
        """Draw a case, and beside its forms why a decision could not be taken.

        Raises: NoSuchCase.
        """
        recorded = api.recorded_of(self._commands, case_id)
        told = self.told(recorded, caller, request.app.state.clock())
        told |= faulty(request, fault)
        return self._pages.show(request, "case.html", fault.status if fault else 200, **told)

    def follow(self, request: Request, case_id: UUID, caller: Principal) -> StreamingResponse:
        """Send a case anew whenever it has changed.   Raises: NoSuchCase."""
        asked = api.asked_case(self._commands, case_id).request
        once = request.app.state.new_id()

        def draw() -> str:
            recorded = api.recorded_of(self._commands, case_id)
            told = self.told(recorded, caller, request.app.state.clock())
            told |= faulty(request, None) | {"once": once}
            return self._pages.draw(request, "case_body.html", **told)

        return self._live.stream(request, {str(asked.deal_id) if asked else ""}, draw)

    def decide(self, request: Request, case_id: UUID, caller: Principal, cause: Cause) -> Response:
        """Take the caller's decision, then show the case: it says what became of it.

        Raises: NoSuchCase.
        """
        api.recorded_of(self._commands, case_id)
        try:
            decision = api.decision_of(filled(api.DecisionBody, form(request)), caller.id, cause)
            api.decide(self._commands, self._authority, cause, (case_id, decision))
        except SAID as fault:
            return self.show(request, case_id, caller, fault)
        return see(places.case(case_id))

    def ask(self, request: Request, case_id: UUID, caller: Principal, cause: Cause) -> Response:
        """Ask the seller what the caller wants to know, then show the case with it.

        Raises: NoSuchCase.
        """
        api.recorded_of(self._commands, case_id)
        try:
            asked = filled(api.WordsBody, form(request))
            api.ask(self._commands, self._authority, cause, (case_id, caller.id, asked.text))
        except SAID as fault:
            return self.show(request, case_id, caller, fault)
        return see(f"{places.case(case_id)}#h-questions")

    def told(
        self, recorded: Sequence[Recorded], caller: Principal, now: datetime
    ) -> dict[str, Any]:
        """Return what the page of a case shows to this caller."""
        case = handlers.folded(recorded)
        able = able_now(case, self._authority.directory)
        internal = bool(caller.roles & api.SEES_INTERNAL)
        request = case.request
        ended = [each.meta.time for each in recorded if each.fact == case.closing]
        return {
            "case": views.shown(case, able, internal=internal),
            "reader": caller.id,
            "decide_at": f"{places.case(request.case_id)}/decision" if request else "",
            "internal": internal,
            "asked_by": person(request.requested_by) if request else "",
            "asked_at": recorded[0].meta.time,
            "ended_at": ended[0] if ended else None,
            "overdue": bool(request and case.state == "open" and request.due_at < now),
            "steps": list(self._steps(case, internal=internal)),
            "limit": _discount_limit(_causes(case)),
            "may": self._may(case, able, caller),
            "decides": "approver" in caller.roles,
            "states": STATES,
            "verdicts": VERDICTS,
            "kinds": KINDS,
            "say_charge": say_charge,
            "few": FEW,
            "may_ask": self._may_ask(case, caller),
            "compared": self._comparison.of(request) if request else None,
        }

    def _steps(self, case: Case, *, internal: bool) -> Iterator[dict[str, Any]]:
        """Give each step: its level, its limit, who may sign, and how it stands."""
        grants = {each.step: each for each in case.grants}
        refused = getattr(case.closing, "step", None)
        for step in case.request.steps if case.request else ():
            grant = grants.get(step.step)
            yield {
                "number": step.step,
                "level": self._titles.get(step.level, step.level),
                "limit": _discount_limit(step.causes),
                "causes": step.causes,
                "approvers": [self._signer(each, internal=internal) for each in step.approvers],
                "grant": grant,
                "now": step == case.step,
                "refused": step.step == refused,
            }

    def _signer(self, approver_id: str, *, internal: bool) -> dict[str, Any]:
        """Return who may sign; how far the signature reaches, is for insiders only."""
        found = self._authority.directory.find(approver_id)
        reach = found.limit if found and internal else None
        return {"id": approver_id, "active": bool(found and found.active), "reach": reach}

    def _may(self, case: Case, able: Sequence[str], caller: Principal) -> frozenset[str]:
        """Return which verdicts the caller is offered; the domain has the last word."""
        step = case.step
        if step is None or "approver" not in caller.roles or not self._named(step, case, caller):
            return frozenset()
        return frozenset({"approve", "reject"} if caller.id in able else {"reject"})

    def _may_ask(self, case: Case, caller: Principal) -> bool:
        """Say whether the caller is offered to ask; as above, the domain decides."""
        steps = case.request.steps if case.request and case.state == "open" else ()
        return "approver" in caller.roles and any(self._named(step, case, caller) for step in steps)

    def _named(self, step: ApprovalStep, case: Case, caller: Principal) -> bool:
        found = self._authority.directory.find(caller.id)
        asked = case.request is not None and person(case.request.requested_by) == caller.id
        return caller.id in step.approvers and not asked and found is not None and found.active


def _causes(case: Case) -> list[ApprovalCause]:
    """Return why the step that waits is asked; of a closed case, why any step was."""
    asked = case.request.steps if case.request else ()
    return [cause for step in ([case.step] if case.step else asked) for cause in step.causes]


def _discount_limit(causes: Sequence[ApprovalCause]) -> str | None:
    """Return the limit that the discount passes; None, if something else asks for approval."""
    limits = [each.limit.removesuffix(" %") for each in causes if each.measure == DISCOUNT]
    return max(limits, key=Decimal) if limits else None


def faulty(request: Request, fault: QuotewrightError | None) -> dict[str, Any]:
    """Return what a page shows of a form that was refused: why, and what was written in it."""
    values = form(request) if fault else {}
    if isinstance(fault, FormInvalid) and not fault.errors.keys() & WRITTEN:
        fault = FormInvalid(fault.errors, "load the page again, and decide by one of its buttons")
    return {"fault": fault, "values": values, "errors": _errors(fault, values)}


def _errors(fault: QuotewrightError | None, values: dict[str, str]) -> Mapping[str, str]:
    """Return what is wrong with a reason, by the form it was written in, and with a question."""
    if isinstance(fault, ReasonMissing):
        return {"reject": fault.message}
    if isinstance(fault, FormInvalid) and "reason" in fault.errors:
        return {values.get("verdict", ""): fault.errors["reason"]}
    return fault.errors if isinstance(fault, FormInvalid) else {}
