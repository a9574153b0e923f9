"""A past price is priced again from its facts alone: the same bytes, in any process, or the reason."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.envelope import Registry
from contracts.pricing import UPCASTERS, PricingFailed, QuotePriced
from contracts.quote import PricingRequested
from infra.memory import MemoryStore
from services.pricer.replay_api import replay_pinned
from tests.unit.pricer.basket import a_discount
from tests.unit.pricer.test_pricer_answers import SHELF, an_asked, answer

READS = Registry([PricingRequested, QuotePriced, PricingFailed], UPCASTERS)
ROOT = Path(__file__).parents[3]
EUR = {"currency": "EUR"}
TERMS = {
    "commercial": {
        "terms": [
            {"months": 36},
            {
                "months": 24,
                "item_id": "site",
                "rationale": "sites are built one by one",
                "ramp": [{"months": 12, "quantity": "1"}, {"months": 12, "percent": "7.5"}],
            },
        ]
    }
}
ASKS = [
    {},
    {"currency": "JPY", "customer_tier": "silver", "region": "APAC"},
    {"discounts": [a_discount("12.5", "site"), a_discount("3")]},
    {
        "discounts": [
            {"rationale": "as agreed", "item_id": "site", "sku": "QW-BBU-M18"}
            | {"unit_price": {"amount": "8000.00"} | EUR},
            {"rationale": "as agreed", "amount": {"amount": "1234.56"} | EUR},
        ]
    },
    TERMS,
]


@pytest.fixture
def store():
    return MemoryStore("pricer", READS)


def said(store, ask_id="quotes.quote/1/1", **changes):
    """An ask, its answer, and the trace that was kept with it."""
    asked = an_asked(**changes)
    fact = answer(store, asked, ask_id)
    assert isinstance(fact, QuotePriced), fact
    return asked, fact, store.body(fact.trace_sha256).content


@pytest.mark.parametrize("changes", ASKS)
def test_a_price_comes_out_of_its_facts_again(store, changes):
    found = replay_pinned(*said(store, **changes), SHELF)
    assert found.differences == ()
    assert found.trace_bytes > 1000


@pytest.mark.parametrize("changes", ASKS)
def test_a_price_whose_fact_is_of_version_1_comes_out_again_byte_for_byte(store, changes):
    """Version 2 only allows more charges: what was said before is said in the same bytes today."""
    asked, fact, trace = said(store, **changes)
    stored = fact.model_dump_json().encode()
    known = {each.charge for each in fact.lines} | {each.charge for each in fact.totals.by_charge}
    assert known <= {"one_time", "monthly", "yearly"}
    # As another writer spells it, so that it is parsed and not taken from memory.
    spelled = json.dumps(json.loads(stored)).encode()
    read = READS.read(QuotePriced.wire_type(), 1, spelled)
    assert read is not fact
    assert read.model_dump_json().encode() == stored
    assert replay_pinned(asked, read, trace, SHELF).is_same


def test_what_was_tampered_with_is_named(store):
    asked, fact, trace = said(store)
    lines = (fact.lines[0].but({"name": "Another"}), *fact.lines[1:])
    found = replay_pinned(asked, fact.but({"lines": lines}), trace, SHELF)
    assert found.differences == ("lines differ",)
    cheaper = asked.model_copy(update={"discounts": ()})
    assert len(replay_pinned(cheaper, fact, trace, SHELF).differences) > 3
    assert replay_pinned(asked, fact, trace + b" ", SHELF).differences == (
        "the kept trace has other bytes",
    )
    assert replay_pinned(asked, fact, None, SHELF).differences == (
        f"the trace {fact.trace_sha256[:12]} is not kept any more",
    )


def test_a_version_that_is_missing_is_said_by_name(store):
    asked, fact, trace = said(store)
    book = f"price book telecom-list version {fact.book.version} ({fact.book.sha256[:12]})"
    for shelf in (replace(SHELF, compiled={}), SHELF):
        pins = {} if shelf is not SHELF else {"book": fact.book.but({"sha256": "0" * 64})}
        found = replay_pinned(asked, fact.but(pins), trace, shelf)
        name = book if not pins else book.replace(fact.book.sha256[:12], "0" * 12)
        assert found.differences == (f"{name} is missing",)
    found = replay_pinned(asked, fact.but({"engine": "waterfall/0"}), trace, SHELF)
    assert found.differences == ("engine waterfall/0 is missing",)


def test_a_retired_book_still_proves_its_prices(store):
    asked, fact, trace = said(store)
    place = (fact.book.id, fact.book.version)
    retired = SHELF.books[place].but({"status": "retired"})
    compiled = replace(SHELF.compiled[place], book=retired)
    shelf = replace(
        SHELF, books={**SHELF.books, place: retired}, compiled={**SHELF.compiled, place: compiled}
    )
    assert replay_pinned(asked, fact, trace, shelf).is_same


@pytest.mark.parametrize(
    "place",
    [
        {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
        {"TZ": "America/St_Johns", "LC_ALL": "de_DE.UTF-8", "PYTHONHASHSEED": "2"},
        {"TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "31337"},
    ],
)
def test_another_process_elsewhere_proves_it_too(store, tmp_path, place):
    """Another hash seed, time zone and locale; what it reads are the facts as they are stored."""
    for number, changes in enumerate(ASKS):
        asked, fact, trace = said(store, f"quotes.quote/1/{number}", **changes)
        (tmp_path / f"{number}.asked").write_text(asked.model_dump_json())
        (tmp_path / f"{number}.said").write_text(fact.model_dump_json())
        (tmp_path / f"{number}.trace").write_bytes(trace)
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.pricer.replaying_process", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, **place},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["same"] * len(ASKS)
