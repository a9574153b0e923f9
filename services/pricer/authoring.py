"""Write price books and FX tables: keep a draft, lint it, publish, retire. Each is an audited act.

Acts are rows of our own, not facts: a quote says itself which version it was priced with.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from contracts.errors import Refused
from infra.desk import CommandReused
from infra.work import Cause, Commands, Work
from services.pricer import documents
from services.pricer.books import Key, parts_to_price
from services.pricer.domain.books.book import UNHASHED, FxTable, PriceBook
from services.pricer.domain.books.canonical import canonical
from services.pricer.domain.lint.lint import Finding, errors_of, lint_book, lint_fx
from services.pricer.domain.releases import releasing
from services.pricer.domain.releases.releasing import Kind, Release
from services.pricer.library import NEWEST, Library

MEDIA_TYPE = "application/json"
RECORD = "SELECT book_act(%(told)s, %(seen)s)"
BY_COMMAND = """
SELECT kind, id, version, request_sha256 FROM book_acts WHERE command_id = %(command_id)s
"""
SAID_MAX = 20


class LintRefuses(Refused):
    """A draft has errors, so it is not published.   Attributes: findings."""

    code = "pricer.lint_refuses"
    title = "This draft can not be published yet"


@dataclass(frozen=True, slots=True)
class Draft:
    """A document as it was handed in, and what was read of it."""

    written: Mapping[str, Any]
    read: PriceBook | FxTable

    @property
    def key(self) -> Key:
        """Id and version."""
        return self.read.id, self.read.version


def drafted(kind: Kind, written: Mapping[str, Any], name: str) -> Draft:
    """Read what is handed in as a draft.   Raises: BookRefused, with every fault of structure."""
    document = {each: value for each, value in written.items() if each != "sha256"}
    document["status"] = "draft"
    return Draft(document, documents.read(kind, document, name))


class Author:
    """Carries out what people do to versions; each act once per command."""

    def __init__(self, commands: Commands, library: Library) -> None:
        self._commands = commands
        self._library = library

    def lint(self, document: PriceBook | FxTable) -> list[Finding]:
        """Return what must change, and what should be looked at, before it is published."""
        if isinstance(document, FxTable):
            return lint_fx(document)
        shelf = self._library.now()
        parts = parts_to_price(document, shelf.parts, shelf.books.values())
        parent = self._library.parent_of(document)
        found = lint_book(document, parts, list(shelf.tables.values()), parent)
        if document.parent is not None and parent is None:
            name = f"{document.parent.id} version {document.parent.version}"
            text = f"price book {name} is not published; publish it first, or correct parent"
            found.append(Finding("parent", text))
        return found

    def draft(self, cause: Cause, kind: Kind, given: Draft, seen: str | None) -> Release:
        """Keep a draft, in place of the one that was seen.   Raises: as `releasing.draft`."""
        content = {name: it for name, it in given.written.items() if name not in UNHASHED}

        def decide(work: Work) -> Release:
            kept = releasing.draft(given.read, self._library.releases(kind), seen)
            work.keep(canonical(content), MEDIA_TYPE)
            return kept

        self._act(cause, "drafted", decide)
        return self._library.release(kind, given.key)

    def publish(self, cause: Cause, kind: Kind, key: Key, seen: str, reason: str) -> Release:
        """Publish a draft that the lint passes.   Raises: LintRefuses; as `releasing.publish`."""

        def decide(_: Work) -> Release:
            release = self._library.release(kind, key)
            after = releasing.publish(release, seen, reason)
            self._refuse(release)
            return after

        self._act(cause, "published", decide)
        return self._library.release(kind, key)

    def retire(self, cause: Cause, kind: Kind, key: Key, seen: str, reason: str) -> Release:
        """Take a version out of use.   Raises: as `releasing.retire`."""
        self._act(
            cause,
            "retired",
            lambda _: releasing.retire(self._library.release(kind, key), seen, reason),
        )
        return self._library.release(kind, key)

    def discard(self, cause: Cause, kind: Kind, key: Key, seen: str) -> None:
        """Give up a draft.   Raises: as `releasing.discard`."""
        self._act(
            cause,
            "discarded",
            lambda _: releasing.discard(self._library.release(kind, key), seen),
        )

    def _refuse(self, release: Release) -> None:
        errors = errors_of(self.lint(self._library.document(release)))
        if errors:
            first = "; ".join(str(each) for each in errors[:3])
            more = f" (and {len(errors) - 3} more)" if len(errors) > 3 else ""
            raise LintRefuses(
                f"{release.title} has {counted(len(errors), 'error')}: {first}{more}",
                findings=[str(each) for each in errors[:SAID_MAX]],
            )

    def _act(self, cause: Cause, act: releasing.Doing, decide: Callable[[Work], Release]) -> None:
        """Record what is decided, if nobody did anything else meanwhile; the same command once."""

        def handler(work: Work) -> None:
            if not _done(work):
                seen = int(work.rows(NEWEST)[0]["position"])
                told = _row(act, decide(work), work.cause)
                work.sql(RECORD, {"told": told, "seen": seen})

        self._commands.run(cause, handler)


def counted(number: int, what: str) -> str:
    """Say how many of something there are."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _done(work: Work) -> bool:
    """Say whether the command was carried out before.   Raises: CommandReused."""
    rows = work.rows(BY_COMMAND, {"command_id": work.cause.command_id})
    if not rows:
        return False
    told = (rows[0]["request_sha256"], work.cause.request_sha256)
    if all(told) and told[0] != told[1]:
        raise CommandReused("this Idempotency-Key came with another request before; use a new one")
    return True


def _row(act: releasing.Doing, release: Release, cause: Cause) -> Jsonb:
    return Jsonb(
        {
            **release.model_dump(mode="json", include={"kind", "id", "version", "sha256"}),
            "act": act,
            "first_day": release.effective.first.isoformat(),
            "last_day": release.effective.last.isoformat() if release.effective.last else None,
            "about": release.about.model_dump(mode="json"),
            "by": cause.actor,
            "at": cause.now.isoformat(),
            "reason": release.reason if act in {"published", "retired"} else None,
            "command_id": cause.command_id,
            "request_sha256": cause.request_sha256,
        }
    )
