"""`make test` runs every folder of tests, and says so when one fails."""

import pytest

from tests import lanes


def test_every_test_is_in_one_of_the_folders_that_are_run() -> None:
    for file in lanes.TESTS.rglob("test_*.py"):
        assert sum(file.is_relative_to(lanes.TESTS / each) for each in lanes.shares()) == 1, file


@pytest.mark.parametrize(
    ("codes", "found"),
    [((0, 0), 0), ((0, 1), 1), ((1, 0), 1), ((5, 0), 0), ((5, 5), 5), ((5, 2), 2), ((0, -15), -15)],
)
def test_a_folder_that_fails_or_dies_fails_all_and_one_without_tests_does_not(
    codes: tuple[int, ...], found: int
) -> None:
    assert lanes.outcome(codes) == found


def test_a_folder_that_never_ran_fails_all() -> None:
    assert lanes.outcome([0, lanes.BROKEN, 0]) == lanes.BROKEN
