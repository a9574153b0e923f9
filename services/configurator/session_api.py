"""The doors of configuration sessions: each is seen by its owner only, and makes no facts."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from contracts.configuration import RequestedItem
from infra.ask import Asker
from infra.pages import credential
from infra.web import Principal, allow, cause_of, if_match
from infra.work import Cause, Commands
from services.configurator import handlers
from services.configurator.domain.prices.reasons import why
from services.configurator.domain.products.catalogue import Catalogue
from services.configurator.domain.products.decisions import binding
from services.configurator.domain.sessions import session_steps as deciding
from services.configurator.domain.sessions.session import Change, Entry, Session
from services.configurator.judging import compared, product_of
from services.configurator.session_answers import (
    BeginAsk,
    ChangedOptions,
    DecideAsk,
    MoveAsk,
    OfSession,
    SessionAnswer,
    SessionComparison,
    SessionCompleteAsk,
    SessionDesk,
    SessionExplainAsk,
    SessionItem,
    SessionWhy,
    Touch,
)
from services.configurator.sessions import Listed, Sessions, session_id_of, signed

Caller = Annotated[Principal, Depends(allow("seller", "admin", "service"))]
Asked = Annotated[Cause, Depends(cause_of)]
Seen = Annotated[str | None, Depends(if_match)]
LISTED_MAX = 200


def _begun(response: Response, who: Caller, asked: Asked) -> Touch:
    return Touch(session_id_of(asked.command_id), who.actor, asked, None, response)


def _touched(session_id: UUID, response: Response, who: Caller, asked: Asked, seen: Seen) -> Touch:
    return Touch(session_id, who.actor, asked, seen, response)


Begins = Annotated[Touch, Depends(_begun)]


def routes(commands: Commands, catalogue: Catalogue, asker: Asker) -> APIRouter:
    """Return the routes below /configurator/sessions."""
    router = APIRouter(prefix="/configurator/sessions")
    desk = SessionDesk(Sessions(commands), catalogue, asker)
    _beginning(router, desk)
    _deciding(router, desk)
    _asking(router, desk)
    return router


def _beginning(router: APIRouter, desk: SessionDesk) -> None:
    @router.post("", status_code=201)
    def begin(ask: BeginAsk, request: Request, touch: Begins) -> SessionAnswer:
        """Begin a session; it is its owner's alone."""
        return desk.begin(ask, touch, credential(request))

    @router.get("")
    def mine(
        caller: Caller,
        limit: Annotated[int, Query(ge=1, le=LISTED_MAX)] = 50,
        deal_id: UUID | None = None,
    ) -> list[Listed]:
        """List the caller's own sessions, the last touched first."""
        return list(desk.sessions.mine(caller.actor, limit, deal_id))

    @router.get("/{session_id}")
    def one(touch: Annotated[Touch, Depends(_touched)]) -> SessionAnswer:
        """Show a session: what stands, and every option judged."""
        return desk.answer(desk.sessions.of(touch.session_id, touch.owner), touch)

    @router.delete("/{session_id}", status_code=204)
    def forget(touch: Annotated[Touch, Depends(_touched)]) -> None:
        """Forget a session for good; what was put into a quote stays there."""
        desk.sessions.forget(touch.cause, touch.session_id, touch.owner)


def _deciding(router: APIRouter, desk: SessionDesk) -> None:
    @router.post("/{session_id}/decisions")
    def decide(ask: DecideAsk, touch: Annotated[Touch, Depends(_touched)]) -> SessionAnswer:
        """Decide, or take back, as one step; contradictions are said in the answer."""
        taken = (Change(attribute=each, value=None) for each in ask.take_back)
        return desk.decide(touch, (*deciding.given(ask.decisions), *taken))

    @router.delete("/{session_id}/decisions/{attribute}")
    def take_back(attribute: str, touch: Annotated[Touch, Depends(_touched)]) -> SessionAnswer:
        """Take one answer back; done already, it changes nothing."""
        return desk.decide(touch, (Change(attribute=attribute, value=None),))

    @router.post("/{session_id}/undo")
    def undo(touch: Annotated[Touch, Depends(_touched)]) -> SessionAnswer:
        """Undo the last step that stands."""
        return desk.change(touch, lambda found: deciding.undo(found, signed(touch.cause)))

    @router.post("/{session_id}/redo")
    def redo(touch: Annotated[Touch, Depends(_touched)]) -> SessionAnswer:
        """Do again what was undone last."""
        return desk.change(touch, lambda found: deciding.redo(found, signed(touch.cause)))

    @router.post("/{session_id}/move")
    def move(ask: MoveAsk, touch: Annotated[Touch, Depends(_touched)]) -> SessionAnswer:
        """Move to the version of the day, giving up what it does not know, and what is named."""

        def moved(found: Session) -> Entry | None:
            today = desk.catalogue.product(found.head.product, touch.day)
            return deciding.move(found, today, ask.drop, signed(touch.cause))

        return desk.change(touch, moved)


def _asking(router: APIRouter, desk: SessionDesk) -> None:
    @router.get("/{session_id}/options")
    def options(
        touch: Annotated[Touch, Depends(_touched)], since: Annotated[int, Query(ge=0)] = 0
    ) -> ChangedOptions:
        """Say which questions are judged otherwise than at an earlier revision."""
        return desk.changed(desk.sessions.of(touch.session_id, touch.owner), since, touch.day)

    @router.post("/{session_id}/explain")
    def explain(ask: SessionExplainAsk, touch: Annotated[Touch, Depends(_touched)]) -> SessionWhy:
        """Say why an option can not be chosen, up to three times, and what to give up for it."""
        session = desk.sessions.of(touch.session_id, touch.owner)
        product = product_of(desk.catalogue, session, touch.day)
        found = why(product, binding(product, session.decisions), ask.attribute, ask.option)
        return SessionWhy(**desk.proved(session, touch.day), why=found)

    @router.post("/{session_id}/complete")
    def complete(
        ask: SessionCompleteAsk, touch: Annotated[Touch, Depends(_touched)]
    ) -> SessionItem:
        """Complete the decisions to a valid configuration, or say what is in the way."""
        session = desk.sessions.of(touch.session_id, touch.owner)
        item = RequestedItem(product=session.head.product, decisions=session.decisions, **dict(ask))
        found = handlers.completed_on(product_of(desk.catalogue, session, touch.day), item)
        return SessionItem(**desk.proved(session, touch.day), item=found)

    @router.get("/{left}/compare/{right}")
    def compare(left: UUID, right: UUID, caller: Caller, asked: Asked) -> SessionComparison:
        """Compare two sessions: answers, technical parameters, parts."""
        day = handlers.day_of(asked.now)
        both = [desk.sessions.of(each, caller.actor) for each in (left, right)]
        return SessionComparison(
            left=OfSession(**desk.proved(both[0], day)),
            right=OfSession(**desk.proved(both[1], day)),
            comparison=compared(desk.catalogue, both[0], both[1], day),
        )
