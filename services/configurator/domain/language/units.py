"""Units of the model language: which may be added, which multiplied, and what comes out.

A unit is its own name; there is no conversion, so a model sticks to one unit per quantity. Decibels
follow the rules of levels and ratios: a level plus a gain is a level, the difference of two levels
is a ratio.
"""

from contracts.errors import Refused

PLAIN = ""

UNITS = frozenset(
    {"W", "kW", "V", "A", "Ah", "Wh", "kg", "g", "m", "mm", "km", "U", "MHz", "GHz", "Hz"}
    | {"Mbit/s", "Gbit/s", "bit/s/Hz", "dB", "dBm", "dBi", "dB/km", "%", "h", "s"}
    | {"days", "months", "years", "°C", "l/min", "bar", "m3/h", "kg/m3", "1/min"}
)

# Products of two units that mean something; both orders hold.
_PRODUCTS = {
    ("W", "h"): "Wh",
    ("V", "A"): "W",
    ("V", "Ah"): "Wh",
    ("A", "h"): "Ah",
    ("MHz", "bit/s/Hz"): "Mbit/s",
    ("GHz", "bit/s/Hz"): "Gbit/s",
    ("dB/km", "km"): "dB",
}
_RATIOS = frozenset({"dB", "dBi"})


class UnitFault(Refused):
    """Two units do not go together; the message says which."""

    code = "model.unit"


def described(unit: str) -> str:
    """Return the unit in words for a message."""
    return unit or "a plain number"


def same(left: str, right: str, purpose: str) -> str:
    """Return the common unit.   Raises: UnitFault, naming both units and the purpose."""
    if left != right:
        raise UnitFault(f"can not {purpose} {described(left)} and {described(right)}")
    return left


def added(left: str, right: str) -> str:
    """Return the unit of a sum: equal units, or a level or gain plus a ratio in decibels."""
    if (left == "dBm" and right in _RATIOS) or (left in _RATIOS and right == "dBm"):
        return "dBm"
    if left in _RATIOS and right in _RATIOS:
        return left if left == right else "dBi"
    return same(left, right, "add")


def subtracted(left: str, right: str) -> str:
    """Return the unit of a difference; two levels differ by a ratio in decibels."""
    if left == "dBm" and right == "dBm":
        return "dB"
    if left == "dBm" and right in _RATIOS:
        return "dBm"
    if left == "dBi" and right == "dB":
        return "dBi"
    return same(left, right, "subtract")


def multiplied(left: str, right: str) -> str:
    """Return the unit of a product.   Raises: UnitFault, if the product has no name here."""
    if PLAIN in (left, right):
        return left or right
    found = _PRODUCTS.get((left, right)) or _PRODUCTS.get((right, left))
    if found is None:
        raise UnitFault(f"can not multiply {left} and {right}")
    return found


def divided(left: str, right: str) -> str:
    """Return the unit of a quotient.   Raises: UnitFault, if it has no name here."""
    if right == PLAIN:
        return left
    if left == right:
        return PLAIN
    for (one, other), product in _PRODUCTS.items():
        if product == left and right in (one, other):
            return other if right == one else one
    raise UnitFault(f"can not divide {described(left)} by {right}")
