"""`make bench`: measure, print a table, write bench/results.json, fail below a floor."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from infra import log as logs
from tests.bench import latency, lifecycles, report


def main() -> int:
    """Run all benchmarks; returns 1 if a figure is below its floor."""
    wanted = argparse.ArgumentParser(prog="make bench ARGS=...")
    wanted.add_argument("--walks", type=int, default=60, help="walks per bus")
    wanted.add_argument("--lifecycles", type=int, default=100, help="lifecycles per round")
    wanted.add_argument("--rounds", type=int, default=3)
    asked = wanted.parse_args()
    logs.configure("error", "console")
    home = Path(tempfile.mkdtemp(prefix="quotewright-bench-"))
    try:
        rows = [
            *latency.interleaved(home, asked.walks),
            *lifecycles.measured(home / "l", asked.lifecycles, asked.rounds),
        ]
    finally:
        shutil.rmtree(home, ignore_errors=True)
    report.write(rows)
    report.show(rows, Console())
    below = [row.metric for row in rows if not row.meets(row.floor)]
    for metric in below:
        Console(stderr=True).print(f"below its floor: {metric}")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
