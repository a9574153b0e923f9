"""The bounds that constraints give to a typed feature."""

from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from math import ceil, floor

from services.configurator.domain.language.expression import Number
from services.configurator.domain.uvl.linear import COMPARES, Names, difference
from services.configurator.domain.uvl.text import Feature, Formula, Named, Operation

Ends = tuple[int | None, int | None]


def bounds_of(feature: Feature, formulas: Sequence[Formula], names: Names) -> Ends:
    """Return the least and the greatest whole number that the constraints leave to the feature.

    Read are comparisons that always hold, or hold where the feature or one above is selected.
    """
    above = names.above(feature.name)
    lows: list[int] = []
    highs: list[int] = []
    for formula in formulas:
        for each in _held(formula, above):
            form = difference(each, names)
            if set(form.parts) != {("value", feature.name)} or form.rest is None:
                continue
            factor = form.parts["value", feature.name]
            ends = [Fraction(-rest) / factor for rest in form.rest]
            sign = each.sign if factor > 0 else _TURNED.get(each.sign, each.sign)
            if sign in {">", ">=", "=="}:
                lows.append(_least(min(ends), beyond=sign == ">"))
            if sign in {"<", "<=", "=="}:
                highs.append(_greatest(max(ends), beyond=sign == "<"))
    return max(lows, default=None), min(highs, default=None)


_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _held(formula: Formula, above: Collection[str]) -> Iterator[Operation]:
    """Yield comparisons that hold whenever all these features are selected."""
    if not isinstance(formula, Operation):
        return
    if formula.sign == "&":
        for each in formula.operands:
            yield from _held(each, above)
    elif formula.sign == "=>":
        condition, held = formula.operands
        if _follows(condition, above):
            yield from _held(held, above)
    elif formula.sign in COMPARES:
        yield formula


def _follows(condition: Formula, above: Collection[str]) -> bool:
    """Say whether a condition asks for nothing but these features."""
    if isinstance(condition, Operation) and condition.sign == "&":
        return all(_follows(each, above) for each in condition.operands)
    return isinstance(condition, Named) and ".".join(condition.path) in above


def _least(end: Number, *, beyond: bool) -> int:
    return floor(end) + 1 if beyond else ceil(end)


def _greatest(end: Number, *, beyond: bool) -> int:
    return ceil(end) - 1 if beyond else floor(end)
