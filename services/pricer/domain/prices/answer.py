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
from contracts.values import LineQuantity, Money, Percent, Pin, unit_of
from services.pricer.domain.asks.ask import Priced
from services.pricer.domain.asks.engines import Engine
from services.pricer.domain.asks.trace import plain, step_trees
from services.pricer.domain.books.canonical import in_order, sealed
from services.pricer.domain.prices.figures import (
    LineFigures,
    Settled,
    line_figures,
    margins_of,
    totals_of,
)
from services.pricer.domain.waterfall.running import Running

Tree = dict[str, Any]
Pins = tuple[Pin, Pin]
"""Of the price book and of the FX table."""


def priced(settled: Settled) -> Priced:
    """Make the whole answer."""
    scene = settled.scene
    pins = scene.book.pin, scene.fx.pin
    figures = line_figures(settled)
    margins = margins_of(settled, figures)
    input_sha256 = _input_sha256(settled, pins)
    return Priced(
        engine=scene.engine.name,
        book=pins[0],
        fx=pins[1],
        fx_rate=scene.fx_rate,
        input_sha256=input_sha256,
        trace=sealed(_pinned(settled, pins, input_sha256) | _trace(settled, figures, margins)),
        totals=totals_of(settled, figures),
        breaches=settled.breaches,
        make_lines=partial(_lines, settled.runs, figures, scene.currency),
        make_internal=partial(_internal, settled.runs, figures, margins, scene.currency),
    )


# ---- in words of the contract; what stands in them came out of valid values


def _lines(
    runs: Sequence[Running], figures: Sequence[LineFigures], currency: str
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
    runs: Sequence[Running], figures: Sequence[LineFigures], margins: Tree, currency: str
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


def _input_sha256(settled: Settled, pins: Pins) -> str:
    scene = settled.scene
    tree = {
        "ask": scene.ask.tree(scene.book.attributes),
        "book": _pin_tree(pins[0]),
        "engine": scene.engine.name,
        "fx": _pin_tree(pins[1]),
    }
    return sha256(sealed(tree)).hexdigest()


def _pin_tree(pin: Pin) -> Tree:
    return {"id": pin.id, "sha256": pin.sha256, "version": pin.version}


def _pinned(settled: Settled, pins: Pins, input_sha256: str) -> Tree:
    """Return the first part of the trace, the keys of everything in it in order."""
    scene = settled.scene
    rate = scene.fx_rate
    return {
        "book": _pin_tree(pins[0]),
        "breaches": in_order([each.model_dump(mode="json") for each in settled.breaches]),
        "currency": scene.currency,
        "day": scene.ask.day,
        "engine": scene.engine.name,
        "fx": _pin_tree(pins[1]),
        "fx_rate": in_order(rate.model_dump(mode="json")) if rate else None,
        "input_sha256": input_sha256,
    }


def _trace(settled: Settled, figures: Sequence[LineFigures], margins: Tree) -> Tree:
    """Return the second part of the trace, in order."""
    engine, currency = settled.scene.engine, settled.scene.currency
    return {
        "internal": _internal_tree(settled, figures, margins),
        "lines": [
            _line_tree(run, found, engine, currency)
            for run, found in zip(settled.runs, figures, strict=True)
        ],
        "stages": engine.stages,
    }


def _internal_tree(settled: Settled, figures: Sequence[LineFigures], margins: Tree) -> Tree:
    fields, currency = settled.scene.engine.internal_fields, settled.scene.currency
    tree: Tree = {name: _plain(value) for name, value in margins.items() if name in fields}
    tree["lines"] = [
        {
            "cost": {"amount": str(found.cost), "currency": currency},
            "line": run.line.number,
            "margin": {"amount": str(found.margin), "currency": currency},
            "margin_percent": str(found.margin_percent),
        }
        for run, found in zip(settled.runs, figures, strict=True)
    ]
    if settled.pocket is not None:
        numbers = [number for number, _ in settled.pocket.steps]
        trees = step_trees((step for _, step in settled.pocket.steps), unit_of(currency))
        tree["off_invoice"] = [[each, *step] for each, step in zip(numbers, trees, strict=True)]
    return {name: tree[name] for name in sorted(tree)}


def _plain(value: Money | Percent | None) -> Any:
    if isinstance(value, Money):
        return {"amount": f"{value.amount:f}", "currency": value.currency}
    return None if value is None else f"{value.root:f}"


def _line_tree(run: Running, found: LineFigures, engine: Engine, currency: str) -> Tree:
    """Return a line as plain JSON, with the fields that the engine knows, in order.

    Amounts of money have six decimals at most, percentages two: their text has no exponent.
    """
    line = run.line
    entry = line.offer.entry
    tree = {
        "charge": entry.charge,
        "discount": {"amount": str(found.discount), "currency": currency},
        "estimate": entry.estimate,
        "item_id": line.item_id,
        "line": line.number,
        "list_total": {"amount": str(found.list_total), "currency": currency},
        "list_unit": {"amount": str(found.list_unit), "currency": currency},
        "name": line.name,
        "net_total": {"amount": str(found.net_total), "currency": currency},
        "net_unit": {"amount": str(found.net_unit), "currency": currency},
        "quantity": plain(line.quantity),
        "skipped": run.skipped,
        "sku": entry.sku,
        "steps": step_trees(run.steps, unit_of(currency)),
        "unit": line.unit,
    }
    if "estimate" not in engine.line_fields:
        del tree["estimate"]
    return tree
