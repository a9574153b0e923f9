"""What a version changes against another, in words and numbers."""

from decimal import Decimal

from services.pricer.domain.releases.differing import difference
from tests.unit.pricer.basket import (
    a_book,
    a_rule,
    an_entry,
    breaks,
    percent_off,
    the_document,
    the_fx,
)


def changes(**changed):
    return [str(each) for each in difference(a_book(), a_book(version=2, **changed)).changes]


def entries(**changed):
    """The entries of the book, some of them changed or (None) gone."""
    found = {each["sku"]: each for each in the_document()["entries"]} | changed
    return [each for each in found.values() if each is not None]


def test_the_next_version_of_the_same_content_changes_nothing():
    assert changes() == []


def test_a_price_moves_by_an_amount_and_a_percentage():
    assert changes(entries=entries(MACRO=an_entry("MACRO", "43260.00", "27300"))) == [
        "entry MACRO: price 42000 to 43260.00 (+1260, +3 %)"
    ]


def test_a_fee_that_recurs_after_another_period_is_told():
    support = next(each for each in the_document()["entries"] if each["sku"] == "SUP")
    assert changes(entries=entries(SUP={**support, "charge": "quarterly"})) == [
        "entry SUP: charge yearly to quarterly"
    ]


def test_an_amount_written_with_more_zeros_is_the_same():
    assert changes(entries=entries(MACRO=an_entry("MACRO", "42000.00", "27300.0"))) == []


def test_entries_come_and_go():
    assert changes(entries=entries(CAB=None, NEW=an_entry("NEW", "5.00"))) == [
        "entry CAB: removed, 18.75 USD per pcs",
        "entry NEW: added, 5.00 USD per pcs",
    ]


def test_another_price_model_says_what_was_and_what_is():
    tiers = [{"up_to": "10", "unit": "18.75"}, {"up_to": None, "unit": "17"}]
    price = {"model": "tiered", "mode": "volume", "tiers": tiers}
    assert changes(entries=entries(CAB=an_entry("CAB", "0", "9", price=price))) == [
        (
            "entry CAB: price “18.75 USD per pcs” to"
            " “to 10: 18.75; above: 17 USD per pcs, all units at the tier reached”"
        )
    ]


def test_a_percentage_moves_by_points():
    old = a_book(rules=[a_rule("gold", "tier", percent_off("5"))])
    new = a_book(rules=[a_rule("gold", "tier", percent_off("7.5"), version=2)])
    assert [str(each) for each in difference(old, new).changes] == [
        "rule gold: version 1 to 2; effect, percent 5 to 7.5 (+2.5 points)"
    ]


def test_a_break_is_known_by_its_bound():
    old = a_book(rules=[a_rule("q", "quantity", breaks(("9", "0"), (None, "5")))])
    new = a_book(rules=[a_rule("q", "quantity", breaks(("9", "0"), (None, "6")))])
    assert [str(each) for each in difference(old, new).changes] == [
        "rule q: effect, breaks, above, percent 5 to 6 (+1 points)"
    ]


def test_settings_and_the_order_of_groups_are_told():
    groups = the_document()["groups"]
    assert changes(name="Other prices", groups=[*groups[1:], groups[0]]) == [
        "settings: name “Base station cases” to “Other prices”",
        (
            "groups: order “contract, quantity, region, tier, bundle” to “quantity, region, tier,"
            " bundle, contract”"
        ),
    ]


def test_counts_and_the_widest_moves_are_summed_up():
    found = difference(
        a_book(),
        a_book(
            entries=entries(
                MACRO=an_entry("MACRO", "84000", "27300"),
                RRU=an_entry("RRU", "1575", "1890"),
                ANT=an_entry("ANT", "1374.989", "700"),
                CAB=None,
            )
        ),
    )
    assert found.counts == {"entry": {"added": 0, "removed": 1, "changed": 3}}
    assert found.prices == {
        "raised": 2,
        "lowered": 1,
        "most_raised_percent": Decimal("100.00"),
        "most_lowered_percent": Decimal("-50.00"),
    }


def test_rates_are_compared_by_their_pair():
    found = difference(the_fx(EUR="0.92", JPY="150"), the_fx(EUR="0.46", BHD="0.376"))
    assert [str(each) for each in found.changes] == [
        "rate USD/JPY: removed, 1 USD is 150 JPY",
        "rate USD/EUR: rate 0.92 to 0.46 (-0.46, -50 %)",
        "rate USD/BHD: added, 1 USD is 0.376 BHD",
    ]
