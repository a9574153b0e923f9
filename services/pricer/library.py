"""The library: price books and FX tables kept in our own tables, beside the catalogue's files.

What is published is used at once by every process: whoever prices looks first whether anything was
done since (`now`), by one short question. Documents are found by their content hash, so what is
held in memory is never stale.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import Any, Generic, TypeVar

from infra.work import Commands
from services.pricer.books import BookRefused, Key, Shelf
from services.pricer.domain.books.book import FxTable, PriceBook, read_book, read_fx
from services.pricer.domain.books.compiled import CompiledBook, compile_book
from services.pricer.domain.books.offers import BookUnfit
from services.pricer.domain.lint.lint import Finding
from services.pricer.domain.releases.releasing import (
    NAMES,
    UNKNOWN,
    Act,
    Kind,
    Release,
    before,
    release_of,
    told_by,
)

ACTS = """
SELECT position, kind, id, version, act, sha256, first_day, last_day, about, by, at, reason
FROM book_acts
"""
NEWEST = "SELECT coalesce(max(position), 0) AS position FROM book_acts"
STATES = f"SELECT DISTINCT ON (kind, id, version) * FROM ({ACTS}) AS acts ORDER BY kind, id, version, position DESC"  # noqa: S608, E501
OF_VERSION = f"{ACTS} WHERE (kind, id, version) = (%(kind)s, %(id)s, %(version)s) ORDER BY position"
# Entries of books held in memory, beside those of the catalogue: about 2 kB each.
ENTRIES_HELD_MAX = 600_000
T = TypeVar("T")


class Held(Generic[T]):
    """What was made of documents, by content hash; the least used goes when it becomes too much."""

    def __init__(self, weight: Callable[[T], int]) -> None:
        self._weight = weight
        self._held: OrderedDict[str, T] = OrderedDict()
        self._lock = Lock()

    def get(self, sha256: str, make: Callable[[], T]) -> T:
        """Return what is held, or make it; of two who make it at once, one is kept."""
        with self._lock:
            if sha256 in self._held:
                self._held.move_to_end(sha256)
                return self._held[sha256]
        made = make()
        with self._lock:
            found = self._held.setdefault(sha256, made)
            self._held.move_to_end(sha256)
            while len(self._held) > 1 and self._sum() > ENTRIES_HELD_MAX:
                self._held.popitem(last=False)
        return found

    def _sum(self) -> int:
        return sum(map(self._weight, self._held.values()))


class Lazy(Mapping[Key, T]):
    """Documents of versions, each read when it is asked for."""

    def __init__(self, keys: Mapping[Key, Callable[[], T]]) -> None:
        self._keys = keys

    def __getitem__(self, key: Key) -> T:
        return self._keys[key]()

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


class Library:
    """All versions of one house: of the files read at start, and of our tables as of now."""

    def __init__(self, commands: Commands, files: Shelf) -> None:
        self._commands = commands
        self.files = files
        self._read: Held[PriceBook | FxTable] = Held(_weight)
        self._compiled: Held[CompiledBook] = Held(lambda it: len(it.book.entries))
        self._lock = Lock()
        self._seen = -1
        self._shelf = files
        self._releases: tuple[Release, ...] = ()

    # ---- what prices

    def now(self) -> Shelf:
        """Return the shelf with everything that is committed by now."""
        return self._fresh()[0]

    def releases(self, kind: Kind | None = None) -> list[Release]:
        """Return every version, drafts too: by id, the newest version first."""
        found = self._fresh()[1]
        return [each for each in found if kind in {None, each.kind}]

    def release(self, kind: Kind, key: Key) -> Release:
        """Return one version.   Raises: BookUnknown, TableUnknown."""
        found = next((each for each in self.releases(kind) if each.key == key), None)
        if found is None:
            name = f"{NAMES[kind]} {key[0]} version {key[1]}"
            raise UNKNOWN[kind](f"there is no {name}; GET the list to see what there is")
        return found

    def compared(self, release: Release, other: str | None, version: int | None) -> Release:
        """Return the version to compare with: the one named, or the published one before.

        Raises: BookUnknown, TableUnknown.
        """
        if version is not None:
            return self.release(release.kind, (other or release.id, version))
        found = before(release, self.releases(release.kind))
        if found is None:
            text = f"nothing was published before {release.title}; name a version to compare with"
            raise UNKNOWN[release.kind](text)
        return found

    def _fresh(self) -> tuple[Shelf, tuple[Release, ...]]:
        newest = int(self._commands.query(NEWEST)[0]["position"])
        with self._lock:
            if newest > self._seen:
                acts = _acts(self._commands.query(STATES))
                self._releases = _joined(self.files, acts)
                self._shelf = self._shelved(acts)
                self._seen = max((each.position for each in acts), default=newest)
            return self._shelf, self._releases

    def _shelved(self, acts: Sequence[Act]) -> Shelf:
        """Put what is published or retired beside the catalogue's files."""
        files = self.files
        kept = [each for each in map(told_by, acts) if each and each.status != "draft"]
        books = {**files.books, **{it.key: it for it in kept if it.kind == "book"}}
        compiled = {key: partial(files.compiled.__getitem__, key) for key in files.compiled}
        tables = {key: partial(files.tables.__getitem__, key) for key in files.tables}
        for it in kept:
            if it.kind == "book":
                compiled[it.key] = partial(self.compiled, it)
            else:
                tables[it.key] = partial(self._table, it)
        of_tables = {**files.fx_versions, **{it.key: it for it in kept if it.kind == "fx"}}
        return Shelf(books, Lazy(compiled), Lazy(tables), of_tables, files.documents, files.parts)

    # ---- what is in a version

    def document(self, release: Release) -> PriceBook | FxTable:
        """Return a version whole, also a draft or a retired one.   Raises: BookRefused."""
        found = self._read.get(release.sha256, lambda: self._make(release))
        return found.but({"status": release.status})

    def book(self, release: Release) -> PriceBook:
        """Return a price book whole.   Raises: BookRefused."""
        found = self.document(release)
        assert isinstance(found, PriceBook)  # noqa: S101  the kind of a release is that of its document
        return found

    def table(self, release: Release) -> FxTable:
        """Return an FX table whole.   Raises: BookRefused."""
        found = self.document(release)
        assert isinstance(found, FxTable)  # noqa: S101  as above
        return found

    def compiled(self, release: Release) -> CompiledBook:
        """Return a price book ready to price with, also a draft that the lint passed.

        Raises: BookRefused, if what it is derived from does not fit.
        """
        return self._compiled.get(release.sha256, lambda: self._ready(self.book(release)))

    def _ready(self, book: PriceBook) -> CompiledBook:
        try:
            return compile_book(book, self.parent_of(book))
        except BookUnfit as fault:
            where = str(Finding(f"{book.id} version {book.version}: parent", str(fault)))
            raise BookRefused(where, findings=[where]) from None

    def parent_of(self, book: PriceBook) -> CompiledBook | None:
        """Return the published book that one is derived from; None, if there is none."""
        if book.parent is None:
            return None
        key = (book.parent.id, book.parent.version)
        filed = self.files.compiled.get(key)
        if filed is not None:
            return filed
        for each in self.releases("book"):
            if each.key == key and each.status != "draft":
                return self.compiled(each)
        return None

    def acts(self, release: Release) -> list[Act]:
        """Return what was done to a version, in order; none for a file of the catalogue."""
        asked = {"kind": release.kind, "id": release.id, "version": release.version}
        return _acts(self._commands.query(OF_VERSION, asked))

    def _table(self, release: Release) -> FxTable:
        return self.table(release).but({"status": release.status})

    def _make(self, release: Release) -> PriceBook | FxTable:
        files = self.files
        of_kind = files.documents if release.kind == "book" else files.tables
        filed = of_kind.get(release.key)
        if filed is not None and filed.sha256 == release.sha256:
            return filed
        kept = self._commands.body(release.sha256)
        if kept is None:
            where = Finding(release.title, "its document is not in the store; restore a backup")
            raise BookRefused(str(where), findings=[str(where)])
        document: dict[str, Any] = {**json.loads(kept.content), "status": release.status}
        return read_book(document) if release.kind == "book" else read_fx(document)


def _weight(document: PriceBook | FxTable) -> int:
    return len(document.entries) if isinstance(document, PriceBook) else len(document.pairs)


def _acts(rows: Sequence[Mapping[str, Any]]) -> list[Act]:
    return [Act.model_validate(row) for row in rows]


def _joined(files: Shelf, acts: Sequence[Act]) -> tuple[Release, ...]:
    """Return all versions: those of files, and over them what was done here."""
    found = {
        (each.kind, each.key): each
        for each in (
            *(release_of(it, it.status) for it in files.documents.values()),
            *(release_of(it, it.status) for it in files.tables.values()),
        )
    }
    for act in acts:
        told = told_by(act)
        if told is not None:
            found[told.kind, told.key] = told
    return tuple(sorted(found.values(), key=lambda it: (it.kind, it.id, -it.version)))
