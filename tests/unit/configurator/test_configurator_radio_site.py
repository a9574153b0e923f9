"""The large telecom model: how much it covers, its facts about bands, its parts all with a price."""

import re
from datetime import date
from pathlib import Path

import pytest

from contracts.configuration import ConfiguredItem, RequestedItem
from services.configurator import shelf
from services.configurator.domain.answers.completing import completion
from services.configurator.domain.answers.configuring import configure
from services.configurator.domain.answers.explaining import conflict
from services.pricer import books
from tests.unit.configurator.small import decided

TELECOM = Path(__file__).parents[3] / "catalogs" / "telecom"
DAY = date(2026, 11, 28)
SITE = shelf.load(TELECOM).product("radio_site", DAY)
MODEL = SITE.model
BANDS = {
    each.id: each.help
    for attribute in MODEL.attributes
    if attribute.id in {"nr_bands", "lte_bands"}
    for each in attribute.options
}
# MHz, of 3GPP TS 38.101-1, 38.101-2 and 36.101: uplink and downlink, or both in one range.
FACTS = {
    "n1": "FDD 1920-1980 2110-2170",
    "n3": "FDD 1710-1785 1805-1880",
    "n7": "FDD 2500-2570 2620-2690",
    "n20": "FDD 832-862 791-821",
    "n28": "FDD 703-748 758-803",
    "n71": "FDD 663-698 617-652",
    "n41": "TDD 2496-2690",
    "n77": "TDD 3300-4200",
    "n78": "TDD 3300-3800",
    "n79": "TDD 4400-5000",
    "n258": "TDD 24250-27500",
    "n260": "TDD 37000-40000",
    "b1": "FDD 1920-1980 2110-2170",
    "b8": "FDD 880-915 925-960",
    "b13": "FDD 777-787 746-756",
    "b20": "FDD 832-862 791-821",
    "b40": "TDD 2300-2400",
    "b42": "TDD 3400-3600",
}


def test_it_covers_a_whole_site():
    options = sum(len(getattr(each, "options", ())) for each in MODEL.attributes)
    assert len(MODEL.attributes) >= 60
    assert options >= 300
    assert len(MODEL.rules) >= 80
    assert len(MODEL.tables) >= 6
    assert len(MODEL.budgets) >= 4
    owners = {each.owner for each in (*MODEL.rules, *MODEL.tables, *MODEL.budgets)}
    assert len(owners) > 1


@pytest.mark.parametrize("band", FACTS)
def test_a_band_lies_where_the_standard_says(band):
    duplex = BANDS[band].partition(",")[0]
    assert " ".join([duplex, *re.findall(r"\d+-\d+", BANDS[band])]) == FACTS[band]


def test_every_part_has_a_price_on_its_first_day():
    book = books.load(TELECOM).book(None, DAY)
    assert {each.sku for each in MODEL.bill_of_materials} <= {
        each.sku for each in book.book.entries
    }


def test_few_questions_need_an_answer():
    assert len(completion(SITE, ()).open_questions) <= 10


def test_a_site_is_complete_after_the_questions_without_a_default():
    asked = {
        "station_type": "macro",
        "region": "europe",
        "technology": "nr_lte",
        "nr_bands": ("n28", "n78"),
        "lte_bands": ("b3", "b20"),
    }
    item = RequestedItem(
        item_id="site", product="radio_site", quantity="1", decisions=decided(**asked)
    )
    found = configure(SITE, item)
    assert isinstance(found, ConfiguredItem)
    assert found.bill_of_materials and found.parameters


def test_a_band_that_the_region_has_not_names_the_table():
    clash = conflict(SITE, decided(region="europe", nr_bands=("n71",)))
    assert clash is not None
    assert clash.rules == ("RS-TAB-REGION-NR",)
