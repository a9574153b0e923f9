"""The peers' own pricing examples through our engine: every file below `$CASES/pricing`.

Without CASES, a folder of cases, there is nothing to hold against; the skip says so.
"""

import os
from pathlib import Path

import pytest

from tests.peer.pricing_cases import cases_of, compared

FOLDER = os.environ.get("CASES")
CASES = [
    pytest.param(case, id=case["id"])
    for path in sorted(Path(FOLDER).glob("pricing/**/*.json") if FOLDER else ())
    for case in cases_of(path)
]


def test_peer_cases_are_at_hand():
    if not FOLDER:
        pytest.skip("no peer cases: set CASES to their folder, as in CASES=../cases")
    assert CASES, f"there is no pricing/*.json below {FOLDER}"


@pytest.mark.parametrize("case", CASES)
def test_our_price_is_the_expected_one_to_the_last_digit(case):
    assert compared(case) == []
