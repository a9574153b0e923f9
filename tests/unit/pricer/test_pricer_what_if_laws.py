"""Laws of what-ifs: exact, in any order and any number of parts, and by the engine's own prices."""

import json
import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.values import share
from services.pricer.domain.asks.ask import PriceAsk, Priced
from services.pricer.domain.books.compiled import CompiledBook, compile_book
from services.pricer.domain.prices.pricing import price
from services.pricer.domain.what_ifs.affected import affected
from services.pricer.domain.what_ifs.candidate import Changes, changed
from services.pricer.domain.what_ifs.report import report
from services.pricer.domain.what_ifs.tally import COLUMNS, PLACE, WHOLE, Tally, range_of
from services.pricer.domain.what_ifs.trial import (
    Figures,
    Past,
    Tried,
    Trier,
    figures,
    figures_of_answer,
    figures_read,
    figures_tree,
    millionths,
    worst_margin,
)
from tests.unit.pricer.history import BOOK, an_ask, history, shelf, versions

BASE = shelf().compiled[BOOK]
FX = next(iter(shelf().tables))
SKUS = sorted(BASE.offers)
PAST = list(history(60, seed=4))
few = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
seeds = st.integers(min_value=0, max_value=2**32 - 1)


def a_change(chance: random.Random) -> CompiledBook:
    """The telecom book with some entries dearer or cheaper, a rule changed, a rule left out."""
    entries = []
    for sku in chance.sample(SKUS, chance.choice((0, 1, 5, 40))):
        entry = BASE.offers[sku][0].entry.model_dump(mode="json")
        percent = str(chance.randrange(20, 300))
        entries.append(entry | {"price": {"model": "cost_plus", "markup_on_cost": percent}})
    rules, without = [], []
    for rule in chance.sample(BASE.book.rules, 3):
        tree = rule.model_dump(mode="json")
        if tree["effect"]["kind"] == "percent_off":
            tree["effect"]["percent"] = str(chance.randrange(0, 30))
            rules.append(tree)
        elif chance.random() < 0.5:
            without.append(rule.id)
    changes = {"entries": entries, "rules": rules, "without": without}
    return compile_book(changed(BASE.book, Changes.model_validate(changes)))


def tried(candidate: CompiledBook, asks: list[Past] = PAST) -> list[Tried]:
    trier = Trier(versions(candidate))
    return [trier.tries(each) for each in asks]


def asked(found: Tried) -> PriceAsk:
    return PriceAsk.model_validate_json(found.past.content)


def summed(found: list[Tried]) -> Tally:
    tally = Tally()
    for each in found:
        tally.add(each)
    return tally


@few
@given(seeds)
def test_what_is_remembered_is_what_the_engine_says(seed: int) -> None:
    candidate = a_change(random.Random(seed))
    fx = shelf().tables[FX]
    for each in tried(candidate):
        assert each.before == figures(asked(each), BASE, fx)
        assert each.after == figures(asked(each), candidate, fx)


@few
@given(seeds)
def test_figures_are_those_of_the_answer(seed: int) -> None:
    chance = random.Random(seed)
    fx = shelf().tables[FX]
    for _ in range(10):
        ask = an_ask(chance, SKUS)
        found, said = figures(ask, BASE, fx), price(ask, BASE, fx)
        assert isinstance(said, Priced) and not isinstance(found, str)
        shares, totals = found.shares, said.totals
        assert sum(each.list for each in shares) == millionths(totals.list.amount)
        assert sum(each.net for each in shares) == millionths(totals.net.amount)
        assert sum(each.cost for each in shares) == millionths(said.internal.cost.amount)
        assert Decimal(found.terms.sales_discount_percent) == totals.sales_discount_percent.root
        assert Decimal(found.terms.margin_percent) == said.internal.margin_percent.root
        assert found.breaches == tuple((b.guardrail, b.action) for b in said.breaches)
        assert found == figures_of_answer(ask, said) == figures_read(_stored(found))


def _stored(found: Figures) -> Any:
    return json.loads(json.dumps(figures_tree(found)))


@few
@given(seeds)
def test_any_order_and_any_parts_come_to_the_same(seed: int) -> None:
    chance = random.Random(seed)
    found = tried(a_change(chance))
    whole = summed(found)
    mixed = chance.sample(found, len(found))
    parts = Tally()
    while mixed:
        size = chance.randrange(1, 20)
        part, mixed = summed(mixed[:size]), mixed[size:]
        parts.merge(Tally.read(part.tree()))
    assert parts.tree() == whole.tree()
    assert report(parts) == report(whole)


@few
@given(seeds)
def test_segments_add_up_to_the_whole(seed: int) -> None:
    tally = summed(tried(a_change(random.Random(seed))))
    wholes = {key[0]: held for key, held in tally.segments.items() if key[1] == WHOLE}
    for currency, whole in wholes.items():
        for dimension in ("tier", "region", "product"):
            parts = [h for k, h in tally.segments.items() if k[:2] == (currency, dimension)]
            for name in COLUMNS:
                # A quote of two products counts for each of them; its money does not.
                if dimension == "product" and not name.startswith(("list", "net", "cost", "lines")):
                    continue
                assert sum(each[PLACE[name]] for each in parts) == whole[PLACE[name]], name


def test_the_same_book_changes_nothing() -> None:
    same = compile_book(BASE.book.model_copy(update={"version": 99}))
    assert affected(BASE, same) == frozenset()
    for each in tried(same):
        assert each.before == each.after
    tally = summed(tried(same))
    assert tally.top == {}
    assert {place for _, place in tally.ranges} == {0}


def test_a_quote_without_a_changed_part_is_not_priced_twice() -> None:
    """The law above says that this is right; here, that it is done."""
    sku = SKUS[0]
    entry = BASE.offers[sku][0].entry.model_dump(mode="json") | {"cost": "1.00"}
    dearer = compile_book(changed(BASE.book, Changes.model_validate({"entries": [entry]})))
    assert affected(BASE, dearer) == {sku}


@pytest.mark.parametrize(
    ("change", "what"),
    [({"currencies": ["EUR", "USD"]}, "the whole book"), ({"tiers": ["gold"]}, "the whole book")],
)
def test_what_holds_for_the_whole_book_may_change_any_price(change: Any, what: str) -> None:
    tree = BASE.book.model_dump(mode="json") | change
    other = compile_book(type(BASE.book).model_validate(tree))
    assert affected(BASE, other) is None, what


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [(100, 100, 0), (100, 101, 1), (1000, 1011, 2), (100, 50, -5), (0, 1, 5), (100, 98, -2)],
)
def test_a_change_has_its_range(before: int, after: int, place: int) -> None:
    assert range_of(before, after) == place


def test_the_worst_line_is_the_one_with_the_lowest_margin_of_all_also_among_credits() -> None:
    """Lines of money are compared without dividing; credits and gifts stand apart."""
    chance = random.Random(5)
    for _ in range(200):
        lines = [
            (Decimal(chance.randrange(-40, 200)).scaleb(-2), Decimal(chance.randrange(0, 90)))
            for _ in range(chance.randrange(1, 6))
        ]
        margins = [share(net - cost, net).root if net else Decimal(-100) for net, cost in lines]
        assert worst_margin(lines) == min(margins)
    assert worst_margin([]) is None
