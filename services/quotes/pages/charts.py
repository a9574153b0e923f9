"""Where the bars of a waterfall stand.

Widths are shares of the drawing's, so that text keeps its size in every window. Rows are in pixels;
all else is in per cent, written into attributes: the policy allows no style.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

ROW = 46
TEXT, TOP, HEIGHT = 14, 21, 16
LOOKS = {"list": "bar-sum", "net": "bar-sum", "up": "bar-up", "down": "bar-down"}
# Lengths on a screen, not money: these may round.
_DRAWN = Context(prec=30, rounding=ROUND_HALF_UP)
_SHOWN = Decimal("0.01")
_THIN = Decimal("0.3")


def waterfall(bars: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return rows with places; a step begins where the one before it ends."""
    ends = [Decimal(each[end]) for each in bars for end in ("start", "end")]
    low, high = min([Decimal(0), *ends]), max([Decimal(0), *ends])
    span = (high - low) or Decimal(1)

    def at(amount: Decimal) -> Decimal:
        share = _DRAWN.divide((amount - low) * 100, span)
        return _DRAWN.quantize(share, _SHOWN)

    rows = []
    for index, bar in enumerate(bars):
        start, end = at(Decimal(bar["start"])), at(Decimal(bar["end"]))
        width = max(abs(end - start), _THIN)
        rows.append(
            {
                **bar,
                "look": LOOKS[bar["kind"]],
                "text_y": index * ROW + TEXT,
                "y": index * ROW + TOP,
                "x": min(start, end, 100 - width),
                "width": width,
            }
        )
    return {"rows": rows, "height": len(bars) * ROW, "bar": HEIGHT}
