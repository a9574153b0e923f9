"""Laws of every price over random books of all models, effects and stages: see drawing.py.

`make prove` holds a hundred thousand of them (tests/chaos/test_prices.py).
"""

import pickle
from collections import Counter
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.pricer.domain.asks.engines import NEWEST
from services.pricer.domain.prices.pricing import price
from tests.unit.pricer.drawing import Drawn, priced_part, steps, trace_of


@given(st.integers(0, 2**40))
@settings(max_examples=2000, deadline=None)
def test_every_book_and_basket_keeps_every_law(seed):
    Drawn(seed).lawful()


@given(st.integers(0, 2**40))
@settings(max_examples=100, deadline=None)
def test_what_a_book_has_kept_of_earlier_asks_changes_no_answer(seed):
    drawn = Drawn(seed)
    used = drawn.book()
    for other in range(4):
        ask = Drawn(seed + other).ask
        for day in (ask.day, ask.day + timedelta(days=200)):
            again = ask.model_copy(update={"day": day})
            fresh = price(again, drawn.book(), drawn.fx)
            assert trace_of(price(again, used, drawn.fx)) == trace_of(fresh)


def test_an_answer_is_written_as_it_is_read_again():
    for seed in range(60):
        drawn = Drawn(seed)
        found = priced_part(price(drawn.ask, drawn.book(), drawn.fx))
        if found is not None:
            for each in (*found.lines, found.totals, found.internal):
                text = each.model_dump_json()
                assert type(each).model_validate_json(text).model_dump_json() == text


def test_a_book_is_copied_without_what_it_has_kept():
    drawn = Drawn(7)
    used = drawn.book()
    found = trace_of(price(drawn.ask, used, drawn.fx))
    copied = pickle.loads(pickle.dumps(used))  # noqa: S301 - our own bytes
    assert trace_of(price(drawn.ask, copied, drawn.fx)) == found
    assert len(pickle.dumps(used)) == len(pickle.dumps(drawn.book()))


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
