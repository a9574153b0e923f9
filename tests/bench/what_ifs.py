"""A what-if over a million lines: past quotes on a draft book, exact, by the processes of the chore.

The history is drawn, no two quotes are alike: bills of 600 configurations, three tiers, four
regions and currencies, 300 days, a third with a seller's discount. A part changed is tried on all
of it; a rule or every part on a share, scaled to a million lines: with more of them fewer inputs
are new, so that a million takes less. What was answered is taken from the bill alone; it is only
added up. Beside it stands the engine on each line, without memory and with its trace, scaled.
"""

import json
import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any

from services.pricer.domain.asks.ask import PriceAsk
from services.pricer.domain.books.compiled import CompiledBook, compile_book
from services.pricer.domain.prices.pricing import price
from services.pricer.domain.what_ifs.candidate import Changes, changed
from services.pricer.domain.what_ifs.tally import PLACE, WHOLE, Tally
from services.pricer.domain.what_ifs.trial import Past, figures
from services.pricer.trial_workers import Workers
from tests.bench.report import Row
from tests.unit.pricer.basket import a_discount
from tests.unit.pricer.history import (
    BOOK,
    CURRENCIES,
    FIRST_DAY,
    REGIONS,
    TIERS,
    past,
    shelf,
    versions,
)
from tests.unit.pricer.history import an_ask as drawn

LINES, QUOTES, SHARE, BILLS, AFRESH, PART = 1_000_000, 140_000, 8_000, 600, 100, 1000
FLOOR_S, GOAL_S = 60, 10
PROCESSES = 2


def measured(count: int) -> list[Row]:
    """Measure each kind of change once; a smaller history with fewer rounds."""
    base = shelf().compiled[BOOK]
    asks = list(_history(QUOTES * min(count, 5) // 5))
    naive = _afresh(base, asks)
    rows = []
    for name, candidate, some in (
        ("one part changed", _cheaper(base, 1), asks),
        ("one rule changed", _one_rule(base), asks[:SHARE]),
        ("every part changed", _cheaper(base, len(base.book.entries)), asks[:SHARE]),
    ):
        took, lines = _run(candidate, some)
        rows.append(
            Row(f"what-if, {name}, over {lines:,} lines, for 1 M", took * LINES / lines, "s",
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
    skus = sorted(base.offers)
    fx = next(iter(shelf().tables.values()))
    bills = []
    for _ in range(BILLS):
        ask = drawn(chance, skus)
        ask = ask.model_copy(update={"items": ask.items[:1], "discounts": (), "currency": "EUR"})
        known = figures(ask, base, fx)
        assert not isinstance(known, str), known
        one = past("Q-0", ask, known)
        bills.append((one, json.loads(one.content)))
    for number in range(quotes):
        one, tree = chance.choice(bills)
        yield _past(f"Q-{number}", one, tree, chance)


def _past(quote: str, one: Past, tree: dict[str, Any], chance: random.Random) -> Past:
    """The bill once more, for another customer in another quantity on another day."""
    item = {**tree["items"][0], "quantity": str(chance.choice((1, 2, 3, 5, 8, 12, 20, 40)))}
    tier, region = chance.choices(TIERS, (6, 3, 1))[0], chance.choices(REGIONS, (6, 2, 1, 1))[0]
    currency, account = chance.choice(CURRENCIES), f"acct-{chance.randrange(400)}"
    day = (FIRST_DAY + timedelta(days=chance.randrange(300))).isoformat()
    discounts = []
    if chance.random() < 0.35:
        discounts.append(a_discount(chance.choice(("2", "5", "7.5", "12")), item["item_id"]))
    if chance.random() < 0.15:
        discounts.append(a_discount(chance.choice(("1", "3", "6"))))
    who = {"account_id": account, "customer_tier": tier, "region": region, "currency": currency}
    body = {**tree, "items": [item], "discounts": discounts, "day": day, **who}
    more = {"day": day, "account_id": account, "tier": tier, "region": region}
    return replace(one, quote=quote, currency=currency, content=json.dumps(body).encode(), **more)


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
