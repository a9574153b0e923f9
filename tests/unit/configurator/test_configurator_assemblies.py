"""Components as authors and sellers meet them: words, faults, releases, hostile sizes."""

import json
import time
from decimal import Decimal
from pathlib import Path

import pytest

from contracts import places
from contracts.configuration import ConfiguredItem, Decision, RequestedItem
from services.configurator import locating, shelf
from services.configurator.api import _questions
from services.configurator.domain.answers.configuring import configure
from services.configurator.domain.answers.guiding import steps
from services.configurator.domain.answers.options import options
from services.configurator.domain.language.model import Part, ProductModel
from services.configurator.domain.prices.reasons import why
from services.configurator.domain.products.catalogue import Catalogue
from services.configurator.domain.products.product import ModelRefused, publish
from services.configurator.domain.releases.auditing import audit
from services.configurator.domain.releases.revalidating import revalidate
from services.configurator.domain.releases.revising import changes
from services.configurator.pages.reading import answers
from tests.unit.configurator.assembled import PARTS, a_line, a_rule, a_skid, asked, bound, published
from tests.unit.configurator.guide import DEAL, Guide, text_of
from tests.unit.configurator.small import a_pump
from tests.unit.configurator.small import published as published_pump

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "howto" / "describe-components.md"


def decided(source="user", **given):
    return tuple(
        Decision(attribute=name, value=value, source=source) for name, value in given.items()
    )


def item(**given):
    return RequestedItem(
        item_id="i-1", product="skid", quantity="1", decisions=decided(**given), label=None
    )


def faults_of(**changes):
    with pytest.raises(ModelRefused) as refused:
        publish(a_skid(**changes), PARTS)
    return list(refused.value.faults)


# ---- what a person reads


def test_an_explanation_names_the_rule_by_its_id_and_the_instance_by_its_name():
    product = bound(inner=["size = big implies ports = 2"])
    answer = why(product, decided(line=2, line_2_ports=1), "line_2_size", "big")
    (reason,) = answer.reasons
    assert reason.message == "Not with Line 2: Ports: 1. Line 2: Because of I-0."
    assert [(each.id, each.message) for each in reason.rules] == [
        ("I-0", "Line 2: Because of I-0.")
    ]
    assert [each.message for each in answer.repairs] == ["Give up Line 2: Ports: 1"]


def test_an_answer_about_an_instance_beyond_the_number_contradicts_it_and_says_so():
    answer = options(bound(), decided(line=1, line_2_size="big"))
    assert answer.contradiction.message == (
        "These do not go together: Line: how many: 1; Line 2: Size: Big."
        " Line 2 is there only if 'Line: how many' is 2 or more."
    )
    assert [each.id for each in answer.contradiction.rules] == ["LINE-COUNT"]
    assert {each.drop for each in answer.contradiction.repairs} == {("line",), ("line_2_size",)}


def test_an_answer_about_the_second_instance_brings_it_and_the_first():
    answer = configure(bound(), item(line_2_size="big"))
    assert isinstance(answer, ConfiguredItem)
    named = {each.attribute: (each.value, each.source) for each in answer.decisions}
    assert named["line"] == (2, "rule")
    assert named["line_1_size"] == ("small", "default")


def test_none_of_them_is_an_answer_too_and_brings_its_instance():
    answer = configure(bound(), item(line_2_gauges=()))
    assert {each.attribute: each.value for each in answer.decisions}["line"] == 2


def test_an_instance_that_is_not_there_is_neither_asked_nor_answered_nor_printed():
    product = bound()
    answer = options(product, decided(line=1))
    assert [each.attribute for each in answer.attributes] == [
        "motor",
        "line",
        "line_1_size",
        "line_1_ports",
        "line_1_gauges",
        "line_1_valve",
    ]
    made = configure(product, item(line=1, line_1_size="big"))
    assert [each.attribute for each in made.decisions] == [
        each.attribute for each in answer.attributes
    ]
    assert [(each.label, each.value, each.group) for each in made.options] == [
        ("Motor", "Weak", "All"),
        ("Line: how many", "1", "All"),
        ("Line 1: Size", "Big", "Line 1"),
        ("Line 1: Ports", "1", "Line 1"),
    ]


def test_each_instance_is_a_step_after_the_one_that_asks_how_many():
    product = bound()
    given = decided(line=2, line_1_valve=1)
    found = steps(product, options(product, given), given, lambda *_: ())
    assert [(each.label, [card.label for card in each.cards]) for each in found] == [
        ("All", ["Motor", "Line: how many"]),
        ("Line 1", [f"Line 1: {each}" for each in ("Size", "Ports", "Gauges", "Valve: how many")]),
        ("Line 1, Valve 1", ["Line 1, Valve 1: Manual"]),
        ("Line 2", [f"Line 2: {each}" for each in ("Size", "Ports", "Gauges", "Valve: how many")]),
    ]


def test_a_number_without_a_default_is_asked_and_until_then_as_low_as_can_be():
    product = bound(components=[a_line(default=None)])
    answer = options(product, ())
    assert answer.open_questions == ("line",)
    assert [each.attribute for each in answer.attributes] == ["motor", "line"]
    wanted = options(product, decided(line_1_size="big"))
    assert wanted.open_questions == ("line",)
    assert "line_2_size" not in {each.attribute for each in wanted.attributes}


def test_a_question_without_a_default_waits_only_where_its_instance_is_there():
    line = a_line()
    line["attributes"][0]["default"] = None
    product = bound(components=[line])
    assert options(product, decided(line=0)).open_questions == ()
    assert options(product, decided(line=2)).open_questions == ("line_1_size", "line_2_size")


def test_a_smaller_number_on_the_page_lets_go_what_was_answered_beyond_it_but_no_requirement():
    product = bound()
    form = {"a-line": "1", "a-line_1_size": "big", "a-line_2_size": "big"}
    assert answers(product, form, (), {}) == decided(line=1, line_1_size="big")
    before = decided(source="requirement", line_2_size="big")
    assert answers(product, form, before, {}) == (*decided(line=1, line_1_size="big"), *before)


def test_the_guided_page_draws_each_instance_and_a_smaller_number_takes_it_away(monkeypatch):
    monkeypatch.setattr("tests.unit.configurator.guide.catalogue", lambda: Catalogue([published()]))
    guide = Guide()
    form = {"product": "skid", "quantity": "1", "a-line": "2", "a-line_2_size": "big"}
    two = guide.posts(places.first_item(DEAL), form)
    assert two.status_code == 200
    assert 'name="a-line_2_size"' in two.text
    assert "Line 2: Size" in text_of(two)
    one = guide.posts(places.first_item(DEAL), {**form, "a-line": "1"})
    assert "Line 1: Size" in text_of(one)
    assert "Line 2" not in text_of(one)


def test_the_door_lists_every_instance_as_a_step_and_each_rule_once():
    asked_of = _questions(published(inner=["size = big implies ports = 2"]))
    found = json.loads(asked_of.model_dump_json())
    assert [each["id"] for each in found["groups"]] == [
        "all",
        "line_1",
        "line_1_valve_1",
        "line_2",
        "line_2_valve_1",
    ]
    assert [each["id"] for each in found["rules"]] == ["I-0"]
    assert [each["label"] for each in found["attributes"]][-1] == "Line 2, Valve 1: Manual"


# ---- budgets, aggregates, units


def test_a_budget_over_instances_is_exact_to_the_last_watt():
    budget = {
        "id": "B-1",
        "label": "Power",
        "owner": "lab",
        "consumption": "sum(line.power) + sum(line, if(valve > 0, 5[W], 0[W]))",
        "capacity": "motor.power",
        "margin_percent": 0,
        "message": "The motor is too weak.",
    }
    product = bound(budgets=[budget])
    two = decided(motor="weak", line=2)
    assert options(product, two).valid
    verdict = why(product, two, "line_2_valve", 1)
    assert not verdict.selectable
    (reason,) = verdict.reasons
    assert reason.message == "Not with Motor: Weak. The motor is too weak."
    assert [each.id for each in reason.rules] == ["B-1", "LINE-COUNT", "LINE-COUNT"]
    assert why(product, decided(motor="weak", line=1), "line_1_valve", 1).selectable
    assert not why(product, two, "line_1_size", "big").selectable


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"outer": ["sum(line.power) <= 5"]},
            "rule O-0: can not compare W and a plain number",
        ),
        (
            {"outer": ["line.power <= 5[W]"]},
            "rule O-0: 'line' is a component: write sum(line.power) for all of them",
        ),
        (
            {"outer": ["all(lin, size = big)"]},
            "rule O-0: all(...) over 'lin', which is no component; did you mean line?",
        ),
        (
            {"outer": ["sum(motor.power) <= 5[W]"]},
            (
                "rule O-0: sum(motor.power): 'motor' is no component; did you mean line?;"
                " for one attribute write motor.power"
            ),
        ),
        (
            {"outer": ["sum(line.weight) <= 5"]},
            (
                "rule O-0: no option of component 'line' carries the measure 'weight',"
                " and it has no number of that name"
            ),
        ),
        (
            {"outer": ["any(line)"]},
            "rule O-0: any(...) takes a component and what is said of each instance",
        ),
        (
            {"inner": ["siz = big"]},
            "rule I-0 (component 'line'): unknown name 'siz'; did you mean size?",
        ),
        (
            {"inner": ["size = huge"]},
            "rule I-0 (component 'line'): 'size' has no option 'huge'; did you mean big or small?",
        ),
        (
            {"inner": ["ports <= 5[W]"]},
            "rule I-0 (component 'line'): can not compare a plain number and W",
        ),
        (
            {"inner": ["all(valve, opened)"]},
            "rule I-0 (component 'line'): unknown name 'opened'; did you mean ",
        ),
    ],
)
def test_a_fault_about_components_names_the_rule_and_what_to_write(changes, words):
    (fault,) = faults_of(**changes)
    assert fault.startswith(words), fault


def test_a_number_and_a_measure_of_one_name_are_not_guessed_between():
    line = a_line()
    line["attributes"][1]["id"] = "power"
    line["bill_of_materials"] = []
    (fault,) = faults_of(components=[line], outer=["sum(line.power) <= 5[W]"], parameters=[])
    assert fault == (
        "rule O-0: 'power' is a number of 'line' and a measure of its options; rename one,"
        " or write sum(line, power)"
    )


def test_an_inner_name_goes_before_the_one_of_the_product():
    line = a_line()
    line["attributes"][1] |= {"id": "motor", "range": [1, 2]}
    line["bill_of_materials"] = []
    product = bound(components=[line], inner=())
    assert why(product, decided(line=1), "line_1_motor", 2).selectable
    line["rules"] = [a_rule("motor = 1", "I-0")]
    product = bound(components=[line])
    assert not why(product, decided(line=1), "line_1_motor", 2).selectable
    assert why(product, decided(line=1), "motor", "strong").selectable


# ---- lint


def test_lint_tells_a_rule_of_a_component_once_and_only_if_no_instance_needs_it():
    product = published(inner=["size = big implies ports = 2", "ports = 2 or size = small"])
    found = [(each.code, each.where) for each in audit(product)]
    assert found == [("model.redundant", "rule I-0 (component 'line')")]


def test_lint_has_no_false_alarm_about_instances_that_may_be_not_there():
    product = published(outer=["count(line, size = big) <= 1"])
    assert audit(product) == []


def test_lint_tells_what_is_in_vain_inside_a_component():
    line = a_line()
    wrong = {"option": "valve", "sku": "V-1", "quantity": "max(0, valve - 2)"}
    line["bill_of_materials"].append(wrong)
    product = publish(a_skid(components=[line]), PARTS)
    assert [(each.code, each.where) for each in audit(product)] == [
        ("model.idle", "bill of materials, valve -> V-1 (component 'line')")
    ]


def test_examples_name_instances_and_the_rule_that_forbids():
    wrong = {"line": 2, "line_2_size": "big", "line_2_ports": 1}
    examples = [
        {"id": "E-1", "answers": wrong, "conflicts": "I-0"},
        {"id": "E-2", "answers": {"line": 1, "line_2_ports": 1}, "conflicts": "LINE-COUNT"},
        {"id": "E-3", "answers": wrong},
    ]
    product = published(inner=["size = big implies ports = 2"], examples=examples)
    (found,) = audit(product)
    assert (found.where, found.message) == (
        "example E-3",
        (
            "should be valid. These do not go together: Line 2: Size: Big; Line 2: Ports: 1."
            " Line 2: Because of I-0. (I-0)"
        ),
    )


def test_a_rule_that_shuts_one_instance_out_is_no_dead_option_but_one_for_all_is():
    assert published(outer=["line_1_size = small or line = 0"])
    assert faults_of(inner=["size = small"]) == [
        (
            "'size.big' can never be chosen; remove it or loosen the rules against it"
            " (component 'line')"
        )
    ]


# ---- releases


def test_the_pin_is_of_the_model_as_written_and_of_models_without_components_as_ever():
    product = published()
    assert product.pin != published(count=(0, 1)).pin
    assert product.written == a_skid()
    assert published_pump().pin.sha256 == (
        "6e9b2db695adf3bea1070ac021c4e01ecaa90e93827b1925d736a1ddfe271690"
    )


def test_a_diff_says_components_and_what_became_of_them_in_words():
    old, new = a_skid(inner=["ports = 1"]), a_skid(inner=["ports = 2"], count=(1, 3))
    assert [str(each) for each in changes(old, new)] == [
        "component 'line' count is now '1 to 3', was '0 to 2'",
        "rule 'line.I-0' rule is now 'ports = 2', was 'ports = 1'",
    ]
    none = a_skid(components=[], bill_of_materials=[])
    without = a_skid(components=[{**a_line(), "components": [], "bill_of_materials": []}])
    assert [str(each) for each in changes(none, a_skid(bill_of_materials=[]))] == [
        "component 'line' is new: Line, 0 to 2"
    ]
    assert [str(each) for each in changes(a_skid(), without)] == [
        "component 'line.valve' is gone: Valve, 0 to 1",
        "bill of materials, line.size.big -> L-1 is gone",
        "bill of materials, line.gauges.dial -> L-2 is gone",
        "bill of materials, line.valve -> V-1 is gone",
    ]
    smaller = a_line()
    smaller["attributes"][0]["options"][1]["measures"] = {"power": Decimal(250)}
    assert [str(each) for each in changes(a_skid(), a_skid(components=[smaller]))] == [
        "option 'line.size.big' power is now 250, was 300"
    ]


def test_a_configured_item_stands_on_a_version_that_allows_more_and_not_on_one_that_allows_less():
    stored = configure(published(), item(line=2, line_2_size="big"))
    assert isinstance(stored, ConfiguredItem)
    assert revalidate(published(version=2, count=(0, 3)), stored).verdict == "unchanged"
    found = revalidate(published(version=2, count=(0, 1)), stored)
    assert found.verdict == "conflict"
    assert found.rejected.field == "line"


def test_the_example_of_the_guide_is_a_model_and_does_what_the_guide_says(tmp_path):
    _, example, _ = GUIDE.read_text(encoding="utf-8").split("```", 2)
    head = "\n".join(
        f"{name}: {value}"
        for name, value in {
            "id": "station",
            "version": 1,
            "effective": "2026-01-01",
            "name": "Station",
            "description": "Radios on a mast.",
            "quantity_max": 10,
        }.items()
    )
    path = tmp_path / "station.yaml"
    path.write_text(head + example.removeprefix("yaml"))
    skus = ("RADIO-N78", "RADIO-N28", "BRACKET")
    parts = {each: Part(sku=each, name=each.title(), kind="hardware") for each in skus}
    product = shelf.read_product(path, parts)
    assert audit(product) == []
    given = decided(radio=2, radio_1_band="n78", radio_2_band="n28")
    made = configure(product, item().model_copy(update={"decisions": given}))
    answers_made = {each.attribute: each.value for each in made.decisions}
    assert answers_made["rectifier"] == "r3000"  # (700 + 400 + 2 x 50) W x 1.1 is beyond 1000 W
    assert answers_made["radio_2_antenna_1_long"] is True
    assert {each.sku: int(each.quantity.root) for each in made.bill_of_materials} == {
        "RADIO-N78": 1,
        "RADIO-N28": 1,
        "BRACKET": 4,
    }
    found = why(product, decided(radio=2), "radio_3_band", "n78")
    assert [each.id for each in found.reasons[0].rules] == ["RADIO-COUNT"]


# ---- faults of structure, and hostile models


def test_faults_of_components_name_the_component_and_say_what_to_do():
    deep = a_line(id="a")
    for name in ("b", "c", "d"):
        deep = {**asked(name), "count": [0, 1], "attributes": [], "components": [deep]}
    deep["group"] = "all"
    found = faults_of(components=[deep], bill_of_materials=[])
    assert (
        "component 'd.c.b.a': nested 4 deep, at most 3 are; make a product or attributes of it"
        in found
    )
    assert faults_of(components=[a_line(group=None)]) == [
        "component 'line': give the 'group' in which its number is asked, one of all"
    ]
    assert faults_of(components=[a_line(count=(2, 1))])[0] == (
        "component 'line': the count runs from 2 down to 1; write [1, 2]"
    )
    assert faults_of(components=[a_line(default=3)]) == [
        "component 'line': the default 3 is not between 0 and 2"
    ]
    assert faults_of(components=[a_line(attributes=[], components=[], bill_of_materials=[])]) == [
        "component 'line': has neither attributes nor components; an integer attribute says as much"
    ]
    taken = [a_rule("line = 1", "LINE-COUNT")]
    assert faults_of(rules=taken) == [
        "component 'line': it needs the rule id LINE-COUNT itself; rename the rule LINE-COUNT"
    ]


@pytest.mark.parametrize("name", ["line", "line_1_size", "line_2_valve", "line_1_valve_1_manual"])
def test_a_name_that_an_instance_needs_is_refused_elsewhere(name):
    tree = json.loads(a_skid().model_dump_json())
    tree["attributes"].append({**asked(name), "group": "all", "kind": "flag"})
    with pytest.raises(ModelRefused, match=f"the name '{name}' that it needs stands elsewhere too"):
        publish(ProductModel.model_validate(tree), PARTS)


def test_a_group_that_has_the_name_of_an_instance_is_refused():
    groups = [{"id": each, "label": "All", "help": "Everything."} for each in ("all", "line_2")]
    assert faults_of(groups=groups) == [
        "component 'line': the step 'line_2' that it needs is a group of the model; rename the group"
    ]


def test_a_version_that_needs_fewer_instances_says_which_answers_are_gone():
    stored = configure(published(count=(1, 2)), item(motor="weak", line_2_size="big"))
    kept = [each for each in stored.decisions if each.attribute == "motor"]
    rest = [each for each in stored.decisions if each.attribute != "motor"]
    theirs = [each.model_copy(update={"source": "default"}) for each in rest]
    stored = stored.model_copy(update={"decisions": (*kept, *theirs)})
    newer = published(version=2, outer=["line != 2 or motor = strong"], count=(1, 2))
    found = revalidate(newer, stored)
    assert found.verdict == "completed"
    assert "Line: how many: now 1, was 2" in found.changes
    assert "Line 2: Size: not asked any more" in found.changes


def test_two_components_whose_instances_meet_in_one_name_are_refused():
    one = {**asked("a"), "group": "all", "count": [0, 2], "attributes": []}
    one["attributes"] = [{**asked("b_1_c"), "kind": "flag"}]
    other = {**asked("a_1_b"), "group": "all", "count": [0, 2], "attributes": []}
    other["attributes"] = [{**asked("c"), "kind": "flag"}]
    found = faults_of(components=[one, other], bill_of_materials=[])
    assert any("'a_1_b_1_c' that it needs stands elsewhere too" in each for each in found)


def test_a_name_too_long_for_an_answer_is_refused():
    line = a_line(id="l" * 59, bill_of_materials=[])
    found = faults_of(components=[line], bill_of_materials=[])
    assert any("would be longer than 60 characters; shorten the ids" in each for each in found)


def test_a_hostile_number_of_instances_is_refused_before_it_is_made():
    deep = {**asked("c"), "count": [0, 20], "attributes": [{**asked("x"), "kind": "flag"}]}
    for name in ("b", "a"):
        deep = {**asked(name), "count": [0, 20], "attributes": [], "components": [deep]}
    deep["group"] = "all"
    begun = time.perf_counter()
    found = faults_of(components=[deep], bill_of_materials=[])
    assert found[0] == (
        "component 'a': all components together make 8420 instances, more than 64; lower a count"
    )
    assert time.perf_counter() - begun < 2


def test_a_hostile_expression_over_instances_is_refused_in_bounded_steps():
    text = "all(line, " * 8 + "line >= 0" + ")" * 8
    begun = time.perf_counter()
    (fault,) = faults_of(count=(0, 12), valves=(0, 1), outer=[text])
    assert fault == "rule O-0: takes more than 5000 steps over all instances; say it with fewer"
    assert time.perf_counter() - begun < 5


def test_a_count_beyond_the_bound_is_refused_by_the_schema_itself(tmp_path):
    tree = json.loads(a_skid().model_dump_json())
    tree["components"][0]["count"] = [0, 21]
    path = tmp_path / "skid.yaml"
    path.write_text(json.dumps(tree))
    with pytest.raises(ModelRefused, match=r"components.0.count.1: .* less than or equal to 20"):
        shelf.read_model(path)


def test_a_fault_inside_a_component_is_told_with_its_line(tmp_path):
    tree = json.loads(a_skid(inner=["siz = big"]).model_dump_json())
    path = tmp_path / "skid.yaml"
    path.write_text(json.dumps(tree, indent=1))
    with pytest.raises(ModelRefused) as refused:
        shelf.read_product(path, PARTS)
    (fault,) = refused.value.faults
    line = int(fault.removeprefix("line ").partition(":")[0])
    assert '"id": "I-0"' in "".join(path.read_text().splitlines()[line - 1 : line + 1])
    assert locating.line_of(None, "component 'line': x") is None


def test_a_model_without_components_refuses_what_speaks_of_them():
    with pytest.raises(ModelRefused, match="which is no component"):
        publish(a_pump(rules=[a_rule("all(pump, stages > 1)", "R-1")]), {})
