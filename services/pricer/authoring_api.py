"""The doors of those who write price books and FX tables: draft, lint, publish, retire."""

from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from contracts.errors import Refused
from contracts.values import Sha256
from infra.doors import raw_body
from infra.web import Principal, allow, cause_of, if_match
from infra.work import Cause
from services.pricer import documents
from services.pricer.authoring import Author, drafted
from services.pricer.books import Key
from services.pricer.domain.lint.lint import Finding
from services.pricer.domain.releases.differing import Change, difference
from services.pricer.domain.releases.releasing import Act, Kind, Release
from services.pricer.library import Library

PATHS: dict[Kind, str] = {"book": "books", "fx": "fx"}
LISTED_MAX = 200
FINDINGS_MAX = 1000
CHANGES_MAX = 1000
ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"

Reader = Annotated[
    Principal, Depends(allow("seller", "approver", "manager", "analyst", "admin", "service"))
]
Insider = Annotated[Principal, Depends(allow("approver", "manager", "admin", "service"))]
# A whole book is larger than what any other door takes.
Writer = Annotated[Principal, Depends(allow("manager", "admin", body_bytes=documents.BYTES_MAX))]
Keeper = Annotated[Principal, Depends(allow("manager", "admin"))]
Asked = Annotated[Cause, Depends(cause_of)]
Seen = Annotated[str | None, Depends(if_match)]
Raw = Annotated[bytes, Depends(raw_body)]


def which(key: Annotated[str, Path(pattern=ID)], version: Annotated[int, Path(ge=1)]) -> Key:
    """Return the version that an address names."""
    return key, version


Which = Annotated[Key, Depends(which)]


class Against(BaseModel):
    """With which version one is compared: the published one before it, if nothing is said."""

    model_config = ConfigDict(extra="forbid")

    id: str | None = Field(default=None, pattern=ID)
    against: int | None = Field(default=None, ge=1)
    limit: int = Field(default=200, ge=1, le=CHANGES_MAX)
    offset: int = Field(default=0, ge=0, le=10_000_000)


class Reasoned(BaseModel):
    """Why somebody acts on a version; `sha256` names the content that he has seen."""

    model_config = ConfigDict(extra="forbid")

    sha256: Sha256
    reason: str = Field(default="", max_length=1000)


class NotTheAddress(Refused):
    """The document is of another id or version than the address it was sent to."""

    code = "pricer.other_version"


def routes(author: Author, library: Library) -> APIRouter:
    """Return the routes below /pricer/books and /pricer/fx."""
    router = APIRouter(prefix="/pricer")
    kinds: tuple[Kind, ...] = ("book", "fx")
    for kind in kinds:
        _reading(router, kind, library)
        _writing(router, kind, author)
        _linting(router, kind, author, library)
        _comparing(router, kind, library)
        _deciding(router, kind, author)
    return router


def _reading(router: APIRouter, kind: Kind, library: Library) -> None:
    path = f"/{PATHS[kind]}"

    @router.get(path)
    def listed(
        _reader: Reader, limit: Annotated[int, Query(ge=1, le=LISTED_MAX)] = 50
    ) -> list[dict[str, Any]]:
        """List versions, by id, the newest first; drafts too."""
        found = sorted(library.releases(kind), key=lambda it: (it.id, it.version), reverse=True)
        return [summary(each) for each in found[:limit]]

    @router.get(path + "/{key}/{version}")
    def whole(it: Which, _reader: Insider, answer: Response) -> dict[str, Any]:
        """Return one version whole; costs and floors are for insiders."""
        release = library.release(kind, it)
        answer.headers["etag"] = f'"{release.sha256}"'
        return library.document(release).model_dump(mode="json")

    @router.get(path + "/{key}/{version}/acts")
    def acts(it: Which, _reader: Insider) -> list[Act]:
        """List what was done to a version: who, when, why."""
        return library.acts(library.release(kind, it))


def _writing(router: APIRouter, kind: Kind, author: Author) -> None:
    @router.put(f"/{PATHS[kind]}/{{key}}/{{version}}")
    def draft(
        it: Which,
        _writer: Writer,
        asked: Asked,
        seen: Seen,
        raw: Raw,
        answer: Response,
    ) -> dict[str, Any]:
        """Keep a draft; If-Match names the content of the draft that it replaces."""
        name = f"{it[0]} version {it[1]}"
        given = drafted(kind, documents.from_json(raw, name), name)
        if given.key != it:
            text = f"the document is {given.key[0]} version {given.key[1]}; send it there"
            raise NotTheAddress(text, field="id")
        release = author.draft(asked, kind, given, seen)
        answer.headers["etag"] = f'"{release.sha256}"'
        return {**summary(release), **linted(author.lint(given.read))}


def _linting(router: APIRouter, kind: Kind, author: Author, library: Library) -> None:
    @router.post(f"/{PATHS[kind]}/lint")
    def lint(_writer: Writer, raw: Raw) -> dict[str, Any]:
        """Say what is wrong with a document, without keeping it."""
        name = "document"
        return linted(author.lint(drafted(kind, documents.from_json(raw, name), name).read))

    @router.get(f"/{PATHS[kind]}/{{key}}/{{version}}/lint")
    def report(it: Which, _reader: Insider) -> dict[str, Any]:
        """Say what is wrong with a version."""
        return linted(author.lint(library.document(library.release(kind, it))))


def _comparing(router: APIRouter, kind: Kind, library: Library) -> None:
    @router.get(f"/{PATHS[kind]}/{{key}}/{{version}}/diff")
    def diff(it: Which, asked: Annotated[Against, Query()], _reader: Insider) -> dict[str, Any]:
        """Say what a version changes, in words and numbers, part by part of the list."""
        new = library.release(kind, it)
        old = library.compared(new, asked.id, asked.against)
        found = difference(library.document(old), library.document(new))
        shown = found.changes[asked.offset : asked.offset + asked.limit]
        return {
            "old": old.pin.model_dump(mode="json"),
            "new": new.pin.model_dump(mode="json"),
            "counts": found.counts,
            "prices": {name: _text(each) for name, each in found.prices.items()},
            "total": len(found.changes),
            "changes": [_change(each) for each in shown],
        }


def _change(change: Change) -> dict[str, Any]:
    return {
        "sort": change.sort,
        "what": change.what,
        "name": change.name,
        "words": str(change),
        "moved": [
            {
                "field": each.field,
                "was": each.was,
                "now": each.now,
                "by": _text(each.by),
                "percent": _text(each.percent.root if each.percent else None),
            }
            for each in change.moved
        ],
    }


def _text(value: Any) -> Any:
    return f"{value:f}" if isinstance(value, Decimal) else value


def _deciding(router: APIRouter, kind: Kind, author: Author) -> None:
    path = f"/{PATHS[kind]}/{{key}}/{{version}}"

    @router.post(path + "/publish")
    def publish(it: Which, said: Reasoned, _keeper: Keeper, asked: Asked) -> dict[str, Any]:
        """Publish the draft that was seen; it prices from now on, on the days it is effective."""
        return summary(author.publish(asked, kind, it, said.sha256, said.reason))

    @router.post(path + "/retire")
    def retire(it: Which, said: Reasoned, _keeper: Keeper, asked: Asked) -> dict[str, Any]:
        """Take a version out of use; what was priced with it stays as it is."""
        return summary(author.retire(asked, kind, it, said.sha256, said.reason))

    @router.post(path + "/discard", status_code=204)
    def discard(it: Which, said: Reasoned, _keeper: Keeper, asked: Asked) -> None:
        """Give up the draft that was seen."""
        author.discard(asked, kind, it, said.sha256)


def summary(release: Release) -> dict[str, Any]:
    """Return what a list says of a version."""
    tree = release.model_dump(mode="json", exclude={"kind", "about"})
    return {**tree, **release.about.model_dump(mode="json")}


def linted(findings: list[Finding]) -> dict[str, Any]:
    """Return findings as JSON, the errors first; `counts` counts those that are left off too."""
    ordered = sorted(findings, key=lambda it: (it.severity != "error", it.place, it.message))
    counts = {name: sum(it.severity == name for it in findings) for name in ("error", "warning")}
    return {
        "counts": counts,
        "findings": [
            {"severity": it.severity, "place": it.place, "message": it.message}
            for it in ordered[:FINDINGS_MAX]
        ],
    }
