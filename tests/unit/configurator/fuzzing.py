"""What every text must meet, whoever wrote it: it is read, or refused in words, in bounded time."""

import time

from hypothesis import strategies as st

from services.configurator.domain.language import expression
from services.configurator.domain.products.product import ModelRefused
from services.configurator.domain.uvl import features
from services.configurator.domain.uvl import text as uvl
from services.configurator.domain.uvl.text import UvlFault
from tests.unit.configurator.small import a_rule, bound
from tests.unit.configurator.texts import EXPRESSIONS, WORD_SALADS, feature_models, spoilt

# One text; a bound against hanging, on a machine that has other work.
SECONDS_MAX = 5.0

EXPRESSION_TEXTS = st.one_of(st.text(max_size=300), WORD_SALADS, EXPRESSIONS, spoilt(EXPRESSIONS))
UVL_TEXTS = st.one_of(
    st.text(max_size=300), spoilt(feature_models().map(lambda each: each[0])), WORD_SALADS
)


def reads_an_expression(text):
    """Hold the parser of expressions to the text: a tree, or a fault that says something."""
    began = time.monotonic()
    try:
        expression.parse(text)
    except expression.ExpressionFault as fault:
        assert fault.message  # noqa: PT017 - one of two outcomes, both good
    assert time.monotonic() - began < SECONDS_MAX


def binds_a_rule(text):
    """Hold a whole model to a rule of this text: it is bound, or refused under the rule's id."""
    began = time.monotonic()
    try:
        bound(rules=[a_rule(text)])
    except ModelRefused as refused:
        assert all(each.startswith("rule R-1: ") for each in refused.faults)  # noqa: PT017
    assert time.monotonic() - began < SECONDS_MAX


def reads_uvl(text):
    """Hold the reader of UVL and its binder to the text: a model, or a fault that says something."""
    began = time.monotonic()
    try:
        features.bound(uvl.parse(text))
    except UvlFault as fault:
        assert fault.message  # noqa: PT017
    assert time.monotonic() - began < SECONDS_MAX
