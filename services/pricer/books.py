"""The shelf: price books and FX tables from the catalogue, read, linted and sealed at start.

`price_books/*.yaml`, `fx/*.yaml` and `parts.yaml` below the catalogue. A published document
carries the hash of its content in `sha256`; one that was changed afterwards is refused, a change
is a new version.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol, TypeVar

import yaml
from pydantic import ValidationError

from contracts.errors import Refused
from contracts.values import Period, Pin
from services.pricer.domain.books.book import (
    FxTable,
    PriceBook,
    Status,
    content_sha256,
    read_book,
    read_fx,
)
from services.pricer.domain.books.compiled import CompiledBook, compile_book
from services.pricer.domain.books.faults import rule_of
from services.pricer.domain.books.offers import BookUnfit
from services.pricer.domain.lint.lint import Finding, Part, errors_of, lint_book, lint_fx


class BookRefused(Refused):
    """A catalogue document can not be used; `findings` say what to change."""

    code = "pricer.book_refused"
    title = "The price book can not be used"


class VersionRefused(Refused):
    """No version can be used: the pin is unknown, changed, retired, or nothing is in force.

    `kind` says which, as the code of a line problem does.
    """

    code = "pricer.version"
    title = "No usable version"

    def __init__(self, kind: str, field: str, message: str) -> None:
        super().__init__(message, kind=kind, field=field)
        self.kind = kind
        self.field = field


class Versioned(Protocol):
    """What books and FX tables have in common."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def status(self) -> Status: ...
    @property
    def effective(self) -> Period: ...
    @property
    def pin(self) -> Pin: ...


V = TypeVar("V", bound=Versioned)
Key = tuple[str, int]
"""Id and version."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """All books and FX tables that a quote may be priced with, as of one moment; never changed.

    `books` and `fx_versions` are what one chooses among, `compiled` and `tables` what one prices
    with; `documents` and `parts` are what the catalogue's files say.
    """

    books: Mapping[Key, Versioned]
    compiled: Mapping[Key, CompiledBook]
    tables: Mapping[Key, FxTable]
    fx_versions: Mapping[Key, Versioned]
    documents: Mapping[Key, PriceBook]
    parts: Mapping[str, Part]

    def now(self) -> "Shelf":
        """Return the shelf as of now: files are read once, so this one."""
        return self

    def book(self, pin: Pin | None, day: date) -> CompiledBook:
        """Return the pinned book, or the newest in force.   Raises: VersionRefused."""
        found = _choose("book", "price book", self.books.values(), (pin, day))
        return self.compiled[found.id, found.version]

    def fx(self, pin: Pin | None, day: date) -> FxTable:
        """Return the pinned FX table, or the newest in force.   Raises: VersionRefused."""
        found = _choose("fx", "FX table", self.fx_versions.values(), (pin, day))
        return self.tables[found.id, found.version]


class Shelves(Protocol):
    """Where the shelf of this moment comes from: files only, or our own tables as well."""

    def now(self) -> Shelf: ...


def _choose(field: str, what: str, all_: Iterable[V], wanted: tuple[Pin | None, date]) -> V:
    pin, day = wanted
    versions = list(all_)
    if pin is not None:
        return _pinned(field, what, versions, (pin, day))
    usable = [each for each in versions if each.status == "published" and each.effective.holds(day)]
    if not usable:
        text = f"no {what} is in force on {day.isoformat()}; publish one that is"
        raise VersionRefused(f"no_{field}", field, text)
    return max(usable, key=lambda each: (each.effective.first, each.version, each.id))


def _pinned(field: str, what: str, versions: Sequence[V], wanted: tuple[Pin, date]) -> V:
    pin, day = wanted
    place = f"pins.{field}"
    name = f"{what} {pin.id} version {pin.version}"
    found = next(
        (each for each in versions if (each.id, each.version) == (pin.id, pin.version)), None
    )
    again = "ask again without this pin"
    if found is None or found.status == "draft":
        raise VersionRefused("unknown_pin", place, f"{name} is unknown; {again}")
    if found.pin.sha256 != pin.sha256:
        raise VersionRefused("pin_mismatch", place, f"{name} has another content hash; {again}")
    if found.status == "retired":
        raise VersionRefused("retired_pin", place, f"{name} is retired; {again}")
    if not found.effective.holds(day):
        text = f"{name} is not in force on {day.isoformat()}; {again}"
        raise VersionRefused("pin_not_effective", place, text)
    return found


# ---- loading


def load(catalog_dir: Path) -> Shelf:
    """Read everything.   Raises: BookRefused, naming file, place and what to change."""
    parts = parts_of(catalog_dir)
    tables = load_tables(catalog_dir)
    books = _all(catalog_dir / "price_books", read_book)
    for path, book in books:
        if book.status != "draft":
            needed = parts_to_price(book, parts, [each for _, each in books])
            _refuse(path, lint_book(book, needed, tables))
    documents = {(each.id, each.version): each for _, each in books}
    usable = {key: each for key, each in documents.items() if each.status != "draft"}
    of_fx = {(each.id, each.version): each for each in tables}
    compiled = _compiled(usable, {(each.id, each.version): path for path, each in books})
    return Shelf(documents, compiled, of_fx, of_fx, documents, parts)


def load_tables(catalog_dir: Path) -> list[FxTable]:
    """Read the FX tables of a catalogue.   Raises: BookRefused."""
    tables = _all(catalog_dir / "fx", read_fx)
    for path, table in tables:
        _refuse(path, lint_fx(table))
    return [table for _, table in tables]


def _compiled(books: Mapping[Key, PriceBook], paths: Mapping[Key, Path]) -> dict[Key, CompiledBook]:
    """Make all books ready, each after its parent."""
    done: dict[Key, CompiledBook] = {}
    waiting = dict(books)
    while waiting:
        ready = [key for key, book in waiting.items() if not _waits(book, waiting)]
        for key in ready or list(waiting)[:1]:
            book = waiting.pop(key)
            parent = done.get((book.parent.id, book.parent.version)) if book.parent else None
            try:
                done[key] = compile_book(book, parent)
            except BookUnfit as fault:
                raise _refusal(paths[key], [Finding("parent", str(fault))]) from None
    return done


def _waits(book: PriceBook, waiting: Mapping[Key, PriceBook]) -> bool:
    """Say whether the parent of a book is to be made ready first."""
    return book.parent is not None and (book.parent.id, book.parent.version) in waiting


def parts_to_price(
    book: PriceBook, parts: Mapping[str, Part], books: Iterable[Versioned]
) -> Mapping[str, Part]:
    """Return the parts that a book must have: all; of one with a successor, those it has.

    A published book never changes, so parts that are sold since its successor are not its own.
    """
    if not any(
        each.id == book.id and each.version > book.version and each.status == "published"
        for each in books
    ):
        return parts
    own = {each.sku for each in book.entries}
    return {sku: part for sku, part in parts.items() if sku in own}


def _all(folder: Path, read: Callable[[Mapping[str, Any]], V]) -> list[tuple[Path, V]]:
    found: list[tuple[Path, V]] = []
    seen: dict[tuple[str, int], Path] = {}
    for path in sorted(folder.glob("*.yaml")):
        document = _yaml(path)
        try:
            each = read(document)
        except ValidationError as fault:
            _refuse(path, [Finding(_where(one), rule_of(one)) for one in fault.errors()])
            raise
        except TypeError as fault:
            raise _refusal(path, [Finding("a number", str(fault))]) from None
        _sealed(path, document, each)
        key = (each.id, each.version)
        if key in seen:
            text = f"is in {seen[key].name} too; give this file the next version"
            raise _refusal(path, [Finding(f"{each.id} version {each.version}", text)])
        seen[key] = path
        found.append((path, each))
    return found


def _sealed(path: Path, document: Mapping[str, Any], each: Versioned) -> None:
    """Hold a published document to the hash it was published with."""
    digest = content_sha256(document)
    if each.status == "draft" or document.get("sha256") == digest:
        return
    text = f"is published and has no seal; add `sha256: {digest}`"
    if document.get("sha256"):
        text = "does not fit the content, which was changed after publishing; restore it, or"
        text += f" publish the change as a new file with version {each.version + 1}"
    raise _refusal(path, [Finding("sha256", text)])


def parts_of(catalog_dir: Path) -> dict[str, Part]:
    """Read the part master of a catalogue.   Raises: BookRefused."""
    path = catalog_dir / "parts.yaml"
    try:
        return {
            each["sku"]: Part(each["sku"], each["unit"], each["charge"])
            for each in _yaml(path)["parts"]
        }
    except (KeyError, TypeError) as fault:
        raise _refusal(path, [Finding("parts", f"{fault} is missing; add it")]) from None


def _yaml(path: Path) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as fault:
        raise _refusal(path, [Finding("file", f"can not be read: {fault}")]) from None
    if not isinstance(tree, dict):
        raise _refusal(path, [Finding("file", "is not a mapping; start with `id:`")])
    return tree


def _where(error: Any) -> str:
    return ".".join(str(each) for each in error["loc"]) or "document"


def _refuse(path: Path, findings: Sequence[Finding]) -> None:
    if errors := errors_of(findings):
        raise _refusal(path, errors)


def _refusal(path: Path, findings: Sequence[Finding]) -> BookRefused:
    said = "; ".join(str(each) for each in findings[:20])
    more = f" (and {len(findings) - 20} more)" if len(findings) > 20 else ""
    names = [str(each) for each in findings]
    return BookRefused(f"{path.name}: {said}{more}", findings=names)
