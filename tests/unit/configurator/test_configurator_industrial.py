"""The industrial catalogue: lint clean, its examples validate, its numbers add up by hand."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from contracts.configuration import ConfiguredItem, RejectedItem, RequestedItem
from services.configurator import shelf
from services.configurator.domain.answers.completing import completion
from services.configurator.domain.answers.options import options
from services.configurator.domain.releases.auditing import audit
from services.configurator.handlers import configured
from tests.unit.configurator.small import decided

INDUSTRIAL = Path(__file__).parents[3] / "catalogs" / "industrial"
CATALOGUE = shelf.load(INDUSTRIAL)
DAY = date(2026, 3, 2)
SKID = CATALOGUE.product("pump_skid", DAY)
EXAMPLES = {
    item["item_id"]: RequestedItem.model_validate(item)
    for example in yaml.safe_load((INDUSTRIAL / "examples.yaml").read_text())["examples"]
    for item in example["items"]
}


def asked(**answers):
    return RequestedItem(
        item_id="skid", product="pump_skid", quantity="1", decisions=decided(**answers)
    )


def answers(item):
    return {each.attribute: each.value for each in item.decisions}


def parameters(item):
    return {each.name: each.value for each in item.parameters}


def test_nothing_in_the_model_is_wrong_or_in_vain():
    assert audit(SKID) == []
    assert CATALOGUE.skus() == sorted(shelf.read_parts(INDUSTRIAL / "parts.yaml"))


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_example_is_a_valid_configuration_that_keeps_its_requirements(name):
    item = configured(CATALOGUE, EXAMPLES[name], DAY)
    assert isinstance(item, ConfiguredItem)
    kept = {each for each in item.decisions if each.source == "requirement"}
    assert kept == set(EXAMPLES[name].decisions)


def test_defaults_complete_a_skid_once_medium_flow_and_head_are_known():
    assert completion(SKID, ()).open_questions == ("medium", "flow", "head")
    three = decided(medium="water", flow="q50", head="h32")
    assert completion(SKID, three).open_questions == ()


def test_the_cooling_water_skid_adds_up_by_hand():
    """Shaft power: 1.0 x 200 x 32 / (367 x 0.81) = 21.53 kW, of 26 kW that a motor of 30 kW keeps.

    22 kW would keep 19.1. Pressure: 0.0981 x 32 = 3.14 bar, 1.2 of it 3.77. The impeller is trimmed
    from 50 m to 32 m, 0.64 of it. NPSH: 4.5 m and 20 % are 5.4 of 6 m. Weight: 2 x (1.5 x 90 + 230).
    """
    item = configured(CATALOGUE, EXAMPLES["cooling"], DAY)
    assert parameters(item) == {
        "pumps": 2,
        "pump_flow": "200.0",
        "rated_flow": "200.0",
        "rated_head": "50.0",
        "speed_rated": 2900,
        "npsh_required": "4.5",
        "bore": 100,
        "rise": "3.1",
        "shutoff": "3.8",
        "shaft_power": "21.5",
        "motor_power": "30.0",
        "frame": 200,
        "installed": "60.0",
        "skid_weight": 730,
        "signals": 0,
    }
    parts = {each.sku: str(each.quantity) for each in item.bill_of_materials}
    # Valves are counted in steps of 25 mm of the bore: 2 pumps x 2 valves x 4 steps.
    assert (parts["PS-PMP-125-100-200"], parts["PS-MOT-30K"], parts["PS-VLV-ISO"]) == (
        "2",
        "2",
        "16",
    )


def test_a_heavier_medium_takes_a_larger_motor():
    """The same duty: water 1000, sodium hydroxide 1330 kg/m3.

    50 x 50 / (367 x 0.69) = 9.87 kW of 12; and 13.13 kW of 14.8.
    """
    motors = {}
    for medium in ("water", "caustic"):
        item = configured(CATALOGUE, asked(medium=medium, flow="q50", head="h50"), DAY)
        assert isinstance(item, ConfiguredItem)
        motors[medium] = (answers(item)["motor"], parameters(item)["shaft_power"])
    assert motors == {"water": ("kw15", "9.9"), "caustic": ("kw18_5", "13.1")}


def test_a_hazardous_area_brings_its_motor_guard_and_papers():
    item = configured(CATALOGUE, EXAMPLES["methanol"], DAY)
    found = answers(item)
    assert (found["protection"], found["temperature_class"], found["brass_guard"]) == (
        "ex_eb",
        "t4",
        True,
    )
    assert "atex" in found["certificates"]
    assert "leak" in found["instruments"]


@pytest.mark.parametrize(
    ("chosen", "rule"),
    [
        ({"medium": "sulphuric", "seal": "single"}, "PS-SEAL-03"),
        ({"medium": "thermal_oil", "elastomer": "epdm"}, "PS-ELA-02"),
        ({"market": "eu", "motor": "kw90", "motor_class": "ie3", "zone": "safe"}, "PS-MOT-01"),
        ({"location": "offshore", "paint": "c5"}, "PS-PAINT-03"),
        (
            {"flow": "q400", "head": "h125", "pump": "s150_125_315", "speed": "rpm2900"},
            "PS-SPEED-01",
        ),
        ({"instruments": ("coriolis", "flow_meter")}, "PS-INS-01"),
    ],
)
def test_what_does_not_go_together_is_said_by_its_rule(chosen, rule):
    duty = {"medium": "water", "flow": "q50", "head": "h32"} | chosen
    answer = configured(CATALOGUE, asked(**duty), DAY)
    assert isinstance(answer, RejectedItem)
    assert rule in [each.id for each in answer.rules]


def test_a_pump_that_is_too_small_or_too_large_is_not_selectable():
    """32 m is just what 80-65-160 reaches, and just what 80-50-200 is left with after its trim.

    125-100-400 at 1450 1/min is good for 100 m3/h; of 50 it would have the half.
    """
    found = options(SKID, decided(medium="water", flow="q50", head="h32", arrangement="single"))
    (sizes,) = (each for each in found.attributes if each.attribute == "pump")
    assert [each.option for each in sizes.options if each.selectable] == [
        "s80_65_160",
        "s80_50_200",
    ]
