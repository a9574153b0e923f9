"""The examples in the docstrings of the domain are true."""

import doctest

import pytest

from services.pricer.domain.asks import trace
from services.pricer.domain.books import allocation, canonical, counting
from services.pricer.domain.waterfall import charging


@pytest.mark.parametrize("module", [allocation, canonical, charging, counting, trace])
def test_docstring_examples_show_what_one_will_see(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0
