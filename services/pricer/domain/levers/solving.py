"""Discounts that are looked for: the one that hits a target price, and the largest allowed.

Both price the whole ask again, by the engine itself, until the answer is exact.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from contracts.pricing import DiscountAsk, LineProblem, PricedLine
from contracts.values import EXACT, Money, Percent, minor_unit
from services.pricer.domain.asks.ask import PriceAsk, Priced, Unpriced, problem

PriceOne = Callable[[PriceAsk], Priced | Unpriced]
# Discounts are given and measured in hundredths of a percent.
GRID = Decimal("0.01")
GRID_STEPS = 10_000


@dataclass(frozen=True, slots=True)
class Target:
    """What a part of an item, an item or the whole quote shall come to, net, and why."""

    net: Money
    rationale: str
    item_id: str | None = None
    sku: str | None = None

    @property
    def name(self) -> str:
        """What it is the target of, in words."""
        if self.sku is not None:
            return f"part {self.sku} of item {self.item_id}"
        return f"item {self.item_id}" if self.item_id else "the quote"

    def lines(self, priced: Priced) -> Sequence[PricedLine]:
        """Return the lines that count."""
        return [
            each
            for each in priced.lines
            if self.item_id in {None, each.item_id} and self.sku in {None, each.sku}
        ]

    def reached(self, priced: Priced) -> Money:
        """Return what it comes to in a price."""
        return Money.total((each.net_total for each in self.lines(priced)), priced.totals.currency)

    def asked(self, ask: PriceAsk, amount: Money | None) -> PriceAsk:
        """Return the ask with this amount in place of what was granted on the same."""
        own = (self.item_id, self.sku)
        kept = tuple(each for each in ask.discounts if each.target != own)
        if amount is None:
            return ask.but({"discounts": kept})
        given = DiscountAsk(
            amount=amount, rationale=self.rationale, item_id=self.item_id, sku=self.sku
        )
        return ask.but({"discounts": (*kept, given)})


@dataclass(frozen=True, slots=True)
class Solved:
    """The discount that hits the target exactly, the price without and the price with it.

    None where the price without a discount is the target already. `ask` makes the price `after`.
    """

    discount: Money | None
    before: Priced
    after: Priced
    ask: PriceAsk


def target_price(ask: PriceAsk, target: Target, price_one: PriceOne) -> Solved | Unpriced:
    """Return the discount by amount that brings a net total to the target, to the minor unit.

    It stands in place of what is granted on the same part, item or quote; all else stays. Unpriced
    says why there is none: the target is above the price without a discount, below a floor, or
    between two totals that a discount can reach.
    """
    bare = target.asked(ask, None)
    before = price_one(bare)
    if isinstance(before, Unpriced):
        return before
    if fault := _impossible(target, before):
        return Unpriced((fault,))
    start = target.reached(before)
    if start == target.net:
        return Solved(None, before, before, bare)
    search = _Search(bare, target, price_one)
    # Most often the difference is the discount; where others follow it, it takes a larger one.
    steps = search.steps(start - target.net)
    if not search.hits(steps):
        steps = search.fewest(search.steps(start))
    after = search.at(steps)
    if isinstance(after, Priced) and target.reached(after) == target.net:
        amount = search.amount(steps)
        return Solved(amount, before, after, target.asked(bare, amount))
    return Unpriced((_not_reached(target, search.at(steps - 1), after),))


def _impossible(target: Target, before: Priced) -> LineProblem | None:
    currency = before.totals.currency
    start, net = target.reached(before), target.net
    if not target.lines(before):
        return problem("target_unknown", f"there is no {target.name} in the quote", "target")
    if net.currency != currency:
        text = f"the quote is in {currency}; give the target in {currency}"
        return problem("discount_currency", text, "target.net")
    if net.rounded() != net or net.amount < 0:
        digits = minor_unit(currency)
        text = f"give a target of 0 {currency} or more, with at most {digits} decimals"
        return problem("target_impossible", text, "target.net")
    if net > start:
        text = f"{target.name} comes to {start} without a discount; a discount can not raise it"
        return problem("target_impossible", f"{text} to {net}", "target.net")
    return None


def _not_reached(target: Target, above: Priced | Unpriced, below: Priced | Unpriced) -> LineProblem:
    near = [str(target.reached(each)) for each in (above, below) if isinstance(each, Priced)]
    text = f"no discount on {target.name} makes it {target.net} exactly; the nearest that one can"
    text += f" make are {' and '.join(dict.fromkeys(near))}"
    return problem("target_impossible", text, "target.net")


class _Search:
    """Tries discounts in minor units; what was tried is kept."""

    def __init__(self, bare: PriceAsk, target: Target, price_one: PriceOne) -> None:
        self._bare = bare
        self._target = target
        self._price_one = price_one
        self._tried: dict[int, Priced | Unpriced] = {}

    def steps(self, amount: Money) -> int:
        return int(EXACT.scaleb(amount.amount, minor_unit(amount.currency)))

    def amount(self, steps: int) -> Money:
        currency = self._bare.currency
        return Money.of(EXACT.scaleb(Decimal(steps), -minor_unit(currency)), currency)

    def at(self, steps: int) -> Priced | Unpriced:
        if steps not in self._tried:
            asked = self._target.asked(self._bare, self.amount(steps) if steps else None)
            self._tried[steps] = self._price_one(asked)
        return self._tried[steps]

    def hits(self, steps: int) -> bool:
        found = self.at(steps)
        return isinstance(found, Priced) and self._target.reached(found) == self._target.net

    def fewest(self, most: int) -> int:
        """Return the smallest discount that brings the total down to the target, or the largest.

        A total never rises with the discount. What can not be discounted so far counts as brought
        down too far.
        """

        def low_enough(steps: int) -> bool:
            found = self.at(steps)
            return not isinstance(found, Priced) or (
                self._target.reached(found) <= self._target.net
            )

        low, high = 1, max(most, 1)
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if low_enough(middle) else (middle + 1, high)
        return low


# ---- the largest discount


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest discount on the quote that something allows, and the price that it makes."""

    percent: Percent
    priced: Priced


def largest_discount(
    ask: PriceAsk, price_one: PriceOne, allowed: Callable[[Priced], bool]
) -> Largest | Unpriced | None:
    """Return the largest discount on the quote, in hundredths of a percent, that is allowed.

    Other discounts stay as they are. None: not even 0 % is. Exact, because more discount never
    makes terms better: if one is not allowed, no higher one is.
    """

    def at(step: int) -> Priced | Unpriced:
        percent = Percent(EXACT.multiply(GRID, Decimal(step)))
        given = DiscountAsk(percent=percent, rationale="the largest that needs nobody")
        kept = tuple(each for each in ask.discounts if each.target != (None, None))
        return price_one(ask.but({"discounts": (*kept, *((given,) if step else ()))}))

    low, best = -1, None
    high = GRID_STEPS
    while low < high:
        middle = (low + high + 1) // 2
        found = at(middle)
        if isinstance(found, Unpriced):
            if middle == 0:
                return found
            high = middle - 1
        elif allowed(found):
            low, best = middle, found
        else:
            high = middle - 1
    if best is None:
        return None
    return Largest(Percent(EXACT.multiply(GRID, Decimal(low))), best)
