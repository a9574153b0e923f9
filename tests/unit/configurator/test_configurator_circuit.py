"""Circuits: what two passes say of every option is what trying all configurations says."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.configurator.domain.solving.circuit import NEVER
from services.configurator.domain.solving.layout import CircuitFault
from services.configurator.domain.solving.nnf import read
from tests.unit.configurator.compiler import circuit_text

LAWS = settings(max_examples=300, deadline=None)


@st.composite
def formulas(draw):
    """Variables, clauses over them, prices of the literals, and what is assumed."""
    variables = draw(st.integers(1, 7))
    literal = st.integers(1, variables).flatmap(lambda each: st.sampled_from([each, -each]))
    clause = st.lists(literal, min_size=1, max_size=4, unique_by=abs)
    clauses = draw(st.lists(clause, max_size=10))
    prices = draw(st.lists(st.integers(-50, 900), min_size=2 * variables, max_size=2 * variables))
    assumed = draw(st.lists(literal, max_size=3, unique_by=abs))
    return variables, clauses, prices, assumed


def configurations(variables, clauses, assumed):
    for signs in product((1, -1), repeat=variables):
        point = {sign * each for each, sign in zip(range(1, variables + 1), signs, strict=True)}
        if point.issuperset(assumed) and all(point.intersection(each) for each in clauses):
            yield point


def places(circuit, literals):
    return {circuit.place(each) for each in literals}


@given(formulas())
@LAWS
def test_a_literal_is_possible_if_some_configuration_has_it(asked):
    variables, clauses, _, assumed = asked
    circuit = read(circuit_text(clauses), variables)
    valid = list(configurations(variables, clauses, assumed))

    found = circuit.possible(assumed)

    assert (found is None) == (not valid)
    if found is not None:
        assert set(found.nonzero()[0].tolist()) == places(circuit, set().union(*valid))


@given(formulas())
@LAWS
def test_configurations_are_counted_exactly(asked):
    variables, clauses, _, assumed = asked
    circuit = read(circuit_text(clauses), variables)
    assert circuit.count(assumed) == len(list(configurations(variables, clauses, assumed)))


@given(formulas())
@LAWS
def test_the_least_total_is_right_for_every_literal_if_chosen(asked):
    variables, clauses, prices, assumed = asked
    circuit = read(circuit_text(clauses), variables)
    totals = [
        (point, sum(prices[circuit.place(each)] for each in point))
        for point in configurations(variables, clauses, assumed)
    ]

    found = circuit.least(prices, assumed)

    assert (found is None) == (not totals)
    if found is not None:
        assert found.least == min(total for _, total in totals)
        for each in [*range(1, variables + 1), *range(-variables, 0)]:
            with_it = [total for point, total in totals if each in point]
            assert found.chosen[circuit.place(each)] == min(with_it, default=NEVER)


def test_large_prices_are_added_exactly():
    circuit = read(circuit_text([[1, 2], [-1, -2]]), 3)
    prices = [0, 10**17, 0, 10**17 + 1, 0, 10**17]
    found = circuit.least(prices, [3])
    assert found is not None
    assert (found.least, found.chosen[circuit.place(2)]) == (2 * 10**17, 2 * 10**17 + 1)
    with pytest.raises(ValueError, match="more than the circuit can add exactly"):
        circuit.least([10**18] * 6, [])


@pytest.mark.parametrize("price", [1 << 61, -(1 << 63), 1 << 64])
def test_prices_that_are_too_large_are_refused(price):
    with pytest.raises(ValueError, match="more than the circuit can add exactly"):
        read(circuit_text([[1, 2]]), 2).least([price] * 4, [])


def test_assumptions_that_contradict_themselves_are_refused():
    with pytest.raises(ValueError, match="contradicts itself"):
        read(circuit_text([[1]]), 2).possible([2, -2])
    with pytest.raises(ValueError, match="contradicts itself"):
        read(circuit_text([[1]]), 2).count([2, -2])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("o 2 0\nt 3 0\n2 3 0", "node 1, the root, is missing"),
        ("o 1 0\nt 2 0\n1 2 4 0", "line 3: a literal beyond the 3 variables"),
        ("o 1 0\nt 2 0\n1 2 1", "line 3: an edge ends with 0"),
        ("o 1 0\n1 2 1 0", "line 2: an edge from 1 to 2, one of which is not there yet"),
        ("o 1 0\nx 2 0", "line 2: invalid literal"),
        ("o 1 0\no 2 0\n1 2 0\n2 1 0", "is below itself"),
        ("o", "line 1: list index out of range"),
    ],
)
def test_a_text_that_is_no_circuit_is_refused_with_its_line(text, said):
    with pytest.raises(CircuitFault, match=said):
        read(text, 3)


def test_a_circuit_without_a_configuration_says_so():
    circuit = read("o 1 0\nf 2 0\n1 2 1 0", 1)
    assert circuit.possible([]) is None
    assert circuit.least([0, 0], []) is None
    assert circuit.count([]) == 0
