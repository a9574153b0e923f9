"""`make bench`: measure, print a table, write bench/results.json, fail below a floor."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console

from infra import log as logs
from infra.setup import remove_rooms
from tests.bench import (
    commands,
    engine,
    latency,
    lifecycles,
    loads,
    options,
    pages,
    prices,
    projection,
    relay,
    releases,
    report,
    visible,
    what_ifs,
)
from tests.bench.report import Row

Part = Callable[[Path, argparse.Namespace], list[Row]]
PARTS: Mapping[str, Part] = {
    "latency": lambda home, asked: latency.interleaved(home, asked.walks),
    "lifecycles": lambda home, asked: lifecycles.measured(home, asked.lifecycles, 3),
    "commands": lambda home, asked: commands.measured(home, asked.rounds),
    "loads": lambda home, asked: loads.measured(home, asked.rounds),
    "options": lambda _, asked: options.measured(asked.rounds),
    "prices": lambda _, asked: prices.measured(asked.rounds),
    "releases": lambda _, asked: releases.measured(asked.rounds),
    "pages": lambda home, asked: pages.measured(home, asked.rounds),
    "projection": lambda home, asked: projection.measured(home, asked.rounds, asked.facts),
    "relay": lambda home, asked: relay.measured(home, asked.rounds),
    "visible": lambda home, asked: visible.measured(home, asked.rounds),
    "engine": lambda _, asked: engine.measured(asked.rounds),
    "what_ifs": lambda _, asked: what_ifs.measured(asked.rounds),
}


def main() -> int:
    """Run the benchmarks; returns 1 if a figure is below its floor."""
    wanted = argparse.ArgumentParser(prog="make bench ARGS=...")
    wanted.add_argument("--walks", type=int, default=60, help="walks per bus")
    wanted.add_argument("--lifecycles", type=int, default=100, help="lifecycles per round")
    wanted.add_argument("--rounds", type=int, default=5, help="interleaved rounds of the others")
    wanted.add_argument("--facts", type=int, default=40_000, help="facts that are rebuilt from")
    wanted.add_argument(
        "--only", choices=PARTS, action="append", help="measure this; results.json stays as it is"
    )
    asked = wanted.parse_args()
    logs.configure("error", "console")
    home = Path(tempfile.mkdtemp(prefix="quotewright-bench-"))
    try:
        rows = [
            row
            for name, part in PARTS.items()
            if asked.only is None or name in asked.only
            for row in part(home / name, asked)
        ]
    finally:
        remove_rooms(home)
        shutil.rmtree(home, ignore_errors=True)
    if asked.only is None:
        report.write(rows)
    report.show(rows, Console())
    below = [row.metric for row in rows if not row.meets(row.floor)]
    for metric in below:
        Console(stderr=True).print(f"below its floor: {metric}")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
