"""The price waterfall: steps of real traces lead from list to net, and the bars show just them."""

import json
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import NotFound, Unavailable
from contracts.quote import PricedOffer
from contracts.values import EXACT
from services.pricer.domain.asks.trace import shown
from services.quotes.domain.waterfall import Bar, Step, fits, of_line, of_offer, plain, read
from services.quotes.pages import charts
from services.quotes.traces import KEPT_MAX, Traces
from services.quotes.views import waterfall_view
from tests.unit.pricer.test_pricer_laws import asks, books, priced_or_refused
from tests.unit.quotes.revisions import discount, item, line_of, revision

VIEWS = st.sampled_from(["seller", "internal", "customer"])


def offer_of(found: Any) -> PricedOffer:
    """Return the offer that a price makes."""
    return PricedOffer(
        items=(),
        lines=found.lines,
        totals=found.totals,
        discounts=(),
        book=found.book,
        fx=found.fx,
        fx_rate=found.fx_rate,
    )


def total(bars: tuple[Bar, ...]) -> Decimal:
    """Add the list price and all steps."""
    found = Decimal(0)
    for each in bars[:-1]:
        found = EXACT.add(found, each.amount)
    return found


def is_whole(bars: tuple[Bar, ...], listed: Decimal, net: Decimal) -> bool:
    """Say whether bars lead without a gap from list to net."""
    steps = bars[:-1]
    assert (bars[0].kind, bars[0].end, bars[-1].kind, bars[-1].end) == ("list", listed, "net", net)
    assert all(one.end == other.start for one, other in pairwise(steps))
    assert {each.kind for each in steps[1:]} <= {"up", "down"}
    return total(bars) == net


@given(asks(), books(), VIEWS)
@settings(max_examples=40, deadline=None)
def test_bars_add_up_to_the_net_price_whatever_was_priced(ask: Any, book: Any, view: Any) -> None:
    found = priced_or_refused(ask, book)
    if found is None:
        return
    offer = offer_of(found)
    trace = shown(json.loads(found.trace, parse_float=Decimal), view)
    steps = read(json.loads(json.dumps(trace, default=str)))
    assert steps is not None and fits(steps, offer)
    for known in (steps, None):
        for line in offer.lines:
            bars = of_line(line, known)
            assert is_whole(bars, line.list_total.amount, line.net_total.amount)
        whole = of_offer(offer, known)
        assert is_whole(whole, offer.totals.list.amount, offer.totals.net.amount)


AMOUNTS = st.decimals(-1000, 10_000_000, places=4)


@given(st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=1, max_size=12))
def test_bars_stay_in_their_drawing_and_have_a_size(ends: list[tuple[Decimal, Decimal]]) -> None:
    bars = [{"kind": "up", "start": f"{one}", "end": f"{other}"} for one, other in ends]
    drawn = charts.waterfall(bars)
    for row in drawn["rows"]:
        assert 0 <= row["x"] < 100
        assert 0 < row["width"] <= 100 - row["x"]
        assert row["y"] + drawn["bar"] < drawn["height"]


def test_without_steps_a_line_goes_from_list_over_its_discount_to_net() -> None:
    line = line_of(revision(item(), discounts=(discount("5"),)))
    assert [(each.label, f"{each.amount}") for each in of_line(line, None)] == [
        ("List", "570000.00"),
        ("Discount", "-28500.00"),
        ("Net", "541500.00"),
    ]


def test_without_a_discount_there_is_no_step() -> None:
    assert [each.kind for each in of_line(line_of(revision(item())), None)] == ["list", "net"]


def test_steps_of_one_stage_are_one_bar_of_the_whole_offer() -> None:
    found = revision(item(), item("micro", 10), discounts=(discount("5"),))
    assert found.price is not None
    steps = {
        1: (
            Step("header_discount", Decimal(-27500), "Share."),
            Step("volume", Decimal(-1000), "From 40 on."),
        ),
        2: (Step("header_discount", Decimal(-7125), "Share."),),
    }
    assert fits(steps, found.price.offer)
    assert [(each.label, f"{each.amount}") for each in of_offer(found.price.offer, steps)] == [
        ("List", "712500.00"),
        ("Volume price", "-1000.00"),
        ("Discount on the whole quote", "-34625.00"),
        ("Net", "676875.00"),
    ]


# ---- asking for them


class Pricer:
    """Stands for the pricer: answers what it is told to, and counts."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def ask(self, service: str, method: str, path: str, json: Any = None) -> bytes:
        assert (service, method, json) == ("pricer", "GET", None)
        self.asked.append(path)
        if isinstance(self.answer, Exception):
            raise self.answer
        found: bytes = self.answer
        return found


def trace_of(amount: str) -> bytes:
    """Return a trace with one step."""
    step = {"stage": "header_discount", "amount": amount, "sentence": "Share.", "note": None}
    return json.dumps({"lines": [{"line": 1, "steps": [step]}]}).encode()


PRICE = revision(item(), discounts=(discount("5"),)).price


def test_a_trace_is_asked_for_once_and_only_as_its_reader_may_see_it() -> None:
    assert PRICE is not None
    pricer = Pricer(trace_of("-28500.00"))
    traces = Traces(pricer)
    found = [traces.steps(PRICE, internal=False) for _ in range(3)]
    assert found == [{1: (Step("header_discount", Decimal("-28500.00"), "Share."),)}] * 3
    assert pricer.asked == [f"/pricer/traces/{PRICE.trace_sha256}?view=seller"]
    traces.steps(PRICE, internal=True)
    assert pricer.asked[1:] == [f"/pricer/traces/{PRICE.trace_sha256}?view=internal"]


@pytest.mark.parametrize(
    "answer",
    [
        Unavailable("pricer is not available now"),
        NotFound("no price trace is kept"),
        b"%PDF-1.7",
        b"[]",
        b"{}",
        b'{"lines": [{"line": 1}]}',
        b'{"lines": [{"line": 1, "steps": [[1, 2]]}]}',
        b'{"lines": [{"line": 1, "steps": [{"stage": "x", "amount": "much", "sentence": ""}]}]}',
        trace_of("-1.00"),
    ],
    ids=str,
)
def test_without_a_trace_that_fits_there_are_no_steps(answer: Any) -> None:
    assert PRICE is not None
    traces = Traces(Pricer(answer))
    assert traces.steps(PRICE, internal=False) is None
    view = waterfall_view(PRICE, None)
    assert view["has_steps"] is False
    assert [each["kind"] for each in view["whole"]] == ["list", "down", "net"]


def test_only_so_many_traces_are_kept() -> None:
    assert PRICE is not None
    pricer = Pricer(trace_of("-28500.00"))
    traces = Traces(pricer)
    for number in range(KEPT_MAX + 1):
        traces.steps(PRICE.but({"trace_sha256": f"{number:064x}"}), internal=False)
    traces.steps(PRICE.but({"trace_sha256": f"{0:064x}"}), internal=False)
    assert len(pricer.asked) == KEPT_MAX + 2


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("-28500.0000", "EUR", "-28500.00"),
        ("0.03750", "EUR", "0.0375"),
        ("1E+3", "EUR", "1000.00"),
        ("1180.0", "JPY", "1180"),
        ("0", "BHD", "0.000"),
    ],
)
def test_amounts_are_written_exactly(amount: str, currency: str, written: str) -> None:
    assert plain(Decimal(amount), currency) == written
