"""What must be right about the discounts, manual prices and terms that a seller asks for."""

from collections.abc import Sequence

from contracts.pricing import DiscountAsk, LineProblem
from contracts.values import EXACT, HUNDRED, ZERO, Money, Percent, minor_unit
from services.pricer.domain.asks.ask import PriceAsk, problem
from services.pricer.domain.asks.basket import BasketLine
from services.pricer.domain.asks.rounding import digits_at, line_digits
from services.pricer.domain.asks.sizes import is_absurd
from services.pricer.domain.books.book import RoundingPolicy

DISCOUNT_DECIMALS = 4
Fault = tuple[str, str]
"""A code and what to do."""


def discounts(
    ask: PriceAsk, lines: Sequence[BasketLine], policy: RoundingPolicy
) -> list[LineProblem]:
    """Return every problem of the discounts, in their order."""
    if not ask.discounts:
        return []
    items = {each.item_id for each in ask.items}
    seen: set[tuple[str | None, str | None]] = set()
    found = []
    for place, discount in enumerate(ask.discounts):
        wrong = None
        if not is_absurd(discount):  # that is a problem of its line only; the rest has a price
            wrong = _discount(discount, items, lines) or _amounts(discount, ask.currency, policy)
        if discount.target in seen:
            text = f"{_named(discount)} is discounted twice; ask for one percentage"
            wrong = "discount_twice", text
        seen.add(discount.target)
        if wrong:
            found.append(problem(wrong[0], wrong[1], f"discounts.{place}"))
    return found


def terms(ask: PriceAsk) -> list[LineProblem]:
    """Return every problem of the terms, in their order."""
    if not ask.terms:
        return []
    items = {each.item_id for each in ask.items}
    found = []
    for place, term in enumerate(ask.terms):
        field = f"terms.{place}"
        if term.item_id is not None and term.item_id not in items:
            text = f"there is no item {term.item_id}; give the term of one of"
            text += f" {', '.join(sorted(items))}, or of the quote"
            found.append(problem("term_unknown_item", text, field))
        percents = [each.percent for each in term.ramp if each.percent is not None]
        found.extend(
            problem(fault[0], fault[1], field) for each in percents if (fault := _percent(each))
        )
    return found


def _discount(discount: DiscountAsk, items: set[str], lines: Sequence[BasketLine]) -> Fault | None:
    if wrong := _percent(discount.percent):
        return wrong
    item_id, sku = discount.target
    if item_id is not None and item_id not in items:
        text = f"there is no item {item_id}; discount one of {', '.join(sorted(items))}"
        return "discount_unknown_item", text
    reached = lines
    if item_id is not None:
        reached = [each for each in lines if each.item_id == item_id and sku in (None, each.sku)]
    if sku is not None and not reached:
        parts = ", ".join(sorted(each.sku for each in lines if each.item_id == item_id))
        text = f"item {item_id} has no part {sku} with a price; discount one of {parts}"
        return "discount_unknown_part", text
    if discount.unit_price is not None and len(reached) > 1:
        text = f"part {sku} has several charges, so one manual price does not say which; give a"
        return "discount_several_charges", f"{text} discount instead"
    grants = discount.percent.root or discount.amount or discount.unit_price is not None
    if grants and reached and not any(each.discountable for each in reached):
        text = f"no part of {_named(discount)} is sold with discounts; drop this one"
        return "not_discountable", text
    return None


def _percent(percent: Percent) -> Fault | None:
    exponent = percent.root.as_tuple().exponent
    if not ZERO <= percent.root <= HUNDRED:
        return "discount_range", f"a discount of {percent.root} % is impossible; give 0 to 100"
    if isinstance(exponent, int) and -exponent > DISCOUNT_DECIMALS:
        return "discount_scale", f"give the discount with at most {DISCOUNT_DECIMALS} decimals"
    return None


def _amounts(discount: DiscountAsk, currency: str, policy: RoundingPolicy) -> Fault | None:
    """Judge an amount off, to the minor unit, or a manual price, to the scale of unit prices."""
    if discount.amount is None and discount.unit_price is None:
        return None
    for money, least, digits in (
        (discount.amount, "give 0 or more", _digits_of_amounts(policy, currency)),
        (discount.unit_price, "give more than 0", digits_at(policy.unit, currency)),
    ):
        if money is None:
            continue
        if money.currency != currency:
            text = f"{money} is not in {currency}, the currency of the quote; give it in {currency}"
            return "discount_currency", text
        if money.amount < 0 or (money is discount.unit_price and not money.amount):
            return "discount_range", f"{money} is impossible here; {least}"
        if _decimals(money) > digits:
            return "discount_scale", f"give {money} with at most {digits} decimals"
    return None


def _digits_of_amounts(policy: RoundingPolicy, currency: str) -> int:
    return min(minor_unit(currency), line_digits(policy, currency))


def _decimals(money: Money) -> int:
    exponent = EXACT.normalize(money.amount).as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _named(discount: DiscountAsk) -> str:
    item_id, sku = discount.target
    if sku is not None:
        return f"part {sku} of item {item_id}"
    return f"item {item_id}" if item_id else "the quote"
