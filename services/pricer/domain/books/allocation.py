"""Split an amount by weights, exactly, and round to multiples; whole numbers throughout."""

from collections.abc import Sequence
from decimal import Decimal

from contracts.values import EXACT
from services.pricer.domain.books.price_models import Mode


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
    count, rest = EXACT.divmod(amount, unit)
    if rest:
        raise ValueError(f"{amount} is finer than {unit}; round it before it is split")
    scale = max(0, *(decimals(each) for each in weights))
    sizes = [int(EXACT.scaleb(each, scale)) for each in weights]
    if cap:
        most = [int(EXACT.divide_int(each, unit)) for each in weights]
        parts = _capped(int(count), sizes, most)
    else:
        parts = _split(int(count), sizes)
    return [EXACT.multiply(Decimal(part), unit) for part in parts]


def _split(count: int, sizes: Sequence[int]) -> list[int]:
    """Split whole units by whole sizes, of any sign; a negative count is split as its opposite."""
    sign = -1 if count < 0 else 1
    whole = sum(sizes)
    if not whole:
        sizes, whole = [1] * len(sizes), len(sizes)
    if whole < 0:
        sizes, whole = [-each for each in sizes], -whole
    found = [_towards_zero(abs(count) * each, whole) for each in sizes]
    missing = abs(count) - sum(part for part, _ in found)
    step = 1 if missing >= 0 else -1
    order = sorted(range(len(found)), key=lambda place: (-found[place][1] * step, place))
    parts = [part for part, _ in found]
    for place in order[: abs(missing)]:
        parts[place] += step
    return [sign * part for part in parts]


def _towards_zero(number: int, whole: int) -> tuple[int, int]:
    """Divide towards zero: the quotient and the signed remainder."""
    part, rest = divmod(abs(number), whole)
    return (part, rest) if number >= 0 else (-part, -rest)


def _capped(count: int, sizes: Sequence[int], most: Sequence[int]) -> list[int]:
    """Split again among those that still have room until all is given or nobody has room."""
    parts = [0] * len(sizes)
    open_ = [place for place, room in enumerate(most) if room > 0]
    count = min(count, sum(room for room in most if room > 0))
    while count and open_:
        given = _split(count, [sizes[place] for place in open_])
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
    exponent = number.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0
