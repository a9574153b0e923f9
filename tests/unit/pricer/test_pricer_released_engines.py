"""A price of a released engine is the same bytes for ever: samples that were frozen with its own code.

`released/waterfall_1.json`: random books and baskets; `.telecom.json`: baskets for the example's
books, which lie in the catalogue; `.trace.json`: one whole trace.
"""

import json
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from services.pricer.domain.asks.ask import PriceAsk, Priced
from services.pricer.domain.asks.engines import ENGINES, NEWEST
from services.pricer.domain.books.book import read_book, read_fx
from services.pricer.domain.books.compiled import compile_book
from services.pricer.domain.prices.pricing import Unpriced, price
from tests.unit.pricer.basket import a_book, an_ask, an_item, problems, the_fx

RELEASED = Path(__file__).parent / "released"
TELECOM = Path(__file__).parents[3] / "catalogs" / "telecom"
RANDOM = json.loads((RELEASED / "waterfall_1.json").read_text())
EXAMPLE = json.loads((RELEASED / "waterfall_1.telecom.json").read_text())


def held(case, found):
    """Hold an answer against a frozen one."""
    assert isinstance(found, Priced), found
    assert found.engine == "waterfall/1"
    assert str(found.totals.net) == case["net"]
    assert str(found.totals.sales_discount_percent) == case["sales_discount_percent"]
    assert found.input_sha256 == case["input_sha256"]
    assert sha256(found.trace).hexdigest() == case["trace_sha256"]


@pytest.mark.parametrize("sample", RANDOM["books"], ids=lambda sample: sample["book"]["id"])
def test_the_first_engine_gives_the_bytes_that_it_gave(sample):
    book, fx = compile_book(read_book(sample["book"])), read_fx(RANDOM["fx"])
    for case in sample["cases"]:
        held(case, price(PriceAsk.model_validate(case["ask"]), book, fx, "waterfall/1"))


def the_example(sample):
    """The book and the FX table of a sample, from the catalogue."""

    def document(folder, name):
        return yaml.safe_load((TELECOM / folder / f"{name}.yaml").read_text())

    book = read_book(document("price_books", sample["book"]))
    assert book.sha256 == sample["sha256"]
    fx = read_fx(document("fx", f"{sample['fx']}-{sample['fx_version']}"))
    return compile_book(book), fx


@pytest.mark.parametrize("sample", EXAMPLE, ids=lambda sample: sample["book"])
def test_quotes_of_the_example_books_are_priced_again_as_they_were(sample):
    book, fx = the_example(sample)
    for case in sample["cases"]:
        held(case, price(PriceAsk.model_validate(case["ask"]), book, fx, "waterfall/1"))


def test_a_whole_trace_of_the_first_engine_is_kept():
    whole = (RELEASED / "waterfall_1.trace.json").read_bytes()
    digests = {case["trace_sha256"] for book in RANDOM["books"] for case in book["cases"]}
    assert sha256(whole).hexdigest() in digests
    assert json.loads(whole)["engine"] == "waterfall/1"


@pytest.mark.parametrize("sample", EXAMPLE, ids=lambda sample: sample["book"])
def test_the_newest_engine_prices_the_example_books_alike(sample):
    """What the engines differ in these books do not have: another name, more stages and fields."""
    book, fx = the_example(sample)
    for case in sample["cases"]:
        ask = PriceAsk.model_validate(case["ask"])
        old, new = (price(ask, book, fx, engine) for engine in ENGINES)
        assert (old.lines, old.totals, old.internal) == (new.lines, new.totals, new.internal)
        assert new.engine == NEWEST.name
        assert old.input_sha256 != new.input_sha256


def test_an_engine_that_is_not_there_is_said_by_name():
    found = price(an_ask(an_item(("RRU", "1"))), compile_book(a_book()), the_fx(), "waterfall/0")
    assert isinstance(found, Unpriced)
    (fault,) = found.problems
    assert (fault.code, fault.field) == ("pricer.unknown_engine", "engine")
    assert fault.message == (
        "there is no engine 'waterfall/0'; use one of waterfall/1, waterfall/2"
    )
    assert not problems(an_ask(an_item(("GHOST", "1"))))[0].message.startswith("there is no engine")
