"""Laws of every price over random books of all models, effects and stages: see drawing.py.

`make prove` holds a hundred thousand of them (tests/chaos/test_prices.py).
"""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from services.pricer.domain.asks.engines import NEWEST
from services.pricer.domain.prices.pricing import price
from tests.unit.pricer.drawing import Drawn, steps


@given(st.integers(0, 2**40))
@settings(max_examples=2000, deadline=None)
def test_every_book_and_basket_keeps_every_law(seed):
    Drawn(seed).lawful()


def test_what_is_drawn_reaches_every_model_effect_and_stage():
    models, effects, stages, answers = (Counter() for _ in range(4))
    for seed in range(250):
        drawn = Drawn(seed)
        models.update(each["price"]["model"] for each in drawn.document["entries"])
        effects.update(each["effect"]["kind"] for each in drawn.document["rules"])
        answers[drawn.lawful()] += 1
        found = price(drawn.ask, drawn.book(), drawn.fx)
        stages.update(step[0] for _, line in steps(found) for step in line)
    assert set(stages) == set(NEWEST.stages)
    assert len(models) == 7
    assert len(effects) == 10
    assert answers["whole"] > 60
    assert answers["rest"] > 20
