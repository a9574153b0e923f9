"""Tables as clauses: exactly the rows, each counted once."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.configurator.domain.solving import diagrams
from services.configurator.domain.solving.diagrams import Encoding, reduced, smallest
from services.configurator.domain.solving.nnf import read
from tests.unit.configurator.compiler import circuit_text

LAWS = settings(max_examples=200, deadline=None)


@st.composite
def tabled(draw):
    """Up to four variables of up to four values, and tables over some of them."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    tables = []
    for _ in range(draw(st.integers(0, 3))):
        scope = draw(
            st.lists(st.sampled_from(range(len(sizes))), min_size=1, max_size=4, unique=True)
        )
        every = list(product(*(range(sizes[each]) for each in scope)))
        tables.append((scope, draw(st.lists(st.sampled_from(every), max_size=8))))
    return sizes, tables


def encoded(sizes, tables):
    values, top = {}, 0
    for number, size in enumerate(sizes):
        values[str(number)] = range(top + 1, top + size + 1)
        top += size
    found = Encoding(values)
    for scope, rows in tables:
        found.add([str(each) for each in scope], rows)
    return found, top


@pytest.mark.parametrize("pairs", [40, 1], ids=["pairs", "chain"])
@given(tabled())
@LAWS
def test_tables_leave_exactly_their_rows_and_count_each_once(pairs, given_):
    sizes, tables = given_
    kept, diagrams.PAIRS_MAX = diagrams.PAIRS_MAX, pairs
    try:
        found, options = encoded(sizes, tables)
    finally:
        diagrams.PAIRS_MAX = kept
    points = [
        point
        for point in product(*(range(size) for size in sizes))
        if all(tuple(point[each] for each in scope) in rows for scope, rows in tables)
    ]
    clauses = [list(each) for each in found.clauses]
    circuit = read(circuit_text(clauses) if [] not in clauses else "o 1 0\nf 2 0", found.top)

    possible = circuit.possible([])

    assert circuit.count([]) == len(points)
    assert (possible is None) == (not points)
    if possible is not None:
        firsts = [sum(sizes[:each]) for each in range(len(sizes))]
        can = {firsts[place] + value for point in points for place, value in enumerate(point)}
        assert {each for each in range(options) if possible[2 * each + 1]} == can


@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=20))
@LAWS
def test_a_diagram_has_the_rows_as_its_paths_and_no_two_nodes_alike(rows):
    for diagram in (reduced(rows, (0, 1, 2)), reduced(rows, (2, 0, 1)), smallest(rows)):
        assert len(diagram.layers[0]) == 1
        paths = [((), 0)]
        for layer in diagram.layers:
            assert len(set(layer)) == len(layer)
            paths = [((*path, value), below) for path, at in paths for value, below in layer[at]]
        back = [diagram.columns.index(each) for each in range(3)]
        assert sorted(tuple(path[each] for each in back) for path, _ in paths) == sorted(set(rows))


def test_rows_that_go_on_alike_share_their_nodes():
    rows = list(product(range(10), repeat=4))
    assert reduced(rows, (0, 1, 2, 3)).size() == 4
