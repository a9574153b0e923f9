"""A model that takes too much work to prove is refused in a bounded number of steps, with its rules."""

from pathlib import Path

import pytest

from services.configurator import shelf
from services.configurator.domain.products.product import ModelRefused
from services.configurator.domain.solving import proving
from tests.unit.configurator.small import a_rule, published

CATALOGS = Path(__file__).parents[3] / "catalogs"


def numbers(count, first, last):
    made = {"kind": "integer", "group": "all", "label": "Number", "help": "How many."}
    return [made | {"id": f"i{place}", "range": [first, last]} for place in range(count)]


def a_puzzle(count, first, last, *rules):
    return published(
        attributes=numbers(count, first, last),
        rules=[a_rule(rule, place) for place, rule in enumerate(rules, 1)],
        bill_of_materials=[],
        parameters=[],
        tables=[],
        budgets=[],
    )


@pytest.fixture
def _few_steps(monkeypatch):
    monkeypatch.setattr(proving, "LOADING_MAX", proving.LOADING_MAX // 10)


@pytest.mark.usefixtures("_few_steps")
def test_a_search_that_does_not_end_is_refused_with_the_rules_that_took_the_most():
    squares = " + ".join(f"i{place} * i{place}" for place in range(30))
    product = " * ".join(f"i{place}" for place in range(8))
    with pytest.raises(ModelRefused) as told:
        a_puzzle(30, 0, 99, f"{squares} = 100003", f"{product} = 99999989")
    text = str(told.value)
    assert f"it takes more than {proving.LOADING_MAX} steps to prove, most of them for R-" in text
    assert "narrow the ranges of what is multiplied there" in text


@pytest.mark.usefixtures("_few_steps")
def test_rules_that_are_hard_together_are_refused():
    apart = [f"i{one} != i{other}" for one in range(12) for other in range(one)]
    with pytest.raises(ModelRefused, match=r"rules together take more than \d+ steps to prove"):
        a_puzzle(12, 1, 11, *apart)


def test_a_long_product_is_written_at_once():
    with pytest.raises(ModelRefused, match=r"'i0\.0' can never be chosen"):
        a_puzzle(30, 0, 99, " * ".join(f"i{place}" for place in range(30)) + " > 5")


def test_a_long_chain_of_equivalences_is_written_at_once():
    """Both sides are said as they hold and as they do not: not again at each link."""
    numbers_alike = " iff ".join(f"i{place} > 0" for place in range(28))
    assert a_puzzle(28, 0, 1, numbers_alike).solver.solve({})


def test_real_models_take_a_twentieth_of_the_steps(monkeypatch):
    monkeypatch.setattr(proving, "LOADING_MAX", proving.LOADING_MAX // 20)
    for name in ("telecom", "industrial"):
        assert shelf.load(CATALOGS / name)
