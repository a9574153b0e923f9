"""`make test` runs every folder of tests, and says so when one half fails."""

from pathlib import Path

import pytest

from tests.halves import halves, outcome

TESTS = Path(__file__).parents[1]


def test_every_test_is_in_one_of_the_halves() -> None:
    first, second = halves()
    assert set(first) & set(second) == set()
    for file in TESTS.rglob("test_*.py"):
        assert sum(TESTS.parent / each in file.parents for each in (*first, *second)) == 1


@pytest.mark.parametrize(
    ("codes", "found"),
    [((0, 0), 0), ((0, 1), 1), ((1, 0), 1), ((5, 0), 0), ((5, 5), 5), ((5, 2), 2), ((0, -15), -15)],
)
def test_a_half_that_fails_or_dies_fails_all_and_one_without_tests_does_not(
    codes: tuple[int, int], found: int
) -> None:
    assert outcome(codes) == found
