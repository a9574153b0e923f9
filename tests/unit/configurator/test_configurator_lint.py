"""A model with faults is refused when it is loaded, with sentences that say what to change."""

import os
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from contracts.errors import NotFound
from services.configurator import shelf
from services.configurator.domain.products.catalogue import Catalogue
from services.configurator.domain.products.product import ModelRefused, publish
from tests.unit.configurator.small import PARTS, a_choice, a_multi, a_pump, a_rule, published

FLAG = {"id": "outdoor", "kind": "flag", "group": "all", "label": "Outdoor", "help": "Outside?"}
NUMBER = {"id": "stages", "kind": "integer", "group": "all", "label": "Stages", "help": "How many."}


def budget(**changes):
    tree = {
        "id": "B-1",
        "label": "Power",
        "owner": "lab",
        "consumption": "pump.power",
        "capacity": "motor.power",
        "margin_percent": 10,
        "message": "The motor is too small.",
    }
    return tree | changes


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rules": [a_rule("pumpe = low")]}, "rule R-1: unknown name 'pumpe'; did you mean pump?"),
        (
            {"rules": [a_rule("pump = lo")]},
            "rule R-1: 'pump' has no option 'lo'; did you mean low?",
        ),
        ({"rules": [a_rule("pump =")]}, "rule R-1: expected a number, a name or '(' at position 7"),
        (
            {"rules": [a_rule("outdoor"), a_rule("pump = low")]},
            "the rule, table or budget 'R-1' stands 2 times",
        ),
        (
            {"budgets": [budget(capacity="stages")]},
            "budget B-1: consumption is in W, capacity in a plain number; use one unit",
        ),
        (
            {
                "parameters": [
                    {"id": "load", "label": "Load", "group": "G", "expression": "pump.power"}
                ]
            },
            "parameter 'load': declared in a plain number but computed in W",
        ),
        (
            {"bill_of_materials": [{"option": "pump.lo", "sku": "P-1", "quantity": "1"}]},
            "bill of materials, pump.lo -> P-1: 'pump' has no option 'lo'; did you mean low?",
        ),
        (
            {"bill_of_materials": [{"option": "pump.low", "sku": "P-9", "quantity": "1"}]},
            "the part master has no 'P-9'; did you mean",
        ),
        (
            {"bill_of_materials": [{"option": "outdoor.yes", "sku": "P-1", "quantity": "1"}]},
            "'outdoor' is a flag; write 'outdoor' alone",
        ),
        (
            {"bill_of_materials": [{"option": "pump.low", "sku": "P-1", "quantity": "pump.power"}]},
            "the quantity is in W, not a plain number",
        ),
        (
            {"bill_of_materials": [{"option": "pump.low", "sku": "P-1", "quantity": "stages - 1"}]},
            "the quantity can be below zero; use max(0, ...)",
        ),
        (
            {"attributes": [a_choice("pump", ["low", "high"], default="lov")]},
            "attribute 'pump': the default 'lov' is not one of its options; did you mean low?",
        ),
        (
            {"attributes": [a_multi("extras", ["a", "b"], default=["c"])]},
            "attribute 'extras': the default 'c' is not one of its options",
        ),
        (
            {"attributes": [a_choice("pump", ["low", "low"])]},
            "the option of 'pump' 'low' stands 2 times",
        ),
        ({"attributes": [FLAG, FLAG]}, "the attribute or parameter 'outdoor' stands 2 times"),
        ({"attributes": [FLAG | {"group": "al"}]}, "unknown group 'al'; did you mean all?"),
        (
            {"attributes": [NUMBER | {"range": [3, 1]}]},
            "attribute 'stages': the range runs from 3 down to 1; write [1, 3]",
        ),
        ({"attributes": [NUMBER | {"range": [0, 100]}]}, "a range holds at most 100 values"),
        (
            {"attributes": [NUMBER | {"range": [0, 3], "default": 4}]},
            "the default 4 is not between 0 and 3",
        ),
        ({"measures": {"power": "Watt"}}, "measure 'power': unknown unit 'Watt'"),
        (
            {"measures": {"powr": "W"}},
            "option 'pump.low': unknown measure 'power'; did you mean powr?",
        ),
        (
            {"rules": [a_rule("pump = low"), a_rule("pump = high", 2)]},
            "the rules exclude every configuration; loosen one of these: R-1, R-2",
        ),
        (
            {"rules": [a_rule("pump != high")]},
            "'pump.high' can never be chosen; remove it or loosen the rules against it",
        ),
    ],
)
def test_a_faulty_model_is_refused_with_what_to_change(changes, words):
    with pytest.raises(ModelRefused) as refusal:
        published(**changes)
    assert words in refusal.value.message


def test_a_model_too_hard_to_decide_is_refused_in_bounded_time():
    """Forty switches of even power can not draw an odd sum; only a count of all ways would show it."""
    switches = [a_choice(f"switch_{n}", ["off", "on"], power=[0, 2 * n]) for n in range(1, 41)]
    with pytest.raises(ModelRefused) as refusal:
        published(attributes=switches, rules=[a_rule("sum(power) = 801[W]")])
    assert "more than 40000 steps to prove, most of them for R-1;" in refusal.value.message


WRITTEN = """
id: skid
version: 1
effective: 2026-01-01
name: Skid
description: A skid.
quantity_max: 10
measures: {}
groups: [{id: all, label: All, help: Everything.}]
attributes:
  - {id: outdoor, kind: flag, label: Outdoor, help: Outside., group: all, default: false}
parameters: []
rules: []
budgets: []
bill_of_materials:
  - {option: outdoor, sku: P-1, quantity: '1'}
"""


def a_parameter(name, expression):
    return {"id": name, "label": name, "group": "all", "expression": expression}


@pytest.mark.parametrize("expressions", [["v + 1", "u + 1"], ["u", "1"], ["v * 2", "stages"]])
def test_a_parameter_that_uses_one_further_down_or_itself_says_which_to_move(expressions):
    parameters = list(map(a_parameter, "uv", expressions))
    with pytest.raises(ModelRefused) as refusal:
        published(parameters=parameters)
    assert len(refusal.value.faults) == 1
    assert "a parameter uses those that stand above it" in refusal.value.message


def test_what_hangs_on_a_faulty_parameter_is_no_fault_of_its_own():
    parameters = [a_parameter("u", "stagez"), a_parameter("v", "u + 1")]
    with pytest.raises(ModelRefused) as refusal:
        published(parameters=parameters, rules=[a_rule("v > 1")])
    assert [each.split(";")[0] for each in refusal.value.faults] == [
        "parameter 'u': unknown name 'stagez'"
    ]


@pytest.mark.parametrize("version", [True, "1", 1.0])
def test_a_version_is_a_whole_number_and_nothing_that_looks_like_one(version):
    with pytest.raises(ValidationError, match="version"):
        a_pump(version=version)


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\x1b", "\x00"])
def test_words_that_turn_a_page_round_or_steer_a_terminal_are_refused(hidden):
    with pytest.raises(ValidationError, match=f"hidden character U\\+{ord(hidden):04X}"):
        a_pump(name=f"Pump {hidden}dniks")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("quantity: '1'", "quantity: 1", "quantity: must be text; put it in quotes"),
        ("2026-01-01", "5", "effective: write a day as text, such as 2026-03-31"),
        ("kind: flag", "kind: flagg", "attributes.0: "),
    ],
)
def test_a_fault_of_structure_says_what_to_write_and_nothing_that_is_untrue(
    tmp_path, old, new, words
):
    text = WRITTEN
    assert old in text
    path = tmp_path / "skid.yaml"
    path.write_text(text.replace(old, new))
    with pytest.raises(ModelRefused) as refusal:
        shelf.read_model(path)
    assert words in refusal.value.message
    assert len(refusal.value.faults) == 1


def test_every_fault_is_named_at_once():
    with pytest.raises(ModelRefused) as refusal:
        published(rules=[a_rule("pumpe = low"), a_rule("motor = bigg", 2)])
    assert len(refusal.value.faults) == 2


def test_a_file_that_is_no_model_is_refused_by_name_and_path(tmp_path):
    path = tmp_path / "pump.yaml"
    path.write_text("id: pump\nversion: 0\nrulez: []\n")
    with pytest.raises(ModelRefused) as refusal:
        shelf.read_model(path)
    assert "pump.yaml: line 2: version: " in refusal.value.message
    assert "rulez: there is no such field here" in refusal.value.message


@pytest.mark.parametrize("text", ["- a\n- b\n", "id: [", "!!python/object/apply:os.getcwd []"])
def test_yaml_that_is_no_plain_mapping_is_refused(tmp_path, text):
    path = tmp_path / "pump.yaml"
    path.write_text(text)
    with pytest.raises(ModelRefused):
        shelf.read_model(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x: " + "[" * 200_000, "nested deeper than 20"),
        ("a: &a [x, x]\nb: [*a, *a]\n", "aliases"),
        ("x: " + "9" * 400_000, "a number or a day can not be read"),
        ("effective: 2026-13-45\n", "a number or a day can not be read"),
        ("version: .inf\n", "a number or a day can not be read: .inf is no plain decimal"),
        ("version: 1.0e+999999999\n", "1.0e.999999999 is no plain decimal"),
        ("x: \x00\n", "not readable as YAML"),
        ("# " + "x" * 2_000_001, "the file is larger than 2000000 bytes"),
    ],
)
def test_a_hostile_file_is_refused_before_it_is_read_whole(tmp_path, text, words):
    path = tmp_path / "pump.yaml"
    path.write_text(text)
    with pytest.raises(ModelRefused, match=words):
        shelf.read_model(path)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"id: x\nrules: []\nid: y\n", "line 3: 'id' stands twice; keep one"),
        (b"a: {<<: {b: 1}}\n", "merges .<<. are not read"),
        (b"version: !!int ''\n", "tags .!name. are not read"),
        (b"version: 1:10:10\n", "1:10:10 is no plain whole number"),
        (b"version: 0x10\n", "0x10 is no plain whole number"),
        ("id: x\n".encode("utf-16"), "not UTF-8 from byte 1 on"),
        (b"id: \x1b[31mred\n", "not readable as YAML"),
    ],
)
def test_yaml_that_means_something_else_to_others_is_refused(tmp_path, raw, words):
    path = tmp_path / "pump.yaml"
    path.write_bytes(raw)
    with pytest.raises(ModelRefused, match=words):
        shelf.read_model(path)


def test_what_can_not_be_read_at_all_is_refused_too(tmp_path):
    for path in (tmp_path / "nowhere.yaml", tmp_path):
        with pytest.raises(ModelRefused, match="can not be read"):
            shelf.read_model(path)
    (tmp_path / "parts.yaml").write_text("parts: [hello]")
    with pytest.raises(ModelRefused, match="'parts' must be a list of mappings"):
        shelf.read_parts(tmp_path / "parts.yaml")


def test_parameters_that_double_what_they_are_made_of_are_refused_in_bounded_time():
    bomb = [
        {"id": f"p{n}", "label": "P", "group": "G", "expression": f"p{n - 1} + p{n - 1}" if n else "stages"}
        for n in range(60)
    ]  # fmt: skip
    with pytest.raises(ModelRefused, match="parameter 'p12': takes 8191 steps"):
        published(parameters=bomb)


def test_the_newest_effective_version_answers():
    old, new = published(), published(version=2, effective="2026-07-01")
    catalogue = Catalogue([new, old])
    assert [catalogue.product("pump_skid", day(month)).pin.version for month in (1, 6, 7)] == [
        1,
        1,
        2,
    ]
    with pytest.raises(NotFound):
        catalogue.product("pump_skid", day(12, 2025))


def test_one_version_can_not_stand_twice():
    with pytest.raises(ModelRefused):
        Catalogue([published(), published()])


def test_the_pin_changes_with_the_content_and_with_nothing_else():
    lines = [{"option": "pump.low", "sku": "P-1", "quantity": "1"}]
    first = published(bill_of_materials=lines).pin
    assert published(bill_of_materials=lines).pin == first
    assert published(bill_of_materials=lines, description="Another.").pin.sha256 != first.sha256
    renamed = PARTS | {"P-1": PARTS["P-1"].model_copy(update={"name": "Pump, new"})}
    assert shelf_pin(lines, renamed).sha256 != first.sha256
    unused = PARTS | {"P-2": PARTS["P-2"].model_copy(update={"name": "Motor, new"})}
    assert shelf_pin(lines, unused) == first


def shelf_pin(lines, parts):
    return publish(a_pump(bill_of_materials=lines), parts).pin


def day(month, year=2026):
    return date(year, month, 1)


def test_a_pipe_in_the_place_of_a_model_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "model.yaml")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    with pytest.raises(ModelRefused, match=r"model\.yaml: can not be read: it is no file"):
        shelf.read_product(tmp_path / "model.yaml", {})
    with pytest.raises(ModelRefused, match=r"zero: can not be read: it is no file"):
        shelf.read_product(Path("/dev/zero"), {})
    with pytest.raises(ModelRefused, match=r"loop\.yaml: can not be read: Too many levels"):
        shelf.read_product(tmp_path / "loop.yaml", {})
