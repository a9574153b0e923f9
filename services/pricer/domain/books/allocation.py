"""Split an amount by weights, exactly, and round to multiples."""

from collections.abc import Sequence
from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext

from contracts.values import EXACT
from services.pricer.domain.books.price_models import Mode

ZERO, WHOLE = Decimal(0), Decimal(1)
# The product of two numbers of 60 digits has room in it.
WIDE = Context(prec=150, traps=[Inexact, InvalidOperation])


def largest_remainder(
    amount: Decimal, weights: Sequence[Decimal], unit: Decimal, *, cap: bool = False
) -> list[Decimal]:
    """Split an amount into whole units so that the parts sum to it; ties go to the earlier.

    Weights that sum to zero split equally. With `cap` no part is above its weight, and what does
    not fit goes to the others; an amount above all weights gives the weights.
    Raises: ValueError, if the amount is no multiple of the unit.

    >>> parts = largest_remainder(Decimal("1.00"), [Decimal(1)] * 3, Decimal("0.01"))
    >>> [str(part) for part in parts]
    ['0.34', '0.33', '0.33']
    """
    if not weights:
        return []
    with localcontext(WIDE):
        count, rest = divmod(amount, unit)
        if rest:
            raise ValueError(f"{amount} is finer than {unit}; round it before it is split")
        if cap:
            parts = _capped(count, weights, [each // unit for each in weights])
        else:
            parts = _split(count, weights)
        return [part * unit for part in parts]


def _split(count: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Split whole units by weights of any sign; a negative count is split as its opposite."""
    if count < 0:
        return [-part for part in _split(-count, weights)]
    whole = sum(weights, ZERO)
    if not whole:
        weights, whole = [WHOLE] * len(weights), Decimal(len(weights))
    found = [divmod(count * each, whole) for each in weights]
    # Division is towards zero, and nothing is to be no negative zero.
    parts = [part + ZERO for part, _ in found]
    rests = [rest for _, rest in found] if whole > 0 else [-rest for _, rest in found]
    missing = int(count - sum(parts))
    step = 1 if missing >= 0 else -1
    # Sorting keeps the order of equals, so ties go to the earlier.
    order = sorted(range(len(rests)), key=rests.__getitem__, reverse=missing >= 0)
    for place in order[: abs(missing)]:
        parts[place] += step
    return parts


def _capped(count: Decimal, weights: Sequence[Decimal], most: Sequence[Decimal]) -> list[Decimal]:
    """Split again among those that still have room until all is given or nobody has room."""
    parts = [ZERO] * len(weights)
    open_ = [place for place, room in enumerate(most) if room > 0]
    count = min(count, sum((room for room in most if room > 0), ZERO))
    while count and open_:
        given = _split(count, [weights[place] for place in open_])
        for place, more in zip(open_, given, strict=True):
            more = min(more, most[place] - parts[place])
            parts[place] += more
            count -= more
        open_ = [place for place in open_ if parts[place] < most[place]]
    return parts


def to_multiple(amount: Decimal, multiple: Decimal, mode: Mode) -> Decimal:
    """Round to a multiple above zero; exact, also where the quotient never ends.

    `half_up` is away from zero; `up` is towards more money, and `down` towards zero.

    >>> to_multiple(Decimal("27.725"), Decimal("0.05"), "half_up")
    Decimal('27.75')
    >>> to_multiple(Decimal("-0.05"), Decimal("0.03"), "up")
    Decimal('-0.03')
    """
    count, rest = EXACT.divmod(abs(amount), multiple)
    below = EXACT.multiply(count, multiple)
    if rest:
        twice = EXACT.add(rest, rest)
        odd = bool(EXACT.remainder(count, Decimal(2)))
        lifts = {
            "up": amount > 0,
            "down": False,
            "half_up": twice >= multiple,
            "half_even": twice > multiple or (twice == multiple and odd),
        }
        if lifts[mode]:
            below = EXACT.add(below, multiple)
    return below if amount >= 0 else EXACT.minus(below)


def decimals(number: Decimal) -> int:
    """Return how many decimal places a finite number is written with."""
    if number.same_quantum(WHOLE):
        return 0
    exponent = number.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0
