"""Fixtures of quotes: one desk per test."""

import pytest

from tests.unit.quotes.bench import Bench


@pytest.fixture
def bench() -> Bench:
    """An empty desk on a Monday noon, with the selling units of the telecom catalogue."""
    return Bench()
