"""Cases of every operation, condition and policy, worked out by a second implementation."""

import json
from collections import Counter

import pytest

from tests.peer.pricing_cases import compared
from tests.peer.pricing_reference import OPERATIONS, drawn

SEEDS = 1500
CASES = [drawn(seed) for seed in range(SEEDS)]


def test_the_engine_and_a_second_implementation_say_the_same():
    wrong = {case["id"]: found for case in CASES if (found := compared(case))}
    assert not wrong, json.dumps(list(wrong.items())[:5], indent=1)


def test_every_operation_condition_and_policy_is_drawn_often():
    rules = [rule for case in CASES for rule in case["rules"]]
    operations = Counter(rule["do"]["op"] for rule in rules)
    conditions = Counter(name for rule in rules for name in rule["when"])
    policies = Counter((case["policy"]["select"], case["policy"]["combine"]) for case in CASES)
    assert set(operations) == set(OPERATIONS)
    assert min(operations.values()) > SEEDS // 20
    assert min(conditions.values()) > SEEDS // 100
    assert len(conditions) == 12
    assert len(policies) == 8
    assert sum("error" in case["expected"] for case in CASES) > SEEDS // 200


@pytest.mark.parametrize("field", ["line_total", "unit_price"])
def test_a_wrong_figure_is_found(field):
    for case in CASES[:200]:
        for line in case["expected"].get("lines", ()):
            if field in line:
                line[field] += "1" if "." in line[field] else ".1"
                assert compared(case)
                return
    raise AssertionError("no case has such a figure")
