"""`make bench-peers` without Tryton: both say the same prices, and the talk with another program."""

import json
import os
import re
import sys
from decimal import ROUND_HALF_EVEN, Decimal
from functools import reduce
from operator import mul
from pathlib import Path

import pytest
from rich.console import Console

from services.pricer.domain.books.book import read_book, read_fx
from services.pricer.domain.books.compiled import compile_book
from services.pricer.domain.prices.pricing import price
from tests.bench import report
from tests.bench.peers import wares
from tests.bench.peers.beside import KINDS, SIZES, Different, compare, rows_of, table_of
from tests.bench.peers.peer import Peer, PeerFailed

ROOT = Path(__file__).parents[3]
REQUIREMENTS = ROOT / "requirements"
PACKAGES = ("contracts", "infra", "services", "quotewright", "tests")
PRICE_LIST = wares.price_list()
LIST_PRICES = {sku: (category, amount) for sku, category, amount in wares.PARTS}


@pytest.fixture(scope="module")
def ours():
    """Our price of a basket of 120 lines: some parts stand in it twice."""
    book, fx = compile_book(read_book(wares.book())), read_fx(wares.no_rates())
    return price(wares.ask_of(wares.lines_of(120, seed=3)), book, fx)


@pytest.fixture
def theirs():
    """What the price list says of the same basket, read as Tryton reads it: the first that fits."""
    priced = [(unit_price(*line), line[1]) for line in wares.lines_of(120, seed=3)]
    amounts = [rounded(each * quantity, "0.01") for each, quantity in priced]
    return {
        "took_ms": 1.0,
        "unit_prices": [str(each) for each, _ in priced],
        "amounts": [str(each) for each in amounts],
        "total": str(sum(amounts)),
    }


def unit_price(sku, quantity):
    category, list_price = LIST_PRICES[sku]
    fits = next(
        line
        for line in PRICE_LIST
        if line["sku"] in {None, sku}
        and line["category"] in {None, category}
        and (line["at_least"] is None or line["at_least"] <= quantity)
    )
    names = fits["formula"].split(" * ")
    assert names[0] == "unit_price"
    return rounded(reduce(mul, map(Decimal, names[1:]), list_price), "0.0001")


def rounded(amount, unit):
    return amount.quantize(Decimal(unit), ROUND_HALF_EVEN)


# ---- the same prices


def test_the_price_list_and_the_book_say_the_same_to_the_last_digit(ours, theirs):
    compare(ours, theirs)


def test_a_basket_meets_every_break_of_parts_and_categories():
    met = {unit_price(*line) / LIST_PRICES[line[0]][1] for line in wares.lines_of(1000, seed=0)}
    formulas = {line["formula"] for line in PRICE_LIST}
    assert len(met) >= len(formulas)


@pytest.mark.parametrize(
    ("name", "place", "told"),
    [
        ("unit_prices", 4, "unit_prices, line 5: 9.9999 of the peer"),
        ("amounts", 119, "amounts, line 120: 9.9999 of the peer"),
    ],
)
def test_another_figure_is_named_with_its_line(ours, theirs, name, place, told):
    theirs[name][place] = "9.9999"
    with pytest.raises(Different, match=re.escape(told)):
        compare(ours, theirs)


def test_another_total_and_a_missing_line_are_found(ours, theirs):
    with pytest.raises(Different, match=r"total, line 1: 0\.01 of the peer"):
        compare(ours, theirs | {"total": "0.01"})
    with pytest.raises(Different, match="amounts: 119 of the peer, 120 of ours"):
        compare(ours, theirs | {"amounts": theirs["amounts"][1:]})


# ---- the times


def test_the_ratio_is_the_peers_median_in_ours():
    took = {(kind, size): [40.0, 9.0, 30.0] for kind in KINDS for size in SIZES}
    took |= {("ours", size): [1.0, 2.0, 90.0] for size in SIZES}
    rows = rows_of(took, "8.2.1")
    assert [(row.value, row.reference_value) for row in rows] == [(2.0, 30.0)] * 6
    assert all(row.meets(row.floor) for row in rows)
    console = Console(width=200)
    with console.capture() as said:
        console.print(table_of(took, "8.2.1"))
    assert said.get().splitlines()[1].split() == ["10", "2", "30", "15", "30", "15"]


def test_a_slower_engine_is_below_the_floor():
    took = {(kind, size): [5.0] for kind in KINDS for size in SIZES}
    rows = rows_of(took | {("ours", size): [5.1] for size in SIZES}, "8.2.1")
    assert not any(row.meets(row.floor) for row in rows)


def test_the_versions_are_written_beside_the_rows(tmp_path):
    path = tmp_path / "peers" / "results.json"
    report.write([], path, {"trytond": "8.2.1"})
    machine = json.loads(path.with_name("machine.json").read_text(encoding="utf-8"))
    assert machine["versions"] == {"trytond": "8.2.1"}
    assert {"measured_at", "cores", "machine", "python", "load_before"} < set(machine)


# ---- the talk


@pytest.fixture
def peer(tmp_path):
    """A program that answers with what it was asked, fails, or says nothing more."""
    program = """
import json, sys, time
for text in sys.stdin:
    ask = json.loads(text)
    if ask["ask"] == "fail":
        sys.exit("no such product")
    if ask["ask"] == "sleep":
        time.sleep(60)
    print(json.dumps(ask["about"]), flush=True)
"""
    with Peer([sys.executable, "-c", program], os.environ, tmp_path / "log") as found:
        yield found


def test_each_ask_has_its_answer(peer):
    assert [peer.ask("echo", [["P-1", number]]) for number in range(3)] == [
        [["P-1", 0]],
        [["P-1", 1]],
        [["P-1", 2]],
    ]


def test_a_peer_that_fails_is_told_in_its_own_last_words(peer):
    with pytest.raises(PeerFailed, match="no such product"):
        peer.ask("fail", None)
    with pytest.raises(PeerFailed, match="no answer to 'echo'"):
        peer.ask("echo", None)


def test_a_peer_that_is_silent_is_ended_at_the_deadline(peer):
    with pytest.raises(PeerFailed, match=r"no answer to 'sleep' within 0\.1 s"):
        peer.ask("sleep", None, deadline_s=0.1)


# ---- how it is installed


@pytest.mark.parametrize("file", sorted(REQUIREMENTS.iterdir()), ids=lambda file: file.name)
def test_a_requirement_file_holds_no_address(file):
    assert re.findall(r"https?:|index-url|find-links", file.read_text(encoding="utf-8")) == []


def test_tryton_is_pinned_by_hash_and_in_no_other_file():
    pins = (REQUIREMENTS / "tryton.txt").read_text(encoding="utf-8")
    packages = re.split(r"\n(?=\S)", pins.strip())
    assert {each.partition("==")[0] for each in packages} >= {"trytond", "trytond-sale-price-list"}
    assert all("--hash=sha256:" in each for each in packages)
    others = [each for each in REQUIREMENTS.iterdir() if each.stem != "tryton"]
    assert [each.name for each in others if "tryton" in each.read_text(encoding="utf-8")] == []


def test_only_its_own_worker_imports_tryton():
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    naming = [file for file in files if b"trytond" in file.read_bytes()]
    imports = re.compile(r"^\s*(?:from|import) trytond\b", re.MULTILINE)
    found = [file.name for file in naming if imports.search(file.read_text(encoding="utf-8"))]
    assert found == ["tryton_worker.py"]
