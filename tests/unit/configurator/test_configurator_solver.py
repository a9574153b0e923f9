"""The solver: verdicts equal brute force, proofs suffice, what was learned changes nothing."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.configurator.domain.language.model import IntegerAttribute
from services.configurator.domain.solving import bounds as b
from services.configurator.domain.solving import solver as solving
from services.configurator.domain.solving import writing
from services.configurator.domain.solving.constraints import Constraint, Forbidden
from services.configurator.domain.solving.effort import SearchBound
from services.configurator.domain.solving.repairing import minimum_repairs
from services.configurator.domain.solving.solver import Solver
from services.configurator.domain.solving.space import Space, bits

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
    asked = draw(st.sets(st.integers(0, len(widths) - 1)))
    domains = {place: draw(st.integers(1, (1 << widths[place]) - 1)) for place in sorted(asked)}
    return widths, rules, domains


def a_solver(widths, rules):
    made = [
        forbidden(each[1]) if each[0] == "not" else weighed(each[1], each[2], exactly=each[3])
        for each in rules
    ]
    return Solver(a_space(widths), made, [1] * len(widths))


def meets(rule, point):
    if rule[0] == "not":
        return tuple(point) != tuple(rule[1])
    total = sum(weight * value for weight, value in zip(rule[1], point, strict=True))
    return total == rule[2] if rule[3] else total <= rule[2]


def every(widths, domains):
    """All points inside the domains, as numbers."""
    points = [[]]
    for place, width in enumerate(widths):
        mask = domains.get(place, (1 << width) - 1)
        points = [[*point, bit.bit_length() - 1] for point in points for bit in bits(mask)]
    return points


@pytest.fixture(params=["written down", "learned"], autouse=True)
def way(request, monkeypatch):
    """Both ways a sum gets into the solver: all clauses at once, or each where it matters."""
    if request.param == "learned":
        monkeypatch.setattr(writing, "CASES_MAX", 0)


@given(questions())
@LAWS
def test_possible_values_are_those_of_the_points_that_meet_every_rule(asked):
    widths, rules, domains = asked
    solver = a_solver(widths, rules)
    valid = [point for point in every(widths, domains) if all(meets(each, point) for each in rules)]

    found = solver.solve(domains)

    assert (found is None) == (not valid)
    if found is not None:
        assert [mask.bit_length() - 1 for mask in found] in valid
        expected = [sum({1 << point[at] for point in valid}) for at in range(len(widths))]
        assert solver.possible(domains, found) == expected


@given(questions())
@LAWS
def test_a_valid_point_with_one_value_changed_is_admitted_exactly_if_it_meets_every_rule(asked):
    widths, rules, domains = asked
    solver = a_solver(widths, rules)
    point = solver.solve(domains)
    if point is None:
        return
    numbers = [mask.bit_length() - 1 for mask in point]
    for place, width in enumerate(widths):
        for value in range(width):
            changed = [*numbers[:place], value, *numbers[place + 1 :]]
            expected = all(meets(each, changed) for each in rules)
            assert solver.admits(point, {place: 1 << value}) == expected


@given(questions())
@LAWS
def test_a_clash_is_a_contradiction_and_none_without_any_one_of_its_members(asked):
    widths, rules, domains = asked
    wishes = [{place: mask} for place, mask in domains.items()]
    hard, soft = wishes[:1], wishes[1:]

    found = a_solver(widths, rules).clash(hard[0] if hard else {}, soft)

    def clashes(kept, held):
        inside = {place: mask for each in [*hard, *kept] for place, mask in each.items()}
        return not any(all(meets(each, point) for each in held) for point in every(widths, inside))

    if found is None:
        assert not clashes(soft, rules)
        return
    kept, held = [soft[each] for each in found.wishes], [rules[each] for each in found.rules]
    assert clashes(kept, held)
    for each in kept:
        assert not clashes([other for other in kept if other is not each], rules)
    for number in found.rules:
        assert not clashes(kept, [rules[other] for other in found.rules if other != number])


@given(st.lists(questions(), min_size=2, max_size=2))
@LAWS
def test_what_was_asked_before_changes_no_answer(asked):
    (widths, rules, domains), (_, _, others) = asked
    fresh, used = a_solver(widths, rules), a_solver(widths, rules)
    wishes = [{place: mask} for place, mask in domains.items()]
    for place, mask in others.items():
        if place < len(widths):
            used.clash({place: mask % (1 << widths[place]) or 1}, wishes)
            used.solve({place: mask % (1 << widths[place]) or 1})

    one, other = fresh.solve(domains), used.solve(domains)

    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert fresh.possible(domains, one) == used.possible(domains, other)
    assert fresh.clash({}, wishes) == used.clash({}, wishes)


def test_even_numbers_never_sum_to_an_odd_one_and_a_sum_that_is_written_down_says_so():
    odd = weighed([2, 4, 6, 8, 10, 12], 67, exactly=True)
    if writing.CASES_MAX:
        assert Solver(a_space([21] * 6), [odd], [1] * 6).solve({}) is None


def test_a_question_that_needs_too_many_lemmas_is_undecided(monkeypatch):
    """Even numbers never sum to an odd one, but where it is learned that must be tried out."""
    monkeypatch.setattr(writing, "CASES_MAX", 0)
    solver = Solver(a_space([21] * 6), [weighed([2, 4, 6, 8, 10, 12], 67, exactly=True)], [1] * 6)
    with pytest.raises(SearchBound, match="decide more attributes first"):
        solver.solve({})


def test_what_is_learned_is_forgotten_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(solving, "KEPT_MAX", 3)
    monkeypatch.setattr(writing, "CASES_MAX", 0)
    solver = Solver(a_space([8] * 3), [weighed([1, 1, 1], 11, exactly=True)], [1] * 3)
    found = solver.solve({})
    assert found is not None
    assert solver.possible({}, found) == [255] * 3


def test_too_many_repairs_are_undecided_and_not_enumerated_for_ever():
    """Twenty pairs that exclude each other have a million smallest repairs."""
    pairs = [Forbidden(f"P-{at}", [((2 * at, 2), (2 * at + 1, 2))]) for at in range(20)]
    solver = Solver(a_space([2] * 40), pairs, [1] * 40)
    with pytest.raises(SearchBound, match="in too many ways"):
        minimum_repairs(solver, {}, [{place: 2} for place in range(40)])
    assert len(minimum_repairs(solver, {}, [{place: 2} for place in range(12)])) == 2**6


def test_other_threads_run_while_a_hard_question_is_asked(monkeypatch):
    """Eleven pigeons do not fit into ten holes, and a solver takes its time to see it."""
    monkeypatch.setattr(solving, "SLICES_MAX", 12)
    pigeons, holes = 11, 10

    def place(pigeon, hole):
        return pigeon * holes + hole

    rules = [
        Forbidden(f"P-{each}", [tuple((place(each, hole), 1) for hole in range(holes))])
        for each in range(pigeons)
    ]
    rules += [
        Forbidden(f"H-{hole}", [((place(one, hole), 2), (place(other, hole), 2))])
        for hole in range(holes)
        for one, other in combinations(range(pigeons), 2)
    ]
    solver = Solver(a_space([2] * pigeons * holes), rules, [1] * pigeons * holes)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(solver.solve, {})
        turns = 0
        while not asked.done():
            turns += 1
    assert isinstance(asked.exception(), SearchBound)
    assert turns > 10


def test_a_process_that_holds_a_solver_ends_without_a_complaint():
    code = (
        "from tests.unit.configurator.test_configurator_solver import Solver, a_space\n"
        "import threading\n"
        "threading.kept = Solver(a_space([2]), [], [1])\n"
        "threading.kept.solve({})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
