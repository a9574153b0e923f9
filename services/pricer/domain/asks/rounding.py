"""The rounding points of a book in one currency: how each rounds, and to how many decimals."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation, localcontext

from contracts.values import EXACT, SCALES, minor_unit
from services.pricer.domain.books.allocation import decimals, to_multiple
from services.pricer.domain.books.book import RoundingPolicy
from services.pricer.domain.books.price_models import MODES
from services.pricer.domain.books.rules import RoundingPoint

# Money holds six decimals at most.
FINEST = 6
# Rounding and the few divisions that are rounded at once; everywhere else a lost digit is an error.
ROUNDS = Context(prec=60, traps=[InvalidOperation])
Round = Callable[[Decimal], Decimal]


def exactly() -> AbstractContextManager[Context]:
    """Make operators on decimals exact, a lost digit an error; every door to the waterfall does.

    Their digits hang on the context of the thread otherwise, whatever that happens to be.
    """
    return localcontext(EXACT)


@dataclass(frozen=True, slots=True)
class Rounding:
    """The named points, ready to use. `line_digits` are those of what is split over lines."""

    list: Round
    unit: Round
    line: Round
    list_digits: int
    unit_digits: int
    line_digits: int
    line_mode: str


def rounding_of(policy: RoundingPolicy, currency: str) -> Rounding:
    """Make the points of a policy ready for a currency."""
    line = policy.line
    return Rounding(
        list=rounds_at(policy.list, currency),
        unit=rounds_at(policy.unit, currency),
        line=rounds_at(line, currency)
        if isinstance(line, RoundingPoint)
        else _quantizes(minor_unit(currency), MODES[line]),
        list_digits=digits_at(policy.list, currency),
        unit_digits=digits_at(policy.unit, currency),
        line_digits=line_digits(policy, currency),
        line_mode=line_mode(policy),
    )


def rounds_at(point: RoundingPoint, currency: str) -> Round:
    """Return what rounds at a point; `exact` keeps every digit."""
    multiple, mode = point.multiple, point.mode
    if multiple is not None:
        return lambda amount: to_multiple(amount, multiple, mode)
    if point.scale == "exact":
        return lambda amount: amount
    return _quantizes(minor_unit(currency) if point.scale == "minor" else point.scale, MODES[mode])


def _quantizes(digits: int, mode: str) -> Round:
    unit, context = SCALES[digits], ROUNDS

    def quantizes(amount: Decimal) -> Decimal:
        return amount.quantize(unit, mode, context)

    return quantizes


def digits_at(point: RoundingPoint, currency: str) -> int:
    """Return the decimals that a point rounds to; `exact` shows the finest that Money holds."""
    if point.multiple is not None:
        return decimals(point.multiple)
    if point.scale == "minor":
        return minor_unit(currency)
    return FINEST if point.scale == "exact" else point.scale


def line_digits(policy: RoundingPolicy, currency: str) -> int:
    """Return the decimals of what is split over lines: at the finest a minor unit."""
    line = policy.line
    if isinstance(line, RoundingPoint) and line.scale != "exact":
        return digits_at(line, currency)
    return minor_unit(currency)


def line_mode(policy: RoundingPolicy) -> str:
    """Return how a line is rounded."""
    line = policy.line
    return MODES[line.mode if isinstance(line, RoundingPoint) else line]


def quantized(amount: Decimal, digits: int, mode: str) -> Decimal:
    """Round a raw amount to a number of decimals; the one operation that may drop digits."""
    return amount.quantize(SCALES[digits], mode, ROUNDS)
