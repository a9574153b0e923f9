"""Put what was settled into the words of the contract, and into the trace that is kept.

The trace is written from plain figures; lines and margins of the contract are made of the same
figures when somebody asks for them: a search for a discount or a proof never does.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from hashlib import sha256
from typing import Any

from contracts.pricing import LineMargin, PricedLine, PriceInternal
from contracts.values import LineQuantity, Money, Percent
from services.pricer.domain.asks.ask import Priced
from services.pricer.domain.asks.engines import Engine
from services.pricer.domain.asks.trace import step_trees
from services.pricer.domain.books.canonical import in_order, sealed, written
from services.pricer.domain.prices.figures import (
    Figures,
    Settled,
    figures_of,
    margins_of,
    totals_of,
)
from services.pricer.domain.waterfall.running import Running

Tree = dict[str, Any]


def priced(settled: Settled) -> Priced:
    """Make the whole answer."""
    scene = settled.scene
    figures = figures_of(settled)
    margins = margins_of(settled, figures)
    input_sha256 = _input_sha256(settled)
    return Priced(
        engine=scene.engine.name,
        book=scene.book.pin,
        fx=scene.fx.pin,
        fx_rate=settled.fx_rate,
        input_sha256=input_sha256,
        trace=sealed(_trace(settled, figures, margins, input_sha256)),
        totals=totals_of(settled, figures),
        breaches=settled.breaches,
        make_lines=partial(_lines, settled.runs, figures, scene.currency),
        make_internal=partial(_internal, settled.runs, figures, margins, scene.currency),
    )


# ---- in words of the contract; what stands in them came out of valid values


def _lines(
    runs: Sequence[Running], figures: Sequence[Figures], currency: str
) -> tuple[PricedLine, ...]:
    def money(amount: Decimal) -> Money:
        return Money.made({"amount": amount, "currency": currency})

    return tuple(
        PricedLine.made(
            {
                "line": line.number,
                "item_id": line.item_id,
                "sku": entry.sku,
                "name": line.name,
                "quantity": LineQuantity.made(line.quantity),
                "unit": line.unit,
                "charge": entry.charge,
                "list_unit": money(found.list_unit),
                "net_unit": money(found.net_unit),
                "list_total": money(found.list_total),
                "discount": money(found.discount),
                "net_total": money(found.net_total),
                "estimate": entry.estimate,
            }
        )
        for run, found in zip(runs, figures, strict=True)
        for line in (run.line,)
        for entry in (line.offer.entry,)
    )


def _internal(
    runs: Sequence[Running], figures: Sequence[Figures], margins: Tree, currency: str
) -> PriceInternal:
    lines = tuple(
        LineMargin.made(
            {
                "line": run.line.number,
                "cost": Money.made({"amount": found.cost, "currency": currency}),
                "margin": Money.made({"amount": found.margin, "currency": currency}),
                "margin_percent": Percent.made(found.margin_percent),
            }
        )
        for run, found in zip(runs, figures, strict=True)
    )
    return PriceInternal(lines=lines, **margins)


# ---- as it is kept


def _input_sha256(settled: Settled) -> str:
    scene = settled.scene
    tree = {
        "engine": scene.engine.name,
        "book": scene.book.pin.model_dump(),
        "fx": scene.fx.pin.model_dump(),
        "ask": scene.ask.tree(scene.book.attributes),
    }
    return sha256(written(tree)).hexdigest()


def _trace(settled: Settled, figures: Sequence[Figures], margins: Tree, input_sha256: str) -> Tree:
    """Return the trace, the keys of everything in it in order."""
    rate, scene = settled.fx_rate, settled.scene
    engine, currency = scene.engine, scene.currency
    breaches = [each.model_dump(mode="json") for each in settled.breaches]
    return {
        "book": in_order(scene.book.pin.model_dump()),
        "breaches": in_order(breaches),
        "currency": currency,
        "day": scene.ask.day,
        "engine": engine.name,
        "fx": in_order(scene.fx.pin.model_dump()),
        "fx_rate": in_order(rate.model_dump(mode="json")) if rate else None,
        "input_sha256": input_sha256,
        "internal": _internal_tree(settled, figures, margins),
        "lines": [
            _line_tree(run, found, engine, currency)
            for run, found in zip(settled.runs, figures, strict=True)
        ],
        "stages": engine.stages,
    }


def _internal_tree(settled: Settled, figures: Sequence[Figures], margins: Tree) -> Tree:
    fields, currency = settled.scene.engine.internal_fields, settled.scene.currency
    tree: Tree = {name: _plain(value) for name, value in margins.items() if name in fields}
    tree["lines"] = [
        {
            "cost": {"amount": str(found.cost), "currency": currency},
            "line": run.line.number,
            "margin": {"amount": str(found.margin), "currency": currency},
            "margin_percent": f"{found.margin_percent:f}",
        }
        for run, found in zip(settled.runs, figures, strict=True)
    ]
    if settled.pocket is not None:
        numbers = [number for number, _ in settled.pocket.steps]
        trees = step_trees((step for _, step in settled.pocket.steps), currency)
        tree["off_invoice"] = [[each, *step] for each, step in zip(numbers, trees, strict=True)]
    return {name: tree[name] for name in sorted(tree)}


def _plain(value: Money | Percent | None) -> Any:
    if isinstance(value, Money):
        return {"amount": f"{value.amount:f}", "currency": value.currency}
    return None if value is None else f"{value.root:f}"


def _line_tree(run: Running, found: Figures, engine: Engine, currency: str) -> Tree:
    """Return a line as plain JSON, with the fields that the engine knows, in order.

    Amounts of money have six decimals at most, so their text has never an exponent.
    """
    line = run.line
    entry = line.offer.entry
    head: Tree = {
        "charge": entry.charge,
        "discount": {"amount": str(found.discount), "currency": currency},
    }
    if "estimate" in engine.line_fields:
        head["estimate"] = entry.estimate
    return head | {
        "item_id": line.item_id,
        "line": line.number,
        "list_total": {"amount": str(found.list_total), "currency": currency},
        "list_unit": {"amount": str(found.list_unit), "currency": currency},
        "name": line.name,
        "net_total": {"amount": str(found.net_total), "currency": currency},
        "net_unit": {"amount": str(found.net_unit), "currency": currency},
        "quantity": f"{line.quantity:f}",
        "skipped": [tuple(each) for each in run.skipped],  # a plain tuple is written faster
        "sku": entry.sku,
        "steps": step_trees(run.steps, currency),
        "unit": line.unit,
    }
