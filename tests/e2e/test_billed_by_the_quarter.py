"""A charge by the quarter all the way: the CRM's event, price, PDF in two languages, offer, CRM."""

import io
from collections.abc import Iterator
from decimal import Decimal
from html import unescape
from re import sub

import pytest
from pypdf import PdfReader

from contracts import places
from tests.contract.samples import released
from tests.e2e.one_book import published
from tests.e2e.place import Json, Place, deal_of, items_of

QUARTERLY = {"sku": "QW-KIT-MICRO", "category": "software", "charge": "quarterly", "unit": "pcs"}
EVERY_FOUR = {**QUARTERLY, "charge": "every_4_months"}


@pytest.fixture(scope="module")
def place(embedded: Place) -> Iterator[Place]:
    """The house with two fees on a part that is bought, published for as long as the tests last."""
    fees = [
        {**QUARTERLY, "cost": "10.00", "price": {"model": "per_unit", "amount": "30.00"}},
        {**EVERY_FOUR, "cost": "4.00", "price": {"model": "per_unit", "amount": "12.00"}},
    ]
    with published(embedded, {"entries": fees}):
        yield embedded


@pytest.fixture(scope="module")
def sold(place: Place) -> Json:
    """What the CRM was told of an opportunity that it opened."""
    return place.told(place.opens("street_micro"), "Presented")


def words(page: str) -> str:
    """Return the words of a page as one line."""
    return " ".join(unescape(sub(r"<[^>]+>", " ", page)).split())


def test_an_opportunity_walks_to_an_offer_with_a_sum_for_each_period(
    place: Place, sold: Json
) -> None:
    offer = place.quote(sold["number"])["current"]["offer"]
    fees = {line["charge"]: line for line in offer["lines"] if line["sku"] == QUARTERLY["sku"]}
    assert list(fees) == ["one_time", "quarterly", "every_4_months"]
    sums = {each["charge"]: each["net"]["amount"] for each in offer["totals"]["by_charge"]}
    assert list(sums) == ["one_time", "quarterly", "every_4_months", "yearly"]
    # 40 sites at 30.00 and at 12.00, less the 10 % that the example asks for.
    assert fees["quarterly"]["list_total"]["amount"] == "1200.00"
    assert sums["quarterly"] == fees["quarterly"]["net_total"]["amount"] == "1080.00"
    assert sums["every_4_months"] == "432.00"
    assert sold["net"] == offer["totals"]["net"]
    assert Decimal(sold["net"]["amount"]) == sum(map(Decimal, sums.values()))


def test_the_pdf_and_every_page_call_the_charge_by_its_period(place: Place, sold: Json) -> None:
    pdf = place.seller.ask("GET", f"/documents/{sold['document_sha256']}").content
    told = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    told = " ".join(told.split())
    for each in ("Quarterly", "per quarter", "Subtotal, quarterly", "per 4 months"):
        assert each in told, told
    link = place.link(sold["number"], 1)
    addresses = [(place.seller, places.quote(sold["number"])), (place.customer, link)]
    for caller, address in addresses:
        page = caller.ask("GET", address, accept="text/html")
        assert "Quarterly" in words(page.text)
        assert "Every 4 months" in words(page.text)


def test_the_log_says_it_in_version_2_and_the_read_tables_have_its_sum(
    place: Place, sold: Json
) -> None:
    said = place.sql(
        "SELECT type, version FROM crm_projector.fact_log WHERE deal_id = %s AND version > 1",
        (deal_of(sold["record_id"]),),
    )
    assert sorted(said) == [
        (f"quotewright.{name}", 2)
        for name in ("DocumentRequested", "QuotePriced", "RevisionPriced", "RevisionSubmitted")
    ]
    net = "SELECT net_amount FROM bi.quote WHERE number = %s"
    assert place.sql(net, (sold["number"],)) == [(Decimal(sold["net"]["amount"]),)]


def test_a_term_counts_the_months_of_each_period(place: Place) -> None:
    record = place.opens(None, selling_unit="americas-direct")
    site, _ = items_of("street_micro")
    number = place.drafts(record)["number"]
    place.edits(number, [site], submit=False, commercial={"terms": [{"months": 24}]})
    totals = place.reaches(number, "priced")["current"]["offer"]["totals"]
    sums = {each["charge"]: Decimal(each["net"]["amount"]) for each in totals["by_charge"]}
    term = totals["term"]
    # Eight quarters, six times four months, two years.
    recurring = 8 * sums["quarterly"] + 6 * sums["every_4_months"] + 2 * sums["yearly"]
    assert Decimal(term["recurring"]["amount"]) == recurring
    assert Decimal(term["acv"]["amount"]) == recurring / 2
    assert Decimal(term["tcv"]["amount"]) == sums["one_time"] + recurring


def test_its_price_is_explained_and_comes_out_of_its_facts_again(place: Place, sold: Json) -> None:
    found = place.admin.get(f"/pricer/traces/{trace_of(place, sold)}")
    assert {line["charge"] for line in found["lines"]} >= {"quarterly", "every_4_months"}
    for each in place.admin.get(f"/quotes/{sold['number']}/asks")["asks"]:
        again = place.admin.post("/pricer/replays", {"id": each["id"], "asked": each["asked"]})
        assert (again["is_same"], again["differences"]) == (True, [])


def trace_of(place: Place, sold: Json) -> str:
    return str(place.quote(sold["number"])["current"]["trace_sha256"])


def test_every_service_reads_every_version_that_was_released_of_what_it_hears(
    place: Place,
) -> None:
    assert place.house
    for service in place.house.services:
        registry = service.parts.registry
        for wire_type, version, file in released():
            if registry.knows(wire_type):
                assert registry.read(wire_type, version, file.read_bytes()).wire_type() == wire_type
