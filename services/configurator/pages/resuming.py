"""Keeps the answers of the guided page in a session: a reload or another device goes on from it.

The page works without: whatever keeps a session from being written, its answers stand in the form.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date
from uuid import UUID

from contracts.errors import QuotewrightError, Unavailable
from infra.pages import form
from infra.work import Cause
from services.configurator.domain.answers.hashing import decisions_hash
from services.configurator.domain.products.catalogue import Catalogue
from services.configurator.domain.products.product import Product
from services.configurator.domain.sessions import session_steps as deciding
from services.configurator.domain.sessions.session import Entry, Head, NoSuchSession, Session
from services.configurator.domain.sessions.session_steps import (
    NothingToUndo,
    SessionClosed,
    SessionFull,
    Signed,
    TooManySessions,
)
from services.configurator.judging import VersionGone, newer_of, product_of
from services.configurator.pages import reading
from services.configurator.pages.addresses import Asking
from services.configurator.pages.drawing import Filled
from services.configurator.pages.setting import Kept, Setting
from services.configurator.sessions import Listed, Sessions, session_id_of, signed

OTHERS_MAX = 3
MINE_MAX = 200
NOT_NOW = "The answers can not be kept now; they stand on this page until you leave it."
Move = Callable[[Session, Signed], Entry]
# A form as it is read against a version of its product.
Read = Callable[[Product], Filled]
MOVES: Mapping[str, Move] = {"undo": deciding.undo, "redo": deciding.redo}


class Resuming:
    """Keeps what forms say, and finds it again."""

    def __init__(self, sessions: Sessions, catalogue: Catalogue) -> None:
        self._sessions = sessions
        self._catalogue = catalogue

    def opened(self, asking: Asking, product: Product | None, wanted: str) -> Setting:
        """Return the setting with the session that a link names, or with those begun here before.

        Raises: NoSuchSession, if the link names one that is not there.
        """
        setting, owner = asking.setting, asking.cause.actor
        if wanted and product is not None:
            found = self._sessions.of(_uuid(wanted), owner)
            if found.submitted is None and found.head.product == product.model.id:
                return replace(setting, kept=self._standing(found, product, asking.day))
        with suppress(Unavailable):
            mine = self._sessions.mine(owner, MINE_MAX, setting.place.deal_id)
            name = product.model.id if product else None
            here = [each for each in mine if _is_here(each, setting, name)]
            return replace(setting, kept=Kept(others=tuple(here[:OTHERS_MAX])))
        return setting

    def followed(self, asking: Asking, product: Product, read: Read) -> tuple[Filled, Kept]:
        """Append what a form changes, undo, or move to `product`, the version of the day.

        Returns the form as `read` against the version that stands then, and what stands.
        """
        filled = read(product)
        given = form(asking.request)
        try:
            found = self._found(given.get("session", ""), asking.cause.actor, product)
            if found is None and not _says_more(filled):
                return filled, asking.setting.kept
            if found is not None and found.model != product.pin:
                found = self._earlier(found, asking, product, read)
            elif found is None:
                found = self._begun(asking.setting, filled, asking.cause)
                found = self._appended(found, filled, asking.cause, {**given, "seen": "1"})
            elif (intent := given.get("intent", "")) in MOVES:
                found = self._moved(found, asking.cause, intent)
            else:
                found = self._appended(found, filled, asking.cause, given)
        except (TooManySessions, SessionFull) as fault:
            return filled, Kept(words=f"The answers are not kept: {fault.message}.")
        except (Unavailable, NoSuchSession):
            return filled, Kept(words=NOT_NOW)
        return filled, self._standing(found, product, asking.day)

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

    def put_already(self, asking: Asking, kept: Kept) -> SessionClosed | None:
        """Return what is said of a form whose session another form has put into a new quote.

        A form that is sent again is the same command, and comes to the same quote.
        """
        named = form(asking.request).get("session", "")
        stands = str(kept.session.head.session_id) if kept.session else ""
        if asking.setting.quote is not None or named == stands:
            return None
        with suppress(NoSuchSession, Unavailable):
            put = self._sessions.of(_uuid(named), asking.cause.actor).submitted
            if put and put.command_id != _anew(asking.cause, "submitted").command_id:
                return SessionClosed(
                    f"This configuration was put into {put.quote} already, perhaps in another"
                    " window; what you put in from here becomes a further quote",
                    quote=put.quote,
                )
        return None

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
        self, found: Session, filled: Filled, cause: Cause, given: Mapping[str, str]
    ) -> Session:
        """Append the answers that differ from what the form was drawn with."""
        product = filled.product
        seen = given.get("seen", "")[:6]
        drawn = int(seen) if seen.isascii() and seen.isdigit() else 1
        known = [
            each for each in product.space.attributes if reading.field(each) not in filled.errors
        ]
        changes = deciding.merged(found, drawn, filled.decisions, known)
        if not changes:
            return found
        step = _anew(cause, f"decided-{drawn}-{decisions_hash(filled.decisions)[:16]}")
        return self._sessions.change(
            step, _whose(found), lambda now: deciding.decide(now, product, changes, signed(step))
        )

    def _earlier(self, found: Session, asking: Asking, today: Product, read: Read) -> Session:
        """Move a session to the version of the day, if the form says so.

        Else what the form says is kept on the version that it was drawn with.
        """
        given = form(asking.request)
        if given.get("intent") == "move":
            told = _anew(asking.cause, f"to-{today.pin.sha256}")
            drop = given.get("drop", "").split()
            return self._sessions.change(
                told, _whose(found), lambda now: deciding.move(now, today, drop, signed(told))
            )
        with suppress(VersionGone):
            was = product_of(self._catalogue, found, asking.day)
            return self._appended(found, read(was), asking.cause, given)
        return found

    def _standing(self, found: Session, product: Product, day: date) -> Kept:
        """Return what stands on the version of the day, or what that would make of it."""
        if found.model != product.pin:
            return Kept(found, newer=newer_of(self._catalogue, found, day))
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
