"""What was ever released stays readable: every frozen sample is read with today's code."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from contracts import compat
from contracts.catalogue import FACTS, every_fact
from contracts.compat import editions
from contracts.envelope import Fact
from contracts.pricing import QuotePriced
from contracts.quote import DocumentRequested, QuoteDeclined, RevisionPriced, RevisionSubmitted
from tests.contract import example_deal as x
from tests.contract.samples import INDEX, RELEASED, released, sample

SAMPLES = released()
BY_NAME = {fact.wire_type(): fact for fact in FACTS}


def read(wire_type: str, version: int, file: Path) -> Fact:
    return every_fact().read(wire_type, version, file.read_bytes())


def lost(before: Any, after: Any, path: str = "") -> list[str]:
    """Name every member of `before` that is not in `after` with the same value."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            name
            for key, value in before.items()
            for name in (
                lost(value, after[key], f"{path}/{key}") if key in after else [f"{path}/{key}"]
            )
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            name
            for i, (a, b) in enumerate(zip(before, after, strict=True))
            for name in lost(a, b, f"{path}/{i}")
        ]
    return [] if before == after else [path]


@pytest.mark.parametrize(
    ("wire_type", "version", "file"), SAMPLES, ids=lambda each: getattr(each, "stem", "")
)
def test_every_released_sample_is_read_by_todays_code(
    wire_type: str, version: int, file: Path
) -> None:
    assert type(read(wire_type, version, file)) is BY_NAME[wire_type]


@pytest.mark.parametrize(
    ("wire_type", "version", "file"),
    [each for each in SAMPLES if each[1] == BY_NAME[each[0]].VERSION],
    ids=lambda each: getattr(each, "stem", ""),
)
def test_no_member_of_a_released_sample_is_dropped_or_changed(
    wire_type: str, version: int, file: Path
) -> None:
    # Readers ignore what they do not know, so a field that was taken away would vanish in silence.
    fact = read(wire_type, version, file)

    assert lost(json.loads(file.read_text()), fact.model_dump(mode="json")) == []


def charged_monthly(fact: type[Fact]) -> Fact:
    """Return today's sample with the charge that version 1 knew in place of a quarterly one."""
    text = sample(fact).model_dump_json()
    for now, before in (("quarterly", "monthly"), ('"quarter"', '"month"')):
        text = text.replace(now, before)
    return fact.model_validate_json(text.replace("and quarter", "and month"))


# What each sample of an older version becomes by today's upcasters, whole.
UPCAST: dict[tuple[str, int], Fact] = {
    ("quotewright.QuoteDeclined", 1): QuoteDeclined(
        deal_id=x.DEAL_ID,
        quote_id=x.QUOTE_ID,
        revision=1,
        reason_code="other",
        comment="Permits for three of the sites come later than planned.",
        at=x.NOW,
    ),
    ("quotewright.QuotePriced", 1): charged_monthly(QuotePriced),
    ("quotewright.RevisionPriced", 1): charged_monthly(RevisionPriced),
    ("quotewright.RevisionSubmitted", 1): charged_monthly(RevisionSubmitted),
    ("quotewright.DocumentRequested", 1): charged_monthly(DocumentRequested),
}


@pytest.mark.parametrize("key", UPCAST, ids=lambda key: f"{key[0]}.{key[1]}")
def test_a_sample_of_an_older_version_becomes_the_whole_fact_of_today(key: tuple[str, int]) -> None:
    wire_type, version = key

    assert read(wire_type, version, RELEASED / f"{wire_type}.{version}.json") == UPCAST[key]


def test_what_every_older_version_becomes_is_written_down() -> None:
    older = {(name, version) for name, version, _ in SAMPLES if version < BY_NAME[name].VERSION}

    assert set(UPCAST) == older


def test_every_version_of_every_fact_has_a_sample() -> None:
    asked = {
        (fact.wire_type(), version) for fact in FACTS for version in range(1, fact.VERSION + 1)
    }

    assert {(wire_type, version) for wire_type, version, _ in SAMPLES} >= asked


def test_every_version_whose_schema_was_released_has_a_sample_and_no_other_has() -> None:
    schemas = {(each.wire_type, each.version) for each in editions(compat.FOLDER)}

    assert {(wire_type, version) for wire_type, version, _ in SAMPLES} == schemas


def test_every_fact_that_was_released_still_exists() -> None:
    assert {wire_type for wire_type, _, _ in SAMPLES} - set(BY_NAME) == set()


def test_no_released_sample_was_removed_added_unlisted_or_edited() -> None:
    listed = {
        name: digest for digest, name in (line.split() for line in INDEX.read_text().splitlines())
    }
    found = {file.name: sha256(file.read_bytes()).hexdigest() for _, _, file in SAMPLES}

    assert found == listed


def test_every_older_version_has_its_upcasters() -> None:
    steps = {(fact.wire_type(), version) for fact in FACTS for version in range(1, fact.VERSION)}

    assert every_fact().steps() == steps


def test_the_comparison_of_samples_sees_a_lost_and_a_changed_member() -> None:
    before = {"a": [{"b": 1, "c": 2}], "d": "x"}

    assert lost(before, {"a": [{"b": 1}], "d": "y", "new": 0}) == ["/a/0/c", "/d"]
