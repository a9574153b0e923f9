"""Laws of the configurator over random small models, against an oracle that looks at every point."""

from itertools import combinations

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from contracts.configuration import Decision, RequestedItem
from services.configurator.domain.answers.completing import completion
from services.configurator.domain.answers.configuring import configure
from services.configurator.domain.answers.explaining import conflict, conflicts, repairs
from services.configurator.domain.answers.options import options
from services.configurator.domain.prices.reasons import why
from tests.unit.configurator.small import a_pump, a_rule, bound, faults_of, meets, valid_points
from tests.unit.configurator.tabled import tables

LAWS = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

ATOMS = st.sampled_from(
    [
        "pump = low",
        "pump != high",
        "pump in {low, mid}",
        "motor = big",
        "motor in {small, medium}",
        "extras has sensor",
        "extras has valve",
        "count(extras) >= 1",
        "stages >= 2",
        "stages != 1",
        "stages in {0, 3}",
        "outdoor",
        "pump.power <= motor.power",
        "sum(power) <= 500[W]",
        "stages * pump.power < motor.power + 50[W]",
        "extras.power * 2 > 30[W]",
        "if(outdoor, 1, 2) * stages <= 4",
        "max(stages, count(extras)) = 2",
        "ceil(stages / 2) >= 1",
        "min(stages, 2) - 1 < 1",
        "-stages < -1",
        "motor.power / 300[W] >= 0.5",
    ]
)
RULES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or", "implies", "iff"]), inner).map(
            lambda each: f"({each[0]} {each[1]} {each[2]})"
        ),
        inner.map(lambda each: f"(not {each})"),
    ),
    max_leaves=3,
)
BUDGETS = st.sampled_from(
    [
        [],
        [
            {
                "id": "B-1",
                "label": "Power",
                "owner": "lab",
                "consumption": "pump.power * stages + extras.power",
                "capacity": "motor.power",
                "margin_percent": 15,
                "message": "The motor is too small.",
            }
        ],
    ]
)
ANSWERS = {
    "pump": ["low", "mid", "high"],
    "motor": ["small", "medium", "big"],
    "extras": [(), ("sensor",), ("valve",), ("sensor", "valve")],
    "stages": [0, 1, 2, 3],
    "outdoor": [False, True],
}


@st.composite
def models(draw):
    rules = draw(st.lists(RULES, min_size=1, max_size=5))
    return {
        "rules": [a_rule(text, number) for number, text in enumerate(rules)],
        "tables": draw(tables()),
        "budgets": draw(BUDGETS),
    }


@st.composite
def decisions(draw):
    names = draw(st.lists(st.sampled_from(list(ANSWERS)), unique=True, max_size=5))
    ordered = [each for each in ANSWERS if each in names]
    return tuple(
        Decision(
            attribute=name,
            value=draw(st.sampled_from(ANSWERS[name])),
            source=draw(st.sampled_from(["user", "requirement"])),
        )
        for name in ordered
    )


# The default first, then the options in order; a number moves from its default as little as it can.
PREFERENCES = [
    ("pump", ["low", "mid", "high"]),
    ("motor", ["small", "medium", "big"]),
    ("extras.sensor", [False, True]),
    ("extras.valve", [False, True]),
    ("stages", [1, 0, 2, 3]),
    ("outdoor", [False, True]),
]


def _has(point, name, wish):
    attribute, _, option = name.partition(".")
    return (option in point[attribute]) == wish if option else point[attribute] == wish


def feasible(points, some):
    return any(meets(point, some) for point in points)


@LAWS
@given(models(), decisions())
def test_an_option_is_selectable_exactly_if_a_valid_configuration_has_it(tree, some):
    valid = valid_points(a_pump(**tree))
    assume(feasible(valid, some))
    for state in options(bound(**tree), some).attributes:
        others = [each for each in some if each.attribute != state.attribute]
        taken = [each.value for each in some if each.attribute == state.attribute]
        for option in state.options:
            if state.kind != "multi":
                wanted = [point[state.attribute] == option.option for point in valid]
            elif taken:
                chosen = frozenset({*taken[0], option.option})
                wanted = [point[state.attribute] == chosen for point in valid]
            else:
                wanted = [option.option in point[state.attribute] for point in valid]
            possible = any(
                each and meets(point, others) for each, point in zip(wanted, valid, strict=True)
            )
            assert (state.attribute, option.option, option.selectable) == (
                state.attribute,
                option.option,
                possible,
            )
            assert (option.reason is None) == possible


@LAWS
@given(models(), decisions())
def test_an_option_is_deselectable_exactly_if_a_valid_configuration_is_without_it(tree, some):
    valid = valid_points(a_pump(**tree))
    assume(feasible(valid, some))
    for state in options(bound(**tree), some).attributes:
        others = [each for each in some if each.attribute != state.attribute]
        taken = [each.value for each in some if each.attribute == state.attribute]
        held = frozenset(taken[0]) if taken and state.kind == "multi" else None
        reached = [point[state.attribute] for point in valid if meets(point, others)]
        for option in state.options:
            if state.kind != "multi":
                without = any(each != option.option for each in reached)
            elif held is None:
                without = any(option.option not in each for each in reached)
            else:
                without = option.option not in held or held - {option.option} in reached
            assert (option.option, option.deselectable) == (option.option, without or not reached)
            assert (option.kept is not None) == (state.kind == "multi" and not option.deselectable)


@LAWS
@given(models(), decisions())
def test_an_impossible_option_names_decisions_that_really_exclude_it(tree, some):
    model = a_pump(**tree)
    assume(feasible(valid_points(model), some))
    for state in options(bound(**tree), some).attributes:
        if state.kind == "multi":
            continue
        for option in (each for each in state.options if not each.selectable):
            blamed = [each for each in some if each.attribute in option.conflicts_with]
            points = [
                point
                for point in valid_points(model, {rule.id for rule in option.rules})
                if point[state.attribute] == option.option
            ]
            assert not feasible(points, blamed)
            for spared in blamed:
                rest = [each for each in blamed if each != spared]
                everything = [
                    point
                    for point in valid_points(model)
                    if point[state.attribute] == option.option
                ]
                assert feasible(everything, rest)


@LAWS
@given(models(), decisions())
def test_a_conflict_is_minimal_in_decisions_and_in_rules(tree, some):
    model = a_pump(**tree)
    valid = valid_points(model)
    found = conflict(bound(**tree), some)
    assert (found is None) == feasible(valid, some)
    if found is None:
        return
    assert not feasible(valid_points(model, set(found.rules)), found.decisions)
    for spared in found.decisions:
        assert feasible(valid, [each for each in found.decisions if each != spared])
    for rule in found.rules:
        loosened = valid_points(model, set(found.rules) - {rule})
        assert feasible(loosened, found.decisions)


@LAWS
@given(models(), decisions())
def test_of_all_minimal_conflicts_as_many_are_told_as_there_are_up_to_three(tree, some):
    model = a_pump(**tree)
    valid = valid_points(model)
    subsets = [each for size in range(len(some) + 1) for each in combinations(some, size)]
    wrong = [set(each) for each in subsets if not feasible(valid, each)]
    minimal = [each for each in wrong if not any(other < each for other in wrong)]
    found = conflicts(bound(**tree), some)
    assert len(found) == min(3, len(minimal))
    assert len({each.decisions for each in found}) == len(found)
    for each in found:
        assert set(each.decisions) in minimal
        assert not feasible(valid_points(model, set(each.rules)), each.decisions)


@LAWS
@given(models(), decisions(), st.data())
def test_why_an_option_is_impossible_is_true_and_its_repairs_work(tree, some, data):
    product, model = bound(**tree), a_pump(**tree)
    assume(valid_points(model))
    name = data.draw(st.sampled_from(["pump", "motor", "stages", "outdoor"]))
    option = data.draw(st.sampled_from(ANSWERS[name]))
    others = [each for each in some if each.attribute != name]
    with_it = [point for point in valid_points(model) if point[name] == option]
    found = why(product, some, name, option)
    assert found.selectable == feasible(with_it, others) == (not found.reasons)
    assert bool(found.repairs) == (not found.selectable and bool(with_it))
    for repair in found.repairs:
        assert feasible(with_it, [each for each in others if each.attribute not in repair.drop])


@LAWS
@given(models(), decisions())
def test_a_repair_works_and_no_smaller_one_does(tree, some):
    valid = valid_points(a_pump(**tree))
    assume(valid)
    found = repairs(bound(**tree), some)
    smallest = next(
        size
        for size in range(len(some) + 1)
        if any(feasible(valid, rest) for rest in combinations(some, len(some) - size))
    )
    if smallest == 0:
        assert found == []
        return
    working = {
        drop
        for drop in combinations(some, smallest)
        if feasible(valid, [each for each in some if each not in drop])
    }
    assert found
    assert set(found) <= working
    assert len(found) == min(3, len(working))


@LAWS
@given(models(), decisions())
def test_a_completion_is_valid_and_keeps_every_decision(tree, some):
    model = a_pump(**tree)
    valid = valid_points(model)
    found = completion(bound(**tree), some)
    assert (found is None) == (not feasible(valid, some))
    if found is None:
        return
    assert [point for point in valid if meets(point, found.decisions)] != []
    assert meets({each.attribute: _plain(each.value) for each in found.decisions}, some)
    for each in found.decisions:
        left = {point[each.attribute] for point in valid if meets(point, some)}
        if each.attribute not in {given.attribute for given in some}:
            assert each.source == ("rule" if len(left) == 1 else "default")


@LAWS
@given(models(), decisions())
def test_exact_domains_are_what_valid_configurations_have(tree, some):
    valid = [point for point in valid_points(a_pump(**tree)) if meets(point, some)]
    assume(valid)
    product = bound(**tree)
    found = completion(product, some).domains
    for place, variable in enumerate(product.space.variables):
        for bit, value in enumerate(variable.values):
            if variable.option is None:
                seen = any(point[variable.attribute] == value for point in valid)
            else:
                seen = any((variable.option in point["extras"]) == value for point in valid)
            assert bool(found[place] >> bit & 1) == seen


@LAWS
@given(models(), decisions())
def test_completion_takes_the_first_possible_preference_in_the_order_of_the_model(tree, some):
    left = [point for point in valid_points(a_pump(**tree)) if meets(point, some)]
    assume(left)
    for name, wishes in PREFERENCES:
        wish = next(each for each in wishes if any(_has(point, name, each) for point in left))
        left = [point for point in left if _has(point, name, wish)]
    (expected,) = left
    found = completion(bound(**tree), some)
    assert {each.attribute: _plain(each.value) for each in found.decisions} == expected


@LAWS
@given(models(), decisions(), st.randoms(use_true_random=False))
def test_the_answer_does_not_depend_on_order_or_history(tree, some, random):
    assume(valid_points(a_pump(**tree)))
    product = bound(**tree)
    shuffled = list(some)
    random.shuffle(shuffled)
    first = RequestedItem(item_id="a", product="pump_skid", quantity="1", decisions=some)
    other = first.model_copy(update={"decisions": tuple(shuffled)})
    fresh = configure(bound(**tree), first).model_dump_json()
    assert configure(product, other).model_dump_json() == fresh
    options(product, product_decisions(product, shuffled))
    assert configure(product, first).model_dump_json() == fresh


VOID = "the rules exclude every configuration; loosen one of these: "


@LAWS
@given(models())
def test_the_lint_finds_void_models_and_dead_options(tree):
    model = a_pump(**tree)
    valid = valid_points(model)
    product = bound(**tree)
    faults = faults_of(product)
    if not valid:
        (words,) = faults
        told = set(words.removeprefix(VOID).split(", "))
        assert not valid_points(model, told)
        assert all(valid_points(model, told - {each}) for each in told)
        return
    for name in ("pump", "motor"):
        for option in ANSWERS[name]:
            dead = all(point[name] != option for point in valid)
            assert any(f"'{name}.{option}'" in each for each in faults) == dead
    for option in ("sensor", "valve"):
        dead = all(option not in point["extras"] for point in valid)
        assert any(f"'extras.{option}'" in each for each in faults) == dead


def product_decisions(product, some):
    return [each for name in product.space.attributes for each in some if each.attribute == name]


def _plain(value):
    return frozenset(value) if isinstance(value, tuple) else value
