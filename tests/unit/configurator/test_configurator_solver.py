"""The solver: verdicts equal brute force, proofs suffice, what was learned changes nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.configurator.domain import bounds as b
from services.configurator.domain import solver as solving
from services.configurator.domain.constraints import Constraint
from services.configurator.domain.model import IntegerAttribute
from services.configurator.domain.solver import Refutation, SearchBound, Solver
from services.configurator.domain.space import Space, bits

LAWS = settings(max_examples=150, deadline=None)
WIDTHS = st.lists(st.integers(1, 5), min_size=1, max_size=4)


def a_space(widths):
    return Space(
        [
            IntegerAttribute(
                id=f"n{at}", group="g", label="N", help="N", kind="integer", range=(0, width - 1)
            )
            for at, width in enumerate(widths)
        ]
    )


def weighed(weights, most, *, exactly=False):
    """The weights times the numbers come to at most, or exactly, so much."""
    parts = [
        b.times(b.constant(weight), b.integer(place, 0)) for place, weight in enumerate(weights)
    ]
    compared = (
        b.equal(b.total(parts), b.constant(most))
        if exactly
        else b.less(b.total(parts), b.constant(most), or_equal=True)
    )
    scope = [place for place, weight in enumerate(weights) if weight]
    return Constraint(f"SUM-{most}", scope, compared)


def forbidden(values):
    """Not all numbers at once have these values."""
    same = [b.equal(b.integer(place, 0), b.constant(value)) for place, value in enumerate(values)]
    return Constraint("NOT", range(len(values)), b.inverse(b.extreme(min, same)))


@st.composite
def questions(draw):
    """Widths, constraints as they are made, and domains."""
    widths = draw(WIDTHS)
    weights = st.lists(st.integers(-3, 3), min_size=len(widths), max_size=len(widths))
    sums = st.tuples(st.just("sum"), weights, st.integers(-4, 12), st.booleans())
    points = st.tuples(st.just("not"), st.tuples(*(st.integers(0, width - 1) for width in widths)))
    rules = draw(st.lists(sums | points, max_size=4))
    domains = [draw(st.integers(1, (1 << width) - 1)) for width in widths]
    return widths, rules, domains


def made(rules):
    return [
        forbidden(each[1]) if each[0] == "not" else weighed(each[1], each[2], exactly=each[3])
        for each in rules
    ]


def meets(rule, point):
    if rule[0] == "not":
        return tuple(point) != tuple(rule[1])
    total = sum(weight * value for weight, value in zip(rule[1], point, strict=True))
    return total == rule[2] if rule[3] else total <= rule[2]


def every(domains):
    """All points of the domains, as numbers."""
    points = [[]]
    for mask in domains:
        points = [[*point, bit.bit_length() - 1] for point in points for bit in bits(mask)]
    return points


@pytest.fixture(params=["written down", "learned"], autouse=True)
def way(request, monkeypatch):
    """Both ways a rule gets into the solver: all clauses at once, or each where it matters."""
    monkeypatch.setattr(solving, "BOXES_MAX", 100 if request.param == "written down" else -1)


@given(questions())
@LAWS
def test_possible_values_are_those_of_the_points_that_meet_every_rule(asked):
    widths, rules, domains = asked
    solver = Solver(a_space(widths), made(rules), [1] * len(widths))
    valid = [point for point in every(domains) if all(meets(each, point) for each in rules)]

    found = solver.solve(domains)

    assert isinstance(found, Refutation) == (not valid)
    if not isinstance(found, Refutation):
        assert [mask.bit_length() - 1 for mask in found] in valid
        expected = [sum({1 << point[at] for point in valid}) for at in range(len(widths))]
        assert solver.possible(domains, found) == expected


@given(questions())
@LAWS
def test_a_refutation_needs_no_more_than_it_names(asked):
    widths, rules, domains = asked
    space = a_space(widths)
    found = Solver(space, made(rules), [1] * len(widths)).solve(domains)
    if isinstance(found, Refutation):
        named = [
            mask if place in found.places else full
            for place, (mask, full) in enumerate(zip(domains, space.full(), strict=True))
        ]
        held = [rules[number] for number in found.rules]
        assert not any(all(meets(each, point) for each in held) for point in every(named))


@given(questions(), st.lists(st.integers(0, 3), max_size=4))
@LAWS
def test_rules_that_do_not_count_are_not_met(asked, counting):
    widths, rules, domains = asked
    active = {each for each in counting if each < len(rules)}
    found = Solver(a_space(widths), made(rules), [1] * len(widths)).solve(domains, active)
    valid = any(all(meets(rules[each], point) for each in active) for point in every(domains))
    assert isinstance(found, Refutation) != valid


@given(st.lists(questions(), min_size=2, max_size=2))
@LAWS
def test_what_was_asked_before_changes_no_verdict(asked):
    (widths, rules, domains), (_, _, others) = asked
    fresh, used = (Solver(a_space(widths), made(rules), [1] * len(widths)) for _ in range(2))
    for place, mask in enumerate(others[: len(widths)]):
        full = (1 << widths[place]) - 1
        used.solve([*domains[:place], mask & full or full, *domains[place + 1 :]])
        used.solve(domains, set(range(len(rules) // 2)))

    one, other = fresh.solve(domains), used.solve(domains)

    assert isinstance(one, Refutation) == isinstance(other, Refutation)
    if not isinstance(one, Refutation) and not isinstance(other, Refutation):
        assert fresh.possible(domains, one) == used.possible(domains, other)


def test_a_question_that_needs_too_many_lemmas_is_undecided():
    """Even numbers never sum to an odd one, but that must be tried out."""
    solver = Solver(a_space([21] * 6), [weighed([2, 4, 6, 8, 10, 12], 67, exactly=True)], [1] * 6)
    with pytest.raises(SearchBound, match="decide more attributes first"):
        solver.solve([(1 << 21) - 1] * 6)


def test_what_is_learned_is_forgotten_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(solving, "KEPT_MAX", 3)
    monkeypatch.setattr(solving, "BOXES_MAX", -1)
    solver = Solver(a_space([8] * 3), [weighed([1, 1, 1], 11, exactly=True)], [1] * 3)
    full = [255] * 3
    found = solver.solve(full)
    assert not isinstance(found, Refutation)
    possible = solver.possible(full, found)
    assert possible == [255] * 3
