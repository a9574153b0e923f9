"""`make bench-peers`: our engine with its full trace beside Tryton, same baskets, same run.

Both price the same lines in turn, and every unit price, amount and total must be equal; then come
the times, and how many times as long Tryton takes. docs/beside-tryton.md says what each side does.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from infra.local import SUPERUSER, LocalPostgres
from infra.setup import TRYTON
from tests.bench import report
from tests.bench.peers import wares
from tests.bench.peers.beside import measured, rows_of, table_of
from tests.bench.peers.peer import Peer

WORKER = Path(__file__).with_name("tryton_worker.py")
RESULTS = report.RESULTS.parent / "peers" / "results.json"


def main() -> int:
    """Measure, print, write; returns 1 if ours is slower."""
    wanted = argparse.ArgumentParser(prog="make bench-peers ARGS=...")
    wanted.add_argument("--rounds", type=int, default=5, help="rounds, after one to warm up")
    rounds = wanted.parse_args().rounds
    console = Console()
    with LocalPostgres.ephemeral() as server, tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"TRYTOND_DATABASE_URI": server.dsn(SUPERUSER, "")}
        command = [str(TRYTON / "bin" / "python"), str(WORKER)]
        with Peer(command, environment, Path(home) / "tryton.log") as tryton:
            console.print("Tryton makes its database and the shop, a minute or two ...")
            versions = tryton.ask("open", wares.tryton_wares())["versions"]
            console.print("Both price the same baskets in turn ...")
            took = measured(tryton, rounds)
    rows = rows_of(took, versions["trytond"])
    report.write(rows, RESULTS, versions)
    console.print(table_of(took, versions["trytond"]))
    below = [row.metric for row in rows if not row.meets(row.floor)]
    for metric in below:
        Console(stderr=True).print(f"below its floor: {metric}")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
