"""Conditions written as clauses: whatever their shape, a point meets them exactly if they hold."""

from hypothesis import given, settings
from hypothesis import strategies as st

from services.configurator.domain.solving import bounds as b
from services.configurator.domain.solving.constraints import Constraint
from services.configurator.domain.solving.descending import descent
from services.configurator.domain.solving.solver import Solver
from services.configurator.domain.solving.sums import Sum, staircase
from tests.unit.configurator.test_configurator_solver import a_space

WIDTHS = (2, 3, 4, 2)
LAWS = settings(max_examples=300, deadline=None)


def numbers():
    """Numbers of any shape that the language has."""
    leaves = st.one_of(
        st.integers(-3, 3).map(b.constant),
        *(
            st.lists(st.integers(-2, 3), min_size=width, max_size=width).map(
                lambda values, place=place: b.carried(place, values)
            )
            for place, width in enumerate(WIDTHS)
        ),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(b.total),
            inner.map(b.negative),
            inner.map(b.ceiling),
            st.tuples(inner, inner).map(lambda pair: b.times(*pair)),
            inner.map(lambda one: b.over(one, b.constant(3))),
            st.lists(inner, min_size=2, max_size=2).map(lambda pair: b.extreme(max, pair)),
            st.tuples(inner, inner, inner).map(
                lambda parts: b.choice(b.less(parts[0], b.constant(0), or_equal=True), *parts[1:])
            ),
        ),
        max_leaves=5,
    )


def conditions():
    """Comparisons of such numbers, and what logic makes of them."""
    compared = st.tuples(numbers(), numbers(), st.booleans()).map(
        lambda each: b.less(each[0], each[1], or_equal=each[2])
    )
    same = st.tuples(numbers(), numbers()).map(lambda pair: b.equal(*pair))
    chosen = st.tuples(st.sampled_from(range(4)), st.integers(0, 15)).map(
        lambda each: b.member(each[0], each[1] & ((1 << WIDTHS[each[0]]) - 1))
    )
    return st.recursive(
        compared | same | chosen,
        lambda inner: st.one_of(
            inner.map(b.inverse),
            st.lists(inner, min_size=1, max_size=4).map(lambda parts: b.extreme(min, parts)),
            st.lists(inner, min_size=1, max_size=4).map(lambda parts: b.extreme(max, parts)),
            st.tuples(inner, inner).map(lambda pair: b.equal(*pair)),
        ),
        max_leaves=5,
    )


def every_point():
    points = [[]]
    for width in WIDTHS:
        points = [[*point, 1 << value] for point in points for value in range(width)]
    return points


@given(conditions())
@LAWS
def test_a_condition_of_any_shape_is_met_by_exactly_the_points_where_it_holds(condition):
    solver = Solver(a_space(WIDTHS), [Constraint("R", condition.places, condition)], [1] * 4)
    for point in every_point():
        found = solver.solve(dict(enumerate(point)))
        assert found == (point if condition(point)[0] == 1 else None)


def test_round_numbers_make_a_small_diagram():
    """Thirty radios of 10, 20 or 40 W below 300 W leave few different rests."""
    watts = {1: 0, 2: 10, 4: 20, 8: 40}
    question = staircase(Sum(-300, dict.fromkeys(range(30), watts)), below=False)
    assert question.most == 30
    diagram = descent(question, 1_000)
    assert diagram is not None
    assert len(diagram.branches) < 31 * 30


def test_a_diagram_that_grows_too_large_is_not_made():
    """Doubling numbers leave a different rest each time."""
    doubling = {place: {1: 0, 2: 3**place} for place in range(20)}
    assert descent(staircase(Sum(-(3**18), doubling), below=False), 10) is None
