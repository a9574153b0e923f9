"""Laws of components: flattened, a model answers as one that tries every list of instances."""

from collections import Counter
from itertools import product as every

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from contracts.configuration import ConfiguredItem, Decision, RequestedItem
from services.configurator.domain.answers.configuring import configure
from services.configurator.domain.answers.explaining import conflict, repairs
from services.configurator.domain.answers.options import options
from services.configurator.domain.solving import bounds as b
from services.configurator.domain.solving.space import bits
from services.configurator.domain.solving.variables import RunningTotal
from tests.unit.configurator.assembled import (
    INNER,
    OUTER,
    bound,
    every_skid,
    flat_answers,
    parts_of,
    valid_skids,
)
from tests.unit.configurator.small import faults_of

LAWS = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
SHAPES = st.fixed_dictionaries(
    {
        "count": st.sampled_from([(0, 2), (1, 2), (2, 2), (0, 1)]),
        "valves": st.sampled_from([(0, 1), (1, 1)]),
    }
)
RULES = st.fixed_dictionaries(
    {
        "inner": st.lists(st.sampled_from(list(INNER)), unique=True, max_size=2),
        "outer": st.lists(st.sampled_from(list(OUTER)), unique=True, max_size=2),
    }
)
ANSWERS = {
    "motor": ["weak", "strong"],
    "line": [0, 1, 2],
    "line_1_size": ["small", "big"],
    "line_1_ports": [1, 2],
    "line_1_gauges": [(), ("dial",)],
    "line_1_valve": [0, 1],
    "line_1_valve_1_manual": [False, True],
    "line_2_size": ["small", "big"],
    "line_2_ports": [1, 2],
    "line_2_gauges": [(), ("dial",)],
    "line_2_valve": [0, 1],
    "line_2_valve_1_manual": [False, True],
}


@st.composite
def decisions(draw, product):
    """Some answers that fit the model, in its order."""
    names = draw(st.lists(st.sampled_from(list(product.space.attributes)), unique=True, max_size=4))
    found = []
    for name in product.space.attributes:
        if name in names:
            attribute = product.space.attributes[name]
            low, high = getattr(attribute, "range", (0, 0))
            known = [
                each for each in ANSWERS[name] if attribute.kind != "integer" or low <= each <= high
            ]
            value = draw(st.sampled_from(known))
            found.append(Decision(attribute=name, value=value, source="user"))
    return tuple(found)


def meets(answers, some):
    return all(answers.get(each.attribute) == each.value for each in some)


def item(some=()):
    return RequestedItem(item_id="i-1", product="skid", quantity="1", decisions=tuple(some))


@LAWS
@given(SHAPES, RULES, st.data())
def test_an_option_of_an_instance_is_selectable_exactly_if_a_valid_list_of_lines_has_it(
    shape, rules, data
):
    product = bound(**shape, **rules)
    some = data.draw(decisions(product))
    valid = [flat_answers(each) for each in valid_skids(**shape, **rules)]
    assume(any(meets(each, some) for each in valid))
    answer = options(product, some)
    for state in answer.attributes:
        others = [each for each in some if each.attribute != state.attribute]
        held = next((each.value for each in some if each.attribute == state.attribute), ())
        for each in state.options:
            wanted = each.option
            if state.kind == "multi":
                wanted = (each.option,)
                assert held in {(), wanted}
            possible = any(
                meets(point, others)
                and point.get(state.attribute) == wanted
                and type(point[state.attribute]) is type(wanted)
                for point in valid
            )
            assert each.selectable == possible, (state.attribute, each.option)


@LAWS
@given(SHAPES, RULES, st.data())
def test_what_is_configured_is_a_valid_list_of_lines_with_exactly_its_parts(shape, rules, data):
    product = bound(**shape, **rules)
    some = data.draw(decisions(product))
    every_valid = valid_skids(**shape, **rules)
    assume(every_valid)
    valid = [each for each in every_valid if meets(flat_answers(each), some)]
    answer = configure(product, item(some))
    assert isinstance(answer, ConfiguredItem) == bool(valid)
    if valid:
        named = {each.attribute: each.value for each in answer.decisions}
        (skid,) = (each for each in valid if flat_answers(each) == named)
        listed = {each.sku: int(each.quantity.root) for each in answer.bill_of_materials}
        assert listed == parts_of(skid)
    else:
        assert answer.code == "configuration.contradiction"


@LAWS
@given(SHAPES, RULES, st.data())
def test_a_conflict_over_instances_is_minimal_and_its_repairs_mend(shape, rules, data):
    product = bound(**shape, **rules)
    some = data.draw(decisions(product))
    valid = [flat_answers(each) for each in valid_skids(**shape, **rules)]
    assume(valid and not any(meets(each, some) for each in valid))
    clash = conflict(product, some)
    assert clash is not None
    rules = [n for n, rule in enumerate(product.solver.constraints) if rule.id in clash.rules]
    assert len(rules) == len(clash.rules)
    for gone in clash.decisions:
        assert _holds(product, [each for each in clash.decisions if each != gone], rules)
    for gone in rules:
        assert _holds(product, clash.decisions, [each for each in rules if each != gone])
    for drop in repairs(product, some):
        kept = [each for each in some if each not in drop]
        assert any(meets(each, kept) for each in valid)
        smaller = [each for each in some if each not in drop[1:]]
        assert not any(meets(each, smaller) for each in valid)


def _holds(product, some, rules):
    asked = [product.space.of_answer(each.attribute, each.value) for each in some]
    together = {place: mask for each in asked for place, mask in each.items()}
    return product.solver.solve(together, rules) is not None


@LAWS
@given(SHAPES, RULES)
def test_a_dead_option_is_told_once_and_only_if_no_instance_can_have_it(shape, rules):
    product = bound(**shape, **rules)
    valid = [flat_answers(each) for each in valid_skids(**shape, **rules)]
    assume(valid)
    faults = faults_of(product)
    sizes = {value for each in valid for name, value in each.items() if name.endswith("_size")}
    suffix = "can never be chosen; remove it or loosen the rules against it (component 'line')"
    for size in ("small", "big"):
        assert faults.count(f"'size.{size}' {suffix}") == (size not in sizes)
    dials = any(value == ("dial",) for each in valid for value in each.values())
    assert faults.count(f"'gauges.dial' {suffix}") == (not dials)


@LAWS
@given(RULES)
def test_every_valid_list_of_lines_is_exactly_one_point_of_the_flat_space(rules):
    shape = {"count": (0, 1), "valves": (0, 1)}
    product = bound(**shape, **rules)
    found = Counter()
    for point in every(*(list(bits(mask)) for mask in product.space.full())):
        if all(each.holds(list(point)) for each in product.solver.constraints):
            named = {
                each: product.space.answer(each, point)
                for each in product.space.attributes
                if product.space.is_there(each, point)
            }
            found[tuple(named.items())] += 1
    wanted = Counter(tuple(_ordered(product, each)) for each in valid_skids(**shape, **rules))
    assert found == wanted


def _ordered(product, skid):
    named = flat_answers(skid)
    return ((each, named[each]) for each in product.space.attributes if each in named)


@given(st.lists(st.lists(st.integers(1, 7), min_size=4, max_size=4), min_size=1, max_size=12))
def test_a_running_total_is_the_total_whatever_was_asked_before(asked):
    carried = [(frozenset({place}), b.carried(place, (place, 5, -3))) for place in (1, 2, 3)]
    both = (frozenset({0, 2}), b.times(b.carried(0, (1, 2, 3)), b.carried(2, (0, 4, 9))))
    parts = [*carried, both, carried[0]]
    running, plain = RunningTotal(parts), b.total([bounds for _, bounds in parts])
    assert [running(masks) for masks in asked] == [plain(masks) for masks in asked]


def test_the_oracle_tries_what_it_says():
    assert len(every_skid()) == 2 * (1 + 24 + 24 * 24)
