"""Exports of Salesforce: price book entries, and discount schedules with exclusive upper bounds."""

from datetime import date
from decimal import Decimal

import pytest

from services.pricer.domain.books.book import read_book
from services.pricer.domain.lint.lint import Part
from services.pricer.domain.releases.price_list import Target
from services.pricer.domain.releases.salesforce import Wanted
from services.pricer.importing import ImportRefused, Source, imported
from tests.unit.pricer.basket import a_book
from tests.unit.pricer.test_pricer_price_lists import PARTS

TO = Target(2, date(2027, 1, 1))
PRODUCTS = """Id,ProductCode,Name,Family,IsActive,SBQQ__DiscountSchedule__c
p1,MACRO,Macro site,Hardware,true,s1
p2,RRU,Radio,Hardware,true,s1
p3,ANT,Antenna,Hardware,false,
"""
BOOKS = """Id,Name,IsActive,IsStandard
b1,Standard,true,true
b2,Partners,true,false
"""
ENTRIES = """Id,Pricebook2Id,Product2Id,UnitPrice,IsActive,UseStandardPrice,CurrencyIsoCode
e1,b1,p1,43260,true,false,USD
e2,b1,p2,3150.00,true,false,USD
e3,b1,p3,1300,true,false,USD
e4,b2,p1,40000,true,false,USD
e5,b2,p2,0,true,true,USD
"""
SCHEDULES = """Id,Name,SBQQ__Type__c,SBQQ__DiscountUnit__c,SBQQ__AggregationScope__c
s1,Site volume,Range,Percent,None
s2,Unused,Slab,Percent,None
"""
TIERS = """SBQQ__Schedule__c,SBQQ__LowerBound__c,SBQQ__UpperBound__c,SBQQ__Discount__c
s1,10,50,5
s1,1,10,0
s1,50,,8
"""


def reading(**more):
    return imported(sources(**more), a_book(), PARTS, TO)


def sources(pricebook=None, step="0.001", **changed):
    tables = {
        "Product2.csv": PRODUCTS,
        "Pricebook2.csv": BOOKS,
        "PricebookEntry.csv": ENTRIES,
        "SBQQ__DiscountSchedule__c.csv": SCHEDULES,
        "SBQQ__DiscountTier__c.csv": TIERS,
    } | changed
    files = {name: text.encode() for name, text in tables.items() if text}
    return Source(files, wanted=Wanted(pricebook, Decimal(step)))


def outcomes(**more):
    return [str(each) for each in reading(**more).outcomes]


def breaks(**more):
    (rule,) = reading(**more).document["rules"]
    return [(each["up_to"], each["percent"]) for each in rule["effect"]["breaks"]]


def tiers(*lines):
    return {"SBQQ__DiscountTier__c.csv": "\n".join((TIERS.split("\n", maxsplit=1)[0], *lines))}


def test_the_standard_book_is_read_row_by_row():
    assert outcomes()[:3] == [
        "row 2: MACRO: changed, price 42000 to 43260 (+1260, +3 %)",
        "row 3: RRU: unchanged",
        "row 4: ANT: refused, is not active there; activate it, or leave it out",
    ]


def test_another_book_is_read_by_its_name_and_takes_standard_prices_where_it_says_so():
    assert outcomes(pricebook="Partners")[:2] == [
        "row 5: MACRO: changed, price 42000 to 40000 (-2000, -4.76 %)",
        "row 6: RRU: unchanged",
    ]


BILLED = """Id,ProductCode,Name,Family,SBQQ__ChargeType__c,SBQQ__BillingFrequency__c
p1,MACRO,Macro site,Hardware,{},{}
"""


@pytest.mark.parametrize(
    ("kind", "often", "charge"),
    [
        ("One-Time", "", "one_time"),
        ("One-Time", "Monthly", "one_time"),
        ("Recurring", "Monthly", "monthly"),
        ("Recurring", "Quarterly", "quarterly"),
        ("Recurring", "Semi-Annual", "half_yearly"),
        ("Recurring", "Semiannual", "half_yearly"),
        ("Recurring", "Annual", "yearly"),
        ("Recurring", "", "one_time"),
        ("Usage", "Monthly", "one_time"),
        ("", "", "one_time"),
    ],
)
def test_a_billing_frequency_becomes_a_charge_and_what_is_not_said_stays_as_the_book_has_it(
    kind, often, charge
):
    master = {"MACRO": Part("MACRO", "pcs", charge)}
    source = sources(**{"Product2.csv": BILLED.format(kind, often)})
    entries = imported(source, a_book(), master, TO).document["entries"]
    charges = [each["charge"] for each in entries if each["sku"] == "MACRO"]
    assert charges == list(dict.fromkeys(["one_time", charge]))


@pytest.mark.parametrize(
    ("kind", "often", "words"),
    [
        (
            "Recurring",
            "Invoice Plan",
            "billing frequency 'Invoice Plan' is no period; use Monthly,",
        ),
        ("Recurring", "Biennial", "use Monthly, Quarterly, Semi-Annual or Annual"),
        ("Rental", "Monthly", "charge type 'Rental' is unknown; use One-Time, Recurring or Usage"),
    ],
)
def test_what_is_billed_in_no_period_of_months_is_refused(kind, often, words):
    """Such a product kept the charge of the book without a word, as if nothing were said."""
    (outcome, *_) = reading(**{"Product2.csv": BILLED.format(kind, often)}).outcomes
    assert outcome.verdict == "refused"
    assert words in outcome.words


def test_an_exclusive_upper_bound_becomes_the_last_quantity_below_it():
    assert breaks() == [("9.999", "0"), ("49.999", "5"), (None, "8")]
    assert breaks(step="1") == [("9", "0"), ("49", "5"), (None, "8")]


def test_below_the_first_bound_and_above_a_closed_last_one_there_is_no_discount():
    assert breaks(**tiers("s1,5,10,4"), step="1") == [("4", "0"), ("9", "4"), (None, "0")]


def test_a_schedule_becomes_a_rule_for_the_products_that_use_it():
    found = reading()
    assert [str(each) for each in found.outcomes[3:]] == [
        "row 2: schedule Site volume: new, for MACRO, RRU",
        "row 3: schedule Unused: refused, no product uses it; name it in Product2, or leave it out",
    ]
    (rule,) = read_book(found.document).rules
    assert (rule.id, rule.group, rule.when.skus) == (
        "schedule-site-volume",
        "quantity",
        ("MACRO", "RRU"),
    )


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("s1,1,10,0", "s1,20,,5"), "its tiers do not meet between 10 and 20"),
        (("s1,1,20,0", "s1,10,,5"), "its tiers do not meet between 20 and 10"),
        (("s1,1,,0", "s1,10,,5"), "row 2 is open and others follow; give it an upper bound"),
        (("s1,1,,",), "row 2 has no plain discount: ''; fill it in"),
        (("s1,1,x,5",), "row 2 has no plain upperbound: 'x'; fill it in"),
        ((), "has no tiers; export DiscountTier too"),
    ],
)
def test_tiers_that_do_not_meet_are_refused(lines, words):
    (outcome,) = [it for it in reading(**tiers(*lines)).outcomes if it.sku.endswith("Site volume")]
    assert outcome.verdict == "refused"
    assert words in outcome.words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("s1,Site volume,Range,Price,None", "give these prices as tiers of the price list instead"),
        ("s1,Site volume,Range,Percent,Group", "counts over what we do not count"),
        ("s1,Site volume,Stairs,Percent,None", "type 'Stairs' is unknown; use Range or Slab"),
    ],
)
def test_a_schedule_that_we_have_no_word_for_is_refused(line, words):
    text = SCHEDULES.split("\n", maxsplit=1)[0] + "\n" + line
    found = reading(**{"SBQQ__DiscountSchedule__c.csv": text})
    assert words in found.outcomes[3].words


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"Product2.csv": ""}, "the table product2 is missing; export it too"),
        ({"pricebook": "Nobody's"}, 'there is no price book "Nobody\'s"; name one of'),
        ({"Pricebook2.csv": BOOKS.replace(",true,true", ",true,false")}, "name one of Standard"),
    ],
)
def test_an_export_that_misses_something_is_refused(changed, words):
    with pytest.raises(ImportRefused) as fault:
        reading(**changed)
    assert words in fault.value.message
