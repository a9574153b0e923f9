"""How a version of a price book or an FX table comes to be: drafted, published, retired.

A draft may be replaced by who has seen it; what is published never changes, for quotes are pinned
to it. The newest act on a version says what it is now.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal, NoReturn

from pydantic import Field

from contracts.errors import Conflict, NotFound, Refused
from contracts.values import Period, Pin, Sha256, Value
from services.pricer.domain.books.book import FxTable, PriceBook, Status

Kind = Literal["book", "fx"]
Doing = Literal["drafted", "published", "retired", "discarded"]
NAMES: dict[Kind, str] = {"book": "price book", "fx": "FX table"}
STATES: dict[Doing, Status | None] = {
    "drafted": "draft",
    "published": "published",
    "retired": "retired",
    "discarded": None,
}
REASON_MIN, REASON_MAX = 3, 1000


class BookUnknown(NotFound):
    """There is no such version of a price book."""

    code = "pricer.book_unknown"


class TableUnknown(NotFound):
    """There is no such version of an FX table."""

    code = "pricer.fx_unknown"


UNKNOWN: dict[Kind, type[NotFound]] = {"book": BookUnknown, "fx": TableUnknown}


class VersionFixed(Conflict):
    """A version is published or retired, and stays as it is; a change is a new version."""

    code = "pricer.version_fixed"
    title = "This version can not change"


class DraftChanged(Conflict):
    """The version is not what the caller has seen.   Attributes: sha256."""

    code = "pricer.draft_changed"
    title = "This is not what you have seen"


class NotThisState(Refused):
    """The act does not fit what the version is now: only drafts are published."""

    code = "pricer.version_state"


class About(Value):
    """What a list says of a version without reading it whole; counts are of its document."""

    name: str
    currency: str | None = None
    entries: int = 0
    rules: int = 0


class Release(Value):
    """One version as the list of versions knows it; its document is kept under `sha256`.

    `by`, `at` and `reason` are of the newest act; a file of the catalogue has none.
    """

    kind: Kind
    id: str
    version: int = Field(ge=1)
    status: Status
    effective: Period
    sha256: Sha256
    about: About
    by: str | None = None
    at: datetime | None = None
    reason: str | None = None

    @property
    def key(self) -> tuple[str, int]:
        """Id and version."""
        return self.id, self.version

    @property
    def pin(self) -> Pin:
        """Which version this is, as a fact says it."""
        return Pin(id=self.id, version=self.version, sha256=self.sha256)

    @property
    def title(self) -> str:
        """How a sentence names it."""
        return f"{NAMES[self.kind]} {self.id} version {self.version}"


class Act(Value):
    """One thing that was done to a version: by whom, when, why."""

    position: int = Field(ge=1)
    kind: Kind
    id: str
    version: int = Field(ge=1)
    act: Doing
    sha256: Sha256
    first_day: date
    last_day: date | None = None
    about: About
    by: str
    at: datetime
    reason: str | None = None


def release_of(document: PriceBook | FxTable, status: Status) -> Release:
    """Return what a list says of a document."""
    if isinstance(document, PriceBook):
        about = About(
            name=document.name,
            currency=document.currency,
            entries=len(document.entries),
            rules=len(document.rules),
        )
    else:
        about = About(name=document.source, entries=len(document.pairs))
    return Release(
        kind="book" if isinstance(document, PriceBook) else "fx",
        id=document.id,
        version=document.version,
        status=status,
        effective=document.effective,
        sha256=document.sha256,
        about=about,
    )


def told_by(act: Act) -> Release | None:
    """Return what a version is after its newest act; None, if its draft was discarded."""
    status = STATES[act.act]
    if status is None:
        return None
    return Release(
        kind=act.kind,
        id=act.id,
        version=act.version,
        status=status,
        effective=Period(first=act.first_day, last=act.last_day),
        sha256=act.sha256,
        about=act.about,
        by=act.by,
        at=act.at,
        reason=act.reason,
    )


def before(release: Release, known: Iterable[Release]) -> Release | None:
    """Return what a version is compared with: the one of its id before it that was published."""
    return max(
        (
            each
            for each in known
            if (each.kind, each.id) == (release.kind, release.id)
            and each.version < release.version
            and each.status != "draft"
        ),
        key=lambda each: each.version,
        default=None,
    )


# ---- decisions: each returns the version as it is afterwards


def draft(given: PriceBook | FxTable, known: Iterable[Release], seen: str | None) -> Release:
    """Keep a document as the draft of its version, in place of the draft that was `seen`.

    Raises: VersionFixed, if the version or a later one is published; DraftChanged; BookUnknown.
    """
    new = release_of(given, "draft")
    of_id = [each for each in known if (each.kind, each.id) == (new.kind, new.id)]
    fixed = max((each.version for each in of_id if each.status != "draft"), default=0)
    if new.version <= fixed:
        raise VersionFixed(
            f"{NAMES[new.kind]} {new.id} has version {fixed} already, and what is published stays"
            f" as it is; write version: {fixed + 1}",
            field="version",
        )
    there = next((each for each in of_id if each.version == new.version), None)
    if there is not None and there.sha256 not in {seen, new.sha256}:
        _changed(there)
    if there is None and seen is not None:
        raise UNKNOWN[new.kind](f"there is no {new.title} to replace; send it without If-Match")
    return new


def publish(release: Release, seen: str, reason: str) -> Release:
    """Publish the draft that was `seen`.   Raises: NotThisState, DraftChanged, Refused."""
    if release.status != "draft":
        raise NotThisState(f"{release.title} is {release.status} already; publish a draft")
    if release.sha256 != seen:
        _changed(release)
    return release.but({"status": "published", "reason": _reason(reason)})


def retire(release: Release, seen: str, reason: str) -> Release:
    """Take the published version that was `seen` out of use; what it has priced stays as it is.

    Raises: NotThisState, DraftChanged, Refused.
    """
    if release.status != "published":
        raise NotThisState(f"{release.title} is {release.status}; only what is published retires")
    if release.sha256 != seen:
        _changed(release)
    return release.but({"status": "retired", "reason": _reason(reason)})


def discard(release: Release, seen: str) -> Release:
    """Give up the draft that was `seen`.   Raises: NotThisState, DraftChanged."""
    if release.status != "draft":
        raise NotThisState(f"{release.title} is {release.status} and stays; retire it instead")
    if release.sha256 != seen:
        _changed(release)
    return release


def _reason(given: str) -> str:
    reason = given.strip()
    if not REASON_MIN <= len(reason) <= REASON_MAX:
        text = f"say why in {REASON_MIN} to {REASON_MAX} characters: it stays with the version"
        raise Refused(text, field="reason")
    return reason


def _changed(release: Release) -> NoReturn:
    raise DraftChanged(
        f"{release.title} has another content than you have seen: it is now"
        f" {release.sha256[:12]}…; look at it and decide again",
        sha256=release.sha256,
    )
