"""What a benchmark says: one row per metric, a table for people, a file for machines, a verdict."""

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).resolve().parents[2] / "bench" / "results.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One metric; `bound` says whether floor and goal are about the value or about value/reference."""

    metric: str
    value: float
    unit: str
    better: Literal["higher", "lower"]
    bound: Literal["value", "ratio"]
    reference: str
    reference_value: float | None
    floor: float | None
    goal: float | None

    @property
    def judged(self) -> float:
        """The figure that floor and goal are about."""
        if self.bound == "ratio" and self.reference_value:
            return self.value / self.reference_value
        return self.value

    def meets(self, limit: float | None) -> bool:
        """Say whether the figure is on the right side of a limit."""
        if limit is None:
            return True
        return self.judged >= limit if self.better == "higher" else self.judged <= limit


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile: the smallest value that at least this share does not pass."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def write(
    rows: Sequence[Row], path: Path = RESULTS, versions: Mapping[str, str] | None = None
) -> None:
    """Write the list of rows, as promised to its readers, and beside it where and when it was measured.

    `versions`: those of what others made and is measured beside ours.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
    about: dict[str, object] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
    }
    if versions:
        about["versions"] = versions
    path.with_name("machine.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def show(rows: Sequence[Row], console: Console) -> None:
    """Print the table."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("metric", "value", "unit", "floor", "goal", "reference", "its value", "verdict"):
        table.add_column(name, overflow="fold")
    for row in rows:
        verdict = (
            "BELOW" if not row.meets(row.floor) else "goal" if row.meets(row.goal) else "floor"
        )
        table.add_row(
            row.metric,
            f"{row.value:.3g}",
            row.unit,
            "" if row.floor is None else f"{row.floor:g}",
            "" if row.goal is None else f"{row.goal:g}",
            row.reference,
            "" if row.reference_value is None else f"{row.reference_value:.3g}",
            verdict if row.floor is not None or row.goal is not None else "",
        )
    console.print(table)
