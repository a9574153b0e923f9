"""What may be appended to a session: begin, decide, take back, undo, do again, move, submit.

Each returns the entry, or None where everything stands as it is wanted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.configuration import Decision
from contracts.errors import Refused
from services.configurator.domain.products.decisions import BINDING, binding, fits
from services.configurator.domain.products.product import Product
from services.configurator.domain.sessions.session import Change, Entry, Kind, Session, answer_of

ENTRIES_MAX = 1_000
SESSIONS_MAX = 200


class SessionClosed(Refused):
    """The session was submitted; its item stands in a quote.   Attributes: quote, item_id."""

    code = "configuration.session_submitted"


class SessionFull(Refused):
    """The session has as many entries as one may have."""

    code = "configuration.session_full"


class TooManySessions(Refused):
    """Somebody has as many sessions as one person may have."""

    code = "configuration.too_many_sessions"


class NothingToUndo(Refused):
    """There is nothing (more) that could be undone, or done again."""

    code = "configuration.nothing_to_undo"


class DecidedAndTakenBack(Refused):
    """One command decides a question and takes its answer back.   Attributes: field."""

    code = "configuration.decided_and_taken_back"


@dataclass(frozen=True, slots=True)
class Signed:
    """Who acts, when, and under which command."""

    by: str
    at: datetime
    command_id: str
    request_sha256: str | None = None


def begin(product: Product, decisions: Sequence[Decision], signed: Signed) -> Entry:
    """Begin on a version of the model, with the decisions that bind.   Raises: DecisionsRefused."""
    kept = binding(product, decisions)
    changes = tuple(_change(each) for each in kept)
    return _entry(1, "begun", signed, changes=changes, model=product.pin)


def decide(
    session: Session, product: Product, changes: Sequence[Change], signed: Signed
) -> Entry | None:
    """Decide, or take back; None, if everything stands as it is wanted.

    Contradictory decisions may stand: what they contradict is said in the answer. Raises:
    DecisionsRefused, SessionClosed, SessionFull.
    """
    _open(session)
    taken_back = {each.attribute for each in changes if each.value is None}
    now = binding(product, [each for each in map(answer_of, changes) if each is not None])
    if both := sorted(taken_back & {each.attribute for each in now}):
        words = f"'{both[0]}' is decided and taken back at once; choose one"
        raise DecidedAndTakenBack(words, field=both[0])
    stands = {each.attribute: each for each in session.decisions}
    real = [_change(each) for each in now if not _same(stands.get(each.attribute), each)]
    real += [Change(attribute=name, value=None) for name in sorted(taken_back & stands.keys())]
    return _entry(session.revision + 1, "decided", signed, changes=tuple(real)) if real else None


def undo(session: Session, signed: Signed) -> Entry:
    """Undo the last step that stands.   Raises: NothingToUndo, SessionClosed, SessionFull."""
    _open(session)
    if not session.can_undo:
        raise NothingToUndo("nothing was decided since this configuration began")
    return _entry(session.revision + 1, "undone", signed)


def redo(session: Session, signed: Signed) -> Entry:
    """Do again what was undone last.   Raises: NothingToUndo, SessionClosed, SessionFull."""
    _open(session)
    if not session.can_redo:
        raise NothingToUndo("nothing was undone since the last decision")
    return _entry(session.revision + 1, "redone", signed)


def move(session: Session, product: Product, drop: Iterable[str], signed: Signed) -> Entry | None:
    """Move to another version: what it does not know goes, and what the caller gives up (`drop`).

    None, if the session stands on it already. Raises: SessionClosed, SessionFull.
    """
    _open(session)
    if session.model == product.pin:
        return None
    given_up = set(drop)
    gone = tuple(
        Change(attribute=each.attribute, value=None)
        for each in session.decisions
        if each.attribute in given_up or not fits(product, each)
    )
    return _entry(session.revision + 1, "moved", signed, changes=gone, model=product.pin)


def submit(session: Session, quote: str, item_id: str, signed: Signed) -> Entry:
    """Say where the item stands now; nothing changes it any more.   Raises: SessionClosed."""
    _open(session, full=False)
    revision = session.revision + 1
    return _entry(revision, "submitted", signed, quote=quote, item_id=item_id)


def merged(
    session: Session, seen: int, wanted: Sequence[Decision], known: Iterable[str]
) -> tuple[Change, ...]:
    """Return what a whole form changes, that was drawn at revision `seen`.

    Only answers that differ from what was drawn count, so that a form of another device, drawn
    before, takes nothing back. `known` are the attributes that the form asks for.
    """
    drawn = {each.attribute: each.value for each in session.at(seen).decisions}
    now = {each.attribute: each for each in wanted}
    changed = [
        each
        for each in known
        if (each in drawn) != (each in now)
        or (each in now and not _alike(drawn[each], now[each].value))
    ]
    return tuple(
        _change(now[name]) if name in now else Change(attribute=name, value=None)
        for name in changed
    )


def _same(one: Decision | None, other: Decision | None) -> bool:
    """Say whether two decisions are the same; `true` and 1 are not."""
    if one is None or other is None:
        return one is other
    return one.source == other.source and _alike(one.value, other.value)


def _alike(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


def _open(session: Session, *, full: bool = True) -> None:
    if (where := session.submitted) is not None:
        raise SessionClosed(
            f"this configuration was put into {where.quote}; copy it to go on from it",
            quote=where.quote,
            item_id=where.item_id,
        )
    if full and session.revision >= ENTRIES_MAX:
        raise SessionFull(f"this configuration has {ENTRIES_MAX} entries; copy it to go on from it")


def _entry(revision: int, kind: Kind, signed: Signed, **said: object) -> Entry:
    known: Mapping[str, object] = {
        "revision": revision,
        "kind": kind,
        "by": signed.by,
        "at": signed.at,
        "command_id": signed.command_id,
        "request_sha256": signed.request_sha256,
    }
    return Entry.model_validate({**known, **said})


def _change(decision: Decision) -> Change:
    source = "requirement" if decision.source == "requirement" else "user"
    return Change(attribute=decision.attribute, value=decision.value, source=source)


def given(decisions: Iterable[Decision]) -> tuple[Change, ...]:
    """Return decisions as changes; those that the model itself made do not bind and are left."""
    return tuple(_change(each) for each in decisions if each.source in BINDING)
