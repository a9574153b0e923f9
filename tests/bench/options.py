"""The configurator's engines: every option after a click, conflicts, repairs, prices if chosen.

The telecom base station and the whole radio site are asked of the solver, budgets exact. The large
model is automotive01 (2,513 options) if CASES names a folder that has it, else a generated tree of
as many options; it is asked of the circuit, beside naive SAT: two calls for each option.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import TypeVar

from pysat.solvers import Glucose4

from services.configurator.domain.products.product import Product
from services.configurator.domain.solving.repairing import minimum_repairs
from services.configurator.domain.solving.solver import Solver
from services.configurator.domain.solving.space import Domains, Masks, bits
from services.configurator.shelf import load
from tests.bench.report import Row, median, percentile
from tests.peer.configurator_cases import Clauses, Peer, read_dimacs

T = TypeVar("T")

CATALOG = Path(__file__).resolve().parents[2] / "catalogs" / "telecom"
TODAY = date(2026, 11, 28)
WALKS, CLICKS = 12, 10
BIG = 2_500
ALONE = 20


def measured(count: int) -> list[Row]:
    """Measure the engines in process, so many rounds; nothing is written."""
    catalogue = load(CATALOG)
    rows = []
    for name, product in (("base station", "base_station"), ("radio site", "radio_site")):
        rows += _product_rows(name, catalogue.product(product, TODAY), count)
    return [*rows, *_large(count)]


def _product_rows(name: str, product: Product, count: int) -> list[Row]:
    rounds = [_walked(product, random.Random(seed)) for seed in range(count)]
    times = {asked: [each for one in rounds for each in one[asked]] for asked in rounds[0]}
    return [
        *_rows(f"{name}, all options after a click", times["click"], (120, 400), (30, 100),
               "one fresh question for each value, ms", median(times["naive"])),
        _p99(f"{name}, minimal conflict with rules", times["conflict"], 100),
        _p99(f"{name}, minimum repair", times["repair"], 50),
    ]  # fmt: skip


def _walked(product: Product, chance: random.Random) -> dict[str, list[float]]:
    """Click through one product at random; returns milliseconds by what was asked."""
    found: dict[str, list[float]] = {"click": [], "naive": [], "conflict": [], "repair": []}
    solver, full = product.solver, product.space.full()
    for _ in range(WALKS):
        wishes: list[Domains] = []
        for attribute in chance.sample(sorted(product.space.places), CLICKS):
            domains = dict(pair for each in wishes for pair in each.items())
            possible, took = timed(partial(_possible, solver, domains))
            found["click"].append(took)
            blocked = [
                {place: bit}
                for place, mask in enumerate(possible)
                for bit in bits(full[place] & ~mask)
                if place not in domains
            ]
            if blocked:
                hard = chance.choice(blocked)
                _, took = timed(partial(solver.clash, hard, wishes))
                found["conflict"].append(took)
                _, took = timed(partial(minimum_repairs, solver, hard, wishes))
                found["repair"].append(took)
            wishes.append(_wish(product.space.places[attribute], possible, chance))
        _, took = timed(partial(_naive, solver, domains, full))
        found["naive"].append(took)
    return found


def _wish(places: tuple[int, ...], possible: Masks, chance: random.Random) -> Domains:
    """Choose a value that is possible; of several flags of one question, one."""
    place = chance.choice(places)
    return {place: chance.choice(list(bits(possible[place])))}


def _possible(solver: Solver, domains: Domains) -> Masks:
    witness = solver.solve(domains)
    assert witness is not None
    return solver.possible(domains, witness)


def _naive(solver: Solver, domains: Domains, full: Masks) -> int:
    return sum(
        solver.solve({**domains, place: bit}) is not None
        for place, mask in enumerate(full)
        for bit in bits(domains.get(place, mask))
    )


def _large(rounds: int) -> list[Row]:
    name, model = _model()
    peer = Peer(model)
    circuit = peer.circuit
    if circuit is None:
        return []
    prices = peer.prices()
    clicks, naive, priced, alone = [], [], [], []
    with Glucose4(bootstrap_with=model.clauses) as sat:
        for seed in range(rounds):
            for chosen in _walk(len(model.names), circuit.possible, random.Random(seed)):
                _, took = timed(partial(circuit.possible, chosen))
                clicks.append(took)
                _, took = timed(partial(circuit.least, prices, chosen))
                priced.append(took)
            _, took = timed(
                lambda at=chosen: [
                    sat.solve([*at, sign * each])
                    for each in range(1, len(model.names) + 1)
                    for sign in (1, -1)
                ]
            )
            naive.append(took)
            free = [each for each in range(1, len(model.names) + 1) if each not in map(abs, chosen)]
            asked = random.Random(seed).sample(free, ALONE)
            _, took = timed(
                lambda at=chosen, some=asked: [circuit.least(prices, [*at, one]) for one in some]
            )
            alone.append(took / ALONE * len(model.names))
    return [
        *_rows(f"{name}, all options after a click", clicks, (3, 60), (0.5, 2),
               "two SAT calls for each option, ms", median(naive)),
        Row(f"{name}, price if chosen of every option, p50", median(priced), "ms", "lower", "value",
            f"one question for each option (of {ALONE}), ms", median(alone), 10, None),
    ]  # fmt: skip


def _walk(
    count: int, possible: Callable[[list[int]], object], chance: random.Random
) -> Iterator[list[int]]:
    """Yield growing lists of choices that can all hold."""
    chosen: list[int] = []
    for each in chance.sample(range(1, count + 1), count):
        literal = each if chance.random() < 0.7 else -each
        if possible([*chosen, literal]) is not None:
            chosen = [*chosen, literal]
            yield chosen
        if len(chosen) == 15:
            return


def _model() -> tuple[str, Clauses]:
    folder = os.environ.get("CASES")
    path = Path(folder or ".") / "configurator" / "models" / "automotive01.dimacs.gz"
    if folder and path.is_file():
        return "automotive01, 2,513 options", read_dimacs(path)
    return f"a generated tree, {BIG:,} options", generated(BIG, random.Random(6))


def generated(count: int, chance: random.Random) -> Clauses:
    """Return a tree of features with alternatives, options and rules between near features."""
    clauses: list[tuple[int, ...]] = [(1,)]
    below: dict[int, list[int]] = {}
    for each in range(2, count + 1):
        parent = chance.randint(max(1, (each - 2) // 8), max(1, each // 4))
        below.setdefault(parent, []).append(each)
        clauses.append((-each, parent))
    for parent, children in below.items():
        kind = chance.choice(("alternative", "or", "optional", "mandatory"))
        if kind in {"alternative", "or"}:
            clauses.append((-parent, *children))
        if kind == "alternative":
            clauses += [(-one, -other) for one in children for other in children if one < other]
        if kind == "mandatory":
            clauses += [(-parent, each) for each in children]
        if len(children) > 2 and kind != "mandatory":
            one, other = chance.sample(children, 2)
            clauses.append((-one, -other))
    return Clauses(tuple(f"option {each}" for each in range(1, count + 1)), tuple(clauses))


def timed(ask: Callable[[], T]) -> tuple[T, float]:
    """Return the answer and how many milliseconds it took."""
    began = time.perf_counter()
    found = ask()
    return found, (time.perf_counter() - began) * 1000


def _rows(
    metric: str,
    times: list[float],
    floor: tuple[float, float],
    goal: tuple[float, float],
    reference: str,
    beside: float,
) -> list[Row]:
    return [
        Row(f"{metric}, {name}", value, "ms", "lower", "value", reference, beside, least, aim)
        for name, value, least, aim in zip(
            ("p50", "p99"), (median(times), percentile(times, 0.99)), floor, goal, strict=True
        )
    ]


def _p99(metric: str, times: list[float], floor: float) -> Row:
    value = percentile(times, 0.99)
    return Row(
        f"{metric}, p99", value, "ms", "lower", "value", "its p50", median(times), floor, None
    )
