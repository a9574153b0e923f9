"""The figures of priced lines, as amounts of money have them; and their sums."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from contracts.charges import Charge, months_of
from contracts.pricing import ChargeTotal, GuardrailBreach, LineProblem, Totals
from contracts.values import EXACT, MAX_DIGITS, Money, percentage, share, unit_of
from services.pricer.domain.asks.rounding import FINEST
from services.pricer.domain.asks.scene import Scene, exact_sum
from services.pricer.domain.books.allocation import decimals, to_multiple
from services.pricer.domain.waterfall.off_invoice import Pocket
from services.pricer.domain.waterfall.running import Running
from services.pricer.domain.waterfall.waterfall import net_unit

Adding = Callable[[Iterable[Decimal]], Money]


@dataclass(frozen=True, slots=True)
class Settled:
    """Everything that was decided, before it is put into words; and what has no price."""

    scene: Scene
    runs: tuple[Running, ...]
    costs: tuple[Decimal, ...]
    breaches: tuple[GuardrailBreach, ...]
    problems: tuple[LineProblem, ...]
    pocket: Pocket | None


class LineFigures(NamedTuple):
    """The amounts of one line in the quote's currency, padded to its minor unit, and its margin.

    `margin_percent` is of the net total, for display.
    """

    list_unit: Decimal
    net_unit: Decimal
    list_total: Decimal
    discount: Decimal
    net_total: Decimal
    cost: Decimal
    margin: Decimal
    margin_percent: Decimal


def too_fine(runs: Iterable[Running], currency: str) -> list[Running]:
    """Return the lines whose amount has more decimals than Money holds."""
    unit = unit_of(currency)
    return [run for run in runs if not run.amount.same_quantum(unit) and _is_too_fine(run.amount)]


def _is_too_fine(amount: Decimal) -> bool:
    return decimals(EXACT.normalize(amount)) > FINEST


def line_figures(settled: Settled) -> list[LineFigures]:
    """Return the figures of every line, in order.   Raises: ValueError, beyond what Money holds."""
    scene = settled.scene
    padded = padding(scene.currency)
    return [
        LineFigures(
            padded(run.list_unit),
            padded(net_unit(run, scene)),
            padded(run.list_total),
            padded(run.list_total - run.amount),
            padded(run.amount),
            padded(cost),
            padded(margin := run.amount - cost),
            percentage(margin, run.amount),
        )
        for run, cost in zip(settled.runs, settled.costs, strict=True)
    ]


def totals_of(settled: Settled, figures: list[LineFigures]) -> Totals:
    """Add up by charge; the whole is one-time charges plus one period of each recurring one."""
    scene, runs = settled.scene, settled.runs
    money = money_in(scene.currency)
    sums: dict[Charge, list[LineFigures]] = {}
    for each, run in zip(figures, runs, strict=True):
        sums.setdefault(run.line.offer.entry.charge, []).append(each)
    found = [_charge_total(each, sums[each], money) for each in sorted(sums, key=months_of)]
    whole = money([each.list.amount for each in found])
    discount = money([each.discount.amount for each in found])
    net = money([each.net.amount for each in found])
    cash = payable_of(net.amount, scene)
    payable = None if cash is None else Money(amount=cash, currency=scene.currency)
    regular = exact_sum([run.regular for run in runs])
    given = exact_sum([run.given for run in runs])
    return Totals.made(
        {
            "currency": scene.currency,
            "by_charge": tuple(found),
            "list": whole,
            "discount": discount,
            "net": net,
            "discount_percent": share(discount.amount, whole.amount),
            "sales_discount_percent": share(given, regular),
            "term": None,
            "cash_rounding": None if payable is None else payable - net,
            "payable": payable,
        }
    )


def _charge_total(charge: Charge, lines: list[LineFigures], money: Adding) -> ChargeTotal:
    return ChargeTotal.made(
        {
            "charge": charge,
            "list": money([each.list_total for each in lines]),
            "discount": money([each.discount for each in lines]),
            "net": money([each.net_total for each in lines]),
        }
    )


def payable_of(net: Decimal, scene: Scene) -> Decimal | None:
    """Return what is paid in cash; None where the book rounds nothing in this currency."""
    for each in scene.book.book.rounding.cash:
        if each.currency == scene.currency:
            return to_multiple(net, each.multiple, each.mode)
    return None


def margins_of(settled: Settled, figures: list[LineFigures]) -> dict[str, Any]:
    """Return cost and margin of the whole offer, and what remains off invoice; for our own eyes."""
    currency = settled.scene.currency
    money = money_in(currency)
    margin = money([each.margin for each in figures])
    net = exact_sum([run.amount for run in settled.runs])
    found: dict[str, Any] = {
        "cost": money([each.cost for each in figures]),
        "margin": margin,
        "margin_percent": share(margin.amount, net),
        "pocket": None,
        "pocket_margin": None,
        "pocket_margin_percent": None,
    }
    pocket = settled.pocket
    if pocket is not None:
        kept = pocket.amount - exact_sum(settled.costs)
        found["pocket"] = Money(amount=pocket.amount, currency=currency)
        found["pocket_margin"] = Money(amount=kept, currency=currency)
        found["pocket_margin_percent"] = share(kept, pocket.amount)
    return found


def money_in(currency: str) -> Adding:
    """Return what adds amounts of a currency, and makes the sum money."""
    padded = padding(currency)
    return lambda parts: Money.made({"amount": padded(exact_sum(parts)), "currency": currency})


def padding(currency: str) -> Callable[[Decimal], Decimal]:
    """Return what makes of an amount what Money has; that raises ValueError, if it can not."""
    unit = unit_of(currency)

    def padded(amount: Decimal) -> Decimal:
        if amount.same_quantum(unit) and amount.adjusted() < MAX_DIGITS:
            return amount
        return Money(amount=amount, currency=currency).amount

    return padded
