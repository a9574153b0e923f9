"""Keeps the answers of the guided page in a session: a reload or another device goes on from it.

The page works without: whatever keeps a session from being written, its answers stand in the form.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from contracts.errors import QuotewrightError, Unavailable
from infra.work import Cause
from services.configurator.domain.answers.hashing import decisions_hash
from services.configurator.domain.products.product import Product
from services.configurator.domain.sessions import session_steps as deciding
from services.configurator.domain.sessions.session import Entry, Head, NoSuchSession, Session
from services.configurator.domain.sessions.session_steps import (
    NothingToUndo,
    SessionFull,
    Signed,
    TooManySessions,
)
from services.configurator.pages import reading
from services.configurator.pages.drawing import Filled
from services.configurator.pages.setting import Kept, Setting
from services.configurator.sessions import Listed, Sessions, session_id_of, signed

OTHERS_MAX = 3
MINE_MAX = 200
NOT_NOW = "The answers can not be kept now; they stand on this page until you leave it."
Move = Callable[[Session, Signed], Entry]
MOVES: Mapping[str, Move] = {"undo": deciding.undo, "redo": deciding.redo}


class Resuming:
    """Keeps what forms say, and finds it again."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def opened(self, setting: Setting, product: Product | None, owner: str, wanted: str) -> Setting:
        """Return the setting with the session that a link names, or with those begun here before.

        Raises: NoSuchSession, if the link names one that is not there.
        """
        if wanted and product is not None:
            found = self._sessions.of(_uuid(wanted), owner)
            if found.submitted is None and found.head.product == product.model.id:
                return replace(setting, kept=_standing(found, product))
        with suppress(Unavailable):
            mine = self._sessions.mine(owner, MINE_MAX, setting.place.deal_id)
            name = product.model.id if product else None
            here = [each for each in mine if _is_here(each, setting, name)]
            return replace(setting, kept=Kept(others=tuple(here[:OTHERS_MAX])))
        return setting

    def followed(
        self, setting: Setting, filled: Filled, cause: Cause, form: Mapping[str, str]
    ) -> Setting:
        """Append what a form changes, or undo; return the setting with what stands then."""
        try:
            found = self._found(form.get("session", ""), cause.actor, filled.product)
            if found is None:
                if not _says_more(filled):
                    return setting
                found = self._begun(setting, filled, cause)
                form = {**form, "seen": "1"}
            if (intent := form.get("intent", "")) in MOVES:
                found = self._moved(found, cause, intent)
            else:
                found = self._appended(found, filled, cause, form)
        except (TooManySessions, SessionFull) as fault:
            return replace(setting, kept=Kept(words=f"The answers are not kept: {fault.message}."))
        except (Unavailable, NoSuchSession):
            return replace(setting, kept=Kept(words=NOT_NOW))
        return replace(setting, kept=_standing(found, filled.product))

    def submitted(self, kept: Kept, number: str, item_id: str, cause: Cause) -> None:
        """Say that the item was put into a quote; that it was, does not depend on this."""
        if (session := kept.session) is None:
            return
        told = _anew(cause, "submitted")

        def put(found: Session) -> Entry | None:
            return (
                None if found.submitted else deciding.submit(found, number, item_id, signed(told))
            )

        with suppress(QuotewrightError):
            self._sessions.change(told, (session.head.session_id, cause.actor), put)

    # ---- inside

    def _found(self, wanted: str, owner: str, product: Product) -> Session | None:
        """Return the session of the form, if it is there and still open for this product."""
        if not wanted:
            return None
        with suppress(NoSuchSession):
            found = self._sessions.of(_uuid(wanted), owner)
            if found.submitted is None and found.head.product == product.model.id:
                return found
        return None

    def _begun(self, setting: Setting, filled: Filled, cause: Cause) -> Session:
        """Begin with what the quote holds; sent again, it is the same session."""
        told = _anew(cause, "begun")
        head = Head(
            session_id=session_id_of(told.command_id),
            owner=cause.actor,
            product=filled.product.model.id,
            name=(filled.about.label or str(setting.deal["details"]["name"]))[:200],
            place=setting.place,
            copied_from=None,
            begun_at=cause.now,
        )
        return self._sessions.begin(
            told, head, deciding.begin(filled.product, filled.stored, signed(told))
        )

    def _moved(self, found: Session, cause: Cause, intent: str) -> Session:
        move, told = MOVES[intent], _anew(cause, intent)
        with suppress(NothingToUndo):
            return self._sessions.change(told, _whose(found), lambda now: move(now, signed(told)))
        return found

    def _appended(
        self, found: Session, filled: Filled, cause: Cause, form: Mapping[str, str]
    ) -> Session:
        """Append the answers that differ from what the form was drawn with."""
        product = filled.product
        if found.model != product.pin:
            told = _anew(cause, f"to-{product.pin.sha256}")
            found = self._sessions.change(
                told, _whose(found), lambda now: deciding.move(now, product, (), signed(told))
            )
        seen = form.get("seen", "")[:6]
        drawn = int(seen) if seen.isascii() and seen.isdigit() else 1
        known = [
            each for each in product.space.attributes if reading.field(each) not in filled.errors
        ]
        step = _anew(cause, f"decided-{drawn}-{decisions_hash(filled.decisions)[:16]}")

        def decide(now: Session) -> Entry | None:
            changes = deciding.merged(now, drawn, filled.decisions, known)
            return deciding.decide(now, product, changes, signed(step))

        if not deciding.merged(found, drawn, filled.decisions, known):
            return found
        return self._sessions.change(step, _whose(found), decide)


def _standing(found: Session, product: Product) -> Kept:
    decisions, _ = reading.fitting(product, found.decisions)
    return Kept(found, decisions)


def _is_here(listed: Listed, setting: Setting, product: str | None) -> bool:
    is_same = listed.place == setting.place and product in {None, listed.product}
    return is_same and not listed.submitted


def _says_more(filled: Filled) -> bool:
    """Say whether the form says anything that the quote does not hold already."""
    stored = {each.attribute: each.value for each in filled.stored}
    return {each.attribute: each.value for each in filled.decisions} != stored


def _whose(found: Session) -> tuple[UUID, str]:
    return found.head.session_id, found.head.owner


def _anew(cause: Cause, what: str) -> Cause:
    """Return the cause of one step of a form; a form may be sent with other answers than before."""
    return replace(cause, command_id=f"{cause.command_id}.{what}", request_sha256=None)


def _uuid(text: str) -> UUID:
    """Return the id of a session.   Raises: NoSuchSession, if it is none."""
    try:
        return UUID(text)
    except ValueError:
        raise NoSuchSession("you have no such configuration; it may have been forgotten") from None
