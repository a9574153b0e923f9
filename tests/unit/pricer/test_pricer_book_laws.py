"""Laws of every price over random books of all models, effects and stages: see drawing.py.

`make prove` holds a hundred thousand of them (tests/chaos/test_prices.py).
"""

import pickle
from collections import Counter
from datetime import timedelta
from decimal import Decimal, localcontext

from hypothesis import given, settings
from hypothesis import strategies as st

from services.pricer.domain.asks.engines import NEWEST
from services.pricer.domain.books.allocation import largest_remainder
from services.pricer.domain.levers.breaks import next_breaks
from services.pricer.domain.levers.column import column
from services.pricer.domain.prices.pricing import price
from services.pricer.domain.what_ifs.trial import figures
from tests.unit.pricer.drawing import Drawn, kind_of, priced_part, steps, trace_of


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


def test_no_door_of_the_engine_hangs_on_the_context_of_its_thread():
    for seed in range(40):
        drawn = Drawn(seed)

        def answers(drawn=drawn):
            book, fx = drawn.book(), drawn.fx
            return (
                figures(drawn.ask, book, fx),
                column(drawn.ask, book, fx),
                next_breaks(drawn.ask, (book, fx), lambda ask: price(ask, book, fx)),
            )

        told = answers()
        with localcontext() as context:
            context.prec = 3
            assert answers() == told


def test_a_share_of_nothing_has_no_sign():
    cent = Decimal("0.01")
    parts = largest_remainder(cent, [Decimal(-1), Decimal(300)], cent)
    assert [str(part) for part in parts] == ["0.00", "0.01"]


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
        found = price(drawn.ask, drawn.book(), drawn.fx)
        answers[kind_of(found)] += 1
        stages.update(step[0] for _, line in steps(found) for step in line)
    assert set(stages) == set(NEWEST.stages)
    assert len(models) == 7
    assert len(effects) == 10
    assert answers["whole"] > 60
    assert answers["rest"] > 20
