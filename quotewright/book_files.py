"""Reads price books and FX tables from files, for the commands that work without a house."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.errors import Refused

if TYPE_CHECKING:
    from services.pricer.domain.books.book import FxTable, PriceBook
    from services.pricer.domain.lint.lint import Finding


def plain(path: Path) -> dict[str, Any]:
    """Return a file as the JSON that a door takes, decimals as text."""
    from services.pricer.documents import from_json, from_yaml  # noqa: PLC0415 - as above
    from services.pricer.domain.books.canonical import canonical  # noqa: PLC0415 - as above

    read = from_json if path.suffix == ".json" else from_yaml
    found: dict[str, Any] = json.loads(canonical(read(path.read_bytes(), path.name)))
    return found


def read_document(path: Path) -> "PriceBook | FxTable":
    """Read a price book or an FX table.   Raises: BookRefused, with every fault."""
    from services.pricer.documents import read  # noqa: PLC0415 - as above

    document = plain(path)
    return read("fx" if "pairs" in document else "book", document, path.name)


def read_book(path: Path) -> "PriceBook":
    """Read a price book.   Raises: BookRefused; Refused, if it is an FX table."""
    from services.pricer.domain.books.book import PriceBook  # noqa: PLC0415 - as above

    found = read_document(path)
    if not isinstance(found, PriceBook):
        raise Refused(f"{path.name} is an FX table; name a price book", field="onto")
    return found


def linted(path: Path, catalog: Path) -> "list[Finding]":
    """Lint a file against the parts and rates of a catalogue.   Raises: BookRefused."""
    from services.pricer.books import load_tables, parts_of, parts_to_price  # noqa: PLC0415
    from services.pricer.domain.books.book import FxTable  # noqa: PLC0415 - as above
    from services.pricer.domain.lint.lint import lint_book, lint_fx  # noqa: PLC0415 - as above

    document = read_document(path)
    if isinstance(document, FxTable):
        return lint_fx(document)
    siblings = map(read_document, sorted((catalog / "price_books").glob("*.yaml")))
    parts = parts_to_price(document, parts_of(catalog), siblings)
    return lint_book(document, parts, load_tables(catalog))
