"""A release of a model: every finding true, every change told, every open quote looked at."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contracts.configuration import ConfiguredItem, Decision, RejectedItem, RequestedItem
from services.configurator import releasing, shelf
from services.configurator.domain.answers.configuring import configure
from services.configurator.domain.products.catalogue import Catalogue, UnknownProduct
from services.configurator.domain.products.product import ModelRefused, publish
from services.configurator.domain.releases.auditing import audit
from services.configurator.domain.releases.revalidating import revalidate
from services.configurator.domain.releases.revising import changes
from tests.unit.configurator.small import (
    PARTS,
    a_choice,
    a_multi,
    a_pump,
    a_rule,
    bound,
    decided,
    faults_of,
    meets,
    published,
    valid_points,
)
from tests.unit.configurator.test_configurator_laws import ANSWERS, LAWS, models

TELECOM = Path(__file__).parents[3] / "catalogs" / "telecom"
WATTS = {"id": "load", "label": "Load", "group": "Data", "unit": "W"}
SMALL = "pump = high implies motor = big"


def example(conflicts=None, **answers):
    return {"id": "E-1", "answers": answers, "conflicts": conflicts}


def told(**changed):
    return [str(each) for each in audit(published(**changed))]


def asked(*decisions, quantity=1):
    return RequestedItem(item_id="one", product="pump_skid", quantity=quantity, decisions=decisions)


def stored(product, *decisions):
    found = configure(product, asked(*decisions))
    assert isinstance(found, ConfiguredItem), found
    return found


# ---- the lint


def test_what_says_nothing_twice_and_asks_nothing_in_vain_has_no_findings() -> None:
    assert told(rules=[a_rule("pump.power <= motor.power")], measures={"power": "W"}) == []


@pytest.mark.parametrize(
    ("changed", "finding"),
    [
        (
            {"rules": [a_rule("pump = high implies motor = big"), a_rule("not outdoor or stages >= 0", 2)]},
            ("warning: rule R-2: whatever the other rules allow meets it already;"
            " remove it, or say more"),
        ),
        (
            {"attributes": [*a_pump().model_dump()["attributes"], a_choice("seal", ["lip"])]},
            ("warning: attribute 'seal': 'Lip' is its only answer;"
            " a question that decides nothing can go"),
        ),
        (
            {"rules": [a_rule("extras has valve")]},
            "warning: attribute 'extras': 'valve' is always chosen; make it part of the product",
        ),
        (
            {},
            ("warning: measure 'weight': no rule, budget, parameter or part asks for it;"
            " remove it, or use it"),
        ),
        (
            {"bill_of_materials": [{"option": "pump.low", "sku": "P-1", "quantity": "0 * stages"}]},
            ("warning: bill of materials, pump.low -> P-1: no valid configuration asks for any;"
            " remove the line, or mend its quantity"),
        ),
        (
            {"bill_of_materials": [{"option": "outdoor", "sku": "P-1", "quantity": "500000 * stages"}]},
            ("error: bill of materials, outdoor -> P-1: its quantity can pass 1,000,000,"
            " the most that is quoted"),
        ),
        (
            {"parameters": [{**WATTS, "expression": "pump.power * 900000000000 * 900000000000"}]},
            "error: parameter 'load': can pass 10^15; bound what it is made of, or divide",
        ),
        (
            {"examples": [example(pump="high", motor="small")], "rules": [a_rule(SMALL)]},
            ("error: example E-1: should be valid. These do not go together: Pump: High;"
            " Motor: Small. Because 1. (R-1)"),
        ),
        (
            {"examples": [example("R-1", pump="high", motor="big")], "rules": [a_rule(SMALL)]},
            "error: example E-1: should contradict R-1, but all its answers can hold",
        ),
        (
            {
                "examples": [example("R-2", pump="high", motor="small")],
                "rules": [a_rule(SMALL), a_rule("outdoor implies stages = 3", 2)],
            },
            "error: example E-1: contradicts R-1, not R-2",
        ),
        (
            {"examples": [example(pump="hgh")]},
            "error: example E-1: 'pump' has no option 'hgh'; did you mean high?",
        ),
    ],
)  # fmt: skip
def test_a_finding_says_where_and_what_to_do(changed, finding) -> None:
    assert finding in told(**changed)


def test_an_example_that_comes_out_as_its_author_says_is_no_finding() -> None:
    good = [
        example(pump="high", motor="big"),
        {**example("R-1", pump="high", motor="small"), "id": "E-2"},
    ]
    assert not [each for each in told(examples=good, rules=[a_rule(SMALL)]) if "example" in each]


def test_an_example_can_not_name_a_rule_that_does_not_exist() -> None:
    with pytest.raises(ModelRefused, match="example E-1: unknown rule 'R-7'; did you mean R-1"):
        published(examples=[example("R-7", pump="low")], rules=[a_rule(SMALL)])


def test_examples_are_no_part_of_what_a_quote_is_pinned_to() -> None:
    assert published().pin == published(examples=[example(pump="low")]).pin


@given(models())
@LAWS
def test_rules_told_redundant_can_all_go_and_no_other_can(changed) -> None:
    product = bound(**changed)
    assume(not faults_of(product))
    ids = [each.id for each in product.solver.constraints]
    in_vain = {each.where.split()[1] for each in audit(product) if each.code == "model.redundant"}
    kept = set(ids) - in_vain
    all_hold = valid_points(product.model)
    assert len(valid_points(product.model, kept)) == len(all_hold)
    for each in kept:
        assert len(valid_points(product.model, kept - {each})) > len(all_hold)


def test_what_the_rules_exclude_is_neither_too_large_nor_used() -> None:
    line = {"option": "outdoor", "sku": "P-1", "quantity": "500000 * stages"}
    never = a_rule("outdoor implies stages <= 1")
    assert not [x for x in told(bill_of_materials=[line], rules=[never]) if "P-1" in x]
    zero = a_rule("outdoor implies stages = 0")
    assert [x for x in told(bill_of_materials=[line], rules=[zero]) if "P-1" in x] == [
        (
            "warning: bill of materials, outdoor -> P-1: no valid configuration asks for any;"
            " remove the line, or mend its quantity"
        )
    ]


def test_lines_of_one_part_are_too_large_together() -> None:
    lines = [
        {"option": each, "sku": "P-1", "quantity": "600000"} for each in ("outdoor", "extras.valve")
    ]
    assert [x for x in told(bill_of_materials=lines) if "P-1" in x] == [
        (
            "error: bill of materials, outdoor -> P-1: its quantity can pass 1,000,000,"
            " the most that is quoted"
        )
    ]
    apart = a_rule("not (outdoor and extras has valve)")
    assert not [x for x in told(bill_of_materials=lines, rules=[apart]) if "P-1" in x]


def test_a_parameter_that_is_never_shown_is_told() -> None:
    parameter = {**WATTS, "expression": "pump.power", "when": "stages > 5"}
    assert (
        "warning: parameter 'load': its 'when' never holds; remove it, or mend its 'when'"
    ) in told(parameters=[parameter])


def test_the_models_that_come_with_the_product_have_no_errors() -> None:
    parts = shelf.read_parts(TELECOM / "parts.yaml")
    for path in sorted((TELECOM / "models").glob("*.yaml")):
        model = shelf.read_model(path)
        assert model.examples, path
        assert [x for x in audit(publish(model, parts)) if x.severity == "error"] == [], path


# ---- what a version changes


def test_every_change_is_told_in_words() -> None:
    old = a_pump(
        rules=[a_rule("outdoor implies stages >= 1"), a_rule("stages < 3", 2)],
        bill_of_materials=[{"option": "pump.low", "sku": "P-1", "quantity": "1"}],
    )
    new = a_pump(
        version=2,
        quantity_max=50,
        measures={"power": "W", "length": "m"},
        attributes=[
            a_choice("pump", ["low", "mid", "top"], power=[100, 250, 400], default="mid"),
            {**old.attributes[1].model_dump(), "kind": "multi", "default": None},
            a_multi("extras", ["sensor", "valve"], power=[10, 25], default=["valve"]),
            {**old.attributes[3].model_dump(), "range": [0, 5]},
        ],
        rules=[a_rule("outdoor or stages >= 1"), a_rule("stages < 4", 3)],
        bill_of_materials=[{"option": "pump.low", "sku": "P-1", "quantity": "2"}],
        examples=[example(pump="low")],
    )
    assert [str(each) for each in changes(old, new)] == [
        "the product quantity max is now 50, was 100",
        "the measures: length is new: 'm'",
        "the measures: weight is gone, was 'kg'",
        "attribute 'motor' is a multi, was a choice",
        "attribute 'pump' default is now 'mid', was 'low'",
        "attribute 'motor' default is now not given, was 'small'",
        "attribute 'extras' default is now 'valve', was none of them",
        "attribute 'stages' range is now '0 to 5', was '0 to 3'",
        "attribute 'outdoor' is gone: Outdoor",
        "option 'pump.top' is new: Top",
        "option 'pump.high' is gone: High",
        "option 'pump.mid' power is now 250, was 200",
        "rule 'R-1' rule is now 'outdoor or stages >= 1', was 'outdoor implies stages >= 1'",
        "rule 'R-3' is new: Because 3.",
        "rule 'R-2' is gone: Because 2.",
        "bill of materials, pump.low -> P-1 quantity is now 2, was 1",
        "example 'E-1' is new",
    ]


def test_another_order_is_a_change_since_it_is_the_order_of_preference() -> None:
    turned = a_choice("pump", ["mid", "low", "high"], power=[200, 100, 400], default="low")
    new = a_pump(version=2, attributes=[turned, *a_pump().model_dump()["attributes"][1:]])
    assert [str(each) for each in changes(a_pump(), new)] == [
        "the options of 'pump' stand in another order: mid, low, high"
    ]


def test_a_version_that_says_the_same_has_no_changes() -> None:
    assert changes(a_pump(), a_pump(version=2)) == []


# ---- open quotes


def test_a_quote_that_still_holds_keeps_its_answers_though_a_default_changed() -> None:
    item = stored(published(), *decided(pump="low"))
    later = published(
        version=2,
        attributes=[
            {**each.model_dump(), **({"default": 3} if each.id == "stages" else {})}
            for each in a_pump().attributes
        ],
    )
    found = revalidate(later, item)
    assert (found.verdict, found.changes) == ("unchanged", ())
    assert (found.was, found.now) == (item.model, later.pin)


def test_a_quote_whose_parts_change_says_which() -> None:
    line = {"option": "pump.low", "sku": "P-1", "quantity": "1"}
    item = stored(published(bill_of_materials=[line]), *decided(pump="low"))
    later = published(
        version=2,
        bill_of_materials=[
            {**line, "quantity": "2"},
            {"option": "motor.small", "sku": "P-2", "quantity": "1"},
        ],
        parameters=[{**WATTS, "expression": "pump.power"}],
    )
    found = revalidate(later, item)
    assert found.verdict == "completed"
    assert found.changes == (
        "Load: 100 W, new",
        "Pump (P-1): now 2, was 1",
        "Motor (P-2): 1, new",
    )


def test_a_default_that_became_impossible_is_found_anew_and_told() -> None:
    item = stored(published(), *decided(pump="low"))
    found = revalidate(published(version=2, rules=[a_rule("pump = low implies stages >= 2")]), item)
    assert (found.verdict, found.changes) == ("completed", ("Stages: now 2, was 1",))


def test_a_decision_that_became_impossible_is_a_conflict_with_its_repair() -> None:
    item = stored(published(), *decided(pump="high", motor="small"))
    found = revalidate(published(version=2, rules=[a_rule(SMALL)]), item)
    assert found.verdict == "conflict"
    assert [each.id for each in found.rejected.rules] == ["R-1"]
    assert [each.message for each in found.rejected.repairs] == [
        "Give up Pump: High",
        "Give up Motor: Small",
    ]


def test_an_option_that_is_gone_is_a_conflict_that_names_it() -> None:
    item = stored(published(), *decided(pump="high"))
    pumps = a_choice("pump", ["low", "mid"], power=[100, 200], default="low")
    later = published(version=2, attributes=[pumps, *a_pump().model_dump()["attributes"][1:]])
    found = revalidate(later, item)
    assert (found.verdict, found.rejected.code) == ("conflict", "configuration.unknown_option")


def test_an_option_that_is_gone_can_be_given_up_with_what_else_must_go() -> None:
    item = stored(published(), *decided(pump="high", motor="small", stages=3))
    pumps = a_choice("pump", ["low", "mid"], power=[100, 200], default="low")
    later = published(
        version=2,
        attributes=[pumps, *a_pump().model_dump()["attributes"][1:]],
        rules=[a_rule("stages = 3 implies motor = big")],
    )
    found = revalidate(later, item)
    assert [each.drop for each in found.rejected.repairs] == [
        ("pump", "motor"),
        ("pump", "stages"),
    ]
    assert found.rejected.repairs[0].message == "Give up pump (high); Motor: Small"


def test_what_only_a_default_had_chosen_may_go_without_a_conflict() -> None:
    item = stored(published(), *decided(stages=2))
    pumps = a_choice("pump", ["mid", "high"], power=[200, 400], default="mid")
    later = published(version=2, attributes=[pumps, *a_pump().model_dump()["attributes"][1:]])
    found = revalidate(later, item)
    assert (found.verdict, found.changes) == ("completed", ("Pump: now Mid, was low",))
    fewer = published(version=3, attributes=a_pump().model_dump()["attributes"][:4])
    assert revalidate(fewer, item).changes == ("outdoor: not asked any more",)


def test_a_new_question_without_a_default_leaves_the_quote_open() -> None:
    item = stored(published(), *decided(pump="low"))
    seal = a_choice("seal", ["lip", "face"])
    later = published(version=2, attributes=[*a_pump().model_dump()["attributes"], seal])
    found = revalidate(later, item)
    assert (found.verdict, found.rejected.open_questions) == ("open", ("seal",))


def test_parameters_of_one_label_are_told_apart() -> None:
    both = [
        {**WATTS, "expression": "pump.power"},
        {**WATTS, "id": "more", "expression": "motor.power"},
    ]
    item = stored(published(parameters=both), *decided(pump="low"))
    doubled = [both[0], {**both[1], "expression": "2 * motor.power"}]
    assert revalidate(published(version=2, parameters=doubled), item).changes == (
        "Load: now 300 W, was 150 W",
    )


def test_more_than_a_version_allows_is_a_conflict_too() -> None:
    item = configure(published(), asked(*decided(pump="low"), quantity=90))
    found = revalidate(published(version=2, quantity_max=50), item)
    assert (found.verdict, found.rejected.field) == ("conflict", "quantity")


@given(models(), models(), st.data())
@settings(LAWS, max_examples=5)
def test_what_becomes_of_a_quote_is_what_the_rules_say(before, after, data) -> None:
    old, new = bound(**before), bound(version=2, **after)
    for each in (old, new):
        assume(not faults_of(each))
    names = data.draw(st.sets(st.sampled_from(sorted(ANSWERS)), max_size=4))
    drawn = decided(**{name: data.draw(st.sampled_from(ANSWERS[name])) for name in sorted(names)})
    item = configure(old, asked(*drawn))
    assume(not isinstance(item, RejectedItem))
    possible = valid_points(new.model)
    stands = any(meets(point, item.decisions) for point in possible)
    holds = any(meets(point, drawn) for point in possible)
    found = revalidate(new, item)
    expected = "unchanged" if stands else "completed" if holds else "conflict"
    assert found.verdict == expected
    if found.verdict == "conflict":
        assert found.rejected.repairs


# ---- the file of a model


PUMP = """\
id: pump_skid
version: 1
effective: 2026-01-01
name: Pump skid
description: A pump.
quantity_max: 5
measures: {power: W}
groups: [{id: all, label: All, help: All.}]
attributes:
  - id: pump
    kind: choice
    group: all
    label: Pump
    help: Choose.
    options:
      - {id: low, label: Low}
      - id: high
        label: High
  - {id: outdoor, kind: flag, group: all, label: Outdoor, help: Where.}
rules:
  - {id: R-1, owner: lab, rule: "pump = low or outdoor", message: Why.}
bill_of_materials:
  - {option: pump.low, sku: P-1, quantity: "1"}
"""


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("", "", None),
        ("pump = low or", "pumpe = low or", "line 21: rule R-1: unknown name 'pumpe'"),
        ("pump = low or", "pump = low and", "line 17: 'pump.high' can never be chosen"),
        ("label: High", "label: High\n        colour: red", "line 19: attributes.0.choice.options"),
        ("quantity_max: 5", "quantity_max: five", "line 6: quantity_max: must be a whole number"),
        ("group: all\n", "group: al\n", "line 10: attribute 'pump': unknown group 'al'"),
        ("sku: P-1", "sku: P-7", "line 23: bill of materials, pump.low -> P-7: the part master"),
        ("name: Pump skid\n", "", "skid.yaml: name: is missing; write it"),
    ],
)
def test_a_fault_names_its_file_and_line(tmp_path, old, new, fault) -> None:
    path = tmp_path / "skid.yaml"
    path.write_text(PUMP.replace(old, new, 1))
    if fault is None:
        assert shelf.read_product(path, PARTS).model.id == "pump_skid"
        return
    with pytest.raises(ModelRefused) as refused:
        shelf.read_product(path, PARTS)
    assert fault in refused.value.message
    assert refused.value.message.startswith("skid.yaml: ")


def test_the_published_schema_is_that_of_the_language_and_the_models_meet_it() -> None:
    schema = json.loads((TELECOM.parent / "product_model.schema.json").read_text())
    assert schema == releasing.schema(), (
        "quotewright model schema > catalogs/product_model.schema.json"
    )
    paths = sorted(TELECOM.parent.glob("*/models/*.yaml"))
    for path in paths:
        tree = json.loads(json.dumps(yaml.safe_load(path.read_text()), default=str))
        assert [x.message for x in Draft202012Validator(schema).iter_errors(tree)] == []
        assert path.read_text().startswith(
            "# yaml-language-server: $schema=../../product_model.schema.json\n"
        )
    assert paths


# ---- the catalogue


def test_the_version_a_quote_is_pinned_to_answers_and_no_other() -> None:
    first, second = published(), published(version=2, quantity_max=50)
    catalogue = Catalogue([first, second])
    assert catalogue.pinned(first.pin) is first
    assert catalogue.newest("pump_skid") is second
    with pytest.raises(UnknownProduct, match=r"does not have pump_skid version 1 \(000000000000\)"):
        catalogue.pinned(first.pin.model_copy(update={"sha256": "0" * 64}))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"version": 1}, "what is published stays as it is; write version: 2"),
        ({"version": 2, "effective": "2025-12-31"}, "before version 1 .2026-01-01.; write a later"),
    ],
)
def test_a_version_follows_on_the_newest_one(changed, words) -> None:
    with pytest.raises(releasing.ReleaseRefused, match=words):
        releasing.follows(publish(a_pump(**changed), PARTS), Catalogue([published()]))


def test_the_newest_version_is_that_of_the_highest_number() -> None:
    early = published(version=2, effective="2026-01-01")
    late = published(version=1, effective="2026-06-01")
    assert Catalogue([early, late]).newest("pump_skid") is early


def test_a_decision_of_the_model_itself_does_not_bind_a_later_version() -> None:
    item = stored(published(), *decided(outdoor=True))
    assert Decision(attribute="pump", value="low", source="default") in item.decisions
    later = published(version=2, rules=[a_rule("outdoor implies pump != low")])
    assert revalidate(later, item).changes == ("Pump: now Mid, was Low",)
