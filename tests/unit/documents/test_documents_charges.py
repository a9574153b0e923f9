"""Charges of every period on the page: their words, their order, their sums, in each language."""

import pytest

from contracts.charges import MONTHS, NAMED
from services.documents.domain.page import Page
from services.documents.domain.words import WORDS, charged, per_period
from tests.unit.documents import asked
from tests.unit.documents.test_documents_page import page

PERIODS = {
    "QW-SW-NR": "every_4_months",
    "QW-SVC-INST": "half_yearly",
    "QW-SVC-CARE": "quarterly",
    "QW-GNSS-1": "yearly",
}


def printed(language: str) -> Page:
    return page(asked.an_ask(asked.charged(PERIODS), language=language))


def test_totals_stand_by_period_from_once_to_the_longest() -> None:
    assert [(row.label, row.net) for row in printed("en").sums] == [
        ("One-time", "547,624.00"),
        ("Quarterly", "1,078.00"),
        ("Every 4 months", "25,344.00"),
        ("Half-yearly", "39,160.00"),
        ("Yearly", "1,408.00"),
        ("Total", "614,614.00"),
    ]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "en",
            [
                ("Quarterly", "per quarter", "Subtotal, quarterly"),
                ("Every 4 months", "per 4 months", "Subtotal, every 4 months"),
                ("Half-yearly", "per half-year", "Subtotal, half-yearly"),
                ("Yearly", "per year", "Subtotal, yearly"),
            ],
        ),
        (
            "de",
            [
                ("Vierteljährlich", "pro Quartal", "Zwischensumme vierteljährlich"),
                ("Alle 4 Monate", "pro 4 Monate", "Zwischensumme alle 4 Monate"),
                ("Halbjährlich", "pro Halbjahr", "Zwischensumme halbjährlich"),
                ("Jährlich", "pro Jahr", "Zwischensumme jährlich"),
            ],
        ),
    ],
)
def test_a_charge_is_called_the_same_in_headline_table_and_subtotal(
    language: str, expected: list[tuple[str, str, str]]
) -> None:
    found = printed(language)
    tables = found.charges[1:]
    assert [each.label for each in found.headlines[1:]] == [each.heading for each in tables]
    assert [
        (head.label, head.period, table.subtotal.label)
        for head, table in zip(found.headlines[1:], tables, strict=True)
    ] == expected


@pytest.mark.parametrize("language", WORDS)
def test_every_language_has_words_of_its_own_for_every_charge(language: str) -> None:
    words = WORDS[language]
    assert {*NAMED, "one_time"} <= set(words)
    assert {f"per_{each}" for each in NAMED} <= set(words)
    called = {charged(each, words) for each in MONTHS}
    assert len(called) == len(MONTHS)
    assert len({per_period(each, words) for each in MONTHS}) == len(MONTHS)
    assert not [each for each in called if "_" in each or "{" in each]
