"""The shelf: which version a quote is priced with, and which catalogue is refused."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from contracts.values import Pin
from services.pricer.books import BookRefused, Shelf, VersionRefused, load
from services.pricer.domain.books.book import content_sha256
from tests.unit.pricer.basket import an_entry, the_document

TELECOM = Path(__file__).parents[3] / "catalogs" / "telecom"
PARTS = {"parts": [{"sku": "X", "unit": "pcs", "charge": "one_time"}]}
FX = {
    "id": "fx",
    "version": 1,
    "status": "published",
    "effective": {"first": "2026-01-01"},
    "source": "made up",
    "pairs": [{"base": "USD", "quote": quote, "rate": "0.5"} for quote in ("EUR", "JPY", "BHD")],
}


def write(folder, name, document, sealed=True):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if sealed:
        document = {**document, "sha256": content_sha256(document)}
    path.write_text(yaml.safe_dump(document))


def a_catalogue(folder: Path, *books: dict, sealed: bool = True) -> Path:
    write(folder, "parts.yaml", PARTS, sealed=False)
    write(folder, "fx/fx-1.yaml", FX)
    for place, book in enumerate(books):
        write(folder, f"price_books/{place}.yaml", book, sealed=sealed)
    return folder


def a_version(version: int, **changes) -> dict:
    return the_document(version=version, entries=[an_entry("X", "10")], **changes)


def version_on(shelf: Shelf, day: str, pin: Pin | None = None) -> int:
    return shelf.book(pin, date.fromisoformat(day)).pin.version


def refused(shelf: Shelf, day: str, pin: Pin | None = None) -> tuple[str, str, str]:
    with pytest.raises(VersionRefused) as fault:
        shelf.book(pin, date.fromisoformat(day))
    return fault.value.kind, fault.value.field, fault.value.message


def test_the_telecom_catalogue_is_sound_and_sealed():
    shelf = load(TELECOM)
    first, book = (shelf.book(None, date(2026, 11, day)) for day in (23, 28))
    assert [(each.pin.id, each.pin.version) for each in (first, book)] == [
        ("telecom-list", 1),
        ("telecom-list", 2),
    ]
    assert [shelf.fx(None, date(2026, day, 1)).version for day in (3, 7)] == [1, 2]
    master = yaml.safe_load((TELECOM / "parts.yaml").read_text())["parts"]
    assert set(book.offers) == {part["sku"] for part in master}
    assert all(book.offers[sku] == offer for sku, offer in first.offers.items())


def test_the_newest_version_in_force_prices_unless_another_is_pinned(tmp_path):
    shelf = load(
        a_catalogue(
            tmp_path,
            a_version(1),
            a_version(2, effective={"first": "2026-06-01"}),
            a_version(3, effective={"first": "2026-09-01"}),
            a_version(4, status="retired"),
            a_version(5, status="draft"),
        )
    )
    assert [version_on(shelf, day) for day in ("2026-05-31", "2026-06-01", "2026-12-31")] == [
        1,
        2,
        3,
    ]
    assert version_on(shelf, "2026-12-31", shelf.books["bts", 1].pin) == 1


def test_a_pin_is_used_exactly_or_refused_by_name(tmp_path):
    shelf = load(
        a_catalogue(
            tmp_path,
            a_version(1, effective={"first": "2026-01-01", "last": "2026-06-30"}),
            a_version(2, status="retired"),
            a_version(3, status="draft"),
        )
    )
    pin, retired, draft = (shelf.books["bts", version].pin for version in (1, 2, 3))
    again = "ask again without this pin"
    assert refused(shelf, "2026-07-01", pin) == (
        "pin_not_effective",
        "pins.book",
        f"price book bts version 1 is not in force on 2026-07-01; {again}",
    )
    assert refused(shelf, "2026-03-01", retired) == (
        "retired_pin",
        "pins.book",
        f"price book bts version 2 is retired; {again}",
    )
    assert refused(shelf, "2026-03-01", draft)[0] == "unknown_pin"
    assert refused(shelf, "2026-03-01", pin.model_copy(update={"version": 9})) == (
        "unknown_pin",
        "pins.book",
        f"price book bts version 9 is unknown; {again}",
    )
    assert refused(shelf, "2026-03-01", pin.model_copy(update={"sha256": "0" * 64})) == (
        "pin_mismatch",
        "pins.book",
        f"price book bts version 1 has another content hash; {again}",
    )


def test_a_day_without_a_book_is_refused(tmp_path):
    shelf = load(a_catalogue(tmp_path, a_version(1)))
    assert refused(shelf, "2025-12-31") == (
        "no_book",
        "book",
        "no price book is in force on 2025-12-31; publish one that is",
    )


def test_a_published_book_that_was_changed_is_refused(tmp_path):
    book = a_version(1)
    sealed = book | {"sha256": content_sha256(book), "entries": [an_entry("X", "11")]}
    with pytest.raises(BookRefused) as fault:
        load(a_catalogue(tmp_path, sealed, sealed=False))
    assert fault.value.message == (
        "0.yaml: sha256: does not fit the content, which was changed after publishing; restore"
        " it, or publish the change as a new file with version 2"
    )


def test_a_published_book_without_a_seal_is_told_its_seal(tmp_path):
    with pytest.raises(BookRefused) as fault:
        load(a_catalogue(tmp_path, a_version(1), sealed=False))
    assert f"add `sha256: {content_sha256(a_version(1))}`" in fault.value.message


def test_one_version_stands_in_one_file(tmp_path):
    with pytest.raises(BookRefused) as fault:
        load(a_catalogue(tmp_path, a_version(1), a_version(1, name="Another name")))
    assert fault.value.message == (
        "1.yaml: bts version 1: is in 0.yaml too; give this file the next version"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "0.yaml: file: can not be read"),
        ("- a list", "0.yaml: file: is not a mapping; start with `id:`"),
        ("id: bts\nversion: 0.5\n", "is not exact; write decimals as text, in quotes"),
        ("id: bts\nversion: 1\n", "0.yaml: name: Field required"),
    ],
)
def test_what_is_no_book_is_refused_with_its_place(tmp_path, text, words):
    a_catalogue(tmp_path, a_version(1))
    (tmp_path / "price_books/0.yaml").write_text(text)
    with pytest.raises(BookRefused) as fault:
        load(tmp_path)
    assert words in fault.value.message


def test_a_book_with_a_lint_finding_is_refused_with_the_finding(tmp_path):
    with pytest.raises(BookRefused) as fault:
        load(a_catalogue(tmp_path, a_version(1) | {"entries": [an_entry("X", "0")]}))
    assert fault.value.message == "0.yaml: entries.X.price: is 0; give an amount above zero"
