"""A short fuzz of both parsers; `make prove` does it for minutes."""

import pytest
from hypothesis import HealthCheck, given, settings

from services.configurator.domain.language import expression
from services.configurator.domain.uvl import text as uvl
from tests.unit.configurator import fuzzing
from tests.unit.configurator.texts import EXPRESSIONS, feature_models

SHORT = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
FEW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@given(fuzzing.EXPRESSION_TEXTS)
@SHORT
def test_any_expression_is_read_or_refused(text):
    fuzzing.reads_an_expression(text)


@given(EXPRESSIONS)
@SHORT
def test_what_the_grammar_writes_is_read(text):
    try:
        expression.parse(text)
    except expression.ExpressionFault as fault:
        assert "split it" in fault.message  # noqa: PT017 - longer or deeper than anybody writes


@given(fuzzing.EXPRESSION_TEXTS.filter(lambda each: 0 < len(each) <= expression.MAX_LENGTH))
@FEW
def test_any_rule_is_bound_or_refused_by_its_id(text):
    fuzzing.binds_a_rule(text)


@given(fuzzing.UVL_TEXTS)
@SHORT
def test_any_uvl_is_read_or_refused(text):
    fuzzing.reads_uvl(text)


@given(feature_models())
@SHORT
def test_a_feature_model_is_read_with_all_its_features(model):
    text, names = model
    assert [each.name for each in uvl.parse(text).root.all()] == names


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5_000,
        "not " * 1_000 + "a",
        "-" * 1_999,
        "a." * 999,
        "1" * 2_000,
        "x in {" + "a, " * 600,
        "if(" * 600,
        "a implies " * 199 + "a",
        "9" * 12 + "." + "9" * 9,
        "\u0661 + \u0662",
        "a\u2028and b",
    ],
)
def test_what_is_hostile_is_refused_or_read_at_once(text):
    fuzzing.reads_an_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "features\n" + "".join("\t" * each + "a\n" for each in range(1, 900)),
        "features\n\ta\nconstraints\n\t" + "(" * 3_000,
        "features\n\ta\nconstraints\n\t" + "!" * 3_000 + "a\n",
        "features\n\ta\nconstraints\n\t" + "a => " * 3_000 + "a\n",
        "features\n\ta\nconstraints\n\t" + "a & " * 3_000 + "a\n",
        "features\n\ta\nconstraints\n\t" + "1 + " * 3_000 + "1 > 0\n",
        "features\n\ta\nconstraints\n\t" + " - " * 3_000 + "1 > 0\n",
        "features\n\ta " + "{b " * 3_000,
        "features\n\ta {b " + "[" * 3_000,
        "features\n\ta\n\t\t[0..999999999]\n\t\t\tb\n",
        "features\n\ta {b 999999999999999.999999999}\nconstraints\n\ta.b * a.b * a.b > 1\n",
        "features\n  a\n    or\n\tb\n      c\n",
        '"' * 5_001,
        "/" * 100_000,
        "\n" * 100_000,
    ],
)
def test_a_hostile_uvl_is_refused_or_read_at_once(text):
    fuzzing.reads_uvl(text)
