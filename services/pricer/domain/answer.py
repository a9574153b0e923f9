"""Put priced lines into the words of the contract: lines, totals, margins, and the kept trace."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.pricing import (
    Charge,
    ChargeTotal,
    FxRate,
    GuardrailBreach,
    LineMargin,
    PricedLine,
    PriceInternal,
    Totals,
)
from contracts.values import EXACT, Money, Quantity, share
from services.pricer.domain.ask import Priced
from services.pricer.domain.book import FxTable
from services.pricer.domain.canonical import canonical, digest
from services.pricer.domain.running import Running
from services.pricer.domain.scene import Scene, exact_sum
from services.pricer.domain.trace import step_tree
from services.pricer.domain.waterfall import ENGINE, STAGES, net_unit

CHARGES: tuple[Charge, ...] = ("one_time", "monthly", "yearly")


@dataclass(frozen=True, slots=True)
class Settled:
    """Everything that was decided, before it is put into words."""

    scene: Scene
    fx: FxTable
    fx_rate: FxRate | None
    runs: tuple[Running, ...]
    costs: tuple[Decimal, ...]
    breaches: tuple[GuardrailBreach, ...]


def priced(settled: Settled) -> Priced:
    """Make the whole answer."""
    scene = settled.scene
    lines = tuple(_line(run, scene) for run in settled.runs)
    internal = _internal(settled)
    input_sha256 = _input_sha256(settled)
    totals = _totals(lines, settled.runs, scene.currency)
    tree = _trace(settled, lines, internal, input_sha256)
    return Priced(
        engine=ENGINE,
        book=scene.book.pin,
        fx=settled.fx.pin,
        fx_rate=settled.fx_rate,
        input_sha256=input_sha256,
        trace=canonical(tree),
        lines=lines,
        totals=totals,
        breaches=settled.breaches,
        internal=internal,
    )


def _line(run: Running, scene: Scene) -> PricedLine:
    line = run.line

    def money(amount: Decimal) -> Money:
        return Money(amount=amount, currency=scene.currency)

    return PricedLine(
        line=line.number,
        item_id=line.item_id,
        sku=line.sku,
        name=line.name,
        quantity=Quantity(line.quantity),
        unit=line.entry.unit,
        charge=line.entry.charge,
        list_unit=money(run.list_unit),
        net_unit=money(net_unit(run, scene)),
        list_total=money(run.list_total),
        discount=money(EXACT.subtract(run.list_total, run.amount)),
        net_total=money(run.amount),
    )


def _totals(lines: Sequence[PricedLine], runs: Sequence[Running], currency: str) -> Totals:
    """Add up by charge; the whole is one-time charges plus one period of each recurring one."""
    found = []
    for charge in CHARGES:
        of_charge = [each for each in lines if each.charge == charge]
        if of_charge:
            found.append(
                ChargeTotal(
                    charge=charge,
                    list=Money.total((each.list_total for each in of_charge), currency),
                    discount=Money.total((each.discount for each in of_charge), currency),
                    net=Money.total((each.net_total for each in of_charge), currency),
                )
            )
    whole = Money.total((each.list for each in found), currency)
    discount = Money.total((each.discount for each in found), currency)
    regular = exact_sum(run.regular for run in runs)
    given = exact_sum(run.given for run in runs)
    return Totals(
        currency=currency,
        by_charge=tuple(found),
        list=whole,
        discount=discount,
        net=Money.total((each.net for each in found), currency),
        discount_percent=share(discount.amount, whole.amount),
        sales_discount_percent=share(given, regular),
    )


def _internal(settled: Settled) -> PriceInternal:
    currency = settled.scene.currency
    lines = []
    for run, cost in zip(settled.runs, settled.costs, strict=True):
        kept = EXACT.subtract(run.amount, cost)
        lines.append(
            LineMargin(
                line=run.line.number,
                cost=Money(amount=cost, currency=currency),
                margin=Money(amount=kept, currency=currency),
                margin_percent=share(kept, run.amount),
            )
        )
    margin = Money.total((each.margin for each in lines), currency)
    net = exact_sum(run.amount for run in settled.runs)
    return PriceInternal(
        cost=Money.total((each.cost for each in lines), currency),
        margin=margin,
        margin_percent=share(margin.amount, net),
        lines=tuple(lines),
    )


def _input_sha256(settled: Settled) -> str:
    pins = (settled.scene.book.pin, settled.fx.pin)
    tree = {
        "engine": ENGINE,
        "book": pins[0].model_dump(),
        "fx": pins[1].model_dump(),
        "ask": settled.scene.ask.tree(),
    }
    return digest(tree)


def _trace(
    settled: Settled, lines: Sequence[PricedLine], internal: PriceInternal, input_sha256: str
) -> dict[str, Any]:
    rate = settled.fx_rate
    return {
        "engine": ENGINE,
        "stages": STAGES,
        "book": settled.scene.book.pin.model_dump(mode="json"),
        "fx": settled.fx.pin.model_dump(mode="json"),
        "fx_rate": rate.model_dump(mode="json") if rate else None,
        "input_sha256": input_sha256,
        "currency": settled.scene.currency,
        "day": settled.scene.ask.day,
        "breaches": [each.model_dump(mode="json") for each in settled.breaches],
        "internal": internal.model_dump(mode="json"),
        "lines": [
            {
                **line.model_dump(mode="json"),
                "steps": [step_tree(each, settled.scene.currency) for each in run.steps],
                "skipped": [list(each) for each in run.skipped],
            }
            for line, run in zip(lines, settled.runs, strict=True)
        ],
    }
