"""Two that price the same baskets in turn: every figure held equal, then the times side by side."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rich.table import Table

from infra.collecting import SetAside
from services.pricer.domain.asks.ask import Priced
from services.pricer.domain.books.book import read_book, read_fx
from services.pricer.domain.books.compiled import CompiledBook, compile_book
from services.pricer.domain.prices.pricing import price
from tests.bench.options import timed
from tests.bench.peers import wares
from tests.bench.peers.peer import Peer
from tests.bench.report import Row, median

# Lines of a basket, and how often a round asks for its price.
SIZES: Mapping[int, int] = {10: 5, 100: 3, 1000: 1}
# What the peer is asked, and what that is called in a row.
KINDS = {"look_up": "price list alone", "fill": "lines of a sale filled"}

Took = dict[tuple[str, int], list[float]]
"""Milliseconds: of `ours` and of each kind, for each size."""


class Different(Exception):
    """A figure of the peer is not ours."""


def measured(tryton: Peer, rounds: int) -> Took:
    """Let both price each basket in turn, one round to warm up; returns milliseconds.

    Raises: Different, if one figure is not the same.
    """
    book, fx = compile_book(read_book(wares.book())), read_fx(wares.no_rates())
    took: Took = {(kind, size): [] for kind in ("ours", *KINDS) for size in SIZES}
    set_aside = SetAside()  # as every process of the house does
    set_aside.begin()
    asked = [size for size, times in SIZES.items() for _ in range(times)]
    for number in range(rounds + 1):
        for place, size in enumerate(asked):
            lines = wares.lines_of(size, seed=number * len(asked) + place)
            ours, ms = _ours(lines, book, fx)
            found = {"ours": ms}
            for kind in KINDS:
                theirs = tryton.ask(kind, lines)
                compare(ours, theirs)
                found[kind] = theirs["took_ms"]
            for kind, each in found.items():
                took[kind, size] += [each] if number else []
    set_aside.end()
    return took


def _ours(lines: wares.Lines, book: CompiledBook, fx: Any) -> tuple[Priced, float]:
    ask = wares.ask_of(lines)
    found, ms = timed(lambda: price(ask, book, fx))
    assert isinstance(found, Priced)
    return found, ms


def compare(ours: Priced, theirs: dict[str, Any]) -> None:
    """Hold each figure of the peer against ours.   Raises: Different, naming the line."""
    figures = {
        "unit_prices": [line.net_unit.amount for line in ours.lines],
        "amounts": [line.net_total.amount for line in ours.lines],
        "total": [ours.totals.net.amount],
    }
    for name, expected in figures.items():
        if name not in theirs:
            continue
        found = list(map(Decimal, [theirs[name]] if name == "total" else theirs[name]))
        if len(found) != len(expected):
            raise Different(f"{name}: {len(found)} of the peer, {len(expected)} of ours")
        for place, (one, other) in enumerate(zip(expected, found, strict=True)):
            if one != other:
                raise Different(f"{name}, line {place + 1}: {other} of the peer, {one} of ours")


def rows_of(took: Took, version: str) -> list[Row]:
    """Return a row for each basket and each way to ask the peer; its time is the reference."""
    return [
        Row(f"price with full trace, {size} lines, beside: {words}", median(took["ours", size]),
            "ms", "lower", "ratio", f"Tryton {version}, {words}, ms", median(took[kind, size]),
            1, None)
        for kind, words in KINDS.items()
        for size in SIZES
    ]  # fmt: skip


def table_of(took: Took, version: str) -> Table:
    """Return the times for people, with how many times as long the peer takes."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    heads = ["lines", "ours, full trace, ms"]
    for words in KINDS.values():
        heads += [f"Tryton {version}, {words}, ms", "times ours"]
    for head in heads:
        table.add_column(head, justify="right", overflow="fold")
    for size in SIZES:
        ours = median(took["ours", size])
        cells = [f"{size}", f"{ours:.3g}"]
        for kind in KINDS:
            theirs = median(took[kind, size])
            cells += [f"{theirs:,.0f}", f"{theirs / ours:,.0f}"]
        table.add_row(*cells)
    return table
