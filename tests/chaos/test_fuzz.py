"""Both parsers under minutes of texts that nobody would write; FUZZ_SECONDS says how many each.

A run begins with the seed that it prints, so that a failing one can be repeated: FUZZ_SEED.
"""

import os
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.unit.configurator import fuzzing

SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))
SEED = int(os.environ.get("FUZZ_SEED") or random.SystemRandom().randrange(1_000_000))
ROUND = settings(
    max_examples=500,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
RULES = fuzzing.EXPRESSION_TEXTS.filter(lambda each: 0 < len(each) <= 2_000)


@pytest.mark.prove
@pytest.mark.parametrize(
    ("texts", "holds"),
    [
        pytest.param(fuzzing.EXPRESSION_TEXTS, fuzzing.reads_an_expression, id="expressions"),
        pytest.param(RULES, fuzzing.binds_a_rule, id="rules"),
        pytest.param(fuzzing.UVL_TEXTS, fuzzing.reads_uvl, id="uvl"),
    ],
)
def test_every_text_is_read_or_refused_in_words(
    texts: Any, holds: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    until, number = time.monotonic() + SECONDS, SEED
    while number == SEED or time.monotonic() < until:
        seed(number)(ROUND(given(texts)(holds)))()
        number += 1
    with capsys.disabled():
        print(f"\n{holds.__name__}: {500 * (number - SEED)} texts, FUZZ_SEED={SEED}")
