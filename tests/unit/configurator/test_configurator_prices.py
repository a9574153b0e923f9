"""Cheapest, quickest and price-if-chosen, held against adding up every valid configuration."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from contracts.configuration import RequestedItem
from contracts.values import Money
from services.configurator.domain.answers.completing import completion, proposal
from services.configurator.domain.answers.configuring import bill_of_materials, configure
from services.configurator.domain.prices.aiming import cheapest, lead_days, quickest
from services.configurator.domain.prices.if_chosen import prices_if_chosen
from services.configurator.domain.prices.pricing import Pricing
from services.configurator.domain.prices.reasons import why
from services.configurator.domain.products.decisions import domains_of
from tests.unit.configurator.priced import (
    ADDITIVE,
    DAYS,
    PRICES,
    a_column,
    days_of,
    priced_models,
    total,
    with_parts,
)
from tests.unit.configurator.small import a_pump, meets, valid_points
from tests.unit.configurator.test_configurator_laws import (
    PREFERENCES,
    _has,
    _plain,
    decisions,
    feasible,
)

LAWS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
FLAT = {"A": "100", "B": "30", "C": "7.50", "D": "1000"}


def money(amount):
    """An exact amount, rounded half up to cents."""
    cents = amount * 100
    return Money.of(Decimal(int(cents + Fraction(1, 2))).scaleb(-2), "EUR")


def preferred(points):
    """The point that preferences lead to, default by default, then the open questions."""
    for name, wishes in PREFERENCES:
        wish = next(each for each in wishes if any(_has(point, name, each) for point in points))
        points = [point for point in points if _has(point, name, wish)]
    (found,) = points
    return found


def answers(product, point):
    return {each: _plain(product.space.answer(each, point)) for each in product.space.attributes}


@LAWS
@given(priced_models(), decisions(), PRICES, ADDITIVE)
def test_the_cheapest_is_the_least_of_all_and_of_equals_the_preferred(tree, some, prices, additive):
    model, column = a_pump(**tree), a_column(prices, additive)
    points = [point for point in valid_points(model) if meets(point, some)]
    product = with_parts(**tree)
    found = cheapest(product, some, Pricing(product, column))
    assert (found is None) == (not points)
    if found is None:
        return
    amounts = [total(model, point, column)[0] for point in points]
    equals = [p for p, amount in zip(points, amounts, strict=True) if amount == min(amounts)]
    assert answers(product, found.point) == preferred(equals)
    assert found.proved


@LAWS
@given(priced_models(), decisions(), DAYS, st.one_of(st.none(), PRICES))
def test_the_quickest_waits_the_fewest_days_then_is_the_cheapest(tree, some, days, prices):
    model = a_pump(**tree)
    points = [point for point in valid_points(model) if meets(point, some)]
    product = with_parts(days, **tree)
    column = a_column(prices or {})
    found = quickest(product, some, None if prices is None else Pricing(product, column))
    assert (found is None) == (not points)
    if found is None:
        return
    ranked = [(days_of(model, each, days), total(model, each, column)[0]) for each in points]
    equals = [each for each, rank in zip(points, ranked, strict=True) if rank == min(ranked)]
    assert lead_days(product, found.point) == min(ranked)[0]
    assert answers(product, found.point) == preferred(equals)


@LAWS
@given(priced_models(), decisions(), PRICES, DAYS)
def test_what_a_goal_decides_leads_completion_by_preference_to_the_same(tree, some, prices, days):
    product = with_parts(days, **tree)
    pricing = Pricing(product, a_column(prices))
    for aim in (cheapest(product, some, pricing), quickest(product, some, pricing)):
        if aim is None:
            return
        assert set(some) <= set(aim.decisions)
        assert completion(product, aim.decisions).point == aim.point
        item = RequestedItem(item_id="a", product="p", quantity="1", decisions=aim.decisions)
        stored = configure(product, item)
        again = configure(product, item.model_copy(update={"decisions": stored.decisions}))
        assert again.model_dump_json() == stored.model_dump_json()


@LAWS
@given(priced_models(), decisions(), PRICES, ADDITIVE)
def test_price_if_chosen_is_the_least_of_all_configurations_with_the_option(
    tree, some, prices, additive
):
    model, column = a_pump(**tree), a_column(prices, additive)
    valid = valid_points(model)
    assume(feasible(valid, some))
    product = with_parts(**tree)
    found = prices_if_chosen(product, some, column, list(product.space.attributes))
    now = total(model, answers(product, proposal(product, domains_of(product, some))), column)
    assert (found.proposal, found.complete, found.valid) == (money(now[0]), True, True)
    for each in found.attributes:
        others = [one for one in some if one.attribute != each.attribute]
        held = next((one.value for one in some if one.attribute == each.attribute), None)
        left = [point for point in valid if meets(point, others)]
        least = min(total(model, point, column) for point in left)
        expected = {}
        for point in left:
            for option in _chosen_of(point[each.attribute], held, product, each.attribute):
                rank = total(model, point, column)
                expected[option] = min(rank, expected.get(option, rank))
        assert {one.option: (one.amount, one.mark) for one in each.options} == {
            option: (money(amount), "from" if soft else "exact")
            for option, (amount, soft) in expected.items()
        }
        for one in each.options:
            assert one.proved
            assert one.difference == one.amount - money(now[0])
            assert one.above_least == one.amount - money(least[0])


def _chosen_of(answer, held, product, name):
    """The options that a point chooses; of an answered multi-choice with all those held."""
    if not isinstance(answer, frozenset):
        return [answer]
    ids = [each.id for each in product.space.attributes[name].options]
    if held is None:
        return [each for each in ids if each in answer]
    return [each for each in ids if answer == frozenset({*held, each})]


@LAWS
@given(priced_models(), decisions(), PRICES)
def test_an_amount_is_the_bill_of_materials_times_the_list_prices(tree, some, prices):
    product = with_parts(**tree)
    point = proposal(product, domains_of(product, some))
    assume(point is not None)
    pricing = Pricing(product, a_column(prices))
    summed = sum(
        Fraction(prices[part.sku]) * Fraction(part.quantity.root)
        for part in bill_of_materials(product, point)
        if part.sku in prices
    )
    assert pricing.amount(pricing.at(point)) == money(Fraction(summed))


@LAWS
@given(priced_models(), decisions(), PRICES, st.randoms(use_true_random=False))
def test_prices_do_not_depend_on_what_was_asked_before_nor_on_the_order(tree, some, prices, random):
    product, column = with_parts(**tree), a_column(prices)
    assume(product.solver.solve({}) is not None)
    fresh = prices_if_chosen(product, some, column).model_dump_json()
    names = random.sample(list(product.space.attributes), len(product.space.attributes))
    whole = {
        each.attribute: each for each in prices_if_chosen(product, some, column, names).attributes
    }
    for name in names:
        assert prices_if_chosen(product, some, column, [name]).attributes == (whole[name],)
    assert prices_if_chosen(product, some, column).model_dump_json() == fresh


@LAWS
@given(priced_models(), decisions(), PRICES)
def test_repairs_of_the_same_size_and_weight_come_cheapest_first(tree, some, prices):
    model, column = a_pump(**tree), a_column(prices)
    product, valid = with_parts(**tree), valid_points(model)
    pricing = Pricing(product, column)
    for option in ("low", "mid", "high"):
        plain = why(product, some, "pump", option)
        found = why(product, some, "pump", option, pricing)
        assert found.selectable == plain.selectable
        assert len(found.repairs) == len(plain.repairs)
        by_name = {each.attribute: each for each in some}
        ranks = []
        for repair in found.repairs:
            kept = [each for each in some if each.attribute not in {*repair.drop, "pump"}]
            left = [p for p in valid if p["pump"] == option and meets(p, kept)]
            assert repair.amount == money(total(model, preferred(left), column)[0])
            weight = sum(by_name[each].source == "requirement" for each in repair.drop)
            ranks.append((len(repair.drop), weight, repair.amount.amount))
        assert ranks == sorted(ranks)
        assert all(each.amount is None for each in plain.repairs)
