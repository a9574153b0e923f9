"""How a quantity falls into tiers and packages."""

from decimal import Decimal

from contracts.values import EXACT

ZERO, ONE = Decimal(0), Decimal(1)


def graduated(quantity: Decimal, tiers: list[tuple[Decimal | None, Decimal]]) -> Decimal:
    """Price each unit at its own tier; bounds are inclusive, the last tier is open.

    >>> graduated(Decimal(12), [(Decimal(10), Decimal(100)), (None, Decimal(90))])
    Decimal('1180')
    """
    amount, below = ZERO, ZERO
    for up_to, unit in tiers:
        top = quantity if up_to is None else min(quantity, up_to)
        if top > below:
            amount = EXACT.add(amount, EXACT.multiply(EXACT.subtract(top, below), unit))
            below = top
    return amount


def packages(quantity: Decimal, size: Decimal, rounding: str = "up") -> Decimal:
    """Return how many packages hold the quantity, a started one counted as `rounding` says.

    >>> packages(Decimal(121), Decimal(10)), packages(Decimal(121), Decimal(10), "down")
    (Decimal('13'), Decimal('12'))
    """
    count, rest = EXACT.divmod(quantity, size)
    started = {"up": rest > 0, "down": False, "half_up": EXACT.add(rest, rest) >= size}
    return EXACT.add(count, ONE) if rest and started[rounding] else count
