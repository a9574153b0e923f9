"""Put priced lines into the words of the contract: lines, totals, margins, and the kept trace."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any

from contracts.pricing import (
    Charge,
    ChargeTotal,
    FxRate,
    GuardrailBreach,
    LineMargin,
    LineProblem,
    PricedLine,
    PriceInternal,
    Totals,
)
from contracts.values import EXACT, MAX_DIGITS, UNITS, LineQuantity, Money, minor_unit, share
from services.pricer.domain.asks.ask import Priced
from services.pricer.domain.asks.engines import Engine
from services.pricer.domain.asks.rounding import FINEST
from services.pricer.domain.asks.scene import Scene, exact_sum
from services.pricer.domain.asks.trace import step_trees
from services.pricer.domain.books.allocation import to_multiple
from services.pricer.domain.books.canonical import in_order, sealed, written
from services.pricer.domain.waterfall.off_invoice import Pocket
from services.pricer.domain.waterfall.running import Running
from services.pricer.domain.waterfall.waterfall import net_unit

ZERO = Decimal(0)
CHARGES: tuple[Charge, ...] = ("one_time", "monthly", "yearly")


@dataclass(frozen=True, slots=True)
class Settled:
    """Everything that was decided, before it is put into words; and what has no price."""

    scene: Scene
    runs: tuple[Running, ...]
    costs: tuple[Decimal, ...]
    breaches: tuple[GuardrailBreach, ...]
    problems: tuple[LineProblem, ...]
    pocket: Pocket | None

    @property
    def fx_rate(self) -> FxRate | None:
        """The rate from the book's currency to the quote's, if they are two."""
        return self.scene.fx.rate(self.scene.book.book.currency, self.scene.currency)


def is_too_fine(run: Running) -> bool:
    """Say whether the amount of a line has more decimals than Money holds."""
    exponent = EXACT.normalize(run.amount).as_tuple().exponent
    return isinstance(exponent, int) and -exponent > FINEST


def priced(settled: Settled) -> Priced:
    """Make the whole answer."""
    scene = settled.scene
    money = money_in(scene.currency)
    lines = tuple(_line(run, scene, money) for run in settled.runs)
    internal = _internal(settled)
    input_sha256 = _input_sha256(settled)
    return Priced(
        engine=scene.engine.name,
        book=scene.book.pin,
        fx=scene.fx.pin,
        fx_rate=settled.fx_rate,
        input_sha256=input_sha256,
        trace=sealed(_trace(settled, lines, internal, input_sha256)),
        lines=lines,
        totals=_totals(lines, settled.runs, scene),
        breaches=settled.breaches,
        internal=internal,
    )


def money_in(currency: str) -> Callable[[Decimal], Money]:
    """Return what makes money of an amount; one of minor units is known to be sound."""
    unit, made = UNITS[minor_unit(currency)], Money.made

    def money(amount: Decimal) -> Money:
        if amount.same_quantum(unit) and amount.adjusted() < MAX_DIGITS:
            return made({"amount": amount, "currency": currency})
        return Money(amount=amount, currency=currency)

    return money


def _line(run: Running, scene: Scene, money: Callable[[Decimal], Money]) -> PricedLine:
    """Make a line of the contract; what stands in it came out of valid values."""
    line, listed, net = run.line, run.list_total, run.amount
    entry = line.offer.entry
    list_money = money(listed)
    return PricedLine.made(
        {
            "line": line.number,
            "item_id": line.item_id,
            "sku": entry.sku,
            "name": line.name,
            "quantity": LineQuantity.made(line.quantity),
            "unit": line.unit,
            "charge": entry.charge,
            "list_unit": money(run.list_unit),
            "net_unit": money(net_unit(run, scene)),
            "list_total": list_money,
            "discount": money(EXACT.subtract(listed, net)),
            "net_total": list_money if net is listed else money(net),
            "estimate": entry.estimate,
        }
    )


def _totals(lines: Sequence[PricedLine], runs: Sequence[Running], scene: Scene) -> Totals:
    """Add up by charge; the whole is one-time charges plus one period of each recurring one."""
    currency = scene.currency
    found = []
    for charge in CHARGES:
        of_charge = [each for each in lines if each.charge == charge]
        if of_charge:
            found.append(
                ChargeTotal.made(
                    {
                        "charge": charge,
                        "list": _sum((each.list_total for each in of_charge), currency),
                        "discount": _sum((each.discount for each in of_charge), currency),
                        "net": _sum((each.net_total for each in of_charge), currency),
                    }
                )
            )
    whole = _sum((each.list for each in found), currency)
    discount = _sum((each.discount for each in found), currency)
    net = _sum((each.net for each in found), currency)
    cash = payable_of(net.amount, scene)
    payable = None if cash is None else Money(amount=cash, currency=currency)
    regular = exact_sum(run.regular for run in runs)
    given = exact_sum(run.given for run in runs)
    return Totals(
        currency=currency,
        by_charge=tuple(found),
        list=whole,
        discount=discount,
        net=net,
        discount_percent=share(discount.amount, whole.amount),
        sales_discount_percent=share(given, regular),
        cash_rounding=None if payable is None else payable - net,
        payable=payable,
    )


def _sum(parts: Iterable[Money], currency: str) -> Money:
    """Add money of one currency: its amounts, and then once money."""
    add, total = EXACT.add, EXACT.multiply(ZERO, UNITS[minor_unit(currency)])
    for part in parts:
        total = add(total, part.amount)
    return money_in(currency)(total)


def payable_of(net: Decimal, scene: Scene) -> Decimal | None:
    """Return what is paid in cash; None where the book rounds nothing in this currency."""
    for each in scene.book.book.rounding.cash:
        if each.currency == scene.currency:
            return to_multiple(net, each.multiple, each.mode)
    return None


def _internal(settled: Settled) -> PriceInternal:
    currency = settled.scene.currency
    money = money_in(currency)
    lines = []
    for run, cost in zip(settled.runs, settled.costs, strict=True):
        kept = EXACT.subtract(run.amount, cost)
        lines.append(
            LineMargin.made(
                {
                    "line": run.line.number,
                    "cost": money(cost),
                    "margin": money(kept),
                    "margin_percent": share(kept, run.amount),
                }
            )
        )
    margin = _sum((each.margin for each in lines), currency)
    net = exact_sum(run.amount for run in settled.runs)
    return PriceInternal(
        cost=_sum((each.cost for each in lines), currency),
        margin=margin,
        margin_percent=share(margin.amount, net),
        lines=tuple(lines),
        **({} if settled.pocket is None else _pocket(settled, settled.pocket)),
    )


def _pocket(settled: Settled, pocket: Pocket) -> dict[str, Any]:
    currency = settled.scene.currency
    kept = EXACT.subtract(pocket.amount, exact_sum(settled.costs))
    return {
        "pocket": Money(amount=pocket.amount, currency=currency),
        "pocket_margin": Money(amount=kept, currency=currency),
        "pocket_margin_percent": share(kept, pocket.amount),
    }


def _input_sha256(settled: Settled) -> str:
    scene = settled.scene
    tree = {
        "engine": scene.engine.name,
        "book": scene.book.pin.model_dump(),
        "fx": scene.fx.pin.model_dump(),
        "ask": scene.ask.tree(scene.book.attributes),
    }
    return sha256(written(tree)).hexdigest()


def _trace(
    settled: Settled,
    lines: Sequence[PricedLine],
    internal: PriceInternal,
    input_sha256: str,
) -> dict[str, Any]:
    """Return the trace, the keys of everything in it in order."""
    rate, scene = settled.fx_rate, settled.scene
    engine, currency = scene.engine, scene.currency
    tree = {
        "engine": engine.name,
        "stages": engine.stages,
        "book": scene.book.pin.model_dump(mode="json"),
        "fx": scene.fx.pin.model_dump(mode="json"),
        "fx_rate": rate.model_dump(mode="json") if rate else None,
        "input_sha256": input_sha256,
        "currency": currency,
        "day": scene.ask.day,
        "breaches": [each.model_dump(mode="json") for each in settled.breaches],
    }
    ordered: dict[str, Any] = in_order(tree)
    ordered["internal"] = _internal_tree(settled, internal)
    ordered["lines"] = [
        _line_tree(line, run, engine) for line, run in zip(lines, settled.runs, strict=True)
    ]
    return {name: ordered[name] for name in sorted(ordered)}


def _internal_tree(settled: Settled, internal: PriceInternal) -> dict[str, Any]:
    scene = settled.scene
    currency = scene.currency
    ours = internal.model_dump(mode="json", include=set(scene.engine.internal_fields - {"lines"}))
    ours["lines"] = [
        {
            "cost": _money_tree(each.cost, currency),
            "line": each.line,
            "margin": _money_tree(each.margin, currency),
            "margin_percent": f"{each.margin_percent.root:f}",
        }
        for each in internal.lines
    ]
    if settled.pocket is not None:
        numbers = [number for number, _ in settled.pocket.steps]
        trees = step_trees((step for _, step in settled.pocket.steps), currency)
        ours["off_invoice"] = [[each, *tree] for each, tree in zip(numbers, trees, strict=True)]
    return {name: ours[name] for name in sorted(ours)}


def _money_tree(money: Money, currency: str) -> dict[str, str]:
    # An amount of money has no more than six decimals, so it is never written with an exponent.
    return {"amount": str(money.amount), "currency": currency}


def _line_tree(line: PricedLine, run: Running, engine: Engine) -> dict[str, Any]:
    """Return a line as plain JSON, with the fields that the engine knows, in order."""
    currency = line.list_unit.currency
    tree: dict[str, Any] = {"charge": line.charge, "discount": _money_tree(line.discount, currency)}
    if "estimate" in engine.line_fields:
        tree["estimate"] = line.estimate
    tree["item_id"] = line.item_id
    tree["line"] = line.line
    tree["list_total"] = _money_tree(line.list_total, currency)
    tree["list_unit"] = _money_tree(line.list_unit, currency)
    tree["name"] = line.name
    tree["net_total"] = _money_tree(line.net_total, currency)
    tree["net_unit"] = _money_tree(line.net_unit, currency)
    tree["quantity"] = f"{line.quantity.root:f}"
    tree["skipped"] = run.skipped
    tree["sku"] = line.sku
    tree["steps"] = step_trees(run.steps, currency)
    tree["unit"] = line.unit
    return tree
