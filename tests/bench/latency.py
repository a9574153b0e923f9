"""How long a CRM waits: from its opportunity to the delivered write-back that says presented, PDF and all."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quotewright.demo import Stage, opportunity, ready, stage
from quotewright.laptop import BusName, Laptop
from tests.bench.report import Row, percentile

EXAMPLES = ("city_macro", "rural_lte", "street_micro")
LIMITS = {
    "embedded": {"p50": (1.0, 0.6), "p99": (2.5, 1.2)},
    "kafka": {"p50": (1.5, 0.8), "p99": (3.0, 1.5)},
}
WARM_UP = 6


@contextmanager
def running(home: Path, bus: BusName) -> Iterator[Stage]:
    """Run the house on a bus and warm it up: the first walks load catalogues and fonts."""
    with stage(Laptop(home, bus)) as place:
        ready(place)
        for number in range(WARM_UP):
            once(place, number)
        yield place


def once(place: Stage, number: int) -> float:
    """Let one opportunity run to presented; returns seconds."""
    record = f"bench-{secrets.token_hex(6)}"
    asked = opportunity(record, EXAMPLES[number % len(EXAMPLES)])
    began = time.monotonic()
    place.say("opportunity.opened", asked)
    told = place.told(record, "Presented")
    return float(told["_taken_at"]) - began


def interleaved(home: Path, walks: int) -> list[Row]:
    """Measure both buses in turn, so that both see the same weather."""
    took: dict[str, list[float]] = {"embedded": [], "kafka": []}
    with running(home / "e", "embedded") as embedded, running(home / "k", "kafka") as kafka:
        for number in range(walks):
            took["embedded"].append(once(embedded, number))
            took["kafka"].append(once(kafka, number))
    return [row for bus, values in took.items() for row in _rows(bus, values)]


def _rows(bus: str, values: list[float]) -> list[Row]:
    rows = []
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        floor, goal = LIMITS[bus][name]
        rows.append(
            Row(
                metric=f"opportunity to write-back, {bus}, {name}",
                value=round(percentile(values, share), 4),
                unit="s",
                better="lower",
                bound="value",
                reference=f"fastest of {len(values)} walks in the same run",
                reference_value=round(min(values), 4),
                floor=floor,
                goal=goal,
            )
        )
    return rows
