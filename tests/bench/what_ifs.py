"""A what-if over a million lines: past quotes on a draft book, exact, by the processes of the chore.

The history is drawn, no two quotes are alike: bills of 600 configurations, three tiers, four
regions and currencies, 300 days, a third with a seller's discount. Priced are so many of them as
a bench may take, scaled to a million lines: with more of them fewer inputs are new, so a million
takes no longer. Beside it stands the engine on each line, without memory and with its trace.
"""

import random
import time
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any

from services.pricer.domain.ask import PriceAsk
from services.pricer.domain.candidate import Changes, changed
from services.pricer.domain.compiled import CompiledBook, compile_book
from services.pricer.domain.pricing import price
from services.pricer.domain.recalling import Memory
from services.pricer.domain.replay import Past, figures
from services.pricer.domain.tally import PLACE, WHOLE, Tally
from services.pricer.replay_workers import Workers
from tests.bench.report import Row
from tests.unit.pricer.history import BOOK, CURRENCIES, REGIONS, TIERS, past, shelf, versions
from tests.unit.pricer.history import an_ask as drawn

LINES, QUOTES, BILLS, AFRESH, PART = 1_000_000, 8_000, 600, 100, 1000
FLOOR_S, GOAL_S = 60, 10
PROCESSES = 2


def measured(count: int) -> list[Row]:
    """Measure each kind of change once, over more quotes with more rounds."""
    base = shelf().compiled[BOOK]
    asks = list(_history(QUOTES * min(count, 5) // 5))
    naive = _afresh(base, asks)
    rows = []
    for name, candidate in (
        ("one part changed", _cheaper(base, 1)),
        ("one rule changed", _one_rule(base)),
        ("every part changed", _cheaper(base, len(base.book.entries))),
    ):
        took, lines = _run(candidate, asks)
        rows.append(
            Row(f"what-if, {name}, {lines:,} lines scaled to 1 M", took * LINES / lines, "s",
                "lower", "value", "the engine on each line, scaled, s", naive, FLOOR_S, GOAL_S)
        )  # fmt: skip
    return rows


def _run(candidate: CompiledBook, asks: list[Past]) -> tuple[float, int]:
    """Price the history as the chore does; returns seconds and lines."""
    workers = Workers(versions(candidate), PROCESSES)
    waiting = iter(asks)
    try:
        for each in [workers.part(()) for _ in range(PROCESSES)]:
            each.result()  # the processes have begun
        whole, ahead = Tally(), deque[Any]()
        began = time.perf_counter()
        while True:
            while len(ahead) <= PROCESSES and (part := list(islice(waiting, PART))):
                ahead.append(workers.part(part))
            if not ahead:
                break
            tree, _ = ahead.popleft().result()
            whole.merge(Tally.read(tree))
        took = time.perf_counter() - began
    finally:
        workers.close()
    wholes = [held for key, held in whole.segments.items() if key[1] == WHOLE]
    assert sum(each[PLACE["quotes"]] for each in wholes) == len(asks)
    return took, sum(each[PLACE["lines"]] for each in wholes)


def _afresh(base: CompiledBook, asks: list[Past]) -> float:
    """Return how long the engine takes for a million lines, without memory."""
    read = [PriceAsk.model_validate_json(each.content) for each in asks[:AFRESH]]
    fx = next(iter(shelf().tables.values()))
    lines = sum(len(item.bill_of_materials) for ask in read for item in ask.items)
    began = time.perf_counter()
    for ask in read:
        price(ask, base, fx)
    return (time.perf_counter() - began) * LINES / lines


def _history(quotes: int) -> Iterator[Past]:
    chance = random.Random(7)
    base = shelf().compiled[BOOK]
    skus, memory = sorted(base.offers), Memory(base)
    fx = next(iter(shelf().tables.values()))
    bills = [drawn(chance, skus).model_dump(mode="json")["items"][0] for _ in range(BILLS)]
    for number in range(quotes):
        ask = drawn(chance, skus, 1)
        quantity = str(chance.choice((1, 2, 3, 5, 8, 12, 20, 40)))
        item = {**chance.choice(bills), "item_id": "i0", "quantity": quantity}
        more = {
            "customer_tier": chance.choices(TIERS, (6, 3, 1))[0],
            "region": chance.choices(REGIONS, (6, 2, 1, 1))[0],
            "currency": chance.choice(CURRENCIES),
        }
        found = type(ask).model_validate({**ask.model_dump(mode="json"), "items": [item], **more})
        known = figures(found, base, fx, memory)
        assert not isinstance(known, str), known
        yield past(f"Q-{number}", found, known)


def _one_rule(base: CompiledBook) -> CompiledBook:
    """The quantity break on antennas in another shape: it counts over the whole quote."""
    rule = next(each for each in base.book.rules if each.id == "quantity-antenna")
    tree = rule.model_dump(mode="json")
    tree["effect"]["breaks"][-1]["percent"] = "17"
    return compile_book(changed(base.book, Changes.model_validate({"rules": [tree]})))


def _cheaper(base: CompiledBook, count: int) -> CompiledBook:
    entries = [
        each.model_dump(mode="json") | {"price": {"model": "cost_plus", "markup_on_cost": "60"}}
        for each in base.book.entries[:count]
    ]
    return compile_book(changed(base.book, Changes.model_validate({"entries": entries})))
