"""`python -m tests.peer.scale`: time and memory of the largest models that peers publish.

Not a test: minutes on a busy machine. Prints a table; each model is drawn from a fixed seed.
"""

import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.report import percentile
from tests.peer import generated
from tests.peer.clauses import Clauses
from tests.peer.engines import Peer
from tests.peer.table_files import read_tables

WALKS, CLICKS = 10, 10


def main() -> int:
    """Measure the models that are named, by default both."""
    for each in sys.argv[1:] or ("tables", "clauses"):
        began = time.perf_counter()
        model = _tables() if each == "tables" else generated.clauses(random.Random(1))
        _say(f"{each}: read", began)
        print(
            f"  {len(model.names)} options, {model.variables} variables, {len(model.clauses)} clauses"
        )
        _measure(model)
    return 0


def _tables() -> Clauses:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "generated.tables.json"
        path.write_text(json.dumps(generated.tables(random.Random(1))), encoding="utf-8")
        return read_tables(path)


def _measure(model: Clauses) -> None:
    began = time.perf_counter()
    peer = Peer(model)
    _say("made ready", began)
    if peer.circuit is None:
        print("  no circuit")
        return
    began = time.perf_counter()
    print(f"  {peer.circuit.count([])} configurations")
    _say("counted", began)
    chance, took = random.Random(2), []
    for _ in range(WALKS):
        chosen: list[int] = []
        for _ in range(CLICKS):
            began = time.perf_counter()
            found = peer.circuit.possible(chosen)
            took.append((time.perf_counter() - began) * 1000)
            assert found is not None
            open_ = [
                each
                for each in range(1, len(model.names) + 1)
                if all(found[2 * each - 2 : 2 * each])
            ]
            if not open_:
                break
            each = chance.choice(open_)
            chosen.append(each if chance.random() < 0.7 else -each)
    print(f"  click {percentile(took, 0.5):.2f} / {percentile(took, 0.99):.2f} ms (p50 / p99)")
    began = time.perf_counter()
    print(f"  cheapest {peer.cheapest([])}")
    _say("cheapest", began)
    began = time.perf_counter()
    witness = peer.solver.solve({})
    _say("one configuration by solver", began)
    assert witness is not None
    began = time.perf_counter()
    same = peer.by_solver([]) == peer.by_circuit([])
    _say(f"all options by solver, the same: {same}", began)


def _say(what: str, began: float) -> None:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    print(
        f"{what}: {time.perf_counter() - began:.2f} s, {most} MiB, compiler {child} MiB", flush=True
    )


if __name__ == "__main__":
    sys.exit(main())
