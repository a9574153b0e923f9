"""`make test` runs every folder of tests once, and is green only if all of them were."""

import pytest

from tests import lanes


def test_every_file_of_tests_is_in_one_folder_that_is_run() -> None:
    for file in lanes.TESTS.rglob("test_*.py"):
        assert sum(file.is_relative_to(lanes.TESTS / each) for each in lanes.shares()) == 1, file


def test_one_failed_folder_fails_the_run_and_an_empty_one_does_not() -> None:
    failed, fine, none = pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.OK, 5
    assert lanes.outcome([fine, failed, none]) == failed
    assert lanes.outcome([fine, none, fine]) == fine
    assert lanes.outcome([none, none]) == none
    assert lanes.outcome([fine, lanes.BROKEN]) == lanes.BROKEN
