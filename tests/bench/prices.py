"""Prices of the base station: the cheapest completion, and every option's price if it is chosen.

The list prices are those of the telecom price book. Beside the prices of all open options stands a
search afresh for each of them, that gains nothing by the others.
"""

import random
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

from contracts.configuration import Decision
from contracts.pricing import PriceColumn
from services.configurator.domain.answers.completing import completion
from services.configurator.domain.answers.options import chosen
from services.configurator.domain.prices.aiming import cheapest
from services.configurator.domain.prices.cheapest import Search
from services.configurator.domain.prices.if_chosen import prices_if_chosen
from services.configurator.domain.prices.pricing import Pricing, skus
from services.configurator.domain.products.decisions import domains_of
from services.configurator.domain.products.product import Product
from services.configurator.domain.solving.space import bits
from services.configurator.shelf import load
from services.pricer import books, handlers
from services.pricer.domain.asks.ask import ColumnAsk
from tests.bench.options import timed
from tests.bench.report import Row, median, percentile

CATALOG = Path(__file__).resolve().parents[2] / "catalogs" / "telecom"
TODAY = date(2026, 11, 1)
CLICKS = 8


def measured(count: int) -> list[Row]:
    """Measure in process, so many walks; nothing is written."""
    product = load(CATALOG).product("base_station", TODAY)
    column = _column(product)
    times: dict[str, list[float]] = {
        name: [] for name in ("cheapest", "preferred", "question", "all", "afresh")
    }
    for seed in range(count):
        _walk(product, column, random.Random(seed), times)
    return [
        *_rows("base station, cheapest completion, proved", times["cheapest"],
               "completion by preference, ms", median(times["preferred"])),
        *_rows("base station, price if chosen of one question", times["question"], "", None),
        *_rows("base station, price if chosen of all open options", times["all"],
               "a search afresh for each option, ms", median(times["afresh"])),
    ]  # fmt: skip


def _column(product: Product) -> PriceColumn:
    ask = ColumnAsk(
        skus=skus(product),
        account_id="a-1",
        customer_tier="gold",
        region="EMEA",
        currency="EUR",
        day=TODAY,
    )
    return handlers.column(ask, books.load(CATALOG))


def _walk(
    product: Product, column: PriceColumn, chance: random.Random, times: dict[str, list[float]]
) -> None:
    """Answer questions at random, always by something possible; ask for prices on the way."""
    decisions: tuple[Decision, ...] = ()
    for click in range(CLICKS):
        ask: Callable[[], object] = partial(cheapest, product, decisions, Pricing(product, column))
        times["cheapest"].append(timed(ask)[1])
        found, took = timed(partial(completion, product, decisions))
        times["preferred"].append(took)
        assert found is not None
        open_ = [
            each
            for each in product.space.attributes
            if any(found.domains[place].bit_count() > 1 for place in product.space.places[each])
        ]
        name = chance.choice(open_)
        one = partial(prices_if_chosen, product, decisions, column, [name])
        times["question"].append(timed(one)[1])
        if click % 3 == 0:
            priced, took = timed(partial(prices_if_chosen, product, decisions, column))
            times["all"].append(took)
            assert all(option.proved for each in priced.attributes for option in each.options)
            times["afresh"].append(timed(partial(_afresh, product, column, decisions, open_))[1])
        decisions = (*decisions, _answer(product, name, found.domains, chance, decisions))


def _answer(
    product: Product,
    name: str,
    domains: list[int],
    chance: random.Random,
    decisions: tuple[Decision, ...],
) -> Decision:
    held = dict(domains_of(product, decisions))
    point = None
    for place in product.space.places[name]:
        values = list(bits(domains[place]))
        for bit in chance.sample(values, len(values)):
            other = product.solver.solve({**held, place: bit})
            if other is not None:
                held[place], point = bit, other
                break
    assert point is not None
    return Decision(attribute=name, value=product.space.answer(name, point), source="user")


def _afresh(
    product: Product, column: PriceColumn, decisions: tuple[Decision, ...], open_: list[str]
) -> None:
    domains = domains_of(product, decisions)
    for name in open_:
        attribute = product.space.attributes[name]
        for state in _values(product, name):
            hard = chosen(product.space, attribute, state, None)
            search = Search(product, Pricing(product, column).objective)
            search.least(search.inside({**domains, **hard}))


def _values(product: Product, name: str) -> list[bool | int | str]:
    return [
        variable.option or value
        for place in product.space.places[name]
        for variable in (product.space.variables[place],)
        for value in (variable.values[:1] if variable.option else variable.values)
    ]


def _rows(metric: str, times: list[float], reference: str, beside: float | None) -> list[Row]:
    return [
        Row(f"{metric}, {name}", value, "ms", "lower", "value", reference, beside, None, None)
        for name, value in (("p50", median(times)), ("p99", percentile(times, 0.99)))
    ]
