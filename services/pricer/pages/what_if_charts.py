"""Where the bars of a what-if stand: how many quotes change by how much, and what segments gain.

Widths are per cent of the drawing's, so that text keeps its size in every window; rows are in
pixels. All of it is written into attributes: the policy allows no style.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

ROW = 46
TEXT, TOP, HEIGHT = 14, 21, 16
# Lengths on a screen, not money: these may round.
_DRAWN = Context(prec=30, rounding=ROUND_HALF_UP)
_SHOWN = Decimal("0.01")
_THIN = Decimal("0.3")


def changes(segments: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a row per segment with a bar from zero to the change of its net; left is less."""
    amounts = [Decimal(each["net_change"]["amount"]) for each in segments]
    low, high = min([Decimal(0), *amounts]), max([Decimal(0), *amounts])
    rows = [
        _row(index, (Decimal(0), amount), (low, high))
        | {"segment": segment, "is_moved": bool(amount)}
        for index, (segment, amount) in enumerate(zip(segments, amounts, strict=True))
    ]
    return {"rows": rows, "height": len(rows) * ROW, "bar": HEIGHT}


def counts(ranges: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a row per range of change with a bar as long as it has quotes."""
    most = max((each["quotes"] for each in ranges), default=0)
    span = (Decimal(0), Decimal(most))
    rows = []
    for index, each in enumerate(ranges):
        row = _row(index, (Decimal(0), Decimal(each["quotes"])), span)
        middle = len(ranges) // 2
        look = "bar-sum" if index == middle else "bar-down" if index < middle else "bar-up"
        rows.append(row | {"look": look, "range": each})
    return {"rows": rows, "height": len(rows) * ROW, "bar": HEIGHT}


def _row(
    index: int, ends: tuple[Decimal, Decimal], span: tuple[Decimal, Decimal]
) -> dict[str, Any]:
    start, end = (_at(each, span) for each in ends)
    width = max(abs(end - start), _THIN)
    return {
        "look": "bar-up" if ends[1] >= ends[0] else "bar-down",
        "text_y": index * ROW + TEXT,
        "y": index * ROW + TOP,
        "x": min(start, end, 100 - width),
        "width": width,
    }


def _at(amount: Decimal, span: tuple[Decimal, Decimal]) -> Decimal:
    low, high = span
    share = _DRAWN.divide((amount - low) * 100, (high - low) or Decimal(1))
    return _DRAWN.quantize(share, _SHOWN)
