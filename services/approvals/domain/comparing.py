"""What changed between an offer that was approved and the one that is asked for now."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from contracts.pricing import PricedLine
from contracts.values import Day, Money, Percent, Value

Kind = Literal["added", "removed", "changed"]


class Offered(Value):
    """One content of an offer, as an approver compares it.

    `lines` and `valid_until` are None where only the totals are known.
    """

    revision: int
    net: Money
    discount_percent: Percent
    valid_until: Day | None = None
    lines: tuple[PricedLine, ...] | None = None


class LineChange(Value):
    """A line that is new, gone, or has another quantity or price."""

    kind: Kind
    before: PricedLine | None
    now: PricedLine | None


class Difference(Value):
    """What changed: of the totals always both sides; of lines those that differ.

    `lines` is None if they can not be compared.
    """

    before: Offered
    now: Offered
    lines: tuple[LineChange, ...] | None


def compare(before: Offered, now: Offered) -> Difference:
    """Return what changed from one content to the other."""
    lines = None
    if before.lines is not None and now.lines is not None:
        lines = tuple(_changes(before.lines, now.lines))
    return Difference(before=before, now=now, lines=lines)


def _changes(before: Sequence[PricedLine], now: Sequence[PricedLine]) -> Iterator[LineChange]:
    """Give changed and new lines in the order of today's offer, then those that are gone."""
    earlier = dict(_keyed(before))
    for key, line in _keyed(now):
        old = earlier.pop(key, None)
        if old is None:
            yield LineChange(kind="added", before=None, now=line)
        elif _terms(old) != _terms(line):
            yield LineChange(kind="changed", before=old, now=line)
    for old in earlier.values():
        yield LineChange(kind="removed", before=old, now=None)


def _keyed(lines: Sequence[PricedLine]) -> Iterator[tuple[tuple[str, ...], PricedLine]]:
    """Give each line with what it is: item, part, charge, and which one of several alike.

    Its number is its place in one offer and says nothing of another.
    """
    seen: Counter[tuple[str, str, str]] = Counter()
    for line in lines:
        what = (line.item_id, line.sku, line.charge)
        seen[what] += 1
        yield (*what, str(seen[what])), line


def _terms(line: PricedLine) -> tuple[object, ...]:
    return (line.quantity, line.unit, line.list_unit, line.net_unit, line.net_total)
