"""Put what was settled into the words of the contract, beside the trace that is kept.

Both come from the same plain figures; lines and margins of the contract are made when somebody
asks for them: a search for a discount or a proof never does.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from hashlib import sha256

from contracts.pricing import LineMargin, PricedLine, PriceInternal
from contracts.values import LineQuantity, Money, Percent, Pin
from services.pricer.domain.asks.ask import Priced
from services.pricer.domain.books.canonical import in_order, sealed
from services.pricer.domain.prices.figures import (
    LineFigures,
    Settled,
    line_figures,
    margins_of,
    totals_of,
)
from services.pricer.domain.prices.written import Tree, written
from services.pricer.domain.waterfall.running import Running

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
        trace=written(settled, figures, margins, _pinned(settled, pins, input_sha256)),
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
