"""Whether the condition of a rule or a guardrail holds for a line, and why not, in words."""

from collections.abc import Sequence
from decimal import Decimal

from services.pricer.domain.asks.basket import BasketLine
from services.pricer.domain.asks.scene import Scene, exact_sum
from services.pricer.domain.asks.trace import say, say_number
from services.pricer.domain.books.rules import AmountRange, Condition, QuantityRange


def elsewhere(when: Condition, scene: Scene) -> str | None:
    """Say why the condition is for another customer, region or day; None if it is not."""
    if away := for_others(when, scene):
        return away
    if when.effective and not when.effective.holds(scene.ask.day):
        return f"is not in force on {scene.ask.day.isoformat()}"
    if when.segments or when.channels or when.partners or when.currencies or when.between:
        return _elsewhere(when, scene)
    return None


def for_others(when: Condition, scene: Scene) -> str | None:
    """Say why the condition is for another account, tier or region; None if it is not."""
    ask = scene.ask
    if when.accounts and ask.account_id not in when.accounts:
        return "contracted with another account"
    if when.tiers and ask.customer_tier not in when.tiers:
        return f"is for tier {', '.join(when.tiers)}; the customer's is {ask.customer_tier}"
    if when.regions and ask.region not in when.regions:
        return f"is for region {', '.join(when.regions)}; the quote's is {ask.region}"
    return None


def is_dated(when: Condition) -> bool:
    """Say whether it hangs on the day or the hour."""
    return when.effective is not None or when.between is not None


def _elsewhere(when: Condition, scene: Scene) -> str | None:
    ask = scene.ask
    for kind, wanted, ours in (
        ("segment", when.segments, ask.segment),
        ("channel", when.channels, ask.channel),
        ("partner", when.partners, ask.partner),
        ("currency", when.currencies, ask.currency),
    ):
        if wanted and ours not in wanted:
            return _not_for(kind, wanted, ours)
    between = when.between
    if between and (
        (between.first is not None and scene.moment < between.first)
        or (between.last is not None and scene.moment > between.last)
    ):
        return f"is not in force at {scene.moment.isoformat(sep=' ', timespec='minutes')}"
    return None


def why_not(when: Condition, line: BasketLine, scene: Scene) -> str | None:
    """Say why the condition does not hold for the line; None if it does."""
    return elsewhere(when, scene) or why_not_here(when, line, scene)


def why_not_here(when: Condition, line: BasketLine, scene: Scene) -> str | None:
    """Say why a condition that is for this customer and day does not hold for the line."""
    why = not_such_a_line(when, line, scene)
    if why is None and (when.quantity or when.amount):
        why = _of_amounts(when, line, scene)
    return why


def not_such_a_line(when: Condition, line: BasketLine, scene: Scene) -> str | None:
    """Say why a condition is for other lines, whatever quantities and amounts are."""
    if when.alongside_skus or when.alongside_categories:
        skus, categories = when.alongside_skus, when.alongside_categories
        if not scene.stands_beside((skus, categories), line):
            return f"needs {' or '.join(skus + categories)} in the same item"
    if when.charges and line.entry.charge not in when.charges:
        return _not_for("charge", when.charges, line.entry.charge)
    if when.products or when.attributes or when.together:
        return _of_item(when, line, scene)
    return None


def _of_item(when: Condition, line: BasketLine, scene: Scene) -> str | None:
    if when.products:
        product = scene.products[line.item_id]
        if product not in when.products:
            return _not_for("product", when.products, product)
    for wanted in when.attributes:
        ours = scene.parameters[line.item_id].get(wanted.name)
        if ours not in wanted.values:
            return _not_for(wanted.name, wanted.values, ours)
    for part in when.together:
        there = exact_sum(each.base for each in scene.by_item[line.item_id] if each.sku == part.sku)
        if there < part.at_least:
            return f"needs {say_number(part.at_least)} of {part.sku} in the same item"
    return None


def _of_amounts(when: Condition, line: BasketLine, scene: Scene) -> str | None:
    scope = (when.skus, when.categories)
    if when.quantity:
        counted = scene.counted(scope, when.quantity.counted, line)
        if why := why_not_quantity(when.quantity, counted, scene):
            return why
    if when.amount:
        return why_not_amount(when.amount, scene.amount_of(scope, when.amount, line), scene)
    return None


def why_not_amount(wanted: AmountRange, amount: Decimal, scene: Scene) -> str | None:
    """Say why an amount in the quote's currency does not lie in the range.   Raises: NoRate."""
    least, most = (
        None if end is None else scene.money(end, wanted.currency)
        for end in (wanted.at_least, wanted.up_to)
    )
    found = f"the amount {say(amount, scene.currency)} is"
    if least is not None and amount < least:
        return f"{found} below {say(least, scene.currency)}"
    if most is not None and amount > most:
        return f"{found} above {say(most, scene.currency)}"
    return None


def why_not_quantity(wanted: QuantityRange, quantity: Decimal, scene: Scene) -> str | None:
    """Say why a quantity does not lie in the range, both ends included."""
    least, most, is_plain = wanted.at_least, wanted.up_to, scene.engine.plain_words
    found = f"quantity {say_number(quantity)} is"
    if least is not None and quantity < least:
        return f"{found} below {say_number(least)}" if is_plain else f"{found} not {said(wanted)}"
    if most is not None and quantity > most:
        return f"{found} above {say_number(most)}" if is_plain else f"{found} not {said(wanted)}"
    return None


def said(wanted: QuantityRange | AmountRange) -> str:
    """Say a range in words."""
    ends = []
    if wanted.at_least is not None:
        ends.append(f"from {say_number(wanted.at_least)}")
    if wanted.up_to is not None:
        ends.append(f"up to {say_number(wanted.up_to)}")
    return " ".join(ends) or "any"


def _not_for(kind: str, wanted: Sequence[str], ours: str | None) -> str:
    return f"is for {kind} {', '.join(wanted)}; here it is {ours or 'not known'}"
