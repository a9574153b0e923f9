"""Searching a version: by names of its members, by when a rule applies; each version's words made once."""

import pytest

from services.pricer.domain.books.book import read_book
from services.pricer.pages import searching
from services.pricer.pages.searching import Search
from tests.unit.pricer.basket import an_entry, the_document

RULE = {
    "id": "gold", "version": 1, "name": "Gold tier", "group": "volume",
    "when": {"skus": ["PART-007"]}, "effect": {"kind": "percent_off", "percent": "5"},
}  # fmt: skip


@pytest.fixture
def book():
    entries = [an_entry(f"PART-{number:03}", "5.50") for number in range(30)]
    return read_book(the_document(entries=entries, rules=[RULE]))


def names(found):
    return [each.sku for each in found]


def test_every_word_must_stand_in_the_names_of_a_member_in_any_case(book):
    search = Search()
    assert names(search.found("a", "entries", book.entries, "part-02 ONE_time")) == [
        f"PART-02{digit}" for digit in range(10)
    ]
    assert names(search.found("a", "entries", book.entries, "part-02 recurring")) == []
    assert search.found("a", "entries", book.entries, "  ") == book.entries


def test_a_rule_is_found_by_the_parts_it_is_for(book):
    search = Search()
    search.found("a", "entries", book.entries, "gold")
    assert list(search.found("a", "rules", book.rules, "gold part-007")) == list(book.rules)


def test_the_names_of_a_version_are_gathered_once_and_those_of_another_apart(book, monkeypatch):
    gathered = []
    monkeypatch.setattr(searching, "_said", lambda each: gathered.append(each) or each.sku.lower())
    search = Search()
    for text in ("part-001", "part-002", "nothing"):
        search.found("a", "entries", book.entries, text)
    assert len(gathered) == 30
    other = book.entries[:3]
    assert names(search.found("b", "entries", other, "part-00")) == names(other)
    assert len(gathered) == 33
