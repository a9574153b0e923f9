"""The telecom catalogue: its models lint clean, its examples validate, its numbers add up."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from contracts.configuration import ConfiguredItem, RejectedItem, RequestedItem
from services.configurator import shelf
from services.configurator.domain.answers.completing import completion
from services.configurator.domain.answers.options import options
from services.configurator.domain.products.decisions import binding
from services.configurator.handlers import configured
from tests.unit.configurator.small import a_rule, decided, published

TELECOM = Path(__file__).parents[3] / "catalogs" / "telecom"
CATALOGUE = shelf.load(TELECOM)
DAY = date(2026, 3, 2)
STATION = CATALOGUE.product("base_station", DAY)
LINK = CATALOGUE.product("microwave_link", DAY)
EXAMPLES = {
    item["item_id"]: RequestedItem.model_validate(item)
    for example in yaml.safe_load((TELECOM / "examples.yaml").read_text())["examples"]
    for item in example["items"]
}
MACRO = decided(
    station_type="macro", technology="nr_lte", nr_bands=("n78",), lte_bands=("b3",), sectors=3
)


def asked(*decisions, product="base_station", quantity="1"):
    return RequestedItem(item_id="site", product=product, quantity=quantity, decisions=decisions)


def parameters(item):
    return {each.name: each.value for each in item.parameters}


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_example_is_a_valid_configuration_that_keeps_its_requirements(name):
    item = EXAMPLES[name]
    answer = configured(CATALOGUE, item, DAY)
    assert isinstance(answer, ConfiguredItem)
    assert {each for each in answer.decisions if each.source == "requirement"} == set(
        item.decisions
    )
    assert options(CATALOGUE.product(item.product, DAY), answer_decisions(answer)).complete


def answer_decisions(answer):
    return [each.model_copy(update={"source": "user"}) for each in answer.decisions]


def test_defaults_complete_a_station_once_its_four_questions_are_answered():
    assert completion(STATION, ()).open_questions == (
        "station_type",
        "technology",
        "nr_bands",
        "lte_bands",
    )
    four = MACRO[:4]
    found = completion(STATION, four)
    assert found.open_questions == ()
    assert len(found.decisions) == len(STATION.model.attributes)


def test_defaults_complete_a_link_once_distance_and_rate_are_known():
    assert completion(LINK, ()).open_questions == ("hop", "capacity")
    assert completion(LINK, decided(hop="km5", capacity="m400")).open_questions == ()


def test_the_city_site_adds_up_by_hand():
    """Power: 3 x (470 + 680 + 1180) + 250 baseband + 40 fans = 7280 W, and 20 % more is 8736 W.

    Mast: 3 x (20 + 24 + 38 + 33) = 345 kg. Rate: 3 x (33 + 22 + 44 + 44 + 100 x 7.8 x 0.75) = 2184.
    Battery: 2 x 4.32 kWh last 1.19 h. Rack: 2 + 3 + 6 = 11 U of 12.
    """
    item = configured(CATALOGUE, EXAMPLES["city-site"], DAY)
    assert parameters(item) == {
        "carriers": 5,
        "cells": 15,
        "radios_per_sector": 3,
        "radios": 9,
        "rf_power": 2160,
        "eirp_n78": "80.1",
        "throughput": 2184,
        "users": 2400,
        "backhaul_rate": 10000,
        "power": 7280,
        "power_offered": 9000,
        "backup_time": "1.2",
        "mast_weight": 345,
        "rack_units": 11,
    }
    parts = {each.sku: str(each.quantity) for each in item.bill_of_materials}
    assert parts["QW-AAU-N78-64T320"] == "3"
    assert parts["QW-PWR-REC3"] == "4"
    assert parts["QW-SW-LTE-CELL"] == "9"
    assert len(parts) == len(item.bill_of_materials)


def test_a_link_budget_adds_up_by_hand():
    """1 km at 80 GHz: gain 7.34 + 37.9 dBi twice, loss 92.45 + 37.9 dB, 18 - 2 dBm out.

    Received 16 + 90.48 - 130.35 = -23.87 dBm; threshold -81 + 19 = -62 dBm; margin 38.13 dB.
    """
    item = configured(CATALOGUE, EXAMPLES["street-hop"], DAY)
    found = parameters(item)
    assert (found["received"], found["threshold"], found["fade_margin"]) == (
        "-23.9",
        "-62.0",
        "38.1",
    )
    assert (found["rain_fade"], found["rate"]) == ("15.3", 2640)


def test_rain_limits_eighty_gigahertz_to_short_hops():
    state = options(LINK, binding(LINK, decided(hop="km5", capacity="m1000", availability="p9999")))
    bands = next(each for each in state.attributes if each.attribute == "band")
    far = next(each for each in bands.options if each.option == "ghz80")
    assert not far.selectable
    assert "MW-BUDGET-FADE" in [each.id for each in far.rules]
    assert far.conflicts_with == ("hop", "availability")


def test_a_micro_station_has_no_macro_radio_and_says_why():
    state = options(STATION, decided(station_type="micro"))
    radios = next(each for each in state.attributes if each.attribute == "tdd_radio")
    large = next(each for each in radios.options if each.option == "aau_64t320")
    assert not large.selectable
    assert (large.conflicts_with, [each.id for each in large.rules]) == (
        ("station_type",),
        ["BS-CLASS-01"],
    )
    assert large.reason.startswith(
        "Not with Station type: Micro (medium range). A micro station is"
    )


def test_a_budget_counts_its_margin_exactly():
    site = {"station_type": "macro", "technology": "nr", "nr_bands": ("n78",), "sectors": 3}
    fits = decided(**site, tdd_radio="rru_8t320", baseband="l36", cooling="fan", dc_feed="a100")
    # 3 x 900 + 450 + 40 = 3190 W: 3828 W with the margin, of 4800 W
    assert completion(STATION, fits) is not None
    # and 3 x 1180 + 450 + 40 = 4030 W: 4836 W with the margin
    over = decided(**site, tdd_radio="aau_64t320", baseband="l36", cooling="fan", dc_feed="a100")
    assert completion(STATION, over) is None
    # 3 x 1180 + 250 + 40 = 3830 W: 4596 W
    assert completion(STATION, decided(**site, baseband="m18", cooling="fan", dc_feed="a100"))


def test_the_power_budget_has_the_last_word():
    small = (*MACRO, *decided(supply="dc48", dc_feed="a63"))
    answer = configured(CATALOGUE, asked(*small, *decided(tdd_radio="aau_64t320")), DAY)
    assert isinstance(answer, RejectedItem)
    assert answer.code == "configuration.contradiction"
    assert "BS-BUDGET-POWER" in [each.id for each in answer.rules]
    assert "dc_feed" in [each.attribute for each in answer.conflict]
    for repair in answer.repairs:
        rest = [
            each
            for each in (*small, *decided(tdd_radio="aau_64t320"))
            if each.attribute not in repair.drop
        ]
        assert len(repair.drop) == 1
        assert completion(STATION, rest) is not None


@pytest.mark.parametrize(
    ("decision", "code", "field", "words"),
    [
        (
            {"station_typ": "macro"},
            "unknown_attribute",
            "station_typ",
            "did you mean station_type?",
        ),
        ({"station_type": "makro"}, "unknown_option", "station_type", "did you mean macro"),
        (
            {"nr_bands": ("n78", "n99")},
            "unknown_option",
            "nr_bands",
            "'nr_bands' has no option 'n99'",
        ),
        ({"sectors": 7}, "out_of_range", "sectors", "'sectors' runs from 1 to 6; 7 lies outside"),
        (
            {"backup_hours": -1},
            "out_of_range",
            "backup_hours",
            "runs from 0 to 8 h; -1 lies outside",
        ),
        ({"sectors": 10**400}, "out_of_range", "sectors", "the number lies outside"),
        ({"sectors": "3"}, "wrong_kind", "sectors", "'sectors' takes a whole number"),
        ({"sectors": True}, "wrong_kind", "sectors", "'sectors' takes a whole number"),
        ({"router": "yes"}, "wrong_kind", "router", "'router' takes true or false"),
        ({"router": 1}, "wrong_kind", "router", "'router' takes true or false"),
        ({"nr_bands": "n78"}, "wrong_kind", "nr_bands", "takes a list of option ids"),
        ({"mount": ("tower",)}, "wrong_kind", "mount", "takes the id of one option"),
        ({"mount": True}, "wrong_kind", "mount", "takes the id of one option"),
    ],
)
def test_a_wrong_decision_is_rejected_with_code_field_and_hint(decision, code, field, words):
    answer = configured(CATALOGUE, asked(*MACRO[:4], *decided(**decision)), DAY)
    assert isinstance(answer, RejectedItem)
    assert (answer.code, answer.field) == (f"configuration.{code}", field)
    assert words in answer.message


def test_two_answers_to_one_question_are_rejected():
    twice = (*decided(sectors=3), *decided(sectors=4), *decided(sectors=3))
    answer = configured(CATALOGUE, asked(*MACRO[:4], *twice), DAY)
    assert (answer.code, answer.field) == ("configuration.decided_twice", "sectors")


def test_a_flood_of_decisions_is_rejected():
    answer = configured(CATALOGUE, asked(*(decided(sectors=3) * 401)), DAY)
    assert answer.code == "configuration.too_many_decisions"


@pytest.mark.parametrize("quantity", ["5001", "0.5", "1000000"])
def test_an_absurd_quantity_is_rejected(quantity):
    answer = configured(CATALOGUE, asked(*MACRO, quantity=quantity), DAY)
    assert (answer.code, answer.field) == ("configuration.absurd_quantity", "quantity")


def test_an_unknown_product_is_rejected_with_the_nearest_name():
    answer = configured(CATALOGUE, asked(product="base_sation"), DAY)
    assert (answer.code, answer.field) == ("configuration.unknown_product", "product")
    assert "did you mean base_station?" in answer.message


def test_an_incomplete_ask_names_the_open_questions():
    answer = configured(CATALOGUE, asked(*decided(station_type="macro", technology="nr")), DAY)
    assert (answer.code, answer.open_questions) == ("configuration.incomplete", ("nr_bands",))
    assert answer.message == "Still to be answered: 5G NR bands"


def test_answers_of_the_model_do_not_bind_an_edited_draft():
    first = configured(CATALOGUE, asked(*MACRO), DAY)
    kept = [each for each in first.decisions if each.source in {"default", "rule"}]
    edited = (*decided(station_type="micro", technology="nr", nr_bands=("n78",)), *kept)
    second = configured(CATALOGUE, asked(*edited), DAY)
    assert isinstance(second, ConfiguredItem)
    assert {each.attribute: each.value for each in second.decisions}["cabinet"] == "wall4"


def test_an_answered_multi_choice_judges_an_option_beside_those_chosen():
    state = options(STATION, MACRO)
    bands = next(each for each in state.attributes if each.attribute == "lte_bands")
    found = {each.option: (each.chosen, each.selectable) for each in bands.options}
    assert found["b3"] == (True, True)
    assert found["b20"] == (False, True)
    micro = options(STATION, decided(station_type="micro", lte_bands=("b3",)))
    bands = next(each for each in micro.attributes if each.attribute == "lte_bands")
    assert {each.option: each.selectable for each in bands.options}["b20"] is False


def test_contradictory_decisions_are_judged_after_the_first_repair():
    state = options(STATION, decided(station_type="micro", mount="tower", sectors=2))
    assert (state.valid, state.complete) == (False, False)
    assert [each.attribute for each in state.contradiction.conflict] == ["station_type", "mount"]
    assert [each.drop for each in state.contradiction.repairs] == [("station_type",), ("mount",)]
    types = next(each for each in state.attributes if each.attribute == "station_type")
    assert {each.option: (each.chosen, each.selectable) for each in types.options} == {
        "macro": (False, True),
        "micro": (True, False),
    }


def test_parameters_narrow_as_questions_are_answered():
    before = {each.name: each for each in options(STATION, ()).parameters}
    after = {each.name: each for each in options(STATION, MACRO).parameters}
    assert not before["cells"].settled
    assert (after["cells"].low, after["cells"].high, after["cells"].settled) == (6, 6, True)
    assert before["power"].low <= after["power"].low <= after["power"].high <= before["power"].high


def test_every_sku_of_the_models_stands_in_the_part_master_and_is_used():
    assert CATALOGUE.skus() == sorted(shelf.read_parts(TELECOM / "parts.yaml"))


def test_a_number_leaves_its_default_downwards_first():
    found = completion(published(rules=[a_rule("stages != 1")]), ())
    assert {each.attribute: each.value for each in found.decisions}["stages"] == 0
