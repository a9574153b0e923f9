"""Add up what a what-if found: by tier, region and product, each currency for itself.

A tally is a sum: two are merged in any order with the same result, so parts may be counted by
anybody at any time. Money is in millionths of the currency, as whole numbers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from services.pricer.domain.what_ifs.outcome import Row, row_of
from services.pricer.domain.what_ifs.trial import Figures, Tried

COLUMNS = (
    "quotes",
    "lines",
    "list_before",
    "list_after",
    "net_before",
    "net_after",
    "cost_before",
    "cost_after",
    "cheaper",
    "dearer",
    "breaches_before",
    "breaches_after",
    "approvals_before",
    "approvals_after",
    "approvals_new",
    "approvals_gone",
    "approvals_unknown",
)
PLACE = {name: place for place, name in enumerate(COLUMNS)}
# What is added up of the lines of a quote; each amount before, and after it.
SUMMED = COLUMNS[PLACE["lines"] : PLACE["cheaper"]]
LIST, NET, COST = (SUMMED.index(f"{name}_before") for name in ("list", "net", "cost"))
DIMENSIONS = ("tier", "region", "product")
WHOLE = "all"
# The largest changes that are kept by name, in each direction and currency.
TOP_MAX = 20
# Ends of the ranges of change, in percent of the net before.
STEPS = (-10, -5, -2, -1, 0, 1, 2, 5, 10)


Levels = tuple[str, ...]
"""The levels that must grant, as approvals says; none if nobody has to."""


class Tally:
    """The sums of a what-if, or of a part of it. Filled by one thread."""

    def __init__(self) -> None:
        self.segments: dict[tuple[str, str, str], list[int]] = {}
        self.unpriced: dict[tuple[str, str], int] = {}
        self.guardrails: dict[tuple[str, str], list[int]] = {}
        self.levels: dict[str, list[int]] = {}
        self.ranges: dict[tuple[str, int], int] = {}
        self.top: dict[tuple[str, str], list[tuple[int, str, int, int]]] = {}

    # ---- filling

    def add(self, tried: Tried) -> Row:
        """Count one quote, and return its row."""
        before, after = tried.before, tried.after
        if isinstance(before, Figures) and isinstance(after, Figures):
            self._compare(tried, (before, after))
        else:
            for side, found in (("before", before), ("after", after)):
                if not isinstance(found, Figures):
                    _plus(self.unpriced, (side, found), 1)
        return row_of(tried)

    def _compare(self, tried: Tried, both: tuple[Figures, Figures]) -> None:
        past = tried.past
        sums = _summed(both)
        for place, each in enumerate(both):
            for breach in each.breaches:
                _at(self.guardrails, breach, place)
        breaches = [len(each.breaches) for each in both]
        whole = [sum(column) for column in zip(*sums.values(), strict=True)]
        counted = _counted(whole, breaches)
        for dimension, value in _quote_keys(past.tier, past.region):
            self._segment((past.currency, dimension, value), counted)
        for product, own in sums.items():
            self._segment((past.currency, "product", product), _counted(own, breaches))
        self._rank(past.currency, past.quote, (whole[NET], whole[NET + 1]))

    def _rank(self, currency: str, quote: str, net: tuple[int, int]) -> None:
        before, after = net
        _plus(self.ranges, (currency, range_of(before, after)), 1)
        if before != after:
            side = "dearer" if after > before else "cheaper"
            held = self.top.setdefault((currency, side), [])
            held.append((-abs(after - before), quote, before, after))
            if len(held) > 4 * TOP_MAX:
                _cut(held)

    def approve(self, row: Row, before: Levels | None, after: Levels | None) -> Row:
        """Count who must approve a quote that was counted; None where approvals told nothing."""
        if row.terms_before is None or row.terms_after is None:
            return row
        known = before is not None and after is not None
        old, new = bool(before), bool(after)
        changes = {"approvals_unknown": 1}
        if known:
            changes = {
                "approvals_before": old,
                "approvals_after": new,
                "approvals_new": new and not old,
                "approvals_gone": old and not new,
            }
            for place, levels in enumerate((before or (), after or ())):
                for level in levels:
                    _at(self.levels, level, place)
        products = [("product", each) for each in row.products]
        for key in (*_quote_keys(row.tier, row.region), *products):
            held = self.segments[row.currency, *key]
            for name, count in changes.items():
                held[PLACE[name]] += count
        if not known:
            return row
        return row._replace(approval_before=_word(before), approval_after=_word(after))

    def _segment(self, key: tuple[str, str, str], counted: Sequence[int]) -> None:
        held = self.segments.get(key)
        if held is None:
            held = self.segments[key] = [0] * len(COLUMNS)
        for place, each in enumerate(counted):
            held[place] += each

    def merge(self, other: "Tally") -> None:
        """Add another tally to this one."""
        for mine, theirs in (
            (self.segments, other.segments),
            (self.guardrails, other.guardrails),
            (self.levels, other.levels),
        ):
            _merge_lists(mine, theirs)
        _merge_counts(self.unpriced, other.unpriced)
        _merge_counts(self.ranges, other.ranges)
        for key, found in other.top.items():
            held = self.top.setdefault(key, [])
            held.extend(found)
            _cut(held)

    # ---- storing

    def tree(self) -> dict[str, Any]:
        """Return it as plain JSON, the same for the same sums."""
        top = {key: list(held) for key, held in self.top.items()}
        for held in top.values():
            _cut(held)
        return {
            "segments": [[*key, *held] for key, held in sorted(self.segments.items())],
            "unpriced": [[*key, count] for key, count in sorted(self.unpriced.items())],
            "guardrails": [[*key, *held] for key, held in sorted(self.guardrails.items())],
            "levels": [[key, *held] for key, held in sorted(self.levels.items())],
            "ranges": [[*key, count] for key, count in sorted(self.ranges.items())],
            "top": [[*key, [list(each) for each in held]] for key, held in sorted(top.items())],
        }

    @classmethod
    def read(cls, tree: Mapping[str, Any]) -> "Tally":
        """Read a stored tally."""
        found = cls()
        found.segments = {(a, b, c): held for a, b, c, *held in tree["segments"]}
        found.unpriced = {(side, code): count for side, code, count in tree["unpriced"]}
        found.guardrails = {(a, b): held for a, b, *held in tree["guardrails"]}
        found.levels = {level: held for level, *held in tree["levels"]}
        found.ranges = {(currency, place): count for currency, place, count in tree["ranges"]}
        found.top = {
            (currency, side): [(a, b, c, d) for a, b, c, d in held]
            for currency, side, held in tree["top"]
        }
        return found


def _quote_keys(tier: str, region: str) -> tuple[tuple[str, str], ...]:
    return (WHOLE, WHOLE), ("tier", tier), ("region", region)


def _word(levels: Levels | None) -> str:
    return "+".join(levels or ()) or "none"


def range_of(before: int, after: int) -> int:
    """Return in which range of STEPS a change lies: 0 for no change, -1 and 1 up to 1 % ...

    A range has its end farther from zero in it. From nothing to something is the highest.

    >>> [range_of(100, each) for each in (100, 101, 99, 89, 111)]
    [0, 1, -1, -5, 5]
    """
    if before == after:
        return 0
    ends = [each for each in STEPS if each > 0]
    change = abs(after - before) * 100
    size = sum(change > end * abs(before) for end in ends) + 1
    return size if after > before else -size


def _summed(both: tuple[Figures, Figures]) -> dict[str, list[int]]:
    """Return lines and money by product: the columns `SUMMED`."""
    found: dict[str, list[int]] = {}
    for place, each in enumerate(both):
        for product, lines, listed, net, cost in each.shares:
            held = found.setdefault(product, [0] * len(SUMMED))
            held[0] = max(held[0], lines)
            held[LIST + place] += listed
            held[NET + place] += net
            held[COST + place] += cost
    return found


def _counted(sums: Sequence[int], breaches: Sequence[int]) -> list[int]:
    """Return what one quote adds to a segment: the columns up to those of approvals, in order."""
    change = sums[NET + 1] - sums[NET]
    return [1, *sums, int(change < 0), int(change > 0), *breaches]


def _at(held: dict[Any, list[int]], key: Any, place: int) -> None:
    held.setdefault(key, [0, 0])[place] += 1


def _plus(held: dict[Any, int], key: Any, count: int) -> None:
    held[key] = held.get(key, 0) + count


def _merge_lists(mine: dict[Any, list[int]], theirs: Mapping[Any, list[int]]) -> None:
    for key, found in theirs.items():
        held = mine.get(key)
        mine[key] = (
            list(found) if held is None else [a + b for a, b in zip(held, found, strict=True)]
        )


def _merge_counts(mine: dict[Any, int], theirs: Mapping[Any, int]) -> None:
    for key, count in theirs.items():
        _plus(mine, key, count)


def _cut(held: list[tuple[int, str, int, int]]) -> None:
    held.sort()
    del held[TOP_MAX:]
