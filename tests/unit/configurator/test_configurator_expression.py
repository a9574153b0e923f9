"""The expression language: what it reads, what it computes, and what it refuses in bounded time."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.configurator.domain.language.expression import (
    Binary,
    ExpressionFault,
    Has,
    Literal,
    Measure,
    Member,
    Name,
    Unary,
    parse,
)
from services.configurator.domain.language.units import UnitFault
from services.configurator.domain.solving.binding import Binder
from services.configurator.domain.solving.space import Space
from tests.unit.configurator.small import a_pump, every_point, value_of

MODEL = a_pump()
SPACE = Space(MODEL.attributes)


def bound(text):
    node = parse(text)
    binder = Binder(SPACE, MODEL.measures)
    return binder._bind(node)


def masks_at(point):
    masks = SPACE.full()
    for name, value in point.items():
        answer = tuple(sorted(value)) if isinstance(value, frozenset) else value
        for place, mask in SPACE.of_answer(name, answer).items():
            masks[place] = mask
    return masks


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        (
            "a or b and not c",
            Binary("or", Name("a"), Binary("and", Name("b"), Unary("not", Name("c")))),
        ),
        (
            "a implies b implies c",
            Binary("implies", Name("a"), Binary("implies", Name("b"), Name("c"))),
        ),
        ("1 - 2 - 3", Binary("-", Binary("-", Literal(1, ""), Literal(2, "")), Literal(3, ""))),
        ("1 + 2 * 3", Binary("+", Literal(1, ""), Binary("*", Literal(2, ""), Literal(3, "")))),
        ("x.power >= 25[Gbit/s]", Binary(">=", Measure("x", "power"), Literal(25, "Gbit/s"))),
        ("x in {a, b}", Member(Name("x"), (Name("a"), Name("b")))),
        ("x has a", Has("x", "a")),
    ],
)
def test_an_expression_reads_with_the_usual_precedence(text, tree):
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected a number, a name or '(' at position 1"),
        ("pump =", "expected a number, a name or '(' at position 7"),
        ("pump = low low", "expected an operator or the end at position 12"),
        ("(pump = low", "expected ')' at position 12"),
        ("pump = low; import os", "unexpected ';' at position 11"),
        ("__import__", "unexpected '_' at position 1"),
        ("pump in {}", "expected the id of an option or a number at position 10"),
        ("1 has x", "expected the name of a multi-choice attribute before 'has'"),
    ],
)
def test_a_malformed_expression_says_where_and_what_was_expected(text, words):
    with pytest.raises(ExpressionFault) as fault:
        parse(text)
    assert words in fault.value.message


@pytest.mark.parametrize(
    "text",
    [
        "(" * 500 + "1" + ")" * 500,
        "not " * 400 + "outdoor",
        "-" * 400 + "1",
        "outdoor implies " * 120 + "outdoor",
        "1 + " * 400 + "1",
        "x" * 3000,
        "max(" * 300 + "1" + ")" * 300,
    ],
)
def test_a_hostile_expression_is_refused_not_followed(text):
    with pytest.raises(ExpressionFault) as fault:
        parse(text)
    assert "split it" in fault.value.message or "unexpected" in fault.value.message


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="abn(){}[]<=>!+-*/., 019_orhasnotinimplies", max_size=120))
def test_any_text_is_read_or_refused_never_anything_else(text):
    with suppress(ExpressionFault, UnitFault):
        assert bound(text).kind in {"condition", "number"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pumpe = low", "unknown name 'pumpe'; did you mean pump?"),
        ("pump = lo", "'pump' has no option 'lo'; did you mean low?"),
        ("pump.powr > 1", "unknown measure 'powr'; did you mean power?"),
        ("pump.weight > 1[kg]", "no option of 'pump' carries the measure 'weight'"),
        ("extras = sensor", "'extras' is a multi-choice: write extras has <option>"),
        ("pump has low", "'pump' is not a multi-choice"),
        ("pump and outdoor", "'pump' is a choice: write pump = <option>"),
        ("stages and outdoor", "expected a condition, found a number"),
        ("outdoor + 1 = 2", "expected a number, found a condition"),
        ("count(pump) = 1", "count(...) takes a multi-choice attribute"),
        ("if(outdoor, 1) = 1", "if(...) takes 3 arguments"),
        ("1 / stages > 0", "the divisor can be zero or less"),
        ("pump.power > 3[Watt]", "unknown unit 'Watt'"),
    ],
)
def test_a_wrong_name_or_kind_says_what_to_write_instead(text, words):
    with pytest.raises(ExpressionFault) as fault:
        bound(text)
    assert words in fault.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pump.power > 3", "can not compare W and a plain number"),
        ("pump.power + stages > 3[W]", "can not add W and a plain number"),
        ("pump.power * pump.power > 3[W]", "can not multiply W and W"),
        ("sum(power) > 1[kg]", "can not compare W and kg"),
    ],
)
def test_units_that_do_not_go_together_are_refused(text, words):
    with pytest.raises(UnitFault) as fault:
        bound(text)
    assert words in fault.value.message


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("pump.power * 2", "W"),
        ("pump.power * 3[h]", "Wh"),
        ("100[MHz] * 7.8[bit/s/Hz]", "Mbit/s"),
        ("10[dBm] + 3[dBi] - 1[dB]", "dBm"),
        ("10[dBm] - 3[dBm]", "dB"),
        ("10[Wh] / 2[W]", "h"),
        ("pump.power / 1[W]", ""),
    ],
)
def test_units_multiply_and_divide_as_in_physics(text, unit):
    assert bound(text).unit == unit


@pytest.mark.parametrize(
    "text",
    [
        "sum(power) * 0.1 + stages * 1.5[W]",
        "if(outdoor and pump = low, pump.power / 3, motor.power - pump.power)",
        "max(pump.power, motor.power) - min(pump.power, motor.power)",
        "ceil(pump.power / 30[W]) * stages",
        "-stages + count(extras) * 2",
    ],
)
def test_bounds_are_exact_at_a_point_and_hold_everywhere(text):
    node, term = parse(text), bound(text)
    low, high = term.bounds(SPACE.full())
    for point in every_point(MODEL):
        expected = value_of(node, point, MODEL)
        assert term.bounds(masks_at(point)) == (expected, expected)
        assert low <= expected <= high
