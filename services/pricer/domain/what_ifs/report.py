"""What a what-if found, as people and programs read it: amounts, shares, winners and losers.

Every amount is of one currency; what stands in different ones is never added. Percentages are for
display. Costs and margins are in it: it is for insiders only.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from contracts.values import EXACT, Money, share
from services.pricer.domain.what_ifs.tally import COLUMNS, DIMENSIONS, TOP_MAX, WHOLE, Tally
from services.pricer.domain.what_ifs.trial import DECIMALS

RANGES = (
    "more than 10 % less",
    "5 to 10 % less",
    "2 to 5 % less",
    "1 to 2 % less",
    "up to 1 % less",
    "unchanged",
    "up to 1 % more",
    "1 to 2 % more",
    "2 to 5 % more",
    "5 to 10 % more",
    "more than 10 % more",
)
"""In words, what `tally.range_of` counts, from -5 to 5."""

Json = dict[str, Any]


def report(tally: Tally) -> Json:
    """Return the whole report; lists are empty where nothing was found."""
    currencies = sorted({currency for currency, _, _ in tally.segments})
    return {
        "currencies": [_currency(tally, each) for each in currencies],
        "guardrails": [
            {"guardrail": name, "action": action, "before": before, "after": after}
            for (name, action), (before, after) in sorted(tally.guardrails.items())
        ],
        "approvals": [
            {"level": level, "before": before, "after": after}
            for level, (before, after) in sorted(tally.levels.items())
        ],
        "unpriced": [
            {"side": side, "code": code, "quotes": count}
            for (side, code), count in sorted(tally.unpriced.items())
        ],
    }


def _currency(tally: Tally, currency: str) -> Json:
    own = {key: held for key, held in tally.segments.items() if key[0] == currency}
    found: Json = {
        "currency": currency,
        "total": segment(WHOLE, currency, own[currency, WHOLE, WHOLE]),
        "ranges": [
            {"range": words, "quotes": tally.ranges.get((currency, place - 5), 0)}
            for place, words in enumerate(RANGES)
        ],
    }
    for dimension in DIMENSIONS:
        found[f"by_{dimension}"] = [
            segment(value, currency, held)
            for (_, kind, value), held in sorted(own.items())
            if kind == dimension
        ]
    for side in ("cheaper", "dearer"):
        top = sorted(tally.top.get((currency, side), []))[:TOP_MAX]
        found[side] = [
            {"quote": quote, **_change("net", currency, before, after)}
            for _, quote, before, after in top
        ]
    return found


def segment(name: str, currency: str, held: Sequence[int]) -> Json:
    """Return the sums of one segment with amounts, differences and percentages."""
    sums = dict(zip(COLUMNS, held, strict=True))
    found: Json = {"name": name, "quotes": sums["quotes"], "lines": sums["lines"]}
    for what in ("list", "net", "cost"):
        found |= _change(what, currency, sums[f"{what}_before"], sums[f"{what}_after"])
    for side in ("before", "after"):
        list_, net, cost = (sums[f"{what}_{side}"] for what in ("list", "net", "cost"))
        found[f"margin_{side}"] = money(net - cost, currency)
        found[f"discount_percent_{side}"] = _share(list_ - net, list_)
        found[f"margin_percent_{side}"] = _share(net - cost, net)
    before, after = (sums[f"net_{side}"] - sums[f"cost_{side}"] for side in ("before", "after"))
    found["margin_change"] = money(after - before, currency)
    found["unchanged"] = sums["quotes"] - sums["cheaper"] - sums["dearer"]
    for name_ in COLUMNS[COLUMNS.index("cheaper") :]:
        found[name_] = sums[name_]
    return found


def money(millionths: int, currency: str) -> Json:
    """Return an amount as a fact writes it."""
    return Money.of(_units(millionths), currency).model_dump(mode="json")


def _change(what: str, currency: str, before: int, after: int) -> Json:
    return {
        f"{what}_before": money(before, currency),
        f"{what}_after": money(after, currency),
        f"{what}_change": money(after - before, currency),
        f"{what}_change_percent": _share(after - before, before),
    }


def _share(part: int, whole: int) -> str:
    return f"{share(_units(part), _units(whole)).root:f}"


def _units(millionths: int) -> Decimal:
    return EXACT.normalize(EXACT.scaleb(Decimal(millionths), -DECIMALS))
