"""The price waterfall of a line and of the whole offer: from list price over every step to net.

The steps come from the pricer's trace. Where they are not at hand, the offer's own figures give the
waterfall in one step.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from contracts.pricing import PricedLine
from contracts.quote import PricedOffer
from contracts.stages import STAGES
from contracts.values import EXACT, minor_unit

Kind = Literal["list", "up", "down", "net"]

DISCOUNT = "Discount"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the trace that moved the price; `words` say why, `note` is for insiders."""

    stage: str
    amount: Decimal
    words: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: a step from `start` to `end`, or list and net price, which start at nothing."""

    kind: Kind
    label: str
    start: Decimal
    end: Decimal
    words: str = ""
    note: str | None = None

    @property
    def amount(self) -> Decimal:
        """By how much the price moves; of list and net the price itself."""
        return EXACT.subtract(self.end, self.start)


Steps = Mapping[int, Sequence[Step]]
"""The steps of each line, by its number."""


def read(trace: Any) -> Steps | None:
    """Return the steps of a trace; None, if it can not be read."""
    try:
        return {int(each["line"]): _steps(each["steps"]) for each in trace["lines"]}
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation):
        return None


def fits(steps: Steps, offer: PricedOffer) -> bool:
    """Say whether the steps lead every line of the offer from its list price to its net price."""
    return all(
        each.line in steps
        and _after(each.list_total.amount, steps[each.line]) == each.net_total.amount
        for each in offer.lines
    )


def _steps(told: Iterable[Mapping[str, Any]]) -> tuple[Step, ...]:
    steps = (
        Step(str(each["stage"]), Decimal(each["amount"]), str(each["sentence"]), each.get("note"))
        for each in told
    )
    return tuple(each for each in steps if each.amount)


def _after(start: Decimal, steps: Iterable[Step]) -> Decimal:
    for each in steps:
        start = EXACT.add(start, each.amount)
    return start


def of_line(line: PricedLine, steps: Steps | None) -> tuple[Bar, ...]:
    """Return the bars of a line; without steps its discount is one."""
    found = _discount(line.discount.amount) if steps is None else steps[line.line]
    return _bars(line.list_total.amount, found, line.net_total.amount)


def of_offer(offer: PricedOffer, steps: Steps | None) -> tuple[Bar, ...]:
    """Return the bars of the whole offer: all lines' steps of one stage are one."""
    totals = offer.totals
    found = _discount(totals.discount.amount)
    if steps is not None:
        found = _by_stage([each for line in offer.lines for each in steps[line.line]])
    return _bars(totals.list.amount, found, totals.net.amount)


def _discount(amount: Decimal) -> Sequence[Step]:
    return (Step(DISCOUNT, EXACT.minus(amount), ""),) if amount else ()


def _by_stage(steps: Sequence[Step]) -> Sequence[Step]:
    names = dict.fromkeys([*STAGES, *(each.stage for each in steps)])
    sums = {
        name: _after(Decimal(0), [each for each in steps if each.stage == name]) for name in names
    }
    return [Step(name, amount, "") for name, amount in sums.items() if amount]


def _bars(listed: Decimal, steps: Sequence[Step], net: Decimal) -> tuple[Bar, ...]:
    bars, at = [Bar("list", "List", Decimal(0), listed)], listed
    for each in steps:
        end = EXACT.add(at, each.amount)
        label = STAGES.get(each.stage, each.stage.replace("_", " ").capitalize())
        kind: Kind = "up" if each.amount > 0 else "down"
        bars.append(Bar(kind, label, at, end, each.words, each.note))
        at = end
    return (*bars, Bar("net", "Net", Decimal(0), net))


def plain(amount: Decimal, currency: str) -> str:
    """Write an exact amount without the zeros that multiplying leaves behind the minor unit.

    >>> plain(Decimal("-28500.0000"), "EUR"), plain(Decimal("0.03750"), "EUR")
    ('-28500.00', '0.0375')
    """
    short, scale = EXACT.normalize(amount), -minor_unit(currency)
    exponent = short.as_tuple().exponent
    if isinstance(exponent, int) and exponent > scale:
        short = EXACT.quantize(amount, Decimal(1).scaleb(scale))
    return f"{short:f}"
