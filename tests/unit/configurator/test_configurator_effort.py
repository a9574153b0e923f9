"""A model that takes too much work to prove is refused in a bounded number of steps, with its rules."""

import re
from itertools import combinations
from pathlib import Path

import pytest

from services.configurator import shelf
from services.configurator.domain.products.product import ModelRefused
from services.configurator.domain.releases import auditing
from services.configurator.domain.solving import proving
from tests.unit.configurator.small import a_rule, published

CATALOGS = Path(__file__).parents[3] / "catalogs"


def numbers(count, first, last):
    made = {"kind": "integer", "group": "all", "label": "Number", "help": "How many."}
    return [made | {"id": f"i{place}", "range": [first, last]} for place in range(count)]


def a_puzzle(count, first, last, *rules, **changes):
    empty = {each: [] for each in ("bill_of_materials", "parameters", "tables", "budgets")}
    return published(
        attributes=numbers(count, first, last),
        rules=[a_rule(rule, place) for place, rule in enumerate(rules, 1)],
        **(empty | changes),
    )


def different(*names):
    """Say that no two of these numbers are the same."""
    return [f"{one} != {other}" for one, other in combinations(names, 2)]


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
    """Twelve numbers of eleven, and easy rules before them, which are not named."""
    easy = [f"i{each} > 2 implies i{each + 1} > 1" for each in range(12, 30)]
    apart = different(*(f"i{each}" for each in range(12)))
    with pytest.raises(ModelRefused) as told:
        a_puzzle(31, 1, 11, *easy, *apart)
    assert re.search(
        r"rules together take more than \d+ steps to prove, these the most:"
        r" R-(19|[2-9]\d), R-\d\d, R-\d\d and \d+ more; split the model",
        str(told.value),
    )


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


def test_writing_rules_down_is_counted_too(monkeypatch):
    """Nothing is asked yet: it is refused before, by its rule."""
    monkeypatch.setattr(proving, "LOADING_MAX", 10)
    power = " * ".join(["i0"] * 40)
    with pytest.raises(ModelRefused, match=r"more than 10 steps to prove, most of them for R-1;"):
        a_puzzle(1, 0, 99, f"{power} != 7")


def test_parameters_made_of_each_other_are_not_nested_without_end():
    told = "Twenty-nine signs each."
    deep = [
        {"id": f"p{each}", "label": told, "group": "all", "expression": "-" * 29 + f"p{each - 1}"}
        for each in range(1, 160)
    ]
    first = {"id": "p0", "label": "None.", "group": "all", "expression": "i0"}
    with pytest.raises(ModelRefused, match=r"parameter 'p\d': nested deeper than 150 with the"):
        a_puzzle(2, 0, 9, "p159 > 3", parameters=[first, *deep])


class TestTheLint:
    """All its questions about one model, by however many solvers, have a bound together."""

    @pytest.fixture
    def hard(self):
        """Nine different numbers of nine: a rule that follows from all others takes a while."""
        apart = different(*(f"i{each}" for each in range(9)))
        return a_puzzle(9, 1, 9, *apart, " + ".join(f"i{each}" for each in range(9)) + " = 45")

    def test_what_it_had_not_looked_at_when_its_steps_were_taken_is_told(self, hard, monkeypatch):
        monkeypatch.setattr(auditing, "AUDITING_MAX", 300)
        (found,) = auditing.audit(hard)
        assert (found.severity, found.code, found.where) == (
            "warning",
            "model.unproved",
            "the whole",
        )
        assert re.search(
            r"more than 300 steps to prove, these the most: R-|most of them for R-", found.message
        )
        assert found.message.endswith(
            "; not proved: redundant rules, rows of tables, measures in vain,"
            " parts and parameters in vain"
        )

    def test_a_version_whose_examples_were_not_tried_has_an_error(self, monkeypatch):
        monkeypatch.setattr(auditing, "AUDITING_MAX", 0)
        examples = [{"id": f"E-{each}", "answers": {"i0": 1}} for each in range(2)]
        (found,) = auditing.audit(a_puzzle(2, 0, 1, "i0 = i1", examples=examples))
        assert found.severity == "error"
        assert "; not proved: examples, numbers that grow too large, questions" in found.message
