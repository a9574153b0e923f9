"""The compatibility checker: it catches every way to break a released fact, and lets a fact grow."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import Field, create_model

from contracts import compat, schema
from contracts.catalogue import FACTS, every_fact
from contracts.compat import editions, problems, release
from contracts.envelope import Fact
from contracts.shapes import compare, shape_of
from contracts.values import Instant, Money, Value

ROOT = Path(__file__).parents[2]


class Site(Value):
    """Where it goes: a value inside a fact."""

    name: str
    floor: int = Field(default=0, ge=0)


MEMBERS: dict[str, Any] = {
    "title": (str, Field(max_length=80)),
    "count": (int, Field(ge=1)),
    "reason": (Literal["price", "scope"], ...),
    "kind": (Literal["rack", "unknown"], ...),
    "note": (str | None, None),
    "at": (Instant, ...),
    "net": (Money, ...),
    "sites": (tuple[Site, ...], ()),
    "tags": (dict[str, int], {}),
    "code": (str, Field(pattern="^[A-Z]+$")),
}


def made(version: int = 1, without: str = "", **members: Any) -> type[Fact]:
    """Make the class `ThingMoved` with some members changed."""
    merged = {name: each for name, each in {**MEMBERS, **members}.items() if name != without}
    made_: Any = create_model("ThingMoved", __base__=Fact, **merged)
    return type("ThingMoved", (made_,), {"VERSION": version, "__annotations__": {}})


def site(without: str = "", **members: Any) -> Any:
    """Make the value `Site` with some members changed."""
    mine = {"name": (str, ...), "floor": (int, Field(default=0, ge=0)), **members}
    return create_model("Site", __base__=Value, **{k: v for k, v in mine.items() if k != without})


def sites(of: Any) -> Any:
    return (tuple[of, ...], ())


def found(changed: type[Fact]) -> list[tuple[str, bool]]:
    """Compare the fact as it is with a changed one."""
    before, after = (schema.schema_of(each) for each in (made(), changed))
    return [(str(each), each.breaks) for each in compare(shape_of(before), shape_of(after))]


BREAKS: dict[str, tuple[Callable[[], type[Fact]], list[str]]] = {
    "removal": (lambda: made(without="note"), ["/note: removed"]),
    "rename": (
        lambda: made(without="title", heading=MEMBERS["title"]),
        ["/title: removed (renamed to `heading`?)", "/heading: added and required: old facts lack it"],
    ),
    "rename of an optional member": (
        lambda: made(without="note", remark=MEMBERS["note"]),
        ["/note: removed (renamed to `remark`?)"],
    ),
    "retype": (lambda: made(count=(str, ...)), ["/count: retyped from integer to string"]),
    "retype of a list to one": (
        lambda: made(sites=(Site, ...)),
        ["/sites: required now, and old facts may lack it",
         "/sites: the default was [] and is none: facts without it would say something else",
         "/sites: retyped from array to object"],
    ),
    "retype by format": (
        lambda: made(at=(str, ...)), ["/at: retyped from string (date-time) to string"]
    ),
    "a format where any text was": (
        lambda: made(title=(UUID, ...)),
        [
            "/title: retyped from string to string (uuid)",
            "/title: widened: maxLength was 80, is none",
        ],
    ),
    "a number that may have been a fraction": (
        lambda: made(tags=(dict[str, str], {})), ["/tags/*: retyped from integer to string"]
    ),
    "shorter text": (
        lambda: made(title=(str, Field(max_length=79))),
        ["/title: narrowed: maxLength was 80, is 79"],
    ),
    "longer least text": (
        lambda: made(title=(str, Field(max_length=80, min_length=1))),
        ["/title: narrowed: minLength was none, is 1"],
    ),
    "a raised minimum": (
        lambda: made(count=(int, Field(ge=2))), ["/count: narrowed: minimum was 1, is 2"]
    ),
    "a new maximum": (
        lambda: made(count=(int, Field(ge=1, le=9))), ["/count: narrowed: maximum was none, is 9"]
    ),
    "another pattern": (
        lambda: made(code=(str, Field(pattern="^[A-Z]{3}$"))),
        ["/code: narrowed: pattern was ^[A-Z]+$, is ^[A-Z]{3}$"],
    ),
    "a choice removed": (
        lambda: made(reason=(Literal["price"], ...)),
        ["/reason: narrowed: `scope` is no choice any more"],
    ),
    "a choice where any text was": (
        lambda: made(code=(Literal["A", "B"], ...)),
        ["/code: narrowed from anything to a choice", "/code: widened: pattern was ^[A-Z]+$, is none"],
    ),
    "a choice added without unknown": (
        lambda: made(reason=(Literal["price", "scope", "timing"], ...)),
        ["/reason: widened by `timing`, and readers have no `unknown` for it"],
    ),
    "any text where a choice was": (
        lambda: made(reason=(str, ...)),
        ["/reason: widened by `anything`, and readers have no `unknown` for it"],
    ),
    "any text beside a choice": (
        lambda: made(reason=(Literal["price", "scope"] | Annotated[str, Field(max_length=9)], ...)),
        ["/reason: accepts string too"],
    ),
    "no null any more": (
        lambda: made(note=(str, "")),
        ["/note: the default was None and is '': facts without it would say something else",
         "/note: retyped from null to string"],
    ),
    "a new required member": (
        lambda: made(place=(str, ...)), ["/place: added and required: old facts lack it"]
    ),
    "an optional member required": (
        lambda: made(note=(str | None, ...)),
        ["/note: required now, and old facts may lack it",
         "/note: the default was None and is none: facts without it would say something else"],
    ),
    "another default": (
        lambda: made(note=(str | None, "as ever")),
        ["/note: the default was None and is 'as ever': facts without it would say something else"],
    ),
    "a member of a value removed": (
        lambda: made(sites=sites(site(without="floor"))), ["/sites/*/floor: removed"]
    ),
    "a required member in a value": (
        lambda: made(sites=sites(site(street=(str, ...)))),
        ["/sites/*/street: added and required: old facts lack it"],
    ),
    "a narrowed member of a value": (
        lambda: made(sites=sites(site(floor=(int, Field(default=0, ge=1))))),
        ["/sites/*/floor: narrowed: minimum was 0, is 1"],
    ),
    "another kind of value beside": (
        lambda: made(sites=sites(Site | Money)), ["/sites/*: accepts object too"]
    ),
    "a list that must not be empty": (
        lambda: made(sites=(tuple[Site, ...], Field(default=(), min_length=1))),
        ["/sites: narrowed: minItems was none, is 1"],
    ),
}  # fmt: skip

ALLOWED: dict[str, tuple[Callable[[], type[Fact]], list[str]]] = {
    "nothing": (made, []),
    "an optional member": (lambda: made(place=(str | None, None)), []),
    "an optional member of a value": (lambda: made(sites=sites(site(street=(str, "")))), []),
    "another name of a value": (
        lambda: made(sites=sites(create_model("Place", __base__=Site))), []
    ),
    "longer text": (
        lambda: made(title=(str, Field(max_length=81))),
        ["/title: widened: maxLength was 80, is 81"],
    ),
    "no limit": (lambda: made(title=(str, ...)), ["/title: widened: maxLength was 80, is none"]),
    "a lower minimum": (
        lambda: made(count=(int, Field(ge=0))), ["/count: widened: minimum was 1, is 0"]
    ),
    "a choice added beside unknown": (
        lambda: made(kind=(Literal["rack", "unknown", "mast"], ...)), ["/kind: widened by `mast`"]
    ),
    "also null": (lambda: made(code=(Annotated[str, Field(pattern="^[A-Z]+$")] | None, ...)),
                  ["/code: accepts null too"]),
    "a fraction": (
        lambda: made(count=(float, Field(ge=1))), ["/count: retyped from integer to number"]
    ),
    "a member that may be missing": (
        lambda: made(reason=(Literal["price", "scope"], "price")), ["/reason: may be missing now"]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_what_breaks_readers_or_the_past_is_caught_and_told(name: str) -> None:
    changed, told = BREAKS[name]
    differences = found(changed())

    assert [each for each, _ in differences] == told
    assert any(breaks for _, breaks in differences)


@pytest.mark.parametrize("name", ALLOWED)
def test_what_only_adds_or_widens_is_let_pass(name: str) -> None:
    changed, told = ALLOWED[name]

    assert found(changed()) == [(each, False) for each in told]


def test_a_rule_that_the_checker_does_not_know_is_a_break() -> None:
    (finding,) = compare({"type": "object"}, {"type": "object", "dependentRequired": {"a": ["b"]}})

    assert str(finding) == "/: `dependentRequired` changed, which this checker can not judge"
    assert finding.breaks


def test_a_definition_that_holds_itself_is_compared_and_comes_to_an_end() -> None:
    node = {
        "type": "object",
        "properties": {"next": {"$ref": "#/$defs/Node"}, "n": {"type": "null"}},
    }
    less = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
    old, new = ({"$ref": "#/$defs/Node", "$defs": {"Node": each}} for each in (node, less))

    assert [str(each) for each in compare(old, new)] == ["/n: removed"]
    assert compare(old, old) == []


# ---- over the history of a fact


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Released editions, with the first of `ThingMoved`."""
    release([made()], tmp_path)
    return tmp_path


STEP = ("quotewright.ThingMoved", 1)


def test_a_new_fact_asks_for_its_release_and_is_content_then(tmp_path: Path) -> None:
    (told,) = problems([made()], (), tmp_path)
    assert told == (
        "quotewright.ThingMoved version 1 is not released as it is now:"
        " run: python -m contracts.compat release"
    )
    assert release([made()], tmp_path) == (["quotewright.ThingMoved.1.1.json"], [])
    assert problems([made()], (), tmp_path) == []
    assert release([made()], tmp_path) == ([], [])


def test_a_break_names_the_place_and_what_to_do(folder: Path) -> None:
    (told,) = problems([made(without="note")], (), folder)
    assert told == (
        "quotewright.ThingMoved version 1 breaks its edition 1 at /note: removed. To change it,"
        " raise its VERSION, write an upcaster, freeze a sample (docs/howto/change-a-fact.md)"
    )


def test_an_added_member_is_an_edition_and_can_not_be_taken_away_again(folder: Path) -> None:
    grown = made(place=(str | None, None))
    release([grown], folder)

    assert [each.file for each in editions(folder)] == [
        "quotewright.ThingMoved.1.1.json",
        "quotewright.ThingMoved.1.2.json",
    ]
    assert problems([grown], (), folder) == []
    (told,) = problems([made()], (), folder)
    assert "breaks its edition 2 at /place: removed" in told


def test_what_widened_is_told_at_its_release(folder: Path) -> None:
    written, widened = release([made(count=(int, Field(ge=0)))], folder)

    assert written == ["quotewright.ThingMoved.1.2.json"]
    assert [str(each) for each in widened] == ["/count: widened: minimum was 1, is 0"]


def test_a_new_version_needs_an_upcaster_and_keeps_the_old_one(folder: Path) -> None:
    changed = made(version=2, without="note")
    assert [each.partition(":")[0] for each in problems([changed], (), folder)] == [
        "quotewright.ThingMoved version 2 is not released as it is now",
        "quotewright.ThingMoved version 1 has no upcaster to 2",
    ]
    release([changed], folder)
    assert problems([changed], [STEP], folder) == []


def test_a_version_that_went_back_and_one_that_was_left_out_are_told(folder: Path) -> None:
    release([made(version=2)], folder)
    (back,) = problems([made()], [STEP], folder)
    assert back == "quotewright.ThingMoved version 2 was released; VERSION is back at 1"

    left_out = problems([made(version=4)], [STEP, (STEP[0], 2), (STEP[0], 3)], folder)
    assert "quotewright.ThingMoved version 3 was never released, yet 4 is here" in left_out


def test_a_fact_that_was_renamed_or_deleted_is_told(folder: Path) -> None:
    assert problems([], (), folder) == [
        "quotewright.ThingMoved was released and is gone: keep the class, and stop appending it"
    ]


def test_an_edition_that_was_edited_removed_or_smuggled_in_is_told(folder: Path) -> None:
    file = folder / "quotewright.ThingMoved.1.1.json"
    text = file.read_text()
    file.write_text(text.replace('"note"', '"remark"'))
    (edited,) = problems([made()], (), folder)
    assert edited.startswith("quotewright.ThingMoved.1.1.json was changed after its release")

    file.write_text(text)
    (folder / "quotewright.ThingMoved.1.2.json").write_text(text)
    (smuggled,) = problems([made()], (), folder)
    assert smuggled.startswith("quotewright.ThingMoved.1.2.json is not in INDEX")
    (folder / "quotewright.ThingMoved.1.2.json").unlink()

    file.unlink()
    (removed,) = problems([made()], (), folder)
    assert removed == (
        "quotewright.ThingMoved.1.1.json was released and is gone: bring the file back from the"
        " history: what was released stays"
    )


# ---- of the facts that exist


def test_todays_facts_are_as_they_were_released() -> None:
    assert problems(FACTS, every_fact().steps(), compat.FOLDER) == []


def test_each_schema_for_integrators_is_the_latest_edition_of_its_version() -> None:
    latest = {(each.wire_type, each.version): each.shape for each in editions(compat.FOLDER)}
    written = {}
    for file in schema.FOLDER.glob("*.json"):
        wire_type, _, version = file.stem.rpartition(".")
        written[wire_type, int(version)] = shape_of(json.loads(file.read_text(encoding="utf-8")))

    assert written == latest


def test_editions_are_numbered_from_1_without_a_gap() -> None:
    numbers: dict[tuple[str, int], list[int]] = {}
    for each in editions(compat.FOLDER):
        numbers.setdefault((each.wire_type, each.version), []).append(each.number)

    assert [n for n in numbers.values() if n != list(range(1, len(n) + 1))] == []


def test_the_command_says_what_breaks_and_fails(tmp_path: Path) -> None:
    # The real command on a copy of the contracts in which one member is gone.
    copy = tmp_path / "contracts"
    subprocess.run(["cp", "-r", ROOT / "contracts", copy], check=True)
    file = copy / "quote.py"
    text = file.read_text()
    assert text.count("    evidence_sha256: Sha256\n") == 1
    command = [sys.executable, "-m", "contracts.compat"]
    good = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    file.write_text(text.replace("    evidence_sha256: Sha256\n", ""))
    bad = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    refused = subprocess.run(
        [*command, "release"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (good.returncode, good.stdout) == (0, "")
    assert (bad.returncode, refused.returncode) == (1, 1)
    assert "QuoteAccepted version 1 breaks its edition 1 at /evidence_sha256: removed" in bad.stdout
    assert refused.stdout == bad.stdout
