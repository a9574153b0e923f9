"""The trace of a price as it is kept: canonical JSON, written straight from the figures.

A trace has thousands of parts; to make plain objects of them first takes as long as the price. So
the keys stand here in the order of their names, and what is text of people or books is `quoted`.
Amounts of money have six decimals at most, percentages two: their text has no exponent.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from json.encoder import encode_basestring as quoted
from typing import Any

from contracts.values import Money, Percent, unit_of
from services.pricer.domain.asks.engines import Engine
from services.pricer.domain.asks.trace import Skipped, Step, plain, trimmed
from services.pricer.domain.books.canonical import sealed
from services.pricer.domain.prices.figures import LineFigures, Settled
from services.pricer.domain.waterfall.off_invoice import Pocket
from services.pricer.domain.waterfall.running import Running

Tree = dict[str, Any]
NONE = "null"


def written(settled: Settled, figures: Sequence[LineFigures], margins: Tree, pinned: Tree) -> bytes:
    """Return the whole trace; `pinned` is its first part, plain and in order."""
    engine, currency = settled.scene.engine, settled.scene.currency
    lines = LinesWritten(currency, has_estimate="estimate" in engine.line_fields)
    texts = [lines.line(*each).encode() for each in zip(settled.runs, figures, strict=True)]
    begin = f'{sealed(pinned).decode()[:-1]},"internal":{_internal(settled, figures, margins)}'
    return b"".join(
        (
            f'{begin},"lines":['.encode(),
            b",".join(texts),
            f'],"stages":{_stages(engine)}}}'.encode(),
        )
    )


@cache
def _stages(engine: Engine) -> str:
    return sealed(engine.stages).decode()


class LinesWritten:
    """Writes the lines of one answer."""

    def __init__(self, currency: str, *, has_estimate: bool) -> None:
        self._unit = unit_of(currency)
        self._ends = _ends(currency)
        self._has_estimate = has_estimate
        self._skipped = SkippedWritten()

    def line(self, run: Running, found: LineFigures) -> str:
        """Write a line, with the fields that the engine knows."""
        line, ends = run.line, self._ends
        entry = line.offer.entry
        estimate = ""
        if self._has_estimate:
            estimate = f'"estimate":{"true" if entry.estimate else "false"},'
        return (
            f'{{"charge":"{entry.charge}",'
            f'"discount":{{"amount":"{found.discount!s}{ends},'
            f"{estimate}"
            f'"item_id":{quoted(line.item_id)},'
            f'"line":{line.number},'
            f'"list_total":{{"amount":"{found.list_total!s}{ends},'
            f'"list_unit":{{"amount":"{found.list_unit!s}{ends},'
            f'"name":{quoted(line.name)},'
            f'"net_total":{{"amount":"{found.net_total!s}{ends},'
            f'"net_unit":{{"amount":"{found.net_unit!s}{ends},'
            f'"quantity":"{plain(line.quantity)}",'
            f'"skipped":[{",".join(map(self._skipped.__getitem__, run.skipped))}],'
            f'"sku":{quoted(entry.sku)},'
            f'"steps":[{",".join(_steps(run.steps, self._unit))}],'
            f'"unit":{quoted(line.unit)}}}'
        )


class SkippedWritten(dict[Skipped, str]):
    """Skipped rules as JSON; most lines of an answer skip the same ones."""

    def __missing__(self, skipped: Skipped) -> str:
        stage, rule, version, why = skipped
        text = self[skipped] = f'["{stage}",{quoted(rule)},{version},{quoted(why)}]'
        return text


def _ends(currency: str) -> str:
    """Return how every amount of the quote ends."""
    return f'","currency":{quoted(currency)}}}'


def _steps(steps: Iterable[Step], unit: Decimal) -> list[str]:
    found, last, text = [], None, ""
    for stage, rule, version, basis, before, after, amount, sentence, note in steps:
        was = text if before is last else trimmed(before, unit)
        # What is in minor units already is no call: most of the time of a trace would go into it.
        last, text = after, str(after) if after.same_quantum(unit) else trimmed(after, unit)
        off = str(amount) if amount.same_quantum(unit) else trimmed(amount, unit)
        found.append(
            f'["{stage}",{quoted(rule)},{NONE if version is None else version},"{basis}",'
            f'"{was}","{text}","{off}",'
            f"{quoted(sentence)},{NONE if note is None else quoted(note)}]"
        )
    return found


# ---- for our own eyes


def _internal(settled: Settled, figures: Sequence[LineFigures], margins: Tree) -> str:
    fields, currency = settled.scene.engine.internal_fields, settled.scene.currency
    ends = _ends(currency)
    lines = [
        f'{{"cost":{{"amount":"{found.cost!s}{ends},"line":{run.line.number},'
        f'"margin":{{"amount":"{found.margin!s}{ends},"margin_percent":"{found.margin_percent!s}"}}'
        for run, found in zip(settled.runs, figures, strict=True)
    ]
    members = {name: _value(value) for name, value in margins.items() if name in fields}
    members["lines"] = f"[{','.join(lines)}]"
    if settled.pocket is not None:
        members["off_invoice"] = _off_invoice(settled.pocket, unit_of(currency))
    return _object(members)


def _object(members: Mapping[str, str]) -> str:
    found = ",".join([f'"{name}":{members[name]}' for name in sorted(members)])
    return f"{{{found}}}"


def _value(value: Money | Percent | None) -> str:
    if isinstance(value, Money):
        return f'{{"amount":"{value.amount:f}{_ends(value.currency)}'
    return NONE if value is None else f'"{value.root:f}"'


def _off_invoice(pocket: Pocket, unit: Decimal) -> str:
    """Write the steps below the net price, each after the number of its line."""
    steps = _steps((step for _, step in pocket.steps), unit)
    numbered = [
        f"[{number},{step[1:]}" for (number, _), step in zip(pocket.steps, steps, strict=True)
    ]
    return f"[{','.join(numbered)}]"
