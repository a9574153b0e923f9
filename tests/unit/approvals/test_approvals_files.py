"""The files of the authority: sealed, exact, refused by name and place, in force from their day."""

import re
from datetime import date
from pathlib import Path

import pytest

from services.approvals.domain.lint import PolicyFaulty
from services.approvals.policy import Authority, NoPolicyInForce, load
from tests.unit.approvals.offers import CATALOGUE

SOURCE = (CATALOGUE / "approval_policies" / "telecom-authority-1.yaml").read_text()
DIRECTORY = (CATALOGUE / "directory.yaml").read_text()


def catalogue(place: Path, *policies: str) -> Authority:
    """Load a catalogue of these policy files and the example's directory."""
    (place / "approval_policies").mkdir(parents=True)
    for number, text in enumerate(policies, start=1):
        (place / "approval_policies" / f"p-{number}.yaml").write_text(text)
    (place / "directory.yaml").write_text(DIRECTORY)
    return load(place)


def resealed(place: Path, text: str) -> str:
    """Seal a text anew, as its publisher does: by the seal that the refusal names."""
    with pytest.raises(PolicyFaulty) as refused:
        catalogue(place, text)
    return re.sub("sha256: .*", f"sha256: {refused.value.facts['sha256']}", text)


def test_a_published_policy_that_was_altered_is_refused(tmp_path):
    with pytest.raises(PolicyFaulty) as refused:
        catalogue(tmp_path, SOURCE.replace("decision_hours: 24", "decision_hours: 48"))
    assert "its content is not what it was sealed with" in refused.value.message


def test_a_policy_without_a_seal_is_refused(tmp_path):
    with pytest.raises(PolicyFaulty) as refused:
        catalogue(tmp_path, re.sub("sha256: .*\n", "", SOURCE))
    assert "the seal of a new version" in refused.value.message


def test_comments_and_layout_do_not_break_the_seal(tmp_path):
    pins = [
        catalogue(tmp_path / "a", SOURCE).policies[0].pin,
        catalogue(tmp_path / "b", "# a remark\n" + SOURCE.replace("version: 1", "version:  1"))
        .policies[0]
        .pin,
    ]
    assert pins[1] == pins[0]
    assert (pins[0].id, pins[0].version) == ("telecom-authority", 1)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("version: 1\n", "version: 1\nversion: 2\n", "version stands there twice"),
        (
            "at_most: 10}, margin",
            "at_most: ten}, margin",
            "rules.0.when.sales_discount_percent.at_most",
        ),
        ("at_most: 10}, margin", "at_most: 10, below: 9}, margin", "not both"),
        ("needs: nobody", "need: nobody", "Extra inputs are not permitted"),
        ("decision_hours: 24", "decision_hours: [24", "it is not clean YAML"),
        (SOURCE, "- just\n- a list\n", "it must be a mapping"),
    ],
)
def test_a_malformed_policy_file_is_refused_by_file_and_place(tmp_path, old, new, told):
    assert old in SOURCE
    with pytest.raises(PolicyFaulty) as refused:
        catalogue(tmp_path, SOURCE.replace(old, new, 1))
    assert refused.value.message.startswith("p-1.yaml: ")
    assert told in refused.value.message


def test_a_missing_directory_is_refused_by_name(tmp_path):
    with pytest.raises(PolicyFaulty) as refused:
        load(tmp_path)
    assert refused.value.message == "directory.yaml: it can not be read"


def test_no_number_of_a_policy_ever_was_a_binary_float(tmp_path):
    tenth = SOURCE.replace("at_most: 10", "at_most: 0.1").replace("above: 10", "above: 0.1")
    loaded = catalogue(tmp_path / "b", resealed(tmp_path / "a", tenth))
    first = loaded.policies[0].policy.authorities[0].tables[0].rules[0]
    assert str(first.when["sales_discount_percent"].at_most) == "0.1"


def test_the_version_in_force_is_the_last_that_is_effective(tmp_path):
    later = SOURCE.replace("version: 1\n", "version: 2\n").replace("2026-01-01", "2026-07-01")
    loaded = catalogue(tmp_path / "b", resealed(tmp_path / "a", later), SOURCE)
    assert loaded.on(date(2026, 6, 30)).pin.version == 1
    assert loaded.on(date(2026, 7, 1)).pin.version == 2
    with pytest.raises(NoPolicyInForce):
        loaded.on(date(2025, 12, 31))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("effective: 2026-01-01", "effective: 2026-02-01", "versions must be unique"),
        ("id: telecom-authority", "id: another", "there must be one policy"),
    ],
)
def test_two_policies_that_do_not_follow_each_other_are_refused(tmp_path, old, new, told):
    other = resealed(tmp_path / "a", SOURCE.replace(old, new, 1))
    with pytest.raises(PolicyFaulty) as refused:
        catalogue(tmp_path / "b", SOURCE, other)
    assert told in refused.value.message


def test_a_catalogue_without_a_policy_is_refused(tmp_path):
    with pytest.raises(PolicyFaulty):
        catalogue(tmp_path)
