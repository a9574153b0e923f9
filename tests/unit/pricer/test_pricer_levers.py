"""What sellers grant: parts, items, the quote; percentages, amounts, manual prices; target prices."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.pricing import DiscountAsk
from contracts.values import Money
from services.pricer.domain.asks.ask import PriceAsk, Priced
from services.pricer.domain.books.compiled import compile_book
from services.pricer.domain.levers.solving import Solved, Target, largest_discount, target_price
from services.pricer.domain.prices.pricing import Unpriced, price
from tests.unit.pricer.basket import (
    a_book,
    a_discount,
    a_rule,
    an_ask,
    an_item,
    nets,
    percent_off,
    pricing,
    problems,
    the_fx,
)

SITE = an_item(("MACRO", "1"), ("RRU", "3"), ("CAB", "7"), item_id="site", quantity="2")
POLE = an_item(("RRU", "1"), ("SUP", "1"), item_id="pole", quantity="3")
WORKS = an_item(("CIVIL", "1"), item_id="works")


def granted(item_id=None, sku=None, **how):
    return {"rationale": "a large network", "item_id": item_id, "sku": sku, **how}


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


def price_one(ask: PriceAsk) -> Priced | Unpriced:
    return price(ask, compile_book(a_book()), the_fx())


def steps_of(found: Priced, line: int, stage: str) -> list[str]:
    steps = json.loads(found.trace)["lines"][line - 1]["steps"]
    return [step[7] for step in steps if step[0] == stage]


def test_a_discount_on_a_part_stands_in_place_of_the_one_on_its_item():
    ask = an_ask(SITE, discounts=[a_discount("10", "site"), granted("site", "RRU", percent="20")])
    assert nets(pricing(ask)) == ["75600.00 USD", "15120.00 USD", "236.32 USD"]


def test_an_amount_on_a_part_comes_off_to_the_cent():
    found = pricing(an_ask(SITE, discounts=[granted("site", "RRU", amount=usd("0.01"))]))
    assert nets(found) == ["84000.00 USD", "18899.99 USD", "262.50 USD"]
    assert steps_of(found, 2, "amount_discount") == ["The discount on the part: 0.01 USD off."]


def test_an_amount_on_an_item_is_shared_by_its_lines_and_touches_no_other_item():
    found = pricing(an_ask(SITE, POLE, discounts=[granted("site", amount=usd("1000"))]))
    before = pricing(an_ask(SITE, POLE))
    of_site = Money.total((each.net_total for each in found.lines[:3]), "USD")
    was = Money.total((each.net_total for each in before.lines[:3]), "USD")
    assert of_site == was - Money.of("1000", "USD")
    assert nets(found)[3:] == nets(before)[3:]


def test_a_discount_on_the_quote_comes_on_top_by_amount_too():
    asked = [a_discount("10", "site"), granted(amount=usd("5000.01"))]
    found = pricing(an_ask(SITE, discounts=asked))
    without = pricing(an_ask(SITE, discounts=asked[:1]))
    assert found.totals.net == without.totals.net - Money.of("5000.01", "USD")


def test_more_than_there_is_can_not_be_taken_off():
    found = problems(an_ask(SITE, discounts=[granted("site", "CAB", amount=usd("262.51"))]))
    assert [(each.code, each.message) for each in found] == [
        (
            "pricer.discount_exceeds",
            (
                "the discount on the part takes off 262.51 USD, and there is only 262.50 USD to"
                " discount; ask for less"
            ),
        )
    ]


def test_a_manual_price_replaces_what_the_rules_made_and_counts_as_given():
    found = pricing(an_ask(SITE, discounts=[granted("site", "RRU", unit_price=usd("3000"))]))
    assert nets(found)[1] == "18000.00 USD"
    assert steps_of(found, 2, "manual_price") == [
        "Manual price of the seller: 3000.00 USD for each unit."
    ]
    # 6 x 150 of 84000 + 18900 + 262.50
    assert str(found.totals.sales_discount_percent) == "0.87 %"


def test_a_manual_price_survives_another_quantity():
    more = SITE | {"quantity": "5"}
    found = pricing(an_ask(more, discounts=[granted("site", "RRU", unit_price=usd("3000"))]))
    assert str(found.lines[1].net_unit) == "3000.00 USD"
    assert nets(found)[1] == "45000.00 USD"


def test_a_higher_manual_price_pays_for_no_other_discount():
    asked = [
        granted("site", "MACRO", unit_price=usd("50000")),
        granted("site", "RRU", percent="10"),
    ]
    found = pricing(an_ask(SITE, discounts=asked))
    assert found.totals.sales_discount_percent.root == Decimal("1.83")  # 1890 of 103162.50


@pytest.mark.parametrize("action", ["clamp", "approval"])
def test_a_manual_price_is_looked_at_by_the_guardrails(action):
    rail = {
        "id": "floor", "version": 1, "name": "Floor of radios", "scope": "line", "skus": ["RRU"],
        "price": "2900", "action": action,
    }  # fmt: skip
    ask = an_ask(SITE, discounts=[granted("site", "RRU", unit_price=usd("100"))])
    found = pricing(ask, a_book(guardrails=[rail]))
    lifted = {"clamp": "17400.00 USD", "approval": "600.00 USD"}
    assert nets(found)[1] == lifted[action]
    assert [each.action for each in found.breaches] == [
        "clamped" if action == "clamp" else "approval"
    ]


@pytest.mark.parametrize(
    ("how", "code"),
    [
        (granted("site", "RRU", amount={"amount": "5", "currency": "EUR"}), "discount_currency"),
        (granted("site", "RRU", amount=usd("-5")), "discount_range"),
        (granted("site", "RRU", amount=usd("5.001")), "discount_scale"),
        (granted("site", "RRU", unit_price=usd("0")), "discount_range"),
        (granted("site", "RRU", unit_price=usd("5.001")), "discount_scale"),
        (granted("site", "GHOST", percent="5"), "discount_unknown_part"),
        (granted("works", "CIVIL", unit_price=usd("5")), "not_discountable"),
        (granted("works", amount=usd("5")), "not_discountable"),
    ],
)
def test_what_can_not_be_granted_is_said_by_name(how, code):
    found = problems(an_ask(SITE, WORKS, discounts=[how]))
    assert [each.code for each in found] == [f"pricer.{code}"]
    assert found[0].field == "discounts.0"


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"percent": "5", "amount": usd("5")}, "give one of percent, amount and unit_price"),
        ({"percent": "5", "sku": "RRU"}, "a part is one of an item; name its item_id"),
        ({"unit_price": usd("5"), "item_id": "site"}, "a manual price is of one part"),
    ],
)
def test_a_grant_says_one_thing_about_one_thing(how, words):
    with pytest.raises(ValueError, match=words):
        DiscountAsk.model_validate({"rationale": "because", **how})


def test_an_ask_of_before_keeps_its_hash():
    tree = an_ask(SITE, discounts=[a_discount("10", "site")]).tree()
    assert tree["discounts"] == [["site", "10"]]
    assert "terms" not in tree


def test_every_way_to_grant_has_a_hash_of_its_own():
    ways = [
        granted("site", percent="5"),
        granted("site", "RRU", percent="5"),
        granted("site", "RRU", amount=usd("5")),
        granted("site", "RRU", unit_price=usd("5")),
        granted("site", amount=usd("5")),
        granted(amount=usd("5")),
    ]
    hashes = {pricing(an_ask(SITE, discounts=[each])).input_sha256 for each in ways}
    assert len(hashes) == len(ways)


# ---- target price


def solved(ask: PriceAsk, net: str, item_id=None, sku=None) -> Solved:
    target = Target(Money.of(net, ask.currency), "to meet the budget", item_id, sku)
    found = target_price(ask, target, price_one)
    assert isinstance(found, Solved), found
    return found


def refused(ask: PriceAsk, net: str, item_id=None, sku=None) -> str:
    target = Target(Money.of(net, ask.currency), "to meet the budget", item_id, sku)
    found = target_price(ask, target, price_one)
    assert isinstance(found, Unpriced), found
    return found.problems[0].message


def test_a_target_for_the_quote_is_hit_to_the_cent():
    found = solved(an_ask(SITE, POLE, WORKS, discounts=[a_discount("7.5", "site")]), "100000.01")
    assert str(found.after.totals.net) == "100000.01 USD"
    assert found.discount == found.before.totals.net - found.after.totals.net
    again = price_one(found.ask)
    assert again == found.after


def test_a_target_for_an_item_is_hit_below_a_discount_on_the_quote():
    ask = an_ask(SITE, POLE, discounts=[a_discount("12.34")])
    found = solved(ask, "8000.00", "pole")
    of_pole = Money.total((e.net_total for e in found.after.lines if e.item_id == "pole"), "USD")
    assert str(of_pole) == "8000.00 USD"


def test_a_target_takes_the_place_of_what_was_granted_on_the_same():
    ask = an_ask(SITE, discounts=[a_discount("50"), a_discount("3", "site")])
    found = solved(ask, "100000")
    assert [each.target for each in found.ask.discounts] == [("site", None), (None, None)]
    assert str(found.after.totals.net) == "100000.00 USD"


def test_the_price_itself_as_a_target_needs_no_discount():
    net = str(pricing(an_ask(SITE)).totals.net.amount)
    assert solved(an_ask(SITE), net).discount is None


def test_a_target_out_of_reach_says_why():
    assert refused(an_ask(SITE), "200000") == (
        "the quote comes to 103162.50 USD without a discount; a discount can not raise it to"
        " 200000.00 USD"
    )
    assert "with at most 2 decimals" in refused(an_ask(SITE), "100.001")
    assert refused(an_ask(SITE), "5", "ghost") == "there is no item ghost in the quote"
    # The works are sold without discounts: 9440 of them stay.
    assert "the nearest that one can make" in refused(an_ask(SITE, WORKS), "100")


@given(
    net=st.integers(1, 10_000_000), percent=st.integers(0, 90), of_item=st.booleans(),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_a_target_is_hit_exactly_or_refused(net, percent, of_item):
    ask = an_ask(SITE, POLE, discounts=[a_discount(str(percent), "pole"), a_discount("3")])
    wanted = Money.of(Decimal(net).scaleb(-2), "USD")
    target = Target(wanted, "to meet the budget", "site" if of_item else None)
    found = target_price(ask, target, price_one)
    if isinstance(found, Solved):
        assert target.reached(found.after) == wanted
    else:
        assert found.problems[0].code == "pricer.target_impossible"


def test_a_target_is_hit_in_a_currency_without_cents():
    found = solved(an_ask(SITE, currency="JPY"), "15000001")
    assert str(found.after.totals.net) == "15000001 JPY"


# ---- the largest discount


def test_the_largest_discount_is_the_last_hundredth_that_is_allowed():
    book = a_book(rules=[a_rule("gold", "tier", percent_off("5"), when={"tiers": ["gold"]})])
    ask = an_ask(SITE, discounts=[a_discount("4", "site")], customer_tier="gold")

    def tried(asked):
        return price(asked, compile_book(book), the_fx())

    def allowed(priced):
        return priced.totals.sales_discount_percent.root <= Decimal("12.5")

    found = largest_discount(ask, tried, allowed)
    assert found is not None
    assert not isinstance(found, Unpriced)
    # 0.96 x (1 - 8.85 %) = 0.87504; one hundredth more gives 12.51 %
    assert str(found.percent) == "8.85 %"
    assert found.priced.totals.sales_discount_percent.root == Decimal("12.50")


def test_no_discount_at_all_may_be_too_much():
    assert largest_discount(an_ask(SITE), price_one, lambda _: False) is None


def test_every_discount_may_be_allowed():
    found = largest_discount(an_ask(SITE), price_one, lambda _: True)
    assert found is not None
    assert not isinstance(found, Unpriced)
    assert found.percent.root == 100
