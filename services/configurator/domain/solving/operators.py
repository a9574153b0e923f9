"""What the operators of the expression language do to units and bounds."""

from collections.abc import Callable

from services.configurator.domain.language import units
from services.configurator.domain.solving import bounds as b

LOGIC: dict[str, Callable[[b.Bounds, b.Bounds], b.Bounds]] = {
    "and": lambda left, right: b.extreme(min, (left, right)),
    "or": lambda left, right: b.extreme(max, (left, right)),
    "implies": lambda left, right: b.extreme(max, (b.inverse(left), right)),
    "iff": b.equal,
}
ARITHMETIC: dict[
    str, tuple[Callable[[str, str], str], Callable[[b.Bounds, b.Bounds], b.Bounds]]
] = {
    "+": (units.added, lambda left, right: b.total((left, right))),
    "-": (units.subtracted, lambda left, right: b.total((left, b.negative(right)))),
    "*": (units.multiplied, b.times),
    "/": (units.divided, b.over),
}
