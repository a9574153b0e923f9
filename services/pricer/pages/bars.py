"""Where the bars of a line's waterfall stand: in per cent of the drawing, in rows of pixels."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from contracts.stages import STAGES
from contracts.values import EXACT

ROW, TEXT, TOP, HEIGHT = 46, 14, 21, 16
# Lengths on a screen, not money: these may round.
_DRAWN = Context(prec=30, rounding=ROUND_HALF_UP)
_SHOWN, _THIN = Decimal("0.01"), Decimal("0.3")


def drawn(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return the bars of a line: its list price, each step that moved it, its net price."""
    start = Decimal(line["list_total"]["amount"])
    found = [("List price", Decimal(0), start, "bar-sum")]
    for step in line["steps"]:
        before, after = Decimal(step["before"]), Decimal(step["after"])
        if step["stage"] != "list_price" and before != after:
            look = "bar-up" if after > before else "bar-down"
            found.append((STAGES.get(step["stage"], step["stage"]), before, after, look))
    net = Decimal(line["net_total"]["amount"])
    found.append(("Net price", Decimal(0), net, "bar-sum"))
    ends = [end for _, left, right, _ in found for end in (left, right)]
    low = min(ends)
    span = EXACT.subtract(max(ends), low) or Decimal(1)
    rows = [_row(place, bar, low, span) for place, bar in enumerate(found)]
    return {"rows": rows, "height": len(rows) * ROW, "bar": HEIGHT}


def _row(
    place: int, bar: tuple[str, Decimal, Decimal, str], low: Decimal, span: Decimal
) -> dict[str, Any]:
    label, before, after, look = bar
    left, right = (_at(EXACT.subtract(each, low), span) for each in (before, after))
    width = max(abs(right - left), _THIN)
    amount = EXACT.subtract(after, before)
    return {
        "label": label,
        "amount": f"{amount:f}",
        "look": look,
        "text_y": place * ROW + TEXT,
        "y": place * ROW + TOP,
        "x": min(left, right, 100 - width),
        "width": width,
    }


def _at(length: Decimal, span: Decimal) -> Decimal:
    return _DRAWN.quantize(_DRAWN.divide(_DRAWN.multiply(length, Decimal(100)), span), _SHOWN)
