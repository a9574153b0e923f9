"""What the second implementation does not draw: errors, other spellings, percentages of others, allocation."""

import pytest

from tests.peer.pricing_cases import NotSaid, compared

CENTS = {"scale": 2, "mode": "half_up"}


def a_case(rules, expected, *, lines=(("A", "1"),), catalog=None, **more):
    case = {
        "schema": "pricing-case/1",
        "kind": "price",
        "id": "by-hand",
        "currency": "USD",
        "scale": 2,
        "rounding": {"unit": CENTS, "line": CENTS, "total": CENTS},
        "context": {"date": "2026-03-01T00:00:00"},
        "catalog": catalog or [{"sku": "A", "list_price": "100"}, {"sku": "B", "list_price": "50"}],
        "policy": {"select": "all", "combine": "sequential"},
        "rules": [{"id": f"r{place}", "when": {}} | rule for place, rule in enumerate(rules)],
        "lines": [
            {"id": str(place), "sku": sku, "quantity": quantity}
            for place, (sku, quantity) in enumerate(lines)
        ],
        "expected": expected,
    }
    return case | more


def off(percent, **when):
    return {"when": when, "do": {"op": "percent_off", "percent": percent}}


MARKUP = {"do": {"op": "markup", "base": "cost", "percent": "20"}}
SUPPORT = {"when": {"sku": "B"}, "do": {"op": "percent_of_total", "percent": "18", "of": ["A"]}}
BLOCK = {"op": "block", "blocks": [
    {"from": "1", "to_exclusive": "11", "amount": "100"},
    {"from": "11", "to_exclusive": None, "amount": "180", "overage_rate": "5"},
]}  # fmt: skip
RADIO = [{"sku": "A", "list_price": "100", "categories": "hw/radio"},
         {"sku": "B", "list_price": "50", "categories": ["hw"]}]  # fmt: skip


@pytest.mark.parametrize(
    "case",
    [
        # a cost that is missing: nothing, or the error that we prefer
        a_case([MARKUP], {"lines": [{"id": "0", "line_total": "0"}],
                          "alternative": {"error": "missing_cost"}}),
        a_case([MARKUP], {"error": "missing_cost"}),
        a_case([], {"error": "no_price"}, lines=[("GHOST", "1")]),
        a_case([], {"lines": [{"id": "0", "line_total": "100"}, {"id": "1", "error": "no_price"}]},
               lines=[("A", "1"), ("GHOST", "1")]),
        a_case([off("5"), off("6")], {"error": "tie"},
               policy={"select": "highest_priority", "combine": "sequential", "on_tie": "error"}),
        # above the last bound there is no price
        a_case([{"do": {"op": "tiers", "mode": "volume", "tiers": [{"up_to": "10", "unit": "9"}]}}],
               {"error": "no_tier"}, lines=[("A", "11")]),
        # 18 % of 90 is 16.20; 10 % of 106.20 is 10.62, of which 9.00 and 1.62
        a_case([off("10", sku="A"), SUPPORT],
               {"lines": [{"id": "0", "line_total": "81"}, {"id": "1", "line_total": "14.58"}],
                "total": "95.58"},
               lines=[("A", "1"), ("B", "1")],
               order_rules=[{"id": "o", "op": "percent_off_total", "percent": "10"}]),
        a_case([{"do": BLOCK}], {"lines": [{"id": "0", "line_total": "100"}]}, lines=[("A", "10")]),
        a_case([{"do": BLOCK}], {"lines": [{"id": "0", "line_total": "195"}]}, lines=[("A", "14")]),
        a_case([off("10", category="radio"), off("20", category="hw")],
               {"lines": [{"id": "0", "line_total": "72"}, {"id": "1", "line_total": "40"}]},
               lines=[("A", "1"), ("B", "1")], catalog=RADIO),
        a_case([off("10", to="2026-03-01")], {"total": "90"},
               context={"date": "2026-03-01T18:00:00"}),
        a_case([off("10", **{"from": "2026-03-01T19:00:00+01:00"})], {"total": "90"},
               context={"date": "2026-03-01T18:00:00Z"}),
        a_case([{"do": {"op": "block_tiers", "tiers": [
            {"size": "10", "max_blocks": "2", "price": "8"}, {"size": "10", "price": "5"}]}}],
               {"total": "31"}, lines=[("A", "41")]),  # two of 8 for 20, three of 5 for 21
    ],
)  # fmt: skip
def test_cases_worked_out_by_hand(case):
    assert compared(case) == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"do": {"op": "haggle", "percent": "5"}}, "haggle"),
        (off("5", weather="fine"), "when with weather"),
        ({"do": {"op": "percent_off", "percent": "5", "twice": True}}, "percent_off with twice"),
    ],
)
def test_a_word_that_is_not_known_is_said_and_never_passed_over(rule, words):
    with pytest.raises(NotSaid, match=words):
        compared(a_case([rule], {"total": "95"}))


@pytest.mark.parametrize(
    ("weights", "amount", "cap", "parts"),
    [
        (["1", "1", "1"], "1.00", False, ["0.34", "0.33", "0.33"]),
        (["0", "0"], "0.03", False, ["0.02", "0.01"]),
        (["1", "5", "5"], "9.00", True, ["0.82", "4.09", "4.09"]),
        (["0.10", "5", "5"], "10.05", True, ["0.10", "4.98", "4.97"]),
        (["3", "1"], "-0.05", False, ["-0.04", "-0.01"]),
    ],
)
def test_allocations_worked_out_by_hand(weights, amount, cap, parts):
    case = {"kind": "allocate", "scale": 2, "weights": weights, "amount": amount,
            "cap_at_weights": cap, "expected": {"parts": parts}}  # fmt: skip
    assert compared(case) == []
    case["expected"]["parts"] = [*parts[:-1], "9"]
    assert compared(case)
